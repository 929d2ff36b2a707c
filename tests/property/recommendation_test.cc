// SPDX-License-Identifier: Apache-2.0
//
// Any life of a job, drawn at random: whatever happened, a recommendation keeps its promises.
#include "sparkfit/recommend/recommendation.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>

#include "history_builder.h"

namespace sparkfit::recommend {
namespace {

using base::Bytes;
using base::MiB;
using test::HistoryBuilder;

model::ExecutorSize AnySize() {
  const auto heap = *rc::gen::inRange<std::int64_t>(300, 60000);
  const auto overhead = *rc::gen::element<std::int64_t>(0, 70, 384, heap / 10, heap * 4 / 10, 4096);
  return {MiB(heap + overhead),
          *rc::gen::arbitrary<bool>() ? std::optional(MiB(heap)) : std::nullopt};
}

// One run: executors of one size, sampled or not, that end well or die.
void AnyRun(HistoryBuilder& b, int number) {
  const auto application = "app-" + std::to_string(number);
  const auto size = AnySize();
  const auto cores = *rc::gen::element<std::string>("1", "2");
  const int executors = *rc::gen::inRange(1, 4);
  for (int i = 0; i < executors; ++i) {
    const auto uid = b.Start(application, size, cores);
    const auto share = *rc::gen::inRange(1, 101);
    b.Sample(uid, {size.limit.value / 100 * share}, *rc::gen::inRange(0, 4));
    switch (*rc::gen::inRange(0, 6)) {
      case 0:
        b.Oom(uid, model::OomKind::kContainer);
        break;
      case 1:
        b.Oom(uid, model::OomKind::kHeap);
        break;
      case 2:
        break;  // still running
      default:
        b.End(uid);
    }
  }
  if (*rc::gen::arbitrary<bool>()) b.EndApplication(application);
}

HistoryBuilder AnyHistory() {
  Safety safety;
  safety.step = *rc::gen::element(0.0, 0.3);
  HistoryBuilder b(
      *ParsePolicy(*rc::gen::element<std::string>("percentile", "adaptive", "max", "request")),
      safety);
  const int runs = *rc::gen::inRange(0, 8);
  for (int i = 0; i < runs; ++i) AnyRun(b, i);
  return b;
}

Bounds AnyBounds() {
  Bounds bounds;
  if (*rc::gen::arbitrary<bool>()) bounds.min = MiB(*rc::gen::inRange(1, 9000));
  if (*rc::gen::arbitrary<bool>()) bounds.max = MiB(*rc::gen::inRange(1, 90000));
  return bounds;
}

TEST_CASE("lower ≤ target ≤ upper, none of them zero, heap and overhead make the target",
          "[property]") {
  REQUIRE(rc::check([] {
    const auto b = AnyHistory();
    const auto recommendation = Recommend(b.history, b.ContextWith(AnyBounds()));
    RC_ASSERT(recommendation.target.has_value() == recommendation.lower.has_value());
    RC_ASSERT(recommendation.target.has_value() == recommendation.upper.has_value());
    if (!recommendation.target) return;
    RC_ASSERT(recommendation.lower->value > 0);
    RC_ASSERT(*recommendation.lower <= *recommendation.target);
    RC_ASSERT(*recommendation.target <= *recommendation.upper);
    if (!recommendation.split) return;
    RC_ASSERT(recommendation.split->heap + recommendation.split->overhead ==
              *recommendation.target);
    RC_ASSERT(recommendation.split->heap >= kSmallestHeap);
    RC_ASSERT(recommendation.split->heap.value % Bytes::kMiB == 0);
  }));
}

TEST_CASE("the ceiling is never exceeded, and without one the user's min is kept", "[property]") {
  REQUIRE(rc::check([] {
    const auto b = AnyHistory();
    const auto bounds = AnyBounds();
    const auto recommendation = Recommend(b.history, b.ContextWith(bounds));
    if (!recommendation.target) return;
    if (bounds.max) RC_ASSERT(*recommendation.upper <= *bounds.max);
    if (bounds.min && !bounds.max) RC_ASSERT(*recommendation.lower >= *bounds.min);
  }));
}

TEST_CASE("without an OOM no run gets more than the largest limit that ran", "[property]") {
  REQUIRE(rc::check([] {
    HistoryBuilder b;
    const auto heap = MiB(*rc::gen::inRange(600, 30000));
    const model::ExecutorSize size{
        heap + model::DefaultOverhead(model::OverheadClass::kDefaultJvm, heap), heap};
    const int runs = *rc::gen::inRange(1, 20);
    for (int i = 0; i < runs; ++i) {
      b.Run("app-" + std::to_string(i), size, {*rc::gen::inRange<std::int64_t>(1, heap.value)});
      const auto recommendation = Recommend(b.history, b.ContextWith());
      RC_ASSERT(recommendation.target.has_value());
      RC_ASSERT(*recommendation.upper <= size.limit);
    }
  }));
}

TEST_CASE("heap and outside are both at least what OOMs asked for", "[property]") {
  REQUIRE(rc::check([] {
    const auto b = AnyHistory();
    const auto recommendation = Recommend(b.history, b.ContextWith());
    const auto* shape = b.history.CurrentShape();
    if (shape == nullptr || !shape->AsksForMore()) return;
    const auto bounds = BoundsAfterOoms(*shape);
    RC_ASSERT(recommendation.target.has_value());
    RC_ASSERT(*recommendation.target >= bounds.least_heap + bounds.least_outside);
    if (!recommendation.split) return;
    RC_ASSERT(recommendation.split->heap >= bounds.least_heap);
    RC_ASSERT(recommendation.split->overhead >= bounds.least_outside);
  }));
}

TEST_CASE("a total and a heap are never below what is proven to be enough", "[property]") {
  REQUIRE(rc::check([] {
    const auto b = AnyHistory();
    const auto recommendation = Recommend(b.history, b.ContextWith());
    const auto* shape = b.history.CurrentShape();
    if (!recommendation.target) return;
    const auto& well = shape->well.limit.value > 0 ? shape->well : shape->submitted;
    const Bytes peak = b.history.ProvenPeak();
    if (peak.value == 0) return;
    RC_ASSERT(*recommendation.target >= std::min(well.limit, peak));
    if (!recommendation.split || !well.heap) return;
    const Bytes needed{std::min(*well.heap, peak - MiB(120)).WholeMiB() * Bytes::kMiB};
    RC_ASSERT(recommendation.split->heap >= needed);
  }));
}

TEST_CASE("every history can be explained", "[property]") {
  REQUIRE(rc::check([] {
    const auto b = AnyHistory();
    const auto context = b.ContextWith(AnyBounds());
    const auto text = Explain(Recommend(b.history, context), b.history, context);
    RC_ASSERT(!text.empty());
    RC_ASSERT(text.find("nan") == std::string::npos);
  }));
}

}  // namespace
}  // namespace sparkfit::recommend
