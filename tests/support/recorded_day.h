// SPDX-License-Identifier: Apache-2.0
//
// What a controller recorded of real Spark jobs in a day.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "sparkfit/replay/observation_reader.h"

namespace sparkfit::test {

inline std::vector<model::Observation> RecordedDay() {
  replay::ObservationReader reader;
  const std::string path = SPARKFIT_SOURCE_DIR "/examples/spark-runs.ndjson.gz";
  if (!reader.Add(path, *replay::OpenFile(path))) throw std::runtime_error(path);
  std::vector<model::Observation> all;
  while (auto next = *reader.Next()) all.push_back(*std::move(next));
  return all;
}

}  // namespace sparkfit::test
