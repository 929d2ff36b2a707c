// SPDX-License-Identifier: Apache-2.0
//
// Logs of clusters whose nodes bounded sizes wrongly (tests/cases), with the right answers.
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
  controller::Pipeline pipeline({.policy = recommend::Policy{}, .safety = {}});
  auto rows = Replay(reader, pipeline, std::nullopt, [](std::uint64_t) {});
  REQUIRE(rows);
  REQUIRE(rows->size() == 1);
  return std::move(rows->front());
}

TEST_CASE("a pool that was scaled to zero does not cut what is needed", "[cases]") {
  // The node of 126000Mi went at the end of the last run; only one of 7600Mi is there. A peak of
  // 10240 MiB is in VPA's bucket that ends at 11,274,712,643 bytes; × 1.4 is 15,053.4 MiB.
  CHECK(Case("nodes-scaled-down").recommendation.target == base::MiB(15054));
}

TEST_CASE("a virtual node lets nobody grow beyond real ones", "[cases]") {
  const auto row = Case("virtual-node");
  // Killed at 45056 MiB, it has to grow. The virtual node has 4Ti, the real one 63000Mi.
  CHECK(row.recommendation.target > base::MiB(45056));
  CHECK(row.recommendation.target <= base::MiB(63000));
}

}  // namespace
}  // namespace sparkfit::replay
