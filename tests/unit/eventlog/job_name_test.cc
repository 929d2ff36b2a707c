// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/eventlog/job_name.h"

#include <catch2/catch.hpp>

namespace sparkfit::eventlog {
namespace {

TEST_CASE("an application's name loses what each run has its own", "[eventlog]") {
  CHECK(JobName("NewYorkTaxiData_2025_06_27_00_24_44") == "NewYorkTaxiData");
  CHECK(JobName("nightly 2026-09-21") == "nightly");
  CHECK(JobName("etl-20260921T133320Z-orders") == "etl-orders");
  CHECK(JobName("etl_2026-09-21T13:33:20.123Z") == "etl");
  CHECK(JobName("load.1790000000000") == "load");
  CHECK(JobName("copy-3f2504e0-4f89-11d3-9a0c-0305e82c3301") == "copy");
  CHECK(JobName("report (2026/09/21)") == "report");
  CHECK(JobName("revenue-0f1e2d3c4b5a6978") == "revenue");
}

TEST_CASE("… and nothing else", "[eventlog]") {
  for (const auto* name : {"job-3", "job-4", "spark 3.5", "q72", "PythonPi", "deadbeef",
                           "year-2026", "decade", "Zürich"}) {
    CHECK(JobName(name) == name);
  }
  CHECK(JobName("2026-09-21").empty());
  CHECK(JobName("").empty());
}

}  // namespace
}  // namespace sparkfit::eventlog
