// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/exposition/process_metrics.h"

#include <fmt/format.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>

#include "fake_proc.h"

namespace sparkfit::exposition {
namespace {

using Catch::Contains;

TEST_CASE("a process is told of in seconds and bytes", "[exposition]") {
  const test::FakeProc proc;
  const auto text = ProcessMetrics(proc.Path()).Text();
  // Linux has 100 ticks a second for all programs: (250 + 50) / 100; 1700000000 + 123.45.
  CHECK_THAT(text, Contains("\nprocess_cpu_seconds_total 3\n"));
  CHECK_THAT(text, Contains("\nprocess_start_time_seconds 1700000123.45\n"));
  CHECK_THAT(text, Contains("\nprocess_virtual_memory_bytes 67108864\n"));
  CHECK_THAT(text, Contains(fmt::format("\nprocess_resident_memory_bytes {}\n",
                                        1000 * ::sysconf(_SC_PAGESIZE))));
  CHECK_THAT(text, Contains("\nprocess_open_fds 3\n"));
  CHECK_THAT(text, Contains("\nprocess_max_fds 1024\n"));
  CHECK_THAT(text, Contains("\nprocess_threads 7\n"));
}

TEST_CASE("what Linux does not tell of a process has no series", "[exposition]") {
  const test::FakeProc proc;
  proc.Write("self/limits", "Max open files            unlimited            unlimited  files\n");
  proc.Write("self/stat", "42 (cut");
  proc.Write("stat", "");
  CHECK(ProcessMetrics(proc.Path()).Text() ==
        "# HELP process_open_fds Open files and connections.\n# TYPE process_open_fds gauge\n"
        "process_open_fds 3\n");
  CHECK(ProcessMetrics(proc.Path() + "/nothing").Text().empty());
}

TEST_CASE("this process has threads, memory and open files", "[exposition]") {
  const auto text = ProcessMetrics().Text();
  for (const char* name : {"process_cpu_seconds_total", "process_resident_memory_bytes",
                           "process_virtual_memory_bytes", "process_open_fds", "process_threads",
                           "process_start_time_seconds"}) {
    CHECK_THAT(text, Contains(fmt::format("\n{} ", name)));
  }
  CHECK_THAT(text, !Contains("process_resident_memory_bytes 0\n"));
}

}  // namespace
}  // namespace sparkfit::exposition
