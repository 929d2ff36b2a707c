// SPDX-License-Identifier: Apache-2.0
//
// Streams cut into pieces of bounded size, so that a list of any length needs the memory of one
// item: the items of a Kubernetes list, the lines of a watch.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "sparkfit/base/result.h"

namespace sparkfit::kube {

// Pieces have this many readable bytes behind them (simdjson reads ahead).
inline constexpr std::size_t kPadding = 64;
// An object in etcd is at most 1.5 MiB.
inline constexpr std::size_t kLargestPiece = std::size_t{4} << 20;

using OnPiece = std::function<void(std::string_view)>;

// {"metadata":{…},"items":[{…},{…}]}: every item, and the metadata.
class ListSplitter {
 public:
  explicit ListSplitter(OnPiece on_item) : on_item_(std::move(on_item)) {}

  // kMalformed for what is no list, or has an item of more than kLargestPiece bytes.
  base::Result<void> Feed(std::string_view bytes);

  // Whether the list has ended; else it was cut off.
  [[nodiscard]] bool Complete() const { return complete_; }
  // The metadata object as text; empty where there is none.
  [[nodiscard]] const std::string& Metadata() const { return metadata_; }

 private:
  base::Result<void> Take(char c);
  void Open(char c);
  void Close();
  [[nodiscard]] bool Keeping() const { return keeping_ != Keep::kNothing; }

  enum class Keep { kNothing, kItem, kMetadata };

  OnPiece on_item_;
  int depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
  bool in_items_ = false;
  bool complete_ = false;
  std::string text_;  // of the string at depth 1 that was read last: a key, when a value follows
  Keep keeping_ = Keep::kNothing;
  std::string piece_;
  std::string metadata_;
};

// Lines, without their ends; empty ones are left out.
class LineSplitter {
 public:
  explicit LineSplitter(OnPiece on_line) : on_line_(std::move(on_line)) {}

  // kMalformed for a line of more than kLargestPiece bytes.
  base::Result<void> Feed(std::string_view bytes);

 private:
  OnPiece on_line_;
  std::string line_;
};

}  // namespace sparkfit::kube
