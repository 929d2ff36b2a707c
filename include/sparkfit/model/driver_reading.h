// SPDX-License-Identifier: Apache-2.0
//
// What a Spark driver tells of its executors, which a working set does not: how much of the heap is
// in use, and how long the JVM collects. A driver is asked only where its job allows it.
#pragma once

#include <string>
#include <vector>

#include "sparkfit/base/bytes.h"
#include "sparkfit/base/time.h"

namespace sparkfit::model {

// Of one executor: peaks since it started, and sums over its tasks. 0: not told.
struct ExecutorReading {
  std::string id;               // Spark's, label spark-exec-id of the pod
  base::Bytes heap_peak;        // heap in use, garbage included (JVMHeapMemory)
  base::Bytes unified_peak;     // of it execution and storage memory (OnHeapUnifiedMemory)
  base::Bytes storage_peak;     // of that what is cached (OnHeapStorageMemory)
  base::Bytes unified_room;     // that they may have (totalOnHeapStorageMemory)
  base::Duration busy{};        // how long its tasks ran (totalDuration)
  base::Duration collecting{};  // of it, how long the JVM collected (totalGCTime)

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
