// SPDX-License-Identifier: Apache-2.0
//
// process_…: what Linux says of this process, under the names that client libraries agree on.
#pragma once

#include <optional>
#include <string>

namespace sparkfit::exposition {

// Safe for concurrent use.
class ProcessMetrics {
 public:
  // `proc`: where procfs is mounted.
  explicit ProcessMetrics(std::string proc = "/proc");

  // In Prometheus' text format, as it is now. What cannot be read has no series.
  [[nodiscard]] std::string Text() const;

 private:
  std::string proc_;
  std::optional<double> boot_;  // seconds since 1970
};

}  // namespace sparkfit::exposition
