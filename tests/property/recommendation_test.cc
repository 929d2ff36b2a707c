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

// The same runs of executors with one core, in one history beside others with four.
struct Mixed {
  HistoryBuilder alone{*ParsePolicy("adaptive")};
  HistoryBuilder mixed{*ParsePolicy("adaptive")};
  bool others_died = false;

  void Run(const std::string& application) {
    const auto small = test::DefaultSize(4096);
    const int executors = *rc::gen::inRange(1, 4);
    for (int i = 0; i < executors; ++i) {
      const auto peak = MiB(*rc::gen::inRange(300, 4000));
      const auto how = *rc::gen::inRange(0, 6);
      for (auto* b : {&alone, &mixed}) Live(*b, application, small, "1", peak, how);
      if (*rc::gen::arbitrary<bool>()) RunOther(application);
    }
    for (auto* b : {&alone, &mixed}) b->EndApplication(application);
  }

 private:
  void RunOther(const std::string& application) {
    const auto how = *rc::gen::inRange(0, 6);
    const auto peak = MiB(*rc::gen::inRange(300, 20000));
    Live(mixed, application, test::DefaultSize(*rc::gen::element(2048, 4096, 16384)), "4", peak,
         how);
    others_died = others_died || how < 2;
    alone.now = mixed.now;
  }

  static void Live(HistoryBuilder& b, const std::string& application,
                   const model::ExecutorSize& size, const std::string& cores, Bytes peak, int how) {
    const auto uid = b.Start(application, size, cores);
    b.Sample(uid, peak);
    if (how == 0) return b.Oom(uid, model::OomKind::kContainer);
    if (how == 1) return b.Oom(uid, model::OomKind::kHeap);
    b.End(uid);
  }
};

TEST_CASE("executors with other cores in the same application teach nothing", "[property]") {
  REQUIRE(rc::check([] {
    Mixed story;
    const int runs = *rc::gen::inRange(1, 8);
    for (int i = 0; i < runs; ++i) story.Run("app-" + std::to_string(i));
    const auto& alone = story.alone.Shape();
    const auto& mixed = story.mixed.Shape();
    RC_ASSERT(mixed.shape == alone.shape);
    RC_ASSERT(mixed.submitted == alone.submitted);
    RC_ASSERT(mixed.largest_limit == alone.largest_limit);
    RC_ASSERT(story.mixed.history.ProvenPeak() == story.alone.history.ProvenPeak());
    for (const auto part : {model::Part::kHeap, model::Part::kOutside}) {
      RC_ASSERT(mixed.Of(part).enough >= alone.Of(part).enough);
      RC_ASSERT(alone.AsksForMore() || !mixed.AsksForMore() || story.others_died);
      // A run in which others died shows less of what is enough, and never more.
      RC_ASSERT(mixed.Of(part).too_small >= alone.Of(part).too_small);
      RC_ASSERT(mixed.Of(part).roomiest <= alone.Of(part).roomiest);
    }
    if (story.others_died) return;
    RC_ASSERT(mixed.brackets == alone.brackets);
    RC_ASSERT(mixed.well == alone.well);
    const auto of_mixed = Recommend(story.mixed.history, story.mixed.ContextWith());
    const auto of_alone = Recommend(story.alone.history, story.alone.ContextWith());
    RC_ASSERT(of_mixed.target == of_alone.target);
    RC_ASSERT(of_mixed.lower == of_alone.lower);
    RC_ASSERT(of_mixed.upper == of_alone.upper);
    RC_ASSERT(of_mixed.bounds == of_alone.bounds);
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
