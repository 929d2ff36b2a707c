// SPDX-License-Identifier: Apache-2.0
//
// What a Spark driver tells of its executors, which a working set does not: how full the heap is,
// how long the JVM collects, what is cached, what was spilled, what became of the tasks. A driver
// is asked only where its job allows it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sparkfit/base/bytes.h"
#include "sparkfit/base/time.h"

namespace sparkfit::model {

// Of one executor: peaks since it started, and sums over its tasks. Spark shows the latest dead
// ones, too, with their last figures.
struct ExecutorReading {
  std::string id;  // Spark's, label spark-exec-id of the pod

  // 0: not told.
  base::Bytes heap_peak;        // heap in use, garbage included (JVMHeapMemory)
  base::Bytes unified_peak;     // of it execution and storage memory (OnHeapUnifiedMemory)
  base::Bytes storage_peak;     // of that what is cached (OnHeapStorageMemory)
  base::Bytes unified_room;     // that they may have (totalOnHeapStorageMemory)
  base::Duration busy{};        // how long its tasks ran (totalDuration)
  base::Duration collecting{};  // of it, how long the JVM collected (totalGCTime)

  // Absent: not told.
  // Execution and storage memory outside of the heap (OffHeapUnifiedMemory).
  std::optional<base::Bytes> off_heap_peak{};
  std::optional<base::Bytes> direct_peak{};  // direct buffers (DirectPoolMemory)
  // Blocks held now, on the heap or outside: cached ones, and the pieces of broadcasts. Of a dead
  // executor what it held last. In memory (memoryUsed) and on its disk (diskUsed).
  std::optional<base::Bytes> stored{};
  std::optional<base::Bytes> stored_disk{};
  // Tasks that have ended (completedTasks, failedTasks); those that are killed are in neither.
  // Tasks that died with their executor may be missing.
  std::optional<std::int64_t> tasks_done{};
  std::optional<std::int64_t> tasks_failed{};
  std::optional<base::Bytes> input{};         // read from outside of Spark (totalInputBytes)
  std::optional<base::Bytes> shuffle_read{};  // read of other stages' results (totalShuffleRead)
  std::optional<bool> active{};               // false: it is dead (isActive)
  std::optional<base::Time> added{};          // when the driver met it, by its clock (addTime)
  std::optional<base::Time> removed{};        // when it was given up (removeTime)

  // Sums over all stages, so far as Spark remembers them; told only of applications that are
  // watched closely, and only where all of them are known.
  // Execution memory that was freed by writing to disk: as large as it was in memory
  // (memoryBytesSpilled) and as it is on disk (diskBytesSpilled).
  std::optional<base::Bytes> spilled{};
  std::optional<base::Bytes> spilled_disk{};
  // Tasks that were killed, or not allowed to commit: mostly copies that came second.
  std::optional<std::int64_t> tasks_killed{};

  friend bool operator==(const ExecutorReading&, const ExecutorReading&) = default;
};

// Spark's REST answer about the executors of one running application.
struct DriverReading {
  std::string name_space;
  std::string application;  // label spark-app-selector of its pods
  std::vector<ExecutorReading> executors;

  friend bool operator==(const DriverReading&, const DriverReading&) = default;
};

}  // namespace sparkfit::model
