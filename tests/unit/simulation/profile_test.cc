// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/simulation/profile.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <map>

#include "sparkfit/simulation/jvm_constants.h"

namespace sparkfit::simulation {
namespace {

constexpr std::uint32_t kJobs = 2000;

// A count of kJobs is within four standard deviations of its share.
bool Near(int count, double share) {
  return std::abs(count - kJobs * share) < 4 * std::sqrt(kJobs * share * (1 - share));
}

TEST_CASE("a job follows from the seed and its number alone", "[simulation][profile]") {
  const auto first = DrawProfile(1, 7);
  (void)DrawProfile(1, 8);
  const auto again = DrawProfile(1, 7);
  CHECK(first.base == again.base);
  CHECK(first.submitted == again.submitted);
  CHECK(NeedOf(first, 3, 1, 1, 2).live == NeedOf(again, 3, 1, 1, 2).live);
  CHECK(first.base != DrawProfile(2, 7).base);
  CHECK(first.base != DrawProfile(1, 8).base);
  CHECK(NeedOf(first, 3, 1, 1, 2).live != NeedOf(first, 3, 1, 1, 1).live);
  CHECK(NeedOf(first, 3, 1, 1, 2).seconds != NeedOf(first, 4, 1, 1, 2).seconds);
}

TEST_CASE("every kind of job is drawn as often as it should be", "[simulation][profile]") {
  std::map<Outside, int> kinds;
  std::map<Change, int> changes;
  std::map<model::OverheadClass, int> overheads;
  int too_small = 0;
  for (std::uint32_t i = 0; i < kJobs; ++i) {
    const auto profile = DrawProfile(1, i);
    ++kinds[profile.kind];
    ++changes[profile.change];
    ++overheads[model::ClassifyOverhead(profile.submitted)];
    too_small += profile.too_small ? 1 : 0;
    CHECK(profile.executors >= 1);
    CHECK(profile.executors <= 16);
    CHECK(*profile.submitted.heap >= base::MiB(512));
  }
  CHECK(Near(kinds[Outside::kPython], kPythonShare));
  CHECK(Near(kinds[Outside::kExplicit], kExplicitShare));
  CHECK(Near(kinds[Outside::kOffHeap], kOffHeapShare));
  CHECK(Near(kinds[Outside::kBorrowed], kBorrowShare));
  CHECK(Near(changes[Change::kGrowing], kGrowingShare));
  CHECK(Near(changes[Change::kWeekly], kWeeklyShare));
  CHECK(Near(changes[Change::kFreaks], kFreakShare));
  CHECK(Near(changes[Change::kLateSkew], kLateSkewShare));
  CHECK(Near(too_small, kTooSmallShare));
  CHECK(overheads.size() == 3);
}

TEST_CASE("needs change as the kind of job says", "[simulation][profile]") {
  Profile profile;
  profile.change = Change::kGrowing;
  profile.change_by = 0.02;
  CHECK(FactorOf(profile, 0) == 1);
  CHECK(FactorOf(profile, 35) == Approx(2).epsilon(0.01));  // 1.02³⁵
  profile.change = Change::kWeekly;
  profile.change_by = 3;
  profile.change_from = 2;
  CHECK(FactorOf(profile, 1) == 1);
  CHECK(FactorOf(profile, 2) == 3);
  CHECK(FactorOf(profile, 9) == 3);
  profile.change = Change::kLateSkew;
  CHECK(SkewOf(profile, 1) == 1);
  CHECK(SkewOf(profile, 2) == 3);
}

TEST_CASE("one task of a stage is the skewed one, not the same in every run",
          "[simulation][profile]") {
  Profile profile;
  profile.skew = 3;
  profile.task.live = 100;
  profile.stages = {{.tasks = 20}};
  std::map<std::uint32_t, int> skewed;
  for (std::uint32_t run = 0; run < 20; ++run) {
    int in_run = 0;
    for (std::uint32_t task = 0; task < 20; ++task) {
      // The others have 100 ± 2.5 × 3 %.
      if (NeedOf(profile, run, 1, 0, task).live < 150) continue;
      ++in_run;
      ++skewed[task];
    }
    CHECK(in_run == 1);
  }
  CHECK(skewed.size() > 5);
}

TEST_CASE("an off-heap cap is seldom full, an explicit overhead often a guess",
          "[simulation][profile]") {
  int full = 0;
  int capped = 0;
  int generous = 0;
  int chosen = 0;
  for (std::uint32_t i = 0; i < kJobs; ++i) {
    const auto profile = DrawProfile(1, i);
    const double outside = InMiB(profile.submitted).outside;
    if (profile.kind == Outside::kOffHeap) {
      ++capped;
      full += profile.task.off_heap * profile.cores > profile.off_heap_cap ? 1 : 0;
      CHECK(outside > profile.off_heap_cap);
    } else if (profile.kind == Outside::kExplicit) {
      ++chosen;
      generous += outside > 1.6 * MostAsked(profile, 1).outside ? 1 : 0;
    }
  }
  CHECK(full < capped / 5);
  CHECK(generous > chosen / 3);
}

TEST_CASE("the most that an executor is asked for is the neediest tasks on all its cores",
          "[simulation][profile]") {
  Profile profile;
  profile.executors = 2;
  profile.cores = 4;
  profile.skew = 2;
  profile.base = 100;
  profile.task.live = 10;
  profile.task.native = 20;
  profile.task.off_heap = 50;
  profile.off_heap_cap = 120;
  profile.outside = 200;
  profile.cached = 30;
  profile.stages = {{.tasks = 8, .caches = true}};
  // Five tasks' worth, with what a task may need more: e^(2.5 × 0.03) = 1.0779.
  const auto most = MostAsked(profile, 1);
  CHECK(most.live == Approx(100 + 5 * 10.779).epsilon(1e-4));
  CHECK(most.outside == Approx(200 + 5 * 21.558 + 120).epsilon(1e-4));
  CHECK(most.cached == Approx(30 * 8 / 2));
}

}  // namespace
}  // namespace sparkfit::simulation
