// SPDX-License-Identifier: Apache-2.0
//
// A closed loop: made-up jobs run again and again at the size that they are recommended, through
// the controller's own pipeline and admission's own decision, on a virtual clock. A backtest asks
// what recorded peaks would have cost; here the peaks follow from the size that was given, and
// every run is played as it was submitted, too.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sparkfit/base/bytes.h"
#include "sparkfit/recommend/policy.h"
#include "sparkfit/simulation/jvm_constants.h"
#include "sparkfit/simulation/profile.h"

namespace sparkfit::simulation {

struct LoopOptions {
  std::uint32_t profiles = 200;
  std::uint32_t runs = 50;
  std::uint64_t seed = 1;
  bool driver_metrics = false;  // drivers tell of their executors
  // Between samples of usage. Drivers are asked as often, or more.
  double sample_seconds = kSampleSeconds;
};

// Why a run failed.
enum class Failure {
  kNone,
  kTask,    // a task was lost as often as Spark tries one
  kStage,   // a stage was interrupted as often as Spark tries one
  kLosses,  // more executors were lost than Spark puts up with
};
std::string_view Name(Failure failure);  // for people

// One run of a job, by its executors' lives.
struct RunResult {
  Failure failure = Failure::kNone;
  std::uint32_t heap_ooms = 0;
  std::uint32_t container_ooms = 0;
  double seconds = 0;
  double executor_seconds = 0;
  double heap_seconds = 0;     // MiB × seconds
  double outside_seconds = 0;  // MiB × seconds
  double used = 0;             // MiB that its neediest executor used, page cache not counted

  [[nodiscard]] bool Failed() const { return failure != Failure::kNone; }
  [[nodiscard]] std::uint32_t Lost() const { return heap_ooms + container_ooms; }
  // Of all executors, weighted by how long they lived.
  [[nodiscard]] Size MeanSize() const;
  // MiB × seconds.
  [[nodiscard]] double Memory() const { return heap_seconds + outside_seconds; }
};

// One run in the loop, and as it would have gone in the submitted size.
struct Pair {
  RunResult sized;
  RunResult submitted;
  double factor = 1;       // of what the profile says it needs
  bool unchanged = false;  // it needs at most kUnchanged times what a remembered run needed
  // It failed because of its size.
  [[nodiscard]] bool Harmed() const { return sized.Failed() && !submitted.Failed(); }
};

// As submitted, without a pipeline.
RunResult PlayAsSubmitted(const Profile& profile, std::uint32_t run, double factor);

// From the first run to the last; then, of a steady job that was not submitted too small,
// kRunsAfterJump that need JumpOf times as
// much.
std::vector<Pair> PlayJob(const Profile& profile, const recommend::Policy& policy,
                          const LoopOptions& options);

// The smallest size in which the neediest of the first kRunsToReach runs loses no executor and
// takes at most kWithinBest times as long as in a heap in plenty. By trial, not by a formula.
Size SmallestByTrial(const Profile& profile);

// A run is held against as many before it as a history remembers.
inline constexpr std::uint32_t kRemembered = 16;
inline constexpr double kUnchanged = 1.1;
// After so many runs sizes are compared with the smallest; before, executors are lost on the way
// down.
inline constexpr std::uint32_t kRunsToReach = 7;
inline constexpr std::uint32_t kFewestRuns = 10;
inline constexpr std::size_t kMostNamed = 50;
// What the input of a steady job jumps by after its last run: each third job by another of these.
inline constexpr std::array<double, 3> kJumps{1.5, 2, 3};
inline constexpr std::uint32_t kRunsAfterJump = 3;

inline constexpr std::size_t kGroups = kChanges + 1;
std::string_view GroupName(std::size_t group);

// Runs, by how they ended.
struct Runs {
  std::uint64_t runs = 0;
  std::uint64_t failed = 0;
  std::uint64_t failed_submitted = 0;
  std::uint64_t harmed = 0;            // failed in the loop alone
  std::uint64_t harmed_unchanged = 0;  // of them with an unchanged need
  std::uint64_t lost = 0;              // executors
  std::uint64_t lost_submitted = 0;
  void Add(const Pair& pair);
};

// Of many numbers.
struct Quantiles {
  double median = 0;
  double p90 = 0;
};

// A job with runs that failed in the loop alone, though their need was unchanged.
struct HarmedJob {
  std::uint32_t profile = 0;
  Outside kind = Outside::kDefault;
  std::size_t group = 0;
  std::uint32_t runs = 0;   // that were harmed
  std::uint32_t first = 0;  // of them, and why it failed
  Failure failure = Failure::kNone;
};

struct LoopResult {
  std::string policy;  // as it was given
  LoopOptions options;

  // By how the need changes, in the order of Change, and last those that were submitted too small.
  std::array<std::uint32_t, kGroups> jobs{};
  std::array<Runs, kGroups> groups{};
  std::array<Runs, kJumps.size()> jumps{};        // the first run with so much more
  std::array<Runs, kJumps.size()> after_jumps{};  // those that follow it
  std::uint64_t harmed_unchanged = 0;             // runs of all jobs
  std::uint32_t harmed_jobs = 0;                  // that have such a run
  std::vector<HarmedJob> harmed;                  // the first kMostNamed of them

  // Of steady jobs whose submitted size loses no executor in any run.
  std::uint32_t judged = 0;
  std::uint64_t lost_down = 0;   // executors in the first kRunsToReach runs
  std::uint64_t lost_after = 0;  // in all later ones
  std::uint64_t runs_after = 0;
  // In the run after kRunsToReach, as multiples of the smallest by trial.
  Quantiles size, heap, outside;
  Quantiles submitted_size;
  std::uint32_t reached = 0;         // at most 1.3 times in all
  std::vector<double> median_sizes;  // run by run, in all
  // As multiples of the same runs as submitted: the whole job, and its worst run.
  Quantiles memory, seconds, slowest;
};

// `progress` is told how many jobs were played. REQUIRES: at least kFewestRuns runs.
LoopResult RunClosedLoop(const recommend::Policy& policy, std::string name,
                         const LoopOptions& options,
                         const std::function<void(std::uint64_t)>& progress);

}  // namespace sparkfit::simulation
