// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "sparkfit/simulation/jvm_constants.h"

namespace sparkfit::simulation {

// Numbers that follow from what they are for and from nothing else.
class Draws {
 public:
  Draws(std::uint64_t seed, std::uint64_t job, std::uint64_t run, std::uint64_t what)
      : state_(Mixed(Mixed(Mixed(Mixed(seed) ^ job) ^ run) ^ what)) {}

  // 0 to 1, without 1.
  double Uniform() {
    state_ += 0x9e3779b97f4a7c15U;
    return static_cast<double>(Mixed(state_) >> 11) * 0x1p-53;
  }
  double Between(double least, double most) { return least + (most - least) * Uniform(); }
  // Both can come.
  std::uint32_t Between(std::uint32_t least, std::uint32_t most) {
    return least + static_cast<std::uint32_t>((most - least + 1) * Uniform());
  }
  bool Happens(double probability) { return Uniform() < probability; }

  // Standard normal, cut off (Box and Muller).
  double Normal(double most = kMostSpread) {
    const double radius = std::sqrt(-2 * std::log(1 - Uniform()));
    const double angle = 2 * std::numbers::pi * Uniform();
    return std::clamp(radius * std::cos(angle), -most, most);
  }

  double Drawn(const Spread& spread) {
    return std::clamp(spread.median * std::exp(spread.sigma * Normal()), spread.least, spread.most);
  }

 private:
  // splitmix64
  static std::uint64_t Mixed(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
  }

  std::uint64_t state_;
};

}  // namespace sparkfit::simulation
