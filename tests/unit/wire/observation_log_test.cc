// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/wire/observation_log.h"

#include <catch2/catch.hpp>

#include "sparkfit/wire/pod_json.h"

namespace sparkfit::wire {
namespace {

using base::GiB;
using base::MiB;

base::Result<LogLine> Parse(std::string line) {
  const auto size = line.size();
  line.resize(size + kLinePadding, ' ');
  LogLineParser parser;
  return parser.Parse(std::string_view(line).substr(0, size));
}

model::Observation Observed(const std::string& line) {
  auto parsed = Parse(line);
  if (!parsed) FAIL(parsed.error().message);
  return std::get<model::Observation>(*std::move(parsed));
}

std::string Usage(const std::string& memory) {
  return R"({"t":"2026-11-23T10:00:00.5Z","type":"usage","object":{"metadata":{"name":"exec-1",)"
         R"("namespace":"jobs"},"timestamp":"2026-11-23T10:00:00Z","window":"15s","containers":[)"
         R"({"name":"istio-proxy","usage":{"cpu":"1n","memory":"9Mi"}},)"
         R"({"name":"spark-kubernetes-executor","usage":{"cpu":"1n","memory":)" +
         memory + "}}]}}";
}

TEST_CASE("a usage line carries every container's working set", "[wire][log]") {
  const auto observation = Observed(Usage("\"543984Ki\""));
  CHECK(base::FormatTime(observation.t) == "2026-11-23T10:00:00.500Z");
  const auto& sample = std::get<model::UsageSample>(observation.what);
  CHECK(sample.name_space == "jobs");
  CHECK(sample.pod == "exec-1");
  CHECK(base::FormatTime(sample.timestamp) == "2026-11-23T10:00:00Z");
  REQUIRE(sample.containers.size() == 2);
  CHECK(sample.containers[1].container == "spark-kubernetes-executor");
  CHECK(sample.containers[1].working_set == base::Bytes{557039616});
}

TEST_CASE("an amount that cannot be makes the line unusable", "[wire][log]") {
  for (const auto* memory : {"\"NaN\"", "\"-1Mi\"", "\"2000Pi\"", "\"\"", "{}", "true", "-5"}) {
    INFO(memory);
    const auto parsed = Parse(Usage(memory));
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().code == base::Code::kMalformed);
  }
  CHECK(std::get<model::UsageSample>(Observed(Usage("1048576")).what).containers[1].working_set ==
        MiB(1));
}

TEST_CASE("a pod is written with all that tells how it ended", "[wire][log]") {
  model::PodEvent event;
  event.event = model::EventType::kModified;
  auto& pod = event.pod.Edit();
  pod.name_space = pod.name = pod.uid = "p";
  pod.role = model::PodRole::kExecutor;
  pod.phase = model::PodPhase::kFailed;
  pod.created = base::Time{std::chrono::hours(24 * 20000)};
  pod.container = "spark-kubernetes-executor";
  pod.deleted = pod.disrupted = true;
  pod.heap_oom_exits = {3, 130, 134, 137, 143};
  pod.ended = model::Termination{"containerd://1", "Error", 137, pod.created};
  const auto observation = Observed(WriteLine({pod.created, event}));
  CHECK(std::get<model::PodEvent>(observation.what).pod == pod);
}

TEST_CASE("an absent amount is no usage, not an error", "[wire][log]") {
  const auto observation = Observed(
      R"({"t":"2026-11-23T10:00:00Z","type":"usage","object":{"metadata":{"name":"e","namespace":"j"},)"
      R"("timestamp":"2026-11-23T10:00:00Z","containers":[{"name":"c","usage":{}}]}})");
  CHECK(std::get<model::UsageSample>(observation.what).containers[0].working_set == base::Bytes{});
}

TEST_CASE("members may stand in any order", "[wire][log]") {
  const auto observation = Observed(
      R"({"object":{"status":{"allocatable":{"memory":"64Gi"}},"metadata":{"name":"node-1"}},)"
      R"("event":"MODIFIED","unknown":{"a":[1,{"b":2}]},"type":"node","t":"2026-11-23T10:00:00Z"})");
  const auto& node = std::get<model::NodeEvent>(observation.what);
  CHECK(node.event == model::EventType::kModified);
  CHECK(node.name == "node-1");
  CHECK(node.allocatable == GiB(64));
}

TEST_CASE("a node is read with what keeps pods away", "[wire][log]") {
  const auto observation = Observed(
      R"({"t":"2026-11-23T10:00:00Z","type":"node","event":"ADDED","object":{"metadata":)"
      R"({"name":"n","labels":{"pool":"spark"}},"spec":{"unschedulable":true,"taints":[)"
      R"({"key":"spark","value":"yes","effect":"NoSchedule"},)"
      R"({"key":"soft","effect":"PreferNoSchedule"},{"key":"gone","effect":"NoExecute"}]},)"
      R"("status":{"allocatable":{"memory":"64Gi"}}}})");
  const auto& node = std::get<model::NodeEvent>(observation.what);
  CHECK(node.labels == model::Labels{{"pool", "spark"}});
  CHECK(node.taints == std::vector<model::Taint>{{"spark", "yes", model::TaintEffect::kNoSchedule},
                                                 {"gone", "", model::TaintEffect::kNoExecute}});
  CHECK(node.cordoned);
  CHECK_FALSE(node.last_seen.has_value());
  const auto again = std::get<model::NodeEvent>(Observed(WriteLine(observation)).what);
  CHECK(again.allocatable == GiB(64));
  CHECK(again.labels == node.labels);
  CHECK(again.taints == node.taints);
  CHECK(again.cordoned);
}

TEST_CASE("a user's recommendation object is read with policy and bounds", "[wire][log]") {
  const auto observation = Observed(
      R"({"t":"2026-11-23T10:00:00Z","type":"recommendation","event":"DELETED","object":{"metadata":)"
      R"({"name":"nightly-1","namespace":"jobs","creationTimestamp":"2026-11-01T00:00:00Z"},"spec":)"
      R"({"signature":"nightly","resourceProfile":2,"mode":"Initial","memory":{"min":"1Gi","max":"lots"},)"
      R"("policy":{"name":"percentile","margin":0.2,"halfLife":"12h"}}}})");
  const auto& event = std::get<model::RecommendationEvent>(observation.what);
  CHECK(event.event == model::EventType::kDeleted);
  CHECK(event.object.signature == "nightly");
  CHECK(event.object.profile == 2);
  CHECK(event.object.mode == model::Mode::kInitial);
  CHECK(event.object.min_memory == GiB(1));
  CHECK(event.object.max_memory == std::nullopt);
  CHECK(event.object.problems.size() == 1);
  CHECK(event.object.policy == "percentile:margin=0.2,halfLife=12h");
}

TEST_CASE("whether a job may try smaller sizes is written to a log and read back", "[wire][log]") {
  for (const auto explore : {std::optional<bool>{}, std::optional(false), std::optional(true)}) {
    model::RecommendationEvent event;
    event.object.name_space = "jobs";
    event.object.name = event.object.signature = "nightly";
    event.object.explore = explore;
    const auto again = std::get<model::RecommendationEvent>(Observed(WriteLine({{}, event})).what);
    CHECK(again.object.explore == explore);
  }
}

TEST_CASE("a header carries the recorder's options, and its version is checked", "[wire][log]") {
  const auto header =
      Parse(R"({"type":"header","version":1,"options":{"step":"0.5"},"recorded":"x"})");
  REQUIRE(header.has_value());
  CHECK(std::get<LogHeader>(*header).options.at("step") == "0.5");
  for (const auto* line : {R"({"type":"header","version":2})", R"({"type":"header"})"}) {
    const auto refused = Parse(line);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == base::Code::kInvalidArgument);
  }
}

TEST_CASE("a line of another type is unknown, not wrong", "[wire][log]") {
  const auto line = Parse(R"({"t":"2026-11-23T10:00:00Z","type":"weather","object":[1,2]})");
  REQUIRE(line.has_value());
  CHECK(std::get<UnknownLine>(*line).type == "weather");
}

TEST_CASE("lines that are none are refused without harm", "[wire][log]") {
  const std::string whole = Usage("\"1Mi\"");
  const std::string lines[] = {
      "",
      "{",
      "null",
      "[]",
      "{}",
      "\"text\"",
      whole.substr(0, whole.size() / 2),
      whole.substr(0, whole.size() - 1),
      whole + "x",
      whole + whole,
      std::string(100000, '['),
      std::string(100000, '{'),
      R"({"type":"usage","t":"2026-11-23T10:00:00Z","object":)" + std::string(50000, '['),
      "{\"type\":\"\xff\xfe\"}",
      R"({"type":"usage","t":"2026-11-23T10:00:00Z"})",
      R"({"type":"pod","event":"ADDED","t":"2026-11-23T10:00:00Z","object":{}})",
      R"({"type":"pod","t":"2026-11-23T10:00:00Z","object":{"metadata":{}}})",
      R"({"type":"node","event":"GONE","t":"2026-11-23T10:00:00Z","object":{}})",
      R"({"type":"node","event":"ADDED","t":"yesterday","object":{"metadata":{"name":"n"}}})",
      R"({"type":7})"};
  for (const auto& line : lines) {
    INFO(line.substr(0, 80));
    CHECK_FALSE(Parse(line).has_value());
  }
}

TEST_CASE("every byte cut off a real line leaves an error or the line's meaning", "[wire][log]") {
  const std::string whole = Usage("\"1Mi\"");
  for (std::size_t n = 0; n < whole.size(); ++n) CHECK_FALSE(Parse(whole.substr(0, n)).has_value());
}

}  // namespace
}  // namespace sparkfit::wire
