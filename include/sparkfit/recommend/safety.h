// SPDX-License-Identifier: Apache-2.0
//
// What surrounds every policy: bounds of a recommendation, and what an OOM teaches.
#pragma once

#include "sparkfit/base/bytes.h"
#include "sparkfit/base/time.h"
#include "sparkfit/model/history.h"
#include "sparkfit/recommend/policy.h"
#include "sparkfit/recommend/split.h"

namespace sparkfit::recommend {

struct Safety {
  // In-run escalation: the second and later steps of one application multiply by this.
  double escalation = 2.0;
  // The total covers the largest peak that is remembered, whatever the policy answers.
  bool cover_peaks = true;
  // The largest change per application as a share of the target, 0.5 for ±50 %; 0: no cap.
  double step = 0;
  // The configured ceiling; 0: the largest node's allocatable memory.
  base::Bytes max_memory;
};

// Takes an OOM into account: counts it, and raises the part of the memory that it was for. The
// first executor of a run that died below the roomiest size that went well, or below what was
// submitted, asks for that size. One that had that much asks for `oom_bump` times its size, and
// each further one that had what was asked for multiplies by `escalation`. One on trial asks for
// nothing. `died` is when it happened. REQUIRES: `executor` belongs to `history`.
void LearnOom(model::KeyHistory& history, model::Executor& executor, model::OomKind kind,
              base::Time died, const Policy& policy, const Safety& safety);

// What the executors that died ask for, part by part.
PartBounds BoundsAfterOoms(const model::ShapeHistory& shape);

}  // namespace sparkfit::recommend
