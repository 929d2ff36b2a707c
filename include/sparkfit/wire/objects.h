// SPDX-License-Identifier: Apache-2.0
//
// The objects that we publish: ExecutorRecommendation and its checkpoint.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

#include "sparkfit/model/checkpoint.h"
#include "sparkfit/model/history.h"
#include "sparkfit/recommend/recommendation.h"
#include "sparkfit/wire/checkpoint_json.h"

namespace sparkfit::wire {

inline constexpr char kApiVersion[] = "sparkfit.io/v1alpha1";

// A name for a key's object: a readable part and a hash, at most 63 characters. Not injective:
// what an object is about is in its spec. `attempt` > 0: another name, where that one is taken.
std::string ObjectName(const model::Key& key, int attempt = 0);

// The signature as a label value: itself where Kubernetes accepts it, else a hash.
std::string SignatureLabel(const std::string& signature);

// To be created: only what identifies the key.
std::string NewRecommendation(const model::Key& key, int attempt = 0);

struct Condition {
  std::string type;
  bool status = false;
  std::string reason;   // CamelCase
  std::string message;  // a sentence
};

// What the status says.
struct StatusFacts {
  const model::KeyHistory& history;
  const recommend::Recommendation& recommendation;
  model::Mode mode;
  const recommend::Policy& policy;
  recommend::Bounds bounds;
  bool explore;
  const std::string& explanation;
  std::vector<Condition> conditions;
};

// Past advice by the names that a status and a replay have for it; `hours` writes an amount of
// GiB·h.
nlohmann::ordered_json AccuracyOf(const model::Accuracy& accuracy,
                                  const std::function<nlohmann::ordered_json(double)>& hours);

// Which object is meant: a write to another one fails.
struct ObjectRef {
  std::string name_space;
  std::string name;
  std::string uid;
  std::int64_t generation = 0;
};

// Since when each condition has its status: type → (status, since).
using ConditionTimes = std::map<std::string, std::pair<std::string, base::Time>>;

// A JSON Patch of the status subresource, which fails where the UID is another one (422). `times`
// is brought up to `now`.
std::string StatusPatch(const ObjectRef& object, const StatusFacts& facts, ConditionTimes& times,
                        base::Time now);

// As above for an object that does not count because another one of its key is older.
std::string DuplicatePatch(const ObjectRef& object, const std::string& winner, base::Time now);

// An Event of the core API about an object, for people who ask kubectl describe.
struct EventFacts {
  std::string kind = "ExecutorRecommendation";
  std::string api_version = kApiVersion;
  ObjectRef object;
  std::string reason;   // CamelCase
  std::string message;  // a sentence
  bool normal = false;  // else a warning
};
std::string NewEvent(const EventFacts& facts, base::Time now);

// The body of a DELETE of exactly that object.
std::string DeleteOptions(const std::string& uid);

// A server-side apply patch of the checkpoint object that belongs to `owner`; `version` is the
// resourceVersion that is replaced, empty for the first.
std::string CheckpointPatch(const ObjectRef& owner, const model::Key& key,
                            const CheckpointSpec& spec, const std::string& version);

}  // namespace sparkfit::wire
