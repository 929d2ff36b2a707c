// SPDX-License-Identifier: Apache-2.0
//
// An amount of memory. A type of its own, so that no MiB is ever added to a byte.
#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <limits>

namespace sparkfit::base {

struct Bytes {
  std::int64_t value = 0;

  friend constexpr auto operator<=>(Bytes, Bytes) = default;
  // Both saturate: sums of foreign amounts stay sums.
  friend constexpr Bytes operator+(Bytes a, Bytes b) {
    Bytes sum;
    return __builtin_add_overflow(a.value, b.value, &sum.value) ? Extreme(a.value < 0) : sum;
  }
  friend constexpr Bytes operator-(Bytes a, Bytes b) {
    Bytes difference;
    return __builtin_sub_overflow(a.value, b.value, &difference.value) ? Extreme(a.value < 0)
                                                                       : difference;
  }

  // Whole MiB at most / at least this amount (Spark sizes executors in MiB).
  [[nodiscard]] constexpr std::int64_t WholeMiB() const { return value / kMiB; }
  [[nodiscard]] constexpr Bytes RoundedUpToMiB() const {
    return value % kMiB > 0 ? Bytes{value / kMiB * kMiB} + Bytes{kMiB} : Bytes{value / kMiB * kMiB};
  }
  [[nodiscard]] constexpr double InMiB() const { return static_cast<double>(value) / kMiB; }

  static constexpr std::int64_t kMiB = std::int64_t{1} << 20;

  [[nodiscard]] static constexpr Bytes Extreme(bool least) {
    using Limits = std::numeric_limits<std::int64_t>;
    return {least ? Limits::min() : Limits::max()};
  }
};

// Saturates, too.
constexpr Bytes MiB(std::int64_t n) {
  Bytes amount;
  return __builtin_mul_overflow(n, Bytes::kMiB, &amount.value) ? Bytes::Extreme(n < 0) : amount;
}
constexpr Bytes GiB(std::int64_t n) {
  const auto of_each = MiB(1024).value;
  Bytes amount;
  return __builtin_mul_overflow(n, of_each, &amount.value) ? Bytes::Extreme(n < 0) : amount;
}

// More than any executor can have; foreign amounts above it are refused as implausible, so that
// no sum or product of sizes further in can overflow. 2^50 bytes, 1 PiB.
inline constexpr Bytes kLargestPlausible{std::int64_t{1} << 50};

// amount × factor, truncated to a whole byte as VPA's ScaleResource does; saturates at
// kLargestPlausible. REQUIRES: amount ≥ 0, factor ≥ 0.
constexpr Bytes Scaled(Bytes amount, double factor) {
  const double product = static_cast<double>(amount.value) * factor;
  if (!(product < static_cast<double>(kLargestPlausible.value))) return kLargestPlausible;
  return {static_cast<std::int64_t>(product)};
}

}  // namespace sparkfit::base
