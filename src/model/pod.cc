// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/model/pod.h"

#include <algorithm>
#include <array>

#include "sparkfit/base/text.h"

namespace sparkfit::model {
namespace {

// What such a reason begins with, in Kubernetes 1.20 to 1.36: kubelet (eviction, preemption for a
// critical pod, graceful node shutdown, activeDeadlineSeconds, admission) and node controller.
constexpr std::array<std::string_view, 9> kDisruptions{
    "Evicted",  "Preempt",          "Terminated", "Shutdown",    "NodeShutdown",
    "NodeLost", "DeadlineExceeded", "OutOf",      "NodeAffinity"};

constexpr std::size_t kLargestPlacement = 16384;  // bytes, about
constexpr std::size_t kPart = 64;                 // of each string of it

void CutEnd(base::Rare<Termination>& end) {
  if (!end) return;
  base::Cut(end->container_id, kLongestSetting);
  base::Cut(end->reason, kLongestSetting);
}

}  // namespace

void Cut(PodFacts& pod) {
  for (auto* text : {&pod.name_space, &pod.name, &pod.uid, &pod.owner_uid, &pod.app_selector,
                     &pod.executor_id, &pod.node, &pod.address, &pod.cores}) {
    base::Cut(*text, kLongestSetting);
  }
  if (pod.container) base::Cut(*pod.container, kLongestSetting);
  CutEnd(pod.ended);
  CutEnd(pod.last_restart);
  if (SizeOf(*pod.placement) > kLargestPlacement) {
    pod.placement = {};
    pod.problems.insert(pod.problems.begin(),
                        "nodeSelector, affinity and tolerations are too many: any node counts");
  }
  CutProblems(pod.problems);
}

std::size_t SizeOf(const PodFacts& pod) {
  auto size = sizeof(PodFacts) + SizeOf(*pod.placement) + pod.settings->Bytes();
  for (const auto* text : {&pod.name_space, &pod.name, &pod.uid, &pod.owner_uid, &pod.app_selector,
                           &pod.executor_id, &pod.node, &pod.address, &pod.cores}) {
    size += text->size();
  }
  for (const auto* end : {&pod.ended, &pod.last_restart}) {
    if (*end) size += sizeof(Termination) + (*end)->container_id.size() + (*end)->reason.size();
  }
  for (const auto& problem : pod.problems) size += kPart + problem.size();
  return size;
}

const std::string& PodFacts::ApplicationId() const {
  if (!app_selector.empty()) return app_selector;
  return owner_uid.empty() ? uid : owner_uid;
}

bool PodFacts::HasEnded() const {
  return phase == PodPhase::kSucceeded || phase == PodPhase::kFailed || (ended && !restarts);
}

bool IsDisruption(std::string_view reason) {
  return std::any_of(kDisruptions.begin(), kDisruptions.end(),
                     [&](std::string_view begin) { return reason.starts_with(begin); });
}

}  // namespace sparkfit::model
