// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/base/meant.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <vector>

#include "sparkfit/base/quantity.h"
#include "sparkfit/base/text.h"

namespace sparkfit::base {
namespace {

// What is longer is shown in part, and nothing is near it.
constexpr std::size_t kLongestShown = 40;

std::string_view Shown(std::string_view text) { return Beginning(text, kLongestShown); }

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool IsLetter(char c) { return Lower(c) >= 'a' && Lower(c) <= 'z'; }

// How many decimal places a suffix below one byte shifts by; 0: it is none of these.
int PlacesBelowOne(std::string_view text) {
  if (text.size() < 2 || !(IsDigit(text[text.size() - 2]) || text[text.size() - 2] == '.')) {
    return 0;
  }
  switch (text.back()) {
    case 'm':
      return 3;
    case 'u':
      return 6;
    case 'n':
      return 9;
    default:
      return 0;
  }
}

// A number and what stands behind it, without spaces.
struct Written {
  std::string number;  // digits, perhaps with a point
  std::string unit;    // as written
};

std::optional<Written> Split(std::string_view text) {
  Written written;
  for (const char c : text) {
    if (c == ' ') continue;
    const bool of_number = written.unit.empty() && (IsDigit(c) || c == '.');
    (of_number ? written.number : written.unit) += c;
  }
  if (written.number.empty()) return std::nullopt;
  return written;
}

// The number as it is with its point `places` to the left: "4096" by 3 is "4.096".
std::string Shifted(const std::string& number, int places) {
  const auto point = std::min(number.find('.'), number.size());
  std::string whole = number.substr(0, point);
  std::string fraction = point < number.size() ? number.substr(point + 1) : "";
  const auto shift = static_cast<std::size_t>(places);
  if (whole.size() <= shift) whole.insert(0, shift + 1 - whole.size(), '0');
  fraction.insert(0, whole.substr(whole.size() - shift));
  whole.erase(whole.size() - shift);
  whole.erase(0, std::min(whole.find_first_not_of('0'), whole.size() - 1));
  fraction.erase(fraction.find_last_not_of('0') + 1);
  return fraction.empty() ? whole : whole + "." + fraction;
}

// Number and unit together, where that is a bound that somebody may mean.
std::optional<std::string> Within(const Written& written, std::string_view unit, Bytes least,
                                  Bytes most) {
  auto text = written.number + std::string(unit);
  const auto amount = ParseMemory(text);
  if (!amount || *amount < least || *amount > most) return std::nullopt;
  return text;
}

// "g", "GB" and "gib" are Gi for whoever writes them.
std::string_view UnitOf(std::string_view written) {
  if (written.empty()) return "";
  switch (Lower(written.front())) {
    case 'k':
      return "Ki";
    case 'm':
      return "Mi";
    case 'g':
      return "Gi";
    case 't':
      return "Ti";
    default:
      return "";
  }
}

bool IsUnit(std::string_view written) {
  constexpr std::size_t kLongestUnit = 9;  // "gigabytes"
  constexpr std::string_view kFirstLetters = "bkmgtpnu";
  if (written.empty()) return true;
  return written.size() <= kLongestUnit && std::all_of(written.begin(), written.end(), IsLetter) &&
         kFirstLetters.find(Lower(written.front())) != std::string_view::npos;
}

// The bound that was probably meant: in the unit that was written if it is plausible in it, else in
// the unit in which the number is one of an executor.
std::string MeantBound(std::string_view text, Bytes least) {
  // From here on a number of MiB is rather one of KiB, or of bytes.
  constexpr Bytes kMostGuessed = GiB(512);
  if (text.size() > kLongestShown) return "";
  const auto amount = ParseMemory(text);
  if (amount && *amount >= least) return FormatQuantity(*amount);  // in thousandths of bytes
  if (text.starts_with('-')) {
    text.remove_prefix(1);
    return ParseBound(text, least) ? std::string(text) : "";
  }
  const auto written = Split(text);
  if (!written || !IsUnit(written->unit)) return "";
  if (const auto unit = UnitOf(written->unit); !unit.empty()) {
    if (auto meant = Within(*written, unit, least, kLargestPlausible)) return *meant;
  }
  for (const std::string_view unit : {"Mi", "Gi", "Ki", ""}) {
    if (auto meant = Within(*written, unit, least, kMostGuessed)) return *meant;
  }
  return "";
}

std::string WhatIsWrong(std::string_view text, const Result<Bytes>& amount, Bytes least) {
  if (!amount) return amount.error().message;
  const int places = PlacesBelowOne(text);
  if (amount->value == 0) return fmt::format("\"{}\" is no bound", Shown(text));
  if (places > 0) {
    const auto number = text.substr(text.front() == '+' ? 1 : 0);
    return fmt::format("\"{}\" is {} bytes in Kubernetes", Shown(text),
                       Shown(Shifted(std::string(number.substr(0, number.size() - 1)), places)));
  }
  if (*amount < MiB(1)) {
    return fmt::format("\"{}\" is {} bytes in Kubernetes", Shown(text), amount->value);
  }
  return fmt::format("\"{}\" is less than {}", Shown(text), FormatQuantity(least));
}

// Without case and separators.
std::string Plain(std::string_view name) {
  std::string plain;
  for (const char c : name) {
    if (c != '-' && c != '_' && c != '.' && c != ' ') plain += Lower(c);
  }
  return plain;
}

// How many letters are left out, added, replaced or swapped with their neighbour.
std::size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        d[i][j] = i + j;
        continue;
      }
      d[i][j] = std::min(
          {d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

}  // namespace

Result<Bytes> ParseBound(std::string_view text, Bytes least) {
  auto amount = ParseMemory(text);
  if (amount && *amount >= least && PlacesBelowOne(text) == 0) return amount;
  return Fail(Code::kInvalidArgument,
              WhatIsWrong(text, amount, least) + Suggestion(MeantBound(text, least)));
}

Result<bool> ParseBoolean(std::string_view text) {
  constexpr std::array<std::string_view, 6> kYes{"true", "yes", "y", "on", "1", "enabled"};
  constexpr std::array<std::string_view, 6> kNo{"false", "no", "n", "off", "0", "disabled"};
  if (text == "true" || text == "false") return text == "true";
  const auto plain = Plain(Shown(text));
  const auto is = [&](const auto& words) {
    return std::find(words.begin(), words.end(), plain) != words.end();
  };
  const std::string_view words[] = {"true", "false"};
  const auto meant = is(kYes) ? words[0] : is(kNo) ? words[1] : Nearest(text, words);
  return Fail(Code::kInvalidArgument,
              fmt::format("\"{}\" is neither true nor false{}", Shown(text), Suggestion(meant)));
}

std::string_view Nearest(std::string_view text, std::span<const std::string_view> known) {
  constexpr std::size_t kShort = 4;
  if (text.size() > kLongestShown) return {};
  const auto written = Plain(text);
  std::string_view nearest;
  std::size_t smallest = 3;
  for (const auto name : known) {
    const auto plain = Plain(name);
    const std::size_t most = std::min<std::size_t>(plain.size() <= kShort ? 1 : 2, smallest - 1);
    // Most names are not worth a closer look.
    const auto longer = std::max(plain.size(), written.size());
    if (name.empty() || longer - std::min(plain.size(), written.size()) > most) continue;
    const auto distance = Distance(written, plain);
    if (distance > most) continue;
    if (distance == 0) return name;
    smallest = distance;
    nearest = name;
  }
  return nearest;
}

std::string MeantShare(std::string_view text, double low, double high) {
  double percent = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, percent);
  const std::string_view rest(stop, static_cast<std::size_t>(end - stop));
  if (error != std::errc{} || !(rest.empty() || rest == "%")) return "";
  // 1.01 is a share that is too large, 101 % is not what was meant by it.
  if (rest.empty() && percent < 2 * high) return "";
  const double share = percent / 100;
  return share >= low && share <= high ? fmt::format("{}", share) : "";
}

std::string Suggestion(std::string_view meant) {
  return meant.empty() ? "" : fmt::format("; {}?", meant);
}

}  // namespace sparkfit::base
