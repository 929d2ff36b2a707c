// SPDX-License-Identifier: Apache-2.0
//
// What a run that is over tells of sizes: of the one that all its executors had, and of the one
// that some had on trial. docs/algorithm.md has the reasons and the numbers.
#pragma once

#include "sparkfit/model/history.h"
#include "sparkfit/recommend/policy.h"

namespace sparkfit::recommend {

// Takes the runs that are over into account: which sizes went well, which were too small.
void LearnRuns(model::KeyHistory& history, const Policy& policy);

}  // namespace sparkfit::recommend
