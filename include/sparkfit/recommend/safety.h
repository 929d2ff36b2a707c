// SPDX-License-Identifier: Apache-2.0
//
// What OOMs and high peaks teach, whatever the policy: the OOM floor with in-run escalation, and
// the evidence that may raise the growth guard. The only functions of this room that change a
// history.
#pragma once

#include "sparkfit/base/bytes.h"
#include "sparkfit/base/time.h"
#include "sparkfit/model/history.h"
#include "sparkfit/recommend/policy.h"

namespace sparkfit::recommend {

// What surrounds every policy.
struct Safety {
  // The floor of an OOM holds until this many later applications ended without an OOM, with a
  // sampled executor each and all their executors at limits of at least the floor …
  int floor_applications = 3;
  // … or this many, whatever their limits: in monitoring mode nobody raises them.
  int floor_applications_any_size = 10;
  // In-run escalation: the second and later steps of one application multiply by this.
  double escalation = 2.0;
  // Growth guard: a peak above heap + this share of the overhead, without an OOM, raises it once.
  double guard_share = 0.90;
  // The largest change per application as a share of the target, 0.5 for ±50 %; 0: no cap.
  double step = 0;
  // The configured ceiling; 0: the largest node's allocatable memory.
  base::Bytes max_memory;
};

// The size that an OOM at `dead` asks for: a container OOM grows the overhead, a heap OOM the heap
// and, where it is Spark's default, the overhead; each at least `least_overhead`. In whole MiB.
struct Asked {
  base::Bytes heap;  // 0 where the dead executor showed none; then all is overhead
  base::Bytes overhead;
};
Asked AskedBy(const model::ExecutorSize& dead, model::OomKind kind, model::OverheadClass overhead,
              double factor, base::Bytes at_least);

// Takes an OOM into account: counts it, raises the floor and the guard. `died` is when it happened,
// `now` when it was learnt. REQUIRES: `executor` belongs to `history`.
void LearnOom(model::KeyHistory& history, model::Executor& executor, model::OomKind kind,
              base::Time died, base::Time now, const Policy& policy, const Safety& safety);

// Takes a usage sample into account.
void LearnSample(model::KeyHistory& history, model::Executor& executor, base::Bytes working_set,
                 base::Time timestamp, const Policy& policy, const Safety& safety);

// Whether the key's floor is in force.
bool FloorHolds(const model::KeyHistory& history, const Safety& safety);

// The least that a split may give beside the heap: what OOMs of this shape taught. Under a policy
// that bumps by more than lasts, what the floor asks for while it is in force.
base::Bytes LeastOverhead(const model::KeyHistory& history, const Policy& policy,
                          const Safety& safety);

// Growth guard: the largest size a recommendation may have. 0: no executor of this shape ran yet.
base::Bytes GuardOf(const model::ShapeHistory& shape);

}  // namespace sparkfit::recommend
