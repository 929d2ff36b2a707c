// SPDX-License-Identifier: Apache-2.0
//
// Any runs, drawn at random: what `adaptive` promises of its estimate.
#include "sparkfit/recommend/adaptive.h"

#include <rapidcheck.h>

#include <algorithm>
#include <catch2/catch.hpp>

namespace sparkfit::recommend {
namespace {

using base::MiB;
using model::FamilyRuns;
using model::Run;
using model::RunRing;

constexpr std::uint32_t kShape = 0;

RunRing AnyRuns(int least) {
  RunRing ring;
  const int runs = *rc::gen::inRange(least, 80);
  const auto typical = *rc::gen::inRange<std::int64_t>(1, 200'000);
  for (int run = 0; run < runs; ++run) {
    const auto percent = *rc::gen::element<std::int64_t>(100, 100, 101, 105, 130, 300);
    ring.Add(static_cast<std::uint32_t>(run), kShape,
             base::Bytes{MiB(typical).value / 100 * percent},
             std::chrono::seconds(*rc::gen::inRange(0, 100'000)));
  }
  return ring;
}

// A key and the family that it may have.
struct Case {
  RunRing runs;
  FamilyRuns family;
  bool has_family;

  explicit Case(int least) : runs(AnyRuns(least)), has_family(*rc::gen::arbitrary<bool>()) {
    if (!runs.Runs().empty()) family.Join(runs.Runs(), kShape);
    const int others = *rc::gen::inRange(0, 4);
    for (int i = 0; i < others; ++i) family.Join(AnyRuns(1).Runs(), kShape);
  }

  [[nodiscard]] std::optional<AdaptiveEstimate> Ask(double risk) const {
    return EstimateAdaptive(runs.Runs(), has_family ? &family : nullptr, risk);
  }
};

TEST_CASE("at most two runs are larger than the target, and none of the latest four",
          "[property][adaptive]") {
  REQUIRE(rc::check([] {
    const Case drawn(1);
    const auto risk = *rc::gen::element(0.0, 0.5, 1.0, 100.0);
    const auto estimate = drawn.Ask(risk);
    RC_ASSERT(estimate.has_value());
    const auto& runs = drawn.runs.Runs();
    const auto larger = [&](const Run& run) { return run.peak > estimate->target; };
    RC_ASSERT(std::count_if(runs.begin(), runs.end(), larger) <= 2);
    RC_ASSERT(std::none_of(runs.end() - std::min<std::ptrdiff_t>(4, std::ssize(runs)), runs.end(),
                           larger));
    RC_ASSERT(estimate->target <= estimate->upper);
    RC_ASSERT(estimate->chance > 0 && estimate->chance <= 1);
    // The largest headroom there is: e^1.28, and a byte for rounding.
    RC_ASSERT(static_cast<double>(estimate->target.value) <=
              3.597 * static_cast<double>(estimate->largest.value) + 1);
  }));
}

TEST_CASE("the dial moves one way", "[property][adaptive]") {
  REQUIRE(rc::check([] {
    const Case drawn(0);
    std::optional<AdaptiveEstimate> before;
    for (const double risk : {0.0, 0.1, 0.5, 1.0, 2.0, 8.0, 1000.0}) {
      const auto now = drawn.Ask(risk);
      RC_ASSERT(now.has_value() == drawn.Ask(0).has_value());
      if (before) RC_ASSERT(now->target >= before->target);
      if (before) RC_ASSERT(now->chance <= before->chance);
      before = now;
    }
  }));
}

}  // namespace
}  // namespace sparkfit::recommend
