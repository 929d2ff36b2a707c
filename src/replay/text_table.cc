// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/replay/text_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

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

constexpr std::string_view kBold = "\033[1m";
constexpr std::string_view kReset = "\033[0m";

std::string_view Escape(Tone tone) {
  switch (tone) {
    case Tone::kPlain:
      return "";
    case Tone::kGood:
      return "\033[32m";
    case Tone::kBad:
      return "\033[31m";
    case Tone::kNotable:
      return "\033[33m";
  }
  return "";
}

}  // namespace

std::string TextTable::Format(const Style& style) const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t width = style.headers ? Width(columns_[i].title) : 0;
    for (const auto& row : rows_) width = std::max(width, Width(row[i]));
    widths.push_back(width);
  }
  std::string text;
  const auto add = [&](auto&& cell_of, auto&& escape_of) {
    std::string line;
    std::size_t spaces = 0;  // before the next cell that is not empty
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const std::string& cell = cell_of(i);
      const auto space = widths[i] - std::min(widths[i], Width(cell));
      const bool left = columns_[i].align == Align::kLeft;
      if (i > 0) spaces += 2;
      if (!left) spaces += space;
      if (!cell.empty()) {
        line.append(std::exchange(spaces, 0), ' ');
        const std::string_view escape = style.colours ? escape_of(i) : "";
        line += escape.empty() ? cell : fmt::format("{}{}{}", escape, cell, kReset);
      }
      if (left) spaces += space;
    }
    text += line + '\n';
  };
  const auto title = [&](std::size_t i) -> const std::string& { return columns_[i].title; };
  if (style.headers) add(title, [](std::size_t) { return kBold; });
  for (const auto& row : rows_) {
    add([&](std::size_t i) -> const std::string& { return row[i]; },
        [&](std::size_t i) {
          return columns_[i].tone == nullptr ? std::string_view()
                                             : Escape(columns_[i].tone(row[i]));
        });
  }
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

// As duration.HumanDuration of k8s.io/apimachinery.
std::string AgeCell(const std::optional<base::Time>& then, base::Time now) {
  if (!then) return "-";
  const auto seconds = std::max<std::int64_t>(0, (now - *then) / std::chrono::seconds(1));
  const auto minutes = seconds / 60;
  const auto hours = minutes / 60;
  const auto days = hours / 24;
  const auto years = days / 365;
  const auto both = [](std::int64_t large, char a, std::int64_t small, char b) {
    return small == 0 ? fmt::format("{}{}", large, a) : fmt::format("{}{}{}{}", large, a, small, b);
  };
  if (seconds < 120) return fmt::format("{}s", seconds);
  if (minutes < 10) return both(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return fmt::format("{}m", minutes);
  if (hours < 8) return both(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return fmt::format("{}h", hours);
  if (days < 8) return both(days, 'd', hours % 24, 'h');
  if (years < 2) return fmt::format("{}d", days);
  if (years < 8) return both(years, 'y', days % 365, 'd');
  return fmt::format("{}y", years);
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
