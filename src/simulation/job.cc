// SPDX-License-Identifier: Apache-2.0
#include "job.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "sparkfit/admission/admission.h"
#include "sparkfit/base/quantity.h"
#include "sparkfit/simulation/jvm_constants.h"

namespace sparkfit::simulation {
namespace {

using base::Bytes;
using base::Duration;
using base::Time;

constexpr Time kBegin{std::chrono::hours(24 * 20000)};
constexpr char kContainer[] = "spark-kubernetes-executor";

Bytes FromMiB(double mib) { return {static_cast<std::int64_t>(mib * Bytes::kMiB)}; }

Duration Seconds(double seconds) { return Duration(std::llround(seconds * 1000)); }

std::string DriverOf(const std::string& application) { return application + "-driver"; }

void Set(model::PodFacts& pod, model::Setting setting, std::string_view value) {
  pod.settings.Edit().Offer({setting, 0}, value);
}

// How a pod with one container, made by Spark, looks to admission.
model::PodPlaces PlacesOf(const model::PodFacts& pod) {
  model::PodPlaces places;
  places.candidates = 1;
  places.heap_variable = 0;
  places.has_annotations = true;
  places.request = pod.request;
  places.limit_text = base::FormatQuantity(pod.size.limit);
  places.heap_text = fmt::format("{}m", pod.size.heap->WholeMiB());
  return places;
}

// Of the whole container; page cache is there from the first task that ended.
double WorkingSet(const Executor& executor, double files) {
  const double cache = executor.tasks_done > 0 ? files : 0;
  return std::min(executor.size.Limit(), executor.touched + executor.outside + cache);
}

// What its driver tells of an executor by now.
model::ExecutorReading ReadingOf(const Executor& executor) {
  model::ExecutorReading reading;
  reading.id = fmt::format("{}", executor.id);
  reading.heap_peak = FromMiB(executor.touched);
  reading.unified_peak = FromMiB(executor.unified_peak);
  reading.storage_peak = FromMiB(executor.storage_peak);
  reading.unified_room = FromMiB(UnifiedRoom(executor.size.heap));
  reading.busy = Seconds(executor.busy);
  reading.collecting = Seconds(executor.collecting);
  reading.tasks_done = static_cast<std::int64_t>(executor.tasks_done);
  reading.tasks_failed = static_cast<std::int64_t>(executor.tasks_failed);
  reading.input = FromMiB(executor.input);
  reading.shuffle_read = FromMiB(executor.shuffle_read);
  reading.stored = FromMiB(executor.cached);
  reading.spilled = FromMiB(executor.spilled);
  reading.active = executor.Alive();
  return reading;
}

model::Termination TerminationOf(const Executor& executor, const std::string& uid, Time at,
                                 bool killed_at_end) {
  const auto id = uid + "-container";
  switch (executor.ending) {
    case Ending::kHeapOom:
      return {id, "Error", 52, at};
    case Ending::kContainerOom:
      return {id, "OOMKilled", 137, at};
    case Ending::kAlive:
    case Ending::kDismissed:
      break;
  }
  if (killed_at_end) return {id, "Error", 143, at};
  return {id, "Completed", 0, at};
}

}  // namespace

Job::Job(const Profile& profile, const controller::PipelineOptions& pipeline,
         const LoopOptions& options)
    : profile_(profile),
      options_(options),
      key_{"simulation", fmt::format("job-{}", profile.number), 0},
      pipeline_(pipeline),
      start_(kBegin) {}

RunResult Job::Play(std::uint32_t number, double factor) {
  application_ = fmt::format("run-{}", number);
  pods_.clear();
  ShowDriver(start_, model::EventType::kAdded, model::PodPhase::kRunning);
  const auto result = Run(profile_, number, factor, *this).Play();
  const auto end = At(result.seconds);
  ShowDriver(end, model::EventType::kModified,
             result.Failed() ? model::PodPhase::kFailed : model::PodPhase::kSucceeded);
  start_ = std::max(start_ + profile_.period, end + kBetweenRuns);
  // Late samples are over.
  pipeline_.AdvanceTo(end + kBetweenRuns / 2);
  return result;
}

Time Job::At(double now) const { return start_ + Seconds(now); }

std::optional<double> Job::SampleEvery() const { return options_.sample_seconds; }

model::PodFacts Job::NewPod(std::uint32_t id, Time at) const {
  model::PodFacts pod;
  pod.name_space = key_.name_space;
  pod.name = pod.uid = fmt::format("{}-exec-{}", application_, id);
  pod.owner_uid = DriverOf(application_);
  pod.app_selector = application_;
  pod.executor_id = fmt::format("{}", id);
  pod.role = model::PodRole::kExecutor;
  pod.phase = model::PodPhase::kRunning;
  pod.created = at;
  pod.container = kContainer;
  pod.size = pod.submitted = profile_.submitted;
  pod.request = profile_.submitted.limit;
  pod.cores = fmt::format("{}", profile_.cores);
  Set(pod, model::Setting::kSignature, key_.signature);
  Set(pod, model::Setting::kMode, model::Name(model::Mode::kInitial));
  return pod;
}

model::ExecutorSize Job::Admit(double now, std::uint32_t id) {
  auto pod = NewPod(id, At(now));
  SizeByAdmission(pod);
  pods_.push_back(std::move(pod));
  return pods_.back().size;
}

// What the webhook knows of a run that is under way (cluster/advisor.h).
admission::RunState Job::StateOfRun() const {
  admission::RunState state;
  for (const auto& pod : pods_) {
    if (pod.trial) continue;
    if (!state.first) state.first = pod.size;
    const auto oom = [&] {
      return model::OomOf(model::ClassifyEnd(pod, *pod.ended, std::nullopt)).has_value();
    };
    state.out_of_memory = state.out_of_memory || (pod.ended && oom());
  }
  return state;
}

void Job::SizeByAdmission(model::PodFacts& pod) const {
  static const admission::Limits kNoLimits;
  const auto row = pipeline_.Recommend(key_);
  const auto advice =
      row ? admission::AdviceFrom(*row->history, row->recommendation) : admission::Advice{};
  const auto places = PlacesOf(pod);
  const auto decision = admission::Decide({.pod = pod,
                                           .places = places,
                                           .driver = nullptr,
                                           .advice = row ? &advice : nullptr,
                                           .run = StateOfRun(),
                                           .limits = kNoLimits});
  if (!decision.patch) return;
  pod.size = {decision.patch->limit, decision.patch->heap};
  if (decision.reason == admission::Reason::kTrial) pod.trial = advice.trial->part;
}

void Job::Created(double now, const Executor& executor) {
  Observe(At(now), model::EventType::kAdded, pods_[executor.id - 1]);
}

void Job::Sampled(double now, const Executor& executor) {
  model::UsageSample sample;
  sample.name_space = key_.name_space;
  sample.pod = pods_[executor.id - 1].name;
  sample.timestamp = At(now);
  sample.containers.push_back({kContainer, FromMiB(WorkingSet(executor, profile_.files))});
  pipeline_.Observe({At(now), std::move(sample)});
}

void Job::Asked(double now, const std::vector<Executor>& executors) {
  if (!options_.driver_metrics) return;
  model::DriverReading reading{key_.name_space, application_, {}};
  for (const auto& executor : executors) {
    if (executor.registered) reading.executors.push_back(ReadingOf(executor));
  }
  pipeline_.Observe({At(now), std::move(reading)});
}

// The driver deletes whatever has ended.
void Job::Ended(double now, const Executor& executor) {
  auto& pod = pods_[executor.id - 1];
  pod.ended = TerminationOf(executor, pod.uid, At(now), profile_.killed_at_end);
  pod.phase = pod.ended->exit_code == 0 ? model::PodPhase::kSucceeded : model::PodPhase::kFailed;
  pod.deleted = executor.ending == Ending::kDismissed && profile_.killed_at_end;
  Observe(At(now), model::EventType::kModified, pod);
  Observe(At(now), model::EventType::kDeleted, pod);
}

void Job::ShowDriver(Time at, model::EventType event, model::PodPhase phase) {
  model::PodFacts pod;
  pod.name_space = key_.name_space;
  pod.name = pod.uid = DriverOf(application_);
  pod.app_selector = application_;
  pod.role = model::PodRole::kDriver;
  pod.phase = phase;
  pod.created = start_;
  Observe(at, event, pod);
}

void Job::Observe(Time at, model::EventType event, const model::PodFacts& pod) {
  pipeline_.Observe({at, model::PodEvent{event, pod, false}});
}

}  // namespace sparkfit::simulation
