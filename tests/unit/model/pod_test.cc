// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/model/pod.h"

#include <catch2/catch.hpp>

namespace sparkfit::model {
namespace {

TEST_CASE("reasons of pods that Kubernetes takes down are known", "[model][pod]") {
  for (const auto* reason :
       {"Evicted", "Preempting", "Preempted", "Terminated", "Shutdown", "NodeShutdown", "NodeLost",
        "DeadlineExceeded", "OutOfmemory", "OutOfcpu", "NodeAffinity"}) {
    INFO(reason);
    CHECK(IsDisruption(reason));
  }
  for (const auto* reason : {"", "Error", "OOMKilled", "Completed", "ContainerStatusUnknown"}) {
    INFO(reason);
    CHECK_FALSE(IsDisruption(reason));
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
