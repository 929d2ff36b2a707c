// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/recommend/split.h"

#include <algorithm>

namespace sparkfit::recommend {
namespace {

using base::Bytes;
using model::OverheadClass;

// The largest heap, in whole MiB, that leaves room for what belongs beside it.
std::int64_t LargestThatFits(Bytes total, const SplitRule& rule) {
  // OutsideFor grows with the heap, so that beside all of the total it leaves too little for the
  // heap, and beside that little it leaves too much; the answer is found by halving in between.
  const auto left = [&](Bytes heap) {
    return std::max<std::int64_t>(0, (total - OutsideFor(rule, heap)).WholeMiB());
  };
  std::int64_t fits = left(total);
  std::int64_t too_much = left(base::MiB(fits)) + 1;
  while (too_much - fits > 1) {
    const std::int64_t heap = fits + (too_much - fits) / 2;
    const bool ok = base::MiB(heap) + OutsideFor(rule, base::MiB(heap)) <= total;
    (ok ? fits : too_much) = heap;
  }
  return fits;
}

}  // namespace

std::optional<SplitRule> RuleFor(const model::ExecutorSize& submitted, const PartBounds& bounds) {
  const auto outside = submitted.Overhead();
  if (!outside) return std::nullopt;
  return SplitRule{model::ClassifyOverhead(submitted), *submitted.heap, *outside, bounds};
}

Bytes OutsideFor(const SplitRule& rule, Bytes heap) {
  const bool is_explicit = rule.overhead == OverheadClass::kExplicit;
  const auto like = is_explicit ? OverheadClass::kDefaultJvm : rule.overhead;
  const Bytes usual = model::DefaultOverhead(like, heap);
  return std::max(is_explicit ? std::min(usual, rule.outside) : usual, rule.bounds.least_outside);
}

std::optional<Split> SplitTotal(Bytes total, const SplitRule& rule) {
  Bytes heap = base::MiB(LargestThatFits(total, rule));
  if (rule.overhead == OverheadClass::kExplicit) {
    const auto& bounds = rule.bounds;
    const Bytes most = std::max(bounds.most_heap.value_or(rule.heap), bounds.least_heap);
    heap = std::min(heap, std::max(most.RoundedUpToMiB(), kSmallestHeap));
  }
  if (heap < kSmallestHeap) return std::nullopt;
  return Split{heap, total - heap};
}

Bytes SmallestTotal(SplitRule rule) {
  rule.bounds = {};
  return kSmallestHeap + OutsideFor(rule, kSmallestHeap);
}

Bytes LeastTotal(const SplitRule& rule) {
  const auto& bounds = rule.bounds;
  if (bounds.least_heap.value == 0 && bounds.least_outside.value == 0) return {};
  return bounds.least_heap + OutsideFor(rule, bounds.least_heap);
}

}  // namespace sparkfit::recommend
