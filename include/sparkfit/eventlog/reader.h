// SPDX-License-Identifier: Apache-2.0
//
// Event logs, read in one pass. Memory: the longest line that is accepted, and what is kept of
// applications.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sparkfit/eventlog/application.h"
#include "sparkfit/eventlog/files.h"
#include "sparkfit/replay/line_reader.h"
#include "sparkfit/replay/problems.h"

namespace sparkfit::eventlog {

struct ReadCounts {
  std::uint64_t bytes = 0;  // of text
  std::uint64_t lines = 0;
  std::uint64_t events = 0;  // lines that begin like one
  std::uint64_t tasks = 0;

  ReadCounts& operator+=(const ReadCounts& others);
};

class LogReader {
 public:
  // A file that begins with so many other lines is no event log.
  static constexpr std::uint64_t kMostStrangeLines = 100;
  // Of the events that are read none is longer, whatever plans queries have.
  static constexpr std::size_t kLongestLine = std::size_t{8} << 20;

  // REQUIRES: the filter outlives the reader.
  explicit LogReader(const wire::PropertyFilter& wanted) : parser_(wanted) {}

  using Open = std::function<base::Result<std::unique_ptr<replay::ByteSource>>(const std::string&)>;
  // Called every few MiB with the bytes of text so far; false: stop, and give nothing.
  using Progress = std::function<bool(std::uint64_t bytes)>;

  // The log's applications: one, as a rule; several where logs were put behind each other. What
  // cannot be read is told with its file and line, and what can be is kept.
  std::vector<Application> Read(const LogFiles& log, const Open& open, const Progress& progress);

  [[nodiscard]] const ReadCounts& Counts() const { return counts_; }
  [[nodiscard]] const replay::Problems& GetProblems() const { return problems_; }

 private:
  bool ReadPart(std::unique_ptr<replay::ByteSource> source, ApplicationBuilder& builder,
                const Progress& progress);
  void TakeLine(const replay::Line& line, ApplicationBuilder& builder);
  void Note(std::uint64_t line, const std::string& what) { problems_.Add(path_, line, what); }

  wire::SparkEventParser parser_;
  ReadCounts counts_;
  replay::Problems problems_;
  std::string path_;  // of the part that is read, and the line
  std::uint64_t line_ = 0;
  std::uint64_t strange_ = 0;  // lines of the part before the first that is an event
  bool begun_ = false;         // there was one
};

}  // namespace sparkfit::eventlog
