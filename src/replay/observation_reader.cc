// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/replay/observation_reader.h"

#include <fmt/format.h>

#include <variant>

#include "sparkfit/base/text.h"

namespace sparkfit::replay {

using base::Result;

namespace {

constexpr std::size_t kBeginning = 512;

// What else a file is that begins so, and who reads it.
std::string_view WhatElse(std::string_view beginning) {
  const auto has = [&](std::string_view part) { return beginning.find(part) != beginning.npos; };
  if (has("\"Event\":\"")) {
    return "; it is an event log of Spark: sparkfit import eventlog makes a log of it";
  }
  if (has("\"resultType\"")) {
    return "; it is an answer of a Prometheus: sparkfit import prometheus --from-json makes a log "
           "of "
           "it";
  }
  if (beginning.starts_with("\x28\xb5\x2f\xfd") || beginning.starts_with("PK\x03\x04")) {
    return "; it is packed, and not by gzip";
  }
  if (has("\t") && !beginning.starts_with('{')) {
    return "; a table of executions? sparkfit backtest reads those";
  }
  return "";
}

}  // namespace

Result<void> ObservationReader::Add(const std::string& name, std::unique_ptr<ByteSource> source) {
  auto log = std::make_unique<Log>();
  log->name = name;
  log->lines = std::make_unique<LineReader>(MaybeGunzip(std::move(source)));
  const auto lines_before = counts_.lines;
  const auto problems_before = problems_;
  if (auto advanced = Advance(*log); !advanced) return advanced;
  if (counts_.lines > lines_before && !log->is_log) {
    problems_ = problems_before;
    problems_.Add(name, 0,
                  fmt::format("is no observation log{}{}", WhatElse(log->beginning),
                              log->first_problem.empty() ? "" : " (" + log->first_problem + ")"));
  } else if (counts_.lines == lines_before && problems_.Count() == problems_before.Count()) {
    problems_.Add(name, 0, "is empty");
  }
  logs_.push_back(std::move(log));
  return {};
}

Result<std::optional<model::Observation>> ObservationReader::Next() {
  Log* earliest = nullptr;
  for (const auto& log : logs_) {
    if (log->next && (earliest == nullptr || log->next->t < earliest->next->t))
      earliest = log.get();
  }
  if (earliest == nullptr) return std::nullopt;
  auto observation = std::move(earliest->next);
  if (auto advanced = Advance(*earliest); !advanced) {
    return tl::unexpected<base::Error>(advanced.error());
  }
  ++counts_.observations;
  return observation;
}

Result<void> ObservationReader::Advance(Log& log) {
  log.next.reset();
  for (;;) {
    const auto line = log.lines->Next();
    if (!line) {
      problems_.Add(log.name, 0, line.error().message);
      continue;
    }
    if (!*line) return {};
    ++counts_.lines;
    if (log.beginning.empty()) log.beginning = base::Beginning((*line)->text, kBeginning);
    counts_.bytes += (*line)->text.size() + 1;
    const auto taken = Take(log, **line);
    if (!taken) return tl::unexpected<base::Error>(taken.error());
    if (*taken) return {};
  }
}

// True where the line held the log's next observation.
Result<bool> ObservationReader::Take(Log& log, const Line& line) {
  if (line.too_long) {
    Problem(log, line,
            fmt::format("a line of more than {} MiB, skipped", LineReader::kLongestLine >> 20));
    return false;
  }
  if (line.text.empty()) return false;
  auto parsed = parser_.Parse(line.text);
  if (!parsed) {
    if (parsed.error().code == base::Code::kInvalidArgument) {
      return base::Fail(fmt::format("{}:{}", log.name, line.number), parsed.error());
    }
    Problem(log, line, parsed.error().message);
    return false;
  }
  log.is_log = true;
  if (auto* observation = std::get_if<model::Observation>(&*parsed)) {
    log.next = std::move(*observation);
    return true;
  }
  if (auto* header = std::get_if<wire::LogHeader>(&*parsed)) {
    if (options_.empty()) options_ = std::move(header->options);
  } else {
    ++counts_.unknown[std::string(base::Beginning(std::get<wire::UnknownLine>(*parsed).type, 40))];
  }
  return false;
}

void ObservationReader::Problem(Log& log, const Line& line, const std::string& message) {
  if (log.first_problem.empty()) {
    log.first_problem = fmt::format("line {}: {}", line.number, message);
  }
  problems_.Add(log.name, line.number, message);
}

}  // namespace sparkfit::replay
