// SPDX-License-Identifier: Apache-2.0
//
// Observations as lines of a log: Kubernetes objects cut down to what is read of them.
#include <nlohmann/json.hpp>

#include "driver_members.h"
#include "jvm_options.h"
#include "placement_json.h"
#include "sparkfit/base/quantity.h"
#include "sparkfit/wire/checkpoint_json.h"
#include "sparkfit/wire/observation_log.h"

namespace sparkfit::wire {
namespace {

using base::Bytes;
using model::EventType;
using model::PodFacts;
using model::PodPhase;
using nlohmann::ordered_json;

std::string JvmMemory(Bytes bytes) { return std::to_string(bytes.value) + "b"; }

const char* EventName(EventType event) {
  switch (event) {
    case EventType::kAdded:
      return "ADDED";
    case EventType::kModified:
      return "MODIFIED";
    case EventType::kDeleted:
      return "DELETED";
  }
  return "";
}

const char* PhaseName(PodPhase phase) {
  switch (phase) {
    case PodPhase::kPending:
      return "Pending";
    case PodPhase::kRunning:
      return "Running";
    case PodPhase::kSucceeded:
      return "Succeeded";
    case PodPhase::kFailed:
      return "Failed";
    case PodPhase::kUnknown:
      break;
  }
  return "Unknown";
}

ordered_json MetadataOf(const PodFacts& pod) {
  ordered_json labels = ordered_json::object();
  if (pod.role != model::PodRole::kOther) {
    labels["spark-role"] = pod.role == model::PodRole::kExecutor ? "executor" : "driver";
  }
  if (!pod.app_selector.empty()) labels["spark-app-selector"] = pod.app_selector;
  if (!pod.executor_id.empty()) labels["spark-exec-id"] = pod.executor_id;
  if (pod.profile > 0) labels["spark-exec-resourceprofile-id"] = std::to_string(pod.profile);
  if (pod.spark.IsKnown()) labels["spark-version"] = model::Format(pod.spark);
  ordered_json annotations = ordered_json::object();
  for (std::size_t i = 0; i < model::kSettingCount; ++i) {
    const auto setting = static_cast<model::Setting>(i);
    if (const auto value = pod.settings->Get(setting)) {
      annotations[pod.settings->KeyOf(setting)] = std::string(*value);
    }
  }
  for (const auto& key : pod.settings->Misspelt()) annotations[key] = "";
  if (pod.submitted != pod.size) {
    annotations["sparkfit.io/original-memory"] = base::FormatQuantity(pod.submitted.limit);
    if (pod.request < pod.submitted.limit) {
      annotations["sparkfit.io/original-request"] = base::FormatQuantity(pod.request);
    }
    if (pod.submitted.heap) {
      annotations["sparkfit.io/original-heap"] = JvmMemory(*pod.submitted.heap);
    }
  }
  if (pod.trial) annotations["sparkfit.io/trial"] = std::string(model::Name(*pod.trial));
  ordered_json metadata{{"namespace", pod.name_space},
                        {"name", pod.name},
                        {"uid", pod.uid},
                        {"creationTimestamp", base::FormatTime(pod.created)}};
  // When is not known, only that.
  if (pod.deleted) metadata["deletionTimestamp"] = base::FormatTime(pod.created);
  if (!labels.empty()) metadata["labels"] = std::move(labels);
  if (!annotations.empty()) metadata["annotations"] = std::move(annotations);
  if (!pod.owner_uid.empty()) {
    metadata["ownerReferences"] = ordered_json::array({{{"uid", pod.owner_uid}}});
  }
  return metadata;
}

ordered_json ContainerOf(const PodFacts& pod) {
  ordered_json environment = ordered_json::array();
  const auto variable = [&](const std::string& name, const std::string& value) {
    environment.push_back({{"name", name}, {"value", value}});
  };
  if (pod.size.heap) variable("SPARK_EXECUTOR_MEMORY", JvmMemory(*pod.size.heap));
  if (!pod.cores.empty()) variable("SPARK_EXECUTOR_CORES", pod.cores);
  for (std::size_t i = 0; i < pod.heap_oom_exits.size(); ++i) {
    variable("SPARK_JAVA_OPT_" + std::to_string(i), HeapOomOption(pod.heap_oom_exits[i]));
  }
  ordered_json resources = ordered_json::object();
  if (pod.size.limit.value > 0) {
    resources["limits"] = {{"memory", base::FormatQuantity(pod.size.limit)}};
  }
  if (pod.request.value > 0) {
    resources["requests"] = {{"memory", base::FormatQuantity(pod.request)}};
  }
  ordered_json container{{"name", *pod.container},
                         {"env", std::move(environment)},
                         {"resources", std::move(resources)}};
  container["args"] = ordered_json::array({"executor"});
  return container;
}

ordered_json TerminatedOf(const model::Termination& termination) {
  ordered_json terminated{{"exitCode", termination.exit_code}};
  if (!termination.reason.empty()) terminated["reason"] = termination.reason;
  if (!termination.container_id.empty()) terminated["containerID"] = termination.container_id;
  if (termination.finished_at) {
    terminated["finishedAt"] = base::FormatTime(*termination.finished_at);
  }
  return {{"terminated", std::move(terminated)}};
}

ordered_json PodOf(const PodFacts& pod) {
  ordered_json spec = ordered_json::object();
  ordered_json status{{"phase", PhaseName(pod.phase)}};
  if (pod.restarts) spec["restartPolicy"] = "Always";
  if (!pod.node.empty()) spec["nodeName"] = pod.node;
  PutPlacement(pod.placement, spec);
  if (pod.disrupted) status["reason"] = "Evicted";
  if (pod.container) {
    spec["containers"] = ordered_json::array({ContainerOf(pod)});
    ordered_json container{{"name", *pod.container}};
    if (pod.ended) container["state"] = TerminatedOf(*pod.ended);
    if (pod.last_restart) container["lastState"] = TerminatedOf(*pod.last_restart);
    if (container.size() > 1) {
      status["containerStatuses"] = ordered_json::array({std::move(container)});
    }
  }
  return {{"metadata", MetadataOf(pod)}, {"spec", std::move(spec)}, {"status", std::move(status)}};
}

// NAME:option=value,… as spec.policy has it.
ordered_json PolicyOf(const std::string& text) {
  const auto colon = text.find(':');
  ordered_json policy{{"name", text.substr(0, colon)}};
  std::string_view rest(text);
  rest.remove_prefix(colon == std::string::npos ? text.size() : colon + 1);
  while (!rest.empty()) {
    const auto option = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(option.size() + 1, rest.size()));
    const auto equals = option.find('=');
    if (equals == std::string_view::npos) continue;
    policy[std::string(option.substr(0, equals))] = std::string(option.substr(equals + 1));
  }
  return policy;
}

ordered_json RecommendationOf(const model::RecommendationObject& object) {
  ordered_json spec{{"signature", object.signature}, {"resourceProfile", object.profile}};
  if (object.mode) spec["mode"] = std::string(model::Name(*object.mode));
  if (object.min_memory) spec["memory"]["min"] = base::FormatQuantity(*object.min_memory);
  if (object.max_memory) spec["memory"]["max"] = base::FormatQuantity(*object.max_memory);
  if (object.policy) spec["policy"] = PolicyOf(*object.policy);
  if (object.explore) spec["explore"] = *object.explore;
  return {{"metadata",
           {{"namespace", object.name_space},
            {"name", object.name},
            {"uid", object.uid},
            {"creationTimestamp", base::FormatTime(object.created)}}},
          {"spec", std::move(spec)}};
}

// As Spark's REST API writes a time: 2026-11-02T07:00:00.000GMT.
std::string SparkTime(base::Time time) {
  auto text = base::FormatTime(time);
  text.pop_back();  // Z
  if (text.find('.') == std::string::npos) text += ".000";
  return text + "GMT";
}

std::int64_t Plain(base::Bytes amount) { return amount.value; }
std::int64_t Plain(std::int64_t count) { return count; }
std::string Plain(base::Time time) { return SparkTime(time); }

// Members that are told.
template <typename Members>
void Add(const ExecutorReading& executor, const Members& members, ordered_json& json) {
  for (const auto& [name, member] : members) {
    if (const auto& value = executor.*member) json[std::string(name)] = Plain(*value);
  }
}

// An executor as Spark's REST API shows it, and what the stages told of it.
ordered_json ExecutorOf(const ExecutorReading& executor) {
  ordered_json peaks{{"JVMHeapMemory", executor.heap_peak.value},
                     {"OnHeapStorageMemory", executor.storage_peak.value},
                     {"OnHeapUnifiedMemory", executor.unified_peak.value}};
  Add(executor, kExecutorPeaks, peaks);
  ordered_json json{{"id", executor.id}};
  if (executor.active) json["isActive"] = *executor.active;
  Add(executor, kExecutorTimes, json);
  json["totalDuration"] = executor.busy.count();
  json["totalGCTime"] = executor.collecting.count();
  Add(executor, kExecutorCounts, json);
  Add(executor, kExecutorAmounts, json);
  json["memoryMetrics"] = {{"totalOnHeapStorageMemory", executor.unified_room.value}};
  json["peakMemoryMetrics"] = std::move(peaks);
  return json;
}

ordered_json DriverOf(const model::DriverReading& reading) {
  ordered_json executors = ordered_json::array();
  for (const auto& executor : reading.executors) executors.push_back(ExecutorOf(executor));
  return {{"metadata", {{"namespace", reading.name_space}}},
          {"application", reading.application},
          {"executors", std::move(executors)}};
}

struct Writer {
  ordered_json& line;

  void operator()(const model::PodEvent& event) const {
    line["type"] = "pod";
    line["event"] = EventName(event.event);
    if (event.unwatched) line["unwatched"] = true;
    line["object"] = PodOf(event.pod);
  }
  void operator()(const model::UsageSample& sample) const {
    ordered_json containers = ordered_json::array();
    for (const auto& usage : sample.containers) {
      containers.push_back({{"name", usage.container},
                            {"usage", {{"memory", base::FormatQuantity(usage.working_set)}}}});
    }
    line["type"] = "usage";
    line["object"] = {{"metadata", {{"namespace", sample.name_space}, {"name", sample.pod}}},
                      {"timestamp", base::FormatTime(sample.timestamp)},
                      {"containers", std::move(containers)}};
  }
  void operator()(const model::DriverReading& reading) const {
    line["type"] = "driver";
    line["object"] = DriverOf(reading);
  }
  void operator()(const model::RecommendationEvent& event) const {
    line["type"] = "recommendation";
    line["event"] = EventName(event.event);
    line["object"] = RecommendationOf(event.object);
  }
  void operator()(const model::NodeEvent& event) const {
    line["type"] = "node";
    line["event"] = EventName(event.event);
    line["object"] = NodeObject(event);
  }
  void operator()(const model::RestoreEvent& event) const {
    line["type"] = "checkpoint";
    line["object"] = {{"spec", ordered_json::parse(SpecText(WriteCheckpoint(*event.checkpoint)))}};
  }
};

std::string Finished(const ordered_json& line) {
  return line.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string WriteLine(const model::Observation& observation) {
  ordered_json line{{"t", base::FormatTime(observation.t)}};
  std::visit(Writer{line}, observation.what);
  return Finished(line);
}

std::string WriteHeader(const std::map<std::string, std::string>& options) {
  return Finished({{"type", "header"}, {"version", kLogVersion}, {"options", options}});
}

}  // namespace sparkfit::wire
