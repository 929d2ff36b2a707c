// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/simulation/report.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "sparkfit/base/quantity.h"
#include "sparkfit/base/text.h"
#include "sparkfit/replay/page.h"
#include "sparkfit/replay/text_table.h"

namespace sparkfit::simulation {
namespace {

using Json = nlohmann::ordered_json;
using replay::Align;

constexpr std::string_view kSizesLegend =
    R"(HARMED    runs of all jobs that failed, do not fail in the submitted size, and need at most 1.1 times what one
          of the 16 runs before needed
LOST      executors lost to memory, of jobs that lose none in the submitted size: for each job in its first
          seven runs, and for each 1,000 runs after them
REACHED   jobs at most 1.3 times the smallest size that goes well, by trial, after seven runs
SIZE      median size of an executor after seven runs, as a multiple of the smallest: HEAP and OUTSIDE of it alone
SUBMITTED the same of the submitted size
MEMORY    median of memory × time of all runs, as a share of the submitted size's
TIME      median of run times, and what nine jobs of ten stay within; SLOWEST of each job's slowest run; as
          multiples of the same runs in the submitted size
)";

constexpr std::string_view kRunsLegend =
    R"(NEED      how it changes from run to run, and jobs that were submitted too small; jumps come after the
          last run of steady jobs
FAILED    runs in the loop, and SUBMITTED in the submitted size; HARMED failed in the loop alone, UNCHANGED
          of them need at most 1.1 times what one of the 16 runs before needed
LOST      executors lost to memory, in the loop and in the submitted size
)";

double Rounded(double value) { return std::round(value * 1000) / 1000; }

Json ToJson(const Quantiles& values) {
  return {{"median", Rounded(values.median)}, {"p90", Rounded(values.p90)}};
}

Json ToJson(const Runs& runs) {
  return {{"runs", runs.runs},
          {"failed", runs.failed},
          {"failed_submitted", runs.failed_submitted},
          {"harmed", runs.harmed},
          {"harmed_unchanged", runs.harmed_unchanged},
          {"lost", runs.lost},
          {"lost_submitted", runs.lost_submitted}};
}

Json NeedsOf(const LoopResult& result) {
  Json needs = Json::object();
  for (std::size_t i = 0; i < kGroups; ++i) {
    auto runs = ToJson(result.groups[i]);
    runs["jobs"] = result.jobs[i];
    needs[std::string(GroupName(i))] = std::move(runs);
  }
  return needs;
}

Json JumpsOf(const LoopResult& result) {
  Json jumps = Json::array();
  for (std::size_t i = 0; i < kJumps.size(); ++i) {
    jumps.push_back({{"times", kJumps[i]},
                     {"first", ToJson(result.jumps[i])},
                     {"next", ToJson(result.after_jumps[i])}});
  }
  return jumps;
}

Json HarmedOf(const LoopResult& result) {
  Json harmed = Json::array();
  for (const auto& job : result.harmed) {
    harmed.push_back({{"profile", job.profile},
                      {"outside", Name(job.kind)},
                      {"need", GroupName(job.group)},
                      {"runs", job.runs},
                      {"first", job.first},
                      {"failure", Name(job.failure)}});
  }
  return harmed;
}

Json SizesOf(const LoopResult& result) {
  Json sizes = Json::array();
  for (const double size : result.median_sizes) sizes.push_back(Rounded(size));
  return {{"jobs", result.judged},
          {"lost_down", result.lost_down},
          {"lost_after", result.lost_after},
          {"runs_after", result.runs_after},
          {"reached", result.reached},
          {"size", ToJson(result.size)},
          {"heap", ToJson(result.heap)},
          {"outside", ToJson(result.outside)},
          {"submitted_size", ToJson(result.submitted_size)},
          {"memory", ToJson(result.memory)},
          {"seconds", ToJson(result.seconds)},
          {"slowest", ToJson(result.slowest)},
          {"median_sizes", sizes}};
}

Json ToJson(const LoopResult& result) {
  const auto& options = result.options;
  return {{"policy", result.policy},
          {"profiles", options.profiles},
          {"runs", options.runs},
          {"seed", options.seed},
          {"driver_metrics", options.driver_metrics},
          {"sample_seconds", options.sample_seconds},
          {"needs", NeedsOf(result)},
          {"jumps", JumpsOf(result)},
          {"harmed_unchanged", result.harmed_unchanged},
          {"harmed_jobs", result.harmed_jobs},
          {"harmed", HarmedOf(result)},
          {"judged", SizesOf(result)}};
}

Json ToArray(const std::vector<LoopResult>& results) {
  Json array = Json::array();
  for (const auto& result : results) array.push_back(ToJson(result));
  return array;
}

std::string Count(std::uint64_t n) { return base::FormatCount(static_cast<std::int64_t>(n)); }

std::string Share(double part, double of) {
  return of > 0 ? fmt::format("{:.1f} %", 100 * part / of) : "-";
}

std::string Each(double part, double of) { return of > 0 ? fmt::format("{:.2f}", part / of) : "-"; }

std::string Times(double ratio) { return fmt::format("{:.2f}×", ratio); }

std::string SizesTable(const std::vector<LoopResult>& results) {
  replay::TextTable table({{"POLICY", Align::kLeft},
                           {"HARMED"},
                           {"LOST/JOB"},
                           {"/1000 RUNS"},
                           {"REACHED"},
                           {"SIZE"},
                           {"HEAP"},
                           {"OUTSIDE"},
                           {"SUBMITTED"},
                           {"MEMORY"},
                           {"TIME"},
                           {"9 OF 10"},
                           {"SLOWEST"}});
  for (const auto& result : results) {
    table.Add({base::Printable(result.policy), Count(result.harmed_unchanged),
               Each(static_cast<double>(result.lost_down), result.judged),
               Each(1000 * static_cast<double>(result.lost_after),
                    static_cast<double>(result.runs_after)),
               Share(result.reached, result.judged), Times(result.size.median),
               Times(result.heap.median), Times(result.outside.median),
               Times(result.submitted_size.median), Share(result.memory.median, 1),
               Times(result.seconds.median), Times(result.seconds.p90),
               Times(result.slowest.median)});
  }
  return table.Format();
}

void AddRuns(replay::TextTable& table, const std::string& policy, const std::string& need,
             const Runs& runs) {
  table.Add({policy, need, Count(runs.runs), Count(runs.failed), Count(runs.failed_submitted),
             Count(runs.harmed), Count(runs.harmed_unchanged),
             Share(static_cast<double>(runs.harmed), static_cast<double>(runs.runs)),
             Count(runs.lost), Count(runs.lost_submitted)});
}

std::string RunsTable(const std::vector<LoopResult>& results) {
  replay::TextTable table({{"POLICY", Align::kLeft},
                           {"NEED", Align::kLeft},
                           {"RUNS"},
                           {"FAILED"},
                           {"SUBMITTED"},
                           {"HARMED"},
                           {"UNCHANGED"},
                           {""},
                           {"LOST"},
                           {"SUBMITTED"}});
  for (const auto& result : results) {
    const auto policy = base::Printable(result.policy);
    for (std::size_t i = 0; i < kGroups; ++i) {
      AddRuns(table, policy, std::string(GroupName(i)), result.groups[i]);
    }
    for (std::size_t i = 0; i < kJumps.size(); ++i) {
      AddRuns(table, policy, fmt::format("jump to {}×", kJumps[i]), result.jumps[i]);
      AddRuns(table, policy, fmt::format("{}×, next two runs", kJumps[i]), result.after_jumps[i]);
    }
  }
  return table.Format();
}

std::string HarmedLines(const LoopResult& result) {
  std::string text;
  const auto policy = base::Printable(result.policy);
  for (const auto& job : result.harmed) {
    text += fmt::format("{}: job {} ({}, {}): {} harmed, first run {}: {}\n", policy, job.profile,
                        Name(job.kind), GroupName(job.group), job.runs, job.first + 1,
                        Name(job.failure));
  }
  if (result.harmed_jobs > result.harmed.size()) {
    text += fmt::format("{}: … and {} jobs more\n", policy,
                        Count(result.harmed_jobs - result.harmed.size()));
  }
  return text.empty() ? text : "\n" + text;
}

std::string RenderTable(const std::vector<LoopResult>& results) {
  if (results.empty()) return SizesTable(results);
  const auto& options = results.front().options;
  auto text = SizesTable(results) +
              fmt::format(
                  "\n{} jobs of seed {}, {} runs each, usage every {} s{}; {} of them are "
                  "steady and lose no executor as submitted.\n",
                  Count(options.profiles), options.seed, options.runs, options.sample_seconds,
                  options.driver_metrics ? ", drivers tell" : "", Count(results.front().judged)) +
              std::string(kSizesLegend) + "\n" + RunsTable(results) + "\n" +
              std::string(kRunsLegend);
  for (const auto& result : results) text += HarmedLines(result);
  return text;
}

std::string StagesOf(const Profile& profile) {
  std::string text;
  for (const auto& stage : profile.stages) {
    text += fmt::format("  {} tasks of {:.1f} s, {:.0f} % of the memory{}{}\n", stage.tasks,
                        stage.seconds, 100 * stage.memory, stage.caches ? ", caches" : "",
                        stage.reads_cached ? ", reads cached blocks" : "");
  }
  return text;
}

std::string DescribeJob(const Profile& profile) {
  const auto size = InMiB(profile.submitted);
  const auto& task = profile.task;
  return fmt::format(
      "job {} of seed {}: {} executors of {} cores{}, submitted with {:.0f} + {:.0f} MiB ({}{})\n"
      "  need {}{}, by {:.2f} from {}; one task of each stage × {:.2f}\n"
      "  heap {:.0f} MiB and for each task {:.0f} + {:.0f} to sort in, {:.0f} cached; outside "
      "{:.0f} "
      "and for each task {:.0f} + {:.0f} off-heap, of at most {:.0f}\n",
      profile.number, profile.seed, profile.executors, profile.cores,
      profile.dynamic ? " at most" : "", size.heap, size.outside, Name(profile.kind),
      profile.too_small ? ", too small" : "", Name(profile.change),
      profile.run_spread > 0 ? fmt::format(" ± {:.1f} %", 100 * profile.run_spread) : "",
      profile.change_by, profile.change_from + 1, profile.skew, profile.base, task.live,
      task.execution, profile.cached, profile.outside, task.native, task.off_heap,
      profile.off_heap_cap);
}

}  // namespace

std::string Render(const std::vector<LoopResult>& results, replay::OutputFormat format) {
  return format == replay::OutputFormat::kTable ? RenderTable(results)
                                                : replay::Render(ToArray(results), format);
}

std::string Page(const std::vector<LoopResult>& results) {
  return replay::LoopPage(ToArray(results));
}

std::string RenderJob(const Profile& profile, const std::vector<Pair>& pairs) {
  const auto smallest = SmallestByTrial(profile);
  replay::TextTable table({{"RUN"},
                           {"NEED"},
                           {"HEAP"},
                           {"OUTSIDE"},
                           {"USED"},
                           {"HEAP OOMS"},
                           {"CONTAINER OOMS"},
                           {"SECONDS"},
                           {"SUBMITTED"},
                           {"ENDED", Align::kLeft},
                           {"SUBMITTED", Align::kLeft}});
  for (std::uint32_t run = 0; run < pairs.size(); ++run) {
    const auto& sized = pairs[run].sized;
    const auto& submitted = pairs[run].submitted;
    const auto size = sized.MeanSize();
    table.Add({Count(run + 1), Times(pairs[run].factor), fmt::format("{:.0f}", size.heap),
               fmt::format("{:.0f}", size.outside), fmt::format("{:.0f}", sized.used),
               Count(sized.heap_ooms), Count(sized.container_ooms),
               fmt::format("{:.0f}", sized.seconds), fmt::format("{:.0f}", submitted.seconds),
               std::string(Name(sized.failure)), std::string(Name(submitted.failure))});
  }
  return DescribeJob(profile) + StagesOf(profile) +
         fmt::format("  smallest by trial: {:.0f} + {:.0f} MiB\n\n", smallest.heap,
                     smallest.outside) +
         table.Format();
}

}  // namespace sparkfit::simulation
