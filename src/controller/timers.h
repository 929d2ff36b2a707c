// SPDX-License-Identifier: Apache-2.0
//
// What is due when. Ties fire in the order in which they were set, so that replays are identical.
#pragma once

#include <cstdint>
#include <optional>
#include <queue>
#include <string>
#include <vector>

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
  model::Key key;               // kApplicationIdle, kForgetPod, kRetention
  std::uint32_t executors = 0;  // kApplicationIdle: that it had when it was set
  std::uint64_t sequence = 0;
};

class Timers {
 public:
  void Set(Timer timer) {
    timer.sequence = next_++;
    queue_.push(std::move(timer));
  }

  // The next one due at or before `now`, removed.
  std::optional<Timer> PopDue(base::Time now) {
    if (queue_.empty() || queue_.top().due > now) return std::nullopt;
    Timer timer = queue_.top();
    queue_.pop();
    return timer;
  }

 private:
  struct Later {
    bool operator()(const Timer& a, const Timer& b) const {
      return a.due != b.due ? a.due > b.due : a.sequence > b.sequence;
    }
  };
  std::priority_queue<Timer, std::vector<Timer>, Later> queue_;
  std::uint64_t next_ = 0;
};

}  // namespace sparkfit::controller
