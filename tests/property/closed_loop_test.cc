// SPDX-License-Identifier: Apache-2.0
//
// What holds for every made-up job.
#include "sparkfit/simulation/closed_loop.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>

namespace sparkfit::simulation {
namespace {

LoopOptions Options() {
  LoopOptions options;
  options.runs = kFewestRuns;
  return options;
}

TEST_CASE("an oversized job that never runs out of memory never grows above its submitted size") {
  CHECK(rc::check([] {
    const auto profile =
        DrawProfile(*rc::gen::inRange<std::uint64_t>(0, 1 << 20), *rc::gen::inRange(0, 1000));
    const auto policy = *rc::gen::element<std::string>("percentile", "adaptive", "max");
    const auto runs =
        PlayJob(profile, Scenario::kOversized, *recommend::ParsePolicy(policy), Options());
    for (const auto& run : runs) {
      RC_ASSERT(run.size <= runs[0].size || run.ooms > 0);
    }
  }));
}

TEST_CASE("the same job runs the same way every time") {
  CHECK(rc::check([] {
    const auto profile = DrawProfile(*rc::gen::inRange<std::uint64_t>(0, 1 << 20), 0);
    const auto scenario = *rc::gen::element(Scenario::kOversized, Scenario::kUnchanged,
                                            Scenario::kJump, Scenario::kUndersized);
    const auto policy = *recommend::ParsePolicy("adaptive");
    const auto once = PlayJob(profile, scenario, policy, Options());
    const auto again = PlayJob(profile, scenario, policy, Options());
    for (std::size_t i = 0; i < once.size(); ++i) {
      RC_ASSERT(once[i].size == again[i].size);
      RC_ASSERT(once[i].ooms == again[i].ooms);
    }
  }));
}

}  // namespace
}  // namespace sparkfit::simulation
