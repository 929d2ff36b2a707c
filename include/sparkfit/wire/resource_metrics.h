// SPDX-License-Identifier: Apache-2.0
//
// The kubelet's /metrics/resource: Prometheus text with the working set of every container on the
// node and the time at which it was measured.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "sparkfit/base/time.h"
#include "sparkfit/model/observation.h"

namespace sparkfit::wire {

struct ResourceMetrics {
  std::vector<model::UsageSample> samples;  // one for each container
  std::size_t unreadable = 0;               // lines of the family that make no sense
};

// container_memory_working_set_bytes, all else is passed over. A value that is NaN, negative or
// implausible, and a label with an escape (no name in Kubernetes has one) make a line unreadable. A
// line without a timestamp is of `now`.
// https://kubernetes.io/docs/reference/instrumentation/metrics/
ResourceMetrics ReadResourceMetrics(std::string_view text, base::Time now);

}  // namespace sparkfit::wire
