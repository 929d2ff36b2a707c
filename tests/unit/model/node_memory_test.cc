// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/model/node_memory.h"

#include <catch2/catch.hpp>

namespace sparkfit::model {
namespace {

using base::Bytes;
using base::GiB;
using base::MiB;
using std::chrono::hours;

constexpr base::Time kNow{hours(24 * 20000)};
const Placement kAnywhere;

NodeEvent Node(const std::string& name, Bytes allocatable, Labels labels = {},
               std::vector<Taint> taints = {}) {
  NodeEvent node;
  node.name = name;
  node.allocatable = allocatable;
  node.labels = std::move(labels);
  node.taints = std::move(taints);
  return node;
}

NodeEvent Gone(NodeEvent node) {
  node.event = EventType::kDeleted;
  return node;
}

Placement Selecting(const std::string& key, const std::string& value) {
  Placement placement;
  placement.selector = {{key, value}};
  return placement;
}

// What a successor knows: through Remembered.
NodeMemory Successor(const NodeMemory& memory, const std::set<std::string>& keys, base::Time now,
                     std::size_t most = 32) {
  NodeMemory next;
  for (const auto& event : memory.Remembered(keys, now, most)) next.Observe(event, now);
  return next;
}

TEST_CASE("the largest node counts, and none is 0", "[model][nodes]") {
  NodeMemory memory;
  CHECK(memory.LargestFor(&kAnywhere, kNow) == Bytes{});
  memory.Observe(Node("a", GiB(8)), kNow);
  memory.Observe(Node("b", GiB(64)), kNow);
  memory.Observe(Node("c", {}), kNow);
  CHECK(memory.LargestFor(&kAnywhere, kNow) == GiB(64));
  CHECK(memory.LargestFor(nullptr, kNow) == GiB(64));
}

TEST_CASE("a node that is gone counts for seven days", "[model][nodes]") {
  NodeMemory memory;
  memory.Observe(Node("small", MiB(7600)), kNow);
  memory.Observe(Node("big", MiB(126000)), kNow);
  memory.Observe(Gone(Node("big", {})), kNow + hours(1));
  CHECK(memory.LargestFor(&kAnywhere, kNow + hours(24 * 7)) == MiB(126000));
  CHECK(memory.LargestFor(&kAnywhere, kNow + hours(24 * 7 + 1)) == MiB(7600));
}

TEST_CASE("the days are counted from the last time that such a node went", "[model][nodes]") {
  NodeMemory memory;
  for (const int day : {0, 3, 1}) {  // the last one was told of late
    memory.Observe(Node("big", GiB(64)), kNow + hours(24 * day));
    memory.Observe(Gone(Node("big", {})), kNow + hours(24 * day));
  }
  CHECK(memory.LargestFor(&kAnywhere, kNow + hours(24 * 10 - 1)) == GiB(64));
  CHECK(memory.LargestFor(&kAnywhere, kNow + hours(24 * 10)) == Bytes{});
}

TEST_CASE("a smaller node that was seen later outlasts a larger one", "[model][nodes]") {
  NodeMemory memory;
  memory.Observe(Node("a", GiB(64)), kNow);
  memory.Observe(Gone(Node("a", {})), kNow);
  memory.Observe(Node("b", GiB(32)), kNow);
  memory.Observe(Gone(Node("b", {})), kNow + hours(48));
  CHECK(memory.LargestFor(&kAnywhere, kNow + hours(24 * 6)) == GiB(64));
  CHECK(memory.LargestFor(&kAnywhere, kNow + hours(24 * 8)) == GiB(32));
}

TEST_CASE("a cordoned node counts from when it took pods", "[model][nodes]") {
  NodeMemory memory;
  auto node = Node("a", GiB(64));
  node.cordoned = true;
  memory.Observe(node, kNow);
  CHECK(memory.LargestFor(&kAnywhere, kNow) == Bytes{});
  node.cordoned = false;
  memory.Observe(node, kNow);
  node.cordoned = true;
  memory.Observe(node, kNow + hours(1));
  CHECK(memory.LargestFor(&kAnywhere, kNow + hours(24 * 7)) == GiB(64));
  CHECK(memory.LargestFor(&kAnywhere, kNow + hours(24 * 8)) == Bytes{});
}

TEST_CASE("a virtual node never counts, tolerated or not", "[model][nodes]") {
  NodeMemory memory;
  memory.Observe(Node("a", MiB(63000)), kNow);
  const auto virtual_node = Node("v", GiB(4096), {{"type", "virtual-kubelet"}},
                                 {{"virtual-kubelet.io/provider", "azure", {}}});
  memory.Observe(virtual_node, kNow);
  memory.Observe(Gone(virtual_node), kNow);
  Placement tolerant;
  tolerant.tolerations = {{"", "", true, {}}};
  CHECK(memory.LargestFor(&tolerant, kNow) == MiB(63000));
  CHECK(memory.LargestFor(nullptr, kNow) == MiB(63000));
}

TEST_CASE("nodes count for those who can run on them", "[model][nodes]") {
  NodeMemory memory;
  memory.Observe(Node("web", GiB(32), {{"pool", "web"}}), kNow);
  memory.Observe(Node("spark", GiB(64), {{"pool", "spark"}}, {{"spark", "", {}}}), kNow);
  auto spark = Selecting("pool", "spark");
  CHECK(memory.LargestFor(&kAnywhere, kNow) == GiB(32));
  CHECK(memory.LargestFor(&spark, kNow) == Bytes{});  // it does not tolerate the taint
  spark.tolerations = {{"spark", "", true, {}}};
  CHECK(memory.LargestFor(&spark, kNow) == GiB(64));
  memory.Observe(Gone(Node("spark", {})), kNow);
  CHECK(memory.LargestFor(&spark, kNow) == GiB(64));
  CHECK(memory.LargestFor(&kAnywhere, kNow) == GiB(32));
  CHECK(memory.LargestFor(nullptr, kNow) == GiB(64));  // a placement that nobody saw yet
}

TEST_CASE("a node that changed counts as it was and as it is", "[model][nodes]") {
  NodeMemory memory;
  memory.Observe(Node("a", GiB(64)), kNow);
  memory.Observe(Node("a", GiB(60), {}, {{"maintenance", "", {}}}), kNow + hours(1));
  CHECK(memory.LargestFor(&kAnywhere, kNow + hours(2)) == GiB(64));
  CHECK(memory.LargestFor(&kAnywhere, kNow + hours(24 * 7 + 1)) == Bytes{});
}

TEST_CASE("a node's name counts while it is there", "[model][nodes]") {
  NodeMemory memory;
  memory.Observe(Node("n1", GiB(64), {{"kubernetes.io/hostname", "n1"}}), kNow);
  memory.Observe(Node("n2", GiB(32), {{"kubernetes.io/hostname", "n2"}}), kNow);
  Placement named;
  named.terms = {{{}, {{"metadata.name", Requirement::Operator::kIn, {"n2"}}}}};
  CHECK(memory.LargestFor(&named, kNow) == GiB(32));
  const auto host = Selecting("kubernetes.io/hostname", "n2");
  CHECK(memory.LargestFor(&host, kNow) == GiB(32));
}

TEST_CASE("a successor knows what there was, with the labels that matter", "[model][nodes]") {
  NodeMemory memory;
  memory.Observe(Node("a", GiB(64), {{"pool", "spark"}, {"zone", "a"}}), kNow);
  memory.Observe(Gone(Node("a", {})), kNow);
  memory.Observe(Node("b", GiB(32), {{"pool", "web"}, {"zone", "b"}}), kNow);
  memory.Observe(Node("c", GiB(16), {{"pool", "web"}, {"zone", "c"}}), kNow);
  const auto events = memory.Remembered({"pool"}, kNow + hours(24), 32);
  REQUIRE(events.size() == 2);  // c is as b, and smaller
  CHECK(events[0].labels == Labels{{"pool", "spark"}});
  CHECK(events[0].last_seen == kNow);
  CHECK(events[1].allocatable == GiB(32));
  CHECK(events[1].last_seen == kNow + hours(24));
  const auto next = Successor(memory, {"pool"}, kNow + hours(24));
  const auto spark = Selecting("pool", "spark");
  const auto web = Selecting("pool", "web");
  CHECK(next.LargestFor(&spark, kNow + hours(24 * 7 - 1)) == GiB(64));
  CHECK(next.LargestFor(&spark, kNow + hours(24 * 7)) == Bytes{});
  CHECK(next.LargestFor(&web, kNow + hours(24 * 7)) == GiB(32));
  // Nobody looks at pools now: the one after it still knows.
  CHECK(Successor(next, {}, kNow + hours(48)).LargestFor(&spark, kNow + hours(48)) == GiB(64));
}

TEST_CASE("what a successor is told changes once an hour, not with every look", "[model][nodes]") {
  NodeMemory memory;
  memory.Observe(Node("a", GiB(64)), kNow);
  const auto seen = [&](base::Duration later) {
    return memory.Remembered({}, kNow + later, 32).at(0).last_seen;
  };
  CHECK(seen(std::chrono::minutes(59)) == kNow);
  CHECK(seen(std::chrono::minutes(61)) == kNow + hours(1));
}

TEST_CASE("a memory that lies about the time is cut to now", "[model][nodes]") {
  NodeMemory memory;
  auto node = Gone(Node("remembered", GiB(64)));
  node.last_seen = kNow + hours(24 * 365);
  memory.Observe(node, kNow);
  node.allocatable = GiB(128);
  node.last_seen = kNow - hours(24 * 8);
  memory.Observe(node, kNow);
  CHECK(memory.LargestFor(&kAnywhere, kNow) == GiB(64));
  CHECK(memory.LargestFor(&kAnywhere, kNow + hours(24 * 7)) == Bytes{});
}

TEST_CASE("of too many kinds the largest ones without taints are kept first", "[model][nodes]") {
  NodeMemory memory;
  const auto most = static_cast<int>(NodeMemory::kMostKinds);
  for (int i = 0; i < 3 * most; ++i) {
    const auto name = std::to_string(i);
    const bool tainted = i % 3 > 0;
    const auto taints = tainted ? std::vector<Taint>{{"t" + name, "", {}}} : std::vector<Taint>{};
    memory.Observe(Node(name, MiB(1000 + i), {{"id", name}}, taints), kNow);
    memory.Observe(Gone(Node(name, {})), kNow);
  }
  CHECK(memory.Remembered({"id"}, kNow, 10000).size() == NodeMemory::kMostKinds);
  CHECK(memory.LargestFor(&kAnywhere, kNow) == MiB(1000 + 3 * most - 3));
  const auto next = Successor(memory, {"id"}, kNow, 4);
  CHECK(next.Remembered({"id"}, kNow, 10000).size() == 4);
  CHECK(next.LargestFor(&kAnywhere, kNow) == MiB(1000 + 3 * most - 3));
}

}  // namespace
}  // namespace sparkfit::model
