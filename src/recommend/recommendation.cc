// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/recommend/recommendation.h"

#include <algorithm>

namespace sparkfit::recommend {
namespace {

using base::Bytes;
using model::KeyHistory;
using model::Part;
using model::ShapeHistory;

// A JVM that runs an executor uses at least this much outside of its heap: 122 to 182 MiB were
// measured (docs/algorithm.md). So a heap holds at least that much less than its executor uses.
constexpr Bytes kLeastOutside = base::MiB(120);
// Room in a heap beyond all that its executor ever used.
constexpr double kHeapRoom = 1.1;

// An upper bound in whole MiB, as sizes are given: what is cut to it fits, and keeps its class of
// overhead. Below that it stays what it is.
Bytes AtMost(Bytes bound) { return bound < base::MiB(1) ? bound : base::MiB(bound.WholeMiB()); }

// What is recommended, on its way through the stages.
class Sizes {
 public:
  Sizes(const std::optional<Estimate>& answer, std::vector<Applied>& applied) : applied_(applied) {
    if (!answer) return;
    target_ = answer->target.RoundedUpToMiB();
    lower_ = answer->lower.RoundedUpToMiB();
    upper_ = answer->upper.RoundedUpToMiB();
  }

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
  return history.Reference().value > 0 ? history.Reference() : shape.submitted.limit;
}

void ApplyStep(const KeyHistory& history, const ShapeHistory& shape, double step, Sizes& sizes) {
  if (step <= 0) return;
  const Bytes reference = StepReference(history, shape);
  if (reference.value == 0) return;
  sizes.CutTo(Stage::kStep, AtMost(base::Scaled(reference, 1 + step)));
  sizes.RaiseTo(Stage::kStep, base::Scaled(reference, std::max(0.0, 1 - step)).RoundedUpToMiB());
}

// The smallest heap that is known to be enough for an unchanged need: it holds at most what its
// executor uses in all, less what a JVM uses outside of it. The one that went well where the peak
// is not known. REQUIRES: `well` shows its heap.
Bytes ProvenHeap(const model::ExecutorSize& well, Bytes peak) {
  if (peak.value == 0) return *well.heap;
  return std::min(*well.heap, std::max(peak - kLeastOutside, Bytes{}));
}

// The smallest total that is known to be enough for an unchanged need: a container uses at most
// `peak` in all. Nothing where the peak is not known: then LowConfidence keeps executors from being
// made smaller.
Bytes ProvenTotal(const model::ExecutorSize& well, const std::optional<SplitRule>& rule,
                  Bytes peak) {
  if (peak.value == 0) return {};
  if (!rule || !well.heap) return std::min(well.limit, peak);
  const Bytes heap = ProvenHeap(well, peak);
  return std::min(well.limit, std::max(peak, heap + OutsideFor(*rule, heap)));
}

// Executors died in the latest run, unsampled at their highest, and others lived with what replaced
// them: the next run starts with that.
bool RanOutOfMemory(const KeyHistory& history, const ShapeHistory& shape) {
  const auto* latest = history.LatestEnded();
  return shape.AsksForMore() && latest != nullptr && latest->shape_id == shape.id &&
         latest->ooms > 0;
}

struct Ceiling {
  Bytes at;
  CeilingSource source;
};

// A node limits growth alone: executors that ran with more found a node, even if it is gone now.
std::optional<Ceiling> FindCeiling(const Context& context, const ShapeHistory& shape) {
  if (context.bounds.max) return Ceiling{*context.bounds.max, CeilingSource::kBounds};
  if (context.safety.max_memory.value > 0) {
    return Ceiling{context.safety.max_memory, CeilingSource::kConfigured};
  }
  if (context.largest_node.value > 0) {
    return Ceiling{std::max(context.largest_node, shape.largest_limit),
                   CeilingSource::kLargestNode};
  }
  return std::nullopt;
}

// What the stages apply.
struct Limits {
  Bytes proven;
  Bytes tried;       // 0: no smaller size was tried
  Bytes after_ooms;  // 0: no OOM asks for anything
  Bytes guard;       // 0: no executor of this shape ran yet
  Bytes ceiling;     // 0: there is none
};

void ApplyStages(const KeyHistory& history, const ShapeHistory& shape,
                 const std::optional<SplitRule>& rule, const Context& context, const Limits& limits,
                 Sizes& sizes) {
  ApplyStep(history, shape, context.safety.step, sizes);
  if (context.safety.cover_peaks) sizes.RaiseTo(Stage::kProof, limits.proven.RoundedUpToMiB());
  if (limits.tried.value > 0) sizes.CutTo(Stage::kTried, limits.tried);
  if (limits.guard.value > 0) sizes.CutTo(Stage::kGuard, limits.guard);
  if (rule) sizes.RaiseTo(Stage::kSmallest, SmallestTotal(*rule));
  if (history.ShapeIsNew()) sizes.RaiseTo(Stage::kShape, shape.submitted.limit);
  sizes.RaiseTo(Stage::kOom, limits.after_ooms);
  if (context.bounds.min) sizes.RaiseTo(Stage::kMin, *context.bounds.min);
  if (limits.ceiling.value > 0) sizes.CutTo(Stage::kCeiling, AtMost(limits.ceiling));
}

// What is known of the parts: what OOMs ask for, beside a heap that is enough; and how much of the
// heap is needed at most.
PartBounds BoundsFor(const ShapeHistory& shape, const model::ExecutorSize& well, Bytes peak) {
  auto bounds = BoundsAfterOoms(shape);
  if (!well.heap) return bounds;
  if (shape.AsksForMore()) {
    const Bytes enough = std::max(ProvenHeap(well, peak), kSmallestHeap).RoundedUpToMiB();
    bounds.least_heap = std::max(bounds.least_heap, enough);
  }
  const Bytes room = base::Scaled(peak, kHeapRoom).RoundedUpToMiB();
  bounds.most_heap = peak.value > 0 ? std::min(*well.heap, room) : *well.heap;
  return bounds;
}

Bytes LeastTotalFor(const ShapeHistory& shape, const PartBounds& bounds) {
  const auto rule = RuleFor(shape.submitted, bounds);
  return rule ? LeastTotal(*rule) : bounds.least_heap + bounds.least_outside;
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

// … and only `adaptive` at runs. The peak of a run with an OOM is what its executors had; once that
// is known to be enough, what they used counts.
std::vector<model::Run> RunsFor(const Policy& policy, const KeyHistory& history,
                                const ShapeHistory& shape) {
  if (policy.kind != PolicyKind::kAdaptive) return {};
  auto runs = history.Runs();
  if (shape.AsksForMore()) return runs;
  for (auto& run : runs) {
    if (run.used.value > 0) run.peak = run.used;
  }
  return runs;
}

// A request that is submitted equal to the limit stays equal. One below it stays what it is, but
// never below what is in use, nor above the limit.
Bytes RequestFor(Bytes target, const ShapeHistory& shape, Bytes peak) {
  if (shape.request >= shape.submitted.limit) return target;
  return std::min(target, std::max(shape.request, peak.RoundedUpToMiB()));
}

}  // namespace

const model::ExecutorSize& SizeThatWentWell(const ShapeHistory& shape) {
  return shape.well.limit.value > 0 ? shape.well : shape.submitted;
}

Recommendation Recommend(const KeyHistory& history, const Context& context) {
  Recommendation result;
  const auto* shape = history.CurrentShape();
  if (shape == nullptr) return result;
  const auto runs = RunsFor(context.policy, history, *shape);
  const auto peaks = PeaksFor(context.policy, history);
  // A family alone is no history.
  result.estimate =
      EstimateNeed(context.policy, {peaks, LargestPeakFor(context.policy, history), shape->request,
                                    runs, runs.empty() ? nullptr : context.family});
  if (!result.estimate && !shape->AsksForMore()) return result;

  const auto& well = SizeThatWentWell(*shape);
  const Bytes peak = history.ProvenPeak();
  result.proven_peak = peak;
  result.heap = FindInflation(well, peak);
  result.bounds = BoundsFor(*shape, well, peak);
  const bool tried = shape->tried && context.policy.kind == PolicyKind::kAdaptive;
  const Bytes after_ooms = LeastTotalFor(*shape, result.bounds);
  if (tried) {
    // The parts are what was tried, whatever Spark would give by default.
    result.heap = Inflation::kTried;
    result.bounds.least_outside =
        std::max(result.bounds.least_outside, model::SizeOf(well, Part::kOutside));
  }
  const auto rule = RuleFor(shape->submitted, result.bounds);
  const auto ceiling = FindCeiling(context, *shape);
  if (ceiling) result.ceiling = ceiling->source;
  const bool died = RanOutOfMemory(history, *shape);
  const Limits limits{
      .proven = died ? std::max(well.limit, shape->submitted.limit) : ProvenTotal(well, rule, peak),
      .tried = tried ? well.limit : Bytes{},
      .after_ooms = after_ooms,
      .guard = std::max(shape->largest_limit, after_ooms),
      .ceiling = ceiling ? ceiling->at : Bytes{}};
  // Without a sample only the OOM speaks; every stage before it is at most what it asks for.
  Sizes sizes(result.estimate, result.applied);
  if (result.estimate) result.uncapped = sizes.Target();
  ApplyStages(history, *shape, rule, context, limits, sizes);
  result.target = sizes.Target();
  result.lower = sizes.Lower();
  result.upper = sizes.Upper();
  result.target_request = RequestFor(*result.target, *shape, peak);
  if (rule) result.split = SplitTotal(*result.target, *rule);
  result.next = FindTrial(history, context.policy, context.explore);
  if (ceiling && result.next.trial && result.next.trial->size.limit > ceiling->at) {
    result.next = {{}, NoTrial::kCeiling};
  }
  return result;
}

}  // namespace sparkfit::recommend
