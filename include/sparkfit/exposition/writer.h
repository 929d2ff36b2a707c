// SPDX-License-Identifier: Apache-2.0
//
// Prometheus' text format 0.0.4, for thousands of series a scrape.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sparkfit::exposition {

inline constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

struct Label {
  std::string_view name;
  std::string_view value;
};

class Writer {
 public:
  // `expected`: how long the text will be, about.
  explicit Writer(std::size_t expected = 0) { text_.reserve(expected); }

  // Begins a family; `type` is "gauge" or "counter". Its samples follow.
  void Family(std::string_view name, std::string_view help, std::string_view type);

  // One sample of the family begun last. Label values may hold anything.
  void Sample(const std::vector<Label>& labels, double value);

  [[nodiscard]] const std::string& Text() const { return text_; }
  [[nodiscard]] std::string Take() && { return std::move(text_); }

 private:
  std::string text_;
  std::string name_;
};

}  // namespace sparkfit::exposition
