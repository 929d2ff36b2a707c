// SPDX-License-Identifier: Apache-2.0
#include "job_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <tuple>

#include "named.h"
#include "sparkfit/base/quantity.h"

namespace sparkfit::cli {
namespace {

using base::Bytes;
using base::Printable;
using base::Time;
using replay::Align;
using replay::MemoryCell;
using replay::Tone;
using wire::Published;

constexpr std::size_t kWrapAt = 100;

constexpr std::array<std::pair<std::string_view, JobFormat>, 6> kFormats{
    {{"table", JobFormat::kTable},
     {"wide", JobFormat::kWide},
     {"csv", JobFormat::kCsv},
     {"name", JobFormat::kName},
     {"json", JobFormat::kJson},
     {"yaml", JobFormat::kYaml}}};
constexpr std::array<std::pair<std::string_view, SortBy>, 6> kSorts{
    {{"name", SortBy::kName},
     {"waste", SortBy::kWaste},
     {"ooms", SortBy::kOoms},
     {"executors", SortBy::kExecutors},
     {"target", SortBy::kTarget},
     {"last-seen", SortBy::kLastSeen}}};

std::optional<Time> TimeOf(const std::string& text) {
  const auto time = base::ParseTime(text);
  return time ? std::optional(*time) : std::nullopt;
}

// What sorts first is largest.
double RankOf(const Published& job, SortBy by) {
  switch (by) {
    case SortBy::kName:
      return 0;
    case SortBy::kWaste:
      return job.possible_gib_hours;
    case SortBy::kOoms:
      return static_cast<double>(Ooms(job));
    case SortBy::kExecutors:
      return static_cast<double>(job.executors);
    case SortBy::kTarget:
      return static_cast<double>(job.target.value_or(Bytes{}).value);
    case SortBy::kLastSeen:
      return static_cast<double>(
          TimeOf(job.last_sample).value_or(Time{}).time_since_epoch().count());
  }
  return 0;
}

std::string OrDash(const std::string& text) { return text.empty() ? "-" : Printable(text); }

Tone OfOoms(std::string_view cell) { return cell == "0" ? Tone::kPlain : Tone::kBad; }

Tone OfChange(std::string_view cell) {
  if (cell.starts_with('+')) return Tone::kNotable;
  return cell.starts_with('-') && cell.size() > 1 ? Tone::kGood : Tone::kPlain;
}

Tone OfConfidence(std::string_view cell) { return cell == "low" ? Tone::kNotable : Tone::kPlain; }

struct Column {
  replay::TextTable::Column head;
  std::string (*cell)(const Published& job, Time now);
};
using Columns = std::vector<Column>;

std::string CoveredCell(const Published& job, Time) {
  if (!job.accuracy) return "-";
  return fmt::format("{}/{}", job.accuracy->covered, job.accuracy->runs);
}

std::string ConfidenceCell(const Published& job, Time) {
  if (!job.target) return "-";
  return job.Is("LowConfidence") ? "low" : "good";
}

template <std::int64_t Published::*kCount>
std::string CountCell(const Published& job, Time) {
  return fmt::format("{}", job.*kCount);
}

template <std::optional<Bytes> Published::*kAmount>
std::string AmountCell(const Published& job, Time) {
  return MemoryCell(job.*kAmount);
}

Column SavingsColumn() {
  return {{"GIB-HOURS TO SAVE"},
          [](const Published& job, Time) { return fmt::format("{:.1f}", job.possible_gib_hours); }};
}

Column LastSeenColumn() {
  return {{"LAST SEEN"}, [](const Published& job, Time now) {
            return replay::AgeCell(TimeOf(job.last_sample), now);
          }};
}

// That lists of both kinds have.
Columns CommonColumns() {
  return {{{"RUNS"}, CountCell<&Published::applications>},
          {{"EXECUTORS"}, CountCell<&Published::executors>},
          {{"OOMS", Align::kRight, OfOoms},
           [](const Published& job, Time) { return fmt::format("{}", Ooms(job)); }},
          {{"PEAK"}, AmountCell<&Published::peak>},
          {{"REQUEST"}, AmountCell<&Published::request>},
          {{"TARGET"}, AmountCell<&Published::target>},
          {{"CHANGE", Align::kRight, OfChange}, [](const Published& job, Time) {
             return replay::ChangeCell(job.request.value_or(Bytes{}), RequestToBe(job));
           }}};
}

Columns PartColumns() {
  return {{{"HEAP"}, AmountCell<&Published::heap>},
          {{"OVERHEAD"}, AmountCell<&Published::overhead>},
          {{"COVERED"}, CoveredCell}};
}

Columns BoundColumns() {
  return {{{"LOWER"}, AmountCell<&Published::lower>}, {{"UPPER"}, AmountCell<&Published::upper>}};
}

void Append(Columns& columns, Columns more) {
  std::move(more.begin(), more.end(), std::back_inserter(columns));
}

Columns ColumnsOf(const JobTableOptions& options) {
  Columns columns;
  if (options.namespaces) {
    columns.push_back({{"NAMESPACE", Align::kLeft},
                       [](const Published& job, Time) { return Printable(job.key.name_space); }});
  }
  columns.push_back({{"SIGNATURE", Align::kLeft},
                     [](const Published& job, Time) { return replay::NameOf(job.key); }});
  if (options.of_cluster) {
    columns.push_back(
        {{"MODE", Align::kLeft}, [](const Published& job, Time) { return OrDash(job.mode); }});
  }
  Append(columns, CommonColumns());
  if (!options.of_cluster || options.wide) Append(columns, PartColumns());
  if (options.wide) Append(columns, BoundColumns());
  if (options.of_cluster || options.wide) Append(columns, {SavingsColumn(), LastSeenColumn()});
  if (options.of_cluster && options.wide) {
    Append(columns, {{{"CONFIDENCE", Align::kLeft, OfConfidence}, ConfidenceCell},
                     {{"POLICY", Align::kLeft},
                      [](const Published& job, Time) { return OrDash(job.policy); }},
                     {{"AGE"}, [](const Published& job, Time now) {
                        return replay::AgeCell(TimeOf(job.created), now);
                      }}});
  }
  return columns;
}

std::string Counted(std::int64_t number, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", base::FormatCount(number), number == 1 ? one : many);
}

std::string TotalLine(const std::vector<Published>& jobs) {
  std::int64_t runs = 0;
  std::int64_t executors = 0;
  std::int64_t ooms = 0;
  double possible = 0;
  double realised = 0;
  for (const auto& job : jobs) {
    runs += job.applications;
    executors += job.executors;
    ooms += Ooms(job);
    possible += job.possible_gib_hours;
    realised += job.realised_gib_hours;
  }
  const auto amount = [](double hours) {
    return fmt::format("{:.{}f}", hours, hours < 10 ? 2 : 0);
  };
  return fmt::format("{} in all: {}, {}, {}; {} GiB·h saved, {} more to save\n",
                     Counted(static_cast<std::int64_t>(jobs.size()), "job", "jobs"),
                     Counted(runs, "run", "runs"), Counted(executors, "executor", "executors"),
                     Counted(ooms, "OOM", "OOMs"), amount(realised), amount(possible));
}

std::string CsvText(const std::string& text) {
  auto cell = Printable(text);
  // What spreadsheets take for a formula.
  if (!cell.empty() && std::string_view("=+-@").find(cell.front()) != std::string_view::npos) {
    cell.insert(cell.begin(), '\'');
  }
  if (cell.find_first_of(",\"") == std::string::npos) return cell;
  std::string quoted = "\"";
  for (const char c : cell) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + '"';
}

std::string CsvAmount(const std::optional<Bytes>& amount) {
  return amount && amount->value > 0 ? fmt::format("{}", amount->value) : "";
}

// Names as in the JSON of `replay`.
std::vector<std::pair<std::string_view, std::string>> CsvCells(const Published& job) {
  return {{"namespace", CsvText(job.key.name_space)},
          {"signature", CsvText(job.key.signature)},
          {"resourceProfile", fmt::format("{}", job.key.profile)},
          {"mode", CsvText(job.mode)},
          {"policy", CsvText(job.policy)},
          {"applications", fmt::format("{}", job.applications)},
          {"executors", fmt::format("{}", job.executors)},
          {"containerOOMs", fmt::format("{}", job.container_ooms)},
          {"heapOOMs", fmt::format("{}", job.heap_ooms)},
          {"unknownEnds", fmt::format("{}", job.unknown_ends)},
          {"peakBytes", CsvAmount(job.peak)},
          {"requestBytes", CsvAmount(job.request)},
          {"targetBytes", CsvAmount(job.target)},
          {"targetRequestBytes", CsvAmount(RequestToBe(job))},
          {"lowerBytes", CsvAmount(job.lower)},
          {"upperBytes", CsvAmount(job.upper)},
          {"heapBytes", CsvAmount(job.heap)},
          {"overheadBytes", CsvAmount(job.overhead)},
          {"possibleGiBHours", fmt::format("{:.3f}", job.possible_gib_hours)},
          {"realisedGiBHours", fmt::format("{:.3f}", job.realised_gib_hours)},
          {"extraGiBHours", fmt::format("{:.3f}", job.extra_gib_hours)},
          {"lastSample", CsvText(job.last_sample)}};
}

}  // namespace

std::vector<std::string> JobFormats() { return NamesIn(kFormats); }

base::Result<JobFormat> ParseJobFormat(std::string_view name) {
  return FindNamed(kFormats, "--output", name);
}

std::vector<std::string> SortOrders() { return NamesIn(kSorts); }

base::Result<SortBy> ParseSortBy(std::string_view name) {
  return FindNamed(kSorts, "--sort-by", name);
}

bool Before(const Published& a, const Published& b, SortBy by) {
  const double rank_a = -RankOf(a, by);
  const double rank_b = -RankOf(b, by);
  return std::tie(rank_a, a.key.name_space, a.key.signature, a.key.profile, a.name) <
         std::tie(rank_b, b.key.name_space, b.key.signature, b.key.profile, b.name);
}

Published PublishedOf(const replay::ReplayRow& row) {
  const auto& recommendation = row.recommendation;
  const auto& totals = row.totals;
  Published job;
  job.key = row.key;
  job.explanation = row.explanation;
  job.policy = recommend::Format(row.policy);
  job.target = recommendation.target;
  job.target_request = recommendation.target_request;
  job.lower = recommendation.lower;
  job.upper = recommendation.upper;
  if (recommendation.split) {
    job.heap = recommendation.split->heap;
    job.overhead = recommendation.split->overhead;
  }
  if (row.request.value > 0) job.request = row.request;
  if (row.peak.value > 0) job.peak = row.peak;
  job.applications = static_cast<std::int64_t>(totals.applications);
  job.executors = static_cast<std::int64_t>(totals.executors);
  job.container_ooms = static_cast<std::int64_t>(totals.container_ooms);
  job.heap_ooms = static_cast<std::int64_t>(totals.heap_ooms);
  job.unknown_ends = static_cast<std::int64_t>(totals.unknown_ends);
  if (totals.last_sample) job.last_sample = base::FormatTime(*totals.last_sample);
  job.possible_gib_hours = totals.savings.possible;
  job.realised_gib_hours = totals.savings.realised;
  job.extra_gib_hours = totals.savings.extra;
  if (row.accuracy.Judged() > 0) {
    job.accuracy.emplace();
    job.accuracy->runs = static_cast<std::int64_t>(row.accuracy.Judged());
    job.accuracy->covered = static_cast<std::int64_t>(row.accuracy.Covered());
  }
  return job;
}

std::optional<Bytes> RequestToBe(const Published& job) {
  return job.target_request ? job.target_request : job.target;
}

std::int64_t Ooms(const Published& job) { return job.container_ooms + job.heap_ooms; }

std::string JobTable(const std::vector<Published>& jobs, const JobTableOptions& options) {
  const auto columns = ColumnsOf(options);
  std::vector<replay::TextTable::Column> heads;
  for (const auto& column : columns) heads.push_back(column.head);
  replay::TextTable table(std::move(heads));
  for (const auto& job : jobs) {
    std::vector<std::string> cells;
    for (const auto& column : columns) cells.push_back(column.cell(job, options.now));
    table.Add(std::move(cells));
  }
  return table.Format(options.style) + (options.style.headers ? "\n" + TotalLine(jobs) : "");
}

std::string JobCsv(const std::vector<Published>& jobs, bool headers) {
  std::string text;
  const auto add = [&](const Published& job, auto&& part) {
    const char* separator = "";
    for (const auto& cell : CsvCells(job)) {
      text += separator + std::string(part(cell));
      separator = ",";
    }
    text += '\n';
  };
  if (headers) add({}, [](const auto& cell) { return cell.first; });
  for (const auto& job : jobs) add(job, [](const auto& cell) { return cell.second; });
  return text;
}

std::string WhyText(const std::vector<Published>& jobs) {
  std::string text = "Why\n";
  for (const auto& job : jobs) {
    text += fmt::format("  {}\n", replay::QualifiedName(job.key)) +
            replay::Wrapped(Printable(job.explanation), "      ", kWrapAt);
  }
  return text;
}

std::string InsteadOf(std::string_view signature, const std::vector<Published>& jobs) {
  constexpr std::size_t kNamed = 5;
  std::set<std::string_view> all;
  for (const auto& job : jobs) all.insert(job.key.signature);
  const std::vector<std::string_view> known(all.begin(), all.end());
  if (known.empty()) return "";
  if (const auto nearest = base::Nearest(signature, known); !nearest.empty()) {
    return base::Suggestion(Printable(nearest));
  }
  std::vector<std::string> named;
  for (std::size_t i = 0; i < std::min(kNamed, known.size()); ++i) {
    named.push_back(Printable(known[i]));
  }
  if (known.size() > kNamed) named.emplace_back("…");
  return fmt::format("; there are {}", fmt::join(named, ", "));
}

}  // namespace sparkfit::cli
