// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/recommend/judgement.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <vector>

#include "trial_rules.h"

namespace sparkfit::recommend {
namespace {

using base::Bytes;
using model::Conduct;
using model::ExecutorSize;
using model::FinishedRun;
using model::Part;
using model::RunConduct;
using model::ShapeHistory;

// What is given once a size did well: so much more, after a run with as much work as any.
constexpr double kInForce = 1.05;
// Fewer tasks, or less time of them, say nothing, nor do less than half as many as others had.
constexpr double kFewTasks = 5;
constexpr double kShareOfTasks = 0.5;
constexpr base::Duration kLittleWork = std::chrono::seconds(10);
// An executor on trial has to have been there for so much of the run.
constexpr double kMostOfRun = 0.8;
// A run tells of the size if it did so much of the work of each that is remembered. One with so
// much more than those that a size is meant for raises it.
constexpr double kAsMuchWork = 0.8;
constexpr double kMoreWork = 1.02;
// So many of its tasks failed at most.
constexpr double kFailedTasks = 0.01;
// Cached blocks below this share of what siblings hold were lost.
constexpr double kHeld = 0.8;
// Runs that take so many times as long are slower: the clock's check.
constexpr double kSlower = 1.15;
// A job has become smaller where it had so many times as much to do.
constexpr double kShrunk = 1.5;
// Both compare so many runs with as many before.
constexpr std::size_t kRunsCompared = 3;
// A run with so few executors cannot lose a task that often while it has one on trial: what
// replaces the second one that dies is as submitted.
constexpr std::uint32_t kFewExecutors = 2;
// How much larger the share of collections may be: 3, 5, 10 points at safe, balanced, thrifty.
double PointsAt(double risk) { return std::clamp(0.05 / std::max(risk, 0.01), 0.03, 0.10); }

double PerExecutor(std::int64_t sum, std::uint32_t executors) {
  return executors > 0 ? static_cast<double>(sum) / executors : 0;
}
double PerExecutor(Bytes sum, std::uint32_t executors) { return PerExecutor(sum.value, executors); }

double FailedShare(const Conduct& conduct) {
  const auto all = conduct.tasks + conduct.failed_tasks;
  return all > 0 ? static_cast<double>(conduct.failed_tasks) / static_cast<double>(all) : 0;
}

model::Work WorkOf(const FinishedRun& run) {
  const auto sum = [&](auto member) {
    return static_cast<float>(Value(run.others.*member) + Value(run.tried.*member));
  };
  return {.input = sum(&Conduct::input),
          .shuffle = sum(&Conduct::shuffle),
          .tasks = static_cast<float>(run.others.tasks + run.tried.tasks)};
}

// The run's work as a share of the most that a remembered run did, whether that went well or not;
// 1 at most.
double ShareOfMostWork(const FinishedRun& run, const std::vector<const RunConduct*>& remembered) {
  const auto work = WorkOf(run);
  double share = 1;
  for (const auto* other : remembered) share = std::min(share, work.RatioTo(other->work));
  return share;
}

float InBytes(Bytes bytes) { return static_cast<float>(bytes.value); }

// What is remembered of the executors that were not on trial; of a run with one executor, of that.
RunConduct ConductOf(const FinishedRun& run) {
  const bool alone = run.others.executors == 0;
  const auto& conduct = alone ? run.tried : run.others;
  const auto& size = alone ? run.tried_size : run.summary.size;
  const auto per_executor = [&](Bytes sum) {
    return static_cast<float>(PerExecutor(sum, conduct.executors));
  };
  return {.application = model::RunId(run.summary.id.Text()),
          .shape_id = run.summary.shape_id,
          .heap = InBytes(model::SizeOf(size, Part::kHeap)),
          .outside = InBytes(model::SizeOf(size, Part::kOutside)),
          .collecting = static_cast<float>(conduct.Collecting()),
          .fullest = static_cast<float>(conduct.fullest),
          .stored = per_executor(conduct.stored),
          .spilled = per_executor(conduct.spilled),
          .used_outside = InBytes(std::max(run.others.outside, run.tried.outside)),
          .busy = std::chrono::duration<float>(run.others.busy + run.tried.busy).count(),
          .work = WorkOf(run),
          .executors = static_cast<std::uint16_t>(
              std::min<std::uint32_t>(run.others.executors + run.tried.executors, 0xffff)),
          .whole = run.summary.outcome == model::Outcome::kSucceeded && run.summary.lost == 0 &&
                   run.summary.ooms == 0 && conduct.told == conduct.executors &&
                   FailedShare(conduct) <= kFailedTasks,
          .pressed = static_cast<std::uint8_t>(std::lround(100 * std::min(conduct.pressed, 1.0)))};
}

// How a trial went.
enum class Verdict { kUnsure, kWell, kTooSmall };

// What an executor without a trial does: siblings in the same run, or roomier runs of a job with
// one executor. Shares of 0 to 1, amounts for one executor.
struct Usual {
  double collecting = 0;
  double fullest = 0;
  double stored = 0;   // bytes
  double spilled = 0;  // bytes
  double failed = 0;   // share of tasks
  double tasks = 0;    // 0: not known
};

Usual UsualOf(const Conduct& siblings) {
  return {.collecting = siblings.Collecting(),
          .fullest = siblings.fullest,
          .stored = PerExecutor(siblings.stored, siblings.executors),
          .spilled = PerExecutor(siblings.spilled, siblings.executors),
          .failed = FailedShare(siblings),
          .tasks = PerExecutor(siblings.tasks, siblings.executors)};
}

// What an only executor did in runs in which it had more of the part.
std::optional<Usual> UsualOf(const std::vector<const RunConduct*>& runs, Part part, Bytes size) {
  std::optional<Usual> usual;
  for (const auto* run : runs) {
    const double had = part == Part::kHeap ? run->heap : run->outside;
    if (had < kNear * Value(size)) continue;
    if (!usual) usual = Usual{.collecting = 1, .fullest = 1};
    usual->collecting = std::min<double>(usual->collecting, run->collecting);
    usual->fullest = std::min<double>(usual->fullest, run->fullest);
    usual->stored = std::max<double>(usual->stored, run->stored);
    usual->spilled = std::max<double>(usual->spilled, run->spilled);
  }
  return usual;
}

// `points` is how much larger the share of collections may be, 0.05 for five points.
Verdict Judge(Part part, const Conduct& tried, const Usual& usual, double points) {
  if (tried.told < tried.executors) return Verdict::kUnsure;  // its driver told too little of it
  const double tasks = PerExecutor(tried.tasks, tried.executors);
  if (tried.busy < kLittleWork || tasks < std::max(kFewTasks, kShareOfTasks * usual.tasks)) {
    return Verdict::kUnsure;  // it had too few tasks
  }
  if (FailedShare(tried) > usual.failed + kFailedTasks) {
    return Verdict::kTooSmall;  // more of its tasks failed
  }
  // Less memory outside of the heap kills, or does nothing: all else is in the heap, or has a cap.
  if (part == Part::kOutside) return Verdict::kWell;  // it did as well as others
  if (tried.Collecting() > usual.collecting + points) {
    return Verdict::kTooSmall;  // it collected more than others
  }
  if (tried.fullest >= kFull && usual.fullest < kFull) {
    return Verdict::kTooSmall;  // what it cached filled its room
  }
  const double stored = PerExecutor(tried.stored, tried.executors);
  if (stored < kHeld * usual.stored && tried.pressed >= kFull) {
    return Verdict::kTooSmall;  // what it cached was lost
  }
  if (tried.spilled.value > 0 && usual.spilled <= 0) {
    return Verdict::kTooSmall;  // it spilled where others did not
  }
  return Verdict::kWell;  // it did as well as others
}

Verdict JudgeRun(const FinishedRun& run, const std::vector<const RunConduct*>& whole,
                 double share_of_work, double points) {
  const auto& summary = run.summary;
  if (run.tried_lost) return Verdict::kUnsure;     // an executor on trial was lost
  if (run.tried_resized) return Verdict::kUnsure;  // an executor on trial was resized
  if (summary.outcome != model::Outcome::kSucceeded || summary.lost > 0) {
    return Verdict::kUnsure;  // the run did not go well
  }
  if (share_of_work < kAsMuchWork) return Verdict::kUnsure;  // the run had less to do
  const double longest = static_cast<double>(run.others.longest.count());
  if (static_cast<double>(run.tried.longest.count()) < kMostOfRun * longest) {
    return Verdict::kUnsure;  // it was there for too little of the run
  }
  const auto usual = run.others.told > 0
                         ? std::optional(UsualOf(run.others))
                         : UsualOf(whole, *run.part, model::SizeOf(run.tried_size, *run.part));
  if (!usual) return Verdict::kUnsure;  // there is nothing to compare it with
  return Judge(*run.part, run.tried, *usual, points);
}

// Of the run's tasks, those that were done on trial.
double ShareOnTrial(const FinishedRun& run) {
  const auto tasks = run.tried.tasks + run.others.tasks;
  return tasks > 0 ? static_cast<double>(run.tried.tasks) / static_cast<double>(tasks) : 0;
}

// What executors get after a size did well.
ExecutorSize InForce(Part part, const ExecutorSize& tried, double more,
                     const ExecutorSize& before) {
  const auto roomier = [&](Part of) {
    const Bytes size = model::SizeOf(tried, of);
    if (of != part) return size;
    return std::min(base::Scaled(size, more).RoundedUpToMiB(), model::SizeOf(before, of));
  };
  const Bytes heap = roomier(Part::kHeap);
  return {heap + roomier(Part::kOutside), heap};
}

void DidWell(const FinishedRun& run, double share_of_work, ShapeHistory& shape) {
  const double share = ShareOnTrial(run);
  if (run.tried_size == shape.candidate) {
    shape.exposure += share;
  } else {
    const auto& reached = SmallestReached(shape);
    const auto next = InForce(*run.part, run.tried_size, kInForce / share_of_work, reached);
    if (next.limit >= reached.limit) return;
    shape.TriedWell(*run.part, run.tried_size, next, share);
    shape.work = WorkOf(run).Times(1 / share_of_work);
  }
  const auto executors = run.others.executors + run.tried.executors;
  if (executors <= kFewExecutors || shape.exposure >= kExposed) shape.PutInForce();
}

void LearnTrial(const FinishedRun& run, const std::vector<const RunConduct*>& whole,
                double share_of_work, double points, ShapeHistory& shape) {
  switch (JudgeRun(run, whole, share_of_work, points)) {
    case Verdict::kUnsure:
      return;
    case Verdict::kWell:
      return DidWell(run, share_of_work, shape);
    case Verdict::kTooSmall:
      return shape.TriedTooSmall(*run.part, run.tried_size);
  }
}

double MedianOfThree(const std::vector<const RunConduct*>& runs, std::size_t first) {
  std::array<double, kRunsCompared> busy{};
  for (std::size_t i = 0; i < kRunsCompared; ++i) busy.at(i) = runs[first + i]->busy;
  std::sort(busy.begin(), busy.end());
  return busy[1];
}

// The clock's check, once: the first three runs at the size in force against the three before.
bool IsSlower(const std::vector<const RunConduct*>& runs, const ShapeHistory& shape) {
  const auto heap = InBytes(model::SizeOf(shape.well, Part::kHeap));
  const auto outside = InBytes(model::SizeOf(shape.well, Part::kOutside));
  const auto in_force = [&](const RunConduct* run) {
    return run->heap == heap && run->outside == outside;
  };
  const auto count = std::count_if(runs.begin(), runs.end(), in_force);
  if (count != kRunsCompared || runs.size() < 2 * kRunsCompared) return false;
  const auto first = runs.size() - kRunsCompared;
  const bool latest =
      std::all_of(runs.begin() + static_cast<std::ptrdiff_t>(first), runs.end(), in_force);
  if (!latest) return false;
  for (auto i = first - kRunsCompared; i < runs.size(); ++i) {
    if (runs[i]->work.RatioTo(runs.back()->work) < kAsMuchWork) return false;
    if (runs.back()->work.RatioTo(runs[i]->work) < kAsMuchWork) return false;
  }
  return MedianOfThree(runs, first) > kSlower * MedianOfThree(runs, first - kRunsCompared);
}

// What is cached fills its room, which it did not in larger heaps. The executor on trial may have
// had fewer blocks than others have now.
bool IsCrowded(const std::vector<const RunConduct*>& runs, const ShapeHistory& shape) {
  if (runs.empty() || runs.back()->heap > InBytes(model::SizeOf(shape.well, Part::kHeap))) {
    return false;
  }
  const auto& latest = *runs.back();
  return latest.fullest >= kFull && std::any_of(runs.begin(), runs.end(), [&](const auto* run) {
           return run->heap > latest.heap && run->fullest < kFull;
         });
}

// Of a size by trial that is everybody's now: goes back where it does badly.
void CheckInForce(const std::vector<const RunConduct*>& runs, ShapeHistory& shape) {
  const bool crowded = IsCrowded(runs, shape);
  if (!crowded && !IsSlower(runs, shape)) return;
  const bool heap = crowded || runs[runs.size() - kRunsCompared - 1]->heap > runs.back()->heap;
  shape.TriedTooSmall(heap ? Part::kHeap : Part::kOutside, shape.well);
}

// What was tried is meant for the work of then. Where there is more to do it grows with it.
void FollowWork(const model::Work& work, ShapeHistory& shape) {
  if (shape.work == model::Work{}) return;
  const double times = work.RatioTo(shape.work);
  if (times < kMoreWork) return;
  shape.Grow(times);
  shape.work = work;
}

// Each of the latest three runs had much less to do than each that is remembered from before. Three
// of those at least: the other days of the week say nothing of the day with the large input.
bool HasShrunk(const std::vector<const RunConduct*>& runs) {
  if (runs.size() < 2 * kRunsCompared) return false;
  const auto latest = runs.end() - kRunsCompared;
  return std::all_of(latest, runs.end(), [&](const auto* now) {
    return std::all_of(runs.begin(), latest, [&](const auto* before) {
      return before->work.RatioTo(now->work) >= kShrunk;
    });
  });
}

// The samples of executors with the size that was tried show that they used more outside of it than
// leaves room: containers are killed without a warning, so it grows before one is.
void FollowUse(const model::ApplicationSummary& run, ShapeHistory& shape) {
  auto& well = shape.well;
  if (!shape.tried || run.size != well || !well.heap) return;
  if (run.ooms > 0 || run.used > well.limit) return;  // by a larger one, which replaced it
  const Bytes used = base::Scaled(std::max(run.used - *well.heap, Bytes{}), kRoom);
  const Bytes most = std::max(model::SizeOf(shape.before, Part::kOutside),
                              model::SizeOf(shape.submitted, Part::kOutside));
  const Bytes outside = std::min(used.RoundedUpToMiB(), most);
  if (outside > model::SizeOf(well, Part::kOutside)) well.limit = *well.heap + outside;
}

void LearnRun(model::KeyHistory& history, const FinishedRun& run, double points) {
  auto* shape = history.FindShape(run.summary.shape_id);
  if (shape == nullptr) return;
  const double share_of_work = ShareOfMostWork(run, ConductsOf(history, shape->id, false));
  if (run.summary.WentWell() && share_of_work >= kAsMuchWork) {
    shape->WentWell(run.summary.size, run.summary.used);
  }
  if (run.others.busy + run.tried.busy == base::Duration{}) return;  // its driver told nothing
  if (run.part) {
    LearnTrial(run, ConductsOf(history, shape->id, true), share_of_work, points, *shape);
  }
  history.AddConduct(ConductOf(run));
  FollowUse(run.summary, *shape);
  FollowWork(WorkOf(run), *shape);
  const auto conducts = ConductsOf(history, shape->id, true);
  if (HasShrunk(conducts)) shape->ForgetTooSmall();
  if (shape->tried) CheckInForce(conducts, *shape);
}

}  // namespace

void LearnRuns(model::KeyHistory& history, const Policy& policy) {
  for (const auto& run : history.TakeFinished()) LearnRun(history, run, PointsAt(policy.risk));
}

}  // namespace sparkfit::recommend
