// SPDX-License-Identifier: Apache-2.0
//
// Numbers that people write in options.
#pragma once

#include <fmt/format.h>

#include <charconv>
#include <string_view>
#include <utility>

#include "sparkfit/base/result.h"

namespace sparkfit::base {

// The whole text as a number from `low` to `high`; NaN is none. kInvalidArgument, naming both,
// else.
template <typename T>
Result<T> ParseNumber(std::string_view text, T low, T high) {
  T value{};
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end || !(value >= low && value <= high)) {
    return Fail(Code::kInvalidArgument,
                fmt::format("\"{}\" is not a number from {} to {}", text.substr(0, 40), low, high));
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
