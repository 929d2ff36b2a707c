// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/replay/problems.h"

#include <fmt/format.h>

#include <algorithm>

namespace sparkfit::replay {

void Problems::Add(const std::string& file, std::uint64_t line, const std::string& message) {
  ++count_;
  if (shown_.size() == kShown) return;
  shown_.push_back(line == 0 ? fmt::format("{}: {}", file, message)
                             : fmt::format("{}:{}: {}", file, line, message));
}

void Problems::Add(const Problems& others) {
  count_ += others.count_;
  const auto room = std::min(kShown - shown_.size(), others.shown_.size());
  shown_.insert(shown_.end(), others.shown_.begin(),
                others.shown_.begin() + static_cast<std::ptrdiff_t>(room));
}

}  // namespace sparkfit::replay
