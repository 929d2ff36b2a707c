// SPDX-License-Identifier: Apache-2.0
//
// What admission reads and writes of a pod beyond its facts: where things stand in it, and how they
// are to be.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sparkfit/base/bytes.h"
#include "sparkfit/model/constraints.h"

namespace sparkfit::model {

// What the containers that are not the executor ask for, as the API server sums it (KEP-753). It
// takes a limit for the request of a container that has none.
struct OtherContainers {
  Amounts beside;  // that run together with the executor: containers and sidecars
  Amounts before;  // the most that is asked for while init containers run
  // spec.overhead, which a RuntimeClass gives: quotas and nodes count it, LimitRanges do not.
  base::Bytes overhead;
};

// Where a pod under review has what sizes its executor, and what makes a change unsafe.
struct PodPlaces {
  std::size_t container = 0;   // its index in spec.containers
  std::size_t candidates = 0;  // containers that may be the executor; 1 where one has Spark's name
  std::optional<std::size_t> heap_variable;  // in its env: the last SPARK_EXECUTOR_MEMORY
  bool heap_from_elsewhere = false;          // that one has valueFrom
  bool java_options_set_heap = false;        // options of the JVM set it, or might
  bool pod_level_resources = false;          // spec.resources: the pod's containers share them
  bool inactive = false;                     // label spark-exec-inactive
  bool has_annotations = false;
  std::optional<base::Bytes> request;  // memory, as written, be it 0; absent: none
  std::string limit_text;              // as written
  std::string heap_text;
  OtherContainers others;
  bool unclear_amounts = false;  // of these some is no whole number of bytes, or no plausible one
  // Annotations of an earlier admission.
  std::string applied_memory;
  std::string applied_heap;
};

// A change of the executor's size. Nothing else of a pod is ever changed.
struct PodPatch {
  std::size_t container = 0;
  std::size_t heap_variable = 0;
  base::Bytes limit;
  std::optional<base::Bytes> request;  // absent: the pod has none
  base::Bytes heap;                    // whole MiB
  bool has_annotations = false;        // else the map is made
  std::vector<std::pair<std::string, std::string>> annotations;
};

}  // namespace sparkfit::model
