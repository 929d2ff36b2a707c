// SPDX-License-Identifier: Apache-2.0
//
// From a history to a recommendation: the policy's answer, passed through the same stages in the
// same order wherever it is asked for, with a record of what each stage did.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sparkfit/base/bytes.h"
#include "sparkfit/model/history.h"
#include "sparkfit/model/settings.h"
#include "sparkfit/recommend/heap_need.h"
#include "sparkfit/recommend/inflation.h"
#include "sparkfit/recommend/policy.h"
#include "sparkfit/recommend/safety.h"
#include "sparkfit/recommend/split.h"

namespace sparkfit::recommend {

using model::Bounds;

// The stages, in their order.
enum class Stage {
  kPolicy,    // the policy's answer, rounded up to whole MiB
  kStep,      // a cap on the change per application
  kGuard,     // never above the largest limit that ran, unless evidence raised it
  kSmallest,  // never below what Spark can start with
  kShape,     // a new shape: not below what was submitted
  kFloor,     // after an OOM
  kMin,       // the user's
  kCeiling,   // the user's max, the configured one or the largest node
};

// What a stage did to the target. `limit` is the bound that it applied.
struct Applied {
  Stage stage;
  base::Bytes limit;
  base::Bytes before;
  base::Bytes after;
};

enum class CeilingSource { kBounds, kConfigured, kLargestNode };

// All amounts absent where there is no history: never 0. lower ≤ target ≤ upper.
struct Recommendation {
  std::optional<base::Bytes> target;
  std::optional<base::Bytes> lower;
  std::optional<base::Bytes> upper;
  std::optional<base::Bytes> uncapped;  // the policy's answer; absent where only an OOM is known
  std::optional<Split> split;           // of the target
  OverheadBounds overhead;              // that a split keeps to

  // Why.
  std::optional<Estimate> estimate;
  std::vector<Applied> applied;  // the stages that changed the target
  std::optional<CeilingSource> ceiling;
  HeapTrend heap;  // whether the peaks are the heap's doing
  // `adaptive` only: what drivers told, which then counts instead of the peaks.
  std::optional<HeapEvidence> heap_evidence;
};

// What Recommend looks at besides the history.
struct Context {
  const Policy& policy;
  const Safety& safety;
  Bounds bounds;
  base::Bytes largest_node;                   // allocatable; 0: unknown
  const model::FamilyRuns* family = nullptr;  // that the key is a member of
};

// Fewer than two executors with three samples or more; while it holds, admission only raises.
bool LowConfidence(const model::KeyHistory& history);

// Whether the policy's answer goes down with the heap (inflation.h): only `adaptive`'s does.
bool FollowsDown(const Policy& policy, const HeapTrend& heap);

Recommendation Recommend(const model::KeyHistory& history, const Context& context);

// One paragraph whose arithmetic a person can redo with the numbers in it.
std::string Explain(const Recommendation& recommendation, const model::KeyHistory& history,
                    const Context& context);

}  // namespace sparkfit::recommend
