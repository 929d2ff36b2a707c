// SPDX-License-Identifier: Apache-2.0
//
// What admission reads and writes of a pod beyond its facts: where things stand in it, and how they
// are to be.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sparkfit/base/bytes.h"

namespace sparkfit::model {

// Where a pod under review has what sizes its executor, and what makes a change unsafe.
struct PodPlaces {
  std::size_t container = 0;   // its index in spec.containers
  std::size_t candidates = 0;  // containers that may be the executor; 1 where one has Spark's name
  std::optional<std::size_t> heap_variable;  // in its env: the last SPARK_EXECUTOR_MEMORY
  bool heap_from_elsewhere = false;          // that one has valueFrom
  bool java_options_set_heap = false;        // _JAVA_OPTIONS has -Xmx or -Xms, which win
  bool pod_level_resources = false;          // spec.resources: the pod's containers share them
  bool inactive = false;                     // label spark-exec-inactive
  bool has_annotations = false;
  std::optional<base::Bytes> request;  // memory, as written; absent: none
  std::string limit_text;              // as written
  std::string heap_text;
  base::Bytes others;  // what the pod's other containers ask for together
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

// The namespace's LimitRange as far as memory goes: a pod that breaks it is not created.
struct LimitRange {
  std::string name_space;
  std::string name;
  std::optional<base::Bytes> container_min;
  std::optional<base::Bytes> container_max;
  std::optional<base::Bytes> pod_max;
};

// Makes a bound the stricter of the two, either of which may be absent.
inline void Tighten(std::optional<base::Bytes>& bound, const std::optional<base::Bytes>& other,
                    bool upper) {
  if (!other) return;
  bound = !bound ? *other : upper ? std::min(*bound, *other) : std::max(*bound, *other);
}

}  // namespace sparkfit::model
