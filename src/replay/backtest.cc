// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/replay/backtest.h"

#include <algorithm>
#include <optional>
#include <queue>
#include <vector>

namespace sparkfit::replay {
namespace {

using base::Bytes;

// What is known of one key so far.
struct Known {
  explicit Known(base::Duration half_life) : peaks(model::MemoryBuckets(), half_life) {}

  model::DecayingHistogram peaks;
  Bytes largest;

  void Add(const Execution& execution) {
    peaks.Add(static_cast<double>(execution.peak.value), 1.0, execution.completed);
    largest = std::max(largest, execution.peak);
  }
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

// Runs one execution from this first allocation, with retries, into the result.
void Run(const Execution& execution, Bytes allocation, const recommend::Policy& policy,
         BacktestResult& result) {
  const double hours = execution.runtime_hours;
  std::uint64_t kills = 0;
  std::uint64_t retries = 0;
  while (allocation < execution.peak) {
    ++kills;
    result.allocated_gbh += GigabyteHours(allocation, hours);
    result.waste_gbh += GigabyteHours(allocation, hours);
    if (allocation >= kLargestAllocation) {
      ++result.unsatisfied;
      break;
    }
    ++retries;
    allocation = Clamped(recommend::Bumped(allocation, policy.oom_bump, policy.oom_bump_min));
  }
  if (allocation >= execution.peak) {
    result.allocated_gbh += GigabyteHours(allocation, hours);
    result.waste_gbh += GigabyteHours(allocation - execution.peak, hours);
  }
  result.used_gbh += GigabyteHours(execution.peak, hours);
  result.oom_executions += kills > 0 ? 1 : 0;
  result.oom_kills += kills;
  result.max_retries = std::max(result.max_retries, retries);
}

}  // namespace

BacktestResult Backtest(const ExecutionTable& table, const recommend::Policy& policy,
                        std::string name) {
  const auto& executions = table.Executions();
  BacktestResult result;
  result.policy = std::move(name);
  result.executions = executions.size();
  result.signatures = table.KeyCount();
  std::vector<std::optional<Known>> known(table.KeyCount());
  Running running(executions);
  for (std::size_t i = 0; i < executions.size(); ++i) {
    const auto& execution = executions[i];
    while (const auto done = running.PopCompleted(execution.submitted)) {
      auto& key = known[executions[*done].key];
      if (!key) key.emplace(policy.half_life);
      key->Add(executions[*done]);
    }
    Bytes allocation = execution.request;
    if (const auto& key = known[execution.key]) {
      const auto estimate =
          recommend::EstimateNeed(policy, {key->peaks, key->largest, execution.request});
      if (estimate) allocation = estimate->target;
    } else {
      ++result.cold_starts;
    }
    Run(execution, Clamped(allocation), policy, result);
    running.Push(i);
  }
  return result;
}

}  // namespace sparkfit::replay
