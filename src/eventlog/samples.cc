// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/eventlog/samples.h"

#include <algorithm>

namespace sparkfit::eventlog {

void Samples::Add(base::Time t, base::Bytes used) {
  // Nearly always the last one; clocks may go back.
  auto place = kept_.end();
  while (place != kept_.begin() && PartOf(std::prev(place)->t) > PartOf(t)) --place;
  if (place != kept_.begin() && PartOf(std::prev(place)->t) == PartOf(t)) {
    auto& known = *std::prev(place);
    if (used > known.used) known = {t, used};
    return;
  }
  kept_.insert(place, {t, used});
  while (kept_.size() > kMost) {
    width_ *= 2;
    std::vector<Sample> joined;
    for (const auto& sample : kept_) {
      if (joined.empty() || PartOf(joined.back().t) != PartOf(sample.t)) {
        joined.push_back(sample);
      } else if (sample.used > joined.back().used) {
        joined.back() = sample;
      }
    }
    kept_ = std::move(joined);
  }
}

}  // namespace sparkfit::eventlog
