// SPDX-License-Identifier: Apache-2.0
//
// What happened over time, in bounded memory. Time is cut into intervals of one width; where there
// are too many of them the next width is taken and neighbours become one. Of amounts an interval
// keeps the largest, so that no peak is lost however coarse it gets, and OOMs are added up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sparkfit/base/bytes.h"
#include "sparkfit/base/time.h"

namespace sparkfit::replay {

// One interval; of a single moment, what was seen then. Amounts: 0: none.
struct Moment {
  base::Bytes used;    // largest working set of an executor
  base::Bytes size;    // largest limit of a running executor
  base::Bytes target;  // the latest recommendation that a new executor met
  std::uint32_t container_ooms = 0;
  std::uint32_t heap_ooms = 0;

  void Merge(const Moment& later);
  friend bool operator==(const Moment&, const Moment&) = default;
};

class Timeline {
 public:
  struct Interval {
    std::int64_t
        index;  // starts at index × Width() after 1970; intervals without anything are not there
    Moment what;
  };

  // REQUIRES: most > 0.
  explicit Timeline(std::size_t most) : most_(most) {}

  void Add(base::Time at, const Moment& what);

  // The same with at most this many intervals.
  [[nodiscard]] Timeline Cut(std::size_t most) const;

  [[nodiscard]] base::Duration Width() const;
  // In order of time.
  [[nodiscard]] const std::vector<Interval>& Intervals() const { return intervals_; }

 private:
  void Widen();

  std::size_t most_;
  std::size_t step_ = 0;  // on the ladder of widths
  std::vector<Interval> intervals_;
};

}  // namespace sparkfit::replay
