// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/recommend/recommendation.h"

#include <catch2/catch.hpp>

#include "history_builder.h"

namespace sparkfit::recommend {
namespace {

using base::Bytes;
using base::GiB;
using base::MiB;
using model::OomKind;
using test::DefaultSize;
using test::HistoryBuilder;
using test::Size;

Recommendation Ask(const HistoryBuilder& b, Bounds bounds = {}, Bytes largest_node = {}) {
  return Recommend(b.history, b.ContextWith(bounds, largest_node));
}

std::string Why(const HistoryBuilder& b, Bounds bounds = {}, Bytes largest_node = {}) {
  const auto context = b.ContextWith(bounds, largest_node);
  return Explain(Recommend(b.history, context), b.history, context);
}

bool Decided(const Recommendation& recommendation, Stage stage) {
  return !recommendation.applied.empty() && recommendation.applied.back().stage == stage;
}

// A peak of 1 GiB is the bucket end 1077095457, + 40 % = 1507933639 = 1438.08 MiB → 1439.
constexpr std::int64_t kFor1GiB = 1439;

TEST_CASE("without a history a recommendation is absent, not zero", "[recommend]") {
  HistoryBuilder b;
  auto recommendation = Ask(b);
  CHECK_FALSE(recommendation.target.has_value());
  b.Start("app-1", DefaultSize(4096));
  recommendation = Ask(b);
  CHECK_FALSE(recommendation.target.has_value());
  CHECK_FALSE(recommendation.lower.has_value());
  CHECK_FALSE(recommendation.split.has_value());
  CHECK_THAT(Why(b), Catch::Contains("no recommendation"));
}

TEST_CASE("an over-provisioned job gets the policy's answer in whole MiB", "[recommend]") {
  HistoryBuilder b;
  b.Run("app-1", DefaultSize(8192), GiB(1));
  const auto recommendation = Ask(b);
  CHECK(recommendation.target == MiB(kFor1GiB));
  CHECK(recommendation.uncapped == MiB(kFor1GiB));
  CHECK(recommendation.applied.empty());
  REQUIRE(recommendation.split.has_value());
  CHECK(recommendation.split->heap == MiB(kFor1GiB - 384));
  CHECK(recommendation.split->overhead == MiB(384));
}

TEST_CASE("the guard holds the target at the largest limit that ran", "[recommend]") {
  HistoryBuilder b;
  b.Run("app-1", DefaultSize(900), GiB(1));  // limit 1284; 1024 is below 900 + 345.6
  const auto recommendation = Ask(b);
  CHECK(recommendation.target == MiB(1284));
  CHECK(recommendation.uncapped == MiB(kFor1GiB));
  CHECK(Decided(recommendation, Stage::kGuard));
  CHECK_THAT(Why(b), Catch::Contains("largest limit") && Catch::Contains("1,284 MiB"));
}

TEST_CASE("a recommendation is never too small for Spark to start", "[recommend]") {
  HistoryBuilder b;
  b.Run("app-1", DefaultSize(8192), MiB(200));
  const auto recommendation = Ask(b);
  CHECK(recommendation.target == MiB(896));
  CHECK(Decided(recommendation, Stage::kSmallest));
  CHECK(recommendation.split->heap == MiB(512));
}

TEST_CASE("a new shape is kept at what was submitted until a run of it has ended", "[recommend]") {
  HistoryBuilder b;
  b.Run("app-1", DefaultSize(8192), GiB(1), "4");
  const auto uid = b.Start("app-2", DefaultSize(16384), "8");
  auto recommendation = Ask(b);
  CHECK(recommendation.target == MiB(16384 + 1638));
  CHECK(Decided(recommendation, Stage::kShape));
  b.Sample(uid, GiB(1));
  b.End(uid);
  b.EndApplication("app-2");
  CHECK(Ask(b).target == MiB(kFor1GiB));
}

TEST_CASE("after an OOM the target is at least what the OOM asked for", "[recommend]") {
  HistoryBuilder b;
  b.Oom(b.Start("app-1", Size(970, 900)), OomKind::kContainer);
  b.EndApplication("app-1");
  const auto recommendation = Ask(b);
  // The peak counts as 970 MiB, p90 × 1.4 is far above; the guard holds it at what the OOM asked.
  CHECK(recommendation.target == MiB(1164));
  REQUIRE(recommendation.split.has_value());
  CHECK(recommendation.split->heap == MiB(900));
  CHECK(recommendation.split->overhead == MiB(264));
}

TEST_CASE("an OOM speaks even where nothing was ever sampled", "[recommend]") {
  HistoryBuilder b;
  b.Oom(b.Start("app-1", DefaultSize(1000)), OomKind::kHeap);
  const auto recommendation = Ask(b);
  CHECK_FALSE(recommendation.uncapped.has_value());
  // The submitted size is 1384; the OOM asks for 1200 + 384.
  CHECK(recommendation.target == MiB(1584));
  CHECK(recommendation.lower == MiB(1584));
  CHECK(Decided(recommendation, Stage::kOom));
  CHECK_THAT(Why(b), Catch::Contains("with 1,000 MiB of heap") && Catch::Contains("1,200 MiB"));
}

TEST_CASE("the user's bounds come last, the ceiling after the min", "[recommend]") {
  HistoryBuilder b;
  b.Run("app-1", DefaultSize(8192), GiB(1));
  CHECK(Ask(b, {GiB(2), {}}).target == GiB(2));
  CHECK(Ask(b, {{}, GiB(1)}).target == GiB(1));
  CHECK(Ask(b, {GiB(4), GiB(2)}).target == GiB(2));
  // The largest node, though not below the 9,011 MiB that executors ran with.
  CHECK(Ask(b, {GiB(4), {}}, GiB(3)).target == GiB(4));
  CHECK(Ask(b, {GiB(40), {}}, GiB(20)).target == GiB(20));
  CHECK(Ask(b, {GiB(4), GiB(5)}, GiB(3)).target == GiB(4));  // the object's max wins over it
  b.safety.max_memory = MiB(1200);
  CHECK(Ask(b, {}, GiB(3)).target == MiB(1200));
  CHECK_THAT(Why(b, {}, GiB(3)), Catch::Contains("configured ceiling"));
}

TEST_CASE("what is cut to a ceiling fits it in whole MiB", "[recommend]") {
  HistoryBuilder b;
  b.Run("app-1", DefaultSize(20000), GiB(19));
  b.Oom(b.Start("app-2", DefaultSize(28000)), OomKind::kHeap);
  // A node of 32,386,544 KiB; Spark is told whole MiB of heap and of overhead.
  const auto recommendation = Ask(b, {}, {32'386'544LL * 1024});
  CHECK(recommendation.target == MiB(31627));
  REQUIRE(recommendation.split);
  CHECK(recommendation.split->overhead == MiB(recommendation.split->overhead.WholeMiB()));
}

TEST_CASE("a ceiling below the smallest size leaves no split", "[recommend]") {
  HistoryBuilder b;
  b.Run("app-1", DefaultSize(8192), GiB(1));
  const auto recommendation = Ask(b, {{}, MiB(256)});
  CHECK(recommendation.target == MiB(256));
  CHECK_FALSE(recommendation.split.has_value());
}

TEST_CASE("a step caps the change per run and never delays what an OOM asks for", "[recommend]") {
  Safety safety;
  safety.step = 0.5;
  HistoryBuilder b({}, safety);
  b.Run("app-1", DefaultSize(8192), GiB(1));
  // Submitted 8192 + 819 = 9011; half of it is 4505.5, in whole MiB 4506.
  CHECK(Ask(b).target == MiB(4506));
  CHECK(Decided(Ask(b), Stage::kStep));
  HistoryBuilder oom({}, safety);
  oom.Run("app-1", DefaultSize(1000), MiB(700));
  for (int i = 0; i < 3; ++i) {
    const auto asked = oom.Shape().Of(model::Part::kOutside).enough;
    const auto total = asked.value > 0 ? MiB(1000) + asked : DefaultSize(1000).limit;
    oom.Oom(oom.Start("app-2", {total, MiB(1000)}, "1", DefaultSize(1000)), OomKind::kContainer);
  }
  // 1384 → 1661 (1.2 ×) → 3322 (2 ×) → 6644 (2 ×), though a step would allow 2076.
  CHECK(Ask(oom).target == MiB(6644));
}

TEST_CASE("an unknown heap gives a total without a split", "[recommend]") {
  HistoryBuilder b;
  b.Run("app-1", {GiB(8), std::nullopt}, GiB(1));
  const auto recommendation = Ask(b);
  CHECK(recommendation.target == MiB(kFor1GiB));
  CHECK_FALSE(recommendation.split.has_value());
}

TEST_CASE("a bare policy below the largest peak is raised to what is proven",
          "[recommend][proof]") {
  HistoryBuilder b(*ParsePolicy("percentile:percentile=0.5,margin=0"));
  for (int i = 0; i < 3; ++i) b.Run("small-" + std::to_string(i), DefaultSize(8192), GiB(1));
  b.Run("large", DefaultSize(8192), GiB(6));
  // A heap holds at most 6144 − 120 = 6024, beside it belong 602: 6626.
  const auto recommendation = Ask(b);
  CHECK(recommendation.target == MiB(6626));
  CHECK(Decided(recommendation, Stage::kProof));
  CHECK(recommendation.split->heap == MiB(6024));
  CHECK_THAT(Why(b), Catch::Contains("used up to 6,144 MiB"));
  b.safety.cover_peaks = false;
  CHECK(Ask(b).target == MiB(1028));  // the bucket's end
}

TEST_CASE("a freak peak is forgotten with its run, the 41st before the latest",
          "[recommend][proof]") {
  HistoryBuilder b;
  b.Run("freak", DefaultSize(8192), GiB(6));
  for (int i = 0; i < 39; ++i) b.Run("app-" + std::to_string(i), DefaultSize(8192), GiB(1));
  CHECK(Recommend(b.history, b.ContextWith()).proven_peak == GiB(6));
  b.Run("app-39", DefaultSize(8192), GiB(1));
  CHECK(Recommend(b.history, b.ContextWith()).proven_peak == GiB(1));
}

TEST_CASE("where no executor was sampled three times nothing is proven, and confidence is low",
          "[recommend][proof]") {
  HistoryBuilder b;
  for (int i = 0; i < 3; ++i) {
    const auto uid = b.Start("app-" + std::to_string(i), DefaultSize(8192));
    b.Sample(uid, GiB(1), 2);
    b.End(uid);
    b.EndApplication("app-" + std::to_string(i));
  }
  CHECK(Ask(b).target == MiB(kFor1GiB));
  CHECK(LowConfidence(b.history));
}

TEST_CASE("confidence is low again when the runs with many samples are forgotten",
          "[recommend][proof]") {
  HistoryBuilder b;
  for (const auto* run : {"a", "b"}) b.Run(run, DefaultSize(8192), GiB(1));
  CHECK_FALSE(LowConfidence(b.history));
  for (int i = 0; i < 40; ++i) {
    const auto uid = b.Start("app-" + std::to_string(i), DefaultSize(8192));
    b.Sample(uid, MiB(600), 2);
    b.End(uid);
    b.EndApplication("app-" + std::to_string(i));
  }
  CHECK(LowConfidence(b.history));
}

TEST_CASE("an OOM's limit is no proven peak", "[recommend][proof]") {
  HistoryBuilder b;
  const auto uid = b.Start("app-1", DefaultSize(8192));
  b.Sample(uid, GiB(1));
  b.Oom(uid, OomKind::kContainer);
  CHECK(b.history.ProvenPeak() == GiB(1));
  CHECK(b.history.LargestPeak() == DefaultSize(8192).limit);
}

TEST_CASE("a larger heap than all that was used is cut beside an explicit overhead",
          "[recommend][proof]") {
  // 8 GiB of heap and 32 GiB off-heap, 21 GiB in use: the heap stays.
  HistoryBuilder off_heap;
  for (const auto* run : {"a", "b"}) off_heap.Run(run, Size(40960, 8192), MiB(21000));
  CHECK(Ask(off_heap).split->heap == GiB(8));
  // 29 GiB of heap, 10 GiB in use: 1.1 × 10,240 = 11,264.
  HistoryBuilder heap;
  for (const auto* run : {"a", "b"}) heap.Run(run, Size(32768, 29789), MiB(10240));
  CHECK(Ask(heap).split->heap == MiB(11264));
}

TEST_CASE("what went well before says nothing once the job is submitted with another size",
          "[recommend][proof]") {
  HistoryBuilder b;
  const auto submitted = Size(12288, 6144);
  b.Run("a", Size(3000, 2000), MiB(1500), "1", submitted);
  CHECK(b.Shape().well == Size(3000, 2000));
  b.Start("b", Size(16384, 8192));
  CHECK(b.Shape().well.limit == MiB(0));
}

TEST_CASE("a request below the limit stays, and is never below what is in use", "[recommend]") {
  HistoryBuilder b;
  const auto run = [&](const std::string& name, Bytes request, Bytes peak) {
    const auto uid = b.Start(name, Size(10240, 2048));
    b.history.Start(
        uid + "-2",
        [&] {
          auto executor = b.Find(uid);
          executor.request = request;
          return executor;
        }(),
        b.now);
    b.Sample(uid, peak);
  };
  run("a", MiB(2432), MiB(2300));
  CHECK(Ask(b).target_request == MiB(2432));
  CHECK(Ask(b).target == MiB(3278));  // p90's bucket ends at 2341.3, × 1.4
  run("b", MiB(2432), MiB(3000));
  CHECK(Ask(b).target_request == MiB(3000));
  HistoryBuilder equal;
  equal.Run("a", DefaultSize(8192), GiB(1));
  CHECK(Ask(equal).target_request == Ask(equal).target);
}

TEST_CASE("a limit that was raised while executors ran is one that executors ran with",
          "[recommend]") {
  HistoryBuilder b;
  const auto uid = b.Start("a", DefaultSize(4096));
  b.Find(uid).size.limit = MiB(6000);
  b.Sample(uid, MiB(5800));
  CHECK(b.Shape().largest_limit == MiB(6000));
  CHECK(Ask(b).target == MiB(6000));
}

TEST_CASE("the explanation's arithmetic can be redone", "[recommend]") {
  HistoryBuilder b;
  b.Run("app-1", DefaultSize(8192), GiB(1));
  // 1077095457 / 2^20 = 1027.2; × 1.4 = 1438.08.
  CHECK(Why(b) ==
        "p90 of 1 executor peak (half-life 24h, the upper edge of its bucket) is 1,027.2 MiB; "
        "1,027.2 MiB × 1.4 = 1,438.1 MiB, "
        "rounded up to 1,439 MiB. Heap 1,055 MiB + overhead 384 MiB (Spark's default, max(10 % of "
        "heap, 384 MiB)). Low confidence: fewer than two executors were sampled three times or "
        "more.");
}

TEST_CASE("two well sampled executors are enough confidence", "[recommend]") {
  HistoryBuilder b;
  b.Run("app-1", DefaultSize(8192), GiB(1));
  CHECK(LowConfidence(b.history));
  b.Run("app-2", DefaultSize(8192), GiB(1));
  CHECK_FALSE(LowConfidence(b.history));
}

}  // namespace
}  // namespace sparkfit::recommend
