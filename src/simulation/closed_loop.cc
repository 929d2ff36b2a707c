// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/simulation/closed_loop.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "job.h"
#include "run.h"
#include "sparkfit/simulation/jvm_constants.h"

namespace sparkfit::simulation {
namespace {

// Every executor has the same size, and nobody looks.
class OneSize : public Surroundings {
 public:
  explicit OneSize(const model::ExecutorSize& size) : size_(size) {}
  model::ExecutorSize Admit(double, std::uint32_t) override { return size_; }

 private:
  model::ExecutorSize size_;
};

model::ExecutorSize FromMiB(double heap, double outside) {
  const auto mib = [](double n) { return base::MiB(static_cast<std::int64_t>(std::ceil(n))); };
  return {mib(heap) + mib(outside), mib(heap)};
}

// More than any job needs outside of the heap.
constexpr double kPlentyOutside = 1 << 20;

double HeapInPlenty(const Asked& most) {
  return 1024 + 2 * (most.live + (most.execution + most.cached) / kUnifiedShare);
}

RunResult PlayIn(const Profile& profile, std::uint32_t run, double heap) {
  OneSize size(FromMiB(heap, kPlentyOutside));
  return Run(profile, run, FactorOf(profile, run), size).Play();
}

std::uint32_t NeediestRun(const Profile& profile) {
  std::uint32_t neediest = 0;
  for (std::uint32_t run = 1; run < kRunsToReach; ++run) {
    if (FactorOf(profile, run) > FactorOf(profile, neediest)) neediest = run;
  }
  return neediest;
}

// REQUIRES: not empty.
Quantiles QuantilesOf(std::vector<double> values) {
  const auto at = [&](double share) {
    const auto place =
        static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1) + 0.5);
    std::nth_element(values.begin(), values.begin() + place, values.end());
    return values[static_cast<std::size_t>(place)];
  };
  return {at(0.5), at(0.9)};
}

Quantiles KnownQuantiles(std::vector<double> values) {
  return values.empty() ? Quantiles{} : QuantilesOf(std::move(values));
}

constexpr auto kSteadyGroup = static_cast<std::size_t>(Change::kSteady);

std::size_t GroupOf(const Profile& profile) {
  return profile.too_small ? kChanges : static_cast<std::size_t>(profile.change);
}

// Whether a run needs no more than those before it.
bool Unchanged(const Profile& profile, const std::vector<Pair>& before, double factor) {
  const auto run = static_cast<std::uint32_t>(before.size());
  double largest = 0;
  for (std::uint32_t i = run - std::min(run, kRemembered); i < run; ++i) {
    largest = std::max(largest, before[i].factor * SkewOf(profile, i));
  }
  return run > 0 && factor * SkewOf(profile, run) <= kUnchanged * largest;
}

template <typename Part>
double Total(const std::vector<Pair>& pairs, std::size_t runs, Part&& part) {
  double total = 0;
  for (std::size_t i = 0; i < runs; ++i) total += part(pairs[i]);
  return total;
}

// One policy's result while it grows.
class Tally {
 public:
  explicit Tally(LoopResult& result) : result_(result), sizes_(result.options.runs) {}

  void Add(const Profile& profile, const std::vector<Pair>& pairs) {
    const auto group = GroupOf(profile);
    const std::size_t runs = result_.options.runs;
    ++result_.jobs[group];
    for (std::size_t i = 0; i < runs; ++i) result_.groups[group].Add(pairs[i]);
    for (std::size_t i = runs; i < pairs.size(); ++i) {
      auto& jumps = i == runs ? result_.jumps : result_.after_jumps;
      jumps[profile.number % kJumps.size()].Add(pairs[i]);
    }
    NameHarmed(profile, pairs);
    if (group == kSteadyGroup) Judge(profile, pairs);
  }

  void Finish() {
    result_.size = KnownQuantiles(std::move(size_));
    result_.heap = KnownQuantiles(std::move(heap_));
    result_.outside = KnownQuantiles(std::move(outside_));
    result_.memory = KnownQuantiles(std::move(memory_));
    result_.seconds = KnownQuantiles(std::move(seconds_));
    result_.slowest = KnownQuantiles(std::move(slowest_));
    result_.submitted_size = KnownQuantiles(std::move(submitted_));
    for (auto& of_run : sizes_) {
      result_.median_sizes.push_back(KnownQuantiles(std::move(of_run)).median);
    }
  }

 private:
  static constexpr double kSmallEnough = 1.3;

  void NameHarmed(const Profile& profile, const std::vector<Pair>& pairs) {
    HarmedJob job{profile.number, profile.kind, GroupOf(profile)};
    for (std::uint32_t run = 0; run < pairs.size(); ++run) {
      if (!pairs[run].Harmed() || !pairs[run].unchanged) continue;
      if (job.runs++ > 0) continue;
      job.first = run;
      job.failure = pairs[run].sized.failure;
    }
    if (job.runs == 0) return;
    result_.harmed_unchanged += job.runs;
    ++result_.harmed_jobs;
    if (result_.harmed.size() < kMostNamed) result_.harmed.push_back(job);
  }

  // Sizes and times can be compared where the submitted size does.
  void Judge(const Profile& profile, const std::vector<Pair>& pairs) {
    const std::size_t runs = result_.options.runs;
    const auto lost = [](const Pair& pair) { return pair.submitted.Lost(); };
    if (Total(pairs, runs, lost) > 0) return;
    ++result_.judged;
    for (std::size_t i = 0; i < runs; ++i) {
      (i < kRunsToReach ? result_.lost_down : result_.lost_after) += pairs[i].sized.Lost();
    }
    result_.runs_after += runs - kRunsToReach;
    Compare(pairs, runs);
    Measure(SmallestByTrial(profile), InMiB(profile.submitted), pairs);
  }

  void Compare(const std::vector<Pair>& pairs, std::size_t runs) {
    memory_.push_back(Total(pairs, runs, [](const auto& pair) { return pair.sized.Memory(); }) /
                      Total(pairs, runs, [](const auto& pair) { return pair.submitted.Memory(); }));
    seconds_.push_back(Total(pairs, runs, [](const auto& pair) { return pair.sized.seconds; }) /
                       Total(pairs, runs, [](const auto& pair) { return pair.submitted.seconds; }));
    double slowest = 0;
    for (std::size_t i = 0; i < runs; ++i) {
      slowest = std::max(slowest, pairs[i].sized.seconds / pairs[i].submitted.seconds);
    }
    slowest_.push_back(slowest);
  }

  void Measure(const Size& smallest, const Size& submitted, const std::vector<Pair>& pairs) {
    const auto reached = pairs[kRunsToReach].sized.MeanSize();
    const double ratio = reached.Limit() / smallest.Limit();
    size_.push_back(ratio);
    heap_.push_back(reached.heap / smallest.heap);
    outside_.push_back(reached.outside / smallest.outside);
    submitted_.push_back(submitted.Limit() / smallest.Limit());
    result_.reached += ratio <= kSmallEnough ? 1 : 0;
    for (std::size_t run = 0; run < sizes_.size(); ++run) {
      sizes_[run].push_back(pairs[run].sized.MeanSize().Limit() / smallest.Limit());
    }
  }

  LoopResult& result_;
  std::vector<std::vector<double>> sizes_;  // by run
  std::vector<double> size_, heap_, outside_, submitted_, memory_, seconds_, slowest_;
};

}  // namespace

std::string_view Name(Failure failure) {
  switch (failure) {
    case Failure::kNone:
      return "well";
    case Failure::kTask:
      return "a task was lost four times";
    case Failure::kStage:
      return "a stage was interrupted four times";
    case Failure::kLosses:
      return "too many executors were lost";
  }
  return "";
}

std::string_view GroupName(std::size_t group) {
  return group < kChanges ? Name(static_cast<Change>(group)) : "too small";
}

Size RunResult::MeanSize() const {
  return {heap_seconds / executor_seconds, outside_seconds / executor_seconds};
}

void Runs::Add(const Pair& pair) {
  ++runs;
  failed += pair.sized.Failed() ? 1 : 0;
  failed_submitted += pair.submitted.Failed() ? 1 : 0;
  harmed += pair.Harmed() ? 1 : 0;
  harmed_unchanged += pair.Harmed() && pair.unchanged ? 1 : 0;
  lost += pair.sized.Lost();
  lost_submitted += pair.submitted.Lost();
}

RunResult PlayAsSubmitted(const Profile& profile, std::uint32_t run, double factor) {
  OneSize submitted(profile.submitted);
  return Run(profile, run, factor, submitted).Play();
}

std::vector<Pair> PlayJob(const Profile& profile, const recommend::Policy& policy,
                          const LoopOptions& options) {
  controller::PipelineOptions pipeline;
  pipeline.policy = policy;
  Job job(profile, pipeline, options);
  const auto after = GroupOf(profile) == kSteadyGroup ? kRunsAfterJump : 0;
  std::vector<Pair> pairs;
  for (std::uint32_t run = 0; run < options.runs + after; ++run) {
    const double jump = run < options.runs ? 1 : kJumps[profile.number % kJumps.size()];
    const double factor = FactorOf(profile, run) * jump;
    pairs.push_back({job.Play(run, factor), PlayAsSubmitted(profile, run, factor), factor,
                     Unchanged(profile, pairs, factor)});
  }
  return pairs;
}

Size SmallestByTrial(const Profile& profile) {
  const auto run = NeediestRun(profile);
  double well = HeapInPlenty(MostAsked(profile, FactorOf(profile, run)));
  auto last = PlayIn(profile, run, well);
  const double slowest = kWithinBest * last.seconds;
  const auto goes_well = [&](double heap) {
    const auto result = PlayIn(profile, run, heap);
    const bool fine = result.Lost() == 0 && result.seconds <= slowest;
    if (fine) last = result;
    return fine;
  };
  double too_small = 512;
  if (goes_well(too_small)) well = too_small;
  while (well / too_small > kTrialStep) {
    const double heap = std::sqrt(well * too_small);
    (goes_well(heap) ? well : too_small) = heap;
  }
  // Nobody submits less than Spark's default.
  const auto heap = FromMiB(well, 0).limit;
  const double least = model::DefaultOverhead(model::OverheadClass::kDefaultJvm, heap).InMiB();
  return {heap.InMiB(), std::max(least, last.used - heap.InMiB())};
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
    tally.Add(profile, PlayJob(profile, policy, options));
    progress(number + 1);
  }
  tally.Finish();
  return result;
}

}  // namespace sparkfit::simulation
