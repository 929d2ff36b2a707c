// SPDX-License-Identifier: Apache-2.0
//
// The policy `adaptive`: the size at which one more byte of headroom would cost as much as the OOM
// that it prevents. docs/algorithm.md derives the formulas and their constants.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "sparkfit/base/bytes.h"
#include "sparkfit/model/runs.h"

namespace sparkfit::recommend {

// The upper bound is what a dial this many times as high asks for.
inline constexpr double kUpperRisk = 4;

struct AdaptiveEstimate {
  base::Bytes target;
  base::Bytes upper;             // at kUpperRisk
  base::Bytes largest;           // of the runs, or where there is none of the family
  double hours = 0;              // that an executor lives
  double chance = 0;             // that is left of an OOM, 0 to 1
  std::size_t runs = 0;          // of the key
  std::size_t freaks = 0;        // of them larger than the target and set aside
  std::int64_t family_runs = 0;  // 0: no family counted
};

// Nothing where neither the key nor its family has a run. `family` may be null; it counts where
// it has a member besides the key itself. Never shrinks as `risk` grows. REQUIRES: risk ≥ 0; runs
// are oldest first; of a key with runs the family has the key as a member.
std::optional<AdaptiveEstimate> EstimateAdaptive(std::span<const model::Run> runs,
                                                 const model::FamilyRuns* family, double risk);

}  // namespace sparkfit::recommend
