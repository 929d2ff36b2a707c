// SPDX-License-Identifier: Apache-2.0
//
// What a Spark driver's UI says of its executors: ExecutorSummary objects of Spark's REST API,
// GET /api/v1/applications/<id>/allexecutors.
// https://spark.apache.org/docs/latest/monitoring.html#rest-api
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "sparkfit/base/result.h"
#include "sparkfit/model/driver_reading.h"

namespace sparkfit::wire {

// Some 2 KB for an executor: four thousand of them, more than Spark runs or remembers.
inline constexpr std::size_t kLargestDriverAnswer = std::size_t{8} << 20;
inline constexpr std::size_t kMostExecutors = 10'000;
inline constexpr std::size_t kLongestExecutorId = 63;  // it is a label, too

struct DriverAnswer {
  std::vector<model::ExecutorReading> executors;  // without the driver itself
  std::size_t left_out = 0;                       // executors that cannot be understood
};

// An amount that is no whole number, negative or implausible is left out, 0; an executor without an
// id, or with something else than a number where there should be one, is left out and counted.
// kMalformed where the text is no JSON array, damaged or larger than the limits above.
base::Result<DriverAnswer> ParseDriverAnswer(std::string_view json);

}  // namespace sparkfit::wire
