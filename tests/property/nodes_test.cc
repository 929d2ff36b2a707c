// SPDX-License-Identifier: Apache-2.0
#include <rapidcheck.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "sparkfit/model/node_memory.h"

namespace sparkfit::model {
namespace {

using base::Bytes;

constexpr base::Time kStart{std::chrono::hours(24 * 20000)};

std::string AnyOf(const std::vector<std::string>& texts) { return *rc::gen::elementOf(texts); }

TaintEffect AnyEffect() {
  return *rc::gen::element(TaintEffect::kNoSchedule, TaintEffect::kNoExecute);
}

NodeEvent AnyNode() {
  NodeEvent node;
  node.event = *rc::gen::element(EventType::kAdded, EventType::kModified, EventType::kDeleted);
  node.name = AnyOf({"n1", "n2", "n3", "n4"});
  node.allocatable = base::MiB(*rc::gen::inRange(0, 1000));
  node.cordoned = *rc::gen::inRange(0, 4) == 0;
  if (*rc::gen::arbitrary<bool>()) node.labels["pool"] = AnyOf({"a", "b"});
  for (int i = *rc::gen::inRange(0, 3); i > 0; --i) {
    node.taints.push_back({AnyOf({"x", "y"}), AnyOf({"", "v"}), AnyEffect()});
  }
  return node;
}

Toleration AnyToleration() {
  Toleration toleration{AnyOf({"", "x", "y"}), AnyOf({"", "v"}), *rc::gen::arbitrary<bool>(), {}};
  if (*rc::gen::arbitrary<bool>()) toleration.effect = AnyEffect();
  return toleration;
}

Placement AnyPlacement() {
  Placement placement;
  if (*rc::gen::arbitrary<bool>()) placement.selector["pool"] = AnyOf({"a", "b"});
  for (int i = *rc::gen::inRange(0, 3); i > 0; --i) {
    placement.tolerations.push_back(AnyToleration());
  }
  return placement;
}

struct Seen {
  NodeEvent node;
  base::Time until;  // it was there and took pods
};

// A cluster's nodes for some days, and what was there when: from the events alone.
struct Days {
  NodeMemory memory;
  std::vector<Seen> seen;
  base::Time now = kStart;

  explicit Days(int events) {
    std::map<std::string, NodeEvent> there;
    for (int i = 0; i < events; ++i) {
      const auto node = AnyNode();
      memory.Observe(node, now);
      if (const auto old = there.find(node.name); old != there.end()) {
        seen.push_back({old->second, now});
        there.erase(old);
      }
      const bool takes_pods = node.event != EventType::kDeleted && !node.cordoned;
      if (takes_pods && node.allocatable.value > 0) there.emplace(node.name, node);
      now += std::chrono::hours(*rc::gen::inRange(0, 72));
    }
    for (const auto& [name, node] : there) seen.push_back({node, now});
  }

  [[nodiscard]] Bytes Expected(const Placement& placement) const {
    Bytes largest;
    for (const auto& [node, until] : seen) {
      const NodeKind kind{node.allocatable, node.labels, node.taints};
      if (until + kNodesRemembered <= now || !CanRunOn(placement, kind, node.name)) continue;
      largest = std::max(largest, node.allocatable);
    }
    return largest;
  }
};

TEST_CASE("the largest node is the largest of those seen in seven days that a pod can run on",
          "[model][nodes]") {
  CHECK(rc::check([] {
    const Days days(*rc::gen::inRange(0, 30));
    const auto placement = AnyPlacement();
    RC_ASSERT(days.memory.LargestFor(&placement, days.now) == days.Expected(placement));
  }));
}

TEST_CASE("no node with a taint that is not tolerated counts, and a toleration never costs one",
          "[model][nodes]") {
  CHECK(rc::check([] {
    const Days days(*rc::gen::inRange(0, 30));
    auto placement = AnyPlacement();
    const auto before = days.memory.LargestFor(&placement, days.now);
    const bool one_counts = std::any_of(days.seen.begin(), days.seen.end(), [&](const Seen& seen) {
      const auto& taints = seen.node.taints;
      return seen.node.allocatable == before &&
             std::all_of(taints.begin(), taints.end(), [&](const Taint& taint) {
               return std::any_of(placement.tolerations.begin(), placement.tolerations.end(),
                                  [&](const Toleration& t) { return Tolerates(t, taint); });
             });
    });
    RC_ASSERT(before.value == 0 || one_counts);
    placement.tolerations.push_back(AnyToleration());
    RC_ASSERT(days.memory.LargestFor(&placement, days.now) >= before);
  }));
}

TEST_CASE("a successor never knows of more, and of the same within an hour", "[model][nodes]") {
  CHECK(rc::check([] {
    const Days days(*rc::gen::inRange(0, 30));
    const auto placement = AnyPlacement();
    NodeMemory next;
    for (const auto& node : days.memory.Remembered({"pool"}, days.now, 32)) {
      next.Observe(node, days.now);
    }
    const auto knows = next.LargestFor(&placement, days.now);
    RC_ASSERT(knows <= days.memory.LargestFor(&placement, days.now));
    RC_ASSERT(knows >= days.memory.LargestFor(&placement, days.now + std::chrono::hours(1)));
  }));
}

}  // namespace
}  // namespace sparkfit::model
