// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/base/time.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>

#include "sparkfit/base/text.h"

namespace sparkfit::base {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// Reads exactly `width` digits at `at`; −1 where they are not there.
int Digits(std::string_view text, std::size_t at, std::size_t width) {
  if (at + width > text.size()) return -1;
  int value = 0;
  for (std::size_t i = at; i < at + width; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

bool InRange(int value, int low, int high) { return value >= low && value <= high; }

std::optional<Time> ParseDateTime(std::string_view text) {
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' ||
      (text[10] != 'T' && text[10] != 't') || text[13] != ':' || text[16] != ':') {
    return std::nullopt;
  }
  const int year = Digits(text, 0, 4);
  const int month = Digits(text, 5, 2);
  const int day = Digits(text, 8, 2);
  const int hour = Digits(text, 11, 2);
  const int minute = Digits(text, 14, 2);
  const int second = Digits(text, 17, 2);
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (year < 1970 || month < 1 || day < 1 || !date.ok() || !InRange(hour, 0, 23) ||
      !InRange(minute, 0, 59) || !InRange(second, 0, 60)) {
    return std::nullopt;
  }
  return std::chrono::sys_days(date) + hours(hour) + minutes(minute) + seconds(second);
}

// Consumes ".123456789"; milliseconds, nullopt where the dot has no digit behind it.
std::optional<milliseconds> TakeFraction(std::string_view& rest) {
  if (rest.empty() || rest[0] != '.') return milliseconds(0);
  std::size_t i = 1;
  int value = 0;
  for (; i < rest.size() && rest[i] >= '0' && rest[i] <= '9'; ++i) {
    if (i <= 3) value = value * 10 + (rest[i] - '0');
  }
  if (i == 1) return std::nullopt;
  for (std::size_t n = i; n <= 3; ++n) value *= 10;
  rest.remove_prefix(i);
  return milliseconds(value);
}

std::optional<milliseconds> ParseOffset(std::string_view zone) {
  if (zone == "Z" || zone == "z") return milliseconds(0);
  if (zone.size() != 6 || (zone[0] != '+' && zone[0] != '-') || zone[3] != ':') return std::nullopt;
  const int hour = Digits(zone, 1, 2);
  const int minute = Digits(zone, 4, 2);
  if (!InRange(hour, 0, 23) || !InRange(minute, 0, 59)) return std::nullopt;
  const milliseconds offset = hours(hour) + minutes(minute);
  return zone[0] == '-' ? -offset : offset;
}

struct Unit {
  std::string_view name;
  milliseconds length;
};
constexpr std::array<Unit, 5> kUnits{{{"d", days(1)},
                                      {"h", hours(1)},
                                      {"m", minutes(1)},
                                      {"s", seconds(1)},
                                      {"ms", milliseconds(1)}}};

std::optional<milliseconds> UnitLength(std::string_view name) {
  for (const auto& unit : kUnits) {
    if (unit.name == name) return unit.length;
  }
  return std::nullopt;
}

// Consumes "90s" or "1.5h".
std::optional<double> TakeTerm(std::string_view& rest) {
  std::size_t n = 0;
  while (n < rest.size() && ((rest[n] >= '0' && rest[n] <= '9') || rest[n] == '.')) ++n;
  double number = 0;
  const auto [stop, error] = std::from_chars(rest.data(), rest.data() + n, number);
  if (error != std::errc{} || stop != rest.data() + n) return std::nullopt;
  rest.remove_prefix(n);
  std::size_t letters = 0;
  while (letters < rest.size() && rest[letters] >= 'a' && rest[letters] <= 'z') ++letters;
  const auto length = UnitLength(rest.substr(0, letters));
  if (!length) return std::nullopt;
  rest.remove_prefix(letters);
  return number * static_cast<double>(length->count());
}

}  // namespace

Result<Time> ParseTime(std::string_view text) {
  const auto malformed = [&] {
    return Fail(Code::kMalformed, fmt::format("\"{}\" is not a time (such as 2026-11-23T10:08:20Z)",
                                              Beginning(text, 40)));
  };
  const auto whole = ParseDateTime(text);
  if (!whole) return malformed();
  auto rest = text.substr(19);
  const auto fraction = TakeFraction(rest);
  const auto offset = ParseOffset(rest);
  if (!fraction || !offset) return malformed();
  return *whole + *fraction - *offset;
}

std::string FormatTime(Time time) {
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  auto text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", static_cast<int>(date.year()),
                          static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                          clock.hours().count(), clock.minutes().count(), clock.seconds().count());
  if (const auto ms = clock.subseconds().count(); ms != 0) text += fmt::format(".{:03}", ms);
  return text + "Z";
}

Result<Duration> ParseDuration(std::string_view text) {
  constexpr double kLongest = 100.0 * 366 * 24 * 3600 * 1000;
  const auto malformed = [&] {
    return Fail(Code::kMalformed, fmt::format("\"{}\" is not a duration (such as 24h, 90s, 1h30m)",
                                              Beginning(text, 40)));
  };
  if (text == "0") return Duration(0);
  if (text.empty()) return malformed();
  double total = 0;
  for (auto rest = text; !rest.empty();) {
    const auto term = TakeTerm(rest);
    if (!term) return malformed();
    total += *term;
  }
  if (total > kLongest) return malformed();
  return Duration(static_cast<std::int64_t>(total));
}

std::string FormatDuration(Duration duration) {
  if (duration == Duration(0)) return "0s";
  std::string text;
  for (const auto& unit : kUnits) {
    if (unit.name == "d") continue;  // 24h, as Kubernetes writes it
    const auto count = duration / unit.length;
    if (count != 0) text += fmt::format("{}{}", count, unit.name);
    duration -= count * unit.length;
  }
  return text;
}

}  // namespace sparkfit::base
