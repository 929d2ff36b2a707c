// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/recommend/recommendation.h"

#include <algorithm>

namespace sparkfit::recommend {
namespace {

using base::Bytes;
using model::KeyHistory;
using model::ShapeHistory;

// The bounds that hold for this history now, in the order of Stage. A stage that has nothing to
// say is not listed.
struct Limit {
  Stage stage;
  Bytes at;
  bool upper;  // an upper bound; else a lower one
};

Bytes Apply(const Limit& limit, Bytes value) {
  return limit.upper ? std::min(value, limit.at) : std::max(value, limit.at);
}

// The target in force when the latest application started, else what was submitted.
Bytes StepReference(const KeyHistory& history, const ShapeHistory& shape) {
  const auto& applications = history.Applications();
  if (!applications.empty() && applications.back().reference.value > 0) {
    return applications.back().reference;
  }
  return shape.submitted.limit;
}

void AddStep(const KeyHistory& history, const ShapeHistory& shape, double step,
             std::vector<Limit>& limits) {
  if (step <= 0) return;
  const Bytes reference = StepReference(history, shape);
  if (reference.value == 0) return;
  limits.push_back({Stage::kStep, base::Scaled(reference, 1 + step), true});
  limits.push_back(
      {Stage::kStep, base::Scaled(reference, std::max(0.0, 1 - step)).RoundedUpToMiB(), false});
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

std::vector<Limit> LimitsOf(const KeyHistory& history, const ShapeHistory& shape,
                            const std::optional<SplitRule>& rule, const Context& context,
                            const std::optional<Ceiling>& ceiling, Bytes crowded) {
  std::vector<Limit> limits;
  AddStep(history, shape, context.safety.step, limits);
  const Bytes guard = std::max(GuardOf(shape), crowded);
  if (guard.value > 0) limits.push_back({Stage::kGuard, guard, true});
  if (rule) limits.push_back({Stage::kSmallest, SmallestTotal(*rule), false});
  if (history.ShapeIsNew()) limits.push_back({Stage::kShape, shape.submitted.limit, false});
  if (FloorHolds(history, context.safety)) {
    limits.push_back({Stage::kFloor, history.floor->Total(), false});
  }
  if (context.bounds.min) limits.push_back({Stage::kMin, *context.bounds.min, false});
  if (ceiling) limits.push_back({Stage::kCeiling, ceiling->at, true});
  return limits;
}

Bytes Through(const std::vector<Limit>& limits, Bytes value) {
  for (const auto& limit : limits) value = Apply(limit, value);
  return value;
}

Bytes ThroughNoting(const std::vector<Limit>& limits, Bytes value, std::vector<Applied>& applied) {
  for (const auto& limit : limits) {
    const Bytes after = Apply(limit, value);
    if (after != value) applied.push_back({limit.stage, limit.at, value, after});
    value = after;
  }
  return value;
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

// Of the policies only `adaptive` looks at runs.
std::vector<model::Run> RunsFor(const Policy& policy, const KeyHistory& history,
                                const Recommendation& result,
                                const std::optional<SplitRule>& rule) {
  if (policy.kind != PolicyKind::kAdaptive) return {};
  if (result.heap_evidence) return RunsAsNeeded(history, *result.heap_evidence, *rule);
  if (FollowsDown(policy, result.heap)) return RunsInLatestHeap(history, result.heap);
  auto runs = history.Runs();
  const Bytes enough = LargestLimit(history);
  std::erase_if(runs, [&](const model::Run& run) { return run.peak > enough; });
  return runs;
}

// What drivers told. The overhead is not taken away where something outside of the heap uses it.
std::optional<HeapEvidence> EvidenceOf(const KeyHistory& history, const ShapeHistory& shape,
                                       Bytes& least_overhead) {
  if (!shape.submitted.heap) return std::nullopt;
  auto evidence = FindHeapEvidence(history);
  if (evidence) least_overhead = std::max(least_overhead, evidence->overhead);
  return evidence;
}

// The policy's answer, followed down where the peaks would follow a smaller heap.
Estimate Followed(const Recommendation& result, const Policy& policy,
                  const std::optional<SplitRule>& rule) {
  auto estimate = result.estimate.value_or(Estimate{});
  if (!result.estimate) return estimate;
  for (auto* size : {&estimate.target, &estimate.lower, &estimate.upper}) {
    if (result.heap_evidence) {
      *size = NotTooDeep(*size, *result.heap_evidence, *rule);
    } else if (FollowsDown(policy, result.heap)) {
      *size = FollowedDown(*size, estimate.basis, result.heap);
    }
  }
  return estimate;
}

}  // namespace

bool FollowsDown(const Policy& policy, const HeapTrend& heap) {
  return policy.kind == PolicyKind::kAdaptive && heap.inflation == Inflation::kFollows;
}

Recommendation Recommend(const KeyHistory& history, const Context& context) {
  Recommendation result;
  const auto* shape = history.CurrentShape();
  if (shape == nullptr) return result;
  result.least_overhead = LeastOverhead(history, context.policy, context.safety);
  result.heap = FindHeapTrend(history);
  if (context.policy.kind == PolicyKind::kAdaptive) {
    result.heap_evidence = EvidenceOf(history, *shape, result.least_overhead);
    if (result.heap_evidence) result.heap.inflation = Inflation::kDriverTells;
  }
  const auto rule = RuleFor(shape->submitted, result.least_overhead);
  const auto peaks = history.Peaks();
  const auto runs = RunsFor(context.policy, history, result, rule);
  // A family alone is no history, and one of working sets says nothing of needs.
  const bool alone = runs.empty() || result.heap_evidence;
  result.estimate = EstimateNeed(context.policy, {peaks, history.LargestPeak(), shape->request,
                                                  runs, alone ? nullptr : context.family});
  if (!result.estimate && !FloorHolds(history, context.safety)) return result;

  const auto ceiling = FindCeiling(context);
  const Bytes crowded =
      result.heap_evidence ? RaisedByCrowding(*result.heap_evidence, *rule) : Bytes{};
  const auto limits = LimitsOf(history, *shape, rule, context, ceiling, crowded);
  // Without a sample only the floor speaks; every stage before it is at most what it asks for.
  const auto estimate = Followed(result, context.policy, rule);
  if (result.estimate) result.uncapped = estimate.target.RoundedUpToMiB();
  result.target = ThroughNoting(limits, estimate.target.RoundedUpToMiB(), result.applied);
  result.lower = std::min(*result.target, Through(limits, estimate.lower.RoundedUpToMiB()));
  result.upper = std::max(*result.target, Through(limits, estimate.upper.RoundedUpToMiB()));
  if (ceiling) result.ceiling = ceiling->source;
  if (rule) result.split = SplitTotal(*result.target, *rule);
  return result;
}

}  // namespace sparkfit::recommend
