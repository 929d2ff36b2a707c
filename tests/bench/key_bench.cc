// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <malloc.h>

#include <memory>
#include <vector>

#include "cluster_story.h"
#include "history_builder.h"

namespace sparkfit {
namespace {

constexpr int kRuns = 2 * static_cast<int>(model::RunRing::kRuns);

model::ExecutorReading Reading(base::Bytes peak, int run) {
  return {.id = "1",
          .heap_peak = peak,
          .unified_peak = base::MiB(500),
          .storage_peak = base::MiB(400),
          .unified_room = base::MiB(9650),
          .busy = std::chrono::minutes(10),
          .collecting = std::chrono::milliseconds(2000 + run * 37 % 400)};
}

// A key as it rests between runs: its rings are full, all executors are sealed, and its peaks lie
// within a factor of `spread`.
// Where drivers tell, of its latest runs they told.
std::unique_ptr<test::HistoryBuilder> IdleKey(int number, std::int64_t spread,
                                              bool drivers = false) {
  auto b = std::make_unique<test::HistoryBuilder>();
  for (int run = 0; run < kRuns; ++run) {
    const auto application =
        "spark-" + std::string(29, 'a') + std::to_string(number % 10) + fmt::format("{:02}", run);
    for (int executor = 0; executor < 4; ++executor) {
      const auto uid = b->Start(application, test::DefaultSize(16384 - 128 * (run * 5 % 8)));
      const std::int64_t peak = 1000 + 1000 * (spread - 1) * ((run * 4 + executor) * 37 % 80) / 80;
      b->Sample(uid, base::MiB(peak));
      if (drivers) b->history.AddReading(b->Find(uid), Reading(base::MiB(peak), run), b->now);
      b->End(uid);
    }
    b->EndApplication(application);
  }
  return b;
}

void BytesPerIdleKey(benchmark::State& state, bool drivers) {
  constexpr int kKeys = 2000;
  double bytes = 0;
  for (auto _ : state) {
    std::vector<model::KeyHistory> keys;
    keys.reserve(kKeys);
    const auto before = mallinfo2().uordblks;
    for (int i = 0; i < kKeys; ++i)
      keys.push_back(std::move(IdleKey(i, state.range(0), drivers)->history));
    bytes = static_cast<double>(mallinfo2().uordblks - before) / kKeys +
            static_cast<double>(sizeof(model::KeyHistory));
  }
  state.counters["bytes_per_key"] = bytes;
}
BENCHMARK_CAPTURE(BytesPerIdleKey, usage, false)
    ->Arg(2)
    ->Arg(10)
    ->Arg(50)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(BytesPerIdleKey, drivers, true)
    ->Arg(10)
    ->Arg(50)
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

void Recommend(benchmark::State& state, const char* policy, bool drivers) {
  const auto b = IdleKey(1, 4, drivers);
  b->policy = *recommend::ParsePolicy(policy);
  const auto context = b->ContextWith({}, base::GiB(64));
  for (auto _ : state) benchmark::DoNotOptimize(recommend::Recommend(b->history, context));
}
BENCHMARK_CAPTURE(Recommend, percentile, "percentile", false);
BENCHMARK_CAPTURE(Recommend, adaptive, "adaptive", false);
BENCHMARK_CAPTURE(Recommend, adaptive_drivers, "adaptive", true);

// … with a hundred keys in its family.
void RecommendInFamily(benchmark::State& state) {
  const auto b = IdleKey(1, 4);
  b->policy = *recommend::ParsePolicy("adaptive");
  model::FamilyRuns family;
  const auto runs = b->history.EndedRuns().Runs();
  for (int member = 0; member < 100; ++member) family.Join(runs, runs.front().shape_id);
  auto context = b->ContextWith({}, base::GiB(64));
  context.family = &family;
  for (auto _ : state) benchmark::DoNotOptimize(recommend::Recommend(b->history, context));
}
BENCHMARK(RecommendInFamily);

// So many runs of one key, of an executor each, that start, are sampled and end.
void RunsOfOneKey(benchmark::State& state) {
  for (auto _ : state) {
    test::ClusterStory story;
    std::vector<model::PodFacts> pods;
    for (int i = 0; i < state.range(0); ++i) {
      const auto number = std::to_string(i);
      pods.push_back(test::ClusterStory::Executor("e" + number, "app-" + number, "nightly"));
      pods.back().phase = model::PodPhase::kRunning;
      story.pipeline.Observe({story.now, model::PodEvent{model::EventType::kAdded, pods.back()}});
      story.pipeline.Observe(
          {story.now, model::UsageSample{
                          "jobs", "e" + number, story.now, {{*pods[0].container, base::GiB(1)}}}});
    }
    for (const auto& pod : pods) {
      story.pipeline.Observe({story.now, model::PodEvent{model::EventType::kDeleted, pod}});
    }
    story.pipeline.AdvanceTo(story.now + std::chrono::minutes(20));
  }
  state.counters["us_per_run"] = benchmark::Counter(
      static_cast<double>(state.range(0)) * 1e-6,
      benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK(RunsOfOneKey)->Arg(500)->Arg(2000)->Arg(8000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sparkfit
