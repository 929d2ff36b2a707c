// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/base/text.h"

namespace sparkfit::base {
namespace {

// How many bytes of UTF-8 at the beginning are a character that must not be shown; 0: none.
std::size_t Unprintable(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  if (byte(0) < 0x20 || byte(0) == 0x7f) return 1;                     // C0, DEL
  if (byte(0) == 0xc2 && byte(1) >= 0x80 && byte(1) < 0xa0) return 2;  // C1
  if (byte(0) != 0xe2) return 0;
  const bool lines_or_overrides = byte(1) == 0x80 && byte(2) >= 0xa8 && byte(2) <= 0xae;
  const bool isolates = byte(1) == 0x81 && byte(2) >= 0xa6 && byte(2) <= 0xa9;
  return lines_or_overrides || isolates ? 3 : 0;  // U+2028 to U+202E, U+2066 to U+2069
}

}  // namespace

std::string Printable(std::string_view text) {
  std::string safe;
  safe.reserve(text.size());
  while (!text.empty()) {
    const auto bad = Unprintable(text);
    safe += bad > 0 ? '?' : text.front();
    text.remove_prefix(std::max<std::size_t>(bad, 1));
  }
  return safe;
}

}  // namespace sparkfit::base
