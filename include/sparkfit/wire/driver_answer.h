// SPDX-License-Identifier: Apache-2.0
//
// What a Spark driver's UI says of its executors and its stages, by Spark's REST API.
// https://spark.apache.org/docs/latest/monitoring.html#rest-api
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sparkfit/base/result.h"
#include "sparkfit/model/driver_reading.h"

namespace sparkfit::wire {

// Some 2 KB for an executor: four thousand of them, more than Spark runs or remembers. Some 4 KB
// for a stage: two thousand, twice what Spark remembers (spark.ui.retainedStages).
inline constexpr std::size_t kLargestDriverAnswer = std::size_t{8} << 20;
inline constexpr std::size_t kMostExecutors = 10'000;
inline constexpr std::size_t kMostStages = 10'000;
inline constexpr std::size_t kLongestExecutorId = 63;  // it is a label, too

// ExecutorSummary objects: GET …/allexecutors.
struct DriverAnswer {
  std::vector<model::ExecutorReading> executors;  // without the driver itself
  std::size_t left_out = 0;                       // executors that cannot be understood
};

// Sums over tasks of a stage.
struct StageFigures {
  base::Bytes spilled;            // memoryBytesSpilled
  base::Bytes spilled_disk;       // diskBytesSpilled
  std::int64_t tasks_killed = 0;  // killedTasks, numKilledTasks

  friend bool operator==(const StageFigures&, const StageFigures&) = default;
};

// One attempt at a stage, and all of its executors together.
struct StageAttempt {
  std::int64_t stage = 0;
  std::int64_t attempt = 0;
  bool active = false;
  StageFigures figures;

  friend bool operator==(const StageAttempt&, const StageAttempt&) = default;
};

// StageData objects: GET …/stages.
struct StagesAnswer {
  std::vector<StageAttempt> stages;
  std::size_t left_out = 0;  // stages that cannot be understood
};

struct ExecutorInStage {
  std::string id;
  StageFigures figures;
};

// The ExecutorStageSummary objects of one attempt: GET …/stages/<stage>/<attempt>.
struct StageAnswer {
  std::vector<ExecutorInStage> executors;  // without the driver itself
  std::size_t left_out = 0;                // executors that cannot be understood
};

// An amount that is no whole number, negative or implausible, and a time that is not as Spark
// writes it, are not told; an executor without an id, or with something of another type than it
// should have, is left out and counted. kMalformed where the text is no JSON array, damaged or
// larger than the limits above.
base::Result<DriverAnswer> ParseDriverAnswer(std::string_view json);

// A stage that lacks one of its figures, or has one that cannot be, is left out and counted.
// kMalformed as above.
base::Result<StagesAnswer> ParseStages(std::string_view json);

// An executor that lacks one of its figures, or has one that cannot be, is left out and counted.
// kMalformed where the text is no JSON object, has no executors' summaries, is damaged or larger
// than the limits above.
base::Result<StageAnswer> ParseStage(std::string_view json);

}  // namespace sparkfit::wire
