// SPDX-License-Identifier: Apache-2.0
//
// How much memory an executor was seen to use, in bounded room: of a long life the highest of each
// part of it.
#pragma once

#include <cstddef>
#include <vector>

#include "sparkfit/base/bytes.h"
#include "sparkfit/base/time.h"

namespace sparkfit::eventlog {

struct Sample {
  base::Time t{};
  base::Bytes used;

  friend bool operator==(const Sample&, const Sample&) = default;
};

class Samples {
 public:
  static constexpr std::size_t kMost = 64;
  // Executors poll their memory as often as they send heartbeats, by default. What several tasks of
  // one executor tell within this time may be one poll.
  static constexpr base::Duration kPoll = std::chrono::seconds(10);

  void Add(base::Time t, base::Bytes used);
  // In order of time, each in a part of its own.
  [[nodiscard]] const std::vector<Sample>& Kept() const { return kept_; }

 private:
  [[nodiscard]] base::Duration::rep PartOf(base::Time t) const {
    return t.time_since_epoch() / width_;
  }

  base::Duration width_ = kPoll;
  std::vector<Sample> kept_;
};

}  // namespace sparkfit::eventlog
