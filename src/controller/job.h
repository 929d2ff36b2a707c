// SPDX-License-Identifier: Apache-2.0
//
// One key's settings: what the job asks for, what a user set on its object, and what comes of it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "sparkfit/base/shared.h"
#include "sparkfit/model/history.h"
#include "sparkfit/model/observation.h"
#include "sparkfit/model/settings.h"
#include "sparkfit/recommend/recommendation.h"
#include "timers.h"

namespace sparkfit::controller {

// The settings in force for one key.
struct Effective {
  model::Mode mode = model::Mode::kOff;
  recommend::Policy policy;
  recommend::Bounds bounds;
  bool explore = true;                // runs may try smaller sizes
  std::vector<std::string> problems;  // what was asked for and is left out, by the job and the user

  friend bool operator==(const Effective&, const Effective&) = default;
};

// A user's settings win over the job's, each alone; `object` may be null. `fallback` is
// PipelineOptions::policy.
Effective Resolve(const model::JobRequest& job, const model::RecommendationObject* object,
                  const std::optional<recommend::Policy>& fallback);

// Which keys are related: namespace, family, profile, and cores and overhead of their shape.
using FamilyKey = std::tuple<std::string, std::string, int, std::string, model::OverheadClass>;

struct TrackedPod;

// The target in force as executors that start note it, and when it was found.
struct Target {
  model::ExecutorSize size;  // limit 0: none
  base::Bytes request;
  std::optional<base::Time> found;
};

// One key, as the pipeline keeps it.
struct Entry {
  Entry(const model::Key& key, const Effective& settings)
      : history(key, settings.policy.half_life), effective(settings) {}

  model::KeyHistory history;
  model::JobRequest job;
  Effective effective;
  std::unordered_set<TrackedPod*> pods;
  std::vector<std::uint64_t> runs;  // of RunIndex
  std::optional<FamilyKey> family;  // that it is a member of
  std::uint32_t family_shape = 0;   // with its runs of this shape
  std::set<std::string> gone;       // UIDs of pods that are gone and whose events may be repeated
  std::optional<base::Shared<model::Placement>>
      placement;             // of its latest executor; absent: none was seen yet
  Timers::Handle retention;  // the timer that ends it
  bool restored = false;     // from a checkpoint
  base::Time kept_until{};   // not forgotten before, where it was
  bool changed = false;      // since the changes were last taken
  Target target;
};

// The ExecutorRecommendations of one key. The oldest counts, of equal age the first by name.
class KeyObjects {
 public:
  void Put(const model::RecommendationObject& object);
  // True where the object that counted was removed, or none was known.
  bool Remove(const std::string& name);
  [[nodiscard]] const model::RecommendationObject* Winner() const;
  [[nodiscard]] bool Empty() const { return objects_.empty(); }

 private:
  using Age = std::pair<base::Time, std::string>;        // when it was created, and its name
  std::map<Age, model::RecommendationObject> objects_;   // the winner first
  std::unordered_map<std::string, base::Time> created_;  // by name
};

}  // namespace sparkfit::controller
