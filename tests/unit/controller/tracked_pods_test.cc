// SPDX-License-Identifier: Apache-2.0
#include "controller/tracked_pods.h"

#include <catch2/catch.hpp>

#include "cluster_story.h"

namespace sparkfit::controller {
namespace {

using test::ClusterStory;

model::PodFacts Numbered(const std::string& uid) {
  auto pod = ClusterStory::Executor(uid, "app-1", "nightly");
  pod.executor_id = "1";
  return pod;
}

// Labels are anybody's to write: a driver's answer with one number a thousand times would look at
// each of a thousand pods, every time.
TEST_CASE("of executors that go by one number the latest is meant", "[controller]") {
  TrackedPods pods;
  pods.Add(Numbered("e1"));
  auto& latest = pods.Add(Numbered("e2"));
  CHECK(pods.OfApplication("jobs", "app-1", "1") == &latest);
  pods.Remove(*pods.Find("jobs", "e1"));
  CHECK(pods.OfApplication("jobs", "app-1", "1") == &latest);
  pods.Remove(latest);
  CHECK(pods.OfApplication("jobs", "app-1", "1") == nullptr);
}

TEST_CASE("executors that a selector alone leads to are asked for where it may be believed",
          "[controller]") {
  TrackedPods pods;
  auto& selected = pods.Add(Numbered("e1"));
  auto facts = Numbered("e2");
  facts.app_selector = "app-2";
  facts.owner_uid = "d1";
  auto& owned = pods.Add(facts);
  const auto driver = ClusterStory::Driver("d1", "app-1");
  CHECK(pods.MaybeOf(driver, true) == std::vector<TrackedPod*>{&owned, &selected});
  CHECK(pods.MaybeOf(driver, false) == std::vector<TrackedPod*>{&owned});
}

}  // namespace
}  // namespace sparkfit::controller
