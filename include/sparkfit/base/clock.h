// SPDX-License-Identifier: Apache-2.0
//
// The only door to time. Pure rooms take `now` as an argument; loops and adapters take a Clock&.
#pragma once

#include <chrono>

#include "sparkfit/base/time.h"

namespace sparkfit::base {

class Clock {
 public:
  using Steady = std::chrono::steady_clock::time_point;

  virtual ~Clock() = default;

  // For times that are shown, stored or compared with the API's. May be set back.
  [[nodiscard]] virtual Time Wall() const = 0;

  // For intervals and deadlines. Never goes back.
  [[nodiscard]] virtual Steady SteadyNow() const = 0;
};

// The machine's clocks. Safe for concurrent use.
class SystemClock final : public Clock {
 public:
  [[nodiscard]] Time Wall() const override;
  [[nodiscard]] Steady SteadyNow() const override;
};

// Time that moves only when told; its steady clock has run since `start`, for 290 years at most
// (all that nanoseconds can count). Not safe for concurrent use.
class VirtualClock final : public Clock {
 public:
  VirtualClock() = default;
  explicit VirtualClock(Time start) : start_(start), wall_(start) {}

  [[nodiscard]] Time Wall() const override { return wall_; }
  [[nodiscard]] Steady SteadyNow() const override;

  // Moves to `time`; a time in the past is ignored, as a log's stray line must not turn time back.
  void AdvanceTo(Time time);

 private:
  Time start_{};
  Time wall_{};
};

}  // namespace sparkfit::base
