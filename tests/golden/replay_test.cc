// SPDX-License-Identifier: Apache-2.0
//
// What the binary prints for the recorded logs, word for word. UPDATE_GOLDEN=1 rewrites the files;
// the diff is then what a user will see changed.
#include <array>
#include <catch2/catch.hpp>
#include <cstdio>
#include <filesystem>
#include <string>

#include "golden.h"
#include "temp_file.h"

namespace {

std::string Shell(const std::string& command) {
  FILE* pipe = ::popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string output;
  std::array<char, 4096> chunk{};
  while (const auto n = std::fread(chunk.data(), 1, chunk.size(), pipe))
    output.append(chunk.data(), n);
  CHECK(::pclose(pipe) == 0);
  return output;
}

std::string Output(const std::string& arguments) {
  return Shell(std::string(SPARKFIT_BINARY) + " " + arguments + " 2>&1");
}

void CheckGolden(const std::string& arguments, const std::string& name) {
  INFO("sparkfit " << arguments);
  sparkfit::test::CheckGolden(Output(arguments), name);
}

const std::string kExamples = SPARKFIT_SOURCE_DIR "/examples/";

TEST_CASE("the recorded logs give the same tables as ever") {
  CheckGolden("replay " + kExamples + "spark-runs.ndjson.gz", "spark-runs.txt");
  CheckGolden("replay " + kExamples + "spark-runs-coarse.ndjson.gz", "spark-runs-coarse.txt");
  CheckGolden("replay " + kExamples + "trials.ndjson.gz", "trials.txt");
}

TEST_CASE("the recorded logs give the same JSON and YAML as ever") {
  CheckGolden("replay -o json " + kExamples + "spark-runs.ndjson.gz", "spark-runs.json");
  CheckGolden("replay -o yaml " + kExamples + "spark-runs.ndjson.gz", "spark-runs.yaml");
}

TEST_CASE("what was known in the middle of an OOM is the same as ever") {
  CheckGolden("replay --at 2026-11-23T10:12:30Z --signature ml-scoring " + kExamples +
                  "spark-runs.ndjson.gz",
              "spark-runs-at.txt");
}

// In a folder of its own, so that the output always has the same name.
TEST_CASE("an event log of a real run is imported and replayed as ever") {
  const sparkfit::test::TempFile unique("");
  const auto folder = unique.Path() + ".d";
  const std::string binary = SPARKFIT_BINARY;
  const auto import = [&](const std::string& rules) {
    std::filesystem::create_directory(folder);
    const auto output =
        Shell("cd " + folder + " && { " + binary +
              " import eventlog " SPARKFIT_SOURCE_DIR "/tests/golden/eventlog/eventlog_v2_* " +
              rules + " --output log.ndjson && " + binary + " replay log.ndjson; } 2>&1");
    std::filesystem::remove_all(folder);
    return output;
  };
  sparkfit::test::CheckGolden(import("--derived-signatures '{app}'"), "eventlog.txt");
  sparkfit::test::CheckGolden(import(""), "eventlog-unsigned.txt");
}

TEST_CASE("the synthetic table gives the same costs as ever") {
  CheckGolden("backtest " SPARKFIT_SOURCE_DIR "/tests/oracle/synthetic.tsv.gz", "synthetic.txt");
}

TEST_CASE("the made-up jobs run the same way as ever") {
  CheckGolden(
      "backtest --closed-loop --profiles 20 --runs 30 --policy percentile --policy adaptive",
      "closed-loop.txt");
}

TEST_CASE("the default configuration is the same as ever") {
  CheckGolden("print-config", "config.yaml");
}

}  // namespace
