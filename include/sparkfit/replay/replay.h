// SPDX-License-Identifier: Apache-2.0
//
// Observation logs through the controller's pipeline.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sparkfit/base/result.h"
#include "sparkfit/controller/pipeline.h"
#include "sparkfit/replay/observation_reader.h"

namespace sparkfit::replay {

// One key's result, by value.
struct ReplayRow {
  model::Key key;
  model::ObservedTotals totals;
  model::Accuracy accuracy;
  base::Bytes peak;     // 0: none seen
  base::Bytes request;  // 0: unknown
  recommend::Recommendation recommendation;
  recommend::Policy policy;  // in force
  std::string explanation;
};

ReplayRow MakeRow(const controller::KeyRecommendation& result);

// Reads every observation (those learnt up to `at`, if given) and recommends as of `at`, or as of
// the last one. `progress` is called now and then with the number of lines read.
base::Result<std::vector<ReplayRow>> Replay(ObservationReader& reader,
                                            controller::Pipeline& pipeline,
                                            std::optional<base::Time> at,
                                            const std::function<void(std::uint64_t)>& progress);

}  // namespace sparkfit::replay
