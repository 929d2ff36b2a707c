// SPDX-License-Identifier: Apache-2.0
//
// The model against the recorded runs that its constants come from, and its own arithmetic.
#include "sparkfit/simulation/jvm.h"

#include <catch2/catch.hpp>

#include "sparkfit/simulation/jvm_constants.h"

namespace sparkfit::simulation {
namespace {

model::ExecutorSize Size(std::int64_t limit_mib, std::int64_t heap_mib) {
  return {base::MiB(limit_mib), base::MiB(heap_mib)};
}

// 100 MiB live, and so much allocated that the young generation takes all that it may.
Need Steady(double live) {
  Need need;
  need.live = live;
  need.outside = 50;
  need.allocated = 100'000;
  need.seconds = 600;
  return need;
}

TEST_CASE("the working set follows the heap that was given", "[simulation][jvm]") {
  // Measured with G1 (probe, steady allocation): 100 MiB live in 1, 2 and 4 GiB of heap 774, 1391
  // and 2612 MiB; 400 live in 2 and 4 GiB 1695 and 2905. 0.6 × heap + live + 50 is within 1 %.
  CHECK(Live(Steady(100), Size(9000, 1024)).working_set == Approx(774).epsilon(0.02));
  CHECK(Live(Steady(100), Size(9000, 2048)).working_set == Approx(1391).epsilon(0.02));
  CHECK(Live(Steady(100), Size(9000, 4096)).working_set == Approx(2612).epsilon(0.02));
  CHECK(Live(Steady(400), Size(9000, 2048)).working_set == Approx(1695).epsilon(0.02));
  CHECK(Live(Steady(400), Size(9000, 4096)).working_set == Approx(2905).epsilon(0.02));
}

TEST_CASE("little allocation touches little of a large heap", "[simulation][jvm]") {
  auto need = Steady(400);
  need.allocated = 4000;
  // Probe: 400 MiB live, 4000 allocated: 1343, 1265 and 1220 MiB in 2700, 4000 and 6000. The model
  // has 400 + 0.2 × 4000 + 50 = 1250 for each.
  for (const std::int64_t heap : {2700, 4000, 6000}) {
    CHECK(Live(need, Size(9000, heap)).working_set == Approx(1250));
  }
}

TEST_CASE("a JVM that does not fit beside its heap is killed by the kernel", "[simulation][jvm]") {
  // The workload TOUCHED: heap 900 full, limit 970. 900 + 148 > 970.
  auto need = Steady(700);
  need.outside = kJvmOutside;
  const auto life = Live(need, Size(970, 900));
  CHECK(life.end == End::kContainerOom);
  CHECK(life.working_set == 970);
  CHECK(life.seconds < need.seconds);
  CHECK(Live(need, Size(1164, 900)).end == End::kDone);
}

TEST_CASE("live data that does not fit into the heap is exit 52", "[simulation][jvm]") {
  // The workload HEAP: 660 MiB of the application's and some 40 of Spark's in 700; 840 are enough.
  CHECK(Live(Steady(700), Size(1084, 700)).end == End::kHeapOom);
  CHECK(Live(Steady(700), Size(1224, 840)).end == End::kDone);
}

TEST_CASE("page cache counts as working set and kills nobody", "[simulation][jvm]") {
  auto need = Steady(100);
  need.files = 500;
  // 0.6 × 1000 + 100 + 50 = 750; 500 more do not fit into 1000.
  const auto life = Live(need, Size(1000, 1000));
  CHECK(life.end == End::kDone);
  CHECK(life.working_set == 1000);
}

TEST_CASE("what sorting and caching lack is paid for in time", "[simulation][jvm]") {
  auto need = Steady(0.1);
  need.allocated = 0;
  need.elastic = 600;
  CHECK(Live(need, Size(9000, 4096)).seconds == Approx(600));
  // Unified memory of 800 MiB of heap: 0.6 × 500 = 300, half of what is wanted: half of 50 %.
  CHECK(Live(need, Size(9000, 800)).seconds == Approx(600 * 1.25));
  CHECK(Live(need, Size(9000, 800)).heap_after_gc == Approx(300.1));
}

TEST_CASE("collections take longer the fuller the heap", "[simulation][jvm]") {
  // 0.04 ms × 100,000 MiB × (900 / 100)² = 324 s; with (900 / 900)² 4 s.
  CHECK(Live(Steady(900), Size(9000, 1000)).gc_seconds == Approx(324));
  CHECK(Live(Steady(900), Size(9000, 1800)).gc_seconds == Approx(4));
}

TEST_CASE("the working set grows to its highest and stays there", "[simulation][jvm]") {
  const auto life = Live(Steady(100), Size(9000, 4096));
  CHECK(life.WorkingSetAt(0) == kStartMiB);
  CHECK(life.WorkingSetAt(life.highest_after / 2) == Approx((kStartMiB + life.working_set) / 2));
  CHECK(life.WorkingSetAt(life.seconds) == life.working_set);
}

}  // namespace
}  // namespace sparkfit::simulation
