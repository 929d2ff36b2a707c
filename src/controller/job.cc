// SPDX-License-Identifier: Apache-2.0
#include "job.h"

#include <fmt/format.h>

namespace sparkfit::controller {
namespace {

recommend::Policy Default(const model::JobRequest& job) {
  using recommend::PolicyKind;
  return {.kind = job.emr ? PolicyKind::kPercentile : PolicyKind::kAdaptive};
}

// The user's, else the job's; the fallback where that is none.
recommend::Policy PolicyInForce(const model::JobRequest& job,
                                const model::RecommendationObject& user,
                                const std::optional<recommend::Policy>& configured,
                                std::vector<std::string>& problems) {
  const auto fallback = configured.value_or(Default(job));
  const auto& text = user.policy ? user.policy : job.policy;
  if (!text) return fallback;
  const auto policy = recommend::ParsePolicy(*text);
  if (policy) return *policy;
  problems.push_back(fmt::format(
      "{}: {}", user.policy ? "spec.policy" : model::AnnotationOf(model::Setting::kPolicy),
      policy.error().message));
  return fallback;
}

}  // namespace

Effective Resolve(const model::JobRequest& job, const model::RecommendationObject* object,
                  const std::optional<recommend::Policy>& fallback) {
  static const model::RecommendationObject none;
  const auto& user = object != nullptr ? *object : none;
  Effective effective;
  auto& problems = effective.problems;
  problems = user.problems;
  problems.insert(problems.end(), job.problems.begin(), job.problems.end());
  effective.policy = PolicyInForce(job, user, fallback, problems);
  effective.bounds = model::BoundsInForce(job, {user.min_memory, user.max_memory}, problems);
  effective.mode = model::ModeInForce(job, user.mode);
  effective.explore = user.explore.value_or(true);
  return effective;
}

void KeyObjects::Put(const model::RecommendationObject& object) {
  Remove(object.name);
  objects_.emplace(Age{object.created, object.name}, object);
  created_.emplace(object.name, object.created);
}

bool KeyObjects::Remove(const std::string& name) {
  const bool counted = objects_.empty() || objects_.begin()->first.second == name;
  if (const auto known = created_.find(name); known != created_.end()) {
    objects_.erase({known->second, name});
    created_.erase(known);
  }
  return counted;
}

const model::RecommendationObject* KeyObjects::Winner() const {
  return objects_.empty() ? nullptr : &objects_.begin()->second;
}

}  // namespace sparkfit::controller
