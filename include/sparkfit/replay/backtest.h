// SPDX-License-Identifier: Apache-2.0
//
// What a policy would have cost on recorded executions. The rules are those of docs/formats.md,
// so that numbers compare between implementations; no floor, guard or escalation is applied.
#pragma once

#include <cstdint>
#include <functional>
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

// What one execution cost over all attempts, GBh.
struct ExecutionCost {
  double used = 0;
  double allocated = 0;
  double waste = 0;
  std::uint64_t kills = 0;
  std::uint64_t retries = 0;
  bool unsatisfied = false;
};

// Of an execution with this peak and run time whose first attempt gets `allocation`.
ExecutionCost CostOf(base::Bytes peak, double hours, base::Bytes allocation,
                     const recommend::Policy& policy);

// Is told of every execution, in order, and what it cost.
using EachCost = std::function<void(const Execution&, const ExecutionCost&)>;

// REQUIRES: the table is sorted.
BacktestResult Backtest(const ExecutionTable& table, const recommend::Policy& policy,
                        std::string name, const EachCost& each = {});

}  // namespace sparkfit::replay
