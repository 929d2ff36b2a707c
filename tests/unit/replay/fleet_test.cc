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

  FleetRecorder recorder;
  ClusterStory story{Options(), &recorder};
};

TEST_CASE("runs are listed with what was advised and what they needed", "[replay][fleet]") {
  // Advised: nothing; 2 × 1024 = 2048; 2 × 1536 = 3072, too little for 3500; 4505 at most, as more
  // was never tried: the last is not over.
  Recorded r;
  r.Hour("a", "one", MiB(1024));
  r.Hour("b", "two", MiB(1536));
  r.Hour("c", "three", MiB(3500));
  auto alive = ClusterStory::Executor("d", "four", "s");
  r.story.Run(alive);
  const auto job = r.Job();
  const auto& runs = job.seen.runs;
  REQUIRE(runs.size() == 4);
  CHECK(runs[0].over);
  CHECK(runs[0].advice.GetVerdict() == model::Verdict::kUnadvised);
  CHECK(runs[1].over);
  CHECK(runs[1].advice.advised.limit == MiB(2048));
  CHECK(runs[1].peak == MiB(1536));
  CHECK(runs[1].advice.GetVerdict() == model::Verdict::kCovered);
  CHECK(runs[2].advice.advised.limit == MiB(3072));
  CHECK(runs[2].advice.GetVerdict() == model::Verdict::kLacking);
  CHECK(runs[2].advice.lacking == 1);
  CHECK_FALSE(runs[3].over);
  // The same as in the row. Waste 2048 − 1536 = 512 MiB·h, missing 3500 − 3072 = 428, regret 512
  // and an attempt of 3072.
  const auto& accuracy = job.row.accuracy;
  CHECK(accuracy.unadvised == 1);
  CHECK(accuracy.submitted.covered == 1);
  CHECK(accuracy.submitted.lacking == 1);
  CHECK(accuracy.waste == Approx(512 / 1024.0));
  CHECK(accuracy.missing == Approx(428 / 1024.0));
  CHECK(accuracy.regret == Approx((512 + 3072) / 1024.0));
}

TEST_CASE("an OOM without advice is told from one that advice did not spare", "[replay][fleet]") {
  Recorded r;
  for (const auto* run : {"one", "two"}) {
    auto pod = ClusterStory::Executor(run, run, "s");
    r.story.Run(pod);
    r.story.Use(pod, MiB(1000));
    r.story.Terminate(pod, "OOMKilled", 137);
    r.story.Delete(pod);
    r.story.Pass(std::chrono::minutes(20));
  }
  const auto job = r.Job();
  // The second run began with what the first one's OOM asks for.
  REQUIRE(job.seen.runs[1].advice.advised.limit.value > 0);
  CHECK(job.seen.unadvised_ooms == 1);
  FleetSummary summary;
  summary.Add(job);
  CHECK(summary.container_ooms == 2);
  CHECK(summary.unadvised_ooms == 1);
}

TEST_CASE("a job says what keeps it from coming down further", "[replay][fleet]") {
  // Whatever its policy is: nobody told of the first job, of the second one its driver did.
  Recorded silent;
  silent.Hour("a", "one", MiB(1024));
  CHECK(silent.Job().further.reason == recommend::NoTrial::kNotConfident);
  CHECK(silent.Job().told == 0);
  FleetRecorder recorder;
  ClusterStory story(Recorded::Options(), &recorder);
  story.LiveTold();
  const auto result = story.Only();
  const auto job = MakeJob(result, recorder.ReportOf(*result.history));
  CHECK(result.recommendation.next.reason == recommend::NoTrial::kPolicy);
  REQUIRE(job.further.trial);
  CHECK(job.further.trial->part == model::Part::kHeap);
  CHECK(job.told == 1);
}

TEST_CASE("an OOM marks its job, its run and its interval", "[replay][fleet]") {
  Recorded r;
  r.Hour("a", "one", MiB(1024));
  auto pod = ClusterStory::Executor("b", "two", "s");
  r.story.Run(pod);
  r.story.Use(pod, MiB(1000));
  r.story.Terminate(pod, "OOMKilled", 137);
  r.story.Delete(pod);
  const auto job = r.Job();
  CHECK(job.seen.runs[1].ooms == 1);
  CHECK(job.at_risk);
  std::uint32_t marked = 0;
  for (const auto& interval : job.seen.timeline.Intervals()) marked += interval.what.container_ooms;
  CHECK(marked == 1);
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
  CHECK(summary.accuracy.Judged() == 2);
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
