// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/model/ending.h"

#include <catch2/catch.hpp>

namespace sparkfit::model {
namespace {

using base::MiB;
using std::chrono::seconds;

struct Case {
  const char* what;
  PodFacts pod;
  std::string reason;
  int exit_code;
  std::optional<LastUse> last;
  EndCause expected;
};

PodFacts LeftAlone(std::vector<int> heap_oom_exits = {}) {
  PodFacts pod;
  pod.size = {MiB(4505), MiB(4096)};
  pod.heap_oom_exits = std::move(heap_oom_exits);
  return pod;
}

PodFacts Deleted(std::vector<int> heap_oom_exits = {}) {
  auto pod = LeftAlone(std::move(heap_oom_exits));
  pod.deleted = true;
  return pod;
}

PodFacts Disrupted(std::vector<int> heap_oom_exits = {}) {
  auto pod = LeftAlone(std::move(heap_oom_exits));
  pod.disrupted = true;
  return pod;
}

void Check(const std::vector<Case>& cases) {
  for (const auto& c : cases) {
    INFO(c.what);
    CHECK(ClassifyEnd(c.pod, Termination{"", c.reason, c.exit_code, {}}, c.last) == c.expected);
  }
}

// 95 % of 4505 MiB is 4279.75; a reading counts for a minute.
const LastUse kFull{MiB(4280), seconds(15)};
const LastUse kNotFull{MiB(4279), seconds(15)};
const LastUse kFullOnce{MiB(4280), seconds(61)};

// Row by row as in docs/behaviour.md, "How an executor ended".
TEST_CASE("the kernel's word counts whatever else is known", "[model][ending]") {
  using enum EndCause;
  Check({{"killed", LeftAlone(), "OOMKilled", 137, {}, kContainerOom},
         {"a child was killed earlier, then a normal end",
          LeftAlone(),
          "OOMKilled",
          0,
          {},
          kContainerOom},
         {"while the pod was deleted", Deleted(), "OOMKilled", 137, {}, kContainerOom},
         {"while the pod was evicted", Disrupted(), "OOMKilled", 143, {}, kContainerOom},
         {"heap and kernel", LeftAlone(), "OOMKilled", 52, {}, kContainerOom},
         {"with a JVM option", LeftAlone({137}), "OOMKilled", 137, {}, kContainerOom}});
}

TEST_CASE("a container that never started failed", "[model][ending]") {
  using enum EndCause;
  Check({{"", LeftAlone(), "StartError", 128, {}, kFailed},
         {"", LeftAlone(), "ContainerCannotRun", 127, {}, kFailed},
         {"", LeftAlone({137}), "ContainerCannotRun", 137, kFull, kFailed}});
}

TEST_CASE("exit codes of a full heap count whatever was done to the pod", "[model][ending]") {
  using enum EndCause;
  Check({{"Spark's", LeftAlone(), "Error", 52, {}, kHeapOom},
         {"Spark's, of a pod deleted since", Deleted(), "Error", 52, {}, kHeapOom},
         {"Spark's, without a reason", LeftAlone(), "", 52, {}, kHeapOom},
         {"ExitOnOutOfMemoryError", LeftAlone({3}), "Error", 3, {}, kHeapOom},
         {"ExitOnOutOfMemoryError, evicted", Disrupted({3}), "Error", 3, {}, kHeapOom},
         {"3 without the option", LeftAlone(), "Error", 3, {}, kFailed},
         {"CrashOnOutOfMemoryError", LeftAlone({134}), "Error", 134, {}, kHeapOom},
         {"CrashOnOutOfMemoryError, deleted", Deleted({134}), "Error", 134, {}, kHeapOom}});
}

TEST_CASE("a crash is a failure and no OOM", "[model][ending]") {
  using enum EndCause;
  Check({{"SIGABRT", LeftAlone(), "Error", 134, kFull, kFailed},
         {"SIGSEGV", LeftAlone(), "Error", 139, kFull, kFailed},
         {"SIGSEGV with other options", LeftAlone({3, 134, 137}), "Error", 139, {}, kFailed},
         {"SIGBUS of a pod deleted since", Deleted(), "Error", 135, {}, kFailed}});
}

TEST_CASE("whatever took the pod down explains its end", "[model][ending]") {
  using enum EndCause;
  Check({{"evicted, 137", Disrupted(), "Error", 137, kFull, kDisrupted},
         {"evicted, 143", Disrupted({143}), "Error", 143, {}, kDisrupted},
         {"evicted, 0", Disrupted(), "Completed", 0, {}, kDisrupted},
         {"evicted, and the container was lost", Disrupted(), "ContainerStatusUnknown", 137, kFull,
          kDisrupted},
         {"out of time", LeftAlone(), "DeadlineExceeded", 137, kFull, kDisrupted},
         {"deleted, SIGTERM", Deleted(), "Error", 143, {}, kDone},
         {"deleted, SIGTERM that an option may send", Deleted({143}), "Error", 143, {}, kDone},
         {"deleted, SIGKILL", Deleted({137}), "Error", 137, kFull, kDone},
         {"deleted, and it lost its driver", Deleted(), "Error", 1, {}, kDone},
         {"deleted, and the container was lost",
          Deleted(),
          "ContainerStatusUnknown",
          137,
          {},
          kDone}});
}

TEST_CASE("a container that Kubernetes lost sight of ended for an unknown cause",
          "[model][ending]") {
  using enum EndCause;
  Check({{"137 is made up", LeftAlone(), "ContainerStatusUnknown", 137, kFull, kUnknown},
         {"so it is by no option", LeftAlone({137}), "ContainerStatusUnknown", 137, {}, kUnknown},
         {"nor a success", LeftAlone(), "ContainerStatusUnknown", 0, {}, kUnknown}});
}

TEST_CASE("a signal that the JVM's options send for a full heap is a heap OOM", "[model][ending]") {
  using enum EndCause;
  Check({{"kill -9 %p", LeftAlone({137}), "Error", 137, {}, kHeapOom},
         {"kill -9 %p, and the container is full too", LeftAlone({137}), "Error", 137, kFull,
          kHeapOom},
         {"kill %p", LeftAlone({143}), "Error", 143, {}, kHeapOom},
         {"another signal than theirs", LeftAlone({143}), "Error", 137, {}, kUnknown}});
}

TEST_CASE("137 without the kernel's word is a container OOM where the container was just full",
          "[model][ending]") {
  using enum EndCause;
  auto no_limit = LeftAlone();
  no_limit.size = {};
  Check({{"full", LeftAlone(), "Error", 137, kFull, kContainerOom},
         {"full, without a reason", LeftAlone(), "", 137, kFull, kContainerOom},
         {"read in the second of the end", LeftAlone(), "Error", 137,
          LastUse{MiB(4505), -seconds(1)}, kContainerOom},
         {"not full", LeftAlone(), "Error", 137, kNotFull, kUnknown},
         {"full more than a minute ago", LeftAlone(), "Error", 137, kFullOnce, kUnknown},
         {"never read", LeftAlone(), "Error", 137, {}, kUnknown},
         {"no limit to be full", no_limit, "Error", 137, kFull, kUnknown},
         {"the kernel kills with no other signal", LeftAlone(), "Error", 143, kFull, kUnknown}});
}

TEST_CASE("other signals from outside are of unknown cause, other exit codes say it themselves",
          "[model][ending]") {
  using enum EndCause;
  Check({{"SIGTERM", LeftAlone(), "Error", 143, {}, kUnknown},
         {"SIGHUP", LeftAlone(), "Error", 129, {}, kUnknown},
         {"a normal end", LeftAlone(), "Completed", 0, {}, kDone},
         {"no heartbeat: never alone", LeftAlone(), "Error", 56, kFull, kFailed},
         {"an error", LeftAlone(), "Error", 1, {}, kFailed},
         {"beyond the signals", LeftAlone(), "Error", 255, kFull, kFailed}});
}

TEST_CASE("two causes are OOMs", "[model][ending]") {
  using enum EndCause;
  CHECK(OomOf(kContainerOom) == OomKind::kContainer);
  CHECK(OomOf(kHeapOom) == OomKind::kHeap);
  for (const auto cause : {kDone, kDisrupted, kFailed, kUnknown}) CHECK_FALSE(OomOf(cause));
}

}  // namespace
}  // namespace sparkfit::model
