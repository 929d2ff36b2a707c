// SPDX-License-Identifier: Apache-2.0
#include "job.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

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

void Set(model::PodFacts& pod, model::Setting setting, std::string_view value) {
  pod.settings.Offer({setting, 0}, value);
}

model::PodFacts MakePod(const model::Key& key, const std::string& application,
                        const std::string& name, const model::ExecutorSize& submitted, Time at) {
  model::PodFacts pod;
  pod.name_space = key.name_space;
  pod.name = pod.uid = pod.executor_id = name;
  pod.app_selector = application;
  pod.role = model::PodRole::kExecutor;
  pod.phase = model::PodPhase::kRunning;
  pod.created = at;
  pod.container = kContainer;
  pod.size = pod.submitted = submitted;
  pod.request = submitted.limit;
  pod.cores = "1";
  Set(pod, model::Setting::kSignature, key.signature);
  Set(pod, model::Setting::kMode, model::Name(model::Mode::kInitial));
  return pod;
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

// What the leader's webhook knows.
admission::Advice AdviceFrom(const controller::KeyRecommendation& row) {
  admission::Advice advice;
  advice.target = row.recommendation.target;
  advice.overhead = row.recommendation.overhead;
  advice.low_confidence = row.low_confidence;
  if (const auto* shape = row.history->CurrentShape(); shape != nullptr) {
    advice.shape = shape->shape;
  }
  return advice;
}

}  // namespace

Job::Job(const Profile& profile, const model::ExecutorSize& submitted,
         const controller::PipelineOptions& options, bool driver_metrics)
    : profile_(profile),
      submitted_(submitted),
      key_{"simulation", fmt::format("job-{}", profile.number), 0},
      pipeline_(options),
      driver_metrics_(driver_metrics),
      next_run_(kBegin) {}

RunResult Job::Run(double factor) {
  factor_ = factor;
  result_ = {};
  attempts_.clear();
  for (int i = 0; i < profile_.executors; ++i) {
    Add(next_run_ + i * kCreatedEvery, static_cast<std::uint32_t>(i), 1);
  }
  Time last = next_run_;
  while (!events_.empty()) {
    const auto event = events_.top();
    events_.pop();
    last = event.at;
    auto& attempt = attempts_[event.attempt];
    switch (event.kind) {
      case Kind::kCreate:
        Create(attempt, event.at, event.attempt);
        break;
      case Kind::kSample:
        Sample(attempt, event.at);
        break;
      case Kind::kEnd:
        EndAttempt(attempt, event.at);
        break;
    }
  }
  ++runs_;
  next_run_ = std::max(next_run_ + profile_.period, last + kBetweenRuns);
  // Late samples are over, and the application has ended.
  pipeline_.AdvanceTo(last + kBetweenRuns / 2);
  return result_;
}

void Job::Plan(Time at, Kind kind, std::size_t attempt) {
  events_.push({at, planned_++, kind, attempt});
}

void Job::Add(Time at, std::uint32_t executor, int number) {
  Attempt attempt;
  attempt.executor = executor;
  attempt.number = number;
  attempts_.push_back(std::move(attempt));
  Plan(at, Kind::kCreate, attempts_.size() - 1);
}

void Job::Create(Attempt& attempt, Time at, std::size_t index) {
  const auto application = fmt::format("run-{}", runs_);
  const auto name = fmt::format("{}-exec-{}-{}", application, attempt.executor, attempt.number);
  attempt.pod = MakePod(key_, application, name, submitted_, at);
  attempt.pod.size = Admitted(attempt.pod);
  attempt.life = Live(NeedOf(profile_, runs_, attempt.executor).Scaled(factor_), attempt.pod.size);
  if (index == 0) {
    result_.size = attempt.pod.size.limit;
    result_.heap = *attempt.pod.size.heap;
  }
  Observe(at, model::EventType::kAdded, attempt.pod);
  const auto end = at + Seconds(attempt.life.seconds);
  const auto phase = Seconds(kSampleSeconds * SamplePhase(profile_, runs_, attempt.executor));
  for (auto sample = at + phase; sample < end; sample += Seconds(kSampleSeconds)) {
    Plan(sample, Kind::kSample, index);
  }
  Plan(end, Kind::kEnd, index);
}

void Job::Sample(const Attempt& attempt, Time at) {
  const std::chrono::duration<double> age = at - attempt.pod.created;
  const double working_set = attempt.life.WorkingSetAt(age.count());
  model::UsageSample sample;
  sample.name_space = key_.name_space;
  sample.pod = attempt.pod.name;
  sample.timestamp = at;
  sample.containers.push_back({kContainer, FromMiB(working_set)});
  pipeline_.Observe({at, std::move(sample)});
  if (driver_metrics_) pipeline_.Observe({at, ReadingOf(attempt, age.count())});
}

// What its driver tells of an executor by now.
model::DriverReading Job::ReadingOf(const Attempt& attempt, double age) const {
  const auto& life = attempt.life;
  const double heap = attempt.pod.size.heap->InMiB();
  const double grown = life.GrownAt(age);
  const double collected = age / life.seconds;
  model::ExecutorReading executor;
  executor.id = attempt.pod.executor_id;
  executor.heap_peak = FromMiB(life.heap_peak * grown);
  executor.unified_peak = FromMiB(life.unified * grown);
  executor.unified_room = FromMiB(kUnifiedShare * (heap - kReservedMiB));
  executor.busy = Seconds(age);
  executor.collecting =
      Seconds(life.gc_seconds * collected * CollectingNoise(profile_, runs_, attempt.executor));
  return {attempt.pod.name_space, attempt.pod.app_selector, {executor}};
}

void Job::EndAttempt(Attempt& attempt, Time at) {
  auto& pod = attempt.pod;
  model::Termination ended{pod.uid + "-container", "Completed", 0, at};
  if (attempt.life.end == End::kContainerOom) {
    ended.reason = "OOMKilled";
    ended.exit_code = 137;
  } else if (attempt.life.end == End::kHeapOom) {
    ended.reason = "Error";
    ended.exit_code = 52;
  }
  const bool died = attempt.life.end != End::kDone;
  pod.phase = died ? model::PodPhase::kFailed : model::PodPhase::kSucceeded;
  pod.ended = ended;
  Observe(at, model::EventType::kModified, pod);
  Observe(at, model::EventType::kDeleted, pod);
  if (!died) return;
  ++result_.ooms;
  if (attempt.number == kMostAttempts) {
    result_.failed = true;
  } else {
    Add(at + kReplacedAfter, attempt.executor, attempt.number + 1);
  }
}

model::ExecutorSize Job::Admitted(const model::PodFacts& pod) const {
  static const admission::Limits kNoLimits;
  const auto row = pipeline_.Recommend(key_);
  const auto advice = row ? AdviceFrom(*row) : admission::Advice{};
  const auto places = PlacesOf(pod);
  const auto decision = admission::Decide({.pod = pod,
                                           .places = places,
                                           .driver = nullptr,
                                           .advice = row ? &advice : nullptr,
                                           .limits = kNoLimits});
  if (!decision.patch) return pod.size;
  return {decision.patch->limit, decision.patch->heap};
}

void Job::Observe(Time at, model::EventType type, const model::PodFacts& pod) {
  pipeline_.Observe({at, model::PodEvent{type, pod, false}});
}

}  // namespace sparkfit::simulation
