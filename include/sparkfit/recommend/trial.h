// SPDX-License-Identifier: Apache-2.0
//
// Trials: a size below what is proven is measured, and not guessed. One executor of a run, two of
// four or more, get a smaller part; all others have a size that is everybody's. A smaller part can
// hurt in four ways, and each shows in what the driver tells of the executor on trial beside its
// siblings: it dies, it collects more, what it caches fills its room or is lost, it spills.
// A size that did well is everybody's at once in a job with one executor or two. In larger ones the
// smallest that did well goes to three executors, then to more, until it has met the whole job.
// docs/algorithm.md has the reasons and the numbers.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sparkfit/model/history.h"
#include "sparkfit/recommend/policy.h"

namespace sparkfit::recommend {

struct Trial {
  model::Part part = model::Part::kHeap;
  model::ExecutorSize size;  // of the executors on trial
  int executors = 1;         // so many, those with the lowest numbers
};

enum class NoTrial {
  kNone,            // there is one
  kNotWanted,       // the job's object says so
  kPolicy,          // the policy is not `adaptive`
  kNotConfident,    // few samples, a new shape, or no heap is known
  kLatestFailed,    // the latest run did not succeed visibly
  kDriverSilent,    // its driver told nothing, or too little
  kNothingSmaller,  // sizes too small and well are near each other, or it is the smallest
  kCeiling,         // executors must not have as much as it would be
};
// A sentence for people.
std::string_view Describe(NoTrial reason);

struct NextTrial {
  std::optional<Trial> trial;
  NoTrial reason = NoTrial::kNone;
};

// What the next run should try; nothing where the job's user does not want to `explore`.
// REQUIRES: nothing of what `history` has finished is left to learn.
NextTrial FindTrial(const model::KeyHistory& history, const Policy& policy, bool explore = true);

}  // namespace sparkfit::recommend
