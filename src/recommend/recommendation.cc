// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/recommend/recommendation.h"

#include <algorithm>

namespace sparkfit::recommend {
namespace {

using base::Bytes;
using model::KeyHistory;
using model::ShapeHistory;

// An upper bound in whole MiB, as sizes are given: what is cut to it fits, and keeps its class of
// overhead. Below that it stays what it is.
Bytes AtMost(Bytes bound) { return bound < base::MiB(1) ? bound : base::MiB(bound.WholeMiB()); }

// What the policy answered.
struct Answer {
  Bytes target;
  Bytes lower;
  Bytes upper;
};

// What is recommended, on its way through the stages.
class Sizes {
 public:
  Sizes(const Answer& answer, std::vector<Applied>& applied)
      : target_(answer.target.RoundedUpToMiB()),
        lower_(answer.lower.RoundedUpToMiB()),
        upper_(answer.upper.RoundedUpToMiB()),
        applied_(applied) {}

  void CutTo(Stage stage, Bytes bound) {
    Apply(stage, bound, [&](Bytes size) { return std::min(size, bound); });
  }
  void RaiseTo(Stage stage, Bytes bound) {
    Apply(stage, bound, [&](Bytes size) { return std::max(size, bound); });
  }

  [[nodiscard]] Bytes Target() const { return target_; }
  [[nodiscard]] Bytes Lower() const { return std::min(target_, lower_); }
  [[nodiscard]] Bytes Upper() const { return std::max(target_, upper_); }

 private:
  template <typename Bounded>
  void Apply(Stage stage, Bytes bound, const Bounded& bounded) {
    const Bytes after = bounded(target_);
    if (after != target_) applied_.push_back({stage, bound, target_, after});
    target_ = after;
    lower_ = bounded(lower_);
    upper_ = bounded(upper_);
  }

  Bytes target_;
  Bytes lower_;
  Bytes upper_;
  std::vector<Applied>& applied_;
};

// The target in force when the latest application started, else what was submitted.
Bytes StepReference(const KeyHistory& history, const ShapeHistory& shape) {
  const auto& applications = history.Applications();
  if (!applications.empty() && applications.back().reference.value > 0) {
    return applications.back().reference;
  }
  return shape.submitted.limit;
}

void ApplyStep(const KeyHistory& history, const ShapeHistory& shape, double step, Sizes& sizes) {
  if (step <= 0) return;
  const Bytes reference = StepReference(history, shape);
  if (reference.value == 0) return;
  sizes.CutTo(Stage::kStep, AtMost(base::Scaled(reference, 1 + step)));
  sizes.RaiseTo(Stage::kStep, base::Scaled(reference, std::max(0.0, 1 - step)).RoundedUpToMiB());
}

struct Ceiling {
  Bytes at;
  CeilingSource source;
};

std::optional<Ceiling> FindCeiling(const Context& context) {
  if (context.bounds.max) return Ceiling{*context.bounds.max, CeilingSource::kBounds};
  if (context.safety.max_memory.value > 0) {
    return Ceiling{context.safety.max_memory, CeilingSource::kConfigured};
  }
  if (context.largest_node.value > 0) {
    return Ceiling{context.largest_node, CeilingSource::kLargestNode};
  }
  return std::nullopt;
}

// What an OOM asked for. A heap that it asked for stays, whatever overhead is split off.
Bytes FloorTotal(const model::OomFloor& floor, const std::optional<SplitRule>& rule) {
  const Bytes total = floor.Total();
  if (!rule || floor.heap.value == 0 || floor.kind != model::OomKind::kHeap) return total;
  return std::max(total, floor.heap + OverheadFor(*rule, floor.heap));
}

// The bounds that hold for this history now, in the order of Stage.
void ApplyStages(const KeyHistory& history, const ShapeHistory& shape,
                 const std::optional<SplitRule>& rule, const Context& context,
                 const std::optional<Ceiling>& ceiling, Bytes crowded, Sizes& sizes) {
  ApplyStep(history, shape, context.safety.step, sizes);
  const Bytes guard = std::max(GuardOf(shape), crowded);
  if (guard.value > 0) sizes.CutTo(Stage::kGuard, guard);
  if (rule) sizes.RaiseTo(Stage::kSmallest, SmallestTotal(*rule));
  if (history.ShapeIsNew()) sizes.RaiseTo(Stage::kShape, shape.submitted.limit);
  if (FloorHolds(history, context.safety)) {
    sizes.RaiseTo(Stage::kFloor, FloorTotal(*history.floor, rule));
  }
  if (context.bounds.min) sizes.RaiseTo(Stage::kMin, *context.bounds.min);
  if (ceiling) sizes.CutTo(Stage::kCeiling, AtMost(ceiling->at));
}

// Under which the latest runs were, of whatever shape: what used more before had a larger heap to
// use, or is a freak that was long enough ago.
Bytes LargestLimit(const KeyHistory& history) {
  Bytes largest;
  for (const auto& application : history.Applications()) {
    largest = std::max(largest, application.smallest_limit);
  }
  return largest.value > 0 ? largest : base::kLargestPlausible;
}

// Of the policies only `percentile` looks at the peaks themselves: they take longest to put
// together.
model::DecayingHistogram PeaksFor(const Policy& policy, const KeyHistory& history) {
  if (policy.kind == PolicyKind::kPercentile) return history.Peaks();
  return {model::MemoryBuckets(), policy.half_life};
}

// … only `max` at the largest …
Bytes LargestPeakFor(const Policy& policy, const KeyHistory& history) {
  return policy.kind == PolicyKind::kMax ? history.LargestPeak() : Bytes{};
}

// … and only `adaptive` at runs.
std::vector<model::Run> RunsFor(const Policy& policy, const KeyHistory& history,
                                const Recommendation& result,
                                const std::optional<SplitRule>& rule) {
  if (policy.kind != PolicyKind::kAdaptive) return {};
  if (result.heap_evidence) return RunsAsNeeded(*result.heap_evidence, *rule);
  if (FollowsDown(policy, result.heap)) return RunsInLatestHeap(history, result.heap);
  auto runs = history.Runs();
  const Bytes enough = LargestLimit(history);
  std::erase_if(runs, [&](const model::Run& run) { return run.peak > enough; });
  return runs;
}

// What drivers told: of heaps, and of the overhead, which is not taken away where something outside
// of the heap uses it.
std::optional<HeapEvidence> EvidenceOf(const KeyHistory& history, const ShapeHistory& shape,
                                       OverheadBounds& overhead) {
  if (!shape.submitted.heap) return std::nullopt;
  auto evidence = FindHeapEvidence(history);
  if (!evidence) return evidence;
  overhead.least = std::max(overhead.least, evidence->overhead.least);
  overhead.most = evidence->overhead.most;
  return evidence;
}

// The policy's answer, with the room that heaps need, or followed down where the peaks would follow
// a smaller heap.
Answer Followed(const Recommendation& result, const Policy& policy,
                const std::optional<SplitRule>& rule) {
  if (!result.estimate) return {};
  const auto& estimate = *result.estimate;
  if (result.heap_evidence) {
    const auto with_room = [&](Bytes size, double risk) {
      return WithRoom(size, *result.heap_evidence, *rule, risk).size;
    };
    return {with_room(estimate.target, policy.risk), with_room(estimate.lower, 0),
            with_room(estimate.upper, kUpperRisk * policy.risk)};
  }
  if (!FollowsDown(policy, result.heap)) return {estimate.target, estimate.lower, estimate.upper};
  const auto followed = [&](Bytes size) { return FollowedDown(size, estimate.basis, result.heap); };
  return {followed(estimate.target), followed(estimate.lower), followed(estimate.upper)};
}

}  // namespace

bool FollowsDown(const Policy& policy, const HeapTrend& heap) {
  return policy.kind == PolicyKind::kAdaptive && heap.inflation == Inflation::kFollows;
}

Recommendation Recommend(const KeyHistory& history, const Context& context) {
  Recommendation result;
  const auto* shape = history.CurrentShape();
  if (shape == nullptr) return result;
  const Bytes asked = LeastOverhead(history, context.policy, context.safety);
  result.overhead.least = asked;
  if (context.policy.kind == PolicyKind::kAdaptive) {
    result.heap_evidence = EvidenceOf(history, *shape, result.overhead);
  }
  if (result.heap_evidence) {
    result.heap.inflation = Inflation::kDriverTells;
  } else {
    result.heap = FindHeapTrend(history);
  }
  auto rule = RuleFor(shape->submitted, result.overhead);
  const auto peaks = PeaksFor(context.policy, history);
  const auto runs = RunsFor(context.policy, history, result, rule);
  // A family alone is no history, and one of working sets says nothing of needs.
  const bool alone = runs.empty() || result.heap_evidence;
  result.estimate =
      EstimateNeed(context.policy, {peaks, LargestPeakFor(context.policy, history), shape->request,
                                    runs, alone ? nullptr : context.family});
  if (!result.estimate && !FloorHolds(history, context.safety)) return result;

  const auto ceiling = FindCeiling(context);
  const Bytes crowded = result.heap_evidence
                            ? RaisedByCrowding(*result.heap_evidence, *rule, shape->submitted.limit)
                            : Bytes{};
  // Without a sample only the floor speaks; every stage before it is at most what it asks for.
  Sizes sizes(Followed(result, context.policy, rule), result.applied);
  if (result.estimate) result.uncapped = sizes.Target();
  ApplyStages(history, *shape, rule, context, ceiling, crowded, sizes);
  result.target = sizes.Target();
  result.lower = sizes.Lower();
  result.upper = sizes.Upper();
  if (ceiling) result.ceiling = ceiling->source;
  if (result.heap_evidence) {
    // Where a bound cut the total, the heap goes before what is only seen in use outside of it.
    const Bytes left = *result.target - HeapFirst(*result.heap_evidence);
    result.overhead.least = std::min(result.overhead.least, std::max(asked, left));
    rule->bounds = result.overhead;
  }
  if (rule) result.split = SplitTotal(*result.target, *rule);
  return result;
}

}  // namespace sparkfit::recommend
