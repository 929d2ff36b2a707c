// SPDX-License-Identifier: Apache-2.0
//
// JSON as it streams by: where it stands, and what short texts it holds, in the memory of two of
// them. It does not say whether the JSON is valid; whatever the bytes are, it goes on.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "sparkfit/base/json_scan.h"

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
    scan_.Feed(
        bytes,
        [&](std::size_t place) {
          const char c = bytes[place];
          if (c == '{' || c == '[') {
            ++depth_;
            met(Met::kOpen, place);
            key_.clear();
            value_ = false;
          } else if (c == '}' || c == ']') {
            --depth_;
            met(Met::kClose, place);
            value_ = false;
          } else {
            Pass(c);
            if (depth_ <= 0 && !IsSpace(c)) met(Met::kStray, place);
          }
        },
        [&](std::string_view part, std::size_t end) {
          AddText(part);
          if (!scan_.InString() && std::exchange(value_, false)) met(Met::kText, end);
        });
  }

  // Behind what was met.
  [[nodiscard]] int Depth() const { return depth_; }
  // Of the member whose value was met; empty within an array.
  [[nodiscard]] std::string_view Key() const { return key_; }
  // Empty where it is too long or has an escape, which nothing has that matters.
  [[nodiscard]] std::string_view Text() const { return plain_ ? text_ : std::string_view{}; }
  [[nodiscard]] bool IsPlain() const { return plain_; }

 private:
  static bool IsSpace(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

  // Outside of texts and brackets.
  void Pass(char c) {
    if (c == '"') {
      plain_ = true;
      text_.clear();
    } else if (c == ':') {
      key_ = Text();
      value_ = true;
    } else if (c == ',') {
      key_.clear();
      value_ = false;
    }
  }

  void AddText(std::string_view part) {
    plain_ = plain_ && text_.size() + part.size() <= kLongestText &&
             part.find('\\') == std::string_view::npos;
    if (plain_) text_ += part;
  }

  base::JsonScan scan_;
  int depth_ = 0;
  bool plain_ = false;
  bool value_ = false;  // behind a colon
  std::string key_;
  std::string text_;
};

}  // namespace sparkfit::kube
