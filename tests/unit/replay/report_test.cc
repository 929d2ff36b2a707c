// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/replay/report.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "sparkfit/replay/text_table.h"

namespace sparkfit::replay {
namespace {

ReplayRow Unknown(const std::string& signature) {
  ReplayRow row;
  row.key = {"jobs", signature, 1};
  row.explanation = "none";
  return row;
}

TEST_CASE("what is unknown is null, never 0", "[replay][report]") {
  const auto json = nlohmann::json::parse(Render({Unknown("s")}, OutputFormat::kJson));
  REQUIRE(json.size() == 1);
  for (const auto* field : {"peakBytes", "requestBytes", "targetBytes", "lowerBytes", "upperBytes",
                            "heapBytes", "overheadBytes", "accuracy"}) {
    INFO(field);
    CHECK(json[0].at(field).is_null());
  }
  CHECK(json[0]["resourceProfile"] == 1);
  CHECK(json[0]["executors"] == 0);
}

TEST_CASE("accuracy is that of the runs judged, with the decimals of a status",
          "[replay][report]") {
  auto row = Unknown("s");
  row.accuracy.submitted = {3, 1};
  row.accuracy.sized = {2, 0};
  row.accuracy.unknown = 4;
  row.accuracy.unadvised = 1;
  row.accuracy.waste = 1.23456;
  const auto json = nlohmann::json::parse(Render({row}, OutputFormat::kJson))[0]["accuracy"];
  CHECK(json == nlohmann::json{{"runs", 6},
                               {"coveredRuns", 5},
                               {"sizedRuns", 2},
                               {"coveredSizedRuns", 2},
                               {"unknownRuns", 4},
                               {"unadvisedRuns", 1},
                               {"wasteGiBHours", 1.235},
                               {"missingGiBHours", 0.0},
                               {"regretGiBHours", 0.0}});
  CHECK_THAT(Render({row}, OutputFormat::kTable), Catch::Contains("5/6"));
}

TEST_CASE("an empty result is an empty array", "[replay][report]") {
  CHECK(Render(std::vector<ReplayRow>{}, OutputFormat::kJson) == "[]\n");
  CHECK(Render(std::vector<ReplayRow>{}, OutputFormat::kYaml) == "[]\n");
}

TEST_CASE("YAML strings stay strings", "[replay][report]") {
  const auto yaml = Render({Unknown("no")}, OutputFormat::kYaml);
  CHECK_THAT(yaml, Catch::Contains("signature: \"no\"") && Catch::Contains("targetBytes: ~"));
}

TEST_CASE("a terminal is safe from foreign text", "[replay][report]") {
  const auto table = Render({Unknown("a\x1b[2Jb\nc\x7f\xc2\x9b")}, OutputFormat::kTable);
  CHECK(table.find('\x1b') == std::string::npos);
  CHECK(table.find('\xc2') == std::string::npos);
  CHECK_THAT(table, Catch::Contains("a?[2Jb?c??"));
}

TEST_CASE("columns align by characters, not bytes", "[replay][table]") {
  TextTable table({{"NAME", Align::kLeft}, {"N"}});
  table.Add({"äöü", "1"});
  table.Add({"abcd", "22"});
  CHECK(table.Format() == "NAME   N\näöü    1\nabcd  22\n");
}

TEST_CASE("text is wrapped between words", "[replay][table]") {
  CHECK(Wrapped("one two three", "  ", 9) == "  one two\n  three\n");
  CHECK(Wrapped("averyveryverylongword x", "", 5) == "averyveryverylongword\nx\n");
  CHECK(Wrapped("", "  ", 9) == "  \n");
}

}  // namespace
}  // namespace sparkfit::replay
