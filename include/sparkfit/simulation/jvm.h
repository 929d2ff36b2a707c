// SPDX-License-Identifier: Apache-2.0
//
// The memory of one executor at one moment as a small model: what its tasks and its cache ask for
// and the size that it was given in, what it holds, and whether it dies of it. docs/algorithm.md
// derives the formulas; jvm_constants.h has every constant's source.
#pragma once

#include <optional>

#include "sparkfit/model/shape.h"

namespace sparkfit::simulation {

// In MiB.
struct Size {
  double heap = 0;
  double outside = 0;  // overhead, off-heap and PySpark memory together
  [[nodiscard]] double Limit() const { return heap + outside; }
};
// REQUIRES: the size shows its heap.
Size InMiB(const model::ExecutorSize& size);

// What is asked for, in MiB.
struct Asked {
  double live = 0;       // heap that cannot be given up
  double execution = 0;  // heap to sort and join in; what is missing is spilled
  double cached = 0;     // blocks of cached objects; what does not fit is dropped
  double outside = 0;    // of the heap, all together
  double allocated = 0;  // since the executor started
  double young = 0.6;    // the collector's largest young generation, as a share of the heap
};

// What kills an executor: its heap, or the kernel at its container's limit.
enum class OomKind { kHeap, kContainer };

// What is held, in MiB.
struct Held {
  double execution = 0;
  double cached = 0;
  double retained = 0;  // live, execution and cached
  double touched = 0;   // of the heap: garbage included
  std::optional<OomKind> kills;
};

// Spark's unified memory in this heap.
double UnifiedRoom(double heap);

Held Hold(const Asked& asked, const Size& size);

// How much of the heap an executor touched, which it never gives back, makes it die beside so much
// outside.
bool ExceedsLimit(double touched, double outside, const Size& size);

// What it takes to collect, as a share of the work.
struct Collecting {
  double healthy = 0;     // share of task time in any heap, the executor's noise included
  double allocation = 0;  // MiB a second
  double cached = 0;      // share of the job's cached blocks that are held, where it reads them
};
double CollectionsPerWork(const Collecting& collecting, double retained, double heap);

}  // namespace sparkfit::simulation
