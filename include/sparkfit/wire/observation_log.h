// SPDX-License-Identifier: Apache-2.0
//
// Lines of an observation log: NDJSON, one observation each (docs/formats.md).
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "sparkfit/base/result.h"
#include "sparkfit/model/observation.h"
#include "sparkfit/model/signature_rules.h"

namespace sparkfit::wire {

inline constexpr int kLogVersion = 1;

// A line that parses but is none that this version knows; skipped and counted.
struct UnknownLine {
  std::string type;
};

// The first line of a log. `options` are those that the recorder ran with, by their configuration
// key, as text.
struct LogHeader {
  int version = kLogVersion;
  std::map<std::string, std::string> options;
};

using LogLine = std::variant<model::Observation, LogHeader, UnknownLine>;

// Bytes that must be readable, whatever they hold, behind a line given to Parse.
inline constexpr std::size_t kLinePadding = 64;

// Not safe for concurrent use; reuse one for many lines.
class LogLineParser {
 public:
  LogLineParser();
  ~LogLineParser();

  // Derive signatures from pods' labels from now on; the rules outlive the parser.
  void SetRules(const model::SignatureRules* rules);

  // kMalformed where the line is no JSON object, lacks what it must have or holds an amount that
  // cannot be; kInvalidArgument for a header of another version.
  // REQUIRES: kLinePadding readable bytes behind the line.
  base::Result<LogLine> Parse(std::string_view line);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The same, written: one line with its end. Of a pod only what ParsePod reads is in it, of the
// environment only what sizes an executor.
std::string WriteLine(const model::Observation& observation);
std::string WriteHeader(const std::map<std::string, std::string>& options);

}  // namespace sparkfit::wire
