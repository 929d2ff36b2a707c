// SPDX-License-Identifier: Apache-2.0
//
// Which files are one event log: Spark writes one, or a folder of them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sparkfit/base/result.h"
#include "sparkfit/replay/problems.h"

namespace sparkfit::eventlog {

struct LogFiles {
  std::string name;                // the path of the file, or of its folder
  std::vector<std::string> parts;  // in the order in which they were written
  std::uint64_t bytes = 0;         // as they lie there
  bool partial = false;            // the first part is what a History Server left of others

  // What Spark calls the application in names of files, where it calls it anything.
  [[nodiscard]] std::string BaseName() const;
};

// All logs in the paths, each a file, - for standard input, a rolling log's folder, or a folder of
// logs. Of a rolling log what was compacted replaces what came before; what is missing is told.
// kNotFound where a path is not there.
base::Result<std::vector<LogFiles>> FindLogs(const std::vector<std::string>& paths,
                                             replay::Problems& problems);

}  // namespace sparkfit::eventlog
