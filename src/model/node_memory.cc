// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/model/node_memory.h"

#include <algorithm>
#include <tuple>

namespace sparkfit::model {
namespace {

// It would make each node that is gone a kind of its own.
constexpr std::string_view kHostname = "kubernetes.io/hostname";

bool SamePods(const NodeKind& a, const NodeKind& b) {
  return a.taints == b.taints && a.labels == b.labels;
}

}  // namespace

// What is as large and was seen as late makes another of its sort superfluous.
void NodeMemory::Remember(std::vector<Gone>& all, Gone gone, std::size_t most) {
  const auto covers = [](const Gone& a, const Gone& b) {
    return a.kind.allocatable >= b.kind.allocatable && a.seen >= b.seen && SamePods(a.kind, b.kind);
  };
  if (std::any_of(all.begin(), all.end(), [&](const Gone& other) { return covers(other, gone); })) {
    return;
  }
  std::erase_if(all, [&](const Gone& other) { return covers(gone, other); });
  const auto rank = [](const Gone& entry) {
    return std::make_tuple(!entry.kind.taints.empty(), -entry.kind.allocatable.value,
                           -entry.seen.time_since_epoch().count());
  };
  const auto place =
      std::upper_bound(all.begin(), all.end(), gone,
                       [&](const Gone& a, const Gone& b) { return rank(a) < rank(b); });
  all.insert(place, std::move(gone));
  if (all.size() > most) all.pop_back();
}

void NodeMemory::Leave(const std::string& name, base::Time now) {
  const auto known = there_.find(name);
  if (known == there_.end()) return;
  sizes_.erase({known->second.allocatable, name});
  Gone gone{std::move(known->second), now};
  there_.erase(known);
  if (const auto label = gone.kind.labels.find(kHostname); label != gone.kind.labels.end()) {
    gone.kind.labels.erase(label);
  }
  std::erase_if(gone_, [&](const Gone& other) { return other.seen + kNodesRemembered <= now; });
  Remember(gone_, std::move(gone), kMostKinds);
}

void NodeMemory::Observe(const NodeEvent& event, base::Time now) {
  NodeKind kind{event.allocatable, event.labels, event.taints};
  const bool counts = kind.allocatable.value > 0 && !IsVirtual(kind);
  if (event.last_seen) {  // it is gone, and was told of by a predecessor
    if (!counts) return;
    for (const auto& [key, value] : kind.labels) inherited_.insert(key);
    Remember(gone_, {std::move(kind), std::min(*event.last_seen, now)}, kMostKinds);
    return;
  }
  const bool takes_pods = counts && event.event != EventType::kDeleted && !event.cordoned;
  const auto known = there_.find(event.name);
  if (takes_pods && known != there_.end() && known->second == kind) return;
  Leave(event.name, now);
  if (!takes_pods) return;
  sizes_.emplace(kind.allocatable, event.name);
  there_.emplace(event.name, std::move(kind));
}

base::Bytes NodeMemory::LargestFor(const Placement* placement, base::Time now) const {
  base::Bytes largest;
  const auto can_run = [&](const NodeKind& kind, std::string_view name) {
    return placement == nullptr || CanRunOn(*placement, kind, name);
  };
  for (auto size = sizes_.rbegin(); size != sizes_.rend(); ++size) {
    if (!can_run(there_.at(size->second), size->second)) continue;
    largest = size->first;
    break;
  }
  for (const auto& gone : gone_) {
    if (gone.kind.allocatable <= largest || gone.seen + kNodesRemembered <= now) continue;
    if (can_run(gone.kind, "")) largest = gone.kind.allocatable;
  }
  return largest;
}

std::vector<NodeEvent> NodeMemory::Remembered(const std::set<std::string>& keys, base::Time now,
                                              std::size_t most) const {
  std::vector<Gone> all;
  const auto add = [&](const NodeKind& kind, base::Time seen) {
    Gone gone{{kind.allocatable, {}, kind.taints}, std::chrono::floor<std::chrono::hours>(seen)};
    for (const auto& [key, value] : kind.labels) {
      if (key == kHostname || (!keys.contains(key) && !inherited_.contains(key))) continue;
      gone.kind.labels.emplace(key, value);
    }
    Remember(all, std::move(gone), most);
  };
  for (const auto& gone : gone_) {
    if (gone.seen + kNodesRemembered > now) add(gone.kind, gone.seen);
  }
  for (const auto& [name, kind] : there_) add(kind, now);
  std::vector<NodeEvent> events;
  for (auto& gone : all) {
    NodeEvent event;
    event.event = EventType::kDeleted;
    event.name = "remembered";
    event.allocatable = gone.kind.allocatable;
    event.labels = std::move(gone.kind.labels);
    event.taints = std::move(gone.kind.taints);
    event.last_seen = gone.seen;
    events.push_back(std::move(event));
  }
  return events;
}

}  // namespace sparkfit::model
