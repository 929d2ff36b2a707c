// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/wire/published.h"

#include <catch2/catch.hpp>

namespace sparkfit::wire {
namespace {

TEST_CASE("an object is read as its status says", "[wire]") {
  const auto job = ReadPublished(R"({
    "metadata": {"namespace": "etl", "name": "nightly-1", "uid": "u"},
    "spec": {"signature": "nightly", "resourceProfile": 2},
    "status": {
      "effective": {"mode": "Initial", "policy": "percentile"},
      "recommendation": {"memory": {"target": "1164Mi", "targetRequest": "1100Mi", "lower": "1Gi", "upper": "2Gi", "uncapped": "1524Mi"},
                         "heap": "900Mi", "overhead": "264Mi"},
      "observed": {"applications": 2, "executors": 5, "sampledExecutors": 4, "containerOOMs": 2, "heapOOMs": 1, "unknownEnds": 4,
                   "peak": "1079Mi", "request": "970Mi", "lastOOM": "2026-11-25T00:48:35Z",
                   "shape": {"cores": "1", "overhead": "default 0.4"}},
      "savings": {"possibleGiBHours": "1.250", "realisedGiBHours": "0.5", "extraGiBHours": "0.005"},
      "accuracy": {"runs": 5, "coveredRuns": 4, "sizedRuns": 2, "coveredSizedRuns": 1, "unknownRuns": 3, "unadvisedRuns": 1, "lackingHeapRuns": 1,
                   "wasteGiBHours": "1.500", "missingGiBHours": "0.250", "regretGiBHours": "1.000"},
      "explanation": "because",
      "conditions": [{"type": "LowConfidence", "status": "True", "reason": "Few", "message": "m"},
                     {"type": "Duplicate", "status": "False"}]}})");
  REQUIRE(job);
  CHECK(job->key == model::Key{"etl", "nightly", 2});
  CHECK(job->target->value == std::int64_t{1164} << 20);
  CHECK(job->target_request->value == std::int64_t{1100} << 20);
  CHECK(job->upper->value == std::int64_t{2} << 30);
  CHECK(job->heap->value == std::int64_t{900} << 20);
  CHECK(job->request->value == std::int64_t{970} << 20);
  CHECK(job->applications == 2);
  CHECK(job->container_ooms == 2);
  CHECK(job->heap_ooms == 1);
  CHECK(job->unknown_ends == 4);
  CHECK(job->overhead_class == model::OverheadClass::kDefaultPython);
  CHECK(job->possible_gib_hours == 1.25);
  REQUIRE(job->accuracy);
  CHECK(job->accuracy->runs == 5);
  CHECK(job->accuracy->covered == 4);
  CHECK(job->accuracy->sized == 2);
  CHECK(job->accuracy->covered_sized == 1);
  CHECK(job->accuracy->unknown == 3);
  CHECK(job->accuracy->unadvised == 1);
  CHECK(job->accuracy->waste_gib_hours == 1.5);
  CHECK(job->accuracy->missing_gib_hours == 0.25);
  CHECK(job->accuracy->regret_gib_hours == 1);
  CHECK(job->accuracy->lacking_heap == 1);
  CHECK(job->accuracy->lacking_outside == 0);
  CHECK(job->Is("LowConfidence"));
  CHECK_FALSE(job->Is("Duplicate"));
}

TEST_CASE("a status that anybody wrote over is read as far as it makes sense", "[wire]") {
  for (
      const auto* status :
      {"7", "[]",
       R"({"conditions": {"type": 1}, "observed": 3, "accuracy": [], "recommendation": {"memory": "1Gi"}})",
       R"({"conditions": [7, {}], "recommendation": {"memory": {"target": "lots"}, "heap": -1}})"}) {
    INFO(status);
    const auto job = ReadPublished(
        R"({"metadata":{"namespace":"n","name":"o"},"spec":{"signature":"s"},"status":)" +
        std::string(status) + "}");
    REQUIRE(job);
    CHECK_FALSE(job->target);
    CHECK_FALSE(job->heap);
    CHECK_FALSE(job->accuracy);
    CHECK(job->executors == 0);
  }
  for (const auto* text : {"", "{", "[]", R"({"spec":{"signature":"s"}})"}) {
    INFO(text);
    CHECK_FALSE(ReadPublished(text));
  }
}

}  // namespace
}  // namespace sparkfit::wire
