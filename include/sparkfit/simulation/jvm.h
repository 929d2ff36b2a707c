// SPDX-License-Identifier: Apache-2.0
//
// One executor as a small model: what a job needs and the size that it was given in, how its life
// went out. docs/algorithm.md derives the formulas; jvm_constants.h has every constant's source.
#pragma once

#include "sparkfit/base/bytes.h"
#include "sparkfit/model/shape.h"

namespace sparkfit::simulation {

// Of one executor; MiB where nothing else is said.
struct Need {
  double live = 0;       // heap that cannot be given up
  double elastic = 0;    // more heap that is used where there is room: sorting, caching
  double outside = 0;    // of the heap: metaspace, code, stacks, direct buffers, Python
  double files = 0;      // page cache in the working set, given up before anything dies
  double allocated = 0;  // in all its life
  double seconds = 0;    // of work, with memory in plenty and without a collection
  double young = 0.6;    // the collector's largest young generation, as a share of the heap
  double ramp = 0.6;     // share of its life after which it holds all that it needs

  // All amounts of memory so many times.
  [[nodiscard]] Need Scaled(double factor) const;
};

enum class End { kDone, kContainerOom, kHeapOom };

// How it went. The working set grows evenly to its highest at `highest_after` and stays there:
// with -Xms = -Xmx a JVM gives nothing back.
struct Life {
  End end = End::kDone;
  double seconds = 0;        // until the end
  double working_set = 0;    // the highest until then
  double highest_after = 0;  // seconds
  double heap_after_gc = 0;  // the highest heap used after a collection
  double heap_peak = 0;      // the highest heap in use, garbage included
  double unified = 0;        // of it execution and storage memory
  double gc_seconds = 0;

  // REQUIRES: 0 ≤ t ≤ seconds.
  [[nodiscard]] double WorkingSetAt(double t) const;
  // How far it has grown, 0 to 1.
  [[nodiscard]] double GrownAt(double t) const;
};

// REQUIRES: the size shows its heap.
Life Live(const Need& need, const model::ExecutorSize& size);

}  // namespace sparkfit::simulation
