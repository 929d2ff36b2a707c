// SPDX-License-Identifier: Apache-2.0
//
// Pages for people: one HTML file each, which loads nothing from anywhere and draws its charts when
// they are looked at. The data is JSON inside the page (docs/reports.md); what comes from foreign
// labels is text there and nothing else.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "sparkfit/base/time.h"
#include "sparkfit/replay/execution_table.h"
#include "sparkfit/replay/fleet.h"
#include "sparkfit/replay/policy_report.h"

namespace sparkfit::replay {

// The page of a replayed log. Jobs are added one by one, so that only their text is in memory.
class FleetPage {
 public:
  // The more jobs, the coarser each of them, so that three thousand fit into ten megabytes.
  explicit FleetPage(std::size_t jobs);

  void Add(const JobReport& job);

  // `until`: recommendations are as of then. `notes`: what could not be used of the log.
  [[nodiscard]] std::string Html(base::Time until, const std::vector<std::string>& notes) const;

 private:
  std::size_t PolicyIndex(const recommend::Policy& policy);

  std::size_t most_intervals_;
  std::size_t most_runs_;
  std::string jobs_;
  std::vector<std::string> policies_;
  FleetSummary summary_;
  std::optional<base::Time> from_;
};

// The page of a backtest. `dial`: adaptive at its presets, whether or not among the policies.
// REQUIRES: the reports are of this table.
std::string BacktestPage(const ExecutionTable& table, const Workflows& workflows,
                         const std::vector<PolicyReport>& policies,
                         const std::vector<PolicyReport>& dial,
                         const std::vector<std::string>& notes);

// The page of a closed loop. `policies`: what simulation::Render has of each as JSON, at least one.
std::string LoopPage(const nlohmann::ordered_json& policies);

// The JSON in a page: between its <script type="application/json"> and </script>.
std::string_view DataIn(std::string_view page);

}  // namespace sparkfit::replay
