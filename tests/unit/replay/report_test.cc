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
  row.accuracy.lacking = {1, 0};
  row.accuracy.part_waste = {0.5, 0.25};
  const auto json = nlohmann::json::parse(Render({row}, OutputFormat::kJson))[0]["accuracy"];
  CHECK(json == nlohmann::json{{"runs", 6},
                               {"coveredRuns", 5},
                               {"sizedRuns", 2},
                               {"coveredSizedRuns", 2},
                               {"unknownRuns", 4},
                               {"unadvisedRuns", 1},
                               {"wasteGiBHours", 1.235},
                               {"missingGiBHours", 0.0},
                               {"regretGiBHours", 0.0},
                               {"lackingHeapRuns", 1},
                               {"lackingOutsideRuns", 0},
                               {"wasteHeapGiBHours", 0.5},
                               {"wasteOutsideGiBHours", 0.25}});
}

TEST_CASE("an empty result is an empty array", "[replay][report]") {
  CHECK(Render(std::vector<ReplayRow>{}, OutputFormat::kJson) == "[]\n");
  CHECK(Render(std::vector<ReplayRow>{}, OutputFormat::kYaml) == "[]\n");
}

TEST_CASE("YAML strings stay strings", "[replay][report]") {
  const auto yaml = Render({Unknown("no")}, OutputFormat::kYaml);
  CHECK_THAT(yaml, Catch::Contains("signature: \"no\"") && Catch::Contains("targetBytes: ~"));
}

TEST_CASE("columns align by characters, not bytes", "[replay][table]") {
  TextTable table({{"NAME", Align::kLeft}, {"N"}});
  table.Add({"äöü", "1"});
  table.Add({"abcd", "22"});
  CHECK(table.Format() == "NAME   N\näöü    1\nabcd  22\n");
}

TEST_CASE("a table may have colours, and no header", "[replay][table]") {
  const auto tone = [](std::string_view cell) { return cell == "0" ? Tone::kPlain : Tone::kBad; };
  TextTable table({{"NAME", Align::kLeft}, {"OOMS", Align::kRight, tone}});
  table.Add({"a", "0"});
  table.Add({"bc", "12"});
  CHECK(table.Format() == "NAME  OOMS\na        0\nbc      12\n");
  // Without titles columns are as wide as their cells.
  CHECK(table.Format({.headers = false}) == "a    0\nbc  12\n");
  // The escape sequences take no room.
  CHECK(table.Format({.colours = true}) ==
        "\033[1mNAME\033[0m  \033[1mOOMS\033[0m\na        0\nbc      \033[31m12\033[0m\n");
}

TEST_CASE("ages are those of kubectl", "[replay][table]") {
  using namespace std::chrono_literals;
  const base::Time now(std::chrono::hours(24 * 20000));
  const auto age = [&](base::Duration ago) { return AgeCell(now - ago, now); };
  CHECK(AgeCell(std::nullopt, now) == "-");
  CHECK(age(-5s) == "0s");  // a clock that goes differently
  CHECK(age(119s) == "119s");
  CHECK(age(120s) == "2m");
  CHECK(age(125s) == "2m5s");
  CHECK(age(12min + 30s) == "12m");
  CHECK(age(179min) == "179m");
  CHECK(age(3h) == "3h");
  CHECK(age(3h + 20min) == "3h20m");
  CHECK(age(47h) == "47h");
  CHECK(age(48h) == "2d");
  CHECK(age(7 * 24h + 5h) == "7d5h");
  CHECK(age(8 * 24h + 5h) == "8d");
  CHECK(age(729 * 24h) == "729d");
  CHECK(age(731 * 24h) == "2y1d");
  CHECK(age(3000 * 24h) == "8y");
}

TEST_CASE("text is wrapped between words", "[replay][table]") {
  CHECK(Wrapped("one two three", "  ", 9) == "  one two\n  three\n");
  CHECK(Wrapped("averyveryverylongword x", "", 5) == "averyveryverylongword\nx\n");
  CHECK(Wrapped("", "  ", 9) == "  \n");
}

}  // namespace
}  // namespace sparkfit::replay
