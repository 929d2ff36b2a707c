// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/eventlog/observations.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <queue>
#include <tuple>
#include <utility>

#include "sparkfit/base/text.h"
#include "sparkfit/eventlog/job_name.h"
#include "sparkfit/eventlog/sizes.h"
#include "sparkfit/model/settings.h"
#include "sparkfit/wire/observation_log.h"
#include "sparkfit/wire/pod_json.h"

namespace sparkfit::eventlog {
namespace {

using base::Time;
using model::EventType;
using nlohmann::json;

constexpr std::string_view kRedacted = "*********(redacted)";
// The pod of a driver is there for a while after its end. Then late samples are over, which counts
// where the log ends with it.
constexpr base::Duration kDriverKept = std::chrono::minutes(2);
constexpr int kHeapOom = 52;  // SparkExitCode.OOM
constexpr int kSigKill = 137;

bool IsOnKubernetes(const Application& application) {
  const auto is = [](const auto& property) {
    return property.first.starts_with("spark.kubernetes.");
  };
  return application.Property("spark.master").starts_with("k8s://") ||
         std::any_of(application.properties.begin(), application.properties.end(), is);
}

// What is told, and not hidden.
std::string_view Told(const Application& application, std::string_view key) {
  const auto value = application.Property(key);
  return value == kRedacted ? std::string_view() : value;
}

std::string NamespaceOf(const Application& application) {
  const auto told = Told(application, "spark.kubernetes.namespace");
  return std::string(base::Beginning(told.empty() ? "default" : told, 63));
}

std::string PodPrefix(const Application& application) {
  const auto told = Told(application, "spark.kubernetes.executor.podNamePrefix");
  return std::string(base::Beginning(told.empty() ? application.id : told, 237));
}

std::string DriverName(const Application& application) {
  const auto told = Told(application, "spark.kubernetes.driver.pod.name");
  return told.empty() ? PodPrefix(application) + "-driver"
                      : std::string(base::Beginning(told, 253));
}

// spark.kubernetes.<role>.label.<key>: what Spark gave to the role's pods.
json PodKeys(const Application& application, const std::string& role, const std::string& kind) {
  const auto prefix = fmt::format("spark.kubernetes.{}.{}.", role, kind);
  json keys = json::object();
  for (auto property = application.properties.lower_bound(prefix);
       property != application.properties.end() && property->first.starts_with(prefix);
       ++property) {
    if (property->second != kRedacted)
      keys[property->first.substr(prefix.size())] = property->second;
  }
  return keys;
}

std::string ExecutorName(const Application& application, const std::string& id) {
  return fmt::format("{}-exec-{}", PodPrefix(application), id);
}

Time EndOf(const Application& application, const Executor& executor) {
  return std::max(executor.ended.value_or(application.ended), executor.created);
}

bool RanTasks(const Executor& executor) {
  return executor.told.tasks_done || executor.told.tasks_failed || executor.told.tasks_killed;
}

// How its container ended, as far as anybody knows; nothing where its driver wanted it to end, or
// somebody took it down.
std::optional<model::Termination> TerminationOf(const Executor& executor) {
  const auto& removal = executor.removal;
  if (!executor.ended) return std::nullopt;
  switch (removal.kind) {
    case RemovalKind::kEnded:
      return model::Termination{.container_id = {},
                                .reason = removal.reason.empty() ? "Error" : removal.reason,
                                .exit_code = removal.exit_code,
                                .finished_at = {}};
    case RemovalKind::kUnknown:
      // A JVM with a full heap ends with this code, wherever its driver did not hear of it.
      if (executor.heap_oom) return model::Termination{{}, "Error", kHeapOom, {}};
      // What a kubelet says of a container that it does not find any more.
      return model::Termination{{}, "ContainerStatusUnknown", kSigKill, {}};
    case RemovalKind::kWanted:
    case RemovalKind::kDisrupted:
      return std::nullopt;
  }
  return std::nullopt;
}

model::PodFacts ExecutorPod(const Application& application, const Executor& executor,
                            const model::PodFacts& common) {
  auto pod = common;
  pod.name = ExecutorName(application, executor.told.id);
  pod.uid = fmt::format("{}-exec-{}", application.id, executor.told.id);
  pod.executor_id = executor.told.id;
  pod.created = executor.created;
  pod.phase = model::PodPhase::kRunning;
  pod.profile = static_cast<int>(std::min<std::int64_t>(executor.profile, 1 << 30));
  if (executor.cores > 0) pod.cores = std::to_string(executor.cores);
  const auto sizes = SizesOf(application, executor);
  pod.submitted = sizes.submitted;
  pod.size = sizes.had;
  // Spark asks for as much as it limits to. Without a limit none is recorded.
  pod.request = sizes.had.limit;
  return pod;
}

// What is recorded of an executor, in this order.
enum class Step { kAdded, kSamples, kTold, kEnded, kGone, kOver };

}  // namespace

// What comes next of a driver (executor: null) or an executor.
struct Observations::Source {
  const Application* application;
  const Pods* pods;
  const Executor* executor;
  // By time; what happens at one time by application, and there a driver is before its executors
  // and after them.
  std::tuple<Time, std::size_t, int, std::size_t> key;
  Step step = Step::kAdded;
  std::size_t sample = 0;

  Source(const Application& of, const Pods& its, const Executor* one, std::size_t number,
         std::size_t order)
      : application(&of), pods(&its), executor(one), key({}, number, 0, order) {
    SetKey();
  }

  [[nodiscard]] Time At() const { return std::get<Time>(key); }
  [[nodiscard]] model::Observation Observe() const;
  [[nodiscard]] model::PodEvent DriverEvent() const;
  // To the next step that there is something of.
  void Advance();

 private:
  void ToNextStep();
  void SetKey();
};

void Observations::Source::SetKey() {
  auto& t = std::get<Time>(key);
  const bool driver = executor == nullptr;
  const auto last = static_cast<int>(Step::kOver) + 1;
  const bool added = step == Step::kAdded;
  std::get<int>(key) = !driver ? 1 + static_cast<int>(step) : added ? 0 : last;
  if (driver) {
    t = added ? application->started : application->ended;
    if (application->complete && step == Step::kGone) t += kDriverKept;
  } else if (added) {
    t = executor->created;
  } else {
    t = EndOf(*application, *executor);
    if (step == Step::kSamples) {
      t = std::clamp(executor->samples.Kept()[sample].t, executor->created, t);
    }
  }
}

model::PodEvent Observations::Source::DriverEvent() const {
  auto pod = pods->driver;
  pod.created = application->started;
  pod.phase = model::PodPhase::kRunning;
  if (step == Step::kAdded) return {EventType::kAdded, std::move(pod)};
  // Without a word of its end nobody knows how it went.
  if (application->complete) {
    pod.phase = application->failed ? model::PodPhase::kFailed : model::PodPhase::kSucceeded;
  }
  return {step == Step::kEnded ? EventType::kModified : EventType::kDeleted, std::move(pod)};
}

model::Observation Observations::Source::Observe() const {
  const auto t = At();
  if (executor == nullptr) return {t, DriverEvent()};
  if (step == Step::kSamples) {
    const auto used = executor->samples.Kept()[sample].used;
    const auto name = ExecutorName(*application, executor->told.id);
    return {t, model::UsageSample{
                   pods->executor.name_space, name, t, {{std::string(kExecutorContainer), used}}}};
  }
  if (step == Step::kTold) {
    model::DriverReading reading{pods->executor.name_space, application->id, {executor->told}};
    auto& told = reading.executors.front();
    told.unified_room = executor->unified_room;
    told.active = !executor->ended;
    return {t, std::move(reading)};
  }
  auto pod = ExecutorPod(*application, *executor, pods->executor);
  if (step == Step::kAdded) return {t, model::PodEvent{EventType::kAdded, std::move(pod)}};
  const auto& removal = executor->removal;
  pod.disrupted = executor->ended && (removal.disrupted || removal.kind == RemovalKind::kDisrupted);
  if (auto ended = TerminationOf(*executor)) {
    ended->container_id = pod.uid;
    ended->finished_at = t;
    pod.phase = ended->exit_code == 0 ? model::PodPhase::kSucceeded : model::PodPhase::kFailed;
    pod.ended = *std::move(ended);
  }
  const bool gone = step == Step::kGone;
  pod.deleted = gone;
  return {t, model::PodEvent{gone ? EventType::kDeleted : EventType::kModified, std::move(pod)}};
}

void Observations::Source::Advance() {
  ToNextStep();
  SetKey();
}

void Observations::Source::ToNextStep() {
  if (executor == nullptr) {
    const bool ends = step == Step::kAdded && application->complete;
    step = ends ? Step::kEnded : step == Step::kGone ? Step::kOver : Step::kGone;
    return;
  }
  if (step == Step::kSamples && sample + 1 < executor->samples.Kept().size()) {
    ++sample;
    return;
  }
  const auto has = [&](Step next) {
    if (next == Step::kSamples) return !executor->samples.Kept().empty();
    if (next == Step::kTold) return executor->registered;
    return next != Step::kEnded || TerminationOf(*executor).has_value();
  };
  do {
    step = static_cast<Step>(static_cast<int>(step) + 1);
  } while (!has(step));
}

Observations::Observations(std::vector<Application> applications,
                           const model::SignatureRules& rules)
    : applications_(std::move(applications)), rules_(rules) {
  KeepOne();
}

// Of logs of one application (one while it ran and one of its end, a copy) the one that tells most.
void Observations::KeepOne() {
  const auto rank = [](const Application& application) {
    return std::tuple(!application.complete, application.partial,
                      -application.ended.time_since_epoch(),
                      -static_cast<std::int64_t>(application.executors.size()));
  };
  std::stable_sort(applications_.begin(), applications_.end(), [&](const auto& a, const auto& b) {
    return a.id != b.id ? a.id < b.id : rank(a) < rank(b);
  });
  const auto same = [](const auto& a, const auto& b) { return a.id == b.id; };
  const auto kept = std::unique(applications_.begin(), applications_.end(), same);
  counts_.twice = static_cast<std::uint64_t>(applications_.end() - kept);
  applications_.erase(kept, applications_.end());
  // A driver is there before its executors are asked for, whatever its clock says.
  for (auto& application : applications_) {
    for (const auto& [id, executor] : application.executors) {
      auto& started = application.started;
      started = started == Time{} ? executor.created : std::min(started, executor.created);
      application.ended = std::max(application.ended, EndOf(application, executor));
    }
  }
}

// Through the one parser for pods, so that labels and options mean what they mean elsewhere.
Observations::Pods Observations::PodsOf(const Application& application) const {
  const auto pod = [&](const std::string& role, const std::string& name, const json& spec) {
    auto labels = PodKeys(application, role, "label");
    for (const auto& label : rules_.WantedLabels()) {
      const auto value = Told(application, label);
      if (!labels.contains(label) && !value.empty()) labels[label] = value;
    }
    if (const auto job = JobName(application.name); !job.empty()) {
      labels.emplace(kAppNameLabel, job);
    }
    labels["spark-role"] = role;
    labels["spark-app-selector"] = application.id;
    labels["spark-version"] = application.spark_version;
    const json object{{"metadata",
                       {{"namespace", NamespaceOf(application)},
                        {"name", name},
                        {"uid", application.id + "-driver"},
                        {"labels", std::move(labels)},
                        {"annotations", PodKeys(application, role, "annotation")}}},
                      {"spec", spec}};
    return wire::ParsePod(object.dump(-1, ' ', false, json::error_handler_t::replace), &rules_)
        .value_or(model::PodFacts{});
  };
  const auto options = application.Property("spark.executor.extraJavaOptions");
  const json container{{"name", kExecutorContainer},
                       {"args", {"executor"}},
                       {"env", {{{"name", "SPARK_JAVA_OPT_0"}, {"value", options}}}}};
  Pods pods{pod("driver", DriverName(application), json::object()),
            pod("executor", "executor", {{"containers", json::array({container})}})};
  pods.executor.owner_uid = pods.driver.uid;
  return pods;
}

void Observations::Count(const Application& application, const Pods& pods) {
  ++counts_.applications;
  counts_.until = std::max(counts_.until, application.ended);
  counts_.cut += application.complete ? 0 : 1;
  counts_.partial += application.partial ? 1 : 0;
  counts_.no_executors += application.executors.empty() ? 1 : 0;
  counts_.elsewhere += IsOnKubernetes(application) ? 0 : 1;
  std::vector<std::string> unfit;
  const auto signature =
      model::FindSignature(pods.executor.settings, &*pods.driver.settings, unfit);
  counts_.no_signature += signature || application.executors.empty() ? 0 : 1;
  for (const auto& [id, executor] : application.executors) Count(application, executor);
}

void Observations::Count(const Application& application, const Executor& executor) {
  ++counts_.executors;
  counts_.samples += executor.samples.Kept().size();
  counts_.unregistered += executor.registered ? 0 : 1;
  const bool ran = RanTasks(executor);
  counts_.idle += executor.registered && !ran ? 1 : 0;
  counts_.joined += executor.measured ? 1 : 0;
  const bool sampled = executor.measured || !executor.samples.Kept().empty();
  counts_.unsampled += ran && !sampled ? 1 : 0;
  counts_.other_size += SizesOf(application, executor).had.limit.value == 0 ? 1 : 0;
  const auto end = TerminationOf(executor);
  if (!end) return;
  counts_.container_ooms += end->reason == "OOMKilled" ? 1 : 0;
  counts_.heap_ooms += end->exit_code == kHeapOom && end->reason != "OOMKilled" ? 1 : 0;
  counts_.unclear += executor.removal.kind == RemovalKind::kUnknown && !executor.heap_oom ? 1 : 0;
}

OtherLog::Known Observations::Join(const OtherLog* other) {
  OtherLog::Known known;
  if (other == nullptr) return known;
  for (auto& application : applications_) {
    const auto name_space = NamespaceOf(application);
    known.applications.insert({name_space, application.id});
    for (auto& [id, executor] : application.executors) {
      const auto pod = std::pair(name_space, ExecutorName(application, id));
      known.executors.insert(pod);
      executor.measured = other->HasUsageOf(pod);
      if (executor.measured) executor.samples = {};
    }
  }
  return known;
}

base::Result<void> Observations::Write(const Sink& sink, OtherLog* other) {
  const auto known = Join(other);
  const auto later = [](const Source& a, const Source& b) { return b.key < a.key; };
  std::priority_queue<Source, std::vector<Source>, decltype(later)> sources(later);
  std::vector<Pods> all;
  all.reserve(applications_.size());
  for (const auto& application : applications_) {
    const auto& pods = all.emplace_back(PodsOf(application));
    Count(application, pods);
    if (application.executors.empty()) continue;
    std::size_t order = 0;
    sources.emplace(application, pods, nullptr, all.size(), order);
    for (const auto& [id, executor] : application.executors) {
      sources.emplace(application, pods, &executor, all.size(), ++order);
    }
  }
  const auto next_of_other = [&]() -> base::Result<std::optional<model::Observation>> {
    if (other == nullptr) return std::nullopt;
    return other->Next(known);
  };
  for (auto next = next_of_other();;) {
    if (!next) return tl::unexpected<base::Error>(next.error());
    if (sources.empty() && !*next) return {};
    if (*next && (sources.empty() || (*next)->t < sources.top().At())) {
      sink(wire::WriteLine(**next));
      next = next_of_other();
      continue;
    }
    auto source = sources.top();
    sources.pop();
    sink(wire::WriteLine(source.Observe()));
    source.Advance();
    if (source.step != Step::kOver) sources.push(source);
  }
}

}  // namespace sparkfit::eventlog
