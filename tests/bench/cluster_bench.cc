// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <malloc.h>

#include <optional>
#include <string>

#include "cluster/pod_pool.h"
#include "cluster/session.h"
#include "cluster/world.h"
#include "cluster_story.h"

namespace sparkfit::cluster {
namespace {

const base::Time kNow{std::chrono::hours(24 * 20000)};
constexpr int kKeys = 2000;
constexpr int kExecutors = 20'000;

// Names and identities as long as real ones.
model::PodFacts Pod(int number) {
  const int key = number % kKeys;
  auto pod = test::ClusterStory::Executor(
      fmt::format("{:08x}-b2c4-4d5e-9f6a-{:012x}", number, number),
      fmt::format("spark-{:032x}", key), fmt::format("nightly-{}", key));
  pod.name_space = fmt::format("team-{}", key % 20);
  pod.name = fmt::format("nightly-{}-9f1c2d3e4a5b6c7d-exec-{}", key, number);
  pod.owner_uid = fmt::format("{:08x}-a1b2-4c3d-8e9f-{:012x}", key, key);
  pod.executor_id = std::to_string(number / kKeys + 1);
  pod.node = fmt::format("ip-10-0-{}-{}.ec2.internal", number % 100, number % 50);
  pod.phase = model::PodPhase::kRunning;
  pod.created = kNow;
  pod.spark = {3, 5};
  pod.placement.Edit().selector = {{"karpenter.sh/nodepool", "spark-executors"}};
  return pod;
}

double InUse() {
  const auto info = mallinfo2();
  return static_cast<double>(info.uordblks + info.hblkhd);
}

// What a leader holds of executors that run, sampled, of ten to a key: as the cluster shows them,
// and as a session knows them, its keys included.
void BytesPerExecutor(benchmark::State& state) {
  for (auto _ : state) {
    const auto empty = InUse();
    PodPool pool;
    World world;
    for (int i = 0; i < kExecutors; ++i) {
      auto pod = Pod(i);
      pool.Share(pod);
      world.Take({kNow, model::PodEvent{model::EventType::kAdded, std::move(pod)}});
    }
    const auto shown = InUse();
    std::optional<Session> session;
    session.emplace(SessionOptions{}, world, Checkpoints(), std::vector<model::Observation>(),
                    kNow);
    for (int i = 0; i < kExecutors; ++i) {
      const auto pod = Pod(i);
      session->Observe(
          {kNow,
           model::UsageSample{
               pod.name_space, pod.name, kNow, {{*pod.container, base::MiB(1000 + i % 1000)}}}});
    }
    const auto learnt = InUse();
    session->Tick(kNow);
    const auto recommended = InUse();
    state.counters["world_per_executor"] = (shown - empty) / kExecutors;
    state.counters["pipeline_per_executor"] = (learnt - shown) / kExecutors;
    state.counters["rows_per_key"] = (recommended - learnt) / kKeys;
  }
}
BENCHMARK(BytesPerExecutor)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sparkfit::cluster
