// SPDX-License-Identifier: Apache-2.0
#include "cluster/checkpoint_reader.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cluster_story.h"
#include "fake_transport.h"
#include "sparkfit/base/base64.h"
#include "sparkfit/base/gzip.h"

namespace sparkfit::cluster {
namespace {

using nlohmann::json;
using test::Answer;
using test::ClusterStory;

// Of one executor that runs: two records.
wire::CheckpointSpec SpecOf(const model::Key& key) {
  ClusterStory story;
  auto pod = ClusterStory::Executor("e1", "app-1", key.signature);
  pod.name_space = key.name_space;
  pod.uid += "-" + key.signature;
  story.Run(pod);
  return wire::WriteCheckpoint(story.pipeline.Save(key));
}

// Spaces that inflate to `mib`, which are no checkpoint.
wire::CheckpointSpec Bomb(std::size_t mib) {
  return wire::Sealed(
      {"gzip+base64", "", base::EncodeBase64(base::Gzip(std::string(mib << 20, ' ')))});
}

// A cluster with recommendations and checkpoints, and a new leader that reads these.
class Cluster {
 public:
  void Recommend(const std::string& name_space, const std::string& name,
                 const std::string& signature, base::Time created = {}) {
    model::RecommendationObject object;
    object.name_space = name_space;
    object.name = name;
    object.uid = "uid-" + name;
    object.signature = signature;
    object.created = created;
    world.Take({base::Time{}, model::RecommendationEvent{model::EventType::kAdded, object}});
  }

  void Store(const std::string& name_space, const std::string& name,
             const wire::CheckpointSpec& spec, const std::string& owner = "") {
    items.push_back(
        {{"apiVersion", "sparkfit.io/v1alpha1"},
         {"kind", "ExecutorRecommendationCheckpoint"},
         {"metadata",
          {{"namespace", name_space},
           {"name", name},
           {"resourceVersion", std::to_string(items.size() + 1)},
           {"ownerReferences", json::array({{{"uid", owner.empty() ? "uid-" + name : owner}}})}}},
         {"spec", json::parse(wire::SpecText(spec))}});
  }

  // A recommendation with its checkpoint.
  void Add(const std::string& name_space, const std::string& name) {
    Recommend(name_space, name, name);
    Store(name_space, name, SpecOf({name_space, name, 0}));
  }

  base::Result<void> Read() {
    test::FakeApi api([&](const kube::Request& request) { return Reply(request); },
                      {.attempts = 1});
    const base::Logger log(told, base::LogLevel::kWarning, base::LogFormat::kText);
    CheckpointReader reader(
        api.client, world, log, metrics, [this] { ++alive; }, shares);
    auto read = reader.Read(
        "", [&](const StoredCheckpoint& stored) { given += stored.checkpoint.key.signature + " "; },
        {});
    ignored = reader.Ignored();
    return read;
  }

  [[nodiscard]] bool Counted(const std::string& result, int times) const {
    const auto line =
        fmt::format("sparkfit_checkpoint_restores_total{{result=\"{}\"}} {}\n", result, times);
    return metrics.Text().find(line) != std::string::npos;
  }

  World world;
  std::vector<json> items;
  std::size_t page = 100;
  CheckpointShares shares;
  std::function<std::optional<Answer>(const kube::Request&)> instead;  // of the usual answer
  std::string given;  // the signatures, and "|" for each page that was asked for
  std::vector<json> copies;
  std::size_t ignored = 0;
  int alive = 0;
  std::ostringstream told;
  exposition::OwnMetrics metrics;

 private:
  Answer Reply(const kube::Request& request) {
    if (instead) {
      if (auto answer = instead(request)) return *answer;
    }
    if (request.method == "POST") {
      copies.push_back(json::parse(request.body));
      return {201, "{}"};
    }
    given += "| ";
    const auto mark = request.target.find("continue=");
    const auto from =
        mark == std::string::npos ? std::size_t{0} : std::stoul(request.target.substr(mark + 9));
    json list{{"metadata", {{"resourceVersion", "9"}}}, {"items", json::array()}};
    for (auto i = from; i < std::min(from + page, items.size()); ++i) {
      list["items"].push_back(items[i]);
    }
    if (from + page < items.size()) list["metadata"]["continue"] = std::to_string(from + page);
    return {200, list.dump()};
  }
};

TEST_CASE("checkpoints are handed over as they come, before more of them are asked for",
          "[cluster]") {
  Cluster cluster;
  for (const auto* name : {"a", "b", "c"}) cluster.Add("jobs", name);
  cluster.page = 2;
  REQUIRE(cluster.Read());
  CHECK(cluster.given == "| a b | c ");
  CHECK(cluster.alive == 5);  // at each object and each page
  CHECK(cluster.Counted("ok", 3));
}

TEST_CASE("a checkpoint that is not of the recommendation that counts is not looked into",
          "[cluster]") {
  Cluster cluster;
  cluster.Add("jobs", "good");
  // Whatever is looked into is set aside, as it cannot be read.
  const auto damaged = GENERATE(Bomb(1), wire::CheckpointSpec{"json", "wrong", "damaged"});
  SECTION("another object had its name") {
    cluster.Recommend("jobs", "purged", "purged");
    cluster.Store("jobs", "purged", damaged, "uid-earlier");
  }
  SECTION("its recommendation is a duplicate") {
    cluster.Recommend("jobs", "later", "good", base::Time(std::chrono::hours(1)));
    cluster.Store("jobs", "later", damaged);
  }
  SECTION("its recommendation is of another namespace") {
    cluster.Recommend("other", "good", "good");
    cluster.Store("other", "good", damaged, "uid-of-jobs");
  }
  SECTION("it names its owner as another than the first") {
    cluster.Recommend("jobs", "second", "second");
    cluster.Store("jobs", "second", damaged, "uid-x");
    cluster.items.back()["metadata"]["ownerReferences"].push_back({{"uid", "uid-second"}});
  }
  REQUIRE(cluster.Read());
  CHECK(cluster.given == "| good ");
  CHECK(cluster.ignored == 1);
  CHECK(cluster.copies.empty());
  CHECK(cluster.told.str().empty());
}

TEST_CASE("one whose name is no recommendation's is passed over", "[cluster]") {
  Cluster cluster;
  cluster.Add("jobs", "good");
  cluster.Store("jobs", "good.aside-3", Bomb(1));
  REQUIRE(cluster.Read());
  CHECK(cluster.given == "| good ");
  CHECK(cluster.copies.empty());
}

TEST_CASE("a checkpoint of another key than its recommendation's is ignored", "[cluster]") {
  Cluster cluster;
  cluster.Recommend("jobs", "mine", "mine");
  const auto key = GENERATE(model::Key{"jobs", "theirs", 0}, model::Key{"other", "mine", 0});
  cluster.Store("jobs", "mine", SpecOf(key));
  REQUIRE(cluster.Read());
  CHECK(cluster.given == "| ");
  CHECK(cluster.ignored == 1);
}

TEST_CASE("the data of forged checkpoints is read up to a share, others' are read all the same",
          "[cluster]") {
  Cluster cluster;
  for (int i = 0; i < 6; ++i) {
    const auto name = fmt::format("e{}", i);
    cluster.Recommend("evil", name, name);
    cluster.Store("evil", name, Bomb(15));
  }
  cluster.Add("jobs", "good");
  cluster.shares.text_of_one = std::size_t{40} << 20;
  REQUIRE(cluster.Read());
  CHECK(cluster.given == "| good ");
  // 15 and 30 of 40 MiB leave room for what a checkpoint may be, 16; 45 would not.
  CHECK(cluster.Counted("set_aside", 2));
  CHECK(cluster.Counted("left_out", 4));
  const auto told = cluster.told.str();
  CHECK_THAT(told, Catch::Contains("name=\"e2\"") && !Catch::Contains("name=\"e3\""));
  CHECK_THAT(told, Catch::Contains("all=\"4\""));
}

TEST_CASE("of a namespace so many executors and pods are restored", "[cluster]") {
  Cluster cluster;
  for (const auto* name : {"a", "b", "c"}) cluster.Add("evil", name);
  cluster.Add("jobs", "good");
  cluster.shares.records_of_one = 5;
  REQUIRE(cluster.Read());
  CHECK(cluster.given == "| a b good ");
  CHECK(cluster.Counted("left_out", 1));
}

TEST_CASE(
    "whatever others' forged checkpoints take, what a namespace's own pods account for is restored",
    "[cluster]") {
  Cluster cluster;
  for (int i = 0; i < 20; ++i) cluster.Add(fmt::format("evil-{}", i % 10), fmt::format("e{}", i));
  for (const auto* name : {"a", "b"}) {
    cluster.Add("jobs", name);
    auto pod = ClusterStory::Executor(std::string("e1-") + name, "app-1", name);
    cluster.world.Take({base::Time{}, model::PodEvent{model::EventType::kAdded, pod}});
  }
  cluster.shares.records_of_one = 4;
  cluster.shares.records = 10;
  REQUIRE(cluster.Read());
  // Of two records each: of those for all, who takes two leaves as many.
  CHECK(cluster.given == "| e0 e1 e2 e3 a b ");
  CHECK(cluster.Counted("left_out", 16));
}

TEST_CASE("what cannot be read is set aside, up to a share", "[cluster]") {
  Cluster cluster;
  for (const auto* name : {"a", "b", "c"}) {
    cluster.Recommend("jobs", name, name);
    cluster.Store("jobs", name, {"json", "wrong", name});
  }
  cluster.shares.aside_of_one = 2;
  REQUIRE(cluster.Read());
  REQUIRE(cluster.copies.size() == 2);
  CHECK(cluster.copies[0]["metadata"]["name"] == "a.aside-1");
  CHECK(cluster.copies[1]["spec"]["data"] == "b");
  CHECK(cluster.Counted("set_aside", 2));
  CHECK(cluster.Counted("left_out", 1));
}

TEST_CASE("without an answer to a copy nothing may be written over", "[cluster]") {
  Cluster cluster;
  cluster.Recommend("jobs", "a", "a");
  cluster.Store("jobs", "a", {"json", "wrong", "a"});
  const int status = GENERATE(0, 403, 409);
  cluster.instead = [&](const kube::Request& request) -> std::optional<Answer> {
    if (request.method != "POST") return std::nullopt;
    return Answer{.status = status == 0 ? 200 : status, .cut = status == 0};
  };
  // One that is refused would be refused again.
  CHECK(cluster.Read().has_value() == (status != 0));
}

TEST_CASE("a list that breaks off is an error, and what came is each given once", "[cluster]") {
  Cluster cluster;
  for (const auto* name : {"a", "b"}) cluster.Add("jobs", name);
  cluster.page = 1;
  int asked = 0;
  cluster.instead = [&](const kube::Request&) -> std::optional<Answer> {
    if (++asked == 1) return std::nullopt;
    return Answer{.body = "{", .cut = true};
  };
  const auto read = cluster.Read();
  CHECK_FALSE(read);
  CHECK(cluster.given == "| a ");
}

TEST_CASE("a checkpoint that is larger than any of ours is left out", "[cluster]") {
  Cluster cluster;
  cluster.Recommend("jobs", "a", "a");
  cluster.Store("jobs", "a", wire::Sealed({"json", "", std::string(3 << 20, 'x')}));
  cluster.Add("jobs", "b");
  REQUIRE(cluster.Read());
  CHECK(cluster.given == "| b ");
  CHECK(cluster.Counted("left_out", 1));
}

}  // namespace
}  // namespace sparkfit::cluster
