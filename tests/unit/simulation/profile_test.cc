// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/simulation/profile.h"

#include <catch2/catch.hpp>

#include "sparkfit/simulation/jvm_constants.h"

namespace sparkfit::simulation {
namespace {

TEST_CASE("a job follows from the seed and its number alone", "[simulation][profile]") {
  const auto first = DrawProfile(1, 7);
  (void)DrawProfile(1, 8);
  const auto again = DrawProfile(1, 7);
  CHECK(first.need.live == again.need.live);
  CHECK(NeedOf(first, 3, 2).allocated == NeedOf(again, 3, 2).allocated);
  CHECK(first.need.live != DrawProfile(2, 7).need.live);
  CHECK(first.need.live != DrawProfile(1, 8).need.live);
  CHECK(NeedOf(first, 3, 2).live != NeedOf(first, 3, 1).live);
  CHECK(NeedOf(first, 3, 2).live != NeedOf(first, 4, 2).live);
}

TEST_CASE("drawn jobs are plausible", "[simulation][profile]") {
  int elastic = 0;
  int off_heap = 0;
  for (std::uint32_t i = 0; i < 400; ++i) {
    const auto profile = DrawProfile(1, i);
    CHECK(profile.need.live >= kLive.least);
    CHECK(profile.need.live <= kLive.most);
    CHECK(profile.need.outside >= kJvmOutside);
    CHECK(profile.executors >= 1);
    CHECK(SamplePhase(profile, 0, 0) >= 0);
    CHECK(SamplePhase(profile, 0, 0) < 1);
    elastic += profile.need.elastic > 0 ? 1 : 0;
    off_heap += profile.rule.overhead == model::OverheadClass::kExplicit ? 1 : 0;
  }
  // Half and 15 % of 400, ± 4 standard deviations.
  CHECK(std::abs(elastic - 200) < 40);
  CHECK(std::abs(off_heap - 60) < 29);
}

TEST_CASE("in the smallest size nobody dies, and a smaller heap is too slow or dies",
          "[simulation][profile]") {
  for (std::uint32_t i = 0; i < 50; ++i) {
    const auto profile = DrawProfile(3, i);
    const auto smallest = SmallestSize(profile);
    for (std::uint32_t run = 0; run < 20; ++run) {
      CHECK(Live(NeedOf(profile, run, 0), smallest.size).end != End::kHeapOom);
    }
    const auto seconds = Live(profile.need, smallest.size).seconds;
    CHECK(seconds <= kWithinBest * smallest.best_seconds);
    CHECK(*smallest.size.heap >= recommend::kSmallestHeap);
    if (*smallest.size.heap == recommend::kSmallestHeap) continue;
    // Two steps below, which the search looked at.
    const auto heap = base::MiB(static_cast<std::int64_t>(smallest.size.heap->InMiB() / 1.03));
    const auto most =
        profile.need.Scaled(std::exp(kMostSpread * (profile.run_spread + kExecutorSpread)));
    const bool dies = Live(most, {smallest.size.limit, heap}).end == End::kHeapOom;
    const bool slow = Live(profile.need, {smallest.size.limit, heap}).seconds >
                      kWithinBest * smallest.best_seconds;
    const bool no_smaller =
        *smallest.size.heap + recommend::OverheadFor(profile.rule, heap) < smallest.size.limit;
    CHECK((dies || slow || no_smaller));
  }
}

TEST_CASE("a total is split as Spark composes it", "[simulation][profile]") {
  Profile profile;
  // 1408 = 1024 + 384; less than 512 + 384 is not to be had.
  CHECK(SizeOf(profile, base::MiB(1408)).heap == base::MiB(1024));
  CHECK(SizeOf(profile, base::MiB(500)).limit == base::MiB(896));
  // 4,099 + 409 = 4,508 and 4,100 + 410 = 4,510: nobody submits 4,509.
  CHECK(SizeOf(profile, base::MiB(4509)).limit == base::MiB(4508));
  CHECK(SizeOf(profile, base::MiB(4510)).limit == base::MiB(4510));
}

}  // namespace
}  // namespace sparkfit::simulation
