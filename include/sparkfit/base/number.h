// SPDX-License-Identifier: Apache-2.0
//
// Numbers that people write in options.
#pragma once

#include <fmt/format.h>

#include <charconv>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "sparkfit/base/meant.h"
#include "sparkfit/base/result.h"
#include "sparkfit/base/text.h"

namespace sparkfit::base {

// Options up to here are shares and factors, which people write as percentages, too.
inline constexpr double kLargestShare = 10;

// The whole text as a number from `low` to `high`; NaN is none. kInvalidArgument, naming both and
// the share that a percentage was probably meant to be, else.
template <typename T>
Result<T> ParseNumber(std::string_view text, T low, T high) {
  T value{};
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end || !(value >= low && value <= high)) {
    std::string meant;
    if constexpr (std::is_floating_point_v<T>) {
      if (high <= kLargestShare) meant = MeantShare(text, low, high);
    }
    return Fail(Code::kInvalidArgument,
                fmt::format("\"{}\" is not a number from {} to {}{}", Beginning(text, 40), low,
                            high, Suggestion(meant)));
  }
  return value;
}

// Puts a value where it belongs, or passes its error on.
template <typename T>
Result<void> Store(Result<T> value, T& target) {
  if (!value) return tl::unexpected<Error>(value.error());
  target = *std::move(value);
  return {};
}

}  // namespace sparkfit::base
