// SPDX-License-Identifier: Apache-2.0
//
// Logs of what went wrong for somebody (tests/cases), with the right answers.
#include <catch2/catch.hpp>
#include <string>

#include "sparkfit/replay/replay.h"

namespace sparkfit::replay {
namespace {

// The row of the only key.
ReplayRow Case(const std::string& name) {
  ObservationReader reader;
  auto file = OpenFile(std::string(SPARKFIT_SOURCE_DIR "/tests/cases/") + name + ".ndjson");
  REQUIRE(file);
  REQUIRE(reader.Add(name, *std::move(file)));
  controller::Pipeline pipeline({});
  auto rows = Replay(reader, pipeline, std::nullopt, [](std::uint64_t) {});
  REQUIRE(rows);
  REQUIRE(rows->size() == 1);
  return std::move(rows->front());
}

TEST_CASE("executors that ended for an unknown cause are counted and raise nothing", "[cases]") {
  const auto row = Case("end-of-unknown-cause");
  CHECK(row.totals.unknown_ends == 3);
  CHECK(row.totals.container_ooms + row.totals.heap_ooms == 0);
  CHECK_FALSE(row.totals.last_oom);
  // All six executors used at most 2.1 GiB of 8.6: the policy's 2.1 GiB × 1.4 and a bucket.
  CHECK(row.recommendation.target < base::MiB(3200));
}

TEST_CASE("a full heap is a heap OOM whichever way the JVM's options end it", "[cases]") {
  const auto plain = Case("heap-oom-exit-52");
  CHECK(plain.totals.heap_ooms == 4);
  for (const auto* name : {"heap-oom-kill-9", "heap-oom-crash-134"}) {
    INFO(name);
    const auto row = Case(name);
    CHECK(row.totals.heap_ooms == 4);
    CHECK(row.totals.container_ooms + row.totals.unknown_ends == 0);
    CHECK(row.recommendation.target == plain.recommendation.target);
    REQUIRE(row.recommendation.split);
    CHECK(row.recommendation.split->heap == plain.recommendation.split->heap);
    CHECK(row.explanation == plain.explanation);
  }
}

}  // namespace
}  // namespace sparkfit::replay
