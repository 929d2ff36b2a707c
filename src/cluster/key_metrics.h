// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "sparkfit/controller/pipeline.h"

namespace sparkfit::cluster {

// Every key's recommendation and what was observed, in Prometheus' text format (docs/metrics.md).
// What is unknown has no series. `refused`: executors of new keys by namespace.
std::string KeyMetrics(const std::map<model::Key, controller::KeyRecommendation>& rows,
                       const std::map<std::string, std::uint64_t>& refused);

}  // namespace sparkfit::cluster
