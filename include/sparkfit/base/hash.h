// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace sparkfit::base {

// FNV-1a, 64 bit (draft-eastlake-fnv): names and checksums against accidents. No protection against
// an adversary who may choose the text. `hash` is that of the text before, where there is one.
constexpr std::uint64_t Fnv1a(std::string_view text, std::uint64_t hash = 0xcbf29ce484222325U) {
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3U;
  }
  return hash;
}

}  // namespace sparkfit::base
