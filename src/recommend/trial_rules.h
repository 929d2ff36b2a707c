// SPDX-License-Identifier: Apache-2.0
//
// What finding the next trial and judging the latest one have in common.
#pragma once

#include <cstdint>
#include <vector>

#include "sparkfit/model/history.h"
#include "sparkfit/recommend/recommendation.h"

namespace sparkfit::recommend {

// Sizes nearer to each other than this are one.
inline constexpr double kNear = 1.15;
// Blocks and execution memory that take so much of their room are held up by it.
inline constexpr double kFull = 0.97;
// Room beyond what was used.
inline constexpr double kRoom = 1.1;
// As often a task is tried (spark.task.maxFailures).
inline constexpr int kTaskAttempts = 4;
// Work, in whole runs, after which a size that did well is everybody's.
inline constexpr double kExposed = 5;

inline double Value(base::Bytes bytes) { return static_cast<double>(bytes.value); }

// Runs of this shape, oldest first; all, or those that went well.
inline std::vector<const model::RunConduct*> ConductsOf(const model::KeyHistory& history,
                                                        std::uint32_t shape_id, bool whole) {
  std::vector<const model::RunConduct*> found;
  for (const auto& conduct : history.Conducts()) {
    if (conduct.shape_id == shape_id && (conduct.whole || !whole)) found.push_back(&conduct);
  }
  return found;
}

// The smallest size that did well, be it everybody's or not yet.
inline const model::ExecutorSize& SmallestReached(const model::ShapeHistory& shape) {
  return shape.candidate.limit.value > 0 ? shape.candidate : SizeThatWentWell(shape);
}

}  // namespace sparkfit::recommend
