// SPDX-License-Identifier: Apache-2.0
#include "cluster/sources.h"

#include <catch2/catch.hpp>
#include <sstream>

#include "fake_transport.h"

namespace sparkfit::cluster {
namespace {

using model::Observation;
using test::Answer;

constexpr const char* kNightly =
    R"({"metadata":{"name":"nightly-1","namespace":"jobs","uid":"o1"},"spec":{"signature":"nightly"}})";
// As the schema lets it through, were it not for the signature.
constexpr const char* kUnreadable =
    R"({"metadata":{"name":"nightly-1","namespace":"jobs","uid":"o1"},"spec":{"signature":7}})";

// What a source tells of an API server whose answers are given in order; what it asked for.
std::vector<Message> Follow(Kind kind, std::vector<std::string> bodies,
                            const std::string& name_space = "",
                            std::vector<std::string>* targets = nullptr,
                            std::string* told = nullptr) {
  std::size_t next = 0;
  std::stop_source stop;
  test::FakeApi api([&](const kube::Request& request) -> Answer {
    if (targets != nullptr) targets->push_back(request.target);
    if (next == bodies.size()) {
      stop.request_stop();
      return {};
    }
    return {200, bodies[next++]};
  });
  std::ostringstream out;
  const base::Logger log(out, base::LogLevel::kWarning, base::LogFormat::kText);
  exposition::OwnMetrics metrics;
  Inbox inbox;
  const Surroundings around{api.time, api.time, log, metrics, inbox};
  Source(kind, around, name_space).Run(api.client, stop.get_token());
  if (told != nullptr) *told = out.str() + metrics.Text();
  auto all = inbox.TakeAll({}, {});
  return {std::make_move_iterator(all.begin()), std::make_move_iterator(all.end())};
}

std::string List(const std::string& items) {
  return R"({"metadata":{"resourceVersion":"5"},"items":[)" + items + "]}";
}

const Listed& LastList(const std::vector<Message>& messages) {
  const Listed* last = nullptr;
  for (const auto& message : messages) {
    if (const auto* listed = std::get_if<Listed>(&message)) last = listed;
  }
  REQUIRE(last != nullptr);
  return *last;
}

TEST_CASE("what a source lists and watches is told in order", "[cluster]") {
  const auto messages =
      Follow(Kind::kRecommendations,
             {List(kNightly), std::string(R"({"type":"DELETED","object":)") + kNightly + "}\n"});
  REQUIRE(messages.size() == 3);
  CHECK(std::holds_alternative<Observation>(messages[0]));
  CHECK(std::get<Listed>(messages[1]).ids.contains("jobs/nightly-1"));
  const auto& event = std::get<model::RecommendationEvent>(std::get<Observation>(messages[2]).what);
  CHECK(event.event == model::EventType::kDeleted);
}

TEST_CASE("one namespace alone is asked for, and told of", "[cluster]") {
  std::vector<std::string> targets;
  const auto messages = Follow(Kind::kPods, {List("")}, "etl", &targets);
  CHECK(LastList(messages).name_space == "etl");
  REQUIRE(targets.size() == 2);  // the list and the watch
  for (const auto& target : targets) CHECK(target.starts_with("/api/v1/namespaces/etl/pods?"));
}

TEST_CASE("an object that cannot be read any more is not taken for deleted", "[cluster]") {
  const auto recommendations = Follow(Kind::kRecommendations, {List(kUnreadable)});
  CHECK(recommendations.size() == 1);
  CHECK(LastList(recommendations).ids.contains("jobs/nightly-1"));
  const auto pods = Follow(
      Kind::kPods, {List(R"({"metadata":{"name":"p","namespace":"jobs","uid":"u1"},"spec":7})")});
  CHECK(LastList(pods).ids.contains("u1"));
  const auto nodes =
      Follow(Kind::kNodes,
             {List(R"({"metadata":{"name":"n"},"status":{"allocatable":{"memory":"lots"}}})")});
  CHECK(LastList(nodes).ids.contains("n"));
}

TEST_CASE("LimitRanges and ResourceQuotas are told of, and those that cannot be read as unknown",
          "[cluster][constraints]") {
  const auto told = [](Kind kind, const std::string& spec) {
    auto messages =
        Follow(kind, {List(R"({"metadata":{"name":"a","namespace":"jobs"},"spec":)" + spec + "}")});
    REQUIRE(messages.size() == 2);
    CHECK(LastList(messages).ids.contains("jobs/a"));
    auto event = std::get<ConstraintEvent>(messages[0]);
    CHECK(event.kind == kind);
    CHECK(event.name_space == "jobs");
    CHECK(event.name == "a");
    return event.constraints;
  };
  CHECK(told(Kind::kLimitRanges, R"({"limits":[{"type":"Pod","max":{"memory":"1Gi"}}]})").pod.max ==
        base::GiB(1));
  CHECK_FALSE(
      told(Kind::kLimitRanges, R"({"limits":[{"type":"Pod","max":{"memory":"lots"}}]})").known);
  // So are those that are too large, and are passed over as they stream by.
  const auto giant = R"({"a":")" + std::string(kube::kLargestObject, 'x') + "\"}";
  CHECK_FALSE(told(Kind::kLimitRanges, giant).known);
  CHECK(told(Kind::kResourceQuotas, giant).requests_left == base::Bytes{});
  CHECK(told(Kind::kResourceQuotas, R"({"hard":{"pods":"1"}})").requests_left == std::nullopt);
  const auto unread = told(Kind::kResourceQuotas, "7");
  CHECK(unread.requests_left == base::Bytes{});
  CHECK(unread.limits_left == base::Bytes{});
}

TEST_CASE("a spec that is nested very deep is odd in that part alone, listed or watched",
          "[cluster]") {
  std::string deep = "1";
  for (int i = 0; i < 70; ++i) deep = R"({"a":)" + deep + "}";
  const std::string object =
      R"({"metadata":{"name":"n","namespace":"jobs","uid":"o1"},"spec":{"policy":{"name":)" + deep +
      R"(},"signature":"nightly"}})";
  const auto messages =
      Follow(Kind::kRecommendations,
             {List(object + "," + kNightly), R"({"type":"MODIFIED","object":)" + object + "}\n"});
  REQUIRE(messages.size() == 4);
  for (const auto i : {0, 3}) {
    const auto& read =
        std::get<model::RecommendationEvent>(std::get<Observation>(messages.at(i)).what).object;
    CHECK(read.signature == "nightly");
    // As InvalidSpec says it.
    CHECK(read.problems ==
          std::vector<std::string>{"spec.policy is not of the form it should have"});
  }
  CHECK(LastList(messages).ids.size() == 2);
}

const std::string kPod = R"({"metadata":{"name":"p","namespace":"jobs","uid":"u1"})";
// Larger than may be kept; odd; no JSON at all, that simdjson would look at.
const std::string kOddPods[] = {
    kPod + R"(,"spec":{"a":")" + std::string(3 << 20, 'x') + "\"}}", kPod + R"(,"spec":7})",
    kPod + ",\"spec\":\"\xff\x01\"}",
    kPod + R"(,"status":{"containerStatuses":[{"state":{"terminated":{"finishedAt":nuWl}}}]}})",
    R"({"metadata":{"name":"p","namespace":"jobs","uid":"u1","creationTimestamp":nuWl}})"};

TEST_CASE("a pod that cannot be read is counted and named, and there until it is deleted",
          "[cluster]") {
  for (const auto& odd : kOddPods) {
    std::string told;
    const auto messages = Follow(Kind::kPods,
                                 {List(odd), R"({"type":"MODIFIED","object":)" + odd + "}\n" +
                                                 R"({"type":"DELETED","object":)" + odd + "}\n"},
                                 "", nullptr, &told);
    INFO(odd.substr(0, 200));
    REQUIRE(messages.size() == 2);
    CHECK(std::get<Listed>(messages[0]).ids == std::unordered_set<std::string>{"u1"});
    CHECK_FALSE(std::get<Listed>(messages[0]).are_gone);
    const auto& gone = std::get<Listed>(messages[1]);
    CHECK(gone.IsGone("jobs", "u1"));
    CHECK_FALSE(gone.IsGone("jobs", "u2"));
    CHECK_THAT(told, Catch::Contains(R"(namespace="jobs" name="p")"));
    CHECK_THAT(told, Catch::Contains(R"(sparkfit_objects_unreadable_total{resource="pods"} 3)"));
  }
}

TEST_CASE("of one namespace ten unreadable objects are named, all are counted", "[cluster]") {
  std::string items;
  for (int i = 0; i < 100; ++i) {
    items += R"({"metadata":{"name":"p","namespace":"noisy","uid":"u"},"spec":7},)";
  }
  std::string told;
  Follow(Kind::kPods, {List(items + kOddPods[1])}, "", nullptr, &told);
  std::size_t lines = 0;
  for (auto at = told.find("namespace=\"noisy\""); at != std::string::npos;
       at = told.find("namespace=\"noisy\"", at + 1)) {
    ++lines;
  }
  CHECK(lines == 10);
  CHECK_THAT(told, Catch::Contains("namespace=\"jobs\""));
  CHECK_THAT(told, Catch::Contains(R"({resource="pods"} 101)"));
}

TEST_CASE("one odd or giant metric costs its own pod alone", "[cluster]") {
  const std::string good =
      R"({"metadata":{"name":"b","namespace":"jobs"},"timestamp":"2026-11-23T10:00:00Z",)"
      R"("containers":[{"name":"c","usage":{"memory":"5Mi"}}]})";
  const auto giant =
      good.substr(0, good.size() - 1) + R"(,"x":")" + std::string(3 << 20, 'x') + "\"}";
  const auto body = List(giant + R"(,{"metadata":nuWl},)" + good);
  std::stop_source stop;
  test::FakeApi api([&](const kube::Request&) -> Answer { return {200, body}; });
  std::ostringstream out;
  const base::Logger log(out, base::LogLevel::kWarning, base::LogFormat::kText);
  exposition::OwnMetrics metrics;
  Inbox inbox;
  const Surroundings around{api.time, api.time, log, metrics, inbox};
  api.time.on_wait = [&] { stop.request_stop(); };
  PollUsage(
      api.client, {""}, std::chrono::seconds(1), [] { return true; }, around, stop.get_token());
  const auto messages = inbox.TakeAll({}, {});
  REQUIRE(messages.size() == 1);
  CHECK(std::get<Usage>(messages[0]).samples.size() == 1);
  CHECK_THAT(metrics.Text(), Catch::Contains(R"({resource="podmetrics"} 2)"));
}

}  // namespace
}  // namespace sparkfit::cluster
