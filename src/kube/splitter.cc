// SPDX-License-Identifier: Apache-2.0
#include "splitter.h"

namespace sparkfit::kube {
namespace {

using base::Code;
using base::Fail;
using base::Result;

constexpr int kDeepest = 64;  // Kubernetes objects are about 20 deep

void Give(const OnPiece& on_piece, std::string& piece) {
  piece.reserve(piece.size() + kPadding);
  on_piece(piece);
  piece.clear();
}

}  // namespace

Result<void> ListSplitter::Feed(std::string_view bytes) {
  for (const char c : bytes) {
    if (auto taken = Take(c); !taken) return taken;
  }
  return {};
}

Result<void> ListSplitter::Take(char c) {
  if (Keeping()) {
    if (piece_.size() == kLargestPiece) return Fail(Code::kMalformed, "a list with a giant item");
    piece_ += c;
  }
  if (in_string_) {
    if (!escaped_ && c == '"') in_string_ = false;
    escaped_ = !escaped_ && c == '\\';
    if (depth_ == 1 && in_string_ && text_.size() < kPadding) text_ += c;
    return {};
  }
  switch (c) {
    case '"':
      in_string_ = true;
      if (depth_ == 1) text_.clear();
      return {};
    case '{':
    case '[':
      if (complete_ || depth_ == kDeepest || (depth_ == 0 && c == '[')) {
        return Fail(Code::kMalformed, "the answer is no list");
      }
      Open(c);
      return {};
    case '}':
    case ']':
      if (depth_ == 0) return Fail(Code::kMalformed, "the answer is no list");
      Close();
      return {};
    default:
      if (depth_ == 0 && c != ' ' && c != '\n' && c != '\r' && c != '\t') {
        return Fail(Code::kMalformed, "the answer is no list");
      }
      return {};
  }
}

void ListSplitter::Open(char c) {
  ++depth_;
  if (depth_ == 2 && c == '[') in_items_ = text_ == "items";
  const bool metadata = depth_ == 2 && c == '{' && text_ == "metadata";
  const bool item = depth_ == 3 && c == '{' && in_items_;
  if (!metadata && !item) return;
  keeping_ = item ? Keep::kItem : Keep::kMetadata;
  piece_ = c;
}

void ListSplitter::Close() {
  --depth_;
  if (depth_ == 0) complete_ = true;
  if (depth_ == 2 && keeping_ == Keep::kItem) {
    keeping_ = Keep::kNothing;
    Give(on_item_, piece_);
  }
  if (depth_ == 1) {
    if (keeping_ == Keep::kMetadata) metadata_ = std::move(piece_);
    keeping_ = Keep::kNothing;
    in_items_ = false;
    piece_.clear();
  }
}

Result<void> LineSplitter::Feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    const auto part = bytes.substr(0, end);
    if (line_.size() + part.size() > kLargestPiece) {
      return Fail(Code::kMalformed, "a giant event");
    }
    line_ += part;
    if (end == std::string_view::npos) return {};
    if (!line_.empty()) Give(on_line_, line_);
    bytes.remove_prefix(end + 1);
  }
  return {};
}

}  // namespace sparkfit::kube
