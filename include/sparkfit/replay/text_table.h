// SPDX-License-Identifier: Apache-2.0
//
// Text for people at a terminal.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sparkfit/base/bytes.h"
#include "sparkfit/base/time.h"
#include "sparkfit/model/key.h"

namespace sparkfit::replay {

enum class Align { kLeft, kRight };

// What a cell means, for terminals that have colours.
enum class Tone { kPlain, kGood, kBad, kNotable };

// A table for a terminal: columns two spaces apart, as kubectl prints them.
class TextTable {
 public:
  struct Column {
    std::string title;
    Align align = Align::kRight;
    Tone (*tone)(std::string_view cell) = nullptr;  // of its cells; null: plain
  };
  struct Style {
    bool headers = true;
    bool colours = false;  // ANSI escape sequences
  };

  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // REQUIRES: as many cells as columns.
  void Add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }

  [[nodiscard]] std::string Format(const Style& style) const;
  [[nodiscard]] std::string Format() const { return Format({}); }

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// For a column: whole MiB, rounded up, as sizes are given to Spark; "-" where there is none.
std::string MemoryCell(const std::optional<base::Bytes>& amount);
// From a request to a target, in percent.
std::string ChangeCell(base::Bytes request, const std::optional<base::Bytes>& target);
// How long ago, as kubectl has it: 45s, 3m20s, 5h, 12d. "-" where it is unknown.
std::string AgeCell(const std::optional<base::Time>& then, base::Time now);
// The signature, and the profile where there are several.
std::string NameOf(const model::Key& key);
// The same behind its namespace.
std::string QualifiedName(const model::Key& key);

// Words in lines of at most `width` characters, each behind `indent`.
std::string Wrapped(std::string_view text, std::string_view indent, std::size_t width);

}  // namespace sparkfit::replay
