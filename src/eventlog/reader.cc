// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/eventlog/reader.h"

#include <fmt/format.h>

#include <utility>
#include <variant>

#include "sparkfit/eventlog/codecs.h"

namespace sparkfit::eventlog {
namespace {

constexpr std::uint64_t kProgressEvery = std::uint64_t{4} << 20;  // bytes

}  // namespace

ReadCounts& ReadCounts::operator+=(const ReadCounts& others) {
  bytes += others.bytes;
  lines += others.lines;
  events += others.events;
  tasks += others.tasks;
  return *this;
}

std::vector<Application> LogReader::Read(const LogFiles& log, const Open& open,
                                         const Progress& progress) {
  std::vector<Application> applications;
  ApplicationBuilder builder(
      [&](Application application) { applications.push_back(std::move(application)); },
      [&](const std::string& what) { Note(line_, what); });
  const auto events_before = counts_.events;
  for (const auto& part : log.parts) {
    path_ = part;
    line_ = 0;
    auto source = open(part);
    if (!source) {
      Note(0, source.error().message);
    } else if (!ReadPart(*std::move(source), builder, progress)) {
      return {};
    }
  }
  path_ = log.name;
  line_ = 0;
  if (counts_.events == events_before) {
    Note(0, "no event of a Spark event log is in it");
  } else {
    builder.Finish(log.partial, log.BaseName());
  }
  return applications;
}

// False where it was told to stop.
bool LogReader::ReadPart(std::unique_ptr<replay::ByteSource> source, ApplicationBuilder& builder,
                         const Progress& progress) {
  replay::LineReader lines(Decompress(std::move(source)), kLongestLine);
  auto due = counts_.bytes + kProgressEvery;
  begun_ = false;
  strange_ = 0;
  for (;;) {
    const auto line = lines.Next();
    if (!line) {
      Note(line_, line.error().message);
      continue;
    }
    if (!*line) return true;
    line_ = (*line)->number;
    TakeLine(**line, builder);
    if (!begun_ && strange_ > kMostStrangeLines) return true;
    if (counts_.bytes < due) continue;
    due = counts_.bytes + kProgressEvery;
    if (!progress(counts_.bytes)) return false;
  }
}

void LogReader::TakeLine(const replay::Line& line, ApplicationBuilder& builder) {
  ++counts_.lines;
  counts_.bytes += line.text.size() + 1;
  if (line.text.empty() && !line.too_long) return;
  if (!wire::IsSparkEvent(line.text)) {
    if (begun_) Note(line.number, "a line that is no event");
    if (!begun_) ++strange_;
    return;
  }
  if (!std::exchange(begun_, true) && strange_ > 0) {
    Note(line.number, fmt::format("{} lines before it are no events", strange_));
  }
  ++counts_.events;
  if (line.too_long) {
    // Of plans of queries and the like nothing would have been read.
    if (!wire::IsReadSparkEvent(line.text)) return;
    Note(line.number, fmt::format("an event of more than {} MiB, skipped", kLongestLine >> 20));
    return;
  }
  auto event = parser_.Parse(line.text);
  if (!event) {
    Note(line.number, event.error().message);
    return;
  }
  counts_.tasks += std::holds_alternative<wire::SparkTaskEnd>(*event) ? 1 : 0;
  builder.Take(*event);
}

}  // namespace sparkfit::eventlog
