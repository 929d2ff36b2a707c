// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/replay/problems.h"

#include <fmt/format.h>

namespace sparkfit::replay {

void Problems::Add(const std::string& file, std::uint64_t line, const std::string& message) {
  ++count_;
  if (shown_.size() == kShown) return;
  shown_.push_back(line == 0 ? fmt::format("{}: {}", file, message)
                             : fmt::format("{}:{}: {}", file, line, message));
}

}  // namespace sparkfit::replay
