// SPDX-License-Identifier: Apache-2.0
//
// Foreign text that is kept is cut, so that nobody's text is memory for others to pay.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sparkfit::base {

// The beginning of a text, at most so many bytes; no character of UTF-8 is cut in two.
inline std::string_view Beginning(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  const auto continues = [&](std::size_t at) {
    return (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U;
  };
  auto end = most;
  while (end > 0 && most - end < 3 && continues(end)) --end;
  return text.substr(0, end);
}

// Gives back the memory of what is cut off, too.
inline void Cut(std::string& text, std::size_t most) {
  if (text.size() > most) text = std::string(Beginning(text, most));
}

}  // namespace sparkfit::base
