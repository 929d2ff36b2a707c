// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "cli/job_table.h"
#include "sparkfit/base/meant.h"
#include "sparkfit/replay/replay.h"
#include "sparkfit/replay/report.h"

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

// Any bytes as a log: never a crash, and what is recommended keeps its promises.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sparkfit;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  replay::ObservationReader reader;
  if (!reader.Add("fuzz", replay::FromMemory(text))) return 0;
  controller::PipelineOptions options;
  options.safety.step = size % 2 == 0 ? 0 : 0.5;
  controller::Pipeline pipeline(options);
  const auto rows = replay::Replay(reader, pipeline, std::nullopt, [](std::uint64_t) {});
  if (!rows) return 0;
  for (const auto& row : *rows) {
    const auto& recommendation = row.recommendation;
    if (!recommendation.target) continue;
    Require(recommendation.lower->value > 0);
    Require(*recommendation.lower <= *recommendation.target);
    Require(*recommendation.target <= *recommendation.upper);
    if (!recommendation.split) continue;
    const auto& split = *recommendation.split;
    Require(split.heap + split.overhead == *recommendation.target);
  }
  for (const auto& row : pipeline.Recommend()) {
    const auto& [min, max] = row.bounds;
    Require(!min || *min >= base::kSmallestBound);
    Require(!max || *max >= base::kSmallestBound);
    Require(!min || !max || *min <= *max);
  }
  for (const auto format : {replay::OutputFormat::kJson, replay::OutputFormat::kYaml}) {
    Require(!replay::Render(*rows, format).empty());
  }
  std::vector<wire::Published> jobs;
  for (const auto& row : *rows) jobs.push_back(cli::PublishedOf(row));
  cli::JobTableOptions table;
  table.wide = true;
  Require(!cli::JobTable(jobs, table).empty());
  // A line each: no cell has one of its own.
  const auto csv = cli::JobCsv(jobs, false);
  Require(static_cast<std::size_t>(std::count(csv.begin(), csv.end(), '\n')) == jobs.size());
  return 0;
}
