// SPDX-License-Identifier: Apache-2.0
//
// Jobs, a line each: what `list` prints of a cluster and `replay` of logs.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "sparkfit/base/result.h"
#include "sparkfit/base/time.h"
#include "sparkfit/replay/replay.h"
#include "sparkfit/replay/text_table.h"
#include "sparkfit/wire/published.h"

namespace sparkfit::cli {

// Values of --output.
enum class JobFormat { kTable, kWide, kCsv, kName, kJson, kYaml };
std::vector<std::string> JobFormats();
base::Result<JobFormat> ParseJobFormat(std::string_view name);

// Values of --sort-by: by name, else the most, or the latest, first.
enum class SortBy { kName, kWaste, kOoms, kExecutors, kTarget, kLastSeen };
std::vector<std::string> SortOrders();
base::Result<SortBy> ParseSortBy(std::string_view name);
// Whether a comes before b, which is never so of one job and itself.
bool Before(const wire::Published& a, const wire::Published& b, SortBy by);

// What is recommended of a log, as a cluster would publish it.
wire::Published PublishedOf(const replay::ReplayRow& row);

// A request's recommended value: the target's, where request and limit are one.
std::optional<base::Bytes> RequestToBe(const wire::Published& job);
std::int64_t Ooms(const wire::Published& job);

struct JobTableOptions {
  bool of_cluster = true;  // else of logs, which know more of a size and nothing of objects
  bool namespaces = true;
  bool wide = false;
  replay::TextTable::Style style;
  base::Time now{};  // what ages are as of
};
// With what they come to in all below, unless it is without headers.
std::string JobTable(const std::vector<wire::Published>& jobs, const JobTableOptions& options);
// RFC 4180, with a header unless told otherwise. Memory is in bytes; what is unknown is empty. A
// text that a spreadsheet would compute has an apostrophe before it.
std::string JobCsv(const std::vector<wire::Published>& jobs, bool headers);

// Up to so many are explained unasked.
inline constexpr std::size_t kMostExplained = 19;
// "Why", and each job's explanation.
std::string WhyText(const std::vector<wire::Published>& jobs);

// What to say behind a signature that none of these jobs has: the nearest, or which there are.
std::string InsteadOf(std::string_view signature, const std::vector<wire::Published>& jobs);

}  // namespace sparkfit::cli
