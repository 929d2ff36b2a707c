// SPDX-License-Identifier: Apache-2.0
//
// Many event logs, several at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "sparkfit/eventlog/application.h"
#include "sparkfit/eventlog/files.h"
#include "sparkfit/eventlog/reader.h"
#include "sparkfit/replay/problems.h"

namespace sparkfit::eventlog {

struct ManyLogs {
  std::vector<Application> applications;  // in the order of their logs
  ReadCounts counts;
  replay::Problems problems;
  bool stopped = false;  // and nothing else is known
};

struct HowFar {
  std::uint64_t bytes = 0;  // of text
  std::size_t logs = 0;     // that are done
};

// Called on whatever thread reads, by one at a time; false: stop.
using OnProgress = std::function<bool(const HowFar& so_far)>;

// Reads them on so many threads, of which each has one log at a time. What comes of it does not
// depend on how many there are.
ManyLogs ReadLogs(const std::vector<LogFiles>& logs, const wire::PropertyFilter& wanted,
                  std::size_t threads, const LogReader::Open& open, const OnProgress& progress);

}  // namespace sparkfit::eventlog
