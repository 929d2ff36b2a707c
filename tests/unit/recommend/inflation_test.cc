// SPDX-License-Identifier: Apache-2.0
//
// The law behind it: with -Xms = -Xmx and G1 the working set is about 0.6 × heap + live data.
#include "sparkfit/recommend/inflation.h"

#include <catch2/catch.hpp>

#include "history_builder.h"

namespace sparkfit::recommend {
namespace {

using base::MiB;
using test::DefaultSize;
using test::HistoryBuilder;

Inflation InflationOf(const HistoryBuilder& builder) {
  return FindHeapTrend(builder.history).inflation;
}

TEST_CASE("peaks at 0.6 × heap + c in heaps of two sizes follow the heap",
          "[recommend][inflation]") {
  HistoryBuilder builder;
  CHECK(InflationOf(builder) == Inflation::kUnknown);
  // 0.6 × 8000 + 300, 0.6 × 5000 + 300.
  builder.Run("a", DefaultSize(8000), MiB(5100));
  CHECK(InflationOf(builder) == Inflation::kPossible);  // one size; 5100 of 8000 is more than 55 %
  builder.Run("b", DefaultSize(5000), MiB(3300));
  CHECK(InflationOf(builder) == Inflation::kFollows);
  const auto trend = FindHeapTrend(builder.history);
  CHECK(trend.slope == Approx(0.6).epsilon(0.01));
  CHECK(trend.heap.InMiB() == Approx(5000).epsilon(0.001));
  CHECK(trend.limit == MiB(5500));
}

TEST_CASE("peaks that stay where they are do not", "[recommend][inflation]") {
  HistoryBuilder builder;
  builder.Run("a", DefaultSize(8000), MiB(4600));
  builder.Run("b", DefaultSize(5200), MiB(4500));
  CHECK(InflationOf(builder) == Inflation::kIndependent);
}

TEST_CASE("a fall that no heap explains is the job's doing", "[recommend][inflation]") {
  // (8000 − 3000) / (8000 − 7600): more than a byte for each byte of heap.
  HistoryBuilder builder;
  builder.Run("a", DefaultSize(8000), MiB(8000));
  builder.Run("b", DefaultSize(7000), MiB(3000));
  CHECK(InflationOf(builder) == Inflation::kIndependent);
}

TEST_CASE("less than a JVM touches anyway is not inflated", "[recommend][inflation]") {
  HistoryBuilder builder;
  builder.Run("a", DefaultSize(8000), MiB(1100));
  CHECK(InflationOf(builder) == Inflation::kBelow);
  CHECK_FALSE(IsInflated(Inflation::kBelow));
  CHECK(IsInflated(Inflation::kFollows));
}

TEST_CASE("runs that ran out of memory, of other shapes and under way tell nothing",
          "[recommend][inflation]") {
  HistoryBuilder builder;
  builder.Run("a", DefaultSize(8000), MiB(5100));
  const auto dead = builder.Start("b", DefaultSize(5000));
  builder.Sample(dead, MiB(3300));
  builder.Oom(dead, model::OomKind::kHeap);
  builder.history.EndApplication("b");
  CHECK(InflationOf(builder) == Inflation::kPossible);
  const auto live = builder.Start("c", DefaultSize(5000));
  builder.Sample(live, MiB(3300));
  CHECK(InflationOf(builder) == Inflation::kPossible);
  builder.End(live);
  CHECK(InflationOf(builder) == Inflation::kFollows);
  builder.Run("d", DefaultSize(5000), MiB(3300), "4");
  CHECK(InflationOf(builder) == Inflation::kPossible);
}

TEST_CASE("the runs are moved into the latest heap", "[recommend][inflation]") {
  HistoryBuilder builder;
  builder.Run("a", DefaultSize(8000), MiB(5100));
  builder.Run("b", DefaultSize(5000), MiB(3300));
  const auto runs = RunsInLatestHeap(builder.history, FindHeapTrend(builder.history));
  REQUIRE(runs.size() == 2);
  CHECK(runs[0].peak.InMiB() == Approx(3300).epsilon(0.001));
  CHECK(runs[1].peak == MiB(3300));
}

TEST_CASE("a size is followed down to where the peaks fit it", "[recommend][inflation]") {
  // Heap = limit / 1.1, peak = 0.6 × heap + 300: 0.5455 × limit + 300. 10 % more than that is the
  // limit at 1.1 × 300 / (1 − 1.1 × 0.5455) = 825 MiB; from 1100 and a peak of 900 the first answer
  // is 990, which follows: 1100 − (1100 − 990) / 0.4 = 825.
  HeapTrend trend{Inflation::kFollows, 0.6, MiB(1000), MiB(1100)};
  CHECK(FollowedDown(MiB(990), MiB(900), trend).InMiB() == Approx(825).epsilon(0.001));
  CHECK(FollowedDown(MiB(1200), MiB(900), trend) == MiB(1200));
  CHECK(FollowedDown(MiB(200), MiB(180), trend) == MiB(550));  // half at most
}

TEST_CASE("adaptive forgets what larger heaps used", "[recommend][inflation]") {
  HistoryBuilder builder(*ParsePolicy("adaptive"));
  builder.Run("a", DefaultSize(8000), MiB(5100));
  builder.Run("b", DefaultSize(5000), MiB(3300));
  const auto result = Recommend(builder.history, builder.ContextWith());
  REQUIRE(result.target);
  // Less than either peak: in a heap of 2500 the peak would be 1800.
  CHECK(*result.target < MiB(3300));
  CHECK(Explain(result, builder.history, builder.ContextWith()).find("peaks follow the heap") !=
        std::string::npos);
}

TEST_CASE("adaptive leaves out a run that used more than the latest sixteen were given",
          "[recommend][inflation]") {
  HistoryBuilder builder(*ParsePolicy("adaptive"));
  builder.Run("large", DefaultSize(9000), MiB(7000));
  for (int i = 0; i < 16; ++i) {
    builder.Run("run-" + std::to_string(i), DefaultSize(3000), MiB(2000));
  }
  const auto result = Recommend(builder.history, builder.ContextWith());
  REQUIRE(result.estimate);
  CHECK(result.estimate->basis == MiB(2000));
}

}  // namespace
}  // namespace sparkfit::recommend
