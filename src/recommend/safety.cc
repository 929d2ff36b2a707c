// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/recommend/safety.h"

#include <algorithm>

#include "sparkfit/recommend/recommendation.h"

namespace sparkfit::recommend {
namespace {

using base::Bytes;
using model::Executor;
using model::KeyHistory;
using model::Part;

// The size of the part after a step by this factor. Outside of the heap the whole limit grows, and
// the heap stays as it is.
Bytes Grown(const model::ExecutorSize& dead, Part part, double factor, Bytes at_least) {
  const auto grown = [&](Bytes size) { return Bumped(size, factor, at_least).RoundedUpToMiB(); };
  const Bytes heap = model::SizeOf(dead, Part::kHeap);
  return part == Part::kHeap ? grown(heap) : grown(dead.limit) - heap;
}

// What was too small for an executor on trial that died of `died`. Where several parts of it were
// smaller, that one.
Part PartThatDied(const model::ShapeHistory& shape, const Executor& executor, Part died) {
  const bool both = executor.size == shape.candidate;
  const bool smaller =
      model::SizeOf(executor.size, died) < model::SizeOf(SizeThatWentWell(shape), died);
  return both && smaller ? died : *executor.trial;
}

// Its limit was lowered to its heap or below, so that it says nothing of what is outside.
bool IsBelowItsHeap(const Executor& executor) {
  const auto nothing_outside = [](const model::ExecutorSize& size) {
    return size.heap.value_or(size.limit) >= size.limit;
  };
  return nothing_outside(executor.size) && !nothing_outside(executor.submitted);
}

// What dies with fewer cores and the same memory would die with more of them, too: so does what
// Spark 4.2's recovery mode starts after an OOM. Other executors of another shape teach nothing.
bool Teaches(const Executor& executor, const model::ShapeHistory& shape) {
  return executor.comparable ||
         model::NeedsNoMore(executor.shape, executor.submitted, shape.shape, shape.submitted);
}

double FactorOf(std::uint8_t steps, const Policy& policy, const Safety& safety) {
  return steps == 0 ? policy.oom_bump : std::max(policy.oom_bump, safety.escalation);
}

}  // namespace

void LearnOom(KeyHistory& history, Executor& executor, model::OomKind kind, base::Time died,
              const Policy& policy, const Safety& safety) {
  history.AddOom(executor, kind, died);
  auto* shape = history.FindShape(executor.shape_id);
  // Without a limit nothing says how much is enough.
  if (shape == nullptr || executor.size.limit.value == 0 || !Teaches(executor, *shape)) return;
  const bool of_heap = kind == model::OomKind::kHeap && executor.size.heap;
  const Part part = of_heap ? Part::kHeap : Part::kOutside;
  if (IsBelowItsHeap(executor)) {
    return shape->KilledBelowHeap(executor.size.limit, executor.submitted);
  }
  // An executor on trial died alone, and of what was tried: all else of it went well in others.
  // One that was resized meanwhile died of that.
  if (executor.trial && executor.resized == base::Time{}) {
    return shape->Killed(PartThatDied(*shape, executor, part), executor.size, {});
  }
  const auto& bracket = shape->Of(part);
  const Bytes size = model::SizeOf(executor.size, part);
  const Bytes known = std::max(bracket.roomiest, model::SizeOf(executor.submitted, part));
  Bytes next = bracket.enough;
  if (size >= next && size < known) {
    next = known;
  } else if (size >= next) {
    const auto* application = history.FindApplication(executor.application);
    const auto steps = application == nullptr ? std::uint8_t{0} : application->oom_steps;
    next = Grown(executor.size, part, FactorOf(steps, policy, safety), policy.oom_bump_min);
    history.NoteOomStep(executor.application);
  }
  shape->Killed(part, executor.size, next);
}

PartBounds BoundsAfterOoms(const model::ShapeHistory& shape) {
  PartBounds bounds;
  const auto& heap = shape.Of(Part::kHeap);
  const auto& outside = shape.Of(Part::kOutside);
  bounds.least_heap = heap.enough;
  bounds.least_outside = outside.enough;
  // The heap does not make room for what is outside of it.
  if (outside.enough.value > 0) {
    bounds.least_heap = std::max(bounds.least_heap, outside.use - outside.too_small);
  }
  return bounds;
}

}  // namespace sparkfit::recommend
