// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/base/quantity.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "sparkfit/base/text.h"

namespace sparkfit::base {
namespace {

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kLongestQuantity = 128;

struct Scale {
  int exponent10 = 0;
  int exponent2 = 0;
};

struct NamedScale {
  std::string_view suffix;
  Scale scale;
};

constexpr std::array<NamedScale, 16> kSuffixes{{{"", {0, 0}},
                                                {"Ki", {0, 10}},
                                                {"Mi", {0, 20}},
                                                {"Gi", {0, 30}},
                                                {"Ti", {0, 40}},
                                                {"Pi", {0, 50}},
                                                {"Ei", {0, 60}},
                                                {"n", {-9, 0}},
                                                {"u", {-6, 0}},
                                                {"m", {-3, 0}},
                                                {"k", {3, 0}},
                                                {"M", {6, 0}},
                                                {"G", {9, 0}},
                                                {"T", {12, 0}},
                                                {"P", {15, 0}},
                                                {"E", {18, 0}}}};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::optional<Scale> ParseSuffix(std::string_view suffix) {
  for (const auto& known : kSuffixes) {
    if (known.suffix == suffix) return known.scale;
  }
  if (suffix.size() < 2 || (suffix[0] != 'e' && suffix[0] != 'E')) return std::nullopt;
  suffix.remove_prefix(1);
  if (suffix[0] == '+') suffix.remove_prefix(1);
  int exponent = 0;
  const auto* end = suffix.data() + suffix.size();
  const auto [stop, error] = std::from_chars(suffix.data(), end, exponent);
  if (stop != end || stop == suffix.data()) return std::nullopt;
  if (error == std::errc::result_out_of_range) exponent = suffix[0] == '-' ? -1000 : 1000;
  return Scale{std::clamp(exponent, -1000, 1000), 0};
}

std::string_view TakeDigits(std::string_view& text) {
  std::size_t n = 0;
  while (n < text.size() && IsDigit(text[n])) ++n;
  const auto digits = text.substr(0, n);
  text.remove_prefix(n);
  return digits;
}

__extension__ using Int128 = __int128;

// Twenty digits (< 2^67) times 2^60 stay below 2^127.
constexpr std::size_t kExactDigits = 20;

Int128 ToInteger(std::string_view digits) {
  Int128 value = 0;
  for (char c : digits) value = value * 10 + (c - '0');
  return value;
}

// ⌈whole.fraction × 2^exponent2⌉, capped; the digits are plain decimals.
std::int64_t Magnitude(std::string whole, std::string fraction, int exponent2) {
  whole.erase(0, std::min(whole.find_first_not_of('0'), whole.size()));
  if (whole.size() > kExactDigits) return kMax;
  const bool sticky = fraction.size() > kExactDigits &&
                      fraction.find_first_not_of('0', kExactDigits) != std::string::npos;
  fraction.resize(kExactDigits, '0');
  const Int128 multiplier = static_cast<Int128>(1) << exponent2;
  const Int128 one = ToInteger("1" + std::string(kExactDigits, '0'));
  const Int128 scaled = ToInteger(fraction) * multiplier;
  const bool round_up = sticky || scaled % one != 0;
  const Int128 value = ToInteger(whole) * multiplier + scaled / one + (round_up ? 1 : 0);
  return value > kMax ? kMax : static_cast<std::int64_t>(value);
}

// Moves the decimal point `exponent10` places to the right.
void Shift(std::string& whole, std::string& fraction, int exponent10) {
  for (; exponent10 > 0; --exponent10) {
    whole += fraction.empty() ? '0' : fraction.front();
    if (!fraction.empty()) fraction.erase(0, 1);
  }
  for (; exponent10 < 0; ++exponent10) {
    fraction.insert(fraction.begin(), whole.empty() ? '0' : whole.back());
    if (!whole.empty()) whole.pop_back();
  }
}

tl::unexpected<Error> NotAQuantity(std::string_view text) {
  constexpr std::size_t kShown = 40;
  return Fail(Code::kMalformed,
              fmt::format("\"{}{}\" is not a quantity (such as 1408Mi, 1.5Gi or 1e9)",
                          Beginning(text, kShown), text.size() > kShown ? "…" : ""));
}

// The usual case, digits with a binary suffix or none, without the general machinery: usage
// arrives as "543984Ki" a million times.
std::optional<std::int64_t> ParsePlain(std::string_view text) {
  std::int64_t number = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || number < 0) return std::nullopt;
  const std::string_view suffix(stop, static_cast<std::size_t>(end - stop));
  if (suffix.empty()) return number;
  if (suffix.size() != 2 || suffix[1] != 'i') return std::nullopt;
  const auto scale = ParseSuffix(suffix);
  if (!scale || number > (kMax >> scale->exponent2)) return std::nullopt;
  return number << scale->exponent2;
}

// The quantity × 10^exponent10.
Result<std::int64_t> ParseShifted(std::string_view text, int exponent10) {
  if (text.empty() || text.size() > kLongestQuantity) return NotAQuantity(text);
  auto rest = text;
  const bool negative = rest[0] == '-';
  if (negative || rest[0] == '+') rest.remove_prefix(1);
  std::string whole(TakeDigits(rest));
  std::string fraction;
  if (!rest.empty() && rest[0] == '.') {
    rest.remove_prefix(1);
    fraction = TakeDigits(rest);
  }
  const auto scale = ParseSuffix(rest);
  if ((whole.empty() && fraction.empty()) || !scale) return NotAQuantity(text);
  Shift(whole, fraction, scale->exponent10 + exponent10);
  const std::int64_t magnitude = Magnitude(whole, fraction, scale->exponent2);
  return negative ? -magnitude : magnitude;
}

}  // namespace

Result<std::int64_t> ParseQuantity(std::string_view text) {
  if (const auto plain = ParsePlain(text)) return *plain;
  return ParseShifted(text, 0);
}

Result<std::int64_t> ParseThousandths(std::string_view text) { return ParseShifted(text, 3); }

Result<Bytes> ParseMemory(std::string_view text) {
  const auto value = ParseQuantity(text);
  if (!value) return tl::unexpected<Error>(value.error());
  if (*value < 0) return Fail(Code::kMalformed, fmt::format("memory {} is negative", text));
  if (Bytes{*value} > kLargestPlausible) {
    return Fail(Code::kMalformed, fmt::format("memory {} is more than 1Pi, not plausible", text));
  }
  return Bytes{*value};
}

Result<Bytes> ParseJvmMemory(std::string_view text) {
  const auto malformed = [&] {
    return Fail(Code::kMalformed, fmt::format("\"{}\" is not a JVM memory size (such as 4g, 2048m)",
                                              Beginning(text, 40)));
  };
  std::int64_t number = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || number < 0) return malformed();
  std::string unit(stop, end);
  for (char& c : unit) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (unit.size() == 2 && unit[0] != 'b' && unit[1] == 'b') unit.pop_back();
  constexpr std::string_view kUnits = "bkmgtp";  // each 2^10 times the one before
  std::size_t power = 2;
  if (!unit.empty()) {
    power = unit.size() == 1 ? kUnits.find(unit[0]) : std::string_view::npos;
    if (power == std::string_view::npos) return malformed();
  }
  if (number > (kLargestPlausible.value >> (10 * power))) {
    return Fail(Code::kMalformed,
                fmt::format("JVM memory {} is not plausible", Beginning(text, 40)));
  }
  return Bytes{number << (10 * power)};
}

std::string FormatQuantity(Bytes amount) {
  if (amount.value != 0 && amount.value % Bytes::kMiB == 0) {
    return fmt::format("{}Mi", amount.value / Bytes::kMiB);
  }
  if (amount.value != 0 && amount.value % 1024 == 0)
    return fmt::format("{}Ki", amount.value / 1024);
  return fmt::format("{}", amount.value);
}

std::string FormatCount(std::int64_t number) {
  std::string digits = fmt::format("{}", number);
  const std::size_t first = number < 0 ? 1 : 0;
  for (std::size_t i = digits.size(); i > first + 3;) {
    i -= 3;
    digits.insert(i, ",");
  }
  return digits;
}

std::string FormatMiB(Bytes amount) {
  if (amount.value % Bytes::kMiB == 0) return FormatCount(amount.value / Bytes::kMiB) + " MiB";
  // Tenths, rounded to the nearest, in integers so that no locale can change the point.
  const std::int64_t rest = amount.value % Bytes::kMiB;
  const std::int64_t tenths = amount.WholeMiB() * 10 + (rest * 10 + Bytes::kMiB / 2) / Bytes::kMiB;
  return fmt::format("{}.{} MiB", FormatCount(tenths / 10), tenths % 10);
}

}  // namespace sparkfit::base
