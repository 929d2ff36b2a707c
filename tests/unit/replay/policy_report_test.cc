// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/replay/policy_report.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>

namespace sparkfit::replay {
namespace {

// Amounts in GB, run times of an hour.
std::string Row(const std::string& workflow, const std::string& signature, int submit, int request,
                int peak) {
  return fmt::format("{}\t{}\t{}\t{}\t{}e9\t{}e9\t1\n", workflow, signature, submit, submit + 1,
                     request, peak);
}

ExecutionTable Table(const std::string& rows) {
  ExecutionTable table;
  const auto text =
      "workflow\tsignature\tsubmit_epoch_s\tcomplete_epoch_s\trequest_bytes\tpeak_rss_bytes\t"
      "runtime_hours\n" +
      rows;
  REQUIRE(table.Read("table", FromMemory(text), [](std::uint64_t) {}).has_value());
  table.Sort();
  return table;
}

TEST_CASE("costs are told by workflow, key, progress and ordinal", "[replay][policies]") {
  // a/x twice: 8 for 2 and 8 for 3; b/x once: 8 for 4; a/y fails with 1 for 4, then 2.2 … by the
  // default bump of 1.2: 1, 1.2, 1.44, 1.728, 2.0736, 2.48832, 2.985984, 3.5831808, 4.29981696.
  const auto table = Table(Row("a", "x", 0, 8, 2) + Row("b", "x", 10, 8, 4) +
                           Row("a", "y", 20, 1, 4) + Row("a", "x", 30, 8, 3));
  const Workflows workflows(table);
  CHECK(workflows.names == std::vector<std::string>{"a", "b"});
  CHECK(table.NameOf(0) == std::pair<std::string_view, std::string_view>{"a", "x"});
  CHECK(table.NameOf(2) == std::pair<std::string_view, std::string_view>{"a", "y"});

  const auto policy = *recommend::ParsePolicy("request");
  const auto report = Report(table, workflows, policy, "request");
  CHECK(report.result.oom_executions == 1);
  CHECK(report.workflows[0].executions == 3);
  CHECK(report.workflows[0].ooms == 1);
  CHECK(report.workflows[1].waste == Approx(4));
  CHECK(report.keys[0].waste == Approx(6 + 5));
  CHECK(report.keys[0].used == Approx(5));
  CHECK(report.ordinals[0].executions == 3);
  CHECK(report.ordinals[1].executions == 1);
  CHECK(report.ordinals[1].waste == Approx(5));
  REQUIRE(report.progress.size() == 4);
  CHECK(report.progress[1].waste == Approx(6 + 4));
  CHECK(report.progress.back().waste == Approx(report.result.waste_gbh));
  CHECK(report.progress.back().ooms == 1);
  CHECK(report.workflows[0].waste + report.workflows[1].waste == Approx(report.result.waste_gbh));
}

TEST_CASE("progress is bounded and ends with the last execution", "[replay][policies]") {
  std::string rows;
  for (int i = 0; i < 1001; ++i) rows += Row("a", "x", i, 8, 2);
  const auto table = Table(rows);
  const auto report =
      Report(table, Workflows(table), *recommend::ParsePolicy("request"), "request");
  CHECK(report.progress.size() <= PolicyReport::kProgress + 1);
  CHECK(report.progress.back().executions == 1001);
  // The 81st and later are one class: 1001 − 80.
  CHECK(report.ordinals.back().executions == 921);
}

}  // namespace
}  // namespace sparkfit::replay
