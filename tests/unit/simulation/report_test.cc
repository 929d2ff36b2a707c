// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/simulation/report.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

namespace sparkfit::simulation {
namespace {

LoopResult Result() {
  LoopResult result;
  result.policy = "max";
  result.options.profiles = 30;
  result.options.runs = kFewestRuns;
  result.jobs[0] = 30;
  result.groups[0] = {.runs = 300, .failed = 7, .harmed = 6, .harmed_unchanged = 5, .lost = 40};
  result.jumps[2] = {.runs = 10, .failed = 4, .failed_submitted = 3, .harmed = 1};
  result.harmed_unchanged = kMostNamed + 5;
  result.harmed_jobs = kMostNamed + 3;
  for (std::uint32_t i = 0; i < kMostNamed; ++i) {
    result.harmed.push_back({i, Outside::kPython, 2, 4, 6, Failure::kTask});
  }
  result.judged = 20;
  result.lost_down = 15;
  result.lost_after = 6;
  result.runs_after = 60;
  result.reached = 5;
  result.size = {1.25, 2};
  result.median_sizes.assign(kFewestRuns, 1.25);
  return result;
}

TEST_CASE("the tables have shares, and name the jobs that came to harm", "[simulation][report]") {
  const auto text = Render({Result()}, replay::OutputFormat::kTable);
  CHECK(text.find("0.75") != std::string::npos);    // 15 executors of 20 jobs
  CHECK(text.find("100.00") != std::string::npos);  // 6 in 60 runs
  CHECK(text.find("25.0 %") != std::string::npos);  // 5 of 20
  CHECK(text.find("jump to 3×") != std::string::npos);
  CHECK(
      text.find("max: job 0 (python, weekly): 4 harmed, first run 7: a task was lost four times") !=
      std::string::npos);
  CHECK(text.find("… and 3 jobs more") != std::string::npos);
}

TEST_CASE("JSON has every count", "[simulation][report]") {
  const auto all = nlohmann::json::parse(Render({Result()}, replay::OutputFormat::kJson));
  REQUIRE(all.size() == 1);
  const auto& result = all[0];
  CHECK(result["policy"] == "max");
  CHECK(result["needs"]["steady"]["harmed"] == 6);
  CHECK(result["needs"]["steady"]["harmed_unchanged"] == 5);
  CHECK(result["needs"]["steady"]["jobs"] == 30);
  CHECK(result["jumps"][2]["first"]["failed_submitted"] == 3);
  CHECK(result["harmed"].size() == kMostNamed);
  CHECK(result["judged"]["size"]["median"] == 1.25);
  CHECK(result["judged"]["median_sizes"].size() == kFewestRuns);
}

TEST_CASE("a job is shown with each of its runs", "[simulation][report]") {
  LoopOptions options;
  options.runs = kFewestRuns;
  const auto profile = DrawProfile(1, 3);
  const auto pairs = PlayJob(profile, *recommend::ParsePolicy("max"), options);
  const auto text = RenderJob(profile, pairs);
  CHECK(text.find("job 3 of seed 1") == 0);
  CHECK(text.find("smallest by trial") != std::string::npos);
  CHECK(std::count(text.begin(), text.end(), '\n') >
        static_cast<std::ptrdiff_t>(pairs.size() + profile.stages.size()));
}

}  // namespace
}  // namespace sparkfit::simulation
