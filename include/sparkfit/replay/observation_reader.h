// SPDX-License-Identifier: Apache-2.0
//
// Observation logs as one stream: merged by time, ties in file order.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sparkfit/base/result.h"
#include "sparkfit/model/observation.h"
#include "sparkfit/replay/line_reader.h"
#include "sparkfit/replay/problems.h"
#include "sparkfit/wire/observation_log.h"

namespace sparkfit::replay {

struct ReadCounts {
  std::uint64_t lines = 0;
  std::uint64_t observations = 0;
  std::uint64_t bytes = 0;                       // inflated
  std::map<std::string, std::uint64_t> unknown;  // skipped lines by type
};

class ObservationReader {
 public:
  // By `rules`, if given, signatures are derived from pods' labels; they outlive the reader.
  explicit ObservationReader(const model::SignatureRules* rules = nullptr) {
    parser_.SetRules(rules);
  }

  // Adds a log; reads its first observation. Fails for a header of a version that this sparkfit
  // does not read; what merely cannot be understood is counted: line by line, or once, where no
  // line is one of a log.
  base::Result<void> Add(const std::string& name, std::unique_ptr<ByteSource> source);

  // The next observation, nothing at the end.
  base::Result<std::optional<model::Observation>> Next();

  [[nodiscard]] const ReadCounts& Counts() const { return counts_; }
  [[nodiscard]] const Problems& GetProblems() const { return problems_; }
  // The options in the first header that has any.
  [[nodiscard]] const std::map<std::string, std::string>& HeaderOptions() const { return options_; }

 private:
  struct Log {
    std::string name;
    std::unique_ptr<LineReader> lines;
    std::optional<model::Observation> next;
    bool is_log = false;  // it has a line of one
    std::string beginning;
    std::string first_problem;
  };

  base::Result<void> Advance(Log& log);
  base::Result<bool> Take(Log& log, const Line& line);
  void Problem(Log& log, const Line& line, const std::string& message);

  std::vector<std::unique_ptr<Log>> logs_;
  wire::LogLineParser parser_;
  ReadCounts counts_;
  Problems problems_;
  std::map<std::string, std::string> options_;
};

}  // namespace sparkfit::replay
