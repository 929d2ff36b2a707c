// SPDX-License-Identifier: Apache-2.0
//
// What one leader tells the next of nodes (NodeMemory::Remembered), as text for an annotation.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "sparkfit/model/observation.h"

namespace sparkfit::wire {

inline constexpr std::size_t kLongestRemembered = 8 * 1024;  // bytes
inline constexpr std::size_t kMostRemembered = 32;

// A JSON array of nodes as an observation log has them. The last ones are left out where it would
// be too long.
std::string WriteRemembered(const std::vector<model::NodeEvent>& nodes);

// Foreign text: what cannot be read in it is left out, as is all of a text that is too long. Each
// event has the time at which its node was last seen.
std::vector<model::NodeEvent> ReadRemembered(std::string_view text);

}  // namespace sparkfit::wire
