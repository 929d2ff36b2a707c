// SPDX-License-Identifier: Apache-2.0
//
// A closed loop: made-up jobs run again and again at the size that they are recommended, through
// the controller's own pipeline and admission's own decision, on a virtual clock. A backtest asks
// what recorded peaks would have cost; here the peaks follow from the size that was given.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "sparkfit/base/bytes.h"
#include "sparkfit/recommend/policy.h"
#include "sparkfit/simulation/profile.h"

namespace sparkfit::simulation {

struct LoopOptions {
  std::uint32_t profiles = 200;
  std::uint32_t runs = 50;
  std::uint64_t seed = 1;
  bool driver_metrics = false;  // drivers tell of heaps
};

// How a job is submitted: as a multiple of its smallest size, and whether what it needs changes.
enum class Scenario {
  kOversized,   // 10 times
  kUnchanged,   // 1.3 times
  kJump,        // 1.3 times; from the 21st run on it needs twice the memory
  kUndersized,  // half
};

// One run of a job.
struct RunResult {
  base::Bytes size;  // of its first executor
  base::Bytes heap;
  std::uint32_t ooms = 0;
  bool failed = false;  // an executor and its replacements died four times, and Spark gave up
};

// From the first run to the last.
std::vector<RunResult> PlayJob(const Profile& profile, Scenario scenario,
                               const recommend::Policy& policy, const LoopOptions& options);

// Why a job counts as failing, after five runs.
struct Failing {
  std::uint32_t profile = 0;
  double ratio = 0;   // of its size to the smallest
  bool dies = false;  // of memory, at that size
  double slower = 0;  // than at best: 0.2 for 20 %
};

struct LoopResult {
  std::string policy;  // as it was given
  LoopOptions options;

  // Oversized: the size in the sixth run, after five.
  std::uint32_t reached = 0;    // at most 1.3 times the smallest, at most 10 % slower than best
  std::uint32_t too_large = 0;  // than 1.3 times
  std::uint32_t too_slow = 0;   // of the others; or it dies
  std::vector<double> median_ratios;  // of sizes to the smallest, run by run
  std::uint64_t oversized_oom_runs = 0;
  std::vector<Failing> failing;  // the first kMostFailing

  // Unchanged.
  std::uint32_t drifting = 0;  // jobs without an OOM, in the last ten runs > 5 % above the first
  std::uint64_t unchanged_oom_runs = 0;
  std::uint32_t slower_last = 0;  // jobs more than 10 % slower than best in the last run, or dying

  // Jump and undersized, counted from the change.
  std::uint32_t jump_recovered = 0;  // the first run does not fail, it or the next has no OOM
  std::uint64_t jump_oom_runs = 0;
  std::uint32_t jump_failed_runs = 0;
  std::uint32_t undersized_recovered = 0;
  std::uint64_t undersized_oom_runs = 0;
  std::uint32_t undersized_failed_runs = 0;
};

inline constexpr std::size_t kMostFailing = 20;
inline constexpr std::uint32_t kRunsToReach = 5;
// A jump has to have runs after it.
inline constexpr std::uint32_t kFewestRuns = 30;

// `progress` is told how many jobs were played. REQUIRES: at least kFewestRuns runs.
LoopResult RunClosedLoop(const recommend::Policy& policy, std::string name,
                         const LoopOptions& options,
                         const std::function<void(std::uint64_t)>& progress);

}  // namespace sparkfit::simulation
