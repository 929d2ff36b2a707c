// SPDX-License-Identifier: Apache-2.0
//
// Logs made after what went wrong in users' clusters (tests/cases), with the right answers.
#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "sparkfit/replay/replay.h"

namespace sparkfit::replay {
namespace {

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
  controller::Pipeline pipeline({});
  auto rows = Replay(reader, pipeline, std::nullopt, [](std::uint64_t) {});
  REQUIRE(rows.has_value());
  Replayed replayed;
  for (auto& row : *rows) replayed.rows.emplace(row.key.signature, row);
  replayed.problems = pipeline.Problems();
  return replayed;
}

TEST_CASE("bounds that nobody can mean are named and ignored, proper ones hold",
          "[replay][cases]") {
  const auto replayed = ReplayCase("bounds-nobody-means.ndjson");
  // A peak of 4000 MiB is in VPA's bucket that ends at 4,340,933,439 bytes; × 1.4 is 5,795.8 MiB.
  for (const auto* signature :
       {"max-4096m", "max-4096", "max-4g", "emr-max-4096m", "min-6144m", "misspelt"}) {
    INFO(signature);
    const auto& row = replayed.rows.at(signature);
    CHECK(row.recommendation.target == base::MiB(5796));
    CHECK_THAT(row.explanation, Catch::Contains("Left out: "));
  }
  CHECK(replayed.rows.at("control").recommendation.target == base::MiB(4096));
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
