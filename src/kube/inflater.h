// SPDX-License-Identifier: Apache-2.0
//
// gzip as it comes in, several members too.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <functional>
#include <string_view>

#include "sparkfit/base/result.h"

namespace sparkfit::kube {

class Inflater {
 public:
  explicit Inflater(std::size_t most);
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Gives what the bytes inflate to, in pieces. False where `give` had enough. kMalformed for bytes
  // that are no gzip, or more than `most` bytes in all.
  base::Result<bool> Feed(std::string_view bytes,
                          const std::function<bool(std::string_view)>& give);

  // Whether the last member is complete.
  [[nodiscard]] bool Complete() const { return complete_; }

 private:
  z_stream stream_{};
  std::size_t left_;
  bool complete_ = true;  // an empty body is
};

}  // namespace sparkfit::kube
