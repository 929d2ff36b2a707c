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
  result.reached = 6;
  result.too_large = 20;
  result.too_slow = 4;
  result.median_ratios.assign(kFewestRuns, 1.25);
  for (std::uint32_t i = 0; i < kMostFailing; ++i) result.failing.push_back({i, 1.5, false, 0.2});
  result.jump_recovered = 15;
  return result;
}

TEST_CASE("the table has shares, and says which jobs fail", "[simulation][report]") {
  const auto text = Render({Result()}, replay::OutputFormat::kTable);
  CHECK(text.find("20.0 %") != std::string::npos);  // 6 of 30
  CHECK(text.find("50.0 %") != std::string::npos);  // 15 of 30
  CHECK(text.find("max: not reached by 24 of 30: 0 (1.50×, 20 % slower)") != std::string::npos);
  CHECK(text.find(" …\n") != std::string::npos);  // 24 are not 20
}

TEST_CASE("JSON has every count", "[simulation][report]") {
  const auto all = nlohmann::json::parse(Render({Result()}, replay::OutputFormat::kJson));
  REQUIRE(all.size() == 1);
  CHECK(all[0]["policy"] == "max");
  CHECK(all[0]["oversized"]["too_slow"] == 4);
  CHECK(all[0]["oversized"]["median_ratios"].size() == kFewestRuns);
  CHECK(all[0]["oversized"]["failing"].size() == kMostFailing);
  CHECK(all[0]["jump"]["recovered"] == 15);
}

}  // namespace
}  // namespace sparkfit::simulation
