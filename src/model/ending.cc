// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/model/ending.h"

#include <algorithm>
#include <array>

namespace sparkfit::model {
namespace {

constexpr int kSparkOom = 52;  // org.apache.spark.util.SparkExitCode.OOM
constexpr int kSignals = 128;  // a shell's and a runtime's code for an end by signal n is 128 + n
constexpr int kLastSignal = kSignals + 64;
constexpr int kSigKill = kSignals + 9;

// Signals that a process raises by its own fault: ILL, TRAP, ABRT, BUS, FPE, SEGV, SYS. HotSpot
// ends with ABRT after most of them.
constexpr std::array<int, 7> kFaults{4, 5, 6, 7, 8, 11, 31};

// A reading of the last minute is of the end: for as long samples of it may still arrive.
constexpr base::Duration kRecent = std::chrono::minutes(1);
// A JVM touches its whole heap with time, whatever the job needs. Its working set was then measured
// at up to 93 % of the limit, in full health. So a twentieth left, 5 %, is near.
constexpr std::int64_t kNear = 20;

bool IsFault(int code) {
  return std::any_of(kFaults.begin(), kFaults.end(),
                     [&](int signal) { return code == kSignals + signal; });
}

bool IsSignal(int code) { return code > kSignals && code <= kLastSignal; }

bool NeverStarted(std::string_view reason) {
  return reason == "StartError" || reason == "ContainerCannotRun";
}

bool IsByOption(const PodFacts& pod, int code) {
  const auto& exits = pod.heap_oom_exits;
  return std::find(exits.begin(), exits.end(), code) != exits.end();
}

bool WasNearLimit(const PodFacts& pod, const std::optional<LastUse>& last) {
  const auto limit = pod.size.limit.value;
  if (!last || last->age > kRecent || limit <= 0) return false;
  return last->working_set.value >= limit - limit / kNear;
}

// An end by a signal from outside of a pod that nobody took down.
EndCause ClassifySignal(const PodFacts& pod, int code, const std::optional<LastUse>& last) {
  if (IsByOption(pod, code)) return EndCause::kHeapOom;
  // Rarely a runtime misses the kernel's word.
  if (code == kSigKill && WasNearLimit(pod, last)) return EndCause::kContainerOom;
  return EndCause::kUnknown;
}

}  // namespace

EndCause ClassifyEnd(const PodFacts& pod, const Termination& termination,
                     const std::optional<LastUse>& last) {
  const int code = termination.exit_code;
  if (termination.reason == "OOMKilled") return EndCause::kContainerOom;
  if (NeverStarted(termination.reason)) return EndCause::kFailed;
  // The kubelet does not find the container any more; it makes up the exit code, 137.
  const bool lost = termination.reason == "ContainerStatusUnknown";
  const bool sent = lost || (IsSignal(code) && !IsFault(code));
  if (!sent && (code == kSparkOom || IsByOption(pod, code))) return EndCause::kHeapOom;
  if (!sent && IsFault(code)) return EndCause::kFailed;
  if (pod.disrupted || IsDisruption(termination.reason)) return EndCause::kDisrupted;
  if (pod.deleted) return EndCause::kDone;
  if (lost) return EndCause::kUnknown;
  if (sent) return ClassifySignal(pod, code, last);
  return code == 0 ? EndCause::kDone : EndCause::kFailed;
}

std::string_view Name(OomKind kind) {
  switch (kind) {
    case OomKind::kContainer:
      return "container";
    case OomKind::kHeap:
      return "heap";
  }
  return "";
}

std::optional<OomKind> OomOf(EndCause cause) {
  switch (cause) {
    case EndCause::kContainerOom:
      return OomKind::kContainer;
    case EndCause::kHeapOom:
      return OomKind::kHeap;
    case EndCause::kDone:
    case EndCause::kDisrupted:
    case EndCause::kFailed:
    case EndCause::kUnknown:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace sparkfit::model
