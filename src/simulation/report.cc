// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/simulation/report.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "sparkfit/base/quantity.h"
#include "sparkfit/replay/text_table.h"

namespace sparkfit::simulation {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kLegend =
    R"(REACHED      from 10 times the smallest size that is at most 10 % slower than best: after five runs at
             most 1.3 times that size (else LARGE), alive, and at most 10 % slower (else SLOW)
AFTER 5      the size in the sixth run, LAST in the last one: medians, as multiples of the smallest
DRIFT        from 1.3 times, unchanged: jobs that never ran out of memory and yet are more than 5 % larger
             in the last ten runs
JUMP         from 1.3 times, the need doubles in the 21st run: no OOM in that run or in the next one
UNDERSIZED   from half the size: no OOM in the first run or in the second
OOM RUNS     runs in which an executor ran out of memory, of the jobs before; after the jump
FAILED RUNS  a task lost four executors, of JUMP and UNDERSIZED
)";

double Rounded(double value) { return std::round(value * 1000) / 1000; }

Json ToJson(const Failing& job) {
  return {{"profile", job.profile},
          {"ratio", Rounded(job.ratio)},
          {"dies", job.dies},
          {"slower", Rounded(job.slower)}};
}

Json OversizedOf(const LoopResult& result) {
  Json ratios = Json::array();
  for (const double ratio : result.median_ratios) ratios.push_back(Rounded(ratio));
  Json failing = Json::array();
  for (const auto& job : result.failing) failing.push_back(ToJson(job));
  return {{"reached", result.reached},   {"too_large", result.too_large},
          {"too_slow", result.too_slow}, {"oom_runs", result.oversized_oom_runs},
          {"median_ratios", ratios},     {"failing", failing}};
}

Json ToJson(const LoopResult& result) {
  const auto& options = result.options;
  return {{"policy", result.policy},
          {"profiles", options.profiles},
          {"runs", options.runs},
          {"seed", options.seed},
          {"driver_metrics", options.driver_metrics},
          {"oversized", OversizedOf(result)},
          {"unchanged",
           {{"drifting", result.drifting},
            {"oom_runs", result.unchanged_oom_runs},
            {"slower_last", result.slower_last}}},
          {"jump",
           {{"recovered", result.jump_recovered},
            {"oom_runs", result.jump_oom_runs},
            {"failed_runs", result.jump_failed_runs}}},
          {"undersized",
           {{"recovered", result.undersized_recovered},
            {"oom_runs", result.undersized_oom_runs},
            {"failed_runs", result.undersized_failed_runs}}}};
}

std::string Share(std::uint64_t count, std::uint64_t of) {
  if (of == 0) return "-";
  return fmt::format("{:.1f} %", 100 * static_cast<double>(count) / static_cast<double>(of));
}

std::string Fare(const Failing& job) {
  if (job.dies) return ", dies";
  return job.slower > 0.1 ? fmt::format(", {:.0f} % slower", 100 * job.slower) : "";
}

std::string FailingOf(const LoopResult& result) {
  const auto failing = result.options.profiles - result.reached;
  if (failing == 0) return {};
  auto text = fmt::format("\n{}: not reached by {} of {}:", replay::Printable(result.policy),
                          failing, result.options.profiles);
  for (const auto& job : result.failing) {
    text += fmt::format(" {} ({:.2f}×{})", job.profile, job.ratio, Fare(job));
  }
  if (failing > result.failing.size()) text += " …";
  return text + "\n";
}

std::string Times(double ratio) { return fmt::format("{:.2f}×", ratio); }

std::string RenderTable(const std::vector<LoopResult>& results) {
  using replay::Align;
  replay::TextTable table({{"POLICY", Align::kLeft},
                           {"REACHED"},
                           {"LARGE"},
                           {"SLOW"},
                           {"AFTER 5"},
                           {"LAST"},
                           {"OOM RUNS"},
                           {"DRIFT"},
                           {"OOM RUNS"},
                           {"JUMP"},
                           {"OOM RUNS"},
                           {"UNDERSIZED"},
                           {"OOM RUNS"},
                           {"FAILED RUNS"}});
  std::string failing;
  for (const auto& result : results) {
    const auto jobs = result.options.profiles;
    const auto count = [](std::uint64_t n) {
      return base::FormatCount(static_cast<std::int64_t>(n));
    };
    table.Add({replay::Printable(result.policy), Share(result.reached, jobs),
               Share(result.too_large, jobs), Share(result.too_slow, jobs),
               Times(result.median_ratios[kRunsToReach]), Times(result.median_ratios.back()),
               count(result.oversized_oom_runs), Share(result.drifting, jobs),
               count(result.unchanged_oom_runs), Share(result.jump_recovered, jobs),
               count(result.jump_oom_runs), Share(result.undersized_recovered, jobs),
               count(result.undersized_oom_runs),
               count(result.jump_failed_runs + result.undersized_failed_runs)});
    failing += FailingOf(result);
  }
  if (results.empty()) return table.Format();
  const auto& options = results.front().options;
  return table.Format() +
         fmt::format("\n{} jobs of seed {}, {} runs each{}.\n", options.profiles, options.seed,
                     options.runs, options.driver_metrics ? ", drivers tell of heaps" : "") +
         std::string(kLegend) + failing;
}

}  // namespace

std::string Render(const std::vector<LoopResult>& results, replay::OutputFormat format) {
  if (format == replay::OutputFormat::kTable) return RenderTable(results);
  Json array = Json::array();
  for (const auto& result : results) array.push_back(ToJson(result));
  return replay::Render(array, format);
}

}  // namespace sparkfit::simulation
