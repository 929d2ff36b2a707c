// SPDX-License-Identifier: Apache-2.0
//
// Lines of a file, plain or gzip (told apart by their first bytes), or of standard input. Memory is
// bounded by the longest line that is accepted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sparkfit/base/result.h"

namespace sparkfit::replay {

// A source of bytes. Tests and fuzzers give their own.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Up to `size` bytes into `data`; 0 at the end. kUnavailable where reading fails, kMalformed
  // where the bytes are no gzip stream after all (what came before stays good).
  virtual base::Result<std::size_t> Read(char* data, std::size_t size) = 0;
};

// "-" is standard input. kNotFound where there is no such file, kInvalidArgument for a directory.
base::Result<std::unique_ptr<ByteSource>> OpenFile(const std::string& path);

// Inflates `inner` if it begins like gzip (several members too), else passes it on.
std::unique_ptr<ByteSource> MaybeGunzip(std::unique_ptr<ByteSource> inner);

// Bytes from memory, which must outlive the source.
std::unique_ptr<ByteSource> FromMemory(std::string_view bytes);

struct Line {
  std::string_view text;  // without its end; kLinePadding bytes behind it are readable
  std::uint64_t number;   // from 1
  bool too_long = false;  // longer than accepted, and `text` perhaps only its beginning
};

class LineReader {
 public:
  // Kubernetes objects are at most 1.5 MiB (etcd); a longer line is none.
  static constexpr std::size_t kLongestLine = std::size_t{4} << 20;

  explicit LineReader(std::unique_ptr<ByteSource> source, std::size_t longest = kLongestLine);

  // The next line, nothing at the end. The text is valid until the next call. After an error the
  // bytes before it come as lines first, then the error, then the end.
  base::Result<std::optional<Line>> Next();

 private:
  void Fill();
  std::optional<std::string_view> TakeLine();
  void SkipLine();

  std::unique_ptr<ByteSource> source_;
  std::size_t longest_;
  std::string buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t searched_ = 0;  // no line end between begin_ and here
  bool finished_ = false;
  std::optional<base::Error> failure_;
  std::uint64_t number_ = 0;
  std::string head_;  // the beginning of a line that is too long
};

}  // namespace sparkfit::replay
