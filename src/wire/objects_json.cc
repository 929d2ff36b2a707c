// SPDX-License-Identifier: Apache-2.0
//
// The smaller objects: PodMetrics, ExecutorRecommendation, Node, LimitRange, ResourceQuota; and
// what all have.
#include <fmt/format.h>

#include <array>

#include "json.h"
#include "placement_json.h"
#include "sparkfit/base/meant.h"
#include "sparkfit/base/quantity.h"
#include "sparkfit/base/text.h"

namespace sparkfit::wire {
namespace {

using base::Code;
using base::Result;
using model::RecommendationObject;
using model::UsageSample;
using simdjson::error_code;
using simdjson::SUCCESS;

error_code ReadName(JsonValue metadata, std::string& name_space, std::string& name) {
  return ForEachMember(metadata, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "name") return ReadString(value, name);
    return key == "namespace" ? ReadString(value, name_space) : SUCCESS;
  });
}

error_code ReadMetadata(JsonValue metadata, RecommendationObject& object,
                        std::string_view& created) {
  return ForEachMember(metadata, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "name") return ReadString(value, object.name);
    if (key == "namespace") return ReadString(value, object.name_space);
    if (key == "uid") return ReadString(value, object.uid);
    if (key == "resourceVersion") return ReadString(value, object.version);
    if (key == "generation") return value.get_int64().get(object.generation);
    if (key != "creationTimestamp") return SUCCESS;
    bool null = false;
    if (auto error = ReadNull(value, null)) return error;
    return null ? SUCCESS : value.get_string().get(created);
  });
}

// Spark starts with no less heap than 450 MiB; nothing of ours is below 512.
constexpr base::Bytes kLeastTriedHeap = base::MiB(512);
constexpr std::int64_t kMostTrying = 0xffff;  // executors, as many as a run counts

// The status is ours, but anybody may have written it: what cannot be read is as if it were not
// there.
error_code ReadCondition(JsonValue json, RecommendationObject& object) {
  std::string type;
  std::string status;
  std::string_view since;
  const auto error = ForEachMember(json, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "type") return ReadString(value, type);
    if (key == "status") return ReadString(value, status);
    if (key == "lastTransitionTime") return value.get_string().get(since);
    return SUCCESS;
  });
  const auto time = base::ParseTime(since);
  if (!error && time && model::IsOwnCondition(type)) object.conditions[type] = {status, *time};
  return error;
}

// An amount that we wrote; anything else is as if it were not there.
error_code ReadPublished(JsonValue json, std::optional<base::Bytes>& amount) {
  std::string_view text;
  if (auto error = ReadQuantityText(json, text)) return error;
  if (const auto memory = base::ParseMemory(text)) amount = *memory;
  return SUCCESS;
}

// One that makes no sense is as if it were not there.
error_code ReadPublishedTrial(JsonValue json, RecommendationObject& object) {
  std::optional<model::Part> part;
  std::optional<base::Bytes> limit;
  std::optional<base::Bytes> heap;
  std::int64_t executors = 1;
  const auto error = ForEachMember(json, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "memory") return ReadPublished(value, limit);
    if (key == "heap") return ReadPublished(value, heap);
    if (key == "executors") return value.get_int64().get(executors);
    if (key != "part") return SUCCESS;
    std::string_view text;
    if (auto bad = value.get_string().get(text)) return bad;
    part = model::ParsePart(text);
    return SUCCESS;
  });
  const bool sound = part && limit && heap && *heap >= kLeastTriedHeap && *heap <= *limit;
  if (!error && sound && executors >= 1 && executors <= kMostTrying) {
    object.published_trial = {*part, {*limit, heap}, static_cast<int>(executors)};
  }
  return error;
}

error_code ReadPublishedRecommendation(JsonValue json, RecommendationObject& object) {
  return ForEachMember(json, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "next") return ReadPublishedTrial(value, object);
    if (key == "leastHeap") return ReadPublished(value, object.published_least_heap);
    if (key == "leastOverhead") return ReadPublished(value, object.published_least_overhead);
    if (key == "mostHeap") return ReadPublished(value, object.published_most_heap);
    if (key != "memory") return SUCCESS;
    return ForEachMember(value, [&](std::string_view bound, JsonValue amount) -> error_code {
      if (bound == "target") return ReadPublished(amount, object.published_target);
      if (bound == "targetRequest") return ReadPublished(amount, object.published_target_request);
      return SUCCESS;
    });
  });
}

error_code ReadPublishedShape(JsonValue json, RecommendationObject& object) {
  model::Shape shape;
  std::optional<model::OverheadClass> overhead;
  const auto error = ForEachMember(json, [&](std::string_view key, JsonValue value) -> error_code {
    std::string_view text;
    if (auto bad = value.get_string().get(text)) return bad;
    if (key == "cores") shape.cores = text;
    if (key == "overhead") overhead = model::ParseOverheadClass(text);
    if (key == "spark") shape.spark = model::ParseSparkLine(text);
    return SUCCESS;
  });
  if (overhead) object.published_shape = model::Shape{shape.cores, *overhead, shape.spark};
  return error;
}

// The size that executors were submitted with. One that cannot be is as if it were not there.
error_code ReadPublishedSubmitted(JsonValue json, RecommendationObject& object) {
  std::optional<base::Bytes> limit;
  std::optional<base::Bytes> heap;
  const auto error = ForEachMember(json, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "memory") return ReadPublished(value, limit);
    if (key == "heap") return ReadPublished(value, heap);
    return SUCCESS;
  });
  if (limit && heap.value_or(*limit) <= *limit) object.published_submitted = {*limit, heap};
  return error;
}

error_code ReadObserved(JsonValue json, RecommendationObject& object) {
  return ForEachMember(json, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "shape") return ReadPublishedShape(value, object);
    if (key == "submitted") return ReadPublishedSubmitted(value, object);
    if (key != "lastOOM") return SUCCESS;
    std::string_view text;
    if (auto error = value.get_string().get(text)) return error;
    if (const auto time = base::ParseTime(text)) object.published_last_oom = *time;
    return SUCCESS;
  });
}

error_code ReadStatus(JsonValue status, RecommendationObject& object) {
  return ForEachMember(status, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "conditions") {
      return ForEachElement(value, [&](JsonValue json) { return ReadCondition(json, object); });
    }
    auto error = SUCCESS;
    if (key == "recommendation") error = ReadPublishedRecommendation(value, object);
    if (key == "observed") error = ReadObserved(value, object);
    return IsMerelyOdd(error) ? SUCCESS : error;
  });
}

error_code ReadContainerUsage(JsonValue json, model::ContainerUsage& usage, std::string& problem) {
  return ForEachMember(json, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "name") return ReadString(value, usage.container);
    if (key != "usage") return SUCCESS;
    return ForEachMember(value, [&](std::string_view resource, JsonValue amount) -> error_code {
      if (resource != "memory") return SUCCESS;
      std::string_view text;
      if (auto error = ReadQuantityText(amount, text)) return error;
      if (const auto memory = base::ParseMemory(text)) {
        usage.working_set = *memory;
      } else {
        problem = memory.error().message;
      }
      return SUCCESS;
    });
  });
}

// "policy": {"name": "percentile", "margin": 0.3} as NAME:option=value.
error_code ReadPolicy(JsonValue json, std::optional<std::string>& policy) {
  std::string name;
  std::string options;
  const auto error = ForEachMember(json, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "name") return ReadString(value, name);
    std::string_view text;
    if (auto bad = ReadQuantityText(value, text)) return bad;
    options += fmt::format("{}{}={}", options.empty() ? ":" : ",", key, text);
    return SUCCESS;
  });
  if (!error) policy = name + options;
  return error;
}

error_code ReadBounds(JsonValue json, RecommendationObject& object) {
  return ForEachMember(json, [&](std::string_view key, JsonValue value) -> error_code {
    if (key != "min" && key != "max") return SUCCESS;
    std::string_view text;
    if (auto error = ReadQuantityText(value, text)) return error;
    const auto bound = base::ParseBound(text);
    if (bound) {
      (key == "min" ? object.min_memory : object.max_memory) = *bound;
    } else {
      object.problems.push_back(fmt::format("spec.memory.{}: {}", key, bound.error().message));
    }
    return SUCCESS;
  });
}

error_code ReadProfile(JsonValue value, RecommendationObject& object) {
  std::int64_t profile = 0;
  if (auto error = value.get_int64().get(profile)) return error;
  if (profile < 0 || profile > std::numeric_limits<int>::max())
    return simdjson::NUMBER_OUT_OF_RANGE;
  object.profile = static_cast<int>(profile);
  return SUCCESS;
}

error_code ReadSwitch(JsonValue value, std::optional<bool>& allowed) {
  bool given = false;
  if (auto error = value.get_bool().get(given)) return error;
  allowed = given;
  return SUCCESS;
}

// What a user may set; each wins alone.
error_code ReadSetting(std::string_view key, JsonValue value, RecommendationObject& object) {
  if (key == "memory") return ReadBounds(value, object);
  if (key == "policy") return ReadPolicy(value, object.policy);
  if (key == "explore") return ReadSwitch(value, object.explore);
  if (key != "mode") return SUCCESS;
  std::string_view text;
  if (auto error = value.get_string().get(text)) return error;
  if (const auto mode = model::ParseMode(text)) {
    object.mode = *mode;
  } else {
    object.problems.push_back("spec.mode: " + mode.error().message);
  }
  return SUCCESS;
}

// Whatever a user made of the settings, the object stays the one of its job.
error_code ReadSpec(JsonValue spec, RecommendationObject& object) {
  const auto error = ForEachMember(spec, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "signature") return ReadString(value, object.signature);
    if (key == "resourceProfile") return ReadProfile(value, object);
    const auto odd = ReadSetting(key, value, object);
    if (!IsMerelyOdd(odd)) return odd;
    object.problems.push_back(fmt::format("spec.{} is not of the form it should have", key));
    return SUCCESS;
  });
  model::LeaveOutContradiction(object.min_memory, "spec.memory.min", object.max_memory,
                               "spec.memory.max", object.problems);
  return error;
}

}  // namespace

Result<UsageSample> ReadPodMetrics(JsonObject object) {
  UsageSample sample;
  std::string_view timestamp;
  std::string problem;
  const auto error =
      ForEachMember(object, [&](std::string_view key, JsonValue value) -> error_code {
        if (key == "metadata") return ReadName(value, sample.name_space, sample.pod);
        if (key == "timestamp") return value.get_string().get(timestamp);
        if (key != "containers") return SUCCESS;
        return ForEachElement(value, [&](JsonValue container) {
          model::ContainerUsage usage;
          const auto bad = ReadContainerUsage(container, usage, problem);
          sample.containers.push_back(std::move(usage));
          return bad;
        });
      });
  if (error) return Malformed(error);
  if (!problem.empty()) return base::Fail(Code::kMalformed, problem);
  if (sample.name_space.empty() || sample.pod.empty()) {
    return base::Fail(Code::kMalformed, "usage without namespace or name");
  }
  const auto time = base::ParseTime(timestamp);
  if (!time) return base::Fail("usage timestamp", time.error());
  sample.timestamp = *time;
  return sample;
}

Result<RecommendationObject> ReadRecommendation(JsonObject json) {
  RecommendationObject object;
  std::string_view created;
  const auto error = ForEachMember(json, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "metadata") return ReadMetadata(value, object, created);
    if (key == "spec") return ReadSpec(value, object);
    if (key != "status") return SUCCESS;
    const auto odd = ReadStatus(value, object);
    return IsMerelyOdd(odd) ? SUCCESS : odd;
  });
  if (error) return Malformed(error);
  if (object.name_space.empty() || object.name.empty() || object.signature.empty()) {
    return base::Fail(Code::kMalformed, "recommendation without namespace, name or spec.signature");
  }
  if (object.signature.size() > model::kLongestSetting) {
    return base::Fail(Code::kMalformed, "recommendation: spec.signature is too long");
  }
  if (const auto time = base::ParseTime(created)) object.created = *time;
  model::Cut(object);
  return object;
}

namespace {

// The first InternalIP.
error_code ReadAddress(JsonValue json, std::string& address) {
  std::string type;
  std::string found;
  const auto error = ForEachMember(json, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "type") return ReadString(value, type);
    return key == "address" ? ReadString(value, found) : SUCCESS;
  });
  if (address.empty() && type == "InternalIP") address = found;
  return error;
}

// daemonEndpoints: {"kubeletEndpoint": {"Port": 10250}}
error_code ReadKubeletPort(JsonValue json, int& port) {
  return ForEachMember(json, [&](std::string_view daemon, JsonValue endpoint) -> error_code {
    if (daemon != "kubeletEndpoint") return SUCCESS;
    return ForEachMember(endpoint, [&](std::string_view key, JsonValue value) -> error_code {
      std::int64_t number = 0;
      if (key != "Port") return SUCCESS;
      if (auto error = value.get_int64().get(number)) return error;
      port = number > 0 && number < 65536 ? static_cast<int>(number) : 0;
      return SUCCESS;
    });
  });
}

error_code ReadNodeStatus(JsonValue status, model::NodeEvent& node, std::string_view& memory) {
  return ForEachMember(status, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "addresses") {
      return ForEachElement(value, [&](JsonValue json) { return ReadAddress(json, node.address); });
    }
    if (key == "daemonEndpoints") return ReadKubeletPort(value, node.kubelet_port);
    if (key != "allocatable") return SUCCESS;
    return ForEachMember(value, [&](std::string_view resource, JsonValue amount) -> error_code {
      return resource == "memory" ? ReadQuantityText(amount, memory) : SUCCESS;
    });
  });
}

error_code ReadNodeMetadata(JsonValue metadata, model::NodeEvent& node) {
  return ForEachMember(metadata, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "name") return ReadString(value, node.name);
    return key == "labels" ? ReadLabelMap(value, node.labels) : SUCCESS;
  });
}

error_code ReadNodeSpec(JsonValue spec, model::NodeEvent& node) {
  return ForEachMember(spec, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "taints") return ReadTaints(value, node.taints);
    return key == "unschedulable" ? value.get_bool().get(node.cordoned) : SUCCESS;
  });
}

}  // namespace

Result<model::NodeEvent> ReadNode(JsonObject object) {
  model::NodeEvent node;
  std::string_view memory;
  std::string_view seen;
  const auto error =
      ForEachMember(object, [&](std::string_view key, JsonValue value) -> error_code {
        if (key == "metadata") return ReadNodeMetadata(value, node);
        if (key == "spec") return ReadNodeSpec(value, node);
        if (key == "lastSeen") return value.get_string().get(seen);  // ours alone
        return key == "status" ? ReadNodeStatus(value, node, memory) : SUCCESS;
      });
  if (error) return Malformed(error);
  if (node.name.empty()) return base::Fail(Code::kMalformed, "node without name");
  if (!seen.empty()) {
    const auto time = base::ParseTime(seen);
    if (!time) return base::Fail("lastSeen of a node", time.error());
    node.last_seen = *time;
  }
  if (memory.empty()) return node;
  const auto amount = base::ParseMemory(memory);
  if (!amount) return base::Fail("node allocatable", amount.error());
  node.allocatable = *amount;
  return node;
}

namespace {

error_code ReadThousandths(JsonValue json, std::optional<std::int64_t>& amount,
                           std::string& problem) {
  std::string_view text;
  if (auto error = ReadQuantityText(json, text)) return error;
  const auto thousandths = base::ParseThousandths(text);
  if (thousandths && *thousandths >= 0) {
    amount = *thousandths;
  } else {
    problem = fmt::format("memory \"{}\"", base::Beginning(text, 40));
  }
  return SUCCESS;
}

error_code ReadMemory(JsonValue amounts, std::optional<std::int64_t>& thousandths,
                      std::string& problem) {
  return ForEachMember(amounts, [&](std::string_view resource, JsonValue amount) -> error_code {
    return resource == "memory" ? ReadThousandths(amount, thousandths, problem) : SUCCESS;
  });
}

// Whole bytes that are at most, or at least, so much.
std::optional<base::Bytes> AtMost(std::optional<std::int64_t> thousandths) {
  return thousandths ? std::optional(base::Bytes{*thousandths / 1000}) : std::nullopt;
}
std::optional<base::Bytes> AtLeast(std::optional<std::int64_t> thousandths) {
  if (!thousandths) return std::nullopt;
  return base::Bytes{*thousandths / 1000 + (*thousandths % 1000 > 0 ? 1 : 0)};
}

error_code ReadLimit(JsonValue json, model::Constraints& constraints, std::string& problem) {
  std::string_view type;
  std::optional<std::int64_t> min;
  std::optional<std::int64_t> max;
  model::Constraints limit;
  model::AllowedMemory allowed;
  const auto error = ForEachMember(json, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "type") return value.get_string().get(type);
    if (key == "min") return ReadMemory(value, min, problem);
    if (key == "max") return ReadMemory(value, max, problem);
    if (key == "maxLimitRequestRatio") {
      return ReadMemory(value, allowed.max_ratio, problem);
    }
    return SUCCESS;
  });
  allowed.min = AtLeast(min);
  allowed.max = AtMost(max);
  if (type == "Container") limit.container = allowed;
  if (type == "Pod") limit.pod = allowed;
  model::Add(constraints, limit);
  return error;
}

// What a quota counts under several names.
struct QuotaPart {
  std::string_view name;
  std::optional<base::Bytes> model::Constraints::*left;
};
constexpr std::array<QuotaPart, 3> kQuotaParts{
    {{"memory", &model::Constraints::requests_left},
     {"requests.memory", &model::Constraints::requests_left},
     {"limits.memory", &model::Constraints::limits_left}}};

// In thousandths, each as the parts above.
struct QuotaAmounts {
  std::array<std::optional<std::int64_t>, kQuotaParts.size()> of;
};

error_code ReadQuotaAmounts(JsonValue json, QuotaAmounts& amounts, std::string& problem) {
  return ForEachMember(json, [&](std::string_view resource, JsonValue amount) -> error_code {
    for (std::size_t i = 0; i < kQuotaParts.size(); ++i) {
      if (resource != kQuotaParts.at(i).name) continue;
      return ReadThousandths(amount, amounts.of.at(i), problem);
    }
    return SUCCESS;
  });
}

// What is asked for in the spec is enforced as soon as the status has it; until then no pod fits.
model::Constraints QuotaOf(const QuotaAmounts& asked, const QuotaAmounts& hard,
                           const QuotaAmounts& used) {
  model::Constraints quota;
  for (std::size_t i = 0; i < kQuotaParts.size(); ++i) {
    if (!asked.of.at(i) && !hard.of.at(i)) continue;
    const auto left = hard.of.at(i) && used.of.at(i) ? *hard.of.at(i) - *used.of.at(i) : 0;
    model::Constraints part;
    part.*kQuotaParts.at(i).left = AtMost(std::max<std::int64_t>(left, 0));
    model::Add(quota, part);
  }
  return quota;
}

// An object that constrains pods, read by `read` member by member.
template <typename Read>
Result<model::Constraints> ReadConstraints(JsonObject object, const std::string& problem,
                                           Read&& read) {
  model::Constraints constraints;
  const auto error =
      ForEachMember(object, [&](std::string_view key, JsonValue value) -> error_code {
        return read(key, value, constraints);
      });
  if (error) return Malformed(error);
  if (!problem.empty()) return base::Fail(Code::kMalformed, problem);
  return constraints;
}

}  // namespace

Result<model::Constraints> ReadLimitRange(JsonObject object) {
  std::string problem;
  return ReadConstraints(
      object, problem,
      [&](std::string_view key, JsonValue value, model::Constraints& range) -> error_code {
        if (key != "spec") return SUCCESS;
        return ForEachMember(value, [&](std::string_view what, JsonValue limits) -> error_code {
          if (what != "limits") return SUCCESS;
          return ForEachElement(limits,
                                [&](JsonValue limit) { return ReadLimit(limit, range, problem); });
        });
      });
}

Result<model::Constraints> ReadResourceQuota(JsonObject object) {
  std::string problem;
  QuotaAmounts asked;
  QuotaAmounts hard;
  QuotaAmounts used;
  const auto read = ReadConstraints(
      object, problem,
      [&](std::string_view key, JsonValue value, model::Constraints&) -> error_code {
        if (key != "spec" && key != "status") return SUCCESS;
        return ForEachMember(value, [&](std::string_view what, JsonValue amounts) -> error_code {
          if (what == "used") return ReadQuotaAmounts(amounts, used, problem);
          if (what != "hard") return SUCCESS;
          return ReadQuotaAmounts(amounts, key == "spec" ? asked : hard, problem);
        });
      });
  if (!read) return read;
  return QuotaOf(asked, hard, used);
}

}  // namespace sparkfit::wire
