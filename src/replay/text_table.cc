// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/replay/text_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "sparkfit/base/quantity.h"
#include "sparkfit/base/text.h"

namespace sparkfit::replay {
namespace {

// Characters, not bytes: those of UTF-8 that begin one.
std::size_t Width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

std::string Padded(std::string_view text, std::size_t width, Align align) {
  const std::string space(width - std::min(width, Width(text)), ' ');
  return align == Align::kLeft ? std::string(text) + space : space + std::string(text);
}

}  // namespace

std::string TextTable::Format() const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t width = Width(columns_[i].title);
    for (const auto& row : rows_) width = std::max(width, Width(row[i]));
    widths.push_back(width);
  }
  std::string text;
  const auto add = [&](auto&& cell_of) {
    std::string line;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      line += (i == 0 ? "" : "  ") + Padded(cell_of(i), widths[i], columns_[i].align);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  };
  add([&](std::size_t i) { return columns_[i].title; });
  for (const auto& row : rows_) add([&](std::size_t i) { return row[i]; });
  return text;
}

std::string MemoryCell(const std::optional<base::Bytes>& amount) {
  return amount && amount->value > 0 ? base::FormatQuantity(amount->RoundedUpToMiB()) : "-";
}

std::string ChangeCell(base::Bytes request, const std::optional<base::Bytes>& target) {
  if (!target || request.value == 0) return "-";
  const double change =
      100.0 * (static_cast<double>(target->value) / static_cast<double>(request.value) - 1);
  return std::abs(change) < 0.5 ? "0 %" : fmt::format("{:+.0f} %", change);
}

std::string NameOf(const model::Key& key) {
  return base::Printable(key.signature) +
         (key.profile == 0 ? "" : fmt::format(" (profile {})", key.profile));
}

std::string QualifiedName(const model::Key& key) {
  return base::Printable(key.name_space) + "/" + NameOf(key);
}

std::string Wrapped(std::string_view text, std::string_view indent, std::size_t width) {
  std::string lines;
  std::string line(indent);
  bool empty = true;
  while (!text.empty()) {
    const auto space = text.find(' ');
    const auto word = text.substr(0, space);
    if (!empty && Width(line) + 1 + Width(word) > width) {
      lines += line + '\n';
      line = indent;
      empty = true;
    }
    line += (empty ? "" : " ") + std::string(word);
    empty = false;
    text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
  }
  return lines + line + '\n';
}

}  // namespace sparkfit::replay
