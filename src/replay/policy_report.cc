// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/replay/policy_report.h"

#include <algorithm>
#include <unordered_map>

namespace sparkfit::replay {
namespace {

std::size_t ClassOf(std::uint32_t ordinal) {
  const auto above = std::upper_bound(kOrdinals.begin(), kOrdinals.end(), ordinal);
  return static_cast<std::size_t>(above - kOrdinals.begin()) - 1;
}

}  // namespace

void GroupCost::Add(const ExecutionCost& cost) {
  ++executions;
  ooms += cost.kills > 0 ? 1 : 0;
  used += cost.used;
  waste += cost.waste;
}

Workflows::Workflows(const ExecutionTable& table) {
  std::unordered_map<std::string_view, std::uint32_t> known;
  for (std::uint32_t key = 0; key < table.KeyCount(); ++key) {
    const auto workflow = table.NameOf(key).first;
    const auto [place, is_new] =
        known.try_emplace(workflow, static_cast<std::uint32_t>(names.size()));
    if (is_new) names.emplace_back(workflow);
    of_key.push_back(place->second);
  }
}

PolicyReport Report(const ExecutionTable& table, const Workflows& workflows,
                    const recommend::Policy& policy, std::string name) {
  PolicyReport report;
  report.policy = policy;
  report.workflows.resize(workflows.names.size());
  report.keys.resize(table.KeyCount());
  const auto all = table.Executions().size();
  const auto every =
      std::max<std::size_t>(1, (all + PolicyReport::kProgress - 1) / PolicyReport::kProgress);
  PolicyReport::Progress now;
  report.result =
      Backtest(table, policy, std::move(name), [&](const Execution& execution, const auto& cost) {
        auto& key = report.keys[execution.key];
        key.Add(cost);
        report.workflows[workflows.of_key[execution.key]].Add(cost);
        report.ordinals[ClassOf(static_cast<std::uint32_t>(key.executions))].Add(cost);
        ++now.executions;
        now.ooms += cost.kills > 0 ? 1 : 0;
        now.waste += cost.waste;
        if (now.executions % every == 0 || now.executions == all) report.progress.push_back(now);
      });
  return report;
}

}  // namespace sparkfit::replay
