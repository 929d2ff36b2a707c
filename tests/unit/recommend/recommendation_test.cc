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
  b.history.EndApplication("app-2");
  CHECK(Ask(b).target == MiB(kFor1GiB));
}

TEST_CASE("after an OOM the target is at least what the OOM asked for", "[recommend]") {
  HistoryBuilder b;
  b.Oom(b.Start("app-1", Size(970, 900)), OomKind::kContainer);
  b.history.EndApplication("app-1");
  const auto recommendation = Ask(b);
  // The peak counts as 970 MiB, p90 × 1.4 is far above; the guard holds it at what the OOM asked.
  CHECK(recommendation.target == MiB(1164));
  REQUIRE(recommendation.split.has_value());
  CHECK(recommendation.split->heap == MiB(900));
  CHECK(recommendation.split->overhead == MiB(264));
}

TEST_CASE("the floor speaks even where nothing was ever sampled", "[recommend]") {
  HistoryBuilder b;
  b.Oom(b.Start("app-1", DefaultSize(1000)), OomKind::kHeap);
  const auto recommendation = Ask(b);
  CHECK_FALSE(recommendation.uncapped.has_value());
  // The submitted size is 1384; the floor is 1200 + 384.
  CHECK(recommendation.target == MiB(1584));
  CHECK(recommendation.lower == MiB(1584));
  CHECK(Decided(recommendation, Stage::kFloor));
  CHECK_THAT(Why(b), Catch::Contains("heap OOM at 1,000 MiB") && Catch::Contains("1,200 MiB"));
}

TEST_CASE("the user's bounds come last, the ceiling after the min", "[recommend]") {
  HistoryBuilder b;
  b.Run("app-1", DefaultSize(8192), GiB(1));
  CHECK(Ask(b, {GiB(2), {}}).target == GiB(2));
  CHECK(Ask(b, {{}, GiB(1)}).target == GiB(1));
  CHECK(Ask(b, {GiB(4), GiB(2)}).target == GiB(2));
  CHECK(Ask(b, {GiB(4), {}}, GiB(3)).target == GiB(3));      // the largest node
  CHECK(Ask(b, {GiB(4), GiB(5)}, GiB(3)).target == GiB(4));  // the object's max wins over it
  b.safety.max_memory = MiB(1200);
  CHECK(Ask(b, {}, GiB(3)).target == MiB(1200));
  CHECK_THAT(Why(b, {}, GiB(3)), Catch::Contains("configured ceiling"));
}

TEST_CASE("what is cut to a ceiling fits it in whole MiB", "[recommend]") {
  HistoryBuilder b;
  b.Run("app-1", DefaultSize(30000), GiB(28));
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

TEST_CASE("a step caps the change per run and never delays a floor", "[recommend]") {
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
    const auto total = oom.history.floor ? oom.history.floor->Total() : DefaultSize(1000).limit;
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

TEST_CASE("the explanation's arithmetic can be redone", "[recommend]") {
  HistoryBuilder b;
  b.Run("app-1", DefaultSize(8192), GiB(1));
  // 1077095457 / 2^20 = 1027.2; × 1.4 = 1438.08.
  CHECK(Why(b) ==
        "p90 of 1 executor peak (half-life 24h) is 1,027.2 MiB; 1,027.2 MiB × 1.4 = 1,438.1 MiB, "
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
