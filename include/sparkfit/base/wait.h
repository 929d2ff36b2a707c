// SPDX-License-Identifier: Apache-2.0
//
// The only door to waiting: threads that wait take a Waiter&, so that tests never sleep.
#pragma once

#include <stop_token>

#include "sparkfit/base/time.h"

namespace sparkfit::base {

class Waiter {
 public:
  virtual ~Waiter() = default;

  // False where it was asked to stop before the time had passed.
  virtual bool Wait(Duration duration, const std::stop_token& stop) = 0;
};

// Waits in fact. Safe for concurrent use.
class SystemWaiter final : public Waiter {
 public:
  bool Wait(Duration duration, const std::stop_token& stop) override;
};

}  // namespace sparkfit::base
