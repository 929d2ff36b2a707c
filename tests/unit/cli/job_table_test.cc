// SPDX-License-Identifier: Apache-2.0
#include "cli/job_table.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace sparkfit::cli {
namespace {

using Catch::Contains;
using wire::Published;

constexpr std::int64_t kMiB = 1 << 20;

Published Job(const std::string& signature) {
  Published job;
  job.key = {"etl", signature, 0};
  job.name = signature + "-0";
  job.mode = "Off";
  job.policy = "percentile";
  job.created = "2026-01-01T00:00:00Z";
  job.last_sample = "2026-01-08T00:00:00Z";
  job.applications = 4;
  job.executors = 12;
  job.container_ooms = 2;
  job.request = base::Bytes{2000 * kMiB};
  job.target = base::Bytes{1000 * kMiB};
  job.lower = base::Bytes{900 * kMiB};
  job.upper = base::Bytes{1100 * kMiB};
  job.possible_gib_hours = 1.25;
  job.realised_gib_hours = 7;
  return job;
}

JobTableOptions AsOf(const std::string& now) {
  JobTableOptions options;
  options.now = *base::ParseTime(now);
  return options;
}

TEST_CASE("a list has ages, and what it comes to in all", "[cli]") {
  const auto table = JobTable({Job("a"), Job("b")}, AsOf("2026-01-08T00:03:20Z"));
  CHECK_THAT(table, Contains("LAST SEEN") && Contains("3m20s") && Contains("-50 %"));
  CHECK_THAT(table, !Contains("AGE") && !Contains("LOWER"));
  // Twice 4, 12, 2, 7 and 1.25.
  CHECK_THAT(table, Contains("\n\n2 jobs in all: 8 runs, 24 executors, 4 OOMs; 14 GiB·h saved, "
                             "2.50 more to save\n"));
}

TEST_CASE("a wide list has bounds, confidence and ages of objects, too", "[cli]") {
  auto options = AsOf("2026-01-11T00:00:00Z");
  options.wide = true;
  auto unsure = Job("b");
  unsure.conditions = {{"LowConfidence", "True", "", ""}};
  const auto table = JobTable({Job("a"), unsure}, options);
  CHECK_THAT(table, Contains("LOWER") && Contains("900Mi") && Contains("UPPER") &&
                        Contains("1100Mi") && Contains("10d"));
  CHECK_THAT(table, Contains("good  ") && Contains("low  "));
}

TEST_CASE("a list without headers is a line for each job", "[cli]") {
  auto options = AsOf("2026-01-11T00:00:00Z");
  options.style.headers = false;
  const auto table = JobTable({Job("a"), Job("b")}, options);
  CHECK(std::count(table.begin(), table.end(), '\n') == 2);
  CHECK_THAT(table, Catch::StartsWith("etl  a "));
}

TEST_CASE("colours show what is bad and what is saved", "[cli]") {
  auto options = AsOf("2026-01-11T00:00:00Z");
  options.style.colours = true;
  CHECK_THAT(JobTable({Job("a")}, options),
             Contains("\033[31m2\033[0m") && Contains("\033[32m-50 %\033[0m"));
}

TEST_CASE("csv is in bytes, and nothing in it is a formula or a second line", "[cli]") {
  auto job = Job("=1+1,\"x\"\n");
  const auto csv = JobCsv({job}, true);
  CHECK_THAT(csv, Catch::StartsWith("namespace,signature,resourceProfile,mode,"));
  CHECK(std::count(csv.begin(), csv.end(), '\n') == 2);
  CHECK_THAT(csv, Contains("\netl,\"'=1+1,\"\"x\"\"?\",0,Off,percentile,4,12,2,0,0,,"));
  // 2000 and 1000 MiB; the request to be is the target.
  CHECK_THAT(csv, Contains(",2097152000,1048576000,1048576000,"));
  CHECK(JobCsv({job}, false) == csv.substr(csv.find('\n') + 1));
}

TEST_CASE("a log's rows are listed like a cluster's objects", "[cli]") {
  replay::ReplayRow row;
  row.key = {"etl", "nightly", 1};
  row.totals.container_ooms = 1;
  row.totals.heap_ooms = 2;
  row.accuracy.submitted = {3, 1};
  row.accuracy.sized = {2, 0};
  row.recommendation.target = base::Bytes{1000 * kMiB};
  row.recommendation.target_request = base::Bytes{800 * kMiB};
  row.request = base::Bytes{1000 * kMiB};
  row.explanation = "p90 of 4 peaks";
  const auto job = PublishedOf(row);
  JobTableOptions options;
  options.of_cluster = false;
  const auto table = JobTable({job}, options);
  // Of five judged runs of submitted size and of two sized ones five were covered; 3 OOMs.
  CHECK_THAT(table, Contains("nightly (profile 1)") && Contains("5/6") && Contains(" 3 ") &&
                        Contains("-20 %") && Contains("HEAP"));
  CHECK_THAT(table, !Contains("MODE"));
  CHECK(WhyText({job}) == "Why\n  etl/nightly (profile 1)\n      p90 of 4 peaks\n");
}

TEST_CASE("a terminal is safe from foreign text", "[cli]") {
  auto job = Job("a\x1b[2Jb\nc\x7f\xc2\x9b");
  job.key.name_space = "n\r";
  job.mode = job.policy = "\b";
  auto options = AsOf("2026-01-11T00:00:00Z");
  options.wide = true;
  options.style.headers = false;
  for (const auto& text : {JobTable({job}, options), JobCsv({job}, true), WhyText({job})}) {
    for (const char c : {'\x1b', '\r', '\b', '\x7f', '\xc2'}) {
      CHECK(text.find(c) == std::string::npos);
    }
  }
}

TEST_CASE("instead of a signature that is not there the nearest is named, or some", "[cli]") {
  const std::vector<Published> jobs{Job("nightly"), Job("hourly"), Job("nightly")};
  CHECK(InsteadOf("nigthly", jobs) == "; nightly?");
  CHECK(InsteadOf("monthly-report", jobs) == "; there are hourly, nightly");
  CHECK(InsteadOf("x", {}).empty());
  const std::vector<Published> many{Job("j1"), Job("j2"), Job("j3"),
                                    Job("j4"), Job("j5"), Job("j6")};
  CHECK(InsteadOf("something", many) == "; there are j1, j2, j3, j4, j5, …");
}

}  // namespace
}  // namespace sparkfit::cli
