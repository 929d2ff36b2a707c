// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/recommend/safety.h"

#include <catch2/catch.hpp>

#include "history_builder.h"

namespace sparkfit::recommend {
namespace {

using base::Bytes;
using base::MiB;
using model::OomKind;
using model::OverheadClass;
using test::DefaultSize;
using test::HistoryBuilder;
using test::Size;

Asked Ask(const model::ExecutorSize& dead, OomKind kind, double factor = 1.2) {
  return AskedBy(dead, kind, model::ClassifyOverhead(dead), factor, MiB(100));
}

TEST_CASE("a container OOM grows the overhead, a heap OOM the heap", "[recommend][safety]") {
  // 970: max(1164, 1070) = 1164, of which the heap keeps 900.
  const auto container = Ask(Size(970, 900), OomKind::kContainer);
  CHECK(container.heap == MiB(900));
  CHECK(container.overhead == MiB(264));
  // 900: max(1080, 1000) = 1080 of heap; an explicit overhead is kept.
  const auto heap = Ask(Size(970, 900), OomKind::kHeap);
  CHECK(heap.heap == MiB(1080));
  CHECK(heap.overhead == MiB(70));
  // 8192: max(9830.4, 8292) = 9831 in whole MiB; the default overhead follows: ⌊983.1⌋.
  const auto big = Ask(DefaultSize(8192), OomKind::kHeap);
  CHECK(big.heap == MiB(9831));
  CHECK(big.overhead == MiB(983));
}

TEST_CASE("below 500 MiB the least bump of 100 MiB decides", "[recommend][safety]") {
  // VPA's cases: 499Mi → 599Mi, 500Mi → 600Mi, 501Mi → 601.2Mi, in whole MiB 602.
  for (const auto& [size, expected] : {std::pair{499, 599}, {500, 600}, {501, 602}}) {
    const auto asked = Ask({MiB(size), std::nullopt}, OomKind::kContainer);
    CHECK(asked.heap == Bytes{});
    CHECK(asked.overhead == MiB(expected));
  }
}

TEST_CASE("an OOM sets the floor at once", "[recommend][safety]") {
  HistoryBuilder b;
  b.Oom(b.Start("app-1", Size(970, 900)), OomKind::kContainer);
  REQUIRE(FloorHolds(b.history, b.safety));
  CHECK(b.history.floor->Total() == MiB(1164));
  CHECK(b.history.floor->application == "app-1");
  CHECK(b.history.CurrentShape()->least_overhead == MiB(264));
  CHECK(GuardOf(*b.history.CurrentShape()) == MiB(1164));
}

TEST_CASE("further OOMs of the old size are no steps", "[recommend][safety]") {
  HistoryBuilder b;
  std::vector<std::string> executors;
  for (int i = 0; i < 8; ++i) executors.push_back(b.Start("app-1", Size(970, 900)));
  for (const auto& uid : executors) b.Oom(uid, OomKind::kContainer);
  CHECK(b.history.floor->Total() == MiB(1164));
  CHECK(b.history.Totals().container_ooms == 8);
  CHECK(b.history.FindApplication("app-1")->oom_steps == 1);
}

TEST_CASE("an executor that had what was asked for and died is a step: 1.2, 2.4, 4.8 times",
          "[recommend][safety]") {
  HistoryBuilder b;
  const auto submitted = Size(1000, 600);
  b.Oom(b.Start("app-1", submitted), OomKind::kContainer);
  CHECK(b.history.floor->Total() == MiB(1200));
  b.Oom(b.Start("app-1", Size(1200, 600), "1", submitted), OomKind::kContainer);
  CHECK(b.history.floor->Total() == MiB(2400));
  b.Oom(b.Start("app-1", Size(1200, 600), "1", submitted),
        OomKind::kContainer);  // was started before
  CHECK(b.history.floor->Total() == MiB(2400));
  b.Oom(b.Start("app-1", Size(2400, 600), "1", submitted), OomKind::kContainer);
  CHECK(b.history.floor->Total() == MiB(4800));
  // Another application begins with the first step again: max(1.2 × 4800, 4900).
  b.Oom(b.Start("app-2", Size(4800, 600), "1", submitted), OomKind::kContainer);
  CHECK(b.history.floor->Total() == MiB(5760));
}

TEST_CASE("a heap OOM of an executor whose heap had been grown is a step", "[recommend][safety]") {
  HistoryBuilder b;
  const auto submitted = DefaultSize(1000);  // 1384
  b.Oom(b.Start("app-1", submitted), OomKind::kHeap);
  CHECK(b.history.floor->heap == MiB(1200));
  CHECK(b.history.floor->overhead == MiB(384));
  b.Oom(b.Start("app-1", Size(1584, 1200), "1", submitted), OomKind::kHeap);
  CHECK(b.history.floor->heap == MiB(2400));
}

TEST_CASE("OOMs of both kinds ask for both: the larger heap and the larger overhead",
          "[recommend][safety]") {
  HistoryBuilder b;
  const auto first = b.Start("app-1", DefaultSize(2000));  // 2384
  const auto second = b.Start("app-1", DefaultSize(2000));
  b.Oom(first, OomKind::kContainer);  // max(2860.8, 2484) = 2861: overhead 861
  b.Oom(second, OomKind::kHeap);      // heap 2400, and the overhead that was asked for
  CHECK(b.history.floor->heap == MiB(2400));
  CHECK(b.history.floor->overhead == MiB(861));
}

TEST_CASE("three later clean runs at the floor's size end it, others do not",
          "[recommend][safety]") {
  HistoryBuilder b;
  b.Oom(b.Start("app-0", Size(970, 900)), OomKind::kContainer);  // asks for 1164
  b.Run("app-1", Size(1320, 900), MiB(800));
  b.Run("small", Size(970, 900), MiB(800));  // nobody raised it
  b.Run("app-2", Size(1164, 900), MiB(800));
  b.End(b.Start("never sampled", Size(1320, 900)));
  b.history.EndApplication("never sampled");
  CHECK(FloorHolds(b.history, b.safety));
  CHECK(b.history.floor->clean == 2);
  b.Run("app-3", Size(1320, 900), MiB(800));
  CHECK_FALSE(FloorHolds(b.history, b.safety));
  // What the split must leave outside the heap stays.
  CHECK(b.history.CurrentShape()->least_overhead == MiB(264));
}

TEST_CASE("ten later clean runs of any size end the floor", "[recommend][safety]") {
  HistoryBuilder b;
  b.Oom(b.Start("app-0", Size(970, 900)), OomKind::kContainer);
  for (int i = 1; i <= 9; ++i) b.Run("app-" + std::to_string(i), Size(970, 900), MiB(800));
  CHECK(FloorHolds(b.history, b.safety));
  b.Run("app-10", Size(970, 900), MiB(800));
  CHECK_FALSE(FloorHolds(b.history, b.safety));
}

TEST_CASE("an OOM at the floor's size restarts the count, one below it does not",
          "[recommend][safety]") {
  HistoryBuilder b;
  b.Oom(b.Start("app-0", Size(970, 900)), OomKind::kContainer);
  b.Run("app-1", Size(1320, 900), MiB(800));
  b.Run("app-2", Size(1320, 900), MiB(800));
  b.Oom(b.Start("below", Size(970, 900)), OomKind::kContainer);
  b.history.EndApplication("below");
  CHECK(b.history.floor->clean == 2);
  b.Oom(b.Start("above", Size(1320, 900)), OomKind::kContainer);
  CHECK(b.history.floor->clean == 0);
  CHECK(b.history.floor->Total() == MiB(1584));
}

TEST_CASE("an application that was running at the OOM is no later one", "[recommend][safety]") {
  HistoryBuilder b;
  const auto other = b.Start("parallel", Size(1320, 900));
  b.Oom(b.Start("app-0", Size(970, 900)), OomKind::kContainer);
  b.Sample(other, MiB(800));
  b.End(other);
  b.history.EndApplication("parallel");
  CHECK(b.history.floor->clean_any_size == 0);
}

TEST_CASE("a peak high in the overhead raises the guard once, until an OOM",
          "[recommend][safety]") {
  HistoryBuilder b;
  const auto size = DefaultSize(1000);  // limit 1384, 90 % of the overhead ends at 1345.6
  b.Run("app-1", size, MiB(1345));
  CHECK(GuardOf(*b.history.CurrentShape()) == MiB(1384));
  b.Run("app-2", size, MiB(1346));
  CHECK(GuardOf(*b.history.CurrentShape()) == MiB(1661));  // 1.2 × 1384 = 1660.8
  b.Run("app-3", Size(1661, 1277), MiB(1660));
  CHECK(GuardOf(*b.history.CurrentShape()) == MiB(1661));
  b.Oom(b.Start("app-4", Size(1661, 1277)), OomKind::kContainer);
  CHECK(GuardOf(*b.history.CurrentShape()) == MiB(1994));  // 1.2 × 1661 = 1993.2
  b.Run("app-5", Size(1994, 1610), MiB(1993));
  CHECK(GuardOf(*b.history.CurrentShape()) == MiB(2393));  // 1.2 × 1994 = 2392.8
}

TEST_CASE("what outlasts the floor of an OOM is no more overhead than the published bump gives",
          "[recommend][safety]") {
  // adaptive doubles: 1408 → 2816, heap 1024 as it was, so 1792 of overhead while the floor holds.
  // Kept for ever, that left hardly any heap in whatever was smaller. 1.2 × 1408 − 1024 = 666 stay.
  HistoryBuilder builder(*ParsePolicy("adaptive"));
  const auto dead = builder.Start("a", test::DefaultSize(1024));
  builder.Oom(dead, model::OomKind::kContainer);
  builder.history.EndApplication("a");
  CHECK(LeastOverhead(builder.history, builder.policy, builder.safety) == MiB(1792));
  CHECK(builder.history.floor->Total() == MiB(2816));
  for (const auto* run : {"b", "c", "d"}) {
    const auto uid = builder.Start(run, Size(2816, 1024), "1", test::DefaultSize(1024));
    builder.Sample(uid, MiB(1500));
    builder.End(uid);
    builder.history.EndApplication(run);
  }
  CHECK_FALSE(FloorHolds(builder.history, builder.safety));
  CHECK(LeastOverhead(builder.history, builder.policy, builder.safety) == MiB(666));
}

TEST_CASE("a floor of a shape that is gone asks no overhead of the next one",
          "[recommend][safety]") {
  // Found by the oracle: 1408 with a heap of 1024 dies, 1.2 × 1408 − 1024 = 666 are its overhead.
  // The next shape has an explicit overhead of its own, which is all that its split gives.
  HistoryBuilder builder;
  builder.Oom(builder.Start("a", test::DefaultSize(1024)), model::OomKind::kContainer);
  builder.history.EndApplication("a");
  CHECK(LeastOverhead(builder.history, builder.policy, builder.safety) == MiB(666));
  builder.Run("b", Size(1324, 1024), MiB(700));
  CHECK(FloorHolds(builder.history, builder.safety));
  CHECK(LeastOverhead(builder.history, builder.policy, builder.safety) == MiB(0));
}

TEST_CASE("a high peak raises adaptive's guard by the published bump, not by a double",
          "[recommend][safety]") {
  HistoryBuilder builder(*ParsePolicy("adaptive"));
  // 1024 + 90 % of 384 is 1369.6.
  builder.Run("a", test::DefaultSize(1024), MiB(1400));
  CHECK(GuardOf(*builder.history.CurrentShape()) == MiB(1690));  // 1.2 × 1408 = 1689.6
}

TEST_CASE("an OOM without a limit counts and asks for nothing", "[recommend][safety]") {
  HistoryBuilder b;
  b.Oom(b.Start("app-1", {Bytes{}, std::nullopt}), OomKind::kContainer);
  CHECK(b.history.Totals().container_ooms == 1);
  CHECK_FALSE(b.history.floor.has_value());
}

}  // namespace
}  // namespace sparkfit::recommend
