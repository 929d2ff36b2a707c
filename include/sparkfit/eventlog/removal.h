// SPDX-License-Identifier: Apache-2.0
//
// Why Spark's driver gave an executor up, of the text that it wrote down.
#pragma once

#include <string>
#include <string_view>

namespace sparkfit::eventlog {

enum class RemovalKind {
  kWanted,     // by the driver, which did not need it any more, or by a decommission
  kEnded,      // its container ended: `exit_code` and `reason` say how
  kDisrupted,  // somebody else took its pod down
  kUnknown,    // the driver lost it, and does not know why
};

struct Removal {
  RemovalKind kind = RemovalKind::kUnknown;
  int exit_code = 0;
  std::string reason{};    // as a container's status has it: OOMKilled, Error; may be empty
  bool disrupted = false;  // its pod was evicted, however the container ended

  friend bool operator==(const Removal&, const Removal&) = default;
};

// The texts of Spark 3.0 to 4.2 on Kubernetes, of its standalone workers and of YARN. `container`
// is the executors' container. What is not understood is kUnknown.
Removal ReadRemoval(std::string_view text, std::string_view container);

}  // namespace sparkfit::eventlog
