// SPDX-License-Identifier: Apache-2.0
//
// Numeric cases of kubernetes/autoscaler's vertical-pod-autoscaler at commit 55c37cd5eb: those of
// its own tests (histogram_options_test.go, histogram_test.go, decaying_histogram_test.go) and
// values that real clusters printed. Left out, because this histogram has no such operation:
// SubtractSample (nothing is ever subtracted) and VPA's quantised checkpoints (ours are exact).
#include "sparkfit/model/histogram.h"

#include <catch2/catch.hpp>
#include <cmath>

namespace sparkfit::model {
namespace {

using std::chrono::hours;

// A multiple of every half-life used here, so that weights are added as they are.
const base::Time kStart{hours(24) * 14000};

DecayingHistogram Daily(const Buckets& buckets) { return {buckets, hours(24)}; }

double Gi(double n) { return n * 1024 * 1024 * 1024; }

// VPA's margin: truncated to bytes before and after.
std::int64_t WithMargin(double percentile, double margin) {
  const auto whole = static_cast<std::int64_t>(percentile);
  return whole + static_cast<std::int64_t>(static_cast<double>(whole) * margin);
}

TEST_CASE("linear buckets are VPA's", "[model][histogram]") {
  const auto buckets = Buckets::Linear(5.0, 0.3, 1e-15);
  CHECK(buckets.Count() == 18);
  CHECK(buckets.Start(0) == 0.0);
  CHECK(buckets.Find(-1.0) == 0);
  CHECK(buckets.Find(1.3) == 4);
  CHECK(buckets.Find(1e9) == 17);
}

TEST_CASE("exponential buckets are VPA's", "[model][histogram]") {
  const auto buckets = Buckets::Exponential(500.0, 40.0, 1.5, 1e-15);
  CHECK(buckets.Count() == 6);
  CHECK(buckets.Start(0) == 0.0);
  CHECK(buckets.Start(2) == Approx(100.0));
  CHECK(buckets.Start(4) == Approx(325.0));
  CHECK(buckets.Find(-1.0) == 0);
  CHECK(buckets.Find(std::nan("")) == 0);
  CHECK(buckets.Find(40.0) == 1);
  CHECK(buckets.Find(900.0) == 5);
}

TEST_CASE("memory buckets are VPA's production options", "[model][histogram]") {
  const auto& buckets = MemoryBuckets();
  CHECK(buckets.Count() == 176);
  CHECK(buckets.Start(1) == Approx(1e7));
  CHECK(buckets.Start(3) == Approx(31525000));
  CHECK(buckets.Start(50) == Approx(2093479957.151));
  CHECK(buckets.Start(150) == Approx(301395499210.610));
  CHECK(buckets.Start(175) == Approx(1021109408904.865));
}

TEST_CASE("an empty histogram has percentile 0 everywhere", "[model][histogram]") {
  const auto buckets = Buckets::Linear(10.0, 1.0, 1e-15);
  const auto histogram = Daily(buckets);
  CHECK(histogram.Empty());
  for (const double p : {-0.5, 0.0, 0.5, 1.0, 1.5}) CHECK(histogram.Percentile(p) == 0.0);
}

TEST_CASE("percentiles outside 0 to 1 are clamped, the last bucket gives its start",
          "[model][histogram]") {
  const auto buckets = Buckets::Linear(1.0, 0.1, 1e-15);
  auto histogram = Daily(buckets);
  histogram.Add(0.1, 0.1, kStart);
  histogram.Add(0.2, 0.2, kStart);
  CHECK(histogram.Percentile(-0.1) == Approx(0.2));
  CHECK(histogram.Percentile(1.1) == Approx(0.3));
  histogram.Add(0.0, 0.1, kStart);
  histogram.Add(1.0, 0.2, kStart);
  CHECK(histogram.Percentile(-0.1) == Approx(0.1));
  CHECK(histogram.Percentile(1.1) == Approx(1.0));
}

TEST_CASE("a bucket lighter than epsilon does not make a histogram empty again",
          "[model][histogram]") {
  const double epsilon = 1e-15;
  const auto buckets = Buckets::Linear(1.0, 0.1, epsilon);
  auto histogram = Daily(buckets);
  histogram.Add(9.9, 3 * epsilon, kStart);
  CHECK_FALSE(histogram.Empty());
  histogram.Add(0.1, 0.3 * epsilon, kStart);
  CHECK_FALSE(histogram.Empty());
  histogram.Add(999.9, 0.3 * epsilon, kStart);
  CHECK_FALSE(histogram.Empty());
}

TEST_CASE("weights without decay give VPA's percentiles", "[model][histogram]") {
  const auto buckets = Buckets::Linear(10.0, 1.0, 1e-15);
  DecayingHistogram histogram(buckets, hours(1));
  for (int i = 1; i <= 4; ++i) histogram.Add(i, i, kStart);
  const std::pair<double, double> expected[] = {{0, 2},   {0.1, 2}, {0.2, 3}, {0.3, 3},
                                                {0.4, 4}, {0.5, 4}, {0.6, 4}, {0.7, 5},
                                                {0.8, 5}, {0.9, 5}, {1, 5}};
  for (const auto& [p, value] : expected) {
    INFO("p = " << p);
    CHECK(histogram.Percentile(p) == value);
  }
}

TEST_CASE("a sample of 101 half-lives ago no longer counts", "[model][histogram]") {
  const auto buckets = Buckets::Linear(10.0, 1.0, 1e-15);
  DecayingHistogram histogram(buckets, hours(1));
  const base::Time start{std::chrono::seconds(1234567890)};
  histogram.Add(2, 1, start);
  histogram.Add(1, 1, start + hours(101));
  CHECK(histogram.Percentile(1.0) == 2);  // the end of bucket 1; the sample at 2 would give 3
}

TEST_CASE("one sample is reported as the end of its bucket, with VPA's margins",
          "[model][histogram]") {
  struct Case {
    double sample;
    std::size_t bucket;
    double percentile;
    std::int64_t plus15;
    std::int64_t plus40;
  };
  const Case cases[] = {{1e6, 0, 10000000, 11500000, 14000000},
                        {9999999, 0, 10000000, 11500000, 14000000},
                        {1e8, 8, 110265643.196, 126805489, 154371900},
                        {Gi(0.5), 26, 546691264.468, 628694953, 765367769},
                        {Gi(1), 37, 1077095457.982, 1238659775, 1507933639},
                        {Gi(2), 50, 2208153955.008, 2539377048, 3091415537},
                        {Gi(8), 77, 8790737608.498, 10109348249, 12307032651},
                        {Gi(32), 105, 35044852475.307, 40301580346, 49062793465},
                        {Gi(128), 133, 137964373169.128, 158659029144, 193150122436},
                        {Gi(512), 162, 568503294415.034, 653778788577, 795904612181},
                        {2e12, 175, 1021109408904.865, 1174275820239, 1429553172465}};
  for (const auto& c : cases) {
    INFO("sample " << c.sample);
    auto histogram = Daily(MemoryBuckets());
    histogram.Add(c.sample, 1, kStart + hours(5));
    CHECK(MemoryBuckets().Find(c.sample) == c.bucket);
    for (const double p : {0.0, 0.5, 0.9, 1.0}) {
      CHECK(histogram.Percentile(p) == Approx(c.percentile).margin(0.001));
    }
    // A bucket's start may come out just below the exact value: ±2 bytes.
    CHECK(std::abs(WithMargin(histogram.Percentile(0.9), 0.15) - c.plus15) <= 2);
    CHECK(std::abs(WithMargin(histogram.Percentile(0.9), 0.40) - c.plus40) <= 2);
  }
}

TEST_CASE("margins agree with what real VPAs printed", "[model][histogram]") {
  const std::int64_t printed[] = {11500000,  36253748,  63544758,  93633096,  126805489, 163378051,
                                  203699302, 248153480, 297164212, 351198544, 410771395, 476450463};
  for (std::size_t i = 0; i < std::size(printed); ++i) {
    const double end = MemoryBuckets().Start(2 * i + 1);
    CHECK(std::abs(WithMargin(end, 0.15) - printed[i]) <= 2);
  }
}

TEST_CASE("one OOM among nine equal peaks no longer moves the 90th percentile",
          "[model][histogram]") {
  for (int n = 1; n <= 12; ++n) {
    auto histogram = Daily(MemoryBuckets());
    for (int i = 0; i < n; ++i) histogram.Add(Gi(4), 1, kStart);
    histogram.Add(Gi(4.8), 1, kStart);
    INFO(n << " peaks");
    CHECK(histogram.Percentile(0.9) == Approx(n < 9 ? 5319532976.964 : 4340933439.844));
  }
}

TEST_CASE("a tenth of high peaks shows at p95, not at p90", "[model][histogram]") {
  auto histogram = Daily(MemoryBuckets());
  for (int i = 0; i < 9; ++i) histogram.Add(Gi(4), 1, kStart);
  histogram.Add(Gi(8), 1, kStart);
  CHECK(histogram.Percentile(0.90) == Approx(4340933440));
  CHECK(histogram.Percentile(0.95) == Approx(8790737608));
}

TEST_CASE("a hundred evenly spread peaks give VPA's percentiles", "[model][histogram]") {
  auto histogram = Daily(MemoryBuckets());
  for (int i = 1; i <= 100; ++i) histogram.Add(i * 100 * 1048576.0, 1, kStart);
  CHECK(histogram.Percentile(0.0) == Approx(110265643));
  CHECK(histogram.Percentile(0.5) == Approx(5319532976.964));
  CHECK(histogram.Percentile(0.9) == Approx(9712288213.369));
  CHECK(histogram.Percentile(0.95) == Approx(10207902624.037));
  CHECK(histogram.Percentile(0.99) == Approx(10728297755.239));
  CHECK(histogram.Percentile(1.0) == Approx(10728297755.239));
  CHECK(WithMargin(histogram.Percentile(0.9), 0.40) == Approx(13597203498).margin(2));
}

TEST_CASE("the first sample sets the reference to the nearest multiple of the half-life",
          "[model][histogram]") {
  struct Case {
    int hour;
    double weight;
  };
  const Case cases[] = {{0, 1},
                        {6, 1.189207115},
                        {11, 1.373953647},
                        {12, 0.707106781},
                        {13, 0.727826591},
                        {18, 0.840896415},
                        {23, 0.971531941}};
  for (const auto& c : cases) {
    INFO("hour " << c.hour);
    auto histogram = Daily(MemoryBuckets());
    histogram.Add(Gi(1), 1, kStart + hours(c.hour));
    const auto state = histogram.Save();
    CHECK(state.reference == (c.hour < 12 ? kStart : kStart + hours(24)));
    REQUIRE(state.weights.size() == 1);
    CHECK(state.weights[0] == Approx(c.weight).epsilon(1e-9));
  }
}

TEST_CASE("a sample counts half of one that came a half-life later", "[model][histogram]") {
  // Weights 1 and 2: a third of the weight is at or below 1 GiB.
  auto histogram = Daily(MemoryBuckets());
  histogram.Add(Gi(1), 1, kStart);
  histogram.Add(Gi(2), 1, kStart + hours(24));
  CHECK(histogram.Percentile(0.33) == Approx(1077095457.982));
  CHECK(histogram.Percentile(0.34) == Approx(2208153955.008));
}

TEST_CASE("merging aligns references and leaves its argument alone", "[model][histogram]") {
  auto older = Daily(MemoryBuckets());
  older.Add(Gi(1), 1, kStart);
  auto newer = Daily(MemoryBuckets());
  newer.Add(Gi(2), 1, kStart + hours(24 * 150));
  newer.Add(Gi(3), 1, kStart + hours(24 * 150));
  const auto before = newer.Save();
  auto merged = older;
  merged.Merge(newer);
  CHECK(newer.Save().weights == before.weights);
  CHECK(newer.Save().reference == before.reference);
  CHECK(merged.Percentile(0.0) == Approx(2208153955.008));  // 2^-150 of 1 GiB is nothing
}

TEST_CASE("another half-life keeps the proportions learnt so far", "[model][histogram]") {
  auto histogram = Daily(MemoryBuckets());
  histogram.Add(Gi(1), 1, kStart);
  histogram.Add(Gi(2), 1, kStart + hours(24));  // twice the weight of the first
  histogram.SetHalfLife(hours(1));
  CHECK(histogram.Percentile(0.33) == Approx(1077095457.982));
  CHECK(histogram.Percentile(0.34) == Approx(2208153955.008));
  // An hour after the newest the weights are 0.5, 1 and 2: the first is a seventh.
  histogram.Add(Gi(4), 1, kStart + hours(25));
  CHECK(histogram.Percentile(0.14) == Approx(1077095457.982));
  CHECK(histogram.Percentile(0.15) == Approx(2208153955.008));
  CHECK(histogram.Percentile(0.44) == Approx(4340933439.844));
}

TEST_CASE("a damaged state is refused and changes nothing", "[model][histogram]") {
  auto histogram = Daily(MemoryBuckets());
  histogram.Add(Gi(4), 1, kStart);
  const auto good = histogram.Save();
  auto state = good;
  SECTION("a bucket that does not exist") { state.first = 176; }
  SECTION("a first bucket beyond all arithmetic") { state.first = ~std::size_t{0}; }
  SECTION("a negative weight") { state.weights[0] = -1; }
  SECTION("a weight that is no number") { state.weights[0] = std::nan(""); }
  SECTION("an infinite weight") { state.weights[0] = INFINITY; }
  SECTION("a total that is not the sum") { state.total = 2; }
  SECTION("too many buckets") { state.weights.resize(200); }
  CHECK_FALSE(histogram.Load(state));
  CHECK(histogram.Save().weights == good.weights);
}

}  // namespace
}  // namespace sparkfit::model
