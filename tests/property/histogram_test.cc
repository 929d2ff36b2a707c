// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/model/histogram.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <cmath>

namespace sparkfit::model {
namespace {

struct Sample {
  double value;
  base::Time time;
};

// Peaks from 4 bytes to half a TiB, the histogram's range, within some 200 days.
rc::Gen<Sample> AnySample() {
  return rc::gen::map(
      rc::gen::pair(rc::gen::inRange<std::int64_t>(20, 390), rc::gen::inRange(0, 5000)),
      [](const auto& drawn) {
        return Sample{std::exp2(static_cast<double>(drawn.first) / 10.0),
                      base::Time(std::chrono::hours(480000 + drawn.second))};
      });
}

auto Samples() { return rc::gen::container<std::vector<Sample>>(AnySample()); }

DecayingHistogram Of(const std::vector<Sample>& samples, base::Duration shift = {}) {
  DecayingHistogram histogram(MemoryBuckets(), std::chrono::hours(24));
  for (const auto& sample : samples) histogram.Add(sample.value, 1, sample.time + shift);
  return histogram;
}

// Percentiles are bucket ends; sums in another order may differ in the last bit and so, at a tie,
// by a bucket. A share that hits no tie is compared exactly.
bool SamePercentiles(const DecayingHistogram& a, const DecayingHistogram& b) {
  for (const double p : {0.0173, 0.3331, 0.5017, 0.9031, 0.9973}) {
    if (a.Percentile(p) != b.Percentile(p)) return false;
  }
  return a.Empty() == b.Empty();
}

TEST_CASE("percentiles grow with the share", "[property]") {
  REQUIRE(rc::check([] {
    const auto histogram = Of(*Samples());
    double before = 0;
    for (int i = 0; i <= 100; ++i) {
      const double value = histogram.Percentile(i / 100.0);
      RC_ASSERT(value >= before);
      before = value;
    }
  }));
}

TEST_CASE("the whole share covers the largest recent value, within a bucket", "[property]") {
  REQUIRE(rc::check([] {
    auto samples = *Samples();
    RC_PRE(!samples.empty());
    for (auto& sample : samples) sample.time = samples.front().time;
    double largest = 0;
    for (const auto& sample : samples) largest = std::max(largest, sample.value);
    const double all = Of(samples).Percentile(1.0);
    RC_ASSERT(all > largest);
    RC_ASSERT(all <= std::max(1e7, largest * 1.05 + 1e7));
  }));
}

TEST_CASE("merging is commutative", "[property]") {
  REQUIRE(rc::check([] {
    const auto a = Of(*Samples());
    const auto b = Of(*Samples());
    auto ab = a;
    ab.Merge(b);
    auto ba = b;
    ba.Merge(a);
    RC_ASSERT(SamePercentiles(ab, ba));
  }));
}

TEST_CASE("merging is adding the samples of both", "[property]") {
  REQUIRE(rc::check([] {
    const auto first = *Samples();
    const auto second = *Samples();
    auto merged = Of(first);
    merged.Merge(Of(second));
    auto all = first;
    all.insert(all.end(), second.begin(), second.end());
    RC_ASSERT(SamePercentiles(merged, Of(all)));
  }));
}

TEST_CASE("percentiles do not change when all times shift", "[property]") {
  REQUIRE(rc::check([] {
    const auto samples = *Samples();
    const auto shift = std::chrono::minutes(*rc::gen::inRange(0, 1000000));
    RC_ASSERT(SamePercentiles(Of(samples), Of(samples, shift)));
  }));
}

TEST_CASE("saving and loading is the identity", "[property]") {
  REQUIRE(rc::check([] {
    const auto samples = *Samples();
    auto histogram = Of(samples);
    DecayingHistogram loaded(MemoryBuckets(), std::chrono::hours(24));
    RC_ASSERT(loaded.Load(histogram.Save()));
    RC_ASSERT(loaded.Save().weights == histogram.Save().weights);
    // And it goes on alike.
    const auto next = *AnySample();
    histogram.Add(next.value, 1, next.time);
    loaded.Add(next.value, 1, next.time);
    for (const double p : {0.0, 0.1, 0.5, 0.9, 1.0}) {
      RC_ASSERT(loaded.Percentile(p) == histogram.Percentile(p));
    }
  }));
}

}  // namespace
}  // namespace sparkfit::model
