// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/model/observation.h"

#include <iterator>

#include "sparkfit/base/text.h"

namespace sparkfit::model {
namespace {

constexpr std::size_t kMostConditions = 16;
constexpr std::size_t kLongestStatus = 7;  // True, False or Unknown

}  // namespace

void Cut(RecommendationObject& object) {
  for (auto* text :
       {&object.name_space, &object.name, &object.signature, &object.uid, &object.version}) {
    base::Cut(*text, kLongestSetting);
  }
  if (object.policy && object.policy->size() > kLongestSetting) {
    object.policy.reset();
    object.problems.insert(object.problems.begin(), "spec.policy is too long");
  }
  if (object.published_shape) base::Cut(object.published_shape->cores, kLongestSetting);
  std::erase_if(object.conditions,
                [](const auto& condition) { return condition.first.size() > kLongestSetting; });
  while (object.conditions.size() > kMostConditions) {
    object.conditions.erase(std::prev(object.conditions.end()));
  }
  for (auto& [type, condition] : object.conditions) base::Cut(condition.first, kLongestStatus);
  CutProblems(object.problems);
}

}  // namespace sparkfit::model
