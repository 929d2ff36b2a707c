// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/recommend/trial.h"

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "sparkfit/recommend/recommendation.h"
#include "sparkfit/recommend/split.h"

namespace sparkfit::recommend {
namespace {

using base::Bytes;
using model::Bracket;
using model::Conduct;
using model::ExecutorSize;
using model::FinishedRun;
using model::Part;
using model::RunConduct;
using model::ShapeHistory;

// A dial from here on goes down more slowly: to three quarters, not to a half.
constexpr double kSafe = 2;
constexpr double kStep = 0.5;
constexpr double kSafeStep = 0.75;
// Sizes are near enough to each other after a death, and otherwise.
constexpr double kNearAfterDeath = 1.3;
constexpr double kNear = 1.15;
// What is given once a size did well: so much more.
constexpr double kInForce = 1.05;
// Blocks and execution memory that take so much of their room are held up by it.
constexpr double kFull = 0.97;
// Spark's reserve, beside which the heap is shared out (UnifiedMemoryManager).
constexpr Bytes kReserved = base::MiB(300);
// Fewer tasks, or less of them, say nothing.
constexpr std::int64_t kFewTasks = 10;
constexpr base::Duration kLittleWork = std::chrono::seconds(10);
// An executor on trial has to have been there for so much of the run.
constexpr double kMostOfRun = 0.8;
// A run tells of the size if it did so much of the work of each that is remembered …
constexpr double kAsMuchWork = 0.8;
// … and so many of its tasks failed at most.
constexpr double kFailedTasks = 0.01;
// Cached blocks below this share of what siblings hold were lost.
constexpr double kHeld = 0.8;
// Runs that take so many times as long are slower: the clock's check, of three runs against three.
constexpr double kSlower = 1.15;
constexpr std::size_t kRunsOfClock = 3;

double Value(Bytes bytes) { return static_cast<double>(bytes.value); }

// How much larger the share of collections may be: 3, 5, 10 points at safe, balanced, thrifty.
double PointsAt(double risk) { return std::clamp(0.05 / std::max(risk, 0.01), 0.03, 0.10); }

double PerExecutor(Bytes sum, std::uint32_t executors) {
  return executors > 0 ? Value(sum) / executors : 0;
}

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

// Of this shape, oldest first; all, or those that went well.
std::vector<const RunConduct*> ConductsOf(const model::KeyHistory& history, std::uint32_t shape_id,
                                          bool whole) {
  std::vector<const RunConduct*> found;
  for (const auto& conduct : history.Conducts()) {
    if (conduct.shape_id == shape_id && (conduct.whole || !whole)) found.push_back(&conduct);
  }
  return found;
}

bool DidTheWork(const FinishedRun& run, const std::vector<const RunConduct*>& remembered) {
  const auto work = WorkOf(run);
  return std::all_of(remembered.begin(), remembered.end(), [&](const RunConduct* other) {
    return work.LeastRatioTo(other->work) >= kAsMuchWork;
  });
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
                   FailedShare(conduct) <= kFailedTasks};
}

Usual UsualOf(const Conduct& siblings) {
  return {.collecting = siblings.Collecting(),
          .fullest = siblings.fullest,
          .stored = PerExecutor(siblings.stored, siblings.executors),
          .spilled = PerExecutor(siblings.spilled, siblings.executors),
          .failed = FailedShare(siblings)};
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

Judgement JudgeRun(const FinishedRun& run, const std::vector<const RunConduct*>& remembered,
                   double points) {
  const auto& summary = run.summary;
  if (run.tried_lost) return {Verdict::kUnsure, "an executor on trial was lost"};
  if (summary.outcome != model::Outcome::kSucceeded || summary.lost > 0) {
    return {Verdict::kUnsure, "the run did not go well"};
  }
  if (!DidTheWork(run, remembered)) return {Verdict::kUnsure, "the run had less to do"};
  const double longest = static_cast<double>(run.others.longest.count());
  if (static_cast<double>(run.tried.longest.count()) < kMostOfRun * longest) {
    return {Verdict::kUnsure, "it was there for too little of the run"};
  }
  const auto usual = run.others.told > 0
                         ? std::optional(UsualOf(run.others))
                         : UsualOf(remembered, *run.part, model::SizeOf(run.tried_size, *run.part));
  if (!usual) return {Verdict::kUnsure, "there is nothing to compare it with"};
  return Judge(run.tried, *usual, points);
}

// What everybody gets after a size did well.
ExecutorSize InForce(Part part, const ExecutorSize& tried, const ExecutorSize& before) {
  const auto roomier = [&](Part of) {
    const Bytes size = model::SizeOf(tried, of);
    if (of != part) return size;
    return std::min(base::Scaled(size, kInForce).RoundedUpToMiB(), model::SizeOf(before, of));
  };
  const Bytes heap = roomier(Part::kHeap);
  return {heap + roomier(Part::kOutside), heap};
}

void LearnTrial(const FinishedRun& run, const std::vector<const RunConduct*>& remembered,
                double points, ShapeHistory& shape) {
  const auto judgement = JudgeRun(run, remembered, points);
  switch (judgement.verdict) {
    case Verdict::kUnsure:
      return;
    case Verdict::kWell: {
      const auto in_force = InForce(*run.part, run.tried_size, SizeThatWentWell(shape));
      if (in_force.limit >= SizeThatWentWell(shape).limit) return;
      shape.TriedWell(*run.part, run.tried_size, in_force);
      return;
    }
    case Verdict::kTooSmall:
      shape.TriedTooSmall(*run.part, run.tried_size);
      return;
  }
}

double MedianOfThree(const std::vector<const RunConduct*>& runs, std::size_t first) {
  std::array<double, kRunsOfClock> busy{};
  for (std::size_t i = 0; i < kRunsOfClock; ++i) busy.at(i) = runs[first + i]->busy;
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
  if (count != kRunsOfClock || runs.size() < 2 * kRunsOfClock) return false;
  const auto first = runs.size() - kRunsOfClock;
  const bool latest =
      std::all_of(runs.begin() + static_cast<std::ptrdiff_t>(first), runs.end(), in_force);
  if (!latest) return false;
  for (auto i = first - kRunsOfClock; i < runs.size(); ++i) {
    if (runs[i]->work.LeastRatioTo(runs.back()->work) < kAsMuchWork) return false;
    if (runs.back()->work.LeastRatioTo(runs[i]->work) < kAsMuchWork) return false;
  }
  return MedianOfThree(runs, first) > kSlower * MedianOfThree(runs, first - kRunsOfClock);
}

void LearnRun(model::KeyHistory& history, const FinishedRun& run, double points) {
  auto* shape = history.FindShape(run.summary.shape_id);
  if (shape == nullptr) return;
  if (run.summary.WentWell()) shape->WentWell(run.summary.size, run.summary.used);
  if (run.others.busy + run.tried.busy == base::Duration{}) return;  // its driver told nothing
  if (run.part) LearnTrial(run, ConductsOf(history, shape->id, true), points, *shape);
  history.AddConduct(ConductOf(run));
  if (!shape->tried || !IsSlower(ConductsOf(history, shape->id, true), *shape)) return;
  const bool heap = shape->before.heap > shape->well.heap;
  shape->TriedTooSmall(heap ? Part::kHeap : Part::kOutside, shape->well);
}

// The least heap in which what is cached keeps its room.
Bytes HeapForCached(const RunConduct& run) {
  const double shared = run.heap - Value(kReserved);
  if (run.fullest <= 0 || shared <= 0) return {};
  return kReserved + base::Scaled({1}, shared * run.fullest / kFull);
}

// The next smaller size of a part to try; nothing where there is none.
std::optional<Bytes> NextSize(const Bracket& bracket, Bytes well, Bytes least, double step) {
  if (bracket.well.value > 0) well = std::min(well, bracket.well);
  Bytes next = base::Scaled(well, step);
  if (bracket.too_small.value > 0) {
    const double near = bracket.killed ? kNearAfterDeath : kNear;
    if (Value(well) <= near * Value(bracket.too_small)) return std::nullopt;
    next = std::max(next, Bytes{(well.value + bracket.too_small.value) / 2});
  }
  next = std::max(next, least).RoundedUpToMiB();
  if (Value(well) < kNear * Value(next)) return std::nullopt;
  return next;
}

// What was in use outside of the heap, at most, in the remembered runs with the smallest heaps.
// Nothing of it can be given up. In larger heaps more of it is heap that was touched and is free.
Bytes UsedOutside(const std::vector<const RunConduct*>& runs) {
  double smallest = std::numeric_limits<double>::infinity();
  for (const auto* run : runs) smallest = std::min<double>(smallest, run->heap);
  double most = 0;
  for (const auto* run : runs) {
    if (run->heap <= kNear * smallest) most = std::max<double>(most, run->used_outside);
  }
  return base::Scaled({1}, most).RoundedUpToMiB();
}

// Beside a smaller heap: an explicit overhead as it was, or Spark's default for the heap; and at
// least what was in use, which may have found room in a heap that was not full.
Bytes OutsideBeside(Bytes heap, const SplitRule& rule, const ExecutorSize& well, Bytes used) {
  const bool is_explicit = rule.overhead == model::OverheadClass::kExplicit;
  const Bytes own = is_explicit ? model::SizeOf(well, Part::kOutside) : OutsideFor(rule, heap);
  return std::max(own, used);
}

std::optional<Trial> TrialBelow(const ShapeHistory& shape, const RunConduct& latest,
                                const std::vector<const RunConduct*>& runs, double risk) {
  const auto& well = SizeThatWentWell(shape);
  const auto rule = RuleFor(shape.submitted, {});
  if (!rule || !well.heap) return std::nullopt;
  const double step = risk >= kSafe ? kSafeStep : kStep;
  const Bytes used = UsedOutside(runs);
  const int executors = latest.executors >= 4 ? 2 : 1;
  const auto least = std::max(kSmallestHeap, HeapForCached(latest));
  if (const auto heap = NextSize(shape.Of(Part::kHeap), *well.heap, least, step)) {
    const Bytes total = *heap + OutsideBeside(*heap, *rule, well, used);
    if (total < well.limit) return Trial{Part::kHeap, {total, *heap}, executors};
  }
  const Bytes had = model::SizeOf(well, Part::kOutside);
  const Bytes least_outside = std::max(model::kLeastDefaultOverhead, used);
  if (const auto outside = NextSize(shape.Of(Part::kOutside), had, least_outside, step)) {
    return Trial{Part::kOutside, {*well.heap + *outside, *well.heap}, executors};
  }
  return std::nullopt;
}

}  // namespace

std::string_view Describe(NoTrial reason) {
  switch (reason) {
    case NoTrial::kNone:
      return "The next run tries a smaller size.";
    case NoTrial::kPolicy:
      return "Only the policy adaptive tries smaller sizes.";
    case NoTrial::kNotConfident:
      return "Too little is known of the job to try a smaller size.";
    case NoTrial::kLatestFailed:
      return "The latest run did not end well, so that the next one tries nothing.";
    case NoTrial::kDriverSilent:
      return "No smaller size is tried, as the driver does not tell how executors do.";
    case NoTrial::kNothingSmaller:
      return "There is no smaller size left to try.";
  }
  return "";
}

Judgement Judge(const Conduct& tried, const Usual& usual, double points) {
  if (tried.told < tried.executors) return {Verdict::kUnsure, "its driver told too little of it"};
  if (tried.tasks < kFewTasks || tried.busy < kLittleWork) {
    return {Verdict::kUnsure, "it had too few tasks"};
  }
  if (tried.Collecting() > usual.collecting + points) {
    return {Verdict::kTooSmall, "it collected more than others"};
  }
  if (FailedShare(tried) > usual.failed + kFailedTasks) {
    return {Verdict::kTooSmall, "more of its tasks failed"};
  }
  if (tried.fullest >= kFull && usual.fullest < kFull) {
    return {Verdict::kTooSmall, "what it cached filled its room"};
  }
  const double stored = PerExecutor(tried.stored, tried.executors);
  if (stored < kHeld * usual.stored && tried.pressed >= kFull) {
    return {Verdict::kTooSmall, "what it cached was lost"};
  }
  if (tried.spilled.value > 0 && usual.spilled <= 0) {
    return {Verdict::kTooSmall, "it spilled where others did not"};
  }
  return {Verdict::kWell, "it did as well as others"};
}

NextTrial FindTrial(const model::KeyHistory& history, const Policy& policy) {
  if (policy.kind != PolicyKind::kAdaptive) return {{}, NoTrial::kPolicy};
  const auto* shape = history.CurrentShape();
  const auto many = history.Totals().coverage[static_cast<std::size_t>(model::Coverage::kMany)];
  if (shape == nullptr || history.ShapeIsNew() || !shape->proven || many == 0 ||
      !shape->submitted.heap) {
    return {{}, NoTrial::kNotConfident};
  }
  const auto* latest = history.LatestEnded();
  if (latest == nullptr || latest->outcome != model::Outcome::kSucceeded) {
    return {{}, NoTrial::kLatestFailed};
  }
  const auto& conducts = history.Conducts();
  const auto told = std::find_if(conducts.rbegin(), conducts.rend(), [&](const auto& conduct) {
    return conduct.application == model::RunId(latest->id.Text());
  });
  if (told == conducts.rend() || told->shape_id != shape->id) {
    return {{}, NoTrial::kDriverSilent};
  }
  auto trial = TrialBelow(*shape, *told, ConductsOf(history, shape->id, false), policy.risk);
  const auto reason = trial ? NoTrial::kNone : NoTrial::kNothingSmaller;
  return {std::move(trial), reason};
}

void LearnRuns(model::KeyHistory& history, const Policy& policy) {
  for (const auto& run : history.TakeFinished()) LearnRun(history, run, PointsAt(policy.risk));
}

}  // namespace sparkfit::recommend
