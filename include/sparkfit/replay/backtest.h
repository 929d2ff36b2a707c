// SPDX-License-Identifier: Apache-2.0
//
// What a policy would have cost on recorded executions. The rules are those of docs/formats.md,
// so that numbers compare between implementations; no floor, guard or escalation is applied.
#pragma once

#include <cstdint>
#include <string>

#include "sparkfit/base/bytes.h"
#include "sparkfit/recommend/policy.h"
#include "sparkfit/replay/execution_table.h"

namespace sparkfit::replay {

inline constexpr base::Bytes kSmallestAllocation = base::MiB(256);
inline constexpr base::Bytes kLargestAllocation = base::GiB(256);

// GBh: 10^9 bytes for an hour.
struct BacktestResult {
  std::string policy;  // as it was given
  std::uint64_t executions = 0;
  std::uint64_t signatures = 0;
  double used_gbh = 0;       // Σ peak × run time
  double allocated_gbh = 0;  // over all attempts
  double waste_gbh = 0;      // what was allocated and not used; all of a failed attempt
  std::uint64_t oom_executions = 0;
  std::uint64_t oom_kills = 0;
  std::uint64_t max_retries = 0;
  std::uint64_t unsatisfied = 0;  // failed even at the largest allocation
  std::uint64_t cold_starts = 0;  // had no history of their own
};

// REQUIRES: the table is sorted.
BacktestResult Backtest(const ExecutionTable& table, const recommend::Policy& policy,
                        std::string name);

}  // namespace sparkfit::replay
