// SPDX-License-Identifier: Apache-2.0
//
// The rules of docs/formats.md, on tables small enough to work out by hand.
#include "sparkfit/replay/backtest.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>

namespace sparkfit::replay {
namespace {

constexpr double kGiBinGB = 1.073741824;

const std::string kHeader =
    "workflow\tprocess\tsignature\tsubmit_epoch_s\tcomplete_epoch_s\trequest_bytes\tpeak_rss_"
    "bytes\t"
    "runtime_hours\tinput_bytes\n";

// Requests and peaks in GiB.
std::string Row(const std::string& signature, double submit, double complete, double request,
                double peak, double hours = 1) {
  constexpr double kGiB = 1024.0 * 1024 * 1024;
  return fmt::format("w\tp\t{}\t{}\t{}\t{:.0f}\t{:.0f}\t{}\t0\n", signature, submit, complete,
                     request * kGiB, peak * kGiB, hours);
}

ExecutionTable Table(const std::string& rows) {
  ExecutionTable table;
  const auto text = kHeader + rows;
  REQUIRE(table.Read("table", FromMemory(text), [](std::uint64_t) {}).has_value());
  table.Sort();
  return table;
}

BacktestResult Run(const std::string& rows, const std::string& policy) {
  return Backtest(Table(rows), *recommend::ParsePolicy(policy), policy);
}

TEST_CASE("what is allocated and not used is waste, over the run time", "[replay][backtest]") {
  // (8 − 2) GiB × 3 h
  const auto result = Run(Row("a", 0, 10, 8, 2, 3), "request");
  CHECK(result.used_gbh == Approx(6 * kGiBinGB));
  CHECK(result.allocated_gbh == Approx(24 * kGiBinGB));
  CHECK(result.waste_gbh == Approx(18 * kGiBinGB));
  CHECK(result.cold_starts == 1);
  CHECK(result.oom_executions == 0);
}

TEST_CASE("a failed attempt costs all of its allocation", "[replay][backtest]") {
  // 4 GiB fails, 1.5 × 4 = 6 fails, 9 holds 7: waste 4 + 6 + 2.
  const auto result = Run(Row("a", 0, 10, 4, 7), "request:oomBump=1.5");
  CHECK(result.waste_gbh == Approx(12 * kGiBinGB));
  CHECK(result.allocated_gbh == Approx(19 * kGiBinGB));
  CHECK(result.oom_executions == 1);
  CHECK(result.oom_kills == 2);
  CHECK(result.max_retries == 2);
}

TEST_CASE("the least bump decides where it is more", "[replay][backtest]") {
  // 1 GiB + 2 GiB = 3 holds 2.5: waste 1 + 0.5.
  const auto result = Run(Row("a", 0, 10, 1, 2.5), "request:oomBump=1.1,oomBumpMin=2Gi");
  CHECK(result.waste_gbh == Approx(1.5 * kGiBinGB));
  CHECK(result.oom_kills == 1);
}

TEST_CASE("allocations are clamped, and what fails at the top is unsatisfied",
          "[replay][backtest]") {
  // 0.1 GiB becomes 0.25. 200 GiB fails, 300 is clamped to 256, fails too: no further attempt.
  const auto small = Run(Row("a", 0, 10, 0.1, 0.05), "request");
  CHECK(small.allocated_gbh == Approx(0.25 * kGiBinGB));
  const auto large = Run(Row("a", 0, 10, 200, 300), "request:oomBump=1.5");
  CHECK(large.unsatisfied == 1);
  CHECK(large.oom_kills == 2);
  CHECK(large.max_retries == 1);
  CHECK(large.waste_gbh == Approx(456 * kGiBinGB));
  CHECK(large.used_gbh == Approx(300 * kGiBinGB));
}

TEST_CASE("a result is known at submit times at or after its complete time", "[replay][backtest]") {
  // max:margin=0.5 of a peak of 2 GiB is 3. The second starts before the first is done and gets its
  // request of 8; the third starts in the instant in which it is.
  const auto rows = Row("a", 0, 10, 8, 2) + Row("a", 9.999, 20, 8, 2) + Row("a", 10, 20, 8, 2);
  const auto result = Run(rows, "max:margin=0.5");
  CHECK(result.cold_starts == 2);
  CHECK(result.allocated_gbh == Approx((8 + 8 + 3) * kGiBinGB));
}

TEST_CASE("keys are workflow and signature; order is by submit time, not by row",
          "[replay][backtest]") {
  // In order of submit: a at 0, b at 5 (no history), a at 20 (knows a's 2 GiB).
  const auto rows = Row("a", 20, 30, 8, 2) + Row("b", 5, 6, 8, 2) + Row("a", 0, 10, 8, 2);
  const auto result = Run(rows, "max:margin=0.5");
  CHECK(result.signatures == 2);
  CHECK(result.cold_starts == 2);
  CHECK(result.allocated_gbh == Approx((8 + 8 + 3) * kGiBinGB));
}

TEST_CASE("adaptive knows the results of the key and of its family", "[replay][backtest]") {
  // 8 GiB are asked for; two members have needed 2 GiB when the third comes, and it gets about
  // that. One whose signature has no family, and one of another family, get their request.
  const auto known = Row("f|a", 0, 10, 8, 2) + Row("f|b", 0, 10, 8, 2);
  const auto with_family = Run(known + Row("f|c", 20, 30, 8, 2), "adaptive");
  CHECK(with_family.cold_starts == 3);
  CHECK(with_family.allocated_gbh < (8 + 8 + 4) * kGiBinGB);
  for (const auto* signature : {"c", "g|c"}) {
    INFO(signature);
    const auto without = Run(known + Row(signature, 20, 30, 8, 2), "adaptive");
    CHECK(without.allocated_gbh == Approx((8 + 8 + 8) * kGiBinGB));
  }
}

TEST_CASE("adaptive doubles after an OOM", "[replay][backtest]") {
  // The first result is 1 GiB; the next execution needs 9: about 1.25, 2.5, 5 and 10.
  const auto rows = Row("a", 0, 10, 8, 1) + Row("a", 20, 30, 8, 9);
  const auto result = Run(rows, "adaptive");
  CHECK(result.oom_executions == 1);
  CHECK(result.oom_kills == 3);
}

TEST_CASE("the family is the workflow and the signature before the bar", "[replay][table]") {
  const auto table = Table(Row("f|a", 0, 1, 1, 1) + Row("f|b|c", 1, 2, 1, 1) +
                           Row("f", 2, 3, 1, 1) + Row("g|a", 3, 4, 1, 1));
  const auto& rows = table.Executions();
  CHECK(table.FamilyCount() == 2);
  CHECK(rows[0].family == rows[1].family);
  CHECK(rows[2].family == kNoFamily);
  CHECK(rows[3].family != rows[0].family);
}

TEST_CASE("columns are found by name", "[replay][table]") {
  ExecutionTable table;
  const std::string text =
      "peak_rss_bytes\tworkflow\textra\tsignature\tsubmit_epoch_s\tcomplete_epoch_s\trequest_"
      "bytes\t"
      "runtime_hours\n7e9\tw\tx\ts\t1669393058.115\t1669393068\t8e9\t0.5\n";
  REQUIRE(table.Read("t", FromMemory(text), [](std::uint64_t) {}).has_value());
  REQUIRE(table.Executions().size() == 1);
  CHECK(table.Executions()[0].peak == base::Bytes{7000000000});
  CHECK(table.Executions()[0].submitted.time_since_epoch().count() == 1669393058115);
}

TEST_CASE("a header that lacks a column is an error that names it", "[replay][table]") {
  ExecutionTable table;
  const auto read = table.Read("t.tsv", FromMemory("workflow\tsignature\n"), [](std::uint64_t) {});
  REQUIRE_FALSE(read.has_value());
  CHECK_THAT(read.error().message, Catch::Contains("t.tsv:1") &&
                                       Catch::Contains("peak_rss_bytes") &&
                                       !Catch::Contains("workflow,"));
}

TEST_CASE("rows that cannot be are left out and named", "[replay][table]") {
  ExecutionTable table;
  const std::string good = Row("a", 0, 10, 8, 2);
  const std::string text = kHeader + good + "w\tp\ts\tx\t2\t1\t1\t1\t1\n" +
                           "w\tp\ts\t1\t2\t-1\t1\t1\t1\n" + "w\tp\ts\t1\t2\tnan\t1\t1\t1\n" +
                           "w\tp\ts\t1\t2\t1\t1e300\t1\t1\n" + "w\tp\ts\t1\t2\t1\t\t1\t1\n" +
                           "w\tp\ts\n" + "\n" + good;
  REQUIRE(table.Read("t.tsv", FromMemory(text), [](std::uint64_t) {}).has_value());
  CHECK(table.Executions().size() == 2);
  CHECK(table.GetProblems().Count() == 6);
  CHECK_THAT(table.GetProblems().Shown()[0], Catch::StartsWith("t.tsv:3: submit_epoch_s"));
  CHECK_THAT(table.GetProblems().Shown()[1], Catch::StartsWith("t.tsv:4: request_bytes"));
}

}  // namespace
}  // namespace sparkfit::replay
