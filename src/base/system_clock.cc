// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/base/clock.h"

namespace sparkfit::base {

Time SystemClock::Wall() const {
  return std::chrono::floor<Duration>(std::chrono::system_clock::now());
}

Clock::Steady SystemClock::SteadyNow() const { return std::chrono::steady_clock::now(); }

}  // namespace sparkfit::base
