// SPDX-License-Identifier: Apache-2.0
#include "cluster/advisor.h"

#include <catch2/catch.hpp>

#include "cluster_story.h"
#include "history_builder.h"
#include "review_pod.h"

namespace sparkfit::cluster {
namespace {

using admission::Reason;
using base::MiB;
using model::EventType;

const model::Key kKey{"jobs", "nightly", 0};

base::Time At(int seconds) { return base::Time(std::chrono::seconds(1'000'000 + seconds)); }

// A replica's world and advisor, and the pod that is asked about (1408Mi).
struct Replica {
  World world;
  Advisor advisor{{}, false};
  nlohmann::json pod = test::ReviewedPod();

  Replica() {
    advisor.SetListed({Kind::kLimitRanges, {}});
    advisor.SetListed({Kind::kResourceQuotas, {}});
  }
  template <typename What>
  void See(What what) {
    const model::Observation observation{At(0), std::move(what)};
    world.Take(observation);
    advisor.Take(observation, world);
  }
  // As the leader published it.
  model::RecommendationObject Publish(std::int64_t target_mib,
                                      std::optional<base::Time> last_oom = {}) {
    model::RecommendationObject object;
    object.name_space = "jobs";
    object.name = "nightly-1";
    object.signature = "nightly";
    object.uid = "o1";
    object.published_target = MiB(target_mib);
    object.published_last_oom = last_oom;
    object.published_shape = model::Shape{"1", model::OverheadClass::kDefaultJvm};
    object.conditions["LowConfidence"] = {"False", At(0)};
    See(model::RecommendationEvent{EventType::kModified, object});
    return object;
  }
  // What a session recommends of a history.
  void Row(test::HistoryBuilder& history, std::optional<recommend::Trial> trial = {}) {
    controller::KeyRecommendation row{
        .history = &history.history,
        .recommendation =
            recommend::Recommend(history.history, {history.policy, history.safety, {}, {}}),
        .policy = {},
        .bounds = {},
        .explanation = {}};
    row.low_confidence = false;
    row.recommendation.next.trial = std::move(trial);
    advisor.SetRow(kKey, &row);
  }
  [[nodiscard]] std::int64_t Gets() const {
    const auto decision = Decide();
    return decision.patch ? decision.patch->limit.WholeMiB() : 0;
  }
  [[nodiscard]] admission::Decision Decide() const {
    const auto review = wire::ReadReview(test::ReviewOf(pod).dump()).review;
    REQUIRE(review.has_value());
    return advisor.Decide(review->pod, review->places, At(0)).decision;
  }
};

test::HistoryBuilder Killed(std::int64_t limit_mib) {
  test::HistoryBuilder history;
  const auto uid = history.Start("a", test::Size(limit_mib, limit_mib - 384));
  history.Oom(uid, model::OomKind::kContainer);
  return history;
}

TEST_CASE("a replica that does not lead answers by what was published", "[advisor]") {
  Replica replica;
  CHECK(replica.Decide().reason == Reason::kNoRecommendation);
  auto object = replica.Publish(1000);
  CHECK(replica.Gets() == 1000);
  SECTION("the user's settings there count at once") {
    object.mode = model::Mode::kOff;
    replica.See(model::RecommendationEvent{EventType::kModified, object});
    CHECK(replica.Decide().reason == Reason::kModeOff);
    object.mode.reset();
    object.min_memory = MiB(1200);
    replica.See(model::RecommendationEvent{EventType::kModified, object});
    CHECK(replica.Gets() == 1200);
  }
  SECTION("what is not confident only raises") {
    object.conditions["LowConfidence"].first = "True";
    replica.See(model::RecommendationEvent{EventType::kModified, object});
    CHECK(replica.Decide().reason == Reason::kLowConfidence);
    object.conditions.clear();
    replica.See(model::RecommendationEvent{EventType::kModified, object});
    CHECK(replica.Decide().reason == Reason::kLowConfidence);
  }
  SECTION("what OOMs asked for counts") {
    object.published_least_heap = MiB(1200);
    object.published_least_overhead = MiB(500);
    replica.See(model::RecommendationEvent{EventType::kModified, object});
    CHECK(replica.Gets() == 1700);
  }
  SECTION("after a run that failed the next one is as submitted") {
    object.conditions["LatestRunFailed"] = {"True", At(0)};
    replica.See(model::RecommendationEvent{EventType::kModified, object});
    CHECK(replica.Decide().reason == Reason::kLatestRunFailed);
  }
  SECTION("a status that somebody damaged says nothing") {
    object.published_target = MiB(0);
    replica.See(model::RecommendationEvent{EventType::kModified, object});
    CHECK(replica.Decide().reason == Reason::kNoRecommendation);
  }
  SECTION("a deleted object is a purge") {
    replica.See(model::RecommendationEvent{EventType::kDeleted, object});
    CHECK(replica.Decide().reason == Reason::kNoRecommendation);
  }
}

TEST_CASE("an OOM that was not published yet raises what was", "[advisor]") {
  Replica replica;
  replica.advisor.BeginRows(false);
  auto history = Killed(1408);  // asks for max(1.2 × 1408, 1408 + 100) = 1690 MiB, rounded up
  replica.Row(history);
  CHECK(replica.Gets() == 1690);  // before anything was published
  replica.Publish(1000);
  CHECK(replica.Gets() == 1690);
  // Published by now: what the leader knows counts.
  replica.Publish(1000, history.history.Totals().last_oom);
  CHECK(replica.Gets() == 1000);
}

// An executor of the run that the pod under review belongs to.
model::PodFacts Sibling(const std::string& id, const model::ExecutorSize& size) {
  model::PodFacts pod;
  pod.name_space = "jobs";
  pod.name = pod.uid = "exec-" + id;
  pod.executor_id = id;
  pod.owner_uid = "d1";
  pod.app_selector = "spark-1";
  pod.role = model::PodRole::kExecutor;
  pod.phase = model::PodPhase::kRunning;
  pod.size = size;
  return pod;
}

TEST_CASE("a run keeps the size of its first executor, whatever is learnt meanwhile",
          "[advisor][run]") {
  Replica replica;
  replica.pod["metadata"]["labels"]["spark-app-selector"] = "spark-1";
  replica.Publish(1000);
  replica.See(model::PodEvent{EventType::kAdded, Sibling("10", test::Size(1300, 916))});
  CHECK(replica.Gets() == 1300);
  replica.See(model::PodEvent{EventType::kAdded, Sibling("9", test::Size(1200, 816))});
  CHECK(replica.Gets() == 1200);  // 9 is before 10
  SECTION("an OOM among them makes the others at least as submitted") {
    auto dead = Sibling("9", test::Size(1200, 816));
    dead.ended = model::Termination{"c", "OOMKilled", 137, {}};
    replica.See(model::PodEvent{EventType::kModified, dead});
    CHECK(replica.Decide().reason == Reason::kRunOutOfMemory);
  }
  SECTION("it is forgotten with its last executor where no driver is known") {
    for (const auto* id : {"9", "10"}) {
      replica.See(model::PodEvent{EventType::kDeleted, Sibling(id, test::Size(1200, 816))});
    }
    CHECK(replica.Gets() == 1000);
  }
  SECTION("it is kept as long as its driver is there") {
    model::PodFacts driver;
    driver.name_space = "jobs";
    driver.uid = "d1";
    driver.app_selector = "spark-1";
    driver.role = model::PodRole::kDriver;
    replica.See(model::PodEvent{EventType::kAdded, driver});
    for (const auto* id : {"9", "10"}) {
      replica.See(model::PodEvent{EventType::kDeleted, Sibling(id, test::Size(1200, 816))});
    }
    CHECK(replica.Gets() == 1200);
    driver.phase = model::PodPhase::kSucceeded;
    replica.See(model::PodEvent{EventType::kModified, driver});
    CHECK(replica.Gets() == 1000);
  }
}

TEST_CASE("a run that does not go by its driver's name is forgotten with its last executor",
          "[advisor][run]") {
  Replica replica;
  replica.pod["metadata"]["labels"]["spark-app-selector"] = "spark-1";
  replica.Publish(1000);
  model::PodFacts driver;
  driver.name_space = "jobs";
  driver.uid = "d1";  // the owner
  driver.app_selector = "spark-2";
  driver.role = model::PodRole::kDriver;
  replica.See(model::PodEvent{EventType::kAdded, driver});
  replica.See(model::PodEvent{EventType::kAdded, Sibling("1", test::Size(1300, 916))});
  CHECK(replica.Gets() == 1300);
  replica.See(model::PodEvent{EventType::kDeleted, Sibling("1", test::Size(1300, 916))});
  CHECK(replica.Gets() == 1000);
}

// Executor 1 is to try less of the heap, and would.
model::RecommendationObject PublishTrial(Replica& replica) {
  auto object = replica.Publish(1408);
  object.published_submitted = test::Size(1408, 1024);
  object.published_trial = {model::Part::kHeap, test::Size(896, 512), 1};
  replica.See(model::RecommendationEvent{EventType::kModified, object});
  REQUIRE(replica.Decide().reason == Reason::kTrial);
  return object;
}

TEST_CASE("a smaller size is not tried while another run of the job is under way",
          "[advisor][run]") {
  Replica replica;
  PublishTrial(replica);
  auto other = Sibling("1", test::Size(1408, 1024));
  other.app_selector = "spark-2";
  SECTION("another job's does not matter") {
    test::ClusterStory::Sign(other, "hourly");
    replica.See(model::PodEvent{EventType::kAdded, other});
    CHECK(replica.Decide().reason == Reason::kTrial);
  }
  SECTION("nor one that is over") {
    test::ClusterStory::Sign(other, "nightly");
    replica.See(model::PodEvent{EventType::kAdded, other});
    CHECK(replica.Decide().reason == Reason::kRightSize);
    replica.See(model::PodEvent{EventType::kDeleted, other});
    CHECK(replica.Decide().reason == Reason::kTrial);
  }
}

TEST_CASE("who does not want trials gets none at once, whichever replica answers", "[advisor]") {
  Replica replica;
  auto object = PublishTrial(replica);
  SECTION("by what was published before") {
    object.explore = false;
    replica.See(model::RecommendationEvent{EventType::kModified, object});
    CHECK(replica.Decide().reason == Reason::kRightSize);
  }
  SECTION("by a session that has not looked at it yet") {
    test::HistoryBuilder history;
    for (const auto* run : {"a", "b"}) history.Run(run, test::Size(1408, 1024), MiB(1300));
    replica.advisor.BeginRows(true);
    replica.Row(history, recommend::Trial{model::Part::kHeap, test::Size(896, 512), 1});
    REQUIRE(replica.Decide().reason == Reason::kTrial);
    object.explore = false;
    replica.See(model::RecommendationEvent{EventType::kModified, object});
    CHECK(replica.Decide().reason == Reason::kRightSize);
  }
}

TEST_CASE("the leader answers by its session", "[advisor]") {
  Replica replica;
  replica.Publish(1000);
  replica.advisor.BeginRows(true);
  CHECK(replica.Gets() == 1000);  // its session has not said anything yet
  auto history = Killed(1408);
  replica.Row(history);
  CHECK(replica.Gets() == 1690);
  replica.advisor.SetRow(kKey, nullptr);
  replica.advisor.BeginRows(false);
  CHECK(replica.Gets() == 1000);
}

TEST_CASE("drivers, nodes and LimitRanges as the cluster has them", "[advisor]") {
  Replica replica;
  auto object = replica.Publish(4000);
  object.published_least_heap = MiB(3600);
  object.published_least_overhead = MiB(400);
  replica.See(model::RecommendationEvent{EventType::kModified, object});
  replica.pod["metadata"].erase("annotations");
  replica.pod["metadata"]["ownerReferences"] = {{{"uid", "d1"}, {"controller", true}}};
  CHECK(replica.Decide().reason == Reason::kNoSignature);
  model::PodFacts driver;
  driver.name_space = "jobs";
  driver.name = "d";
  driver.uid = "d1";
  driver.role = model::PodRole::kDriver;
  driver.settings.Edit().Offer({model::Setting::kSignature, 0}, "nightly");
  driver.settings.Edit().Offer({model::Setting::kMode, 0}, "Initial");
  replica.See(model::PodEvent{EventType::kAdded, driver});
  CHECK(replica.Gets() == 4000);
  replica.See(model::NodeEvent{EventType::kAdded, "n1", MiB(4050)});
  auto dedicated = model::NodeEvent{EventType::kAdded, "n2", base::GiB(64)};
  dedicated.taints = {{"gpu", "", model::TaintEffect::kNoSchedule}};
  replica.See(dedicated);
  CHECK(replica.Gets() == 4000);
  replica.pod["spec"]["containers"].push_back(
      nlohmann::json::parse(R"({"name":"s","resources":{"requests":{"memory":"100Mi"}}})"));
  CHECK(replica.Gets() == 3950);  // beside the sidecar, on the node that it can run on
  model::Constraints range;
  range.container.max = MiB(2900);
  range.pod.max = MiB(2850);
  replica.advisor.Take(ConstraintEvent{Kind::kLimitRanges, EventType::kAdded, "jobs", "a", range});
  CHECK(replica.Gets() == 2750);  // of the pod's 2850
  replica.See(model::PodEvent{EventType::kDeleted, driver});
  CHECK(replica.Decide().reason == Reason::kNoSignature);
}

model::PodFacts DriverOf(const std::string& uid, const std::string& name_space = "jobs") {
  model::PodFacts driver;
  driver.name_space = name_space;
  driver.name = driver.uid = uid;
  driver.app_selector = "spark-1";
  driver.role = model::PodRole::kDriver;
  driver.phase = model::PodPhase::kRunning;
  test::ClusterStory::Sign(driver, "nightly");
  return driver;
}

TEST_CASE("the driver of an executor that a StatefulSet owns is found by its selector",
          "[advisor][run]") {
  Replica replica;
  auto& metadata = replica.pod["metadata"];
  metadata["labels"]["spark-app-selector"] = "spark-1";
  metadata.erase("annotations");
  metadata["ownerReferences"] = nlohmann::json::array({{{"uid", "a StatefulSet"}}});
  replica.Publish(1000);
  REQUIRE(replica.Decide().reason == Reason::kNoSignature);
  replica.See(model::PodEvent{EventType::kAdded, DriverOf("d2", "others")});
  CHECK(replica.Decide().reason == Reason::kNoSignature);
  replica.See(model::PodEvent{EventType::kAdded, DriverOf("d1")});
  CHECK(replica.Decide().reason == Reason::kModeOff);
  auto driver = DriverOf("d1");
  test::ClusterStory::Set(driver, "sparkfit.io/mode", "Initial");
  replica.See(model::PodEvent{EventType::kModified, driver});
  CHECK(replica.Gets() == 1000);
  SECTION("of two none is taken") {
    replica.See(model::PodEvent{EventType::kAdded, DriverOf("d3")});
    CHECK(replica.Decide().reason == Reason::kNoSignature);
    // Nor does the other one end the run.
    auto sibling = Sibling("1", test::Size(1300, 916));
    sibling.owner_uid = "a StatefulSet";
    replica.See(model::PodEvent{EventType::kAdded, sibling});
    replica.See(model::PodEvent{EventType::kDeleted, DriverOf("d3")});
    CHECK(replica.Gets() == 1300);
  }
  SECTION("its run is kept as long as it is there") {
    auto sibling = Sibling("1", test::Size(1300, 916));
    sibling.owner_uid = "a StatefulSet";
    replica.See(model::PodEvent{EventType::kAdded, sibling});
    replica.See(model::PodEvent{EventType::kDeleted, sibling});
    CHECK(replica.Gets() == 1300);
    replica.See(model::PodEvent{EventType::kDeleted, driver});
    replica.See(model::PodEvent{EventType::kAdded, driver});
    CHECK(replica.Gets() == 1000);
  }
}

TEST_CASE("an OOM of a container that was started again counts for its run", "[advisor][run]") {
  Replica replica;
  replica.pod["metadata"]["labels"]["spark-app-selector"] = "spark-1";
  replica.Publish(1000);
  auto pod = Sibling("1", test::Size(1200, 816));
  pod.restarts = true;
  pod.last_restart = model::Termination{"c", "OOMKilled", 137, {}};
  replica.See(model::PodEvent{EventType::kModified, pod});
  CHECK(replica.Decide().reason == Reason::kRunOutOfMemory);
}

}  // namespace
}  // namespace sparkfit::cluster
