// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "sparkfit/base/clock.h"

namespace sparkfit::base {

Clock::Steady VirtualClock::SteadyNow() const {
  // A log's stray line may leap by millennia.
  constexpr Duration kLongest = std::chrono::hours(24 * 365 * 290);
  return Steady(std::min(wall_ - start_, kLongest));
}

void VirtualClock::AdvanceTo(Time time) { wall_ = std::max(wall_, time); }

}  // namespace sparkfit::base
