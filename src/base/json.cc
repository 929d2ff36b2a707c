// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/base/json.h"

namespace sparkfit::base {

bool JsonGauge::Feed(std::string_view bytes) {
  scan_.Feed(
      bytes, [&](std::size_t place) { TakeOutside(bytes[place]); },
      [&](std::string_view part, std::size_t) {
        text_ += part.size();
        kept_ = kept_ && text_ <= bounds_.text;
        if (!scan_.InString()) text_ = 0;
      });
  return kept_;
}

void JsonGauge::TakeOutside(char c) {
  if (c == '{' || c == '[') ++depth_;
  if (c == '}' || c == ']') --depth_;
  // Each may hold one that no comma tells of.
  if (c == '{' || c == '[' || c == ',') ++values_;
  kept_ = kept_ && depth_ <= bounds_.depth && values_ <= bounds_.values;
}

}  // namespace sparkfit::base
