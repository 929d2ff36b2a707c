// SPDX-License-Identifier: Apache-2.0
#include "cluster/spills.h"

#include <catch2/catch.hpp>

namespace sparkfit::cluster {
namespace {

using base::Bytes;
using wire::ExecutorInStage;
using wire::StageAttempt;
using wire::StageFigures;

// Of executors 1, 2 and 3.
model::DriverReading Read(const Spills& spills) {
  model::DriverReading reading{"jobs", "spark-1", std::vector<model::ExecutorReading>(3)};
  for (std::size_t i = 0; i < 3; ++i) reading.executors[i].id = std::to_string(i + 1);
  spills.AddTo(reading);
  return reading;
}

TEST_CASE("what an executor spilled is summed over stages and their attempts",
          "[cluster][driver][spills]") {
  Spills spills;
  // 10 + 1 of executor 1, 20 of executor 2, nothing of executor 3.
  CHECK(spills.Learn({1, 0, false, {}},
                     {{"1", {Bytes{10}, Bytes{5}, 0}}, {"2", {Bytes{20}, Bytes{9}, 3}}}));
  CHECK(spills.Learn({1, 1, false, {}}, {{"1", {Bytes{1}, Bytes{1}, 1}}, {"3", {}}}));
  const auto reading = Read(spills);
  CHECK(reading.executors[0].spilled == Bytes{11});
  CHECK(reading.executors[0].spilled_disk == Bytes{6});
  CHECK(reading.executors[0].tasks_killed == 1);
  CHECK(reading.executors[1].spilled == Bytes{20});
  CHECK(reading.executors[1].tasks_killed == 3);
  CHECK(reading.executors[2].spilled == Bytes{0});
  CHECK(reading.executors[2].spilled_disk == Bytes{0});
  CHECK(reading.executors[2].tasks_killed == 0);
}

TEST_CASE("an attempt that is learnt again replaces itself, and one that Spark forgot stays",
          "[cluster][driver][spills]") {
  Spills spills;
  const StageAttempt running{1, 0, true, {Bytes{10}, {}, 0}};
  const StageAttempt grown{1, 0, true, {Bytes{30}, {}, 0}};
  const StageAttempt ended{1, 0, false, {Bytes{30}, {}, 0}};
  const StageAttempt quiet{2, 0, true, {}};
  CHECK(spills.ToAsk({running, quiet}) == std::vector{running});
  CHECK(spills.Learn(running, {{"1", {Bytes{10}, {}, 0}}}));
  CHECK(spills.ToAsk({running, quiet}).empty());
  CHECK(spills.ToAsk({grown}) == std::vector{grown});
  CHECK(spills.Learn(grown, {{"1", {Bytes{25}, {}, 0}}}));
  CHECK(Read(spills).executors[0].spilled == Bytes{25});
  CHECK(spills.ToAsk({ended}) == std::vector{ended});
  CHECK(spills.Learn(ended, {{"1", {Bytes{30}, {}, 0}}}));
  CHECK(spills.ToAsk({}).empty());
  CHECK(Read(spills).executors[0].spilled == Bytes{30});
}

TEST_CASE("sums of what drivers say do not overflow", "[cluster][driver][spills]") {
  Spills spills;
  const auto most = base::kLargestPlausible;
  // 2^50 × 16,384 is 2^64.
  for (int i = 0; i < 16'385; ++i) {
    REQUIRE(spills.Learn({i, 0, false, {}}, {{"1", {most, most, most.value}}}));
  }
  CHECK(Read(spills).executors[0].spilled == most);
  CHECK(Read(spills).executors[0].tasks_killed == most.value);
}

TEST_CASE("what is kept of an application is bounded, and what was kept stays right",
          "[cluster][driver][spills]") {
  Spills spills;
  const std::vector<ExecutorInStage> many(9'999, {"1", {Bytes{1}, {}, 0}});
  // With the attempt itself 10,000 each.
  for (int i = 0; i < 10; ++i) REQUIRE(spills.Learn({i, 0, true, {}}, many));
  CHECK_FALSE(spills.Learn({10, 0, true, {}}, {}));
  CHECK(spills.Learn({0, 0, false, {}}, many));  // in its own place
  CHECK(spills.Learn({0, 0, false, {}}, {}));
  CHECK(spills.Learn({10, 0, true, {}}, {}));
  CHECK(Read(spills).executors[0].spilled == Bytes{9 * 9'999});
}

}  // namespace
}  // namespace sparkfit::cluster
