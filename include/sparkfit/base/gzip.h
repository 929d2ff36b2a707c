// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <zlib.h>

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "sparkfit/base/result.h"

namespace sparkfit::base {

// Inflates gzip (or zlib) as it comes, also several members in a row.
class Inflater {
 public:
  explicit Inflater(std::size_t most);
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Gives what the bytes inflate to, in pieces. False where `give` had enough. kMalformed for bytes
  // that are no gzip, or more than `most` bytes in all.
  Result<bool> Feed(std::string_view bytes, const std::function<bool(std::string_view)>& give);

  // Whether the last member is complete.
  [[nodiscard]] bool Complete() const { return complete_; }

 private:
  z_stream stream_{};
  std::size_t left_;
  bool complete_ = true;  // nothing at all is
};

// All at once. The same text gives the same bytes. Level 1: fast.
std::string Gzip(std::string_view text);
// Its inverse; kMalformed where the bytes are no complete gzip, or of more than `most`.
Result<std::string> Gunzip(std::string_view bytes, std::size_t most);

}  // namespace sparkfit::base
