// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/base/clock.h"

namespace sparkfit::base {

void VirtualClock::AdvanceTo(Time time) {
  if (time <= wall_) return;
  steady_ += time - wall_;
  wall_ = time;
}

}  // namespace sparkfit::base
