// SPDX-License-Identifier: Apache-2.0
//
// What of an executor is told or not: the names that members have in Spark's REST API, and in an
// observation log, for those that read and write them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "sparkfit/model/driver_reading.h"

namespace sparkfit::wire {

template <typename T>
struct ExecutorMember {
  std::string_view name;
  std::optional<T> model::ExecutorReading::*member;
};

using model::ExecutorReading;

// The last two are in no ExecutorSummary: in a log they are what the stages told.
inline constexpr std::array<ExecutorMember<base::Bytes>, 6> kExecutorAmounts{
    {{"memoryUsed", &ExecutorReading::stored},
     {"diskUsed", &ExecutorReading::stored_disk},
     {"totalInputBytes", &ExecutorReading::input},
     {"totalShuffleRead", &ExecutorReading::shuffle_read},
     {"memoryBytesSpilled", &ExecutorReading::spilled},
     {"diskBytesSpilled", &ExecutorReading::spilled_disk}}};

// Of these the last.
inline constexpr std::array<ExecutorMember<std::int64_t>, 3> kExecutorCounts{
    {{"completedTasks", &ExecutorReading::tasks_done},
     {"failedTasks", &ExecutorReading::tasks_failed},
     {"killedTasks", &ExecutorReading::tasks_killed}}};

inline constexpr std::array<ExecutorMember<base::Time>, 2> kExecutorTimes{
    {{"addTime", &ExecutorReading::added}, {"removeTime", &ExecutorReading::removed}}};

// Within peakMemoryMetrics.
inline constexpr std::array<ExecutorMember<base::Bytes>, 2> kExecutorPeaks{
    {{"OffHeapUnifiedMemory", &ExecutorReading::off_heap_peak},
     {"DirectPoolMemory", &ExecutorReading::direct_peak}}};

}  // namespace sparkfit::wire
