// SPDX-License-Identifier: Apache-2.0
//
// Trials: a size below what is proven is measured, and not guessed. One executor of a run, two of
// four or more, get a smaller part; all others have a size that went well. A smaller part can hurt
// in four ways, and each shows in what the driver tells of the executor on trial beside its
// siblings: it dies, it collects more, what it caches fills its room or is lost, it spills.
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
  int executors = 1;         // those with the lowest numbers: 1, or 1 and 2
};

enum class NoTrial {
  kNone,            // there is one
  kPolicy,          // the policy is not `adaptive`
  kNotConfident,    // few samples, a new shape, or no heap is known
  kLatestFailed,    // the latest run did not succeed visibly
  kDriverSilent,    // its driver told nothing, or too little
  kNothingSmaller,  // sizes too small and well are near each other, or it is the smallest
};
// A sentence for people.
std::string_view Describe(NoTrial reason);

struct NextTrial {
  std::optional<Trial> trial;
  NoTrial reason = NoTrial::kNone;
};

// What the next run should try. REQUIRES: nothing of what `history` has finished is left to learn.
NextTrial FindTrial(const model::KeyHistory& history, const Policy& policy);

// Takes the runs that are over into account: which sizes went well, which were too small.
void LearnRuns(model::KeyHistory& history, const Policy& policy);

// How a trial went.
enum class Verdict { kUnsure, kWell, kTooSmall };
struct Judgement {
  Verdict verdict = Verdict::kUnsure;
  std::string_view why;  // a clause for people
};

// What an executor without a trial does: siblings in the same run, or roomier runs of a job with
// one executor. Shares of 0 to 1, amounts for one executor.
struct Usual {
  double collecting = 0;
  double fullest = 0;
  double stored = 0;   // bytes
  double spilled = 0;  // bytes
  double failed = 0;   // share of tasks
};

// `points` is how much larger the share of collections may be, 0.05 for five points.
Judgement Judge(const model::Conduct& tried, const Usual& usual, double points);

}  // namespace sparkfit::recommend
