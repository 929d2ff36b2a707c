// SPDX-License-Identifier: Apache-2.0
//
// The one function that splits an executor's memory into heap and overhead: for the object, for
// the spark-submit settings and for admission alike.
#pragma once

#include <optional>

#include "sparkfit/base/bytes.h"
#include "sparkfit/model/shape.h"

namespace sparkfit::recommend {

// Spark's executors refuse to start below 450 MiB of heap (1.5 × 300 MiB reserved); sizes are kept
// clear of that.
inline constexpr base::Bytes kSmallestHeap = base::MiB(512);

// What is known of how much overhead executors need.
struct OverheadBounds {
  base::Bytes least;                // what an OOM asked for, or is in use
  std::optional<base::Bytes> most;  // of Spark's default: it is a guess, and more is not in use

  friend bool operator==(const OverheadBounds&, const OverheadBounds&) = default;
};

// How a total is to be split.
struct SplitRule {
  model::OverheadClass overhead = model::OverheadClass::kDefaultJvm;
  base::Bytes explicit_overhead;  // kept absolute; counts for kExplicit only
  OverheadBounds bounds;
};

// The rule for executors that were submitted with this size. Nothing where the heap is unknown.
std::optional<SplitRule> RuleFor(const model::ExecutorSize& submitted,
                                 const OverheadBounds& bounds);

// What belongs to this heap: Spark's default, at most the most, or the explicit overhead; and at
// least the least.
base::Bytes OverheadFor(const SplitRule& rule, base::Bytes heap);

struct Split {
  base::Bytes heap;      // whole MiB
  base::Bytes overhead;  // the rest: heap + overhead is the total, to the byte
};

// The largest heap in whole MiB that fits with its overhead. Nothing where it would be smaller
// than kSmallestHeap.
std::optional<Split> SplitTotal(base::Bytes total, const SplitRule& rule);

// kSmallestHeap and its overhead: less is never recommended.
base::Bytes SmallestTotal(const SplitRule& rule);

}  // namespace sparkfit::recommend
