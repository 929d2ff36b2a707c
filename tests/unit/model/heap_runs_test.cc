// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/model/heap_runs.h"

#include <catch2/catch.hpp>
#include <cmath>

namespace sparkfit::model {
namespace {

using base::MiB;

HeapUse Use(std::int64_t heap_mib, double collecting) {
  return {.heap = MiB(heap_mib),
          .heap_peak = MiB(heap_mib / 2),
          .unified_peak = MiB(100),
          .storage_peak = MiB(50),
          .unified_room = MiB(400),
          .outside = MiB(200),
          .collecting = collecting};
}

TEST_CASE("of executors with the same heap the highest of each figure counts",
          "[model][heap-runs]") {
  HeapRunRing ring;
  ring.Add(1, 1, Use(1000, 0.02));
  auto other = Use(1000, 0.01);
  other.outside = MiB(300);
  ring.Add(1, 1, other);
  REQUIRE(ring.Runs().size() == 1);
  // To half a step of its root: 2 × √0.02 / 32,768 = 8.6e-6.
  CHECK(ring.Runs()[0].use.collecting == Approx(0.02).margin(8.7e-6).epsilon(0));
  CHECK(ring.Runs()[0].use.outside == MiB(300));
}

TEST_CASE("what a run grew out of does not count, in whatever order executors end",
          "[model][heap-runs]") {
  HeapRunRing ring;
  const bool larger_first = GENERATE(false, true);
  ring.Add(1, 1, larger_first ? Use(2000, 0.0625) : Use(1000, 0.5));
  ring.Add(1, 1, larger_first ? Use(1000, 0.5) : Use(2000, 0.0625));
  REQUIRE(ring.Runs().size() == 1);
  // √0.0625 = 1/4 is kept exactly.
  CHECK(ring.Runs()[0].use == Use(2000, 0.0625));
}

TEST_CASE("the oldest run gives way", "[model][heap-runs]") {
  HeapRunRing ring;
  CHECK(ring.Size() == 0);
  for (std::uint32_t run = 1; run <= 10; ++run) ring.Add(run, 1, Use(1000, 0.02));
  const auto runs = ring.Runs();
  REQUIRE(runs.size() == HeapRunRing::kRuns);
  CHECK(runs.front().application == 3);
  CHECK(runs.back().application == 10);
}

TEST_CASE("however long an executor collected, it is a number", "[model][heap-runs]") {
  HeapRunRing ring;
  ring.Add(1, 1, Use(1000, 1e300));
  // (65,535 / 16,384)².
  CHECK(ring.Runs()[0].use.collecting == Approx(15.9995));
}

TEST_CASE("what is loaded is what was saved, or refused", "[model][heap-runs]") {
  HeapRunRing ring;
  for (std::uint32_t run = 1; run <= 8; ++run) ring.Add(run, run, Use(900 + run, 0.1 / run));
  const auto saved = ring.Runs();
  HeapRunRing other;
  REQUIRE(other.Load(saved));
  CHECK(other.Runs() == saved);

  auto bad = saved;
  SECTION("too many") { bad.push_back(bad.back()); }
  SECTION("no heap") { bad[0].use.heap = {}; }
  SECTION("less than nothing") { bad[0].use.outside = MiB(-1); }
  SECTION("more than there is") { bad[0].use.heap_peak = base::kLargestPlausible + MiB(1); }
  SECTION("no number") { bad[0].use.collecting = std::nan(""); }
  CHECK_FALSE(other.Load(bad));
  CHECK(other.Runs() == saved);
}

}  // namespace
}  // namespace sparkfit::model
