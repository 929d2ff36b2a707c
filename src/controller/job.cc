// SPDX-License-Identifier: Apache-2.0
#include "job.h"

#include <algorithm>
#include <tuple>

namespace sparkfit::controller {

Effective Resolve(const model::JobRequest& job, const model::RecommendationObject* object,
                  const recommend::Policy& fallback, std::vector<std::string>& problems) {
  static const model::RecommendationObject none;
  const auto& user = object != nullptr ? *object : none;
  Effective effective;
  effective.policy = fallback;
  if (const auto& text = user.policy ? user.policy : job.policy) {
    const auto policy = recommend::ParsePolicy(*text);
    if (policy) {
      effective.policy = *policy;
    } else {
      problems.push_back(policy.error().message);
    }
  }
  effective.bounds.min = user.min_memory ? user.min_memory : job.min_memory;
  effective.bounds.max = user.max_memory ? user.max_memory : job.max_memory;
  effective.mode = model::ModeInForce(job, user.mode);
  return effective;
}

void KeyObjects::Put(const model::RecommendationObject& object) {
  Remove(object.name);
  objects_.push_back(object);
  std::sort(objects_.begin(), objects_.end(), [](const auto& a, const auto& b) {
    return std::tie(a.created, a.name) < std::tie(b.created, b.name);
  });
}

bool KeyObjects::Remove(const std::string& name) {
  const bool counted = objects_.empty() || objects_.front().name == name;
  std::erase_if(objects_, [&](const auto& object) { return object.name == name; });
  return counted;
}

const model::RecommendationObject* KeyObjects::Winner() const {
  return objects_.empty() ? nullptr : &objects_.front();
}

}  // namespace sparkfit::controller
