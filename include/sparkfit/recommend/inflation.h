// SPDX-License-Identifier: Apache-2.0
//
// Whether a key's peaks tell what its executors need, or which heap they were given: with
// -Xms = -Xmx a JVM touches its heap whatever the job needs. docs/algorithm.md has the evidence.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "sparkfit/base/bytes.h"
#include "sparkfit/model/history.h"

namespace sparkfit::recommend {

enum class Inflation {
  kUnknown,      // no heap is known, or no run with a peak
  kBelow,        // the peaks are less than a JVM touches of such a heap
  kPossible,     // they are as much, and the runs had one size: it cannot be told
  kFollows,      // in heaps of different sizes the peaks followed the heap
  kIndependent,  // in heaps of different sizes they did not
  kDriverTells   // the number follows from what drivers told, and not from the peaks
};

// CamelCase, as a reason in conditions.
std::string_view Name(Inflation inflation);
// A sentence for people.
std::string_view Describe(Inflation inflation);
// Whether the number may be the heap's doing.
bool IsInflated(Inflation inflation);

// What the latest runs without an OOM say, those of the current shape.
struct HeapTrend {
  Inflation inflation = Inflation::kUnknown;
  double slope = 0;   // with kFollows: of the peak, in bytes for each byte of heap
  base::Bytes heap;   // of the latest run
  base::Bytes limit;  // likewise
};
HeapTrend FindHeapTrend(const model::KeyHistory& history);

// With kFollows: the runs as they would have been in the latest run's heap. REQUIRES: `trend` is
// of this history.
std::vector<model::Run> RunsInLatestHeap(const model::KeyHistory& history, const HeapTrend& trend);

// With kFollows: what a size less than the latest run's comes to when the peaks follow the heap
// down with it. `size` is to hold peaks of `peak` in the latest heap.
base::Bytes FollowedDown(base::Bytes size, base::Bytes peak, const HeapTrend& trend);

}  // namespace sparkfit::recommend
