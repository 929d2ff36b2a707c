// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/recommend/safety.h"

#include <catch2/catch.hpp>

#include "history_builder.h"
#include "sparkfit/recommend/recommendation.h"

namespace sparkfit::recommend {
namespace {

using base::Bytes;
using base::MiB;
using model::OomKind;
using model::Part;
using test::DefaultSize;
using test::HistoryBuilder;
using test::Size;

Bytes Enough(const HistoryBuilder& b, Part part) { return b.Shape().Of(part).enough; }

// What an executor of this size asks for when it dies as it was submitted.
Bytes AskedBy(const model::ExecutorSize& dead, OomKind kind) {
  HistoryBuilder b;
  b.Oom(b.Start("app-1", dead), kind);
  return Enough(b, kind == OomKind::kHeap && dead.heap ? Part::kHeap : Part::kOutside);
}

TEST_CASE("a container OOM grows what is outside of the heap, a heap OOM the heap",
          "[recommend][safety]") {
  // 970: max(1164, 1070) = 1164, of which the heap keeps 900.
  CHECK(AskedBy(Size(970, 900), OomKind::kContainer) == MiB(264));
  // 900: max(1080, 1000) = 1080 of heap.
  CHECK(AskedBy(Size(970, 900), OomKind::kHeap) == MiB(1080));
  // 8192: max(9830.4, 8292) = 9831 in whole MiB.
  CHECK(AskedBy(DefaultSize(8192), OomKind::kHeap) == MiB(9831));
}

TEST_CASE("below 500 MiB the least bump of 100 MiB decides", "[recommend][safety]") {
  // VPA's cases: 499Mi → 599Mi, 500Mi → 600Mi, 501Mi → 601.2Mi, in whole MiB 602.
  for (const auto& [size, expected] : {std::pair{499, 599}, {500, 600}, {501, 602}}) {
    CHECK(AskedBy({MiB(size), std::nullopt}, OomKind::kContainer) == MiB(expected));
  }
}

TEST_CASE("the heap does not make room for what is outside of it", "[recommend][safety]") {
  HistoryBuilder b;
  b.Oom(b.Start("app-1", Size(970, 900)), OomKind::kContainer);
  const auto bounds = BoundsAfterOoms(b.Shape());
  CHECK(bounds.least_heap == MiB(900));
  CHECK(bounds.least_outside == MiB(264));
}

TEST_CASE("an OOM with other cores teaches nothing, but with fewer and the same memory",
          "[recommend][safety]") {
  HistoryBuilder b;
  b.Start("app-1", DefaultSize(4096), "4");
  b.Oom(b.Start("app-1", DefaultSize(4096), "8"), OomKind::kHeap);
  b.Oom(b.Start("app-1", DefaultSize(2048), "1"), OomKind::kHeap);
  CHECK_FALSE(b.Shape().AsksForMore());
  CHECK(b.history.Totals().heap_ooms == 2);
  // Spark 4.2's recovery mode: with four cores it would have died, too. max(1.2 × 4096, 4196) =
  // 4916.
  b.Oom(b.Start("app-1", DefaultSize(4096), "1"), OomKind::kHeap);
  CHECK(b.Shape().Of(model::Part::kHeap).enough == MiB(4916));
}

TEST_CASE("further OOMs of the old size are no steps", "[recommend][safety]") {
  HistoryBuilder b;
  std::vector<std::string> executors;
  for (int i = 0; i < 8; ++i) executors.push_back(b.Start("app-1", Size(970, 900)));
  for (const auto& uid : executors) b.Oom(uid, OomKind::kContainer);
  CHECK(Enough(b, Part::kOutside) == MiB(264));
  CHECK(b.history.Totals().container_ooms == 8);
  CHECK(b.history.FindApplication("app-1")->oom_steps == 1);
}

TEST_CASE("an executor that had what was asked for and died is a step: 1.2, 2.4, 4.8 times",
          "[recommend][safety]") {
  HistoryBuilder b;
  const auto submitted = Size(1000, 600);
  b.Oom(b.Start("app-1", submitted), OomKind::kContainer);
  CHECK(Enough(b, Part::kOutside) == MiB(600));  // 1200 in all
  b.Oom(b.Start("app-1", Size(1200, 600), "1", submitted), OomKind::kContainer);
  CHECK(Enough(b, Part::kOutside) == MiB(1800));
  b.Oom(b.Start("app-1", Size(1200, 600), "1", submitted),
        OomKind::kContainer);  // was started before
  CHECK(Enough(b, Part::kOutside) == MiB(1800));
  b.Oom(b.Start("app-1", Size(2400, 600), "1", submitted), OomKind::kContainer);
  CHECK(Enough(b, Part::kOutside) == MiB(4200));
  // Another application begins with the first step again: max(1.2 × 4800, 4900) = 5760.
  b.Oom(b.Start("app-2", Size(4800, 600), "1", submitted), OomKind::kContainer);
  CHECK(Enough(b, Part::kOutside) == MiB(5160));
}

TEST_CASE("an executor that was made smaller and died asks for what was submitted",
          "[recommend][safety]") {
  HistoryBuilder b;
  const auto submitted = Size(9216, 3072);  // 6 GiB outside
  b.Oom(b.Start("app-1", Size(2000, 1000), "1", submitted), OomKind::kHeap);
  CHECK(Enough(b, Part::kHeap) == MiB(3072));
  CHECK(b.history.FindApplication("app-1")->oom_steps == 0);
  b.Oom(b.Start("app-1", Size(2000, 1000), "1", submitted), OomKind::kContainer);
  CHECK(Enough(b, Part::kOutside) == MiB(6144));
  // It had that much and died again: the first step, 1.2 × 3072 = 3686.4.
  b.Oom(b.Start("app-1", Size(9216, 3072), "1", submitted), OomKind::kHeap);
  CHECK(Enough(b, Part::kHeap) == MiB(3687));
}

TEST_CASE("an executor that died asks for the roomiest size that a run went well with",
          "[recommend][safety]") {
  HistoryBuilder b;
  const auto submitted = DefaultSize(1000);
  b.Run("app-1", Size(3000, 2400), MiB(2000), "1", submitted);  // a min-memory raised it
  b.Run("app-2", submitted, MiB(900));
  b.Oom(b.Start("app-3", submitted), OomKind::kHeap);
  CHECK(Enough(b, Part::kHeap) == MiB(2400));
}

TEST_CASE("OOMs of both kinds ask for both: the larger heap and more outside of it",
          "[recommend][safety]") {
  HistoryBuilder b;
  const auto first = b.Start("app-1", DefaultSize(2000));  // 2384
  const auto second = b.Start("app-1", DefaultSize(2000));
  b.Oom(first, OomKind::kContainer);  // max(2860.8, 2484) = 2861: 861 outside
  b.Oom(second, OomKind::kHeap);      // the second step of the run: 2 × 2000
  CHECK(Enough(b, Part::kHeap) == MiB(4000));
  CHECK(Enough(b, Part::kOutside) == MiB(861));
}

TEST_CASE("three later runs that went well with as little leave nothing of an OOM",
          "[recommend][safety]") {
  HistoryBuilder b;
  b.Oom(b.Start("app-0", Size(970, 900)), OomKind::kContainer);
  b.EndApplication("app-0");
  for (const auto* run : {"app-1", "app-2"}) b.Run(run, Size(970, 900), MiB(960));
  CHECK(b.Shape().AsksForMore());
  CHECK(b.Shape().Of(Part::kOutside).refuted == 2);
  b.Run("app-3", Size(970, 900), MiB(960));
  CHECK_FALSE(b.Shape().AsksForMore());
  CHECK(BoundsAfterOoms(b.Shape()) == PartBounds{});
}

TEST_CASE("runs with more leave nothing of an OOM if they never used what had been too little",
          "[recommend][safety]") {
  // Four OOMs in one run of a job that uses 2.1 GiB.
  HistoryBuilder b;
  const auto submitted = Size(8806, 8005);
  std::int64_t limit = 8806;
  for (int i = 0; i < 4; ++i) {
    b.Oom(b.Start("app-0", Size(limit, 8005), "1", submitted), OomKind::kContainer);
    limit = 8005 + Enough(b, Part::kOutside).WholeMiB();
  }
  b.EndApplication("app-0");
  // 8806 × 1.2 × 2 × 2 × 2 in whole MiB.
  CHECK(limit == 84544);
  for (const auto* run : {"a", "b", "c"}) {
    CHECK(b.Shape().AsksForMore());
    b.Run(run, Size(limit, 8005), MiB(2105), "1", submitted);
  }
  CHECK_FALSE(b.Shape().AsksForMore());
}

TEST_CASE("a need that is real stays: runs with more that use more refute nothing",
          "[recommend][safety]") {
  HistoryBuilder b;
  b.Oom(b.Start("app-0", Size(970, 900)), OomKind::kContainer);
  b.EndApplication("app-0");
  for (int i = 0; i < 30; ++i) {
    b.Run("app-" + std::to_string(i), Size(1164, 900), MiB(1000), "1", Size(970, 900));
  }
  CHECK(Enough(b, Part::kOutside) == MiB(264));
}

TEST_CASE("an OOM begins the count of refutations anew", "[recommend][safety]") {
  HistoryBuilder b;
  b.Oom(b.Start("app-0", Size(970, 900)), OomKind::kContainer);
  b.Run("app-1", Size(970, 900), MiB(800));
  b.Run("app-2", Size(970, 900), MiB(800));
  b.Oom(b.Start("again", Size(970, 900)), OomKind::kContainer);
  b.EndApplication("again");
  CHECK(b.Shape().Of(Part::kOutside).refuted == 0);
}

TEST_CASE("runs that did not go well refute nothing", "[recommend][safety]") {
  HistoryBuilder b;
  b.Oom(b.Start("app-0", Size(970, 900)), OomKind::kContainer);
  b.EndApplication("app-0");
  for (const auto outcome : {model::Outcome::kFailed, model::Outcome::kInterrupted}) {
    b.Run("a" + std::to_string(static_cast<int>(outcome)), Size(970, 900), MiB(800), "1",
          std::nullopt, outcome);
  }
  const auto lost = b.Start("lost", Size(970, 900));
  b.Sample(lost, MiB(800));
  b.End(lost, true);
  b.EndApplication("lost");
  b.End(b.Start("never sampled", Size(970, 900)));
  b.EndApplication("never sampled");
  CHECK(b.Shape().Of(Part::kOutside).refuted == 0);
}

TEST_CASE("what an OOM of a shape that is gone asked for is not asked of the next one",
          "[recommend][safety]") {
  HistoryBuilder b;
  b.Oom(b.Start("a", DefaultSize(1024)), OomKind::kContainer);
  b.EndApplication("a");
  CHECK(BoundsAfterOoms(b.Shape()).least_outside == MiB(666));  // 1.2 × 1408 − 1024
  b.Run("b", Size(1324, 1024), MiB(700));
  CHECK(BoundsAfterOoms(b.Shape()) == PartBounds{});
}

TEST_CASE("an OOM without a limit counts and asks for nothing", "[recommend][safety]") {
  HistoryBuilder b;
  b.Oom(b.Start("app-1", {Bytes{}, std::nullopt}), OomKind::kContainer);
  CHECK(b.history.Totals().container_ooms == 1);
  CHECK_FALSE(b.Shape().AsksForMore());
}

// An executor that was submitted with 1384 MiB, a heap of 1000, dies after its limit was lowered.
void DieAt(HistoryBuilder& b, std::int64_t limit_mib, OomKind kind = OomKind::kContainer) {
  const auto uid = b.Start("shrunk", DefaultSize(1000));
  const auto limit = MiB(limit_mib);
  const auto heap = limit < MiB(1000) ? std::nullopt : std::optional(MiB(1000));
  b.history.Resize(b.Find(uid), {limit, heap}, b.now);
  b.Oom(uid, kind);
}

TEST_CASE("a limit that was lowered to the heap or below asks for what was submitted, no more",
          "[recommend][safety]") {
  HistoryBuilder b;
  SECTION("below") {
    DieAt(b, 800);
    const auto why = Explain(Recommend(b.history, b.ContextWith()), b.history, b.ContextWith());
    CHECK_THAT(why, Catch::Contains("an executor whose limit was lowered below its heap ran out of "
                                    "it: at least 384 MiB outside of it (until 3 whole runs went "
                                    "well, 0 so far)"));
  }
  SECTION("to it") { DieAt(b, 1000); }
  SECTION("below, and the heap was full") { DieAt(b, 800, OomKind::kHeap); }
  CHECK(Enough(b, Part::kHeap) == MiB(1000));
  CHECK(Enough(b, Part::kOutside) == MiB(384));
  CHECK(BoundsAfterOoms(b.Shape()).least_heap == MiB(1000));
  CHECK(Recommend(b.history, b.ContextWith()).target == MiB(1384));
  CHECK(b.history.FindApplication("shrunk")->oom_steps == 0);
}

TEST_CASE("a limit below the heap is too little in all, until three runs went well",
          "[recommend][safety]") {
  HistoryBuilder b;
  const auto submitted = DefaultSize(1000);
  b.Run("app-1", Size(900, 512), MiB(700), "1", submitted);
  CHECK(b.Shape().well == Size(900, 512));
  DieAt(b, 950);
  CHECK(b.Shape().well == model::ExecutorSize{});
  // These use more than what the dead one had.
  for (const auto* run : {"app-2", "app-3", "app-4"}) {
    CHECK(b.Shape().AsksForMore());
    b.Run(run, submitted, MiB(1300));
  }
  CHECK_FALSE(b.Shape().AsksForMore());
}

TEST_CASE("a limit below the heap does not make an earlier OOM forgotten", "[recommend][safety]") {
  HistoryBuilder b;
  b.Oom(b.Start("app-1", DefaultSize(1000)), OomKind::kContainer);
  const auto asked = Enough(b, Part::kOutside);  // max(1.2 × 1384, 1484) − 1000, in whole MiB
  CHECK(asked == MiB(661));
  DieAt(b, 800);
  CHECK(Enough(b, Part::kOutside) == asked);
  CHECK(Enough(b, Part::kHeap) == MiB(1000));
  for (const auto* run : {"app-2", "app-3", "app-4"}) {
    b.Run(run, Size(1661, 1000), MiB(1500), "1", DefaultSize(1000));
  }
  CHECK(Enough(b, Part::kOutside) == asked);
  CHECK(Enough(b, Part::kHeap) == Bytes{});
}

TEST_CASE("what is learnt and forgotten in turns takes twice as many runs each time to forget",
          "[recommend][safety]") {
  HistoryBuilder b;
  const auto size = DefaultSize(4096);
  int number = 0;
  for (const auto expected : {3, 6, 12, 24, 48, 48}) {
    const auto application = "dies-" + std::to_string(++number);
    b.Oom(b.Start(application, size), OomKind::kContainer);
    b.EndApplication(application);
    int runs = 0;
    for (; b.Shape().AsksForMore() && runs < 100; ++runs) {
      b.Run("app-" + std::to_string(++number), size, MiB(2000));
    }
    CHECK(runs == expected);
  }
  // Who submits another size knows something of the job.
  b.Run("larger", DefaultSize(6144), MiB(2000));
  CHECK(b.Shape().Of(Part::kOutside).RefutationsNeeded() == 3);
}

}  // namespace
}  // namespace sparkfit::recommend
