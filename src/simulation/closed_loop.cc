// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/simulation/closed_loop.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "job.h"
#include "sparkfit/simulation/jvm_constants.h"

namespace sparkfit::simulation {
namespace {

double StartOf(Scenario scenario) {
  switch (scenario) {
    case Scenario::kOversized:
      return 10;
    case Scenario::kUnchanged:
    case Scenario::kJump:
      return 1.3;
    case Scenario::kUndersized:
      return 0.5;
  }
  return 1;
}

// From this run on it needs twice as much.
constexpr std::uint32_t kJumpAt = 20;

double FactorOf(Scenario scenario, std::uint32_t run) {
  return scenario == Scenario::kJump && run >= kJumpAt ? 2 : 1;
}

std::uint64_t OomRuns(const std::vector<RunResult>& runs) {
  return static_cast<std::uint64_t>(
      std::count_if(runs.begin(), runs.end(), [](const auto& run) { return run.ooms > 0; }));
}

double RatioOf(const RunResult& run, const Smallest& smallest) {
  return run.size.InMiB() / smallest.size.limit.InMiB();
}

// How the job in the middle fares at the size of this run.
struct Fare {
  bool dies = false;
  double slower = 0;  // than at best
  [[nodiscard]] bool Bad() const { return dies || slower > kWithinBest - 1 + 1e-9; }
};

Fare FareOf(const RunResult& run, const Profile& profile, const Smallest& smallest) {
  const Life life = Live(profile.need, {run.size, run.heap});
  if (life.end != End::kDone) return {true, 0};
  return {false, life.seconds / smallest.best_seconds - 1};
}

double Mean(const std::vector<RunResult>& runs, std::size_t first, std::size_t count) {
  double sum = 0;
  for (std::size_t i = first; i < first + count; ++i) sum += runs[i].size.InMiB();
  return sum / static_cast<double>(count);
}

// Larger in its last ten runs than it was submitted, though it never ran out of memory.
bool Drifts(const std::vector<RunResult>& runs) {
  return OomRuns(runs) == 0 && Mean(runs, runs.size() - 10, 10) > 1.05 * runs[0].size.InMiB();
}

// Without an OOM from the second run after `change` at the latest.
bool Recovers(const std::vector<RunResult>& runs, std::size_t change) {
  return !runs[change].failed && (runs[change].ooms == 0 || runs[change + 1].ooms == 0);
}

std::uint32_t FailedRuns(const std::vector<RunResult>& runs) {
  return static_cast<std::uint32_t>(
      std::count_if(runs.begin(), runs.end(), [](const auto& run) { return run.failed; }));
}

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// One policy's result while it grows.
class Tally {
 public:
  explicit Tally(LoopResult& result) : result_(result), ratios_(result.options.runs) {}

  void Oversized(const Profile& profile, const Smallest& smallest,
                 const std::vector<RunResult>& runs) {
    const auto& sixth = runs[kRunsToReach];
    const double ratio = RatioOf(sixth, smallest);
    const Fare fare = FareOf(sixth, profile, smallest);
    for (std::size_t run = 0; run < runs.size(); ++run) {
      ratios_[run].push_back(RatioOf(runs[run], smallest));
    }
    result_.oversized_oom_runs += OomRuns(runs);
    const bool large = ratio > kSmallEnough;
    result_.too_large += large ? 1 : 0;
    result_.too_slow += !large && fare.Bad() ? 1 : 0;
    if (!large && !fare.Bad()) {
      ++result_.reached;
    } else if (result_.failing.size() < kMostFailing) {
      result_.failing.push_back({profile.number, ratio, fare.dies, fare.slower});
    }
  }

  void Unchanged(const Profile& profile, const Smallest& smallest,
                 const std::vector<RunResult>& runs) {
    result_.drifting += Drifts(runs) ? 1 : 0;
    result_.unchanged_oom_runs += OomRuns(runs);
    result_.slower_last += FareOf(runs.back(), profile, smallest).Bad() ? 1 : 0;
  }

  void Jump(const std::vector<RunResult>& runs) {
    result_.jump_recovered += Recovers(runs, kJumpAt) ? 1 : 0;
    result_.jump_oom_runs += OomRuns({runs.begin() + kJumpAt, runs.end()});
    result_.jump_failed_runs += FailedRuns(runs);
  }

  void Undersized(const std::vector<RunResult>& runs) {
    result_.undersized_recovered += Recovers(runs, 0) ? 1 : 0;
    result_.undersized_oom_runs += OomRuns(runs);
    result_.undersized_failed_runs += FailedRuns(runs);
  }

  void Finish() {
    for (auto& of_run : ratios_) result_.median_ratios.push_back(Median(std::move(of_run)));
  }

 private:
  static constexpr double kSmallEnough = 1.3;

  LoopResult& result_;
  std::vector<std::vector<double>> ratios_;  // by run
};

}  // namespace

std::vector<RunResult> PlayJob(const Profile& profile, Scenario scenario,
                               const recommend::Policy& policy, const LoopOptions& options) {
  const auto smallest = SmallestSize(profile);
  const auto submitted =
      SizeOf(profile, base::Scaled(smallest.size.limit, StartOf(scenario)).RoundedUpToMiB());
  controller::PipelineOptions pipeline;
  pipeline.policy = policy;
  Job job(profile, submitted, pipeline, options.driver_metrics);
  std::vector<RunResult> runs;
  for (std::uint32_t run = 0; run < options.runs; ++run) {
    runs.push_back(job.Run(FactorOf(scenario, run)));
  }
  return runs;
}

LoopResult RunClosedLoop(const recommend::Policy& policy, std::string name,
                         const LoopOptions& options,
                         const std::function<void(std::uint64_t)>& progress) {
  LoopResult result;
  result.policy = std::move(name);
  result.options = options;
  Tally tally(result);
  for (std::uint32_t number = 0; number < options.profiles; ++number) {
    const auto profile = DrawProfile(options.seed, number);
    const auto smallest = SmallestSize(profile);
    const auto play = [&](Scenario scenario) {
      return PlayJob(profile, scenario, policy, options);
    };
    tally.Oversized(profile, smallest, play(Scenario::kOversized));
    tally.Unchanged(profile, smallest, play(Scenario::kUnchanged));
    tally.Jump(play(Scenario::kJump));
    tally.Undersized(play(Scenario::kUndersized));
    progress(number + 1);
  }
  tally.Finish();
  return result;
}

}  // namespace sparkfit::simulation
