// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/wire/published.h"

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "sparkfit/base/json.h"
#include "sparkfit/base/quantity.h"

namespace sparkfit::wire {
namespace {

using nlohmann::json;

// Null where the path leads nowhere.
const json& At(const json& object, std::initializer_list<const char*> path) {
  static const json kNothing;
  const json* here = &object;
  for (const char* step : path) {
    if (!here->is_object()) return kNothing;
    const auto member = here->find(step);
    if (member == here->end()) return kNothing;
    here = &*member;
  }
  return *here;
}

std::string Text(const json& object, std::initializer_list<const char*> path) {
  const auto& value = At(object, path);
  return value.is_string() ? value.get<std::string>() : "";
}

std::int64_t Count(const json& object, std::initializer_list<const char*> path) {
  const auto& value = At(object, path);
  return value.is_number_integer() ? value.get<std::int64_t>() : 0;
}

std::optional<base::Bytes> Memory(const json& object, std::initializer_list<const char*> path) {
  const auto amount = base::ParseMemory(Text(object, path));
  return amount ? std::optional(*amount) : std::nullopt;
}

double GibHours(const json& status, const char* what, const char* which) {
  return std::strtod(Text(status, {what, which}).c_str(), nullptr);
}

std::optional<PublishedAccuracy> Accuracy(const json& status) {
  const auto count = [&](const char* which) { return Count(status, {"accuracy", which}); };
  if (count("runs") == 0) return std::nullopt;
  return PublishedAccuracy{.runs = count("runs"),
                           .covered = count("coveredRuns"),
                           .sized = count("sizedRuns"),
                           .covered_sized = count("coveredSizedRuns"),
                           .unknown = count("unknownRuns"),
                           .unadvised = count("unadvisedRuns"),
                           .waste_gib_hours = GibHours(status, "accuracy", "wasteGiBHours"),
                           .missing_gib_hours = GibHours(status, "accuracy", "missingGiBHours"),
                           .regret_gib_hours = GibHours(status, "accuracy", "regretGiBHours"),
                           .lacking_heap = count("lackingHeapRuns"),
                           .lacking_outside = count("lackingOutsideRuns")};
}

std::vector<PublishedCondition> Conditions(const json& status) {
  std::vector<PublishedCondition> conditions;
  const auto& list = At(status, {"conditions"});
  if (!list.is_array()) return conditions;
  for (const auto& entry : list) {
    conditions.push_back({Text(entry, {"type"}), Text(entry, {"status"}), Text(entry, {"reason"}),
                          Text(entry, {"message"})});
  }
  return conditions;
}

}  // namespace

bool Published::Is(std::string_view condition) const {
  return std::any_of(conditions.begin(), conditions.end(), [&](const auto& known) {
    return known.type == condition && known.status == "True";
  });
}

base::Result<Published> ReadPublished(std::string_view text) {
  const auto object = base::ParseJson(text);
  if (!object.is_object()) return base::Fail(base::Code::kMalformed, "it is no JSON object");
  Published published;
  published.key = {Text(object, {"metadata", "namespace"}), Text(object, {"spec", "signature"}),
                   static_cast<int>(Count(object, {"spec", "resourceProfile"}))};
  published.name = Text(object, {"metadata", "name"});
  if (published.name.empty() || published.key.name_space.empty() ||
      published.key.signature.empty()) {
    return base::Fail(base::Code::kMalformed, "it has no namespace, name or signature");
  }
  published.uid = Text(object, {"metadata", "uid"});
  published.created = Text(object, {"metadata", "creationTimestamp"});
  const auto& status = At(object, {"status"});
  published.mode = Text(status, {"effective", "mode"});
  published.policy = Text(status, {"effective", "policy"});
  published.explanation = Text(status, {"explanation"});
  published.target = Memory(status, {"recommendation", "memory", "target"});
  published.target_request = Memory(status, {"recommendation", "memory", "targetRequest"});
  published.lower = Memory(status, {"recommendation", "memory", "lower"});
  published.upper = Memory(status, {"recommendation", "memory", "upper"});
  published.uncapped = Memory(status, {"recommendation", "memory", "uncapped"});
  published.heap = Memory(status, {"recommendation", "heap"});
  published.overhead = Memory(status, {"recommendation", "overhead"});
  published.request = Memory(status, {"observed", "request"});
  published.peak = Memory(status, {"observed", "peak"});
  published.applications = Count(status, {"observed", "applications"});
  published.executors = Count(status, {"observed", "executors"});
  published.sampled_executors = Count(status, {"observed", "sampledExecutors"});
  published.container_ooms = Count(status, {"observed", "containerOOMs"});
  published.heap_ooms = Count(status, {"observed", "heapOOMs"});
  published.unknown_ends = Count(status, {"observed", "unknownEnds"});
  published.last_sample = Text(status, {"observed", "lastSample"});
  published.last_oom = Text(status, {"observed", "lastOOM"});
  published.overhead_class =
      model::ParseOverheadClass(Text(status, {"observed", "shape", "overhead"}));
  published.possible_gib_hours = GibHours(status, "savings", "possibleGiBHours");
  published.realised_gib_hours = GibHours(status, "savings", "realisedGiBHours");
  published.extra_gib_hours = GibHours(status, "savings", "extraGiBHours");
  published.accuracy = Accuracy(status);
  published.conditions = Conditions(status);
  return published;
}

}  // namespace sparkfit::wire
