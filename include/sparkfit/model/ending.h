// SPDX-License-Identifier: Apache-2.0
//
// How an executor's container ended. This one function decides what counts as an OOM; its table is
// in docs/behaviour.md, "How an executor ended".
#pragma once

#include <optional>
#include <string_view>

#include "sparkfit/base/bytes.h"
#include "sparkfit/base/time.h"
#include "sparkfit/model/pod.h"

namespace sparkfit::model {

enum class EndCause {
  kDone,          // it ended itself with 0, or somebody deleted its pod: the driver, as a rule
  kContainerOom,  // the kernel killed it, or a process of it, for want of memory
  kHeapOom,       // the JVM ended because its heap was full
  kDisrupted,     // its pod was evicted, preempted or taken down with its node
  kFailed,        // it ended itself with an error, it crashed, or it never started
  kUnknown,       // a signal from outside that nothing explains, or Kubernetes lost sight of it
};

// The latest usage sample of the container before it ended.
struct LastUse {
  base::Bytes working_set;
  base::Duration age{};  // at the end; negative where its time is after the end's
};

// The same facts always give the same cause; every combination gives one. A pod that was deleted or
// disrupted never counts as a container OOM without the reason OOMKilled.
EndCause ClassifyEnd(const PodFacts& pod, const Termination& termination,
                     const std::optional<LastUse>& last);

enum class OomKind { kContainer, kHeap };

std::string_view Name(OomKind kind);  // "container", "heap"

// Nothing for ends that are no OOM.
std::optional<OomKind> OomOf(EndCause cause);

}  // namespace sparkfit::model
