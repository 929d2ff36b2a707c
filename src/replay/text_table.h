// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sparkfit::replay {

enum class Align { kLeft, kRight };

// A table for a terminal: columns two spaces apart, as kubectl prints them.
class TextTable {
 public:
  struct Column {
    std::string title;
    Align align = Align::kRight;
  };

  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // REQUIRES: as many cells as columns.
  void Add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

  [[nodiscard]] std::string Format() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// Foreign text made safe for a terminal: control characters, which could move the cursor or change
// what was printed before, become '?'.
std::string Printable(std::string_view text);

// Words in lines of at most `width` characters, each behind `indent`.
std::string Wrapped(std::string_view text, std::string_view indent, std::size_t width);

}  // namespace sparkfit::replay
