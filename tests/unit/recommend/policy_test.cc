// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/recommend/policy.h"

#include <catch2/catch.hpp>

namespace sparkfit::recommend {
namespace {

using base::Bytes;
using base::GiB;
using base::MiB;

const base::Time kNow{std::chrono::hours(24 * 20000)};

model::DecayingHistogram Peaks(std::initializer_list<Bytes> peaks) {
  model::DecayingHistogram histogram(model::MemoryBuckets(), std::chrono::hours(24));
  for (const auto peak : peaks) histogram.Add(static_cast<double>(peak.value), 1, kNow);
  return histogram;
}

TEST_CASE("a policy is named with its options", "[recommend][policy]") {
  const auto policy =
      ParsePolicy("percentile:percentile=0.99,margin=0.15,oomBump=1.5,oomBumpMin=1Gi,halfLife=48h");
  REQUIRE(policy.has_value());
  CHECK(policy->kind == PolicyKind::kPercentile);
  CHECK(policy->percentile == 0.99);
  CHECK(policy->margin == 0.15);
  CHECK(policy->oom_bump == 1.5);
  CHECK(policy->oom_bump_min == GiB(1));
  CHECK(policy->half_life == std::chrono::hours(48));
  CHECK(ParsePolicy(Format(*policy)) == *policy);
}

TEST_CASE("the defaults are the published formula: p90, 40 %, +20 % per OOM",
          "[recommend][policy]") {
  const auto policy = ParsePolicy("percentile");
  REQUIRE(policy.has_value());
  CHECK(*policy == Policy{});
  CHECK(Format(*policy) ==
        "percentile:percentile=0.9,margin=0.4,oomBump=1.2,oomBumpMin=100Mi,halfLife=24h");
  CHECK(ParsePolicy("max")->margin == 0.15);
}

TEST_CASE("adaptive has one dial, with names for three positions", "[recommend][policy]") {
  const auto policy = ParsePolicy("adaptive");
  REQUIRE(policy.has_value());
  CHECK(Format(*policy) == "adaptive:risk=1,oomBump=2,oomBumpMin=100Mi,halfLife=24h");
  CHECK(ParsePolicy("adaptive:risk=thrifty")->risk == 0.5);
  CHECK(*ParsePolicy("adaptive:risk=balanced") == *policy);
  CHECK(ParsePolicy("adaptive:risk=safe")->risk == 2);
  const auto other = ParsePolicy("adaptive:risk=0.7,oomBump=3");
  CHECK(other->risk == 0.7);
  CHECK(*ParsePolicy(Format(*other)) == *other);
}

TEST_CASE("adaptive's band reaches from the largest run to a dial four times as high",
          "[recommend][policy]") {
  const auto none = Peaks({});
  model::RunRing runs;
  runs.Add(1, 0, GiB(1), std::chrono::hours(1));
  const auto estimate =
      EstimateNeed(*ParsePolicy("adaptive"), {none, {}, {}, runs.Runs(), nullptr});
  REQUIRE(estimate.has_value());
  CHECK(estimate->lower == GiB(1));
  CHECK(estimate->target > estimate->lower);
  CHECK(
      estimate->upper ==
      EstimateNeed(*ParsePolicy("adaptive:risk=4"), {none, {}, {}, runs.Runs(), nullptr})->target);
  CHECK(estimate->basis == GiB(1));
  CHECK(estimate->adaptive->runs == 1);
  CHECK_FALSE(EstimateNeed(*ParsePolicy("adaptive"), {none, {}, {}}).has_value());
}

TEST_CASE("what is no policy is refused with what is known", "[recommend][policy]") {
  struct Case {
    const char* text;
    const char* said;
  };
  const Case cases[] = {{"", "percentile, adaptive, max, request"},
                        {"p90", "percentile, adaptive, max, request"},
                        {"percentile:", "halfLife"},
                        {"percentile:margn=0.4", "margn"},
                        {"percentile:margin", "margin="},
                        {"percentile:margin=", "not a number"},
                        {"percentile:margin=nan", "not a number"},
                        {"percentile:margin=-0.1", "-0.1"},
                        {"percentile:percentile=1.01", "1.01"},
                        {"percentile:margin=0.4,", "halfLife"},
                        {"percentile:halfLife=0s", "1m"},
                        {"percentile:oomBumpMin=100MB", "100Mi?"},
                        {"percentile:oomBumpMin=100m", "0.1 bytes in Kubernetes; 100Mi?"},
                        {"percentile:oomBumpMin=100", "100Mi?"},
                        {"percentile:percentile=90", "; 0.9?"},
                        {"percentile:margin=40%", "; 0.4?"},
                        {"percentile:oomBump=120", "; 1.2?"},
                        {"adaptve", "; adaptive?"},
                        {"Percentile", "; percentile?"},
                        {"percentile:halflife=24h", "; halfLife?"},
                        {"adaptive:oom-bump=2", "; oomBump?"},
                        {"adaptive:risk=Safe", "; safe?"},
                        {"percentile:oomBump=1,oomBumpMin=0", "change nothing"},
                        {"percentile:risk=1", "unknown option"},
                        {"adaptive:margin=0.4", "known: risk"},
                        {"adaptive:risk=bold", "not a number"},
                        {"adaptive:risk=-1", "-1"},
                        {"max:margin=0.1;oomBump=2", "0.1;oomBump=2"}};
  for (const auto& c : cases) {
    INFO(c.text);
    const auto policy = ParsePolicy(c.text);
    REQUIRE_FALSE(policy.has_value());
    CHECK(policy.error().code == base::Code::kInvalidArgument);
    CHECK_THAT(policy.error().message, Catch::Contains(c.said));
  }
}

TEST_CASE("percentile is VPA's bucket end and a margin, each cut to bytes", "[recommend][policy]") {
  // One peak of 1 GiB: bucket end 1077095457.982, + 40 % = 1507933639 (vectors of VPA's buckets).
  const auto peaks = Peaks({GiB(1)});
  const auto estimate = EstimateNeed(Policy{}, {peaks, GiB(1), GiB(2)});
  REQUIRE(estimate.has_value());
  CHECK(std::abs(estimate->target.value - 1507933639) <= 2);
  CHECK(estimate->lower == estimate->target);
  CHECK(estimate->upper == estimate->target);
  CHECK(std::abs(estimate->basis.value - 1077095457) <= 1);
}

TEST_CASE("bounds are the 50th and the 95th percentile", "[recommend][policy]") {
  // Nine at 4 GiB and one at 8 GiB: p50 = p90 = 4340933439, p95 = 8790737608; × 1.4.
  const auto peaks =
      Peaks({GiB(4), GiB(4), GiB(4), GiB(4), GiB(4), GiB(4), GiB(4), GiB(4), GiB(4), GiB(8)});
  const auto estimate = EstimateNeed(Policy{}, {peaks, GiB(8), {}});
  REQUIRE(estimate.has_value());
  CHECK(std::abs(estimate->target.value - 6077306814) <= 2);
  CHECK(estimate->lower == estimate->target);
  CHECK(std::abs(estimate->upper.value - 12307032651) <= 2);
}

TEST_CASE("an estimate is at least 100 MiB", "[recommend][policy]") {
  const auto peaks = Peaks({MiB(1)});
  const auto estimate = EstimateNeed(Policy{}, {peaks, MiB(1), {}});
  REQUIRE(estimate.has_value());
  CHECK(estimate->target == MiB(100));
}

TEST_CASE("max and request are what they say", "[recommend][policy]") {
  const auto peaks = Peaks({MiB(100), MiB(2000)});
  const Evidence evidence{peaks, MiB(2000), MiB(4000)};
  CHECK(EstimateNeed(*ParsePolicy("max"), evidence)->target == MiB(2300));
  CHECK(EstimateNeed(*ParsePolicy("request"), evidence)->target == MiB(4000));
}

TEST_CASE("without evidence there is no estimate, never a zero", "[recommend][policy]") {
  const auto none = Peaks({});
  for (const auto* name : {"percentile", "max", "request"}) {
    INFO(name);
    CHECK_FALSE(EstimateNeed(*ParsePolicy(name), {none, {}, {}}).has_value());
  }
}

}  // namespace
}  // namespace sparkfit::recommend
