// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/base/json.h"

#include <algorithm>

namespace sparkfit::base {

bool JsonGauge::Feed(std::string_view bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [this](char c) { return Take(c); });
}

bool JsonGauge::Take(char c) {
  if (text_ > 0) {
    const bool ends = c == '"' && !escaped_;
    escaped_ = c == '\\' && !escaped_;
    text_ = ends ? 0 : text_ + 1;
    return text_ <= bounds_.text + 1;
  }
  switch (c) {
    case '"':
      text_ = 1;
      return true;
    case '[':
    case '{':
      // Each may hold one that no comma tells of.
      return ++depth_ <= bounds_.depth && ++values_ <= bounds_.values;
    case ']':
    case '}':
      --depth_;
      return true;
    case ',':
      return ++values_ <= bounds_.values;
    default:
      return true;
  }
}

}  // namespace sparkfit::base
