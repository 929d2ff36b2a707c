// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/base/gzip.h"

#include <array>
#include <new>

namespace sparkfit::base {
Inflater::Inflater(std::size_t most) : left_(most) {
  constexpr int kDetectHeader = 32;
  if (inflateInit2(&stream_, MAX_WBITS + kDetectHeader) != Z_OK) throw std::bad_alloc();
}

Inflater::~Inflater() { inflateEnd(&stream_); }

Result<bool> Inflater::Feed(std::string_view bytes,
                            const std::function<bool(std::string_view)>& give) {
  std::array<char, 32768> out;
  // zlib does not write through next_in; its type predates const.
  stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream_.avail_in = static_cast<uInt>(bytes.size());
  while (stream_.avail_in > 0) {
    if (complete_) inflateReset(&stream_);
    complete_ = false;
    do {
      stream_.next_out = reinterpret_cast<Bytef*>(out.data());
      stream_.avail_out = static_cast<uInt>(out.size());
      const int code = inflate(&stream_, Z_NO_FLUSH);
      if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) {
        return Fail(Code::kMalformed, "damaged gzip");
      }
      const std::size_t made = out.size() - stream_.avail_out;
      if (made > left_) return Fail(Code::kMalformed, "gzip that inflates to more than it may");
      left_ -= made;
      if (made > 0 && !give({out.data(), made})) return false;
      complete_ = code == Z_STREAM_END;
    } while (!complete_ && stream_.avail_out == 0);
  }
  return true;
}

std::string Gzip(std::string_view text) {
  z_stream stream{};
  constexpr int kGzipFormat = 16;
  if (deflateInit2(&stream, 1, Z_DEFLATED, MAX_WBITS + kGzipFormat, 8, Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    throw std::bad_alloc();
  }
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  out.shrink_to_fit();
  deflateEnd(&stream);
  return out;
}

Result<std::string> Gunzip(std::string_view bytes, std::size_t most) {
  std::string text;
  Inflater inflater(most);
  const auto fed = inflater.Feed(bytes, [&](std::string_view piece) {
    text += piece;
    return true;
  });
  if (!fed) return tl::unexpected<Error>(fed.error());
  if (!inflater.Complete()) return Fail(Code::kMalformed, "gzip that ends too early");
  return text;
}

}  // namespace sparkfit::base
