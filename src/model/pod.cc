// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/model/pod.h"

#include <algorithm>
#include <array>

namespace sparkfit::model {
namespace {

// What such a reason begins with, in Kubernetes 1.20 to 1.36: kubelet (eviction, preemption for a
// critical pod, graceful node shutdown, activeDeadlineSeconds, admission) and node controller.
constexpr std::array<std::string_view, 9> kDisruptions{
    "Evicted",  "Preempt",          "Terminated", "Shutdown",    "NodeShutdown",
    "NodeLost", "DeadlineExceeded", "OutOf",      "NodeAffinity"};

}  // namespace

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
