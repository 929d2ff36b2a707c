// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/simulation/report.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "sparkfit/replay/text_table.h"

namespace sparkfit::simulation {
namespace {

using Json = nlohmann::ordered_json;

double Rounded(double value) { return std::round(value * 1000) / 1000; }

Json ToJson(const LoopResult& result) {
  Json failing = Json::array();
  for (const auto& job : result.failing) {
    failing.push_back(
        {{"profile", job.profile}, {"ratio", Rounded(job.ratio)}, {"slower", Rounded(job.slower)}});
  }
  return {
      {"policy", result.policy},
      {"profiles", result.options.profiles},
      {"runs", result.options.runs},
      {"seed", result.options.seed},
      {"driver_evidence", result.options.driver_evidence},
      {"oversized",
       {{"reached", result.reached},
        {"too_large", result.too_large},
        {"too_slow", result.too_slow},
        {"median_ratio", Rounded(result.median_ratio)},
        {"median_ratio_last", Rounded(result.median_ratio_last)},
        {"oom_runs", result.oversized_oom_runs},
        {"failing", failing}}},
      {"unchanged",
       {{"drifting", result.drifting},
        {"oom_runs", result.unchanged_oom_runs},
        {"slower_last", result.slower_last}}},
      {"jump", {{"recovered", result.jump_recovered}, {"failed_runs", result.jump_failed_runs}}},
      {"undersized",
       {{"recovered", result.undersized_recovered},
        {"failed_runs", result.undersized_failed_runs}}}};
}

std::string Share(std::uint64_t count, std::uint64_t of) {
  if (of == 0) return "-";
  return fmt::format("{:.1f} %", 100 * static_cast<double>(count) / static_cast<double>(of));
}

std::string FailingOf(const LoopResult& result) {
  const auto failing = result.options.profiles - result.reached;
  if (failing == 0) return {};
  auto text = fmt::format("\n{}: not reached by {} of {}:", replay::Printable(result.policy),
                          failing, result.options.profiles);
  for (const auto& job : result.failing) {
    text += fmt::format(" {} ({:.2f}×{})", job.profile, job.ratio,
                        job.slower > 0.1 ? fmt::format(", {:.0f} % slower", 100 * job.slower) : "");
  }
  if (failing > result.failing.size()) text += " …";
  return text + "\n";
}

std::string RenderTable(const std::vector<LoopResult>& results) {
  using replay::Align;
  replay::TextTable table({{"POLICY", Align::kLeft},
                           {"REACHED"},
                           {"TOO LARGE"},
                           {"TOO SLOW"},
                           {"SIZE AFTER 5"},
                           {"LAST"},
                           {"OOM RUNS"},
                           {"DRIFT"},
                           {"OOM RUNS"},
                           {"JUMP"},
                           {"UNDERSIZED"},
                           {"FAILED RUNS"}});
  std::string failing;
  for (const auto& result : results) {
    const auto jobs = result.options.profiles;
    const auto runs = std::uint64_t{jobs} * result.options.runs;
    table.Add({replay::Printable(result.policy), Share(result.reached, jobs),
               Share(result.too_large, jobs), Share(result.too_slow, jobs),
               fmt::format("{:.2f}×", result.median_ratio),
               fmt::format("{:.2f}×", result.median_ratio_last),
               Share(result.oversized_oom_runs, runs), Share(result.drifting, jobs),
               Share(result.unchanged_oom_runs, runs), Share(result.jump_recovered, jobs),
               Share(result.undersized_recovered, jobs),
               fmt::format("{}", result.jump_failed_runs + result.undersized_failed_runs)});
    failing += FailingOf(result);
  }
  if (results.empty()) return table.Format();
  const auto& options = results.front().options;
  return table.Format() +
         fmt::format(
             "\n{} jobs of seed {}, {} runs each, {} the driver's evidence. REACHED: after five "
             "runs at most 1.3 times\nthe smallest size that is at most 10 % slower than best, "
             "from "
             "10 times that size; sizes are medians, as\nmultiples of the smallest. DRIFT and OOM "
             "RUNS: an unchanged job. JUMP (twice the need) and UNDERSIZED (half\nthe size): free "
             "of OOMs from the second run on.\n",
             options.profiles, options.seed, options.runs,
             options.driver_evidence ? "with" : "without") +
         failing;
}

}  // namespace

std::string Render(const std::vector<LoopResult>& results, replay::OutputFormat format) {
  if (format == replay::OutputFormat::kTable) return RenderTable(results);
  Json array = Json::array();
  for (const auto& result : results) array.push_back(ToJson(result));
  return replay::Render(array, format);
}

}  // namespace sparkfit::simulation
