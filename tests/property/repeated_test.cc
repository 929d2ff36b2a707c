// SPDX-License-Identifier: Apache-2.0
//
// Watches tell things again after they broke off, lists tell all of it, and what is watched apart
// comes in any order: the same is learnt.
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <variant>

#include "recorded_day.h"
#include "sparkfit/controller/pipeline.h"

namespace sparkfit {
namespace {

using controller::Pipeline;
using model::Observation;
using test::RecordedDay;

Pipeline Fresh() { return Pipeline({.policy = *recommend::ParsePolicy("adaptive"), .safety = {}}); }

std::string Text(const Pipeline& pipeline) {
  std::string text;
  for (const auto& row : pipeline.Recommend()) text += row.explanation + "\n";
  return text;
}

std::string Learnt(const std::vector<Observation>& day) {
  auto pipeline = Fresh();
  for (const auto& observation : day) pipeline.Observe(observation);
  return Text(pipeline);
}

TEST_CASE("whatever is told again changes nothing that was learnt", "[repeated]") {
  const auto day = RecordedDay();
  const auto through = Learnt(day);
  REQUIRE(through.size() > 100);
  for (unsigned seed = 1; seed <= 10; ++seed) {
    std::mt19937 random(seed);
    auto pipeline = Fresh();
    std::map<std::string, model::PodFacts> pods;
    for (const auto& observation : day) {
      pipeline.Observe(observation);
      if (random() % 3 == 0) pipeline.Observe(observation);
      if (const auto* event = std::get_if<model::PodEvent>(&observation.what)) {
        if (event->event == model::EventType::kDeleted) {
          pods.erase(event->pod->uid);
        } else {
          pods.insert_or_assign(event->pod->uid, event->pod);
        }
      }
      if (random() % 100 != 0) continue;
      for (const auto& [uid, pod] : pods) {  // a list
        pipeline.Observe({observation.t, model::PodEvent{model::EventType::kAdded, pod}});
      }
    }
    INFO("seed " << seed);
    CHECK(Text(pipeline) == through);
  }
}

// Whether these are watched or asked for apart, so that either may come first. Usage of a pod that
// was not seen yet counts for nobody.
bool MayChangePlaces(const Observation& a, const Observation& b) {
  const auto* usage = std::get_if<model::UsageSample>(&a.what);
  const auto* other = std::get_if<model::UsageSample>(&b.what);
  if (usage != nullptr && other != nullptr) return true;
  if (usage == nullptr && other == nullptr) return false;
  const auto* event = std::get_if<model::PodEvent>(usage != nullptr ? &b.what : &a.what);
  return event == nullptr || event->event != model::EventType::kAdded ||
         event->pod->name != (usage != nullptr ? usage : other)->pod;
}

TEST_CASE("usage and pods in another order change nothing that was learnt", "[repeated]") {
  const auto day = RecordedDay();
  const auto through = Learnt(day);
  for (unsigned seed = 1; seed <= 10; ++seed) {
    std::mt19937 random(seed);
    auto shuffled = day;
    std::size_t moved = 0;
    for (std::size_t i = 0; i + 1 < shuffled.size(); ++i) {
      auto& a = shuffled[i];
      auto& b = shuffled[i + 1];
      // By at most a few seconds; both are told when the later one was.
      if (b.t - a.t > std::chrono::seconds(5) || !MayChangePlaces(a, b) || random() % 2 == 0) {
        continue;
      }
      a.t = b.t;
      std::swap(a, b);
      ++moved;
    }
    INFO("seed " << seed << ", moved " << moved);
    CHECK(moved > day.size() / 10);
    CHECK(Learnt(shuffled) == through);
  }
}

}  // namespace
}  // namespace sparkfit
