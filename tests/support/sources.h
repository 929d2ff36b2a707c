// SPDX-License-Identifier: Apache-2.0
//
// Byte sources for tests: gzip made in memory, bytes in drops, bytes that are never stored.
#pragma once

#include <zlib.h>

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "sparkfit/replay/line_reader.h"

namespace sparkfit::test {

inline std::string Gzip(const std::string& text) {
  z_stream stream{};
  if (deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::runtime_error("deflateInit2");
  }
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  std::string in = text;
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

// Gives at most `drop` bytes at a time.
class Drops final : public replay::ByteSource {
 public:
  Drops(std::string bytes, std::size_t drop) : bytes_(std::move(bytes)), drop_(drop) {}

  base::Result<std::size_t> Read(char* data, std::size_t size) override {
    const auto n = std::min({size, drop_, bytes_.size() - at_});
    std::copy_n(bytes_.data() + at_, n, data);
    at_ += n;
    return n;
  }

 private:
  std::string bytes_;
  std::size_t drop_;
  std::size_t at_ = 0;
};

// A line of `length` times 'x', then `rest`; the line is never held in memory here.
class LongLine final : public replay::ByteSource {
 public:
  LongLine(std::size_t length, std::string rest) : left_(length), rest_(std::move(rest), 1 << 20) {}

  base::Result<std::size_t> Read(char* data, std::size_t size) override {
    if (left_ == 0) return rest_.Read(data, size);
    const auto n = std::min(size, left_);
    std::fill_n(data, n, 'x');
    left_ -= n;
    return n;
  }

 private:
  std::size_t left_;
  Drops rest_;
};

}  // namespace sparkfit::test
