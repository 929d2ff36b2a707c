// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/replay/observation_reader.h"

#include <catch2/catch.hpp>

#include "sources.h"
#include "sparkfit/replay/replay.h"
#include "sparkfit/replay/report.h"

namespace sparkfit::replay {
namespace {

std::string Node(const std::string& t, const std::string& name) {
  return R"({"t":")" + t + R"(","type":"node","event":"ADDED","object":{"metadata":{"name":")" +
         name + R"("}}})" + "\n";
}

std::string At(int second) { return "2026-11-23T10:00:0" + std::to_string(second) + "Z"; }

std::vector<std::string> NamesIn(ObservationReader& reader) {
  std::vector<std::string> names;
  for (;;) {
    auto next = reader.Next();
    REQUIRE(next.has_value());
    if (!*next) return names;
    names.push_back(std::get<model::NodeEvent>((*next)->what).name);
  }
}

void Add(ObservationReader& reader, const std::string& name, const std::string& text) {
  REQUIRE(reader.Add(name, std::make_unique<test::Drops>(text, 1 << 20)).has_value());
}

TEST_CASE("logs are merged by time, ties in the order of the files", "[replay][reader]") {
  ObservationReader reader;
  Add(reader, "a", Node(At(1), "a1") + Node(At(3), "a3") + Node(At(5), "a5"));
  Add(reader, "b", Node(At(1), "b1") + Node(At(2), "b2") + Node(At(5), "b5"));
  CHECK(NamesIn(reader) == std::vector<std::string>{"a1", "b1", "b2", "a3", "a5", "b5"});
  CHECK(reader.Counts().observations == 6);
}

TEST_CASE("what cannot be read is named by file and line, the rest is kept", "[replay][reader]") {
  ObservationReader reader;
  Add(reader, "a.ndjson",
      "{\"type\":\"header\",\"version\":1}\n" + Node(At(1), "a1") + "{broken\n\n" +
          "{\"type\":\"weather\"}\n" + Node(At(2), "a2").substr(0, 60) + "\n" + Node(At(3), "a3"));
  CHECK(NamesIn(reader) == std::vector<std::string>{"a1", "a3"});
  CHECK(reader.GetProblems().Count() == 2);
  REQUIRE(reader.GetProblems().Shown().size() == 2);
  CHECK_THAT(reader.GetProblems().Shown()[0], Catch::StartsWith("a.ndjson:3: "));
  CHECK_THAT(reader.GetProblems().Shown()[1], Catch::StartsWith("a.ndjson:6: "));
  CHECK(reader.Counts().unknown.at("weather") == 1);
}

TEST_CASE("of many problems the first ten are shown and all are counted", "[replay][reader]") {
  ObservationReader reader;
  std::string text = "{\"type\":\"header\",\"version\":1}\n";
  for (int i = 0; i < 1000; ++i) text += "nonsense\n";
  Add(reader, "a", text);
  CHECK(reader.GetProblems().Count() == 1000);
  CHECK(reader.GetProblems().Shown().size() == Problems::kShown);
}

TEST_CASE("a file without a line of a log is one problem, however long it is", "[replay][reader]") {
  ObservationReader reader;
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "nonsense\n";
  Add(reader, "a", text);
  CHECK(reader.GetProblems().Count() == 1);
  CHECK_THAT(reader.GetProblems().Shown()[0],
             Catch::StartsWith("a: is no observation log (line 1: "));
}

TEST_CASE("an empty log is a problem, another version an error", "[replay][reader]") {
  ObservationReader reader;
  Add(reader, "empty", "");
  CHECK(reader.GetProblems().Count() == 1);
  const auto added = reader.Add(
      "new", std::make_unique<test::Drops>("{\"type\":\"header\",\"version\":7}\n", 100));
  REQUIRE_FALSE(added.has_value());
  CHECK(added.error().code == base::Code::kInvalidArgument);
  CHECK_THAT(added.error().message, Catch::StartsWith("new:1: "));
}

TEST_CASE("a checkpoint of a later sparkfit in a log is a problem, the rest is kept",
          "[replay][reader]") {
  ObservationReader reader;
  Add(reader, "a",
      Node(At(1), "a1") + R"({"t":")" + At(2) +
          R"(","type":"checkpoint","object":{"spec":{"version":99}}})" + "\n" + Node(At(3), "a3"));
  CHECK(NamesIn(reader) == std::vector<std::string>{"a1", "a3"});
  CHECK_THAT(reader.GetProblems().Shown().at(0), Catch::Contains("version 99"));
}

TEST_CASE("the first header with options counts", "[replay][reader]") {
  ObservationReader reader;
  Add(reader, "a", "{\"type\":\"header\",\"version\":1}\n" + Node(At(1), "n"));
  Add(reader, "b",
      "{\"type\":\"header\",\"version\":1,\"options\":{\"step\":\"0.5\"}}\n" + Node(At(1), "n"));
  CHECK(reader.HeaderOptions().at("step") == "0.5");
}

std::string ExampleLog() {
  auto source = OpenFile(SPARKFIT_SOURCE_DIR "/examples/spark-runs.ndjson.gz");
  REQUIRE(source.has_value());
  LineReader lines(MaybeGunzip(*std::move(source)));
  std::string text;
  for (;;) {
    const auto line = lines.Next();
    REQUIRE(line.has_value());
    if (!*line) return text;
    text += std::string((*line)->text) + '\n';
  }
}

std::string ReplayOf(const std::vector<std::string>& logs) {
  ObservationReader reader;
  for (const auto& log : logs) Add(reader, "log", log);
  controller::Pipeline pipeline({});
  const auto rows = Replay(reader, pipeline, std::nullopt, [](std::uint64_t) {});
  REQUIRE(rows.has_value());
  return Render(*rows, OutputFormat::kJson);
}

TEST_CASE("a log gives the same result however it is split into files", "[replay][reader]") {
  const auto log = ExampleLog();
  const auto whole = ReplayOf({log});
  CHECK(ReplayOf({test::Gzip(log)}) == whole);
  int cuts = 0;
  for (std::size_t cut = log.find('\n'); cut + 1 < log.size(); cut = log.find('\n', cut + 1)) {
    if (++cuts % 53 != 0) continue;
    INFO("cut behind line " << cuts);
    REQUIRE(ReplayOf({log.substr(0, cut + 1), log.substr(cut + 1)}) == whole);
  }
  CHECK(cuts > 1000);
}

TEST_CASE("the same log twice counts once", "[replay][reader]") {
  const auto log = ExampleLog();
  CHECK(ReplayOf({log, log}) == ReplayOf({log}));
}

}  // namespace
}  // namespace sparkfit::replay
