// SPDX-License-Identifier: Apache-2.0
//
// What a run that is over tells of sizes: of the one that all its executors had, and of the one
// that some had on trial. docs/algorithm.md has the reasons and the numbers.
#pragma once

#include <string_view>

#include "sparkfit/model/history.h"
#include "sparkfit/recommend/policy.h"

namespace sparkfit::recommend {

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
  double tasks = 0;    // 0: not known
};

// `points` is how much larger the share of collections may be, 0.05 for five points.
Judgement Judge(model::Part part, const model::Conduct& tried, const Usual& usual, double points);

}  // namespace sparkfit::recommend
