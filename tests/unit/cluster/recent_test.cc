// SPDX-License-Identifier: Apache-2.0
#include "cluster/recent.h"

#include <catch2/catch.hpp>

#include "cluster_story.h"

namespace sparkfit::cluster {
namespace {

using model::EventType;
using model::Observation;
using test::ClusterStory;

constexpr base::Time kNow{std::chrono::hours(24 * 20000)};
constexpr auto kLongest = std::chrono::seconds(45);

Observation Seen(const std::string& name_space, const std::string& uid, base::Time t = kNow) {
  auto pod = ClusterStory::Executor(uid, "a", "s");
  pod.name_space = name_space;
  return {t, model::PodEvent{EventType::kModified, pod}};
}

std::string UidsOf(const Recent& recent) {
  std::string uids;
  for (const auto& observation : recent.All()) {
    uids += std::get<model::PodEvent>(observation.what).pod->uid + " ";
  }
  return uids;
}

TEST_CASE("what was seen of pods comes back in the order in which it came", "[cluster]") {
  Recent recent(kLongest);
  for (const auto* uid : {"a", "b", "c", "a"}) recent.Push(Seen(uid[0] == 'b' ? "x" : "y", uid));
  CHECK(UidsOf(recent) == "a b c a ");
  recent.Clear();
  CHECK(UidsOf(recent).empty());
}

TEST_CASE("what was seen longer ago is forgotten", "[cluster]") {
  Recent recent(kLongest);
  recent.Push(Seen("x", "a", kNow));
  recent.Push(Seen("x", "b", kNow + std::chrono::seconds(1)));
  recent.ForgetBefore(kNow + kLongest);
  CHECK(UidsOf(recent) == "a b ");
  recent.ForgetBefore(kNow + kLongest + std::chrono::seconds(1));
  CHECK(UidsOf(recent) == "b ");
}

TEST_CASE("a namespace whose pods change without end forgets its own oldest, and nobody else's",
          "[cluster]") {
  const auto one = model::SizeOf(ClusterStory::Executor("e0", "a", "s"));
  Recent recent(kLongest, 10 * one);
  recent.Push(Seen("jobs", "first"));
  for (int i = 0; i < 1000; ++i) recent.Push(Seen("evil", "e" + std::to_string(i % 10)));
  const auto uids = UidsOf(recent);
  CHECK(uids.starts_with("first "));
  const auto kept = std::count(uids.begin(), uids.end(), ' ') - 1;
  CHECK(kept >= 9);
  CHECK(kept <= 10);
}

TEST_CASE("a pod counts with all that it holds", "[cluster]") {
  auto pod = ClusterStory::Executor("e", "a", "s");
  const auto usual = model::SizeOf(pod);
  pod.node = std::string(200, 'n');
  const auto with_node = model::SizeOf(pod);
  CHECK(with_node >= usual + 200);
  pod.placement.Edit().selector.emplace("key", std::string(1000, 'v'));
  const auto with_demand = model::SizeOf(pod);
  CHECK(with_demand >= with_node + 1000);
  ClusterStory::Set(pod, "sparkfit.io/policy", std::string(200, 'p'));
  CHECK(model::SizeOf(pod) >= with_demand + 200);
}

}  // namespace
}  // namespace sparkfit::cluster
