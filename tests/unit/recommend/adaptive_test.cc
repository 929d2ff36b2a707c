// SPDX-License-Identifier: Apache-2.0
//
// The formulas of docs/algorithm.md, worked out by hand where that is possible.
#include "sparkfit/recommend/adaptive.h"

#include <catch2/catch.hpp>
#include <cmath>

namespace sparkfit::recommend {
namespace {

using base::Bytes;
using base::GiB;
using base::MiB;
using model::FamilyRuns;
using model::RunRing;
using std::chrono::hours;
using std::chrono::minutes;

constexpr std::uint32_t kShape = 0;

RunRing Runs(std::initializer_list<Bytes> peaks, base::Duration lifetime = hours(1)) {
  RunRing ring;
  std::uint32_t run = 0;
  for (const auto peak : peaks) ring.Add(++run, kShape, peak, lifetime);
  return ring;
}

FamilyRuns Family(std::initializer_list<const RunRing*> members) {
  FamilyRuns family;
  for (const auto* member : members) family.Join(member->Runs(), kShape);
  return family;
}

TEST_CASE("without a run there is no estimate, never a zero", "[recommend][adaptive]") {
  CHECK_FALSE(EstimateAdaptive({}, nullptr, 1).has_value());
  const FamilyRuns empty;
  CHECK_FALSE(EstimateAdaptive({}, &empty, 1).has_value());
}

TEST_CASE("one run: the headroom where a step more costs what it saves", "[recommend][adaptive]") {
  // 10^10 bytes for 1 h. An OOM costs (2 + 3) × 10 GBh + 1/60; a headroom of e (ln) leaves a chance
  // of (1 + e / 0.08)^−2 / 2. Cost in GBh at the candidates around the minimum:
  //   e = 0.16    11.7351 + 0.05556 × 50.0167 = 14.514
  //   e = 0.22627 12.5392 + 0.03411 × 50.0167 = 14.245
  //   e = 0.32    13.7713 + 0.02000 × 50.0167 = 14.772
  const auto estimate = EstimateAdaptive(Runs({{10'000'000'000}}).Runs(), nullptr, 1);
  REQUIRE(estimate.has_value());
  CHECK(static_cast<double>(estimate->target.value) ==
        Approx(1e10 * std::exp(0.0025 * std::exp2(6.5))));
  CHECK(estimate->chance == Approx(0.034114).epsilon(1e-4));
  CHECK(estimate->largest == Bytes{10'000'000'000});
  CHECK(estimate->hours == Approx(1));
  CHECK(estimate->runs == 1);
  CHECK(estimate->family_runs == 0);
}

TEST_CASE("runs that agree need less headroom than runs that do not", "[recommend][adaptive]") {
  const auto steady = Runs({MiB(8000), MiB(7990), MiB(7995), MiB(7992), MiB(7999), MiB(7991)});
  const auto varied = Runs({MiB(8000), MiB(6000), MiB(5000), MiB(7000), MiB(4000), MiB(3000)});
  const auto a = EstimateAdaptive(steady.Runs(), nullptr, 1);
  const auto b = EstimateAdaptive(varied.Runs(), nullptr, 1);
  CHECK(a->target < b->target);
  CHECK(a->largest == b->largest);
}

TEST_CASE("a freak is set aside once four later runs stayed below it", "[recommend][adaptive]") {
  RunRing ring;
  std::uint32_t run = 0;
  for (; run < 40; ++run) ring.Add(run, kShape, GiB(2), hours(1));
  ring.Add(++run, kShape, GiB(20), hours(1));
  for (int later = 0; later < 3; ++later) {
    ring.Add(++run, kShape, GiB(2), hours(1));
    CHECK(EstimateAdaptive(ring.Runs(), nullptr, 1)->target >= GiB(20));
  }
  ring.Add(++run, kShape, GiB(2), hours(1));
  const auto estimate = EstimateAdaptive(ring.Runs(), nullptr, 1);
  CHECK(estimate->target < GiB(3));
  CHECK(estimate->largest == GiB(20));
  CHECK(estimate->freaks == 1);
  CHECK(estimate->chance > 1.0 / 46);  // it may come again: 1 in 45 runs and the next
}

TEST_CASE("a need that grows is met with more headroom than one that varies",
          "[recommend][adaptive]") {
  // The same peaks, 1 % apart, in order and not.
  RunRing growing;
  RunRing varying;
  for (std::uint32_t run = 0; run < 40; ++run) {
    const auto peak = [](std::uint32_t n) { return MiB(static_cast<std::int64_t>(4000 + 40 * n)); };
    growing.Add(run, kShape, peak(run), hours(1));
    varying.Add(run, kShape, peak(39 - run), hours(1));
  }
  CHECK(EstimateAdaptive(growing.Runs(), nullptr, 1)->target >
        EstimateAdaptive(varying.Runs(), nullptr, 1)->target);
}

TEST_CASE("the longer executors live, the tighter they are sized", "[recommend][adaptive]") {
  // A minute of 1 GiB is cheap against the GB·minute that an OOM costs; a hundred hours are not.
  const auto cheap = Runs({GiB(1), MiB(900), MiB(950)}, std::chrono::seconds(10));
  const auto dear = Runs({GiB(1), MiB(900), MiB(950)}, hours(100));
  CHECK(EstimateAdaptive(cheap.Runs(), nullptr, 1)->target >
        EstimateAdaptive(dear.Runs(), nullptr, 1)->target);
}

TEST_CASE("a key with few runs leans on its family, one with many does not",
          "[recommend][adaptive]") {
  const auto others = Runs({GiB(4), GiB(4), GiB(4), GiB(4), GiB(4), GiB(4)});
  const auto few = Runs({GiB(3)});
  const auto family = Family({&few, &others});
  const auto alone = EstimateAdaptive(few.Runs(), nullptr, 1);
  const auto with = EstimateAdaptive(few.Runs(), &family, 1);
  CHECK(with->family_runs == 7);
  CHECK(with->target > alone->target);
  CHECK(with->target >= GiB(4));

  RunRing many;
  for (std::uint32_t run = 0; run < RunRing::kRuns; ++run) many.Add(run, kShape, GiB(3), hours(1));
  const auto family_of_many = Family({&many, &others});
  CHECK(EstimateAdaptive(many.Runs(), &family_of_many, 1)->target < MiB(3200));
}

TEST_CASE("a family without another member is no family", "[recommend][adaptive]") {
  const auto runs = Runs({GiB(3), GiB(2)});
  const auto family = Family({&runs});
  const auto estimate = EstimateAdaptive(runs.Runs(), &family, 1);
  CHECK(estimate->family_runs == 0);
  CHECK(estimate->target == EstimateAdaptive(runs.Runs(), nullptr, 1)->target);
}

TEST_CASE("a key without a run gets what its family needed", "[recommend][adaptive]") {
  const auto a = Runs({GiB(4), GiB(4), GiB(4)});
  const auto b = Runs({GiB(4), GiB(4)});
  const auto family = Family({&a, &b});
  const auto estimate = EstimateAdaptive({}, &family, 1);
  REQUIRE(estimate.has_value());
  CHECK(estimate->runs == 0);
  CHECK(estimate->family_runs == 5);
  CHECK(estimate->target >= GiB(4));
  CHECK(estimate->target < GiB(8));
}

TEST_CASE("executors that lived no time get the most headroom, and no division fails",
          "[recommend][adaptive]") {
  const auto estimate = EstimateAdaptive(Runs({GiB(1)}, hours(0)).Runs(), nullptr, 1);
  CHECK(estimate->target > GiB(3));
  CHECK(estimate->target < GiB(4));  // 3.6 times
}

TEST_CASE("the upper bound is the dial at four times the risk", "[recommend][adaptive]") {
  const auto runs = Runs({MiB(900), MiB(1100), MiB(700)}, minutes(5));
  CHECK(EstimateAdaptive(runs.Runs(), nullptr, 1)->upper ==
        EstimateAdaptive(runs.Runs(), nullptr, 4)->target);
}

}  // namespace
}  // namespace sparkfit::recommend
