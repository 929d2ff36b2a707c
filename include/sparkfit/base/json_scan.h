// SPDX-License-Identifier: Apache-2.0
//
// Tells the strings of JSON from the rest as it comes, piece by piece, be it valid or not.
#pragma once

#include <cstddef>
#include <string_view>

namespace sparkfit::base {

class JsonScan {
 public:
  // Calls outside(place) for each byte that is not within a string, the quote that begins one too;
  // and inside(part, end) for what came of a string, without quotes. `end` is where its last quote
  // is in `bytes`, or their size where InString still holds.
  template <typename Outside, typename Inside>
  void Feed(std::string_view bytes, Outside&& outside, Inside&& inside) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      if (in_string_) {
        const auto end = EndOf(bytes, i);
        inside(bytes.substr(i, end - i), end);
        i = end;
      } else {
        in_string_ = bytes[i] == '"';
        outside(i);
      }
    }
  }

  [[nodiscard]] bool InString() const { return in_string_; }

 private:
  std::size_t EndOf(std::string_view bytes, std::size_t at) {
    for (; at < bytes.size(); ++at) {
      if (escaped_) {
        escaped_ = false;
      } else if (bytes[at] == '\\') {
        escaped_ = true;
      } else if (bytes[at] == '"') {
        in_string_ = false;
        break;
      }
    }
    return at;
  }

  bool in_string_ = false;
  bool escaped_ = false;
};

}  // namespace sparkfit::base
