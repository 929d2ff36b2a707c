// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/simulation/profile.h"

#include <algorithm>
#include <cmath>

#include "draws.h"
#include "sparkfit/simulation/jvm_constants.h"

namespace sparkfit::simulation {
namespace {

using base::MiB;

// No run has these numbers, and no executor or task of one.
constexpr std::uint64_t kOfTheJob = ~std::uint64_t{0};
constexpr std::uint64_t kOfTheRun = ~std::uint64_t{0};
constexpr std::uint64_t kTasks = std::uint64_t{1} << 32;
constexpr std::uint64_t kOffers = std::uint64_t{2} << 32;
constexpr std::uint64_t kSkews = std::uint64_t{3} << 32;

Outside DrawKind(Draws& draws) {
  const double drawn = draws.Uniform();
  double upto = kPythonShare;
  if (drawn < upto) return Outside::kPython;
  if (drawn < (upto += kExplicitShare)) return Outside::kExplicit;
  if (drawn < (upto += kOffHeapShare)) return Outside::kOffHeap;
  if (drawn < (upto += kBorrowShare)) return Outside::kBorrowed;
  return Outside::kDefault;
}

void DrawExecutors(Draws& draws, Profile& profile) {
  profile.executors = static_cast<std::uint32_t>(draws.Drawn(kExecutors));
  profile.cores = std::uint32_t{1} << draws.Between(std::uint32_t{0}, std::uint32_t{2});
  profile.dynamic = profile.executors > 1 && draws.Happens(kDynamicShare);
}

// The share of the neediest stage's memory that each stage needs.
void DrawSteps(Draws& draws, std::vector<Stage>& stages) {
  const double drawn = draws.Uniform();
  const auto last = static_cast<double>(stages.size() - 1);
  for (std::size_t i = 0; i < stages.size(); ++i) {
    if (drawn < kStepsShare) {
      stages[i].memory = kFirstStep + (1 - kFirstStep) * static_cast<double>(i) / last;
    } else if (drawn < kStepsShare + kLastOnlyShare && i + 1 < stages.size()) {
      stages[i].memory = kBeforeLast;
    }
  }
  if (drawn >= kStepsShare && drawn < kStepsShare + kLastOnlyShare) {
    stages.back().seconds = kShortLast;
  }
}

void DrawStages(Draws& draws, Profile& profile) {
  profile.stages.resize(draws.Between(kFewestStages, kMostStages));
  const std::uint32_t slots = profile.executors * profile.cores;
  double waves = 0;
  for (auto& stage : profile.stages) stage.seconds = 1;
  DrawSteps(draws, profile.stages);
  for (auto& stage : profile.stages) {
    const auto of_stage = draws.Between(kFewestWaves, kMostWaves);
    stage.tasks = slots * of_stage;
    waves += stage.seconds * of_stage;
  }
  const double total = draws.Drawn(kSeconds);
  for (auto& stage : profile.stages) stage.seconds *= total / waves;
}

// What the first stage caches the others read, in as many tasks.
void DrawCache(Draws& draws, Profile& profile) {
  if (!draws.Happens(kCachingJobs)) return;
  const double of_executor = draws.Drawn(kCached);
  auto& stages = profile.stages;
  stages[0].caches = true;
  for (std::size_t i = 1; i < stages.size(); ++i) {
    stages[i].tasks = stages[0].tasks;
    stages[i].reads_cached = true;
  }
  profile.cached = of_executor * profile.executors / stages[0].tasks;
}

void DrawHeap(Draws& draws, Profile& profile) {
  const double live = draws.Drawn(kLive);
  const double base = draws.Between(kLeastBaseShare, kMostBaseShare);
  profile.base = base * live;
  profile.task.live = (1 - base) * live / profile.cores;
  if (draws.Happens(kExecutionJobs)) {
    profile.task.execution = draws.Drawn(kExecution) / profile.cores;
  }
  profile.spill_slowdown = draws.Drawn(kSpillSlowdown);
  profile.allocation = draws.Drawn(kAllocation) / profile.cores;
  profile.young = draws.Happens(kParallelShare) ? kYoungParallel : kYoungG1;
  profile.healthy = draws.Drawn(kHealthy);
}

void DrawOutside(Draws& draws, Profile& profile) {
  profile.kind = DrawKind(draws);
  profile.outside = kJvmOutside + draws.Drawn(kDirect);
  profile.files = draws.Drawn(kFiles);
  switch (profile.kind) {
    case Outside::kDefault:
      break;
    case Outside::kPython:
      profile.task.native = draws.Drawn(kPythonWorker);
      break;
    case Outside::kExplicit:
    case Outside::kBorrowed:
      profile.task.native = draws.Drawn(kNative) / profile.cores;
      break;
    case Outside::kOffHeap: {
      profile.off_heap_cap = draws.Drawn(kOffHeapCap);
      const bool full = draws.Happens(kFullCapShare);
      const double used = full ? 1.2 : draws.Between(kLeastCapUsed, kMostCapUsed);
      profile.task.off_heap = used * profile.off_heap_cap / profile.cores;
      break;
    }
  }
}

void DrawChange(Draws& draws, Profile& profile) {
  const double drawn = draws.Uniform();
  double upto = kGrowingShare;
  if (drawn < upto) {
    profile.change = Change::kGrowing;
    profile.change_by = draws.Between(kLeastGrowth, kMostGrowth);
  } else if (drawn < (upto += kWeeklyShare)) {
    profile.change = Change::kWeekly;
    profile.change_by = draws.Between(kLeastWeekly, kMostWeekly);
    profile.change_from = draws.Between(std::uint32_t{0}, kWeek - 1);
  } else if (drawn < (upto += kFreakShare)) {
    profile.change = Change::kFreaks;
  } else if (drawn < upto + kLateSkewShare) {
    profile.change = Change::kLateSkew;
    profile.change_by = draws.Between(kLeastSkew, kMostSkew);
    profile.change_from = draws.Between(kEarliestSkew, kLatestSkew);
  }
  if (profile.change != Change::kLateSkew && draws.Happens(kSkewShare)) {
    profile.skew = draws.Between(kLeastSkew, kMostSkew);
  }
  profile.run_spread = draws.Drawn(kRunSpread);
}

// The largest factor that whoever submitted the job knew of.
double KnownFactor(const Profile& profile) {
  const double usual = profile.change == Change::kWeekly ? profile.change_by : 1;
  return usual * std::exp(kMostSpread * profile.run_spread);
}

// How many times as much as the others this task needs.
double SkewOf(const Profile& profile, std::uint32_t run, std::uint32_t stage, std::uint32_t task) {
  const double skew = SkewOf(profile, run);
  if (skew == 1) return 1;
  Draws draws(profile.seed, profile.number, run, kSkews + stage);
  return task == draws.Between(0U, profile.stages[stage].tasks - 1) ? skew : 1;
}

// A heap in which what is live leaves room, the cache fits and half of what is sorted does.
double HeapAtEase(const Asked& most) {
  const double unified = most.cached + most.execution / 2;
  const double room = kReservedMiB + unified / kUnifiedShare;
  return std::max({512.0, room, (most.live + unified) / kEase});
}

double NeededHeap(const Asked& most) { return std::max(512.0, most.live / kFullHeap); }

double SubmittedOverhead(const Profile& profile, double used, Draws& draws) {
  const bool guessed = draws.Happens(kGuessedShare);
  const double times =
      guessed ? draws.Between(kLeastGuess, kMostGuess) : draws.Between(1.0, kJustEnough);
  // Off-heap memory beside an overhead for the rest, which has been taken from what is used.
  if (profile.kind == Outside::kOffHeap) {
    const double off_heap = std::min(profile.off_heap_cap,
                                     profile.task.off_heap * profile.cores * KnownFactor(profile));
    return profile.off_heap_cap + times * std::max(0.0, used - off_heap);
  }
  return times * used;
}

model::ExecutorSize DrawSubmitted(Draws& draws, const Profile& profile) {
  const Asked most = MostAsked(profile, KnownFactor(profile));
  double heap = HeapAtEase(most) * draws.Drawn(kSubmitted);
  if (profile.too_small) heap = NeededHeap(most) * draws.Between(kLeastTooSmall, kMostTooSmall);
  const auto in_steps = [](double mib) {
    return MiB(static_cast<std::int64_t>(std::ceil(mib / kHeapStepMiB) * kHeapStepMiB));
  };
  const bool python = profile.kind == Outside::kPython;
  const auto overhead =
      python ? model::OverheadClass::kDefaultPython : model::OverheadClass::kDefaultJvm;
  if (profile.kind == Outside::kExplicit || profile.kind == Outside::kOffHeap) {
    const double asked = SubmittedOverhead(profile, most.outside, draws);
    const auto rounded = in_steps(heap);
    return {rounded + MiB(static_cast<std::int64_t>(std::ceil(asked))), rounded};
  }
  // Whoever had too little of the default got by with a larger heap.
  while (profile.kind != Outside::kBorrowed &&
         model::DefaultOverhead(overhead, in_steps(heap)).InMiB() < most.outside) {
    heap += kHeapStepMiB;
  }
  const auto rounded = in_steps(heap);
  return {rounded + model::DefaultOverhead(overhead, rounded), rounded};
}

}  // namespace

std::string_view Name(Outside outside) {
  switch (outside) {
    case Outside::kDefault:
      return "default";
    case Outside::kPython:
      return "python";
    case Outside::kExplicit:
      return "explicit";
    case Outside::kOffHeap:
      return "off-heap";
    case Outside::kBorrowed:
      return "borrowed";
  }
  return "";
}

std::string_view Name(Change change) {
  switch (change) {
    case Change::kSteady:
      return "steady";
    case Change::kGrowing:
      return "growing";
    case Change::kWeekly:
      return "weekly";
    case Change::kFreaks:
      return "freaks";
    case Change::kLateSkew:
      return "late skew";
  }
  return "";
}

Profile DrawProfile(std::uint64_t seed, std::uint32_t number) {
  Draws draws(seed, number, kOfTheJob, kOfTheJob);
  Profile profile;
  profile.seed = seed;
  profile.number = number;
  DrawExecutors(draws, profile);
  DrawStages(draws, profile);
  DrawCache(draws, profile);
  DrawHeap(draws, profile);
  DrawOutside(draws, profile);
  DrawChange(draws, profile);
  profile.too_small = draws.Happens(kTooSmallShare);
  profile.submitted = DrawSubmitted(draws, profile);
  profile.period = std::chrono::hours(draws.Happens(kHourlyShare) ? 1 : 24);
  profile.killed_at_end = draws.Happens(kKilledAtEnd);
  return profile;
}

double FactorOf(const Profile& profile, std::uint32_t run) {
  Draws draws(profile.seed, profile.number, run, kOfTheRun);
  const double spread = std::exp(profile.run_spread * draws.Normal());
  switch (profile.change) {
    case Change::kSteady:
    case Change::kLateSkew:
      return spread;
    case Change::kGrowing:
      return spread * std::pow(1 + profile.change_by, run);
    case Change::kWeekly:
      return run % kWeek == profile.change_from ? spread * profile.change_by : spread;
    case Change::kFreaks:
      return draws.Happens(kFreakRuns) ? spread * draws.Between(kLeastFreak, kMostFreak) : spread;
  }
  return spread;
}

double SkewOf(const Profile& profile, std::uint32_t run) {
  const bool late = profile.change == Change::kLateSkew && run >= profile.change_from;
  return late ? profile.change_by : profile.skew;
}

TaskNeed NeedOf(const Profile& profile, std::uint32_t run, double factor, std::uint32_t stage,
                std::uint32_t task) {
  const auto what = kTasks + (std::uint64_t{stage} << 20) + task;
  Draws draws(profile.seed, profile.number, run, what);
  const auto& of_stage = profile.stages[stage];
  const double skew = SkewOf(profile, run, stage, task);
  const double memory = factor * of_stage.memory * skew * std::exp(kTaskSpread * draws.Normal());
  TaskNeed need = profile.task;
  need.live *= memory;
  need.execution *= memory;
  need.off_heap *= memory;
  need.native *= memory;
  need.seconds = of_stage.seconds * factor * skew * std::exp(kTaskTime * draws.Normal());
  need.ripe = draws.Between(kEarliestRipe, kLatestRipe);
  return need;
}

Temper TemperOf(const Profile& profile, std::uint32_t run, std::uint32_t executor) {
  Draws draws(profile.seed, profile.number, run, executor);
  Temper temper;
  temper.time = std::exp(kExecutorTime * draws.Normal(kMostExecutorTime));
  temper.healthy = kCollectingNoise * draws.Normal();
  temper.phase = draws.Uniform();
  return temper;
}

std::uint32_t FirstOffer(const Profile& profile, std::uint32_t run, std::uint64_t time,
                         std::uint32_t n) {
  return Draws(profile.seed, profile.number, run, kOffers + time).Between(0U, n - 1);
}

Asked MostAsked(const Profile& profile, double factor) {
  const double least = std::exp(kMostSpread * kTaskSpread);
  // One of the tasks may be the skewed one.
  const double tasks = factor * least * (profile.cores - 1 + profile.skew);
  Asked most;
  most.live = profile.base + tasks * profile.task.live;
  most.execution = tasks * profile.task.execution;
  const double off_heap = tasks * profile.task.off_heap;
  most.outside = profile.outside + tasks * profile.task.native +
                 (profile.off_heap_cap > 0 ? std::min(profile.off_heap_cap, off_heap) : 0);
  most.young = profile.young;
  for (const auto& stage : profile.stages) {
    if (stage.caches) most.cached = factor * profile.cached * stage.tasks / profile.executors;
  }
  return most;
}

}  // namespace sparkfit::simulation
