// SPDX-License-Identifier: Apache-2.0
//
// Logs made after what went wrong in users' clusters (tests/cases), with the right answers.
#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <string>

#include "sparkfit/replay/replay.h"

namespace sparkfit::replay {
namespace {

using base::MiB;

struct Replayed {
  std::map<std::string, ReplayRow> rows;  // by signature
  std::set<std::string> problems;
};

Replayed ReplayCase(const std::string& name) {
  ObservationReader reader;
  const std::string path = SPARKFIT_SOURCE_DIR "/tests/cases/" + name;
  auto file = OpenFile(path);
  REQUIRE(file.has_value());
  REQUIRE(reader.Add(name, *std::move(file)).has_value());
  controller::Pipeline pipeline({.policy = recommend::Policy{}, .safety = {}});
  auto rows = Replay(reader, pipeline, std::nullopt, [](std::uint64_t) {});
  REQUIRE(rows.has_value());
  Replayed replayed;
  for (auto& row : *rows) replayed.rows.emplace(row.key.signature, row);
  replayed.problems = pipeline.Problems();
  return replayed;
}

// The row of the only key.
ReplayRow Case(const std::string& name) {
  const auto replayed = ReplayCase(name);
  REQUIRE(replayed.rows.size() == 1);
  return replayed.rows.begin()->second;
}

TEST_CASE("executors that ended for an unknown cause are counted and raise nothing",
          "[replay][cases]") {
  const auto row = Case("end-of-unknown-cause.ndjson");
  CHECK(row.totals.unknown_ends == 3);
  CHECK(row.totals.container_ooms + row.totals.heap_ooms == 0);
  CHECK_FALSE(row.totals.last_oom);
  // All six executors used at most 2.1 GiB of 8.6: the policy's 2.1 GiB × 1.4 and a bucket.
  CHECK(row.recommendation.target < MiB(3200));
}

TEST_CASE("a full heap is a heap OOM whichever way the JVM's options end it", "[replay][cases]") {
  const auto plain = Case("heap-oom-exit-52.ndjson");
  CHECK(plain.totals.heap_ooms == 4);
  for (const auto* name : {"heap-oom-kill-9.ndjson", "heap-oom-crash-134.ndjson"}) {
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

TEST_CASE("beside an explicit overhead the heap stays, and the overhead gives", "[replay][cases]") {
  // 8 GiB of heap and 32 GiB outside, 21,000 MiB in use: the bucket ends at 21,475.9, × 1.4.
  const auto off_heap = Case("explicit-overhead-offheap.ndjson");
  CHECK(off_heap.recommendation.target == MiB(30067));
  CHECK(off_heap.recommendation.split->heap == MiB(8192));
  // 6 + 6 GiB, 6,600 MiB in use: 6,863.3 × 1.4.
  const auto python = Case("explicit-overhead-python.ndjson");
  CHECK(python.recommendation.target == MiB(9609));
  CHECK(python.recommendation.split->heap == MiB(6144));
}

TEST_CASE("a request below the limit is compared with the request", "[replay][cases]") {
  const auto row = Case("limit-above-request.ndjson");
  CHECK(row.request == MiB(2432));
  CHECK(row.recommendation.target_request == MiB(2432));  // covers the 2,300 MiB in use
  CHECK(row.recommendation.target == MiB(3278));          // 2,341.3 × 1.4; the limit was 10 GiB
  CHECK(row.recommendation.split->heap == MiB(2048));
}

TEST_CASE("three clean runs after an OOM leave nothing of it", "[replay][cases]") {
  const auto row = Case("one-oom-then-40-clean.ndjson.gz");
  CHECK(row.totals.container_ooms == 1);
  CHECK(row.recommendation.target == MiB(2949));  // 2,105.9 × 1.4
  CHECK(row.recommendation.split->heap > MiB(2105));
}

TEST_CASE("a limit that was raised while executors ran counts", "[replay][cases]") {
  const auto row = Case("limit-raised-in-place.ndjson");
  CHECK(row.recommendation.target == MiB(6000));
}

TEST_CASE("bounds that nobody can mean are named and ignored, proper ones hold",
          "[replay][cases]") {
  const auto replayed = ReplayCase("bounds-nobody-means.ndjson");
  // A peak of 4000 MiB is in VPA's bucket that ends at 4,340,933,439 bytes; × 1.4 is 5,795.8 MiB.
  for (const auto* signature :
       {"max-4096m", "max-4096", "max-4g", "emr-max-4096m", "min-6144m", "misspelt"}) {
    INFO(signature);
    const auto& row = replayed.rows.at(signature);
    CHECK(row.recommendation.target == MiB(5796));
    CHECK_THAT(row.explanation, Catch::Contains("Left out: "));
  }
  CHECK(replayed.rows.at("control").recommendation.target == MiB(4096));
  const std::string emr = "emr-containers.amazonaws.com/dynamic.sizing.scale.memory.max";
  CHECK(replayed.problems ==
        std::set<std::string>{
            "job jobs/emr-max-4096m: " + emr + ": \"4096m\" is 4.096 bytes in Kubernetes; 4096Mi?",
            "job jobs/max-4096: sparkfit.io/max-memory: \"4096\" is 4096 bytes in Kubernetes; "
            "4096Mi?",
            "job jobs/max-4096m: sparkfit.io/max-memory: \"4096m\" is 4.096 bytes in Kubernetes; "
            "4096Mi?",
            "job jobs/max-4g: sparkfit.io/max-memory: \"4g\" is not a quantity (such as 1408Mi, "
            "1.5Gi or 1e9); 4Gi?",
            "job jobs/min-6144m: sparkfit.io/min-memory: \"6144m\" is 6.144 bytes in Kubernetes; "
            "6144Mi?",
            "job jobs/misspelt: sparkfit.io/max-memroy is no setting; sparkfit.io/max-memory?"});
}

}  // namespace
}  // namespace sparkfit::replay
