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
                            std::vector<std::string>* targets = nullptr) {
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
  CHECK(told(Kind::kResourceQuotas, R"({"hard":{"pods":"1"}})").requests_left == std::nullopt);
  const auto unread = told(Kind::kResourceQuotas, "7");
  CHECK(unread.requests_left == base::Bytes{});
  CHECK(unread.limits_left == base::Bytes{});
}

}  // namespace
}  // namespace sparkfit::cluster
