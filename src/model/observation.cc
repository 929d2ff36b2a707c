// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/model/observation.h"

#include <algorithm>
#include <array>

#include "sparkfit/base/text.h"

namespace sparkfit::model {
namespace {

constexpr std::array kOwnConditions{
    std::string_view("Ready"),         std::string_view("RecommendationProvided"),
    std::string_view("LowConfidence"), std::string_view("LatestRunFailed"),
    std::string_view("HeapInflated"),  std::string_view("AutoNotAvailable"),
    std::string_view("CPUNotSized"),   std::string_view("CheckpointTooLarge"),
    std::string_view("InvalidSpec"),   std::string_view("Duplicate")};
constexpr std::size_t kLongestStatus = 7;  // True, False or Unknown

}  // namespace

bool IsOwnCondition(std::string_view type) {
  return std::find(kOwnConditions.begin(), kOwnConditions.end(), type) != kOwnConditions.end();
}

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
  for (auto& [type, condition] : object.conditions) base::Cut(condition.first, kLongestStatus);
  CutProblems(object.problems);
}

}  // namespace sparkfit::model
