// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/model/pod.h"

#include <catch2/catch.hpp>

namespace sparkfit::model {
namespace {

TEST_CASE("how an executor died is told by reason, exit code and what was done to its pod",
          "[model][pod]") {
  PodFacts left_alone;
  PodFacts deleted;
  deleted.deleted = true;
  PodFacts evicted;
  evicted.evicted = true;
  PodFacts exits;
  exits.exits_on_heap_oom = true;

  struct Case {
    const char* what;
    const PodFacts* pod;
    std::string reason;
    int exit_code;
    std::optional<OomKind> expected;
  };
  const Case cases[] = {
      {"killed by the kernel", &left_alone, "OOMKilled", 137, OomKind::kContainer},
      {"a child killed earlier, then a normal exit", &left_alone, "OOMKilled", 0,
       OomKind::kContainer},
      {"OOMKilled while being deleted", &deleted, "OOMKilled", 137, OomKind::kContainer},
      {"137 without the reason", &left_alone, "Error", 137, OomKind::kContainer},
      {"137 of a deleted pod", &deleted, "Error", 137, std::nullopt},
      {"137 of an evicted pod", &evicted, "Error", 137, std::nullopt},
      {"the JVM ran out of heap", &left_alone, "Error", 52, OomKind::kHeap},
      {"heap and kernel: the kernel's word", &left_alone, "OOMKilled", 52, OomKind::kContainer},
      {"exit 3 with ExitOnOutOfMemoryError", &exits, "Error", 3, OomKind::kHeap},
      {"exit 3 without it", &left_alone, "Error", 3, std::nullopt},
      {"no heartbeat", &left_alone, "Error", 56, std::nullopt},
      {"SIGTERM after a deletion", &deleted, "Error", 143, std::nullopt},
      {"a normal end", &left_alone, "Completed", 0, std::nullopt}};
  for (const auto& c : cases) {
    INFO(c.what);
    CHECK(ClassifyOom(*c.pod, Termination{"", c.reason, c.exit_code, {}}) == c.expected);
  }
}

TEST_CASE("an application is its selector, else its owner, else the pod", "[model][pod]") {
  PodFacts pod;
  pod.uid = "pod";
  CHECK(pod.ApplicationId() == "pod");
  pod.owner_uid = "driver";
  CHECK(pod.ApplicationId() == "driver");
  pod.app_selector = "spark-1";
  CHECK(pod.ApplicationId() == "spark-1");
}

TEST_CASE("an executor has ended with its container, unless that restarts", "[model][pod]") {
  PodFacts pod;
  pod.phase = PodPhase::kRunning;
  CHECK_FALSE(pod.HasEnded());
  pod.ended = Termination{};
  CHECK(pod.HasEnded());  // the first event of an OOM still has phase Running
  pod.restarts = true;
  CHECK_FALSE(pod.HasEnded());
  pod.phase = PodPhase::kFailed;
  CHECK(pod.HasEnded());
}

}  // namespace
}  // namespace sparkfit::model
