// SPDX-License-Identifier: Apache-2.0
//
// How executors of a run behaved, as their driver told: what a smaller size could hurt without
// killing anybody.
#pragma once

#include <cstdint>
#include <vector>

#include "sparkfit/base/bytes.h"
#include "sparkfit/base/time.h"
#include "sparkfit/model/driver_reading.h"

namespace sparkfit::model {

// Sums over executors of one size in one run.
struct Conduct {
  std::uint32_t executors = 0;
  std::uint32_t told = 0;       // of them: their driver told of at least 90 % of their lives
  base::Duration longest{};     // the longest of their lives
  base::Duration busy{};        // Σ time of tasks
  base::Duration collecting{};  // of it, time of collections
  std::int64_t tasks = 0;       // that ended well
  std::int64_t failed_tasks = 0;
  base::Bytes input;
  base::Bytes shuffle;
  base::Bytes stored;   // cached blocks, by the latest readings
  base::Bytes spilled;  // 0 too where stages were not asked for
  base::Bytes outside;  // the most that one used outside of its heap, at most
  double fullest = 0;   // the largest share of its room that one's cached blocks took
  double pressed = 0;   // … and that cached blocks and execution memory took together

  // One executor that ended: the latest reading, when it was made, and the highest working set.
  struct Life {
    base::Time created{};
    base::Time ended{};
    base::Time read{};
    base::Bytes used;
    bool lost = false;
  };
  void Add(const ExecutorReading& reading, const Life& life);
  // One of which nothing was told.
  void AddUntold(base::Duration life);

  // Collections as a share of the time of tasks; 0 without tasks.
  [[nodiscard]] double Collecting() const;
};

// How much work a run was. 0: not known.
struct Work {
  float input = 0;    // bytes
  float shuffle = 0;  // bytes
  float tasks = 0;

  // The median ratio of this work to another's, over what is known of both, of two the smaller one;
  // 1 where nothing is. A driver's last words may miss what one of them did in its last seconds.
  [[nodiscard]] double RatioTo(const Work& other) const;
  [[nodiscard]] Work Times(double factor) const;
  friend bool operator==(const Work&, const Work&) = default;
};

// What is remembered of a run whose driver told of it, of executors that were not on trial.
struct RunConduct {
  std::uint32_t application = 0;  // as in Run
  std::uint32_t shape_id = 0;
  float heap = 0;  // bytes, like all amounts
  float outside = 0;
  float collecting = 0;  // share of the time of tasks
  float fullest = 0;     // share of the room for cached blocks
  float stored = 0;      // of an executor in the middle
  float spilled = 0;     // of an executor in the middle
  float used_outside = 0;
  float busy = 0;  // seconds of tasks, of all executors
  Work work;
  std::uint16_t executors = 0;
  bool whole = false;        // it went well, and its driver told of nearly all of it
  std::uint8_t pressed = 0;  // percent of their room that blocks and execution memory took together

  friend bool operator==(const RunConduct&, const RunConduct&) = default;
};

// The latest eight runs, so that of a daily job the same weekday is among them; nothing where no
// driver told anything. 56 bytes each.
inline constexpr std::size_t kConducts = 8;
static_assert(sizeof(RunConduct) == 56);

}  // namespace sparkfit::model
