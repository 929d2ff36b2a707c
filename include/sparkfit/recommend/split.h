// SPDX-License-Identifier: Apache-2.0
//
// The one function that splits an executor's memory into its two parts, the heap and what is
// outside of it: for the object, for the spark-submit settings and for admission alike.
#pragma once

#include <optional>

#include "sparkfit/base/bytes.h"
#include "sparkfit/model/shape.h"

namespace sparkfit::recommend {

// Spark's executors refuse to start below 450 MiB of heap (1.5 × 300 MiB reserved); sizes are kept
// clear of that.
inline constexpr base::Bytes kSmallestHeap = base::MiB(512);

// What is known of the parts.
struct PartBounds {
  base::Bytes least_heap;     // an executor died with less; 0: none did
  base::Bytes least_outside;  // likewise
  // Beside an explicit overhead: more heap than this is not needed. Absent: the submitted heap.
  std::optional<base::Bytes> most_heap;

  friend bool operator==(const PartBounds&, const PartBounds&) = default;
};

// How a total is to be split, for executors that were submitted with this size.
struct SplitRule {
  model::OverheadClass overhead = model::OverheadClass::kDefaultJvm;
  base::Bytes heap;     // submitted
  base::Bytes outside;  // submitted
  PartBounds bounds;
};

// Nothing where the heap is unknown.
std::optional<SplitRule> RuleFor(const model::ExecutorSize& submitted, const PartBounds& bounds);

// The least that belongs beside this heap: Spark's default overhead for it, at least what an OOM
// asked for. Of an explicit overhead no more than there was.
base::Bytes OutsideFor(const SplitRule& rule, base::Bytes heap);

struct Split {
  base::Bytes heap;      // whole MiB
  base::Bytes overhead;  // the rest: heap + overhead is the total, to the byte
};

// The largest heap in whole MiB that leaves OutsideFor beside it; beside an explicit overhead at
// most the heap that is needed, so that the rest stays outside. Nothing where the heap would be
// smaller than kSmallestHeap.
std::optional<Split> SplitTotal(base::Bytes total, const SplitRule& rule);

// kSmallestHeap and what belongs beside it without an OOM: less is never recommended.
base::Bytes SmallestTotal(SplitRule rule);

// What the OOMs of both parts ask for in all; 0 where none does.
base::Bytes LeastTotal(const SplitRule& rule);

}  // namespace sparkfit::recommend
