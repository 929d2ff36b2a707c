// SPDX-License-Identifier: Apache-2.0
//
// The model against the recorded runs that its constants come from, and its own arithmetic.
#include "sparkfit/simulation/jvm.h"

#include <catch2/catch.hpp>

#include "sparkfit/simulation/jvm_constants.h"

namespace sparkfit::simulation {
namespace {

// So much allocated that the young generation takes all that it may.
Asked Steady(double live) {
  Asked asked;
  asked.live = live;
  asked.outside = 50;
  asked.allocated = 100'000;
  return asked;
}

double WorkingSet(const Asked& asked, const Size& size) {
  return Hold(asked, size).touched + asked.outside;
}

constexpr double kPlenty = 1 << 20;

TEST_CASE("the working set follows the heap that was given", "[simulation][jvm]") {
  // Measured with G1 (probe, steady allocation): 100 MiB live in 1, 2 and 4 GiB of heap 774, 1391
  // and 2612 MiB; 400 live in 2 and 4 GiB 1695 and 2905. 0.6 × heap + live + 50 is within 1 %.
  CHECK(WorkingSet(Steady(100), {1024, kPlenty}) == Approx(774).epsilon(0.02));
  CHECK(WorkingSet(Steady(100), {2048, kPlenty}) == Approx(1391).epsilon(0.02));
  CHECK(WorkingSet(Steady(100), {4096, kPlenty}) == Approx(2612).epsilon(0.02));
  CHECK(WorkingSet(Steady(400), {2048, kPlenty}) == Approx(1695).epsilon(0.02));
  CHECK(WorkingSet(Steady(400), {4096, kPlenty}) == Approx(2905).epsilon(0.02));
}

TEST_CASE("little allocation touches little of a large heap", "[simulation][jvm]") {
  auto asked = Steady(400);
  asked.allocated = 4000;
  // Probe: 400 MiB live, 4000 allocated: 1343, 1265 and 1220 MiB in 2700, 4000 and 6000. The model
  // has 400 + 0.2 × 4000 + 50 = 1250 for each.
  for (const double heap : {2700, 4000, 6000}) {
    CHECK(WorkingSet(asked, {heap, kPlenty}) == Approx(1250));
  }
}

TEST_CASE("a JVM that does not fit beside its heap is killed by the kernel", "[simulation][jvm]") {
  // The workload TOUCHED: heap 900 full, limit 970. 900 + 148 > 970.
  auto asked = Steady(700);
  asked.outside = kJvmOutside;
  CHECK(Hold(asked, {900, 70}).kills == OomKind::kContainer);
  CHECK_FALSE(Hold(asked, {900, 264}).kills);
}

TEST_CASE("live data that does not fit into the heap is exit 52", "[simulation][jvm]") {
  // The workload HEAP: 660 MiB of the application's and some 40 of Spark's in 700; 840 are enough.
  CHECK(Hold(Steady(700), {700, 384}).kills == OomKind::kHeap);
  CHECK_FALSE(Hold(Steady(700), {840, 384}).kills);
}

TEST_CASE("execution and storage share what Spark gives them", "[simulation][jvm]") {
  // Unified memory of 1300 MiB of heap: 0.6 × 1000 = 600, of which storage keeps 300.
  auto asked = Steady(0);
  asked.execution = 500;
  CHECK(Hold(asked, {1300, kPlenty}).execution == Approx(500));
  asked.cached = 500;
  CHECK(Hold(asked, {1300, kPlenty}).execution == Approx(300));
  CHECK(Hold(asked, {1300, kPlenty}).cached == Approx(300));
  asked.execution = 100;
  CHECK(Hold(asked, {1300, kPlenty}).cached == Approx(500));
  asked.cached = 700;
  CHECK(Hold(asked, {1300, kPlenty}).cached == Approx(500));
  CHECK(Hold(asked, {1300, kPlenty}).retained == Approx(600));
}

TEST_CASE("objects beside full unified memory are what fills a heap", "[simulation][jvm]") {
  // 600 of unified memory and 640 live: 1240 > 0.95 × 1300 = 1235.
  auto asked = Steady(640);
  asked.execution = 600;
  CHECK(Hold(asked, {1300, kPlenty}).kills == OomKind::kHeap);
  asked.live = 630;
  CHECK_FALSE(Hold(asked, {1300, kPlenty}).kills);
}

// Of the time of its tasks.
double Share(const Collecting& collecting, double retained, double heap) {
  const double per_work = CollectionsPerWork(collecting, retained, heap);
  return per_work / (1 + per_work);
}

TEST_CASE("a healthy JVM collects one to four percent in any heap", "[simulation][jvm]") {
  // Table B: 1.0 to 2.0 % in 3 GiB, 1.7 to 3.1 % in 512 MiB.
  for (const double healthy : {0.005, 0.010, 0.017}) {
    CHECK(Share({healthy, 150, 0}, 200, 3072) == Approx(healthy + 0.003).margin(0.001));
    CHECK(Share({healthy, 150, 0}, 200, 512) == Approx(healthy + 0.018).margin(0.004));
  }
}

TEST_CASE("collections are fewer where cached objects do not fit", "[simulation][jvm]") {
  // Table B: 9 % with all of 750 MiB in 1536 or 3072, 3 % with 37 and 58 % of them.
  CHECK(Share({0.010, 150, 1}, 790, 1536) == Approx(0.09).margin(0.01));
  CHECK(Share({0.010, 150, 1}, 790, 3072) == Approx(0.085).margin(0.01));
  CHECK(Share({0.010, 150, 281.0 / 750}, 321, 768) == Approx(0.035).margin(0.01));
  CHECK(Share({0.010, 150, 434.0 / 750}, 474, 1024) == Approx(0.045).margin(0.01));
}

TEST_CASE("collections rise steeply near the live set", "[simulation][jvm]") {
  // 0.04 ms × 150 MiB/s = 0.006 times (r / (1 − r))²: 0.006 at a half, 0.096 at 0.8, 0.486 at 0.9.
  const auto rises = [](double retained) {
    return CollectionsPerWork({0, 150, 0}, retained, 1e6) - kSmallHeap * 512 / 1e6;
  };
  CHECK(rises(0.5e6) == Approx(0.006).margin(1e-4));
  CHECK(rises(0.8e6) == Approx(0.096).margin(1e-4));
  CHECK(rises(0.9e6) == Approx(0.486).margin(1e-4));
  CHECK(rises(1e6) == kMostGcShare - kSmallHeap * 512 / 1e6);
}

}  // namespace
}  // namespace sparkfit::simulation
