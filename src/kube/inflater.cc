// SPDX-License-Identifier: Apache-2.0
#include "inflater.h"

#include <array>
#include <new>

namespace sparkfit::kube {

using base::Code;

Inflater::Inflater(std::size_t most) : left_(most) {
  constexpr int kDetectHeader = 32;
  if (inflateInit2(&stream_, MAX_WBITS + kDetectHeader) != Z_OK) throw std::bad_alloc();
}

Inflater::~Inflater() { inflateEnd(&stream_); }

base::Result<bool> Inflater::Feed(std::string_view bytes,
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
        return base::Fail(Code::kMalformed, "the response is damaged gzip");
      }
      const std::size_t made = out.size() - stream_.avail_out;
      if (made > left_) return base::Fail(Code::kMalformed, "the response inflates without end");
      left_ -= made;
      if (made > 0 && !give({out.data(), made})) return false;
      complete_ = code == Z_STREAM_END;
    } while (!complete_ && stream_.avail_out == 0);
  }
  return true;
}

}  // namespace sparkfit::kube
