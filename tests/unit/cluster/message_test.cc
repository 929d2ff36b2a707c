// SPDX-License-Identifier: Apache-2.0
#include "cluster/message.h"

#include <catch2/catch.hpp>

#include "cluster_story.h"

namespace sparkfit::cluster {
namespace {

using test::ClusterStory;

constexpr base::Time kNow{std::chrono::hours(24 * 20000)};

std::size_t Filled(Inbox& inbox, const Message& message) {
  std::size_t taken = 0;
  while (inbox.TryPush(message)) ++taken;
  return taken;
}

Message Seen(const model::PodFacts& pod) {
  return model::Observation{kNow, model::PodEvent{model::EventType::kModified, pod}};
}

TEST_CASE("so many messages wait for the main loop, and there is room when it took them",
          "[cluster]") {
  Inbox inbox;
  const auto small = Seen(ClusterStory::Executor("e", "a", "s"));
  CHECK(Filled(inbox, small) == Inbox::kMost);
  CHECK(inbox.TakeAll({}, {}).size() == Inbox::kMost);
  CHECK(Filled(inbox, small) == Inbox::kMost);
}

TEST_CASE("of large messages fewer wait", "[cluster]") {
  Inbox inbox;
  SECTION("pods with many demands on nodes") {
    auto pod = ClusterStory::Executor("e", "a", "s");
    pod.placement.Edit().selector.emplace("key", std::string(1 << 20, 'v'));
    CHECK(Filled(inbox, Seen(pod)) == 16);  // a little more than 1 MiB each
  }
  SECTION("drivers with many executors") {
    model::DriverReading reading{"jobs", "app-1", {}};
    reading.executors.resize(10'000);
    const auto each = 10'000 * sizeof(model::ExecutorReading);
    const auto taken = Filled(inbox, model::Observation{kNow, reading});
    CHECK(taken <= Inbox::kMostBytes / each + 1);
    CHECK(taken >= 2);
  }
  CHECK(inbox.TakeAll({}, {}).size() >= 2);
  CHECK(inbox.TryPush(Seen(ClusterStory::Executor("e", "a", "s"))));
}

}  // namespace
}  // namespace sparkfit::cluster
