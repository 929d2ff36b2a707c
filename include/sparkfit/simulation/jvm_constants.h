// SPDX-License-Identifier: Apache-2.0
//
// The closed loop's constants, each with where it comes from. They were fitted and drawn up on 25
// November 2026, before any policy was played against them, and are not to be changed to please
// one. `tools/fit-jvm` prints those that are fitted.
#pragma once

#include "sparkfit/base/time.h"

namespace sparkfit::simulation {

// ── One executor ────────────────────────────────────────────────────────────────────────────────

// Spark's unified memory: spark.memory.fraction of what is left beside what it reserves
// (UnifiedMemoryManager).
inline constexpr double kUnifiedShare = 0.6;
inline constexpr double kReservedMiB = 300;

// More live data than this share of the heap is an OutOfMemoryError. The probe still survived with
// 400 MiB in 420; executors with 660 MiB of an application's data in 700 did not, in 840 they did.
inline constexpr double kFullHeap = 0.95;

// A JVM that runs an executor, beside its heap: fit-jvm, ten executors with full heaps.
inline constexpr double kJvmOutside = 148;

// The working set at which an executor starts to work: the third and fourth samples of all in
// examples/spark-runs.ndjson.gz are between 196 and 550 MiB, most of them around 240.
inline constexpr double kStartMiB = 240;

// Regions of the heap that were never touched before, for each MiB allocated: fit-jvm.
inline constexpr double kFreshShare = 0.20;
// HotSpot's bounds of the young generation: G1NewSizePercent, G1MaxNewSizePercent, NewRatio=2.
inline constexpr double kSmallestYoung = 0.05;
inline constexpr double kYoungG1 = 0.6;
inline constexpr double kYoungParallel = 1.0 / 3;

// Seconds of collections for each MiB allocated, times (retained / free)²: fit-jvm has 0.014 ms for
// objects of 16 KiB and 0.113 ms for objects of 256 bytes; this is their geometric mean.
inline constexpr double kGcPerRetained = 0.04e-3;
// Nothing takes longer, as a multiple of the work.
inline constexpr double kMostGcShare = 20;

// How much longer the work takes with none of the elastic memory. One sort of 190 MiB, Spark 3.5.8,
// heap 600 against 2048: its tasks took 97 % longer and 16 % more CPU. The weakest of all fits.
inline constexpr double kSpillSlowdown = 0.5;

// ── Jobs ────────────────────────────────────────────────────────────────────────────────────────

// e^(ln median + sigma × normal), within bounds.
struct Spread {
  double median;
  double sigma;
  double least;
  double most;
};

// Made up, so that the recorded jobs lie in the middle: 50 to 2,000 MiB live, 250 to 2,500 MiB of
// young generation touched in 25 to 40 s, so 40 to 330 MiB/s allocated.
inline constexpr Spread kLive{500, 0.9, 60, 12'000};
inline constexpr double kElasticShare = 0.5;
inline constexpr Spread kElastic{800, 0.9, 100, 12'000};
inline constexpr Spread kAllocation{150, 0.75, 20, 800};
inline constexpr Spread kDirect{60, 0.7, 10, 600};
// Active page cache: nobody measured it yet.
inline constexpr Spread kFiles{40, 1.0, 0, 600};
inline constexpr Spread kSeconds{240, 0.9, 60, 3'600};
inline constexpr Spread kExecutors{4, 0.7, 1, 16};
// Off-heap memory or Python workers, with an overhead that was asked for explicitly.
inline constexpr double kOffHeapShare = 0.15;
inline constexpr Spread kOffHeap{700, 0.7, 200, 6'000};
inline constexpr double kExplicitOverhead = 1.1;
// Another collector than G1.
inline constexpr double kParallelShare = 0.1;
inline constexpr double kHourlyShare = 0.3;  // else daily
inline constexpr double kEarliestRamp = 0.2;
inline constexpr double kLatestRamp = 0.8;

// Standard deviations of ln of the need. Recorded executors with full heaps, so of the same work,
// are within 0.002 and 0.011 of each other.
inline constexpr Spread kRunSpread{0.02, 0.7, 0.002, 0.08};
inline constexpr double kExecutorSpread = 0.01;
// Of what the young generation touches: the median of the recorded jobs whose heap was not full,
// 0.04 to 0.23 (fit-jvm).
inline constexpr double kTimingSpread = 0.14;
inline constexpr double kMostSpread = 2.5;  // the normal is cut off there

// ── The loop ────────────────────────────────────────────────────────────────────────────────────

// metrics-server's resolution.
inline constexpr double kSampleSeconds = 15;
// Standard deviation of ln of what a driver tells of time in collections. Assumed: tasks count
// whole collections, and equal work does not collect equally.
inline constexpr double kCollectingNoise = 0.2;
// Spark's allocator: the next executor, and a replacement.
inline constexpr base::Duration kCreatedEvery = std::chrono::seconds(1);
inline constexpr base::Duration kReplacedAfter = std::chrono::seconds(2);
// spark.task.maxFailures: a task that was lost this often ends the run.
inline constexpr int kMostAttempts = 4;
// Enough for late samples, and for an application to count as ended.
inline constexpr base::Duration kBetweenRuns = std::chrono::minutes(30);

// What a size has to reach: at most so much longer than best.
inline constexpr double kWithinBest = 1.1;
// How finely heaps are looked through for the smallest size, and how far.
inline constexpr double kHeapStep = 1.01;
inline constexpr double kPlentyOfHeap = 4;

}  // namespace sparkfit::simulation
