// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/controller/pipeline.h"

#include <catch2/catch.hpp>
#include <utility>

#include "cluster_story.h"

namespace sparkfit::controller {
namespace {

using base::Bytes;
using base::GiB;
using base::MiB;
using model::EventType;
using test::ClusterStory;

model::RecommendationEvent Object(EventType event, const std::string& name,
                                  const std::string& signature) {
  model::RecommendationEvent result;
  result.event = event;
  result.object.name_space = "jobs";
  result.object.name = name;
  result.object.signature = signature;
  return result;
}

TEST_CASE("a run of a signed executor leads to a recommendation", "[controller]") {
  ClusterStory story;
  story.Live(ClusterStory::Executor("e1", "app-1", "nightly"), GiB(1));
  const auto result = story.Only();
  CHECK(result.history->GetKey() == model::Key{"jobs", "nightly", 0});
  CHECK(result.history->Totals().applications == 1);
  CHECK(result.recommendation.target == MiB(1439));  // see recommendation_test.cc
}

TEST_CASE(
    "a job without a policy gets adaptive, or percentile by EMR's keys, or the configured one",
    "[controller]") {
  const auto run = [](const std::string& key, const controller::PipelineOptions& options) {
    ClusterStory story(options);
    auto pod = ClusterStory::Executor("e1", "app-1", "nightly");
    pod.settings = {};
    ClusterStory::Set(pod, key, "nightly");
    story.Live(pod, GiB(1));
    return story.Only().policy.kind;
  };
  const std::string emr = "emr-containers.amazonaws.com/dynamic.sizing.signature";
  CHECK(run("sparkfit.io/signature", {}) == recommend::PolicyKind::kAdaptive);
  CHECK(run(emr, {}) == recommend::PolicyKind::kPercentile);
  const controller::PipelineOptions max{.policy = *recommend::ParsePolicy("max"), .safety = {}};
  CHECK(run("sparkfit.io/signature", max) == recommend::PolicyKind::kMax);
  CHECK(run(emr, max) == recommend::PolicyKind::kMax);
}

TEST_CASE("a live executor's peak is recommended at once", "[controller]") {
  ClusterStory story;
  auto pod = ClusterStory::Executor("e1", "app-1", "nightly");
  story.Run(pod);
  CHECK_FALSE(story.Only().recommendation.target.has_value());
  story.Use(pod, GiB(1));
  CHECK(story.Only().recommendation.target == MiB(1439));
}

TEST_CASE("an executor without a signature is left alone", "[controller]") {
  ClusterStory story;
  story.Live(ClusterStory::Executor("e1", "app-1", ""), GiB(1));
  CHECK(story.pipeline.Recommend().empty());
  CHECK(story.pipeline.GetUnused().executors_unsigned == 1);
}

// A driver that carries the signature, and an executor of it that does not.
std::pair<model::PodFacts, model::PodFacts> SignedByDriver() {
  auto driver = ClusterStory::Driver("d1", "app-1");
  ClusterStory::Sign(driver, "from-driver");
  auto executor = ClusterStory::Executor("e1", "app-1", "");
  executor.owner_uid = "d1";
  return {driver, executor};
}

TEST_CASE("a driver's signature counts for its executors, seen before or after them",
          "[controller]") {
  const bool driver_first = GENERATE(true, false);
  ClusterStory story;
  auto [driver, pod] = SignedByDriver();
  if (driver_first) story.Pod(EventType::kAdded, driver);
  story.Run(pod);
  for (int i = 1; i <= 3; ++i) story.Use(pod, MiB(1000 + i));
  story.Terminate(pod, "OOMKilled", 137);
  if (!driver_first) story.Pod(EventType::kAdded, driver);
  const auto result = story.Only();
  CHECK(result.history->GetKey().signature == "from-driver");
  CHECK(result.history->Totals().container_ooms == 1);
  CHECK(result.history->Totals().coverage[2] == 1);
  CHECK(result.history->FindApplication("app-1")->alive == 0);
  CHECK(story.pipeline.GetUnused().executors_unsigned == 0);
}

TEST_CASE("an OOM raises the target at once, and is counted once however often it is shown",
          "[controller]") {
  ClusterStory story;
  auto pod = ClusterStory::Executor("e1", "app-1", "nightly", 1000);  // limit 1384
  story.Run(pod);
  story.Terminate(pod, "OOMKilled", 137);
  CHECK(story.Only().recommendation.target == MiB(1661));  // 1.2 × 1384 = 1660.8
  pod.phase = model::PodPhase::kFailed;
  story.Pod(EventType::kModified, pod);
  story.Delete(pod);
  story.Delete(pod);
  CHECK(story.Only().history->Totals().container_ooms == 1);
}

TEST_CASE("an OOM that only the DELETED event shows is counted", "[controller]") {
  ClusterStory story;
  auto pod = ClusterStory::Executor("e1", "app-1", "nightly");
  story.Run(pod);
  pod.ended = model::Termination{"", "OOMKilled", 137, story.now};
  story.Delete(pod);
  CHECK(story.Only().history->Totals().container_ooms == 1);
}

TEST_CASE("a restarting container's OOMs are told apart by their ID", "[controller]") {
  ClusterStory story;
  auto pod = ClusterStory::Executor("e1", "app-1", "nightly");
  pod.restarts = true;
  story.Run(pod);
  for (const auto* id : {"containerd://1", "containerd://2"}) {
    pod.ended = model::Termination{id, "OOMKilled", 137, story.now};
    story.Pod(EventType::kModified, pod);
    pod.last_restart = std::exchange(pod.ended, {});
    story.Pod(EventType::kModified, pod);
  }
  CHECK(story.Only().history->Totals().container_ooms == 2);
  CHECK(story.Only().history->FindApplication("app-1")->alive == 1);
}

TEST_CASE("an end of unknown cause is counted once and raises nothing", "[controller]") {
  ClusterStory story;
  auto pod = ClusterStory::Executor("e1", "app-1", "nightly");
  story.Run(pod);
  story.Use(pod, GiB(1));
  const auto before = story.Only().recommendation.target;
  story.Terminate(pod, "Error", 137);
  story.Pod(EventType::kModified, pod);
  story.Delete(pod);
  const auto result = story.Only();
  CHECK(result.history->Totals().unknown_ends == 1);
  CHECK(result.history->Totals().container_ooms == 0);
  CHECK(result.recommendation.target == before);
}

TEST_CASE("a kill of a full container is an OOM, wherever its samples waited for the signature",
          "[controller]") {
  const bool driver_first = GENERATE(true, false);
  ClusterStory story;
  auto [driver, pod] = SignedByDriver();
  if (driver_first) story.Pod(EventType::kAdded, driver);
  story.Run(pod);
  story.Use(pod, pod.size.limit);
  story.Terminate(pod, "Error", 137);
  if (!driver_first) story.Pod(EventType::kAdded, driver);
  CHECK(story.Only().history->Totals().container_ooms == 1);
  CHECK(story.Only().history->Totals().unknown_ends == 0);
}

TEST_CASE("an unknown end that a late sample explains counts as an OOM after all", "[controller]") {
  ClusterStory story;
  auto pod = ClusterStory::Executor("e1", "app-1", "nightly");
  story.Run(pod);
  const auto taken = story.now;
  story.Terminate(pod, "Error", 137);
  CHECK(story.Only().history->Totals().unknown_ends == 1);
  story.UseAt(pod, pod.size.limit, taken);
  pod.phase = model::PodPhase::kFailed;
  story.Pod(EventType::kModified, pod);
  story.Pod(EventType::kModified, pod);
  CHECK(story.Only().history->Totals().container_ooms == 1);
  CHECK(story.Only().history->Totals().unknown_ends == 1);
}

TEST_CASE("a late sample counts until a minute after the end, and only if it was taken before",
          "[controller]") {
  ClusterStory story;
  auto pod = ClusterStory::Executor("e1", "app-1", "nightly");
  story.Run(pod);
  const auto taken = story.now;
  story.Terminate(pod, "Completed", 0);
  story.Pass(std::chrono::seconds(50));
  story.UseAt(pod, MiB(900), taken);
  CHECK(story.Only().history->LargestPeak() == MiB(900));
  story.UseAt(pod, MiB(1900), taken + std::chrono::seconds(5));  // after its end
  story.Pass(std::chrono::seconds(20));
  story.UseAt(pod, MiB(2900), taken);  // too late
  CHECK(story.Only().history->LargestPeak() == MiB(900));
  CHECK(story.pipeline.GetUnused().usage_unknown_pod == 2);
}

TEST_CASE("a reused pod name keeps its samples with the pod that ran then", "[controller]") {
  ClusterStory story;
  auto first = ClusterStory::Executor("e1", "app-1", "nightly");
  first.name = "exec-1";
  story.Run(first);
  const auto before = story.now;
  story.Pass(std::chrono::seconds(2));
  auto second = ClusterStory::Executor("e2", "app-2", "nightly");
  second.name = "exec-1";
  story.Run(second);  // so the first must be gone, though nobody said so
  story.UseAt(first, MiB(700), before);
  story.Use(second, MiB(500));
  const auto& history = *story.Only().history;
  CHECK(history.FindApplication("app-1")->peak == MiB(700));
  CHECK(history.FindApplication("app-1")->alive == 0);
  CHECK(history.FindApplication("app-2")->peak == MiB(500));
}

TEST_CASE("usage of unknown pods and other containers is dropped and counted", "[controller]") {
  ClusterStory story;
  auto pod = ClusterStory::Executor("e1", "app-1", "nightly");
  story.Use(pod, MiB(500));  // before the pod was seen
  story.Run(pod);
  story.Observe(model::UsageSample{"jobs", "e1", story.now, {{"istio-proxy", MiB(9000)}}});
  story.Use(pod, Bytes{});
  story.Observe(
      model::UsageSample{"other", "e1", story.now, {{"spark-kubernetes-executor", MiB(9)}}});
  CHECK_FALSE(story.Only().recommendation.target.has_value());
  CHECK(story.pipeline.GetUnused().usage_unknown_pod == 2);
  CHECK(story.pipeline.GetUnused().usage_no_container == 1);
  CHECK(story.pipeline.GetUnused().usage_zero == 1);
}

TEST_CASE("an application ends when its driver is gone", "[controller]") {
  ClusterStory story;
  auto driver = ClusterStory::Driver("d1", "app-1");
  story.Pod(EventType::kAdded, driver);
  auto pod = ClusterStory::Executor("e1", "app-1", "nightly");
  story.Run(pod);
  story.Use(pod, MiB(500));
  CHECK_FALSE(story.Only().history->FindApplication("app-1")->ended);
  driver.phase = model::PodPhase::kSucceeded;
  story.Pod(EventType::kModified, driver);
  CHECK(story.Only().history->FindApplication("app-1")->ended);
}

TEST_CASE("an application ends after ten minutes without an executor", "[controller]") {
  ClusterStory story;
  story.Live(ClusterStory::Executor("e1", "app-1", "nightly"), MiB(500));
  story.Pass(std::chrono::minutes(9));
  CHECK_FALSE(story.Only().history->FindApplication("app-1")->ended);
  // Dynamic allocation brings one back: the ten minutes start anew when that ends.
  story.Live(ClusterStory::Executor("e2", "app-1", "nightly"), MiB(500));
  story.Pass(std::chrono::minutes(9));
  CHECK_FALSE(story.Only().history->FindApplication("app-1")->ended);
  story.Pass(std::chrono::minutes(2));
  CHECK(story.Only().history->FindApplication("app-1")->ended);
  CHECK(story.Only().history->Totals().applications == 1);
}

TEST_CASE("resource profiles and namespaces have histories of their own", "[controller]") {
  ClusterStory story;
  auto pod = ClusterStory::Executor("e1", "app-1", "nightly");
  story.Live(pod, MiB(500));
  pod.uid = pod.name = "e2";
  pod.profile = 1;
  story.Live(pod, MiB(600));
  pod.uid = pod.name = "e3";
  pod.name_space = "a-first";
  story.Live(pod, MiB(700));
  const auto all = story.pipeline.Recommend();
  REQUIRE(all.size() == 3);
  CHECK(all[0].history->GetKey() == model::Key{"a-first", "nightly", 1});
  CHECK(all[1].history->GetKey() == model::Key{"jobs", "nightly", 0});
  CHECK(all[2].history->GetKey() == model::Key{"jobs", "nightly", 1});
}

TEST_CASE("deleting the object purges: nothing known before counts, live executors are ignored",
          "[controller]") {
  ClusterStory story;
  story.Live(ClusterStory::Executor("e1", "app-1", "nightly"), GiB(3));
  auto alive = ClusterStory::Executor("e2", "app-2", "nightly");
  story.Run(alive);
  story.Observe(Object(EventType::kAdded, "nightly-1", "nightly"));
  story.Observe(Object(EventType::kDeleted, "nightly-1", "nightly"));
  CHECK(story.pipeline.Recommend().empty());
  story.Use(alive, GiB(3));
  story.Terminate(alive, "OOMKilled", 137);
  story.Delete(alive);
  CHECK(story.pipeline.Recommend().empty());
  story.Live(ClusterStory::Executor("e3", "app-3", "nightly"), GiB(1));
  CHECK(story.Only().recommendation.target == MiB(1439));
  CHECK(story.Only().history->Totals().executors == 1);
}

TEST_CASE("deleting a duplicate object is no purge", "[controller]") {
  ClusterStory story;
  story.Live(ClusterStory::Executor("e1", "app-1", "nightly"), GiB(1));
  auto older = Object(EventType::kAdded, "z-older", "nightly");
  auto younger = Object(EventType::kAdded, "a-younger", "nightly");
  younger.object.created = older.object.created + std::chrono::seconds(1);
  older.object.min_memory = GiB(2);
  younger.object.min_memory = GiB(3);
  story.Observe(younger);
  story.Observe(older);
  CHECK(story.Only().recommendation.target == GiB(2));
  younger.event = EventType::kDeleted;
  story.Observe(younger);
  CHECK(story.Only().recommendation.target == GiB(2));
}

TEST_CASE("a user's settings win over the job's, each alone", "[controller]") {
  ClusterStory story;
  auto pod = ClusterStory::Executor("e1", "app-1", "nightly", 8192);
  ClusterStory::Set(pod, "sparkfit.io/mode", "Initial");
  ClusterStory::Set(pod, "sparkfit.io/min-memory", "2Gi");
  ClusterStory::Set(pod, "sparkfit.io/policy", "max:margin=0.5");
  story.Live(pod, GiB(2));
  CHECK(story.Only().mode == model::Mode::kInitial);
  CHECK(story.Only().recommendation.target == GiB(3));
  auto object = Object(EventType::kAdded, "nightly-1", "nightly");
  object.object.mode = model::Mode::kOff;
  object.object.min_memory = GiB(4);
  story.Observe(object);
  CHECK(story.Only().mode == model::Mode::kOff);
  CHECK(story.Only().recommendation.target == GiB(4));
}

TEST_CASE("no smaller size is tried where the job's object says so", "[controller]") {
  ClusterStory story({.policy = *recommend::ParsePolicy("adaptive"), .safety = {}});
  story.LiveTold();
  const auto before = story.Only();
  REQUIRE(before.recommendation.next.trial);
  CHECK(before.explore);
  story.pipeline.TakeChanged();
  auto object = Object(EventType::kAdded, "nightly-1", "nightly");
  object.object.explore = false;
  story.Observe(object);
  CHECK(story.pipeline.TakeChanged().size() == 1);
  const auto after = story.Only();
  CHECK_FALSE(after.explore);
  CHECK_FALSE(after.recommendation.next.trial);
  CHECK(after.recommendation.target == before.recommendation.target);
  CHECK_THAT(after.explanation, !Catch::Contains("tries"));
  object.event = EventType::kModified;
  object.object.explore.reset();
  story.Observe(object);
  CHECK(story.Only().recommendation.next.trial);
}

TEST_CASE("who does not want smaller sizes gets none after a restart either", "[controller]") {
  const controller::PipelineOptions options{.policy = *recommend::ParsePolicy("adaptive"),
                                            .safety = {}};
  ClusterStory before(options);
  before.LiveTold();
  before.Only();
  const auto saved =
      std::make_shared<const model::KeyCheckpoint>(before.pipeline.Save({"jobs", "nightly", 0}));
  for (const bool explore : {true, false}) {
    ClusterStory after(options);
    auto object = Object(EventType::kAdded, "nightly-1", "nightly");
    object.object.explore = explore;
    after.Observe(object);
    after.Observe(model::RestoreEvent{saved});
    CHECK(after.Only().recommendation.next.trial.has_value() == explore);
  }
}

// A story in which an executor of a family lives.
struct Families {
  ClusterStory story{{.policy = *recommend::ParsePolicy("adaptive"), .safety = {}}};
  int lived = 0;

  void Live(const std::string& signature, const std::string& family, Bytes peak) {
    const auto number = std::to_string(++lived);
    auto pod = ClusterStory::Executor("e" + number, "app-" + number, signature);
    if (!family.empty()) ClusterStory::Set(pod, "sparkfit.io/family", family);
    story.Live(pod, peak);
    story.pipeline.AdvanceTo(story.now += std::chrono::minutes(5));  // it is sealed
  }

  [[nodiscard]] std::int64_t FamilyRunsOf(const std::string& signature) const {
    const auto row = story.pipeline.Recommend({"jobs", signature, 0});
    return row->recommendation.estimate->adaptive->family_runs;
  }
};

TEST_CASE("keys of a family are a prior for each other, and only for adaptive", "[controller]") {
  Families f;
  f.Live("a", "etl", MiB(1000));
  CHECK(f.FamilyRunsOf("a") == 0);  // nobody but itself
  f.Live("b", "etl", MiB(3000));
  f.Live("c", "other", MiB(3000));
  f.Live("d", "", MiB(3000));
  CHECK(f.FamilyRunsOf("a") == 2);
  CHECK(f.FamilyRunsOf("b") == 2);
  CHECK(f.FamilyRunsOf("c") == 0);
  CHECK(f.FamilyRunsOf("d") == 0);
  f.Live("b", "etl", MiB(3100));
  CHECK(f.FamilyRunsOf("a") == 3);
  CHECK_THAT(f.story.pipeline.Recommend({"jobs", "a", 0})->explanation,
             Catch::Contains("with 3 runs of its family"));
}

TEST_CASE("a key that leaves its family or is purged takes its runs along", "[controller]") {
  Families f;
  f.Live("a", "etl", MiB(1000));
  f.Live("b", "etl", MiB(1000));
  f.Live("c", "etl", MiB(1000));
  CHECK(f.FamilyRunsOf("a") == 3);
  f.Live("b", "", MiB(1000));  // not of the family any more, with both of its runs
  CHECK(f.FamilyRunsOf("a") == 2);
  f.story.Observe(Object(EventType::kAdded, "one", "c"));
  f.story.Observe(Object(EventType::kDeleted, "one", "c"));
  CHECK(f.FamilyRunsOf("a") == 0);
}

TEST_CASE("a family is whole again after a restart", "[controller]") {
  Families before;
  before.Live("a", "etl", MiB(1000));
  before.Live("b", "etl", MiB(3000));
  before.Live("b", "etl", MiB(3500));
  Families after;
  for (const auto* signature : {"a", "b"}) {
    after.story.Observe(model::RestoreEvent{std::make_shared<const model::KeyCheckpoint>(
        before.story.pipeline.Save({"jobs", signature, 0}))});
  }
  const model::Key a{"jobs", "a", 0};
  CHECK(after.FamilyRunsOf("a") == 3);
  CHECK(after.story.pipeline.Recommend(a)->recommendation.target ==
        before.story.pipeline.Recommend(a)->recommendation.target);
}

TEST_CASE("settings that cannot be understood are named and do no harm", "[controller]") {
  ClusterStory story;
  auto pod = ClusterStory::Executor("e1", "app-1", "nightly");
  ClusterStory::Set(pod, "sparkfit.io/policy", "magic");
  ClusterStory::Set(pod, "sparkfit.io/min-memory", "lots");
  story.Live(pod, GiB(1));
  CHECK(story.Only().recommendation.target == MiB(1439));
  CHECK(story.pipeline.Problems().size() == 2);
}

TEST_CASE("bounds that nobody can mean are named, and not in force", "[controller]") {
  ClusterStory story;
  auto pod = ClusterStory::Executor("e1", "app-1", "nightly");
  ClusterStory::Set(pod, "sparkfit.io/max-memory", "4096m");
  story.Live(pod, GiB(1));
  const auto row = story.Only();
  CHECK(row.recommendation.target == MiB(1439));
  CHECK(row.bounds == model::Bounds{});
  REQUIRE(row.problems.size() == 1);
  CHECK_THAT(row.problems[0], Catch::Contains("sparkfit.io/max-memory") &&
                                  Catch::Contains("4.096 bytes in Kubernetes; 4096Mi?"));
  CHECK_THAT(row.explanation, Catch::EndsWith(" Left out: " + row.problems[0]));
  // A run with one that can be used puts it right.
  auto next = ClusterStory::Executor("e2", "app-2", "nightly");
  ClusterStory::Set(next, "sparkfit.io/max-memory", "1200Mi");
  story.Live(next, GiB(1));
  CHECK(story.Only().problems.empty());
  CHECK(story.Only().recommendation.target == MiB(1200));
}

TEST_CASE("what a job may not ask for is still named after a restart", "[controller]") {
  ClusterStory before;
  auto pod = ClusterStory::Executor("e1", "app-1", "nightly");
  ClusterStory::Set(pod, "sparkfit.io/max-memory", "4096m");
  before.Live(pod, GiB(1));
  ClusterStory after;
  after.Observe(model::RestoreEvent{
      std::make_shared<const model::KeyCheckpoint>(before.pipeline.Save({"jobs", "nightly", 0}))});
  CHECK(after.Only().problems == before.Only().problems);
}

// Killed for memory at its limit of 4,505 MiB: asks for 1.2 × 4,505 = 5,406 MiB.
void Kill(ClusterStory& story, model::PodFacts pod) {
  story.Run(pod);
  story.Use(pod, GiB(4));
  story.Terminate(pod, "OOMKilled", 137);
  story.Delete(pod);
}

TEST_CASE("the largest node is the ceiling of growth", "[controller]") {
  ClusterStory story;
  story.Observe(model::NodeEvent{EventType::kAdded, "small", MiB(500)});
  story.Observe(model::NodeEvent{EventType::kAdded, "large", MiB(5000)});
  Kill(story, ClusterStory::Executor("e1", "app-1", "nightly"));
  CHECK(story.Only().recommendation.target == MiB(5000));
  story.Observe(model::NodeEvent{EventType::kDeleted, "large", {}});
  CHECK(story.Only().recommendation.target == MiB(5000));  // it may come back
}

TEST_CASE("nodes never cut below what executors ran with", "[controller]") {
  ClusterStory story;
  story.Observe(model::NodeEvent{EventType::kAdded, "small", MiB(500)});
  Kill(story, ClusterStory::Executor("e1", "app-1", "nightly"));
  CHECK(story.Only().recommendation.target == MiB(4505));
}

TEST_CASE("a node counts for who can run on it", "[controller]") {
  ClusterStory story;
  model::NodeEvent dedicated{EventType::kAdded, "dedicated", GiB(64)};
  dedicated.taints = {{"dedicated", "spark", model::TaintEffect::kNoSchedule}};
  story.Observe(dedicated);
  story.Observe(model::NodeEvent{EventType::kAdded, "common", MiB(5000)});
  auto pod = ClusterStory::Executor("e1", "app-1", "nightly");
  const bool tolerates = GENERATE(true, false);
  if (tolerates) pod.placement.Edit().tolerations = {{"dedicated", "spark", false, {}}};
  Kill(story, pod);
  // What the OOM asks for, or what the common node has.
  CHECK(story.Only().recommendation.target == (tolerates ? MiB(5406) : MiB(5000)));
}

TEST_CASE("an executor that was never started raises no guard", "[controller]") {
  ClusterStory story;
  auto huge = ClusterStory::Executor("e0", "app-1", "nightly", 900 * 1024);
  story.Pod(EventType::kAdded, huge);  // pending for ever: no node is that large
  auto pod = ClusterStory::Executor("e1", "app-1", "nightly", 900);
  story.Run(pod);
  story.Use(pod, MiB(1200));
  CHECK(story.Only().recommendation.target == MiB(1284));
}

TEST_CASE("time never goes back", "[controller]") {
  ClusterStory story;
  story.Live(ClusterStory::Executor("e1", "app-1", "nightly"), GiB(1));
  const auto latest = story.pipeline.Now();
  story.now = latest - std::chrono::hours(1);
  story.Observe(model::NodeEvent{EventType::kAdded, "node", GiB(64)});
  CHECK(story.pipeline.Now() == latest);
  CHECK(story.pipeline.GetUnused().out_of_order == 1);
}

TEST_CASE("whatever a node's clock says, what was learnt before still counts", "[controller]") {
  using std::chrono::hours;
  const base::Duration ahead = GENERATE(hours(-24 * 400), hours(-1), hours(0), hours(1),
                                        hours(24 * 400), hours(24 * 300'000));
  INFO(ahead.count());
  ClusterStory story;
  for (int i = 0; i < 4; ++i) {
    story.Live(ClusterStory::Executor("e" + std::to_string(i), "app-1", "nightly"), GiB(3));
  }
  story.Pass(hours(1));
  const auto before = story.Only().recommendation.target;
  auto pod = ClusterStory::Executor("odd", "app-2", "nightly");
  story.Run(pod);
  for (int i = 0; i < 3; ++i) story.UseAt(pod, MiB(100), story.now + ahead);
  pod.ended = model::Termination{"c", "Completed", 0, story.now + ahead};
  story.Pod(EventType::kModified, pod);
  story.Delete(pod);
  story.Pass(hours(1));
  // It ended, and is one executor of five, the least of all.
  const auto row = story.Only();
  CHECK(row.recommendation.target == before);
  CHECK(row.history->Executors().empty());
  for (const auto& application : row.history->Applications()) CHECK(application.ended);
}

TEST_CASE("a patched executor counts with the size it was submitted with", "[controller]") {
  ClusterStory story;
  auto first = ClusterStory::Executor("e1", "app-1", "nightly", 1000);  // 1384
  story.Run(first);
  story.Terminate(first, "OOMKilled", 137);
  auto patched = ClusterStory::Executor("e2", "app-1", "nightly", 1000);
  patched.size = {MiB(1661), MiB(1000)};
  story.Run(patched);
  story.Use(patched, MiB(1300));
  const auto& history = *story.Only().history;
  CHECK(history.CurrentShape()->shape.overhead == model::OverheadClass::kDefaultJvm);
  CHECK(history.CurrentShape()->submitted.limit == MiB(1384));
  CHECK(history.CurrentShape()->largest_limit == MiB(1661));
  CHECK(history.Totals().coverage[1] == 1);  // of the same shape, so sampled
}

TEST_CASE("a namespace with too many keys gets no new one, and crowds out no other",
          "[controller]") {
  controller::PipelineOptions options;
  options.max_keys_per_namespace = 2;
  ClusterStory story(options);
  for (int i = 0; i < 100; ++i) {
    const auto id = std::to_string(i);
    story.Live(ClusterStory::Executor("e" + id, "app-" + id, "signature-" + id), GiB(1));
  }
  auto other = ClusterStory::Executor("other", "app", "nightly");
  other.name_space = "others";
  story.Live(other, GiB(1));
  const auto all = story.pipeline.Recommend();
  REQUIRE(all.size() == 3);
  CHECK(all[0].history->GetKey().signature == "signature-0");
  CHECK(all[1].history->GetKey().signature == "signature-1");
  CHECK(all[2].history->GetKey().name_space == "others");
  CHECK(story.pipeline.Refused() == std::map<std::string, std::uint64_t>{{"jobs", 98}});
  // Known keys go on; a purge makes room for an executor that is still there.
  auto waiting = ClusterStory::Executor("w", "app-w", "waiting");
  story.Run(waiting);
  story.Use(waiting, GiB(2));
  story.Live(ClusterStory::Executor("more", "app-more", "signature-1"), GiB(1));
  CHECK(story.pipeline.Recommend()[1].history->Totals().executors == 2);
  story.Observe(Object(EventType::kAdded, "object", "signature-0"));
  story.Observe(Object(EventType::kDeleted, "object", "signature-0"));
  story.Pod(EventType::kModified, waiting);
  CHECK(story.pipeline.Recommend()[1].history->GetKey().signature == "waiting");
  CHECK(story.pipeline.Recommend()[1].history->Totals().peak == GiB(2));
}

TEST_CASE("no namespace takes all keys there may be, and who comes later gets some, too",
          "[controller]") {
  controller::PipelineOptions options;
  options.max_keys = 20;
  ClusterStory story(options);
  const auto make = [&](const std::string& name_space, int keys) {
    for (int i = 0; i < keys; ++i) {
      const auto id = name_space + std::to_string(i);
      auto pod = ClusterStory::Executor(id, "app-" + id, "signature-" + id);
      pod.name_space = name_space;
      story.Live(pod, GiB(1));
    }
    const auto all = story.pipeline.Recommend();
    return std::count_if(all.begin(), all.end(), [&](const auto& row) {
      return row.history->GetKey().name_space == name_space;
    });
  };
  CHECK(make("greedy", 100) == 10);
  CHECK(make("modest", 3) == 3);
  CHECK(make("second", 100) == 4);  // of seven that are free
  CHECK(make("third", 100) == 2);
  CHECK(make("fourth", 100) == 1);
  CHECK(story.pipeline.Recommend().size() == 20);
  CHECK(story.pipeline.Refused().at("greedy") == 90);
  CHECK(!story.pipeline.Refused().contains("modest"));
}

TEST_CASE("what one namespace gets wrong leaves room to tell of another", "[controller]") {
  ClusterStory story;
  const auto odd = [&](const std::string& name_space, int i) {
    auto pod = ClusterStory::Executor(name_space + std::to_string(i), "app", "s");
    pod.name_space = name_space;
    pod.problems = {"odd " + std::to_string(i)};
    story.Pod(EventType::kAdded, pod);
  };
  for (int i = 0; i < 1000; ++i) odd("greedy", i);
  odd("modest", 0);
  CHECK(story.pipeline.Problems().size() == 101);
  CHECK(story.pipeline.Problems().contains("pod modest/modest0: odd 0"));
}

TEST_CASE("of a container that dies again and again the latest ends are kept, each counted once",
          "[controller]") {
  ClusterStory story;
  auto pod = ClusterStory::Executor("e", "app", "nightly");
  pod.restarts = true;
  story.Run(pod);
  for (int i = 0; i < 500; ++i) {
    pod.last_restart = model::Termination{"c-" + std::to_string(i), "OOMKilled", 137, story.now};
    story.Pod(EventType::kModified, pod);
    story.Pod(EventType::kModified, pod);
  }
  CHECK(story.Only().history->Totals().container_ooms == 500);
  const auto saved = story.pipeline.Save(story.Only().history->GetKey());
  REQUIRE(saved.pods.size() == 1);
  CHECK(saved.pods[0].counted_ends.size() == 16);
}

TEST_CASE("objects that are made and deleted leave nothing behind", "[controller]") {
  ClusterStory story;
  const auto before = story.pipeline.Kept();
  for (int i = 0; i < 15'000; ++i) {
    const auto name = "object-" + std::to_string(i);
    story.Observe(Object(EventType::kAdded, name, name));
    story.Observe(Object(EventType::kDeleted, name, name));
  }
  CHECK(story.pipeline.Kept() == before);
}

// To find a target takes a look at every executor of the key.
TEST_CASE("of thousands of runs of one key that start at once few find its target",
          "[controller][performance]") {
  constexpr std::uint64_t kRuns = 2000;
  ClusterStory story;
  for (std::uint64_t i = 0; i < kRuns; ++i) {
    const auto number = std::to_string(i);
    auto pod = ClusterStory::Executor("e" + number, "app-" + number, "nightly");
    pod.phase = model::PodPhase::kRunning;
    story.pipeline.Observe({story.now, model::PodEvent{EventType::kAdded, pod}});
    story.pipeline.Observe(
        {story.now,
         model::UsageSample{"jobs", pod.name, story.now, {{*pod.container, MiB(2000)}}}});
  }
  // The first 64 beside few others, and one for all others of that second.
  CHECK(story.pipeline.TargetsFound() <= 66);
  const auto* history = story.Only().history;
  CHECK(history->Totals().executors == kRuns);
  CHECK(history->Applications().size() == model::KeyHistory::kMostApplications);
  // Another one a second later, or among few, goes by what is known then.
  story.Pass(std::chrono::seconds(1));
  story.Pod(EventType::kAdded, ClusterStory::Executor("later", "app-later", "nightly"));
  CHECK(story.pipeline.TargetsFound() <= 67);
  CHECK(history->Executors().at("later").advised.limit == *story.Only().recommendation.target);
}

TEST_CASE("of drivers that are over few of a namespace are remembered", "[controller]") {
  ClusterStory story;
  for (int i = 0; i < 10'000; ++i) {
    auto driver = ClusterStory::Driver("d" + std::to_string(i), "app");
    driver.phase = model::PodPhase::kSucceeded;
    story.pipeline.Observe({story.now, model::PodEvent{EventType::kAdded, driver}});
  }
  // Their timers are let go by and by.
  CHECK(story.pipeline.Kept() <= 2000 + 10'000 + 1);
  story.pipeline.AdvanceTo(story.now + std::chrono::minutes(11));
  CHECK(story.pipeline.Kept() == 0);
}

TEST_CASE("a key that nobody ran for long is forgotten", "[controller]") {
  controller::PipelineOptions options;
  options.retention = std::chrono::hours(48);
  ClusterStory story(options);
  story.Live(ClusterStory::Executor("e1", "app-1", "seldom"), GiB(1));
  story.Live(ClusterStory::Executor("e2", "app-2", "often"), GiB(1));
  auto streaming = ClusterStory::Executor("e3", "app-3", "streaming");
  story.Run(streaming);
  story.now += std::chrono::hours(40);
  story.Live(ClusterStory::Executor("e4", "app-4", "often"), GiB(1));
  story.pipeline.AdvanceTo(story.now);
  CHECK(story.pipeline.TakeExpired().empty());
  story.now += std::chrono::hours(10);
  story.pipeline.AdvanceTo(story.now);
  CHECK(story.pipeline.TakeExpired() == std::vector<model::Key>{{"jobs", "seldom", 0}});
  CHECK(story.pipeline.TakeExpired().empty());
  CHECK(story.pipeline.Recommend().size() == 2);
  // Back after all: it starts anew.
  story.Live(ClusterStory::Executor("e5", "app-5", "seldom"), GiB(2));
  story.now += std::chrono::hours(47);
  story.pipeline.AdvanceTo(story.now);
  CHECK(story.pipeline.Recommend().size() == 2);  // "often" is forgotten by now
}

TEST_CASE("a tenant with a hundred thousand signatures fills neither memory nor other namespaces",
          "[controller]") {
  ClusterStory story;
  for (int i = 0; i < 100'000; ++i) {
    const auto id = std::to_string(i);
    const auto pod = ClusterStory::Executor("e" + id, "app-" + id, "signature-" + id, 1024);
    story.Pod(EventType::kAdded, pod);
    story.Pod(EventType::kDeleted, pod);
    story.Pass(std::chrono::milliseconds(10));
  }
  auto other = ClusterStory::Executor("other", "app", "nightly");
  other.name_space = "others";
  story.Live(other, GiB(1));
  CHECK(story.pipeline.Recommend().size() == 2000 + 1);
  CHECK(story.pipeline.Refused().at("jobs") == 98'000);
  CHECK(story.pipeline.Problems().size() <= 100);
}

TEST_CASE("an executor without requests and limits teaches what it used, never a zero",
          "[controller]") {
  ClusterStory story;
  auto pod = ClusterStory::Executor("e1", "app-1", "nightly");
  pod.size = pod.submitted = {};
  pod.request = {};
  story.Live(pod, GiB(1));
  const auto row = story.Only();
  CHECK(row.history->Totals().peak == GiB(1));
  CHECK((!row.recommendation.target || *row.recommendation.target >= GiB(1)));
  // And where it dies of an OOM nobody knows of which limit: counted, but no floor of nothing.
  auto dead = ClusterStory::Executor("e2", "app-2", "nightly");
  dead.size = dead.submitted = {};
  dead.request = {};
  story.Run(dead);
  story.Terminate(dead, "OOMKilled", 137);
  CHECK(story.Only().history->Totals().container_ooms == 1);
  CHECK((!story.Only().recommendation.target || *story.Only().recommendation.target >= GiB(1)));
}

TEST_CASE("how long a resized executor had each size is known after a restart, too",
          "[controller]") {
  ClusterStory story;
  auto pod = ClusterStory::Executor("e1", "app-1", "nightly");
  story.Run(pod);
  story.Pass(std::chrono::hours(9));
  pod.size = {MiB(3000), MiB(2000)};
  story.Pod(EventType::kModified, pod);
  ClusterStory next;
  next.now = story.now;
  next.Observe(model::RestoreEvent{
      std::make_shared<model::KeyCheckpoint>(story.pipeline.Save({"jobs", "nightly", 0}))});
  next.Pod(EventType::kModified, pod);
  next.Pass(std::chrono::hours(1));
  next.Terminate(pod, "Completed", 0);
  const auto row = next.Only();
  const auto& run = row.history->Applications().back();
  CHECK(std::chrono::round<std::chrono::hours>(run.at_size) == std::chrono::hours(9));
  CHECK(std::chrono::round<std::chrono::hours>(run.elsewhere) == std::chrono::hours(1));
}

// The victim's executor runs in "jobs"; a checkpoint of another namespace names its UID.
TEST_CASE("what a checkpoint says of a pod counts for pods of its own namespace alone",
          "[controller]") {
  const bool gone = GENERATE(true, false);
  const bool victim_restored = GENERATE(true, false);
  ClusterStory before;
  auto pod = ClusterStory::Executor("e1", "app-1", "nightly");
  before.Run(pod);
  auto forged = before.pipeline.Save({"jobs", "nightly", 0});
  forged.key.name_space = "tenant";
  REQUIRE(forged.pods.size() == 1);
  forged.pods[0].gone = forged.pods[0].sealed = gone;
  forged.pods[0].counted_ends = {""};
  ClusterStory after;
  after.now = before.now;
  after.Observe(model::RestoreEvent{std::make_shared<const model::KeyCheckpoint>(forged)});
  if (victim_restored) {
    after.Observe(model::RestoreEvent{std::make_shared<const model::KeyCheckpoint>(
        before.pipeline.Save({"jobs", "nightly", 0}))});
  }
  after.Pod(EventType::kAdded, pod);
  // What the tenant's is found to be ends nothing of the victim's.
  auto phantom = pod;
  phantom.name_space = "tenant";
  after.Delete(phantom);
  after.Pass(std::chrono::minutes(2));
  after.Use(pod, GiB(4));
  after.Terminate(pod, "OOMKilled", 137);
  after.Pass(std::chrono::minutes(10));
  const auto row = after.pipeline.Recommend({"jobs", "nightly", 0});
  REQUIRE(row);
  CHECK(row->history->Totals().executors == 1);
  CHECK(row->history->Totals().container_ooms == 1);
}

// As with the allocators `statefulset` and `deployment`.
std::pair<model::PodFacts, model::PodFacts> OfAStatefulSet() {
  auto [driver, executor] = SignedByDriver();
  executor.owner_uid = "a StatefulSet";
  return {driver, executor};
}

TEST_CASE("an executor that a StatefulSet owns belongs to the driver of its application",
          "[controller]") {
  const bool driver_first = GENERATE(true, false);
  ClusterStory story;
  auto [driver, pod] = OfAStatefulSet();
  ClusterStory::Set(driver, "sparkfit.io/mode", "Initial");
  if (driver_first) story.Pod(EventType::kAdded, driver);
  story.Run(pod);
  for (int i = 1; i <= 3; ++i) story.Use(pod, MiB(1000 + i));
  if (!driver_first) story.Pod(EventType::kAdded, driver);
  const auto row = story.Only();
  CHECK(row.history->GetKey().signature == "from-driver");
  CHECK(row.mode == model::Mode::kInitial);
  CHECK(story.pipeline.GetUnused().executors_unsigned == 0);
  story.Delete(pod);
  driver.phase = model::PodPhase::kFailed;
  story.Pod(EventType::kModified, driver);
  const auto& run = story.Only().history->Applications().back();
  CHECK(run.ended);
  CHECK(run.outcome == model::Outcome::kFailed);
}

TEST_CASE("what a driver tells is of executors of its own namespace, whatever it calls them",
          "[pipeline]") {
  ClusterStory story;
  auto pod = ClusterStory::Executor("e1", "app-1", "nightly");
  pod.executor_id = "1";
  story.Run(pod);
  model::ExecutorReading reading;
  reading.id = "1";
  reading.heap_peak = base::GiB(100);
  const auto told = [&] { return story.Only().history->Executors().at("e1").told != nullptr; };
  story.Observe(model::DriverReading{"evil", "app-1", {reading}});
  CHECK_FALSE(told());
  story.Observe(model::DriverReading{"jobs", "app-1", {reading}});
  CHECK(told());
}

TEST_CASE("a driver in another namespace is nobody's, whatever selector it has", "[controller]") {
  ClusterStory story;
  auto [driver, pod] = OfAStatefulSet();
  auto foreign = driver;
  foreign.name_space = "others";
  foreign.uid = foreign.name = "d2";
  story.Pod(EventType::kAdded, foreign);
  story.Run(pod);
  CHECK(story.pipeline.Recommend().empty());
  story.Pod(EventType::kAdded, driver);
  REQUIRE(story.Only().history->Applications().size() == 1);
  foreign.phase = model::PodPhase::kFailed;
  story.Pod(EventType::kModified, foreign);
  CHECK_FALSE(story.Only().history->Applications().back().ended);
}

TEST_CASE("of two drivers with one selector neither is an executor's, nor tells of success",
          "[controller]") {
  ClusterStory story;
  auto [driver, pod] = OfAStatefulSet();
  auto other = driver;
  other.uid = other.name = "d2";
  story.Pod(EventType::kAdded, driver);
  story.Pod(EventType::kAdded, other);
  story.Run(pod);
  CHECK(story.pipeline.Recommend().empty());
  auto owned = pod;
  owned.uid = owned.name = "e2";
  owned.owner_uid = driver.uid;
  story.Live(owned, GiB(1));
  other.phase = model::PodPhase::kSucceeded;
  story.Pod(EventType::kModified, other);
  CHECK(story.Only().history->Applications().back().outcome == model::Outcome::kInterrupted);
}

TEST_CASE("a container that failed and was started again was lost, whatever came afterwards",
          "[controller]") {
  ClusterStory story;
  auto pod = ClusterStory::Executor("e1", "app-1", "nightly");
  pod.restarts = true;
  story.Run(pod);
  for (const int code : {1, 0}) {
    pod.last_restart = model::Termination{std::to_string(code), "Error", code, story.now};
    story.Pod(EventType::kModified, pod);
  }
  story.Delete(pod);
  CHECK(story.Only().history->Applications().back().lost == 1);
}

TEST_CASE("what a container uses that was started again does not explain the end of the one before",
          "[controller]") {
  ClusterStory story;
  auto pod = ClusterStory::Executor("e1", "app-1", "nightly");  // 4505 MiB
  pod.restarts = true;
  story.Run(pod);
  story.Use(pod, GiB(1));
  pod.last_restart = model::Termination{"c1", "Error", 137, story.now};
  story.Pod(EventType::kModified, pod);
  story.Pass(std::chrono::seconds(5));
  story.Use(pod, MiB(4500));
  story.Pod(EventType::kModified, pod);
  CHECK(story.Only().history->Totals().container_ooms == 0);
  CHECK(story.Only().history->Totals().unknown_ends == 1);
}

}  // namespace
}  // namespace sparkfit::controller
