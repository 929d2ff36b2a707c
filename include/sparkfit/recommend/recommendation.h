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
#include "sparkfit/recommend/inflation.h"
#include "sparkfit/recommend/policy.h"
#include "sparkfit/recommend/safety.h"
#include "sparkfit/recommend/split.h"
#include "sparkfit/recommend/trial.h"

namespace sparkfit::recommend {

using model::Bounds;

// The stages, in their order.
enum class Stage {
  kPolicy,    // the policy's answer, rounded up to whole MiB
  kStep,      // a cap on the change per application
  kProof,     // not below what is proven to be enough
  kTried,     // a smaller size was tried and did well
  kGuard,     // never above the largest limit that ran, unless an OOM raised it
  kSmallest,  // never below what Spark can start with
  kShape,     // a new shape: not below what was submitted
  kOom,       // after an OOM: what it asked for
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
  PartBounds bounds;                    // that a split keeps to
  // The request to go with the target as the limit; the target where both are submitted equal.
  std::optional<base::Bytes> target_request;
  // What the next run tries, for jobs that are sized; only sizes that went well are in all else.
  NextTrial next;

  // Why.
  std::optional<Estimate> estimate;
  std::vector<Applied> applied;  // the stages that changed the target
  std::optional<CeilingSource> ceiling;
  base::Bytes proven_peak;               // the most that is known to have been used; 0: not known
  Inflation heap = Inflation::kUnknown;  // whether the peaks are the heap's doing
};

// What Recommend looks at besides the history.
struct Context {
  const Policy& policy;
  const Safety& safety;
  Bounds bounds;
  base::Bytes largest_node;                   // allocatable; 0: unknown
  const model::FamilyRuns* family = nullptr;  // that the key is a member of
  bool explore = true;                        // a run may try a smaller size
};

// Fewer than two executors with three samples or more, or none of them in a run that is remembered;
// while it holds, admission only raises.
bool LowConfidence(const model::KeyHistory& history);

// The size that what is proven starts from: the smallest that went well, else what was submitted.
const model::ExecutorSize& SizeThatWentWell(const model::ShapeHistory& shape);

Recommendation Recommend(const model::KeyHistory& history, const Context& context);

// One paragraph whose arithmetic a person can redo with the numbers in it.
std::string Explain(const Recommendation& recommendation, const model::KeyHistory& history,
                    const Context& context);

}  // namespace sparkfit::recommend
