// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/replay/execution_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "sparkfit/base/text.h"

namespace sparkfit::replay {
namespace {

using base::Code;
using base::Result;

enum Column { kWorkflow, kSignature, kSubmit, kComplete, kRequest, kPeak, kRuntime };
constexpr std::array<std::string_view, 7> kNames{
    "workflow",      "signature",      "submit_epoch_s", "complete_epoch_s",
    "request_bytes", "peak_rss_bytes", "runtime_hours"};

constexpr double kLatest = 253402300799.0;  // the end of year 9999, in seconds
constexpr double kLongestRuntime = 1e6;     // hours
constexpr std::size_t kProgressEvery = 4096;

// Calls visit(index, field) for each tab-separated field.
template <typename Visit>
void ForEachField(std::string_view line, Visit&& visit) {
  for (std::size_t index = 0;; ++index) {
    const auto tab = line.find('\t');
    visit(index, line.substr(0, tab));
    if (tab == std::string_view::npos) return;
    line.remove_prefix(tab + 1);
  }
}

Result<double> Number(Column column, std::string_view text, double low, double high) {
  double value = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end || !std::isfinite(value)) {
    return base::Fail(Code::kMalformed, fmt::format("{}: \"{}\" is not a number", kNames[column],
                                                    base::Beginning(text, 40)));
  }
  if (value < low || value > high) {
    return base::Fail(Code::kMalformed, fmt::format("{}: {} is not plausible", kNames[column],
                                                    base::Beginning(text, 40)));
  }
  return value;
}

base::Time ToTime(double seconds) {
  return base::Time(base::Duration(std::llround(seconds * 1000)));
}

}  // namespace

struct ExecutionTable::Columns {
  std::array<std::size_t, kNames.size()> at{};
  std::size_t last = 0;

  static Result<Columns> Parse(std::string_view header) {
    Columns columns;
    std::array<bool, kNames.size()> found{};
    ForEachField(header, [&](std::size_t index, std::string_view field) {
      const auto name = std::find(kNames.begin(), kNames.end(), field);
      if (name == kNames.end()) return;
      const auto column = static_cast<std::size_t>(name - kNames.begin());
      columns.at[column] = index;
      columns.last = std::max(columns.last, index);
      found[column] = true;
    });
    std::string missing;
    for (std::size_t i = 0; i < kNames.size(); ++i) {
      if (!found[i]) missing += (missing.empty() ? "" : ", ") + std::string(kNames[i]);
    }
    if (missing.empty()) return columns;
    return base::Fail(Code::kInvalidArgument,
                      fmt::format("not a table of executions: its header lacks {}", missing));
  }
};

Result<void> ExecutionTable::Read(const std::string& name, std::unique_ptr<ByteSource> source,
                                  const std::function<void(std::uint64_t)>& progress) {
  LineReader lines(MaybeGunzip(std::move(source)));
  std::optional<Columns> columns;
  for (;;) {
    const auto line = lines.Next();
    if (!line) {
      problems_.Add(name, 0, line.error().message);
      continue;
    }
    if (!*line) break;
    const auto& [text, number, too_long] = **line;
    if (!columns) {
      auto parsed = Columns::Parse(too_long ? "" : text);
      if (!parsed) return base::Fail(fmt::format("{}:{}", name, number), parsed.error());
      columns = *parsed;
      continue;
    }
    if (text.empty() && !too_long) continue;
    auto row = too_long ? base::Fail(Code::kMalformed, "a line that is too long, skipped")
                        : ParseRow(text, *columns);
    if (row) {
      executions_.push_back(*row);
    } else {
      problems_.Add(name, number, row.error().message);
    }
    if (number % kProgressEvery == 0) progress(executions_.size());
  }
  if (!columns) problems_.Add(name, 0, "is empty");
  return {};
}

Result<Execution> ExecutionTable::ParseRow(std::string_view line, const Columns& columns) {
  std::array<std::string_view, kNames.size()> fields;
  std::size_t count = 0;
  ForEachField(line, [&](std::size_t index, std::string_view field) {
    count = index + 1;
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (columns.at[i] == index) fields[i] = field;
    }
  });
  if (count <= columns.last) {
    return base::Fail(Code::kMalformed,
                      fmt::format("a row of {} fields, where the header has more", count));
  }
  std::array<double, kNames.size()> numbers{};
  const auto largest = static_cast<double>(base::kLargestPlausible.value);
  for (const auto& [column, high] :
       std::initializer_list<std::pair<Column, double>>{{kSubmit, kLatest},
                                                        {kComplete, kLatest},
                                                        {kRequest, largest},
                                                        {kPeak, largest},
                                                        {kRuntime, kLongestRuntime}}) {
    const auto number = Number(column, fields[column], 0, high);
    if (!number) return tl::unexpected<base::Error>(number.error());
    numbers[column] = *number;
  }
  const auto signature = fields[kSignature];
  const auto bar = signature.find('|');
  return Execution{.submitted = ToTime(numbers[kSubmit]),
                   .completed = ToTime(numbers[kComplete]),
                   .request = {static_cast<std::int64_t>(numbers[kRequest])},
                   .peak = {static_cast<std::int64_t>(numbers[kPeak])},
                   .runtime_hours = numbers[kRuntime],
                   .key = KeyOf(fields[kWorkflow], signature),
                   .family = bar == std::string_view::npos
                                 ? kNoFamily
                                 : IndexIn(families_, fields[kWorkflow], signature.substr(0, bar))};
}

std::uint32_t ExecutionTable::KeyOf(std::string_view workflow, std::string_view signature) {
  const auto key = IndexIn(keys_, workflow, signature);
  if (key == key_names_.size()) key_names_.emplace_back(keys_.find(scratch_)->first);
  return key;
}

std::pair<std::string_view, std::string_view> ExecutionTable::NameOf(std::uint32_t key) const {
  const auto name = key_names_[key];
  const auto tab = name.find('\t');
  return {name.substr(0, tab), name.substr(tab + 1)};
}

std::uint32_t ExecutionTable::IndexIn(Names& names, std::string_view workflow,
                                      std::string_view name) {
  // A tab separates fields, so none is part of either.
  scratch_.assign(workflow);
  scratch_ += '\t';
  scratch_ += name;
  return names.try_emplace(scratch_, static_cast<std::uint32_t>(names.size())).first->second;
}

void ExecutionTable::Sort() {
  std::stable_sort(
      executions_.begin(), executions_.end(),
      [](const Execution& a, const Execution& b) { return a.submitted < b.submitted; });
}

}  // namespace sparkfit::replay
