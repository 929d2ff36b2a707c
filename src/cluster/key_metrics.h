// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "sparkfit/controller/pipeline.h"

namespace sparkfit::cluster {

// Every key's recommendation and what was observed, in Prometheus' text format (docs/metrics.md).
// What is unknown has no series. `refused`: executors of new keys by namespace. `legacy_names`:
// also amounts in GiB-hours, as they were before they were byte-seconds. `expected`: how long the
// text will be, about; texts of tens of MiB are not copied as they grow.
std::string KeyMetrics(const std::map<model::Key, controller::KeyRecommendation>& rows,
                       const std::map<std::string, std::uint64_t>& refused, bool legacy_names,
                       std::size_t expected = 0);

}  // namespace sparkfit::cluster
