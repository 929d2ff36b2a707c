// SPDX-License-Identifier: Apache-2.0
//
// Foreign text: what is kept of it is cut, so that nobody's text is memory for others to pay.
#pragma once

#include <algorithm>
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

// For a person to read in a terminal or a log: control characters, and those that turn the
// direction of writing, are question marks.
std::string Printable(std::string_view text);

// A letter or a digit of ASCII.
constexpr bool IsAlphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// What Kubernetes takes for the name of a pod (RFC 1123's subdomain).
inline bool IsSubdomain(std::string_view text) {
  constexpr std::size_t kLongest = 253;
  const auto plain = [](char c) { return IsAlphanumeric(c) && !(c >= 'A' && c <= 'Z'); };
  return !text.empty() && text.size() <= kLongest && plain(text.front()) && plain(text.back()) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return plain(c) || c == '-' || c == '.'; });
}

// Gives back the memory of what is cut off, too.
inline void Cut(std::string& text, std::size_t most) {
  if (text.size() > most) text = std::string(Beginning(text, most));
}

}  // namespace sparkfit::base
