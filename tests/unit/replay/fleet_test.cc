// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/replay/fleet.h"

#include <catch2/catch.hpp>

#include "cluster_story.h"

namespace sparkfit::replay {
namespace {

using base::MiB;
using std::chrono::hours;
using test::ClusterStory;

// A pipeline with a recorder. Policy: the largest peak × 2; after an OOM twice the size.
struct Recorded {
  static recommend::Policy Twice() {
    return *recommend::ParsePolicy("max:margin=1,oomBump=2,oomBumpMin=1Mi");
  }
  static controller::PipelineOptions Options() {
    controller::PipelineOptions options;
    options.policy = Twice();
    return options;
  }

  // An executor of 4096 + 409 MiB (Spark's default overhead) that lives for an hour.
  void Hour(const std::string& uid, const std::string& application, base::Bytes peak) {
    auto pod = ClusterStory::Executor(uid, application, "s");
    story.Run(pod);
    story.Use(pod, peak);
    const auto created = pod.created;
    story.now = created + hours(1);
    story.Terminate(pod, "Completed", 0);
    story.Delete(pod);
    story.Pass(std::chrono::minutes(20));
  }

  JobReport Job() {
    const auto result = story.Only();
    return MakeJob(result, recorder.ReportOf(*result.history));
  }

  FleetRecorder recorder{Twice()};
  ClusterStory story{Options(), &recorder};
};

TEST_CASE("past advice is held against what was needed", "[replay][fleet]") {
  // Advised: nothing; 2 × 1024 = 2048; 2048; 2 × 1536 = 3072.
  Recorded r;
  r.Hour("a", "one", MiB(1024));
  r.Hour("b", "two", MiB(1536));
  r.Hour("c", "three", MiB(1024));
  const auto job = r.Job();
  const auto& advice = job.seen.advice;
  CHECK(advice.first == 1);
  CHECK(advice.judged == 2);
  CHECK(advice.held == 2);
  CHECK(advice.unknown == 0);
  // b: 2048 − 1536 = 512 MiB·h; c: 3072 − 1024 = 2048 MiB·h: 2.5 GiB·h. In hindsight 1536 MiB fit
  // all: 0 + 512 MiB·h.
  CHECK(advice.waste == Approx(2.5));
  CHECK(advice.Regret() == Approx(2.0));
  REQUIRE(job.seen.runs.size() == 3);
  CHECK(job.seen.runs[0].target.value == 0);
  CHECK(job.seen.runs[1].target == MiB(2048));
  CHECK(job.seen.runs[1].peak == MiB(1536));
  CHECK(job.seen.runs[2].target == MiB(3072));
}

TEST_CASE("advice that was too small costs the failed attempt", "[replay][fleet]") {
  // Advised 2048 for a need of 3000: 2048 is lost, then 4096 − 3000 = 1096 is unused. In hindsight
  // 3000 fit exactly.
  Recorded r;
  r.Hour("a", "one", MiB(1024));
  r.Hour("b", "two", MiB(3000));
  const auto job = r.Job();
  CHECK(job.seen.advice.judged == 1);
  CHECK(job.seen.advice.held == 0);
  CHECK(job.seen.advice.waste == Approx((2048 + 1096) / 1024.0));
  CHECK(job.seen.advice.hindsight == Approx(0).margin(1e-9));
  CHECK(job.seen.runs[1].failed == 1);
}

TEST_CASE("what was never sampled is not judged", "[replay][fleet]") {
  Recorded r;
  r.Hour("a", "one", MiB(1024));
  auto pod = ClusterStory::Executor("b", "two", "s");
  r.story.Run(pod);
  r.story.Terminate(pod, "Completed", 0);
  r.story.Delete(pod);
  CHECK(r.Job().seen.advice.judged == 0);
  CHECK(r.Job().seen.advice.unknown == 1);
}

TEST_CASE("a killed executor refutes advice that was not larger than it", "[replay][fleet]") {
  // Advised 2048, it had 4505 and was killed there.
  Recorded r;
  r.Hour("a", "one", MiB(1024));
  auto pod = ClusterStory::Executor("b", "two", "s");
  r.story.Run(pod);
  r.story.Use(pod, MiB(1000));
  r.story.Terminate(pod, "OOMKilled", 137);
  r.story.Delete(pod);
  const auto job = r.Job();
  CHECK(job.seen.advice.judged == 1);
  CHECK(job.seen.advice.held == 0);
  CHECK(job.seen.runs[1].ooms == 1);
  CHECK(job.at_risk);
  std::uint32_t marked = 0;
  for (const auto& interval : job.seen.timeline.Intervals()) marked += interval.what.container_ooms;
  CHECK(marked == 1);
}

TEST_CASE("a killed executor says nothing of advice that was larger", "[replay][fleet]") {
  // The first run's OOM asks for more than the next one has, which is killed too: whether the
  // advice would have been enough is not known.
  Recorded r;
  for (const auto* uid : {"a", "b"}) {
    auto pod = ClusterStory::Executor(uid, uid, "s");
    r.story.Run(pod);
    r.story.Use(pod, MiB(1000));
    r.story.Terminate(pod, "OOMKilled", 137);
    r.story.Delete(pod);
    r.story.Pass(hours(1));
  }
  CHECK(r.Job().seen.advice.first == 1);
  CHECK(r.Job().seen.advice.unknown == 1);
  CHECK(r.Job().seen.advice.judged == 0);
}

TEST_CASE("savings at today's recommendation are those of the executors that ended",
          "[replay][fleet]") {
  // Two hours of 4505 MiB; the target is 2 × 1024 = 2048.
  Recorded r;
  r.Hour("a", "one", MiB(1024));
  r.Hour("b", "two", MiB(1024));
  auto alive = ClusterStory::Executor("c", "three", "s");
  r.story.Run(alive);
  const auto job = r.Job();
  CHECK(job.seen.hours.lifetime == Approx(2));
  CHECK(job.seen.hours.requested == Approx(2 * 4505 / 1024.0));
  CHECK(job.seen.hours.used == Approx(2));
  CHECK(job.saved == Approx(2 * (4505 - 2048) / 1024.0));
  CHECK_FALSE(job.at_risk);

  FleetSummary summary;
  summary.Add(job);
  summary.Add(job);
  CHECK(summary.signatures == 2);
  CHECK(summary.executors == 6);
  CHECK(summary.less == Approx(2 * job.saved));
  CHECK(summary.more == 0);
  CHECK(summary.advice.judged == 2);
}

TEST_CASE("a job that is forgotten is forgotten here too", "[replay][fleet]") {
  Recorded r;
  r.Hour("a", "one", MiB(1024));
  model::RecommendationObject object;
  object.name_space = "jobs";
  object.name = object.signature = "s";
  r.story.Observe(model::RecommendationEvent{model::EventType::kAdded, object});
  r.story.Observe(model::RecommendationEvent{model::EventType::kDeleted, object});
  CHECK(r.story.pipeline.Recommend().empty());
  r.Hour("b", "two", MiB(1024));
  CHECK(r.Job().seen.runs.size() == 1);
}

}  // namespace
}  // namespace sparkfit::replay
