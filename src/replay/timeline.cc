// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/replay/timeline.h"

#include <algorithm>
#include <array>

namespace sparkfit::replay {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// Widths that people think in, each a multiple of the one before; beyond the last they double.
constexpr std::array<base::Duration, 14> kWidths{
    seconds(1),  seconds(5), seconds(15), seconds(30), minutes(1), minutes(5), minutes(15),
    minutes(30), hours(1),   hours(2),    hours(4),    hours(8),   hours(24),  hours(24 * 7)};

base::Duration WidthAt(std::size_t step) {
  if (step < kWidths.size()) return kWidths[step];
  return kWidths.back() * (std::int64_t{1} << (step + 1 - kWidths.size()));
}

}  // namespace

void Moment::Merge(const Moment& later) {
  used = std::max(used, later.used);
  size = std::max(size, later.size);
  if (later.target.value > 0) target = later.target;
  container_ooms += later.container_ooms;
  heap_ooms += later.heap_ooms;
}

base::Duration Timeline::Width() const { return WidthAt(step_); }

void Timeline::Add(base::Time at, const Moment& what) {
  const std::int64_t index = at.time_since_epoch() / Width();
  // Nearly always the latest.
  auto place = intervals_.end();
  while (place != intervals_.begin() && (place - 1)->index >= index) --place;
  if (place != intervals_.end() && place->index == index) {
    place->what.Merge(what);
    return;
  }
  intervals_.insert(place, {index, what});
  while (intervals_.size() > most_) Widen();
}

Timeline Timeline::Cut(std::size_t most) const {
  auto cut = *this;
  cut.most_ = most;
  while (cut.intervals_.size() > most) cut.Widen();
  return cut;
}

void Timeline::Widen() {
  const auto factor = WidthAt(step_ + 1) / WidthAt(step_);
  ++step_;
  std::size_t kept = 0;
  for (const auto& interval : intervals_) {
    const auto index = interval.index / factor;
    if (kept > 0 && intervals_[kept - 1].index == index) {
      intervals_[kept - 1].what.Merge(interval.what);
    } else {
      intervals_[kept++] = {index, interval.what};
    }
  }
  intervals_.resize(kept);
}

}  // namespace sparkfit::replay
