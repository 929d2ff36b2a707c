// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/simulation/jvm.h"

#include <algorithm>

#include "sparkfit/simulation/jvm_constants.h"

namespace sparkfit::simulation {
namespace {

// What of `need.elastic` finds room: Spark's own bound, and what the heap has.
double ElasticUsed(const Need& need, double heap) {
  const double unified = kUnifiedShare * (heap - kReservedMiB);
  return std::clamp(std::min(unified, kFullHeap * heap - need.live), 0.0, need.elastic);
}

// How much of the heap the young generation has touched: fresh regions as long as there are any
// that it may have.
double YoungTouched(const Need& need, double heap, double retained) {
  const double young =
      std::clamp(kFreshShare * need.allocated, kSmallestYoung * heap, need.young * heap);
  return std::min(young, heap - retained);
}

// What is free fills, and is freed by work on what is retained.
double CollectionSeconds(const Need& need, double heap, double retained) {
  const double free = heap - retained;
  if (free <= 0) return kMostGcShare * need.seconds;
  const double crowded = retained / free;
  return std::min(kGcPerRetained * need.allocated * crowded * crowded, kMostGcShare * need.seconds);
}

}  // namespace

Need Need::Scaled(double factor) const {
  Need scaled = *this;
  scaled.live *= factor;
  scaled.elastic *= factor;
  scaled.outside *= factor;
  scaled.files *= factor;
  scaled.allocated *= factor;
  return scaled;
}

double Life::WorkingSetAt(double t) const {
  const double start = std::min(kStartMiB, working_set);
  return start + (working_set - start) * GrownAt(t);
}

double Life::GrownAt(double t) const {
  return highest_after > 0 ? std::min(1.0, t / highest_after) : 1.0;
}

Life Live(const Need& need, const model::ExecutorSize& size) {
  const double heap = size.heap->InMiB();
  const double limit = size.limit.InMiB();
  const double elastic = ElasticUsed(need, heap);
  const double retained = std::min(need.live + elastic, heap);
  const double anonymous = retained + YoungTouched(need, heap, retained) + need.outside;
  const double spilled = need.elastic > 0 ? 1 - elastic / need.elastic : 0;

  Life life;
  life.heap_after_gc = retained;
  life.heap_peak = anonymous - need.outside;
  life.unified = elastic;
  life.gc_seconds = CollectionSeconds(need, heap, retained);
  const double working = need.seconds * (1 + kSpillSlowdown * spilled);
  life.seconds = working + life.gc_seconds;
  life.highest_after = need.ramp * life.seconds;
  life.working_set = std::min(limit, anonymous + need.files);
  // The heap is full before all that has to stay is there; or the kernel is first.
  const double heap_lasts = kFullHeap * heap / need.live;
  const double limit_lasts = (limit - kStartMiB) / std::max(1.0, anonymous - kStartMiB);
  if (heap_lasts >= 1 && limit_lasts >= 1) return life;
  life.end = heap_lasts < limit_lasts ? End::kHeapOom : End::kContainerOom;
  life.seconds = life.highest_after * std::clamp(std::min(heap_lasts, limit_lasts), 0.0, 1.0);
  life.highest_after = life.seconds;
  if (life.end == End::kContainerOom) life.working_set = limit;
  return life;
}

}  // namespace sparkfit::simulation
