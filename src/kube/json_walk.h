// SPDX-License-Identifier: Apache-2.0
//
// JSON as it streams by: where it stands, and what short texts it holds, in the memory of two of
// them. It does not say whether the JSON is valid; whatever the bytes are, it goes on.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace sparkfit::kube {

class JsonWalk {
 public:
  // A token of a list that is gone on with later is the longest text that matters.
  static constexpr std::size_t kLongestText = 4096;

  enum class Met { kOpen, kClose, kText, kStray };

  // Calls met(what, place) at each { and [, at each } and ], at the end of each text that is a
  // member's value, and for each other byte outside of the root; `place` is the byte's in `bytes`.
  template <typename OnMet>
  void Feed(std::string_view bytes, OnMet&& met) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      if (in_string_) {
        i = PassText(bytes, i);
        if (i == bytes.size()) return;
        if (std::exchange(value_, false)) met(Met::kText, i);
        continue;
      }
      const char c = bytes[i];
      if (c == '{' || c == '[') {
        ++depth_;
        met(Met::kOpen, i);
        key_.clear();
        value_ = false;
      } else if (c == '}' || c == ']') {
        --depth_;
        met(Met::kClose, i);
        value_ = false;
      } else {
        Pass(c);
        if (depth_ <= 0 && !IsSpace(c)) met(Met::kStray, i);
      }
    }
  }

  // Behind what was met.
  [[nodiscard]] int Depth() const { return depth_; }
  // Of the member whose value was met; empty within an array.
  [[nodiscard]] std::string_view Key() const { return key_; }
  // Empty where it is too long or has an escape, which nothing has that matters.
  [[nodiscard]] std::string_view Text() const { return plain_ ? text_ : std::string_view{}; }

 private:
  static bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

  // Outside of texts and brackets.
  void Pass(char c) {
    if (c == '"') {
      in_string_ = plain_ = true;
      text_.clear();
    } else if (c == ':') {
      key_ = Text();
      value_ = true;
    } else if (c == ',') {
      key_.clear();
      value_ = false;
    }
  }

  // Where the text ends, or the bytes do.
  std::size_t PassText(std::string_view bytes, std::size_t from) {
    auto at = from;
    for (; at < bytes.size(); ++at) {
      if (escaped_) {
        escaped_ = false;
      } else if (bytes[at] == '\\') {
        escaped_ = true;
        plain_ = false;
      } else if (bytes[at] == '"') {
        in_string_ = false;
        break;
      }
    }
    plain_ &= text_.size() + (at - from) <= kLongestText;
    if (plain_) text_ += bytes.substr(from, at - from);
    return at;
  }

  int depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
  bool plain_ = false;
  bool value_ = false;  // behind a colon
  std::string key_;
  std::string text_;
};

}  // namespace sparkfit::kube
