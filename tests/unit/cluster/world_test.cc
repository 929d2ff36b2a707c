// SPDX-License-Identifier: Apache-2.0
#include "cluster/world.h"

#include <catch2/catch.hpp>

#include "cluster_story.h"

namespace sparkfit::cluster {
namespace {

using model::EventType;
using test::ClusterStory;

constexpr base::Time kNow{std::chrono::hours(24 * 20000)};

TEST_CASE("a pod's facts are kept once, by the world as by who told of it", "[cluster]") {
  World world;
  const model::PodEvent event{model::EventType::kAdded,
                              test::ClusterStory::Executor("e1", "app", "nightly")};
  world.Take({base::Time{}, event});
  CHECK(world.FindPod("e1") == &*event.pod);
  CHECK(world.FindPod("e2") == nullptr);
}

TEST_CASE("what a list does not name any more is gone", "[cluster]") {
  World world;
  for (const auto* uid : {"a", "b"}) {
    world.Take({kNow, model::PodEvent{EventType::kAdded, ClusterStory::Executor(uid, "x", "s")}});
  }
  const auto missing = world.Missing({Kind::kPods, {"b", "c"}}, kNow);
  REQUIRE(missing.size() == 1);
  const auto& event = std::get<model::PodEvent>(missing[0].what);
  CHECK(event.event == EventType::kDeleted);
  CHECK(event.pod->uid == "a");
}

TEST_CASE("a list of one namespace says nothing of another", "[cluster]") {
  World world;
  auto pod = ClusterStory::Executor("a", "x", "s");
  world.Take({kNow, model::PodEvent{EventType::kAdded, pod}});
  CHECK(world.Missing({Kind::kPods, {}, "other"}, kNow).empty());
  CHECK(world.Missing({Kind::kPods, {}, pod.name_space}, kNow).size() == 1);
  CHECK(world.Missing({Kind::kPods, {}}, kNow).size() == 1);
}

TEST_CASE("the world is complete when each collection was listed", "[cluster]") {
  World world;
  world.Expect(Kind::kPods, "a");
  world.Expect(Kind::kPods, "b");
  world.SetListed({Kind::kPods, {}, "a"});
  world.SetListed({Kind::kNodes, {}, "b"});
  CHECK_FALSE(world.Complete());
  world.SetListed({Kind::kPods, {}, "b"});
  CHECK(world.Complete());
}

TEST_CASE("of several objects of a key the oldest counts", "[cluster]") {
  World world;
  model::RecommendationObject object;
  object.name_space = "ns";
  object.signature = "s";
  for (const auto& [name, minutes] : {std::pair{"b", 2}, std::pair{"c", 1}, std::pair{"a", 2}}) {
    object.name = name;
    object.created = kNow + std::chrono::minutes(minutes);
    world.Take({kNow, model::RecommendationEvent{EventType::kAdded, object}});
  }
  const model::Key key{"ns", "s", 0};
  REQUIRE(world.ObjectOf(key) != nullptr);
  CHECK(world.ObjectOf(key)->name == "c");
  object.name = "c";
  world.Take({kNow, model::RecommendationEvent{EventType::kDeleted, object}});
  CHECK(world.ObjectOf(key)->name == "a");
  CHECK(world.ObjectOf({"ns", "other", 0}) == nullptr);
}

TEST_CASE("the nodes that executors run on", "[cluster]") {
  World world;
  for (const auto* name : {"busy", "idle"}) {
    world.Take({kNow, model::NodeEvent{EventType::kAdded, name, {}, "10.0.0.1", 10250}});
  }
  auto pod = ClusterStory::Executor("a", "x", "s");
  world.Take({kNow, model::PodEvent{EventType::kAdded, pod}});
  CHECK(world.ExecutorNodes().empty());  // not scheduled yet
  pod.node = "busy";
  world.Take({kNow, model::PodEvent{EventType::kModified, pod}});
  world.Take({kNow, model::PodEvent{EventType::kModified, pod}});
  REQUIRE(world.ExecutorNodes().size() == 1);
  CHECK(world.ExecutorNodes()[0].name == "busy");
  CHECK(world.MayHaveExecutor(pod.name_space, pod.name));
  pod.ended = model::Termination{"c", "Completed", 0, kNow};
  pod.phase = model::PodPhase::kSucceeded;
  world.Take({kNow, model::PodEvent{EventType::kModified, pod}});
  CHECK(world.ExecutorNodes().empty());
  CHECK(world.MayHaveExecutor(pod.name_space, pod.name));  // for late samples
  world.Take({kNow, model::PodEvent{EventType::kDeleted, pod}});
  CHECK_FALSE(world.MayHaveExecutor(pod.name_space, pod.name));
}

TEST_CASE("nodes are remembered with the labels that executors ask for", "[cluster]") {
  World world;
  model::NodeEvent node{EventType::kAdded, "n", base::GiB(64)};
  node.labels = {{"pool", "spark"}, {"zone", "a"}, {"other", "x"}};
  world.Take({kNow, node});
  auto pod = ClusterStory::Executor("a", "x", "s");
  pod.placement.Edit().selector = {{"pool", "spark"}};
  pod.placement.Edit().terms = {{{{"zone", model::Requirement::Operator::kExists, {}}}, {}}};
  world.Take({kNow, model::PodEvent{EventType::kAdded, pod}});
  const auto remembered = world.RememberedNodes(kNow);
  REQUIRE(remembered.size() == 1);
  CHECK(remembered[0].labels == model::Labels{{"pool", "spark"}, {"zone", "a"}});
  // Another replica takes it over; its node is not one that is there.
  World other;
  other.Take({kNow, remembered[0]});
  CHECK(other.Nodes().empty());
  CHECK(other.RememberedNodes(kNow).size() == 1);
}

TEST_CASE("of the labels that a namespace demands few are remembered, and another's are, too",
          "[cluster]") {
  World world;
  model::NodeEvent node{EventType::kAdded, "n", base::GiB(64)};
  node.labels = {{"pool", "spark"}};
  const auto demand = [&](const std::string& name_space, const std::string& uid,
                          const std::string& label) {
    auto pod = ClusterStory::Executor(uid, "x", "s");
    pod.name_space = name_space;
    pod.placement.Edit().selector = {{label, "yes"}};
    world.Take({kNow, model::PodEvent{EventType::kAdded, pod}});
  };
  for (int i = 0; i < 100; ++i) {
    const auto label = "made-up-" + std::to_string(i);
    demand("evil", label, label);
    node.labels.emplace(label, "yes");
  }
  demand("jobs", "good", "pool");
  world.Take({kNow, node});
  const auto remembered = world.RememberedNodes(kNow);
  REQUIRE(remembered.size() == 1);
  CHECK(remembered[0].labels.size() == 17);  // 16 of the first namespace
  CHECK(remembered[0].labels.contains("pool"));
}

}  // namespace
}  // namespace sparkfit::cluster
