// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>

#include <cmath>
#include <vector>

#include "sparkfit/model/histogram.h"

namespace sparkfit::model {
namespace {

const base::Time kStart{std::chrono::hours(24 * 20000)};

// Peaks as executors of one job have them: within a factor of four, all over a day.
std::vector<std::pair<double, base::Time>> Peaks() {
  std::vector<std::pair<double, base::Time>> peaks;
  for (int i = 0; i < 1024; ++i) {
    peaks.emplace_back(1e9 * std::exp2(2.0 * ((i * 37) % 1024) / 1024.0),
                       kStart + std::chrono::seconds(i * 84));
  }
  return peaks;
}

void HistogramAdd(benchmark::State& state) {
  const auto peaks = Peaks();
  DecayingHistogram histogram(MemoryBuckets(), std::chrono::hours(24));
  std::size_t i = 0;
  for (auto _ : state) {
    const auto& [peak, time] = peaks[i++ % peaks.size()];
    histogram.Add(peak, 1.0, time);
  }
}
BENCHMARK(HistogramAdd);

// A hundred peaks from 100 MiB to 10 GiB: 51 buckets, far more spread than one job shows.
void HistogramPercentile(benchmark::State& state) {
  DecayingHistogram histogram(MemoryBuckets(), std::chrono::hours(24));
  for (int i = 1; i <= 100; ++i) histogram.Add(i * 100 * 1048576.0, 1.0, kStart);
  for (auto _ : state) benchmark::DoNotOptimize(histogram.Percentile(0.9));
}
BENCHMARK(HistogramPercentile);

}  // namespace
}  // namespace sparkfit::model
