// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/recommend/trial.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "sparkfit/recommend/recommendation.h"
#include "sparkfit/recommend/split.h"
#include "trial_rules.h"

namespace sparkfit::recommend {
namespace {

using base::Bytes;
using model::Bracket;
using model::ExecutorSize;
using model::Part;
using model::RunConduct;
using model::ShapeHistory;

// A dial from here on goes down more slowly: to three quarters, not to a half. So does a job whose
// Spark may leave later executors one core after an OOM (spark.kubernetes.allocation.recoveryMode).
constexpr double kSafe = 2;
constexpr double kHalf = 0.5;
constexpr double kSlowStep = 0.75;
constexpr model::SparkLine kHasRecoveryMode{4, 2};
// Sizes are near enough to each other after a death; otherwise kNear.
constexpr double kNearAfterDeath = 1.3;
// Spark's reserve, beside which the heap is shared out (UnifiedMemoryManager).
constexpr Bytes kReserved = base::MiB(300);

// The heap in which there is this share of the room that the run had.
Bytes HeapWithRoom(const RunConduct& run, double share) {
  const double shared = run.heap - Value(kReserved);
  if (share <= 0 || shared <= 0) return {};
  return kReserved + base::Scaled({1}, shared * share);
}

// The least heap in which what is cached keeps its room.
Bytes HeapForCached(const RunConduct& run) { return HeapWithRoom(run, run.fullest / kFull); }

// A hint, and no more: half the heap had less room than blocks and execution memory took together.
bool HintsAgainstHalf(const RunConduct& run) {
  return kHalf * run.heap < Value(HeapWithRoom(run, run.pressed / 100.0));
}

// The next smaller size of a part to try; nothing where there is none.
std::optional<Bytes> NextSize(const Bracket& bracket, Bytes well, Bytes least, double step) {
  if (bracket.well.value > 0) well = std::min(well, bracket.well);
  Bytes next = base::Scaled(well, step);
  if (bracket.too_small.value > 0) {
    const double near = bracket.killed ? kNearAfterDeath : kNear;
    if (Value(well) <= near * Value(bracket.too_small)) return std::nullopt;
    next = std::max(next, Bytes{(well + bracket.too_small).value / 2});
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

// What executors with the smallest heaps used in all, and some more, as samples miss short peaks:
// with so much no container is killed.
Bytes UsedInAll(const model::KeyHistory& history, const std::vector<const RunConduct*>& runs,
                Bytes heap) {
  Bytes most;
  for (const auto& run : history.Runs()) {
    const auto told = std::find_if(runs.begin(), runs.end(), [&](const RunConduct* conduct) {
      return conduct->application == run.application && conduct->heap <= kNear * Value(heap);
    });
    if (told != runs.end()) most = std::max(most, run.used);
  }
  return base::Scaled(most, kRoom);
}

// Beside a smaller heap: an explicit overhead as it was, or Spark's default for the heap; and at
// least what was in use, which may have found room in a heap that was not full, and some more.
Bytes OutsideBeside(Bytes heap, const SplitRule& rule, const ExecutorSize& well, Bytes used) {
  const bool is_explicit = rule.overhead == model::OverheadClass::kExplicit;
  const Bytes own = is_explicit ? model::SizeOf(well, Part::kOutside) : OutsideFor(rule, heap);
  return std::max(own, base::Scaled(used, kRoom).RoundedUpToMiB());
}

// The size that did well goes to more and more executors. While that has not been seen with so much
// work, it may be too small for a task that no executor on trial met; such a task ends the run when
// it meets four of them. The probability of that is (share of executors)⁴ × (of having missed it so
// far), e^−exposure, and stays below e^−kExposed; up to three executors cannot end a run.
Trial Spread(const ShapeHistory& shape, const RunConduct& latest) {
  const double share = std::min(1.0, std::exp((shape.exposure - kExposed) / kTaskAttempts));
  const int some = static_cast<int>(share * latest.executors);
  const bool less_heap = model::SizeOf(shape.candidate, Part::kHeap) <
                         model::SizeOf(SizeThatWentWell(shape), Part::kHeap);
  return {less_heap ? Part::kHeap : Part::kOutside, shape.candidate,
          std::max(some, kTaskAttempts - 1)};
}

std::optional<Trial> TrialBelow(const model::KeyHistory& history, const ShapeHistory& shape,
                                const RunConduct& latest, double risk) {
  const auto runs = ConductsOf(history, shape.id, false);
  const auto& well = SmallestReached(shape);
  const auto rule = RuleFor(shape.submitted, {});
  if (!rule || !well.heap) return std::nullopt;
  const bool slow = risk >= kSafe || shape.shape.spark >= kHasRecoveryMode;
  const double step = slow ? kSlowStep : kHalf;
  const Bytes used = UsedOutside(runs);
  const int executors = latest.executors >= 4 ? 2 : 1;
  const auto least = std::max(kSmallestHeap, HeapForCached(latest));
  const double heap_step = HintsAgainstHalf(latest) ? kSlowStep : step;
  if (const auto heap = NextSize(shape.Of(Part::kHeap), *well.heap, least, heap_step)) {
    const Bytes total = *heap + OutsideBeside(*heap, *rule, well, used);
    if (total < well.limit) return Trial{Part::kHeap, {total, *heap}, executors};
  }
  const Bytes had = model::SizeOf(well, Part::kOutside);
  const Bytes in_all = UsedInAll(history, runs, *well.heap);
  const Bytes beside = in_all.value > 0 ? std::max(in_all - *well.heap, Bytes{}) : used;
  const Bytes least_outside = std::max(model::kLeastDefaultOverhead, std::min(used, beside));
  if (const auto outside = NextSize(shape.Of(Part::kOutside), had, least_outside, step)) {
    return Trial{Part::kOutside, {*well.heap + *outside, *well.heap}, executors};
  }
  if (shape.candidate.limit.value > 0) return Spread(shape, latest);
  return std::nullopt;
}

}  // namespace

std::string_view Describe(NoTrial reason) {
  switch (reason) {
    case NoTrial::kNone:
      return "The next run tries a smaller size.";
    case NoTrial::kNotWanted:
      return "No smaller size is tried, as spec.explore is false.";
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
    case NoTrial::kCeiling:
      return "The next size to try is above the ceiling.";
  }
  return "";
}

NextTrial FindTrial(const model::KeyHistory& history, const Policy& policy, bool explore) {
  if (!explore) return {{}, NoTrial::kNotWanted};
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
  auto trial = TrialBelow(history, *shape, *told, policy.risk);
  const auto reason = trial ? NoTrial::kNone : NoTrial::kNothingSmaller;
  return {std::move(trial), reason};
}

}  // namespace sparkfit::recommend
