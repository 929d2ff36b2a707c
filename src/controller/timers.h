// SPDX-License-Identifier: Apache-2.0
//
// What is due when. Ties fire in the order in which they were set, so that replays are identical.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "sparkfit/base/time.h"
#include "sparkfit/model/key.h"

namespace sparkfit::controller {

enum class TimerKind {
  kSeal,             // late samples of an executor are over
  kApplicationIdle,  // an application had no executor for long
  kForgetPod,        // repeated events of a pod that is gone are over
  kForgetDriver,
  kRetention,  // a key was not seen for long
};

struct Timer {
  base::Time due{};
  TimerKind kind = TimerKind::kSeal;
  std::string id;               // UID, or the application's id
  model::Key key;               // of a pod or driver its namespace at least
  std::uint32_t executors = 0;  // kApplicationIdle: that it had when it was set
};

class Timers {
 public:
  // Names one that was set.
  using Handle = std::pair<base::Time, std::uint64_t>;

  Handle Set(Timer timer) {
    const Handle handle{timer.due, next_++};
    timers_.emplace(handle, std::move(timer));
    return handle;
  }
  void Cancel(const Handle& handle) { timers_.erase(handle); }

  // The next one due at or before `now`, removed.
  std::optional<Timer> PopDue(base::Time now) {
    if (timers_.empty() || timers_.begin()->first.first > now) return std::nullopt;
    Timer timer = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    return timer;
  }

  [[nodiscard]] std::size_t Size() const { return timers_.size(); }

 private:
  std::map<Handle, Timer> timers_;
  std::uint64_t next_ = 0;
};

}  // namespace sparkfit::controller
