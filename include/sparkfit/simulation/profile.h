// SPDX-License-Identifier: Apache-2.0
//
// Made-up recurring jobs, drawn from the distributions of jvm_constants.h. Everything random is a
// function of (seed, job, run, executor or task), whatever was asked for before: the same seed is
// the same jobs for every policy.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "sparkfit/base/time.h"
#include "sparkfit/model/shape.h"
#include "sparkfit/simulation/jvm.h"

namespace sparkfit::simulation {

// What there is outside of the heap, and how it was asked for.
enum class Outside {
  kDefault,   // direct buffers and what Spark gives by default
  kPython,    // Python workers, and Spark's default for them
  kExplicit,  // native memory, and an overhead that somebody chose
  kOffHeap,   // an off-heap cap, seldom full, and an overhead for the rest
  kBorrowed,  // more native memory than Spark's default: it lives in what the heap never touches
};

// How what is needed changes from run to run.
enum class Change {
  kSteady,
  kGrowing,   // a little in each run
  kWeekly,    // one of seven runs is larger
  kFreaks,    // a few runs are larger, without a rule
  kLateSkew,  // from a later run on one task needs more than the others
};
inline constexpr std::size_t kChanges = 5;

std::string_view Name(Outside outside);  // "default", "python" …
std::string_view Name(Change change);    // "steady", "growing" …

// Of one task while it runs; MiB.
struct TaskNeed {
  double live = 0;       // heap that cannot be given up
  double execution = 0;  // heap to sort and join in
  double off_heap = 0;   // to sort and join in, outside
  double native = 0;     // outside, kept by Python workers or the allocator when it has ended
  double seconds = 0;    // with memory in plenty and without a collection
  double ripe = 1;       // share of its time after which it holds all this
};

// Tasks that run in any order. A stage starts when the one before has ended, and reads what the
// tasks of that one left on their executors.
struct Stage {
  std::uint32_t tasks = 1;
  double memory = 1;   // of the neediest stage's tasks
  double seconds = 1;  // of one task
  bool caches = false;
  bool reads_cached = false;  // one block for each task, in their order
};

struct Profile {
  std::uint64_t seed = 0;
  std::uint32_t number = 0;

  std::uint32_t executors = 1;  // at most, with dynamic allocation
  std::uint32_t cores = 1;      // tasks that an executor runs at once
  bool dynamic = false;
  std::vector<Stage> stages;

  double base = 0;          // MiB of heap without a task
  TaskNeed task;            // in the neediest stage
  double cached = 0;        // MiB of objects that a task of the caching stage leaves
  double outside = 0;       // MiB without a task
  double off_heap_cap = 0;  // MiB for an executor; 0: none
  double files = 0;         // MiB of page cache, which is given up before anything dies
  double allocation = 0;    // MiB for each second of a task
  double young = 0.6;
  double healthy = 0.01;      // share of task time in collections, in a large heap
  double spill_slowdown = 0;  // with no execution memory at all
  Outside kind = Outside::kDefault;

  Change change = Change::kSteady;
  double change_by = 1;           // growth in a run, or times as much
  std::uint32_t change_from = 0;  // of kLateSkew; of kWeekly which run of seven
  double skew = 1;                // times as much for one task of each stage
  double run_spread = 0;          // standard deviation of ln of the need, from run to run

  model::ExecutorSize submitted;
  bool too_small = false;      // it was submitted with less than it needs
  base::Duration period{};     // from the start of a run to the next one's
  bool killed_at_end = false;  // its executors end with 143 instead of 0
};

Profile DrawProfile(std::uint64_t seed, std::uint32_t number);

// How many times as much as in the profile this run needs.
double FactorOf(const Profile& profile, std::uint32_t run);
// How many times as much as the others one task of each stage needs in it.
double SkewOf(const Profile& profile, std::uint32_t run);

// What one task of one run needs. `factor` is of its run.
TaskNeed NeedOf(const Profile& profile, std::uint32_t run, double factor, std::uint32_t stage,
                std::uint32_t task);

// What one executor of a run is like.
struct Temper {
  double time = 1;     // its tasks take so many times as long
  double healthy = 0;  // added to the share of time in collections
  double phase = 0;    // when it is sampled first, as a share of the interval
};
Temper TemperOf(const Profile& profile, std::uint32_t run, std::uint32_t executor);

// Which of n executors is given a task first, the time that tasks are given.
std::uint32_t FirstOffer(const Profile& profile, std::uint32_t run, std::uint64_t time,
                         std::uint32_t n);

// The most that one executor can be asked for in a run with this factor, with a heap in plenty:
// its cores have the neediest tasks of a stage at once.
Asked MostAsked(const Profile& profile, double factor);

}  // namespace sparkfit::simulation
