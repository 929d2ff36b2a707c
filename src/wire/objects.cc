// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/wire/objects.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sparkfit/base/hash.h"
#include "sparkfit/base/quantity.h"
#include "sparkfit/base/text.h"

namespace sparkfit::wire {
namespace {

using base::Bytes;
using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::size_t kLongestLabel = 63;
constexpr std::size_t kLongestSlug = 40;

// Lower-case letters, digits and single dashes, as a DNS label begins.
std::string Slug(const std::string& text) {
  std::string slug;
  for (const char c : text) {
    if (slug.size() == kLongestSlug) break;
    if (base::IsAlphanumeric(c)) {
      slug += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    } else if (!slug.empty() && slug.back() != '-') {
      slug += '-';
    }
  }
  while (!slug.empty() && slug.back() == '-') slug.pop_back();
  return slug.empty() ? "job" : slug;
}

std::string Dump(const ordered_json& object) {
  return object.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::string Seconds(base::Time time) {
  return base::FormatTime(std::chrono::floor<std::chrono::seconds>(time));
}

json Labels(const std::string& signature) {
  const auto label = SignatureLabel(signature);
  return {{"sparkfit.io/signature", label},
          {"emr-containers.amazonaws.com/dynamic.sizing.signature", label}};
}

void Put(ordered_json& object, const char* key, const std::optional<Bytes>& amount) {
  if (amount) object[key] = base::FormatQuantity(*amount);
}

void Put(ordered_json& object, const char* key, Bytes amount) {
  if (amount.value > 0) object[key] = base::FormatQuantity(amount);
}

void Put(ordered_json& object, const char* key, const std::optional<base::Time>& time) {
  if (time) object[key] = Seconds(*time);
}

ordered_json RecommendationOf(const recommend::Recommendation& recommendation) {
  ordered_json memory = ordered_json::object();
  Put(memory, "target", recommendation.target);
  Put(memory, "lower", recommendation.lower);
  Put(memory, "upper", recommendation.upper);
  Put(memory, "uncapped", recommendation.uncapped);
  if (recommendation.target_request != recommendation.target) {
    Put(memory, "targetRequest", recommendation.target_request);
  }
  ordered_json object{{"memory", memory}};
  if (recommendation.split) {
    Put(object, "heap", recommendation.split->heap);
    Put(object, "overhead", recommendation.split->overhead);
  }
  // For admission on other replicas.
  Put(object, "leastHeap", recommendation.bounds.least_heap);
  Put(object, "leastOverhead", recommendation.bounds.least_outside);
  Put(object, "mostHeap", recommendation.bounds.most_heap);
  if (const auto& trial = recommendation.next.trial) {
    ordered_json next{{"part", std::string(model::Name(trial->part))}};
    Put(next, "memory", trial->size.limit);
    Put(next, "heap", trial->size.heap);
    next["executors"] = trial->executors;
    object["next"] = std::move(next);
  }
  return object;
}

ordered_json ObservedOf(const model::KeyHistory& history) {
  const auto& totals = history.Totals();
  ordered_json observed{
      {"applications", totals.applications},
      {"executors", totals.executors},
      {"sampledExecutors", totals.coverage[1] + totals.coverage[2]},
      {"containerOOMs", totals.container_ooms},
      {"heapOOMs", totals.heap_ooms},
      {"unknownEnds", totals.unknown_ends},
  };
  Put(observed, "peak", totals.peak.RoundedUpToMiB());
  if (const auto* shape = history.CurrentShape(); shape != nullptr) {
    Put(observed, "request", shape->request);
    if (shape->submitted.limit.value > 0) {
      ordered_json submitted = ordered_json::object();
      Put(submitted, "memory", shape->submitted.limit);
      Put(submitted, "heap", shape->submitted.heap);
      observed["submitted"] = std::move(submitted);
    }
    observed["shape"] = {{"cores", shape->shape.cores},
                         {"overhead", std::string(model::Name(shape->shape.overhead))}};
    if (shape->shape.spark.IsKnown()) {
      observed["shape"]["spark"] = model::Format(shape->shape.spark);
    }
  }
  Put(observed, "lastSample", totals.last_sample);
  Put(observed, "lastOOM", totals.last_oom);
  return observed;
}

ordered_json EffectiveOf(const StatusFacts& facts) {
  ordered_json effective{{"mode", std::string(model::Name(facts.mode))},
                         {"policy", recommend::Format(facts.policy)}};
  ordered_json memory = ordered_json::object();
  Put(memory, "min", facts.bounds.min);
  Put(memory, "max", facts.bounds.max);
  if (!memory.empty()) effective["memory"] = memory;
  if (!facts.explore) effective["explore"] = false;
  return effective;
}

// Fixed decimals: a status must not change because of a last binary digit.
std::string HoursText(double value) { return fmt::format("{:.3f}", value); }

ordered_json SavingsOf(const model::Savings& savings) {
  return {{"possibleGiBHours", HoursText(savings.possible)},
          {"realisedGiBHours", HoursText(savings.realised)},
          {"extraGiBHours", HoursText(savings.extra)}};
}

// What `kubectl wait` waits for, by what the other conditions say against it.
Condition ReadyOf(const std::vector<Condition>& all) {
  for (const auto& [type, status, reason, message] : all) {
    const bool against = type == "RecommendationProvided"
                             ? !status
                             : status && (type == "InvalidSpec" || type == "Duplicate");
    if (against) return {"Ready", false, reason, message};
  }
  return {"Ready", true, "Recommended", "There is a target, and all of the spec counts."};
}

ordered_json ConditionsOf(std::vector<Condition> all, std::int64_t generation,
                          ConditionTimes& times, base::Time now) {
  all.insert(all.begin(), ReadyOf(all));
  ordered_json conditions = ordered_json::array();
  ConditionTimes current;
  for (const auto& condition : all) {
    const std::string status = condition.status ? "True" : "False";
    const auto before = times.find(condition.type);
    const bool same = before != times.end() && before->second.first == status;
    const auto since = same ? before->second.second : now;
    current[condition.type] = {status, since};
    conditions.push_back({{"type", condition.type},
                          {"status", status},
                          {"reason", condition.reason},
                          {"message", condition.message},
                          {"observedGeneration", generation},
                          {"lastTransitionTime", Seconds(since)}});
  }
  times = std::move(current);
  return conditions;
}

// The whole status, if the object is the one that is meant. Server-side apply does not do: on the
// status subresource of a custom resource the API server passes over a UID that is another one.
std::string PatchOf(const ObjectRef& object, ordered_json status) {
  ordered_json patch = ordered_json::array();
  patch.push_back({{"op", "test"}, {"path", "/metadata/uid"}, {"value", object.uid}});
  patch.push_back({{"op", "add"}, {"path", "/status"}, {"value", std::move(status)}});
  return Dump(patch);
}

}  // namespace

std::string ObjectName(const model::Key& key, int attempt) {
  const auto profile = key.profile == 0 ? "" : fmt::format("-p{}", key.profile);
  const auto text = key.Encode() + (attempt == 0 ? "" : fmt::format("#{}", attempt));
  return fmt::format("{}{}-{:010x}", Slug(key.signature), profile,
                     base::Fnv1a(text) & 0xffffffffffU);
}

std::string SignatureLabel(const std::string& signature) {
  const bool fits = !signature.empty() && signature.size() <= kLongestLabel &&
                    base::IsAlphanumeric(signature.front()) &&
                    base::IsAlphanumeric(signature.back()) &&
                    std::all_of(signature.begin(), signature.end(), [](char c) {
                      return base::IsAlphanumeric(c) || c == '-' || c == '_' || c == '.';
                    });
  return fits ? signature : fmt::format("h-{:016x}", base::Fnv1a(signature));
}

std::string NewRecommendation(const model::Key& key, int attempt) {
  return Dump({{"apiVersion", kApiVersion},
               {"kind", "ExecutorRecommendation"},
               {"metadata",
                {{"name", ObjectName(key, attempt)},
                 {"namespace", key.name_space},
                 {"labels", Labels(key.signature)}}},
               {"spec", {{"signature", key.signature}, {"resourceProfile", key.profile}}}});
}

ordered_json AccuracyOf(const model::Accuracy& accuracy,
                        const std::function<ordered_json(double)>& hours) {
  using model::Part;
  const auto of = [](const auto& by_part, Part part) {
    return by_part.at(static_cast<std::size_t>(part));
  };
  return {{"runs", accuracy.Judged()},
          {"coveredRuns", accuracy.Covered()},
          {"sizedRuns", accuracy.sized.All()},
          {"coveredSizedRuns", accuracy.sized.covered},
          {"unknownRuns", accuracy.unknown},
          {"unadvisedRuns", accuracy.unadvised},
          {"wasteGiBHours", hours(accuracy.waste)},
          {"missingGiBHours", hours(accuracy.missing)},
          {"regretGiBHours", hours(accuracy.regret)},
          {"lackingHeapRuns", of(accuracy.lacking, Part::kHeap)},
          {"lackingOutsideRuns", of(accuracy.lacking, Part::kOutside)},
          {"wasteHeapGiBHours", hours(of(accuracy.part_waste, Part::kHeap))},
          {"wasteOutsideGiBHours", hours(of(accuracy.part_waste, Part::kOutside))}};
}

std::string StatusPatch(const ObjectRef& object, const StatusFacts& facts, ConditionTimes& times,
                        base::Time now) {
  ordered_json status{{"observedGeneration", object.generation},
                      {"effective", EffectiveOf(facts)},
                      {"recommendation", RecommendationOf(facts.recommendation)},
                      {"observed", ObservedOf(facts.history)},
                      {"savings", SavingsOf(facts.history.Totals().savings)}};
  const auto& accuracy = facts.history.PastAdvice().Sums();
  if (accuracy.Judged() > 0) status["accuracy"] = AccuracyOf(accuracy, HoursText);
  status["explanation"] = facts.explanation;
  status["conditions"] = ConditionsOf(facts.conditions, object.generation, times, now);
  return PatchOf(object, std::move(status));
}

std::string DuplicatePatch(const ObjectRef& object, const std::string& winner, base::Time now) {
  ConditionTimes times;
  const Condition duplicate{
      "Duplicate", true, "OlderObject",
      fmt::format("{} is older and counts for this signature; this object does nothing.", winner)};
  return PatchOf(object,
                 {{"observedGeneration", object.generation},
                  {"conditions", ConditionsOf({duplicate}, object.generation, times, now)}});
}

std::string NewEvent(const EventFacts& facts, base::Time now) {
  const auto& object = facts.object;
  const auto time = Seconds(now);
  // The same event is the same object: a request that arrives twice creates one.
  const auto name =
      fmt::format("{}.{:016x}", object.name,
                  base::Fnv1a(facts.reason + facts.message + object.uid + base::FormatTime(now)));
  ordered_json about{{"apiVersion", facts.api_version},
                     {"kind", facts.kind},
                     {"namespace", object.name_space},
                     {"name", object.name}};
  if (!object.uid.empty()) about["uid"] = object.uid;
  return Dump({{"apiVersion", "v1"},
               {"kind", "Event"},
               {"metadata", {{"name", name}, {"namespace", object.name_space}}},
               {"involvedObject", std::move(about)},
               {"reason", facts.reason},
               {"message", facts.message},
               {"type", facts.normal ? "Normal" : "Warning"},
               {"source", {{"component", "sparkfit"}}},
               {"firstTimestamp", time},
               {"lastTimestamp", time},
               {"count", 1}});
}

std::string DeleteOptions(const std::string& uid) {
  return Dump({{"apiVersion", "v1"}, {"kind", "DeleteOptions"}, {"preconditions", {{"uid", uid}}}});
}

std::string CheckpointPatch(const ObjectRef& owner, const model::Key& key,
                            const CheckpointSpec& spec, const std::string& version) {
  ordered_json owners = ordered_json::array();
  owners.push_back({{"apiVersion", kApiVersion},
                    {"kind", "ExecutorRecommendation"},
                    {"name", owner.name},
                    {"uid", owner.uid},
                    {"controller", true}});
  ordered_json metadata{{"name", owner.name},
                        {"namespace", owner.name_space},
                        {"labels", Labels(key.signature)},
                        {"ownerReferences", std::move(owners)}};
  if (!version.empty()) metadata["resourceVersion"] = version;
  return Dump({{"apiVersion", kApiVersion},
               {"kind", "ExecutorRecommendationCheckpoint"},
               {"metadata", std::move(metadata)},
               {"spec",
                {{"version", kCheckpointVersion},
                 {"encoding", spec.encoding},
                 {"checksum", spec.checksum},
                 {"data", spec.data}}}});
}

}  // namespace sparkfit::wire
