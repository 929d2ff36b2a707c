// SPDX-License-Identifier: Apache-2.0
//
// ExecutorRecommendationCheckpoint: what survives a restart. Its data is one JSON text with a
// version and a checksum beside it, so that damage is seen and never becomes a zero.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "sparkfit/base/result.h"
#include "sparkfit/model/checkpoint.h"

namespace sparkfit::wire {

inline constexpr int kCheckpointVersion = 1;
// etcd refuses objects of more than 1.5 MiB.
inline constexpr std::size_t kLargestCheckpoint = std::size_t{1} << 20;

// The spec: {"version","checksum","data"}. The same checkpoint gives the same text.
std::string WriteCheckpoint(const model::KeyCheckpoint& checkpoint);

// From an object with such a spec. kMalformed where it is damaged; kInvalidArgument for a version
// that this sparkfit does not know.
base::Result<model::KeyCheckpoint> ReadCheckpoint(std::string_view object);

}  // namespace sparkfit::wire
