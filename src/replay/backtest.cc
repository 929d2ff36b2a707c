// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/replay/backtest.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <queue>
#include <vector>

namespace sparkfit::replay {
namespace {

using base::Bytes;

// What is known of one key so far. An execution is a run of one executor.
struct Known {
  explicit Known(base::Duration half_life) : peaks(model::MemoryBuckets(), half_life) {}

  model::DecayingHistogram peaks;
  Bytes largest;
  model::RunRing runs;
};

// What is known of all keys, as far as the policy looks at it.
class Knowledge {
 public:
  Knowledge(const ExecutionTable& table, const recommend::Policy& policy)
      : table_(table), policy_(policy), keys_(table.KeyCount()), families_(table.FamilyCount()) {}

  void Learn(std::size_t index) {
    const auto& execution = table_.Executions()[index];
    auto& key = keys_[execution.key];
    const bool first = !key;
    if (first) key.emplace(policy_.half_life);
    if (policy_.kind != recommend::PolicyKind::kAdaptive) {
      key->peaks.Add(static_cast<double>(execution.peak.value), 1.0, execution.completed);
      key->largest = std::max(key->largest, execution.peak);
      return;
    }
    const auto change = key->runs.Add(static_cast<std::uint32_t>(index), kShape, execution.peak,
                                      RunTime(execution));
    if (execution.family == kNoFamily) return;
    auto& family = families_[execution.family];
    if (first) {
      family.Join(key->runs.Runs(), kShape);
    } else {
      family.Apply(change, kShape);
    }
  }

  [[nodiscard]] bool Knows(const Execution& execution) const {
    return keys_[execution.key].has_value();
  }

  // Nothing where no result that the policy looks at is known.
  [[nodiscard]] std::optional<recommend::Estimate> Ask(const Execution& execution) const {
    if (const auto& key = keys_[execution.key]) {
      return recommend::EstimateNeed(policy_, {key->peaks, key->largest, execution.request,
                                               key->runs.Runs(), FamilyOf(execution)});
    }
    if (policy_.kind != recommend::PolicyKind::kAdaptive) return std::nullopt;
    static const model::DecayingHistogram none(model::MemoryBuckets(), std::chrono::hours(24));
    return recommend::EstimateNeed(policy_, {none, {}, execution.request, {}, FamilyOf(execution)});
  }

 private:
  static constexpr std::uint32_t kShape = 0;  // all executions are of one

  static base::Duration RunTime(const Execution& execution) {
    return base::Duration(std::llround(execution.runtime_hours * 3.6e6));
  }

  [[nodiscard]] const model::FamilyRuns* FamilyOf(const Execution& execution) const {
    return execution.family == kNoFamily ? nullptr : &families_[execution.family];
  }

  const ExecutionTable& table_;
  const recommend::Policy& policy_;
  std::vector<std::optional<Known>> keys_;
  std::vector<model::FamilyRuns> families_;
};

// Executions that were decided and are not complete yet, the first to complete on top.
class Running {
 public:
  explicit Running(const std::vector<Execution>& executions) : executions_(executions) {}

  void Push(std::size_t index) { queue_.push(index); }

  // The next that is complete at `now`, removed.
  std::optional<std::size_t> PopCompleted(base::Time now) {
    if (queue_.empty() || executions_[queue_.top()].completed > now) return std::nullopt;
    const auto index = queue_.top();
    queue_.pop();
    return index;
  }

 private:
  struct Later {
    const std::vector<Execution>& executions;
    bool operator()(std::size_t a, std::size_t b) const {
      const auto at = executions[a].completed;
      const auto bt = executions[b].completed;
      return at != bt ? at > bt : a > b;
    }
  };

  const std::vector<Execution>& executions_;
  std::priority_queue<std::size_t, std::vector<std::size_t>, Later> queue_{Later{executions_}};
};

Bytes Clamped(Bytes amount) { return std::clamp(amount, kSmallestAllocation, kLargestAllocation); }

double GigabyteHours(Bytes amount, double hours) {
  return static_cast<double>(amount.value) * hours / 1e9;
}

void Count(const ExecutionCost& cost, BacktestResult& result) {
  result.used_gbh += cost.used;
  result.allocated_gbh += cost.allocated;
  result.waste_gbh += cost.waste;
  result.oom_executions += cost.kills > 0 ? 1 : 0;
  result.oom_kills += cost.kills;
  result.max_retries = std::max(result.max_retries, cost.retries);
  result.unsatisfied += cost.unsatisfied ? 1 : 0;
}

}  // namespace

ExecutionCost CostOf(Bytes peak, double hours, Bytes allocation, const recommend::Policy& policy) {
  ExecutionCost cost;
  while (allocation < peak) {
    ++cost.kills;
    cost.allocated += GigabyteHours(allocation, hours);
    cost.waste += GigabyteHours(allocation, hours);
    if (allocation >= kLargestAllocation) {
      cost.unsatisfied = true;
      break;
    }
    ++cost.retries;
    allocation = Clamped(recommend::Bumped(allocation, policy.oom_bump, policy.oom_bump_min));
  }
  if (allocation >= peak) {
    cost.allocated += GigabyteHours(allocation, hours);
    cost.waste += GigabyteHours(allocation - peak, hours);
  }
  cost.used = GigabyteHours(peak, hours);
  return cost;
}

BacktestResult Backtest(const ExecutionTable& table, const recommend::Policy& policy,
                        std::string name, const EachCost& each) {
  const auto& executions = table.Executions();
  BacktestResult result;
  result.policy = std::move(name);
  result.executions = executions.size();
  result.signatures = table.KeyCount();
  Knowledge knowledge(table, policy);
  Running running(executions);
  for (std::size_t i = 0; i < executions.size(); ++i) {
    const auto& execution = executions[i];
    while (const auto done = running.PopCompleted(execution.submitted)) {
      knowledge.Learn(*done);
    }
    const auto estimate = knowledge.Ask(execution);
    if (!knowledge.Knows(execution)) ++result.cold_starts;
    const auto cost = CostOf(execution.peak, execution.runtime_hours,
                             Clamped(estimate ? estimate->target : execution.request), policy);
    Count(cost, result);
    if (each) each(execution, cost);
    running.Push(i);
  }
  return result;
}

}  // namespace sparkfit::replay
