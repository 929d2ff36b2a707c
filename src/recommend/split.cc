// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/recommend/split.h"

#include <algorithm>

namespace sparkfit::recommend {
namespace {

using base::Bytes;
using model::OverheadClass;

}  // namespace

std::optional<SplitRule> RuleFor(const model::ExecutorSize& submitted,
                                 const OverheadBounds& bounds) {
  const auto overhead = submitted.Overhead();
  if (!overhead) return std::nullopt;
  return SplitRule{model::ClassifyOverhead(submitted), *overhead, bounds};
}

Bytes OverheadFor(const SplitRule& rule, Bytes heap) {
  if (rule.overhead == OverheadClass::kExplicit) {
    return std::max(rule.explicit_overhead, rule.bounds.least);
  }
  const Bytes own = model::DefaultOverhead(rule.overhead, heap);
  return std::max(std::min(own, rule.bounds.most.value_or(own)), rule.bounds.least);
}

std::optional<Split> SplitTotal(Bytes total, const SplitRule& rule) {
  // OverheadFor grows with the heap, so that of more than the heap leaves too little for it, and
  // that of less leaves too much; the largest heap that fits is found by halving in between.
  const auto left = [&](Bytes heap) {
    return std::max<std::int64_t>(0, (total - OverheadFor(rule, heap)).WholeMiB());
  };
  std::int64_t fits = left(total);
  std::int64_t too_much = left(base::MiB(fits)) + 1;
  while (too_much - fits > 1) {
    const std::int64_t heap = fits + (too_much - fits) / 2;
    const bool ok = base::MiB(heap) + OverheadFor(rule, base::MiB(heap)) <= total;
    (ok ? fits : too_much) = heap;
  }
  const Bytes heap = base::MiB(fits);
  if (heap < kSmallestHeap) return std::nullopt;
  return Split{heap, total - heap};
}

Bytes SmallestTotal(const SplitRule& rule) {
  return kSmallestHeap + OverheadFor(rule, kSmallestHeap);
}

}  // namespace sparkfit::recommend
