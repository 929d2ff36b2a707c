// SPDX-License-Identifier: Apache-2.0
//
// All that has to survive a restart for one key.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sparkfit/base/time.h"
#include "sparkfit/model/history.h"
#include "sparkfit/model/key.h"
#include "sparkfit/model/settings.h"

namespace sparkfit::model {

// An executor pod that was counted, so that it is never counted again.
struct PodRecord {
  std::string uid;
  std::string name;
  base::Time created{};
  std::optional<base::Time> ended;
  bool sealed = false;  // its peak is in the histogram
  bool gone = false;    // it was deleted; events of it may still be repeated
  // Of a container that is started again and again older ends cannot be shown any more: a pod shows
  // its two latest.
  static constexpr std::size_t kMostEnds = 16;
  // Container IDs, of OOMs as they are, of ends of unknown cause after a "?".
  std::vector<std::string> counted_ends;

  friend bool operator==(const PodRecord&, const PodRecord&) = default;
};

struct KeyCheckpoint {
  Key key;
  JobRequest job;  // what the latest run asked for
  base::Duration half_life{};
  KeyHistory::State history;
  std::vector<PodRecord> pods;  // by UID
};

}  // namespace sparkfit::model
