// SPDX-License-Identifier: Apache-2.0
//
// A backtest in more detail than its result: by workflow, by key, as it went on, and by how much
// was known of a key.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sparkfit/recommend/policy.h"
#include "sparkfit/replay/backtest.h"
#include "sparkfit/replay/execution_table.h"

namespace sparkfit::replay {

struct GroupCost {
  std::uint64_t executions = 0;
  std::uint64_t ooms = 0;  // executions that failed at least once
  double used = 0;         // GBh
  double waste = 0;

  void Add(const ExecutionCost& cost);
};

// The numbers of the executions of a key, in classes: the first, the second, … the 81st and later.
inline constexpr std::array<std::uint32_t, 10> kOrdinals{1, 2, 3, 4, 5, 7, 11, 21, 41, 81};

struct PolicyReport {
  // So many executions were over, and had cost this.
  struct Progress {
    std::uint64_t executions = 0;
    std::uint64_t ooms = 0;
    double waste = 0;
  };
  static constexpr std::size_t kProgress = 200;

  recommend::Policy policy;
  BacktestResult result;
  std::vector<GroupCost> workflows;  // in the order of Workflows
  std::vector<GroupCost> keys;
  std::vector<Progress> progress;  // at most kProgress and the last
  std::array<GroupCost, kOrdinals.size()> ordinals;
};

// The workflows of a table, in the order of their first execution read.
struct Workflows {
  explicit Workflows(const ExecutionTable& table);

  std::vector<std::string> names;
  std::vector<std::uint32_t> of_key;  // index into names
};

// REQUIRES: the table is sorted.
PolicyReport Report(const ExecutionTable& table, const Workflows& workflows,
                    const recommend::Policy& policy, std::string name);

}  // namespace sparkfit::replay
