// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/eventlog/application.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <variant>

#include "sparkfit/base/text.h"
#include "sparkfit/model/settings.h"

namespace sparkfit::eventlog {
namespace {

using base::Bytes;
using base::Time;

// "<driver>" until Spark 1.3.
bool IsDriver(std::string_view id) { return id == "driver" || id == "<driver>"; }
constexpr std::string_view kKubernetes = "spark.kubernetes.";
constexpr std::array<std::string_view, 16> kProperties{"spark.app.id",
                                                       "spark.app.name",
                                                       "spark.executor.memory",
                                                       "spark.executor.memoryOverhead",
                                                       "spark.executor.memoryOverheadFactor",
                                                       "spark.executor.minMemoryOverhead",
                                                       "spark.executor.pyspark.memory",
                                                       "spark.executor.extraJavaOptions",
                                                       "spark.memory.fraction",
                                                       "spark.memory.offHeap.enabled",
                                                       "spark.memory.offHeap.size",
                                                       "spark.master",
                                                       "spark.kubernetes.namespace",
                                                       "spark.kubernetes.memoryOverheadFactor",
                                                       "spark.kubernetes.resource.type",
                                                       "spark.kubernetes.executor.podNamePrefix"};
constexpr std::string_view kContainer = "spark.kubernetes.executor.podTemplateContainerName";
constexpr std::string_view kDriverPod = "spark.kubernetes.driver.pod.name";

// The label or annotation of a pod that a property sets.
struct PodKey {
  std::string_view key;
  bool annotation;
};
std::optional<PodKey> PodKeyOf(std::string_view property) {
  if (!property.starts_with(kKubernetes)) return std::nullopt;
  property.remove_prefix(kKubernetes.size());
  for (const std::string_view of : {"executor.", "driver."}) {
    if (!property.starts_with(of)) continue;
    property.remove_prefix(of.size());
    for (const auto& [kind, annotation] :
         {std::pair(std::string_view("label."), false), {"annotation.", true}}) {
      if (property.starts_with(kind)) return PodKey{property.substr(kind.size()), annotation};
    }
  }
  return std::nullopt;
}

void Raise(Bytes& peak, Bytes seen) { peak = std::max(peak, seen); }
void Raise(std::optional<Bytes>& peak, Bytes seen) {
  if (seen.value > 0) peak = std::max(peak.value_or(Bytes{}), seen);
}
void Sum(std::optional<Bytes>& sum, Bytes more) {
  sum = std::min(sum.value_or(Bytes{}) + more, base::kLargestPlausible);
}
void Sum(base::Duration& sum, base::Duration more) {
  sum = std::min(sum + more, base::Duration(base::kLargestPlausible.value));
}
void Count(std::optional<std::int64_t>& count) { count = count.value_or(0) + 1; }

void TakePeaks(const wire::SparkPeaks& peaks, Time t, Executor& executor) {
  auto& told = executor.told;
  Raise(told.heap_peak, peaks.heap);
  Raise(told.unified_peak, peaks.unified);
  Raise(told.storage_peak, peaks.storage);
  Raise(told.off_heap_peak, peaks.off_heap);
  Raise(told.direct_peak, peaks.direct);
  if (peaks.resident.value > 0 && t != Time{}) executor.samples.Add(t, peaks.resident);
}

}  // namespace

bool Properties::Wants(std::string_view property) const {
  if (std::find(kProperties.begin(), kProperties.end(), property) != kProperties.end()) return true;
  if (property == kContainer || property == kDriverPod || rules_.Wants(property)) return true;
  const auto key = PodKeyOf(property);
  return key && (model::FindSetting(key->key, key->annotation).has_value() ||
                 (!key->annotation && rules_.Wants(key->key)));
}

std::string_view Application::Property(std::string_view key) const {
  const auto found = properties.find(key);
  return found == properties.end() ? std::string_view() : found->second;
}

void ApplicationBuilder::Take(const wire::SparkEvent& event) {
  std::visit([this](const auto& what) { On(what); }, event);
}

// Nothing is heard of it any more.
void ApplicationBuilder::Close() {
  if (const auto strays = std::exchange(strays_, 0); strays > 0) {
    problem_(fmt::format("{} tasks of executors of which it tells nothing else", strays));
  }
  auto application = std::exchange(application_, {});
  latest_ = nullptr;
  latest_id_.clear();
  rooms_.clear();
  exit_code_known_ = too_many_ = false;
  if (std::exchange(begun_, false)) sink_(std::move(application));
}

void ApplicationBuilder::Finish(bool partial, const std::string& fallback_id) {
  application_.partial = partial;
  if (begun_ && application_.id.empty()) application_.id = fallback_id;
  if (!begun_) problem_("no application starts in it: nothing of it is used");
  Close();
}

void ApplicationBuilder::See(Time t) { application_.ended = std::max(application_.ended, t); }

void ApplicationBuilder::On(const wire::SparkLogStart& event) {
  if (begun_) Close();
  application_.spark_version = event.version;
}

// Its environment comes before it, and one more log where several were put together.
void ApplicationBuilder::On(const wire::SparkApplicationStart& event) {
  auto id = event.id;
  if (id.empty()) id = application_.Property("spark.app.id");
  // Attempts are runs of their own.
  if (!event.attempt.empty()) id += "_" + event.attempt;
  if (begun_ && id != application_.id) {
    if (!application_.complete) {
      problem_(fmt::format("application {} begins before {} ended: what follows is of the former",
                           base::Printable(base::Beginning(id, 80)),
                           base::Printable(base::Beginning(application_.id, 80))));
    }
    Close();
  }
  begun_ = true;
  application_.id = base::Beginning(id, model::kLongestSetting);
  application_.name = base::Beginning(event.name, model::kLongestSetting);
  application_.started = event.t;
  See(event.t);
}

void ApplicationBuilder::On(const wire::SparkApplicationEnd& event) {
  application_.complete = true;
  if (event.exit_code) {
    exit_code_known_ = true;
    application_.failed = *event.exit_code != 0;
  }
  See(event.t);
}

void ApplicationBuilder::On(const wire::SparkJobEnd& event) {
  if (!exit_code_known_) application_.failed = !event.succeeded;
  See(event.t);
}

void ApplicationBuilder::On(const wire::SparkEnvironment& event) {
  for (const auto& [key, value] : event.properties) application_.properties[key] = value;
}

void ApplicationBuilder::On(const wire::SparkProfile& event) {
  constexpr std::size_t kMostProfiles = 1000;
  if (application_.profiles.size() < kMostProfiles) application_.profiles[event.id] = event;
}

std::string_view ApplicationBuilder::ExecutorContainer() const {
  const auto named = application_.Property(kContainer);
  return named.empty() ? "spark-kubernetes-executor" : named;
}

Executor* ApplicationBuilder::Find(std::string_view id) {
  if (latest_ != nullptr && id == latest_id_) return latest_;
  const auto known = application_.executors.find(std::string(id));
  if (known == application_.executors.end()) return nullptr;
  latest_id_ = id;
  latest_ = &known->second;
  return latest_;
}

// Null where there are too many.
Executor* ApplicationBuilder::Add(const std::string& id) {
  if (application_.executors.size() >= kMostExecutors) {
    if (!std::exchange(too_many_, true)) {
      problem_(fmt::format("more than {} executors: the others are left out", kMostExecutors));
    }
    return nullptr;
  }
  auto& executor = application_.executors[id];
  executor.told.id = id;
  return &executor;
}

void ApplicationBuilder::On(const wire::SparkExecutorAdded& event) {
  See(event.t);
  if (IsDriver(event.id)) return;  // local mode: there is no executor of its own
  if (event.t == Time{}) return problem_(fmt::format("executor {} was added at no time", event.id));
  if (Find(event.id) != nullptr) {
    return problem_(
        fmt::format("executor {} is added again: the first one counts", base::Printable(event.id)));
  }
  auto* executor = Add(event.id);
  if (executor == nullptr) return;
  executor->cores = event.cores;
  executor->profile = event.profile;
  executor->told.added = event.t;
  // A request that is later than its fulfilment is of another clock.
  executor->created = std::min(event.requested.value_or(event.t), event.t);
  if (const auto room = rooms_.extract(event.id)) executor->unified_room = room.mapped();
}

void ApplicationBuilder::On(const wire::SparkBlockManager& event) {
  if (IsDriver(event.id)) return;
  if (auto* executor = Find(event.id)) {
    executor->unified_room = event.unified_room;
  } else if (rooms_.size() < kMostExecutors) {
    rooms_[event.id] = event.unified_room;
  }
}

// It may be told twice, or of one that the driver never met.
void ApplicationBuilder::On(const wire::SparkExecutorRemoved& event) {
  See(event.t);
  if (IsDriver(event.id)) return;
  auto* executor = Find(event.id);
  if (executor != nullptr && executor->ended) return;
  auto removal = ReadRemoval(event.reason, ExecutorContainer());
  if (executor == nullptr) {
    // Of a pod that was taken away before it registered there is nothing to learn.
    if (removal.kind != RemovalKind::kEnded || event.t == Time{}) return;
    executor = Add(event.id);
    if (executor == nullptr) return;
    executor->created = event.t;
    executor->registered = false;
  }
  executor->removal = std::move(removal);
  executor->ended = std::max(event.t, executor->created);
  if (event.t != Time{}) executor->told.removed = event.t;
}

// Tasks of one that was given up may be told of later.
void ApplicationBuilder::On(const wire::SparkTaskEnd& event) {
  See(event.finished);
  auto* executor = Find(event.executor);
  if (executor == nullptr && !IsDriver(event.executor)) ++strays_;
  if (executor == nullptr || event.outcome == wire::TaskOutcome::kRepeated) return;
  auto& told = executor->told;
  Count(event.outcome == wire::TaskOutcome::kDone     ? told.tasks_done
        : event.outcome == wire::TaskOutcome::kKilled ? told.tasks_killed
                                                      : told.tasks_failed);
  executor->heap_oom = executor->heap_oom || event.heap_oom;
  Sum(told.busy, event.busy);
  Sum(told.collecting, event.collecting);
  Sum(told.input, event.input);
  Sum(told.shuffle_read, event.shuffle_read);
  Sum(told.spilled, event.spilled);
  Sum(told.spilled_disk, event.spilled_disk);
  TakePeaks(event.peaks, event.finished, *executor);
}

// They have no time: they are written when the stage ends, behind its last task.
void ApplicationBuilder::On(const wire::SparkStageMetrics& event) {
  if (auto* executor = Find(event.id)) {
    TakePeaks(event.peaks, executor->ended.value_or(application_.ended), *executor);
  }
}

}  // namespace sparkfit::eventlog
