// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/simulation/profile.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>

#include "sparkfit/simulation/jvm_constants.h"

namespace sparkfit::simulation {
namespace {

using base::Bytes;

// Numbers that follow from what they are for and from nothing else.
class Draws {
 public:
  Draws(std::uint64_t seed, std::uint64_t job, std::uint64_t run, std::uint64_t executor)
      : state_(Mixed(Mixed(Mixed(Mixed(seed) ^ job) ^ run) ^ executor)) {}

  // 0 to 1, without 1.
  double Uniform() {
    state_ += 0x9e3779b97f4a7c15U;
    return static_cast<double>(Mixed(state_) >> 11) * 0x1p-53;
  }

  // Standard normal, cut off at kMostSpread (Box and Muller).
  double Normal() {
    const double radius = std::sqrt(-2 * std::log(1 - Uniform()));
    const double angle = 2 * std::numbers::pi * Uniform();
    return std::clamp(radius * std::cos(angle), -kMostSpread, kMostSpread);
  }

  double Drawn(const Spread& spread) {
    return std::clamp(spread.median * std::exp(spread.sigma * Normal()), spread.least, spread.most);
  }

 private:
  // splitmix64
  static std::uint64_t Mixed(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
  }

  std::uint64_t state_;
};

// No run has these numbers.
constexpr std::uint64_t kOfTheJob = ~std::uint64_t{0};
constexpr std::uint64_t kOfTheRun = ~std::uint64_t{0};

Need DrawNeed(Draws& draws) {
  Need need;
  need.live = draws.Drawn(kLive);
  need.elastic = draws.Uniform() < kElasticShare ? draws.Drawn(kElastic) : 0;
  need.outside = kJvmOutside + draws.Drawn(kDirect);
  need.files = draws.Drawn(kFiles);
  need.seconds = draws.Drawn(kSeconds);
  need.allocated = need.seconds * draws.Drawn(kAllocation);
  need.young = draws.Uniform() < kParallelShare ? kYoungParallel : kYoungG1;
  need.ramp = kEarliestRamp + (kLatestRamp - kEarliestRamp) * draws.Uniform();
  return need;
}

// Limit and heap for this heap, no smaller than what is touched at most.
model::ExecutorSize Around(const Profile& profile, const Need& most, Bytes heap) {
  const auto overhead = recommend::OverheadFor(profile.rule, heap);
  const Life life = Live(most, {base::GiB(1 << 20), heap});
  const double touched = life.working_set - most.files;
  const Bytes needed{static_cast<std::int64_t>(touched * Bytes::kMiB)};
  return {std::max(heap + overhead, needed.RoundedUpToMiB()), heap};
}

double MostFactor(const Profile& profile) {
  return std::exp(kMostSpread * (profile.run_spread + kExecutorSpread));
}

}  // namespace

Profile DrawProfile(std::uint64_t seed, std::uint32_t number) {
  Draws draws(seed, number, kOfTheJob, kOfTheJob);
  Profile profile;
  profile.seed = seed;
  profile.number = number;
  profile.need = DrawNeed(draws);
  profile.run_spread = draws.Drawn(kRunSpread);
  profile.executors = static_cast<int>(draws.Drawn(kExecutors));
  profile.period = std::chrono::hours(draws.Uniform() < kHourlyShare ? 1 : 24);
  if (draws.Uniform() < kOffHeapShare) {
    const double off_heap = draws.Drawn(kOffHeap);
    profile.need.outside += off_heap;
    const double asked = kExplicitOverhead * MostFactor(profile) * profile.need.outside;
    profile.rule = {model::OverheadClass::kExplicit,
                    base::MiB(static_cast<std::int64_t>(std::ceil(asked))),
                    {}};
  }
  return profile;
}

Need NeedOf(const Profile& profile, std::uint32_t run, std::uint32_t executor) {
  Draws of_run(profile.seed, profile.number, run, kOfTheRun);
  Draws of_executor(profile.seed, profile.number, run, executor);
  const double factor =
      std::exp(profile.run_spread * of_run.Normal() + kExecutorSpread * of_executor.Normal());
  auto need = profile.need.Scaled(factor);
  need.allocated *= std::exp(kTimingSpread * of_executor.Normal());
  return need;
}

double SamplePhase(const Profile& profile, std::uint32_t run, std::uint32_t executor) {
  return Draws(~profile.seed, profile.number, run, executor).Uniform();
}

double CollectingNoise(const Profile& profile, std::uint32_t run, std::uint32_t executor) {
  Draws draws(profile.seed, ~std::uint64_t{profile.number}, run, executor);
  return std::exp(kCollectingNoise * draws.Normal());
}

Smallest SmallestSize(const Profile& profile) {
  const Need most = profile.need.Scaled(MostFactor(profile));
  Smallest smallest;
  std::optional<model::ExecutorSize> found;
  const auto seconds = [&](Bytes heap) {
    return Live(profile.need, Around(profile, most, heap)).seconds;
  };
  const Bytes largest = base::MiB(
      static_cast<std::int64_t>(kPlentyOfHeap * (most.live + most.elastic) + kPlentyOfHeap * 512));
  smallest.best_seconds = seconds(largest);
  for (Bytes heap = recommend::kSmallestHeap; heap < largest;) {
    const auto size = Around(profile, most, heap);
    const bool survives = Live(most, size).end == End::kDone;
    const bool fast = seconds(heap) <= kWithinBest * smallest.best_seconds;
    if (survives && fast && (!found || size.limit < found->limit)) found = size;
    heap = std::max(heap + base::MiB(1), base::Scaled(heap, kHeapStep).RoundedUpToMiB());
  }
  smallest.size = found.value_or(Around(profile, most, largest));
  return smallest;
}

model::ExecutorSize SizeOf(const Profile& profile, Bytes total) {
  const auto split = recommend::SplitTotal(total, profile.rule);
  // Spark makes the overhead of the heap: what the total has left over beside both is not asked
  // for.
  const Bytes heap = split ? split->heap : recommend::kSmallestHeap;
  return {heap + recommend::OverheadFor(profile.rule, heap), heap};
}

}  // namespace sparkfit::simulation
