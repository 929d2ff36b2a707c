// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/replay/report.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "sparkfit/base/quantity.h"
#include "text_table.h"

namespace sparkfit::replay {
namespace {

using base::Bytes;
using Json = nlohmann::ordered_json;

constexpr std::size_t kWrapAt = 100;

Json OrNull(const std::optional<Bytes>& amount) { return amount ? Json(amount->value) : Json(); }
Json OrNull(Bytes amount) { return amount.value > 0 ? Json(amount.value) : Json(); }

Json ToJson(const ReplayRow& row) {
  const auto& recommendation = row.recommendation;
  const auto& split = recommendation.split;
  return {{"namespace", row.key.name_space},
          {"signature", row.key.signature},
          {"resourceProfile", row.key.profile},
          {"applications", row.totals.applications},
          {"executors", row.totals.executors},
          {"containerOOMs", row.totals.container_ooms},
          {"heapOOMs", row.totals.heap_ooms},
          {"peakBytes", OrNull(row.peak)},
          {"requestBytes", OrNull(row.request)},
          {"targetBytes", OrNull(recommendation.target)},
          {"lowerBytes", OrNull(recommendation.lower)},
          {"upperBytes", OrNull(recommendation.upper)},
          {"heapBytes", split ? Json(split->heap.value) : Json()},
          {"overheadBytes", split ? Json(split->overhead.value) : Json()},
          {"explanation", row.explanation}};
}

Json ToJson(const BacktestResult& result) {
  return {{"policy", result.policy},
          {"executions", result.executions},
          {"signatures", result.signatures},
          {"used_gbh", result.used_gbh},
          {"waste_gbh", result.waste_gbh},
          {"allocated_gbh", result.allocated_gbh},
          {"oom_executions", result.oom_executions},
          {"oom_kills", result.oom_kills},
          {"max_retries", result.max_retries},
          {"unsatisfied", result.unsatisfied},
          {"cold_starts", result.cold_starts}};
}

void EmitScalar(YAML::Emitter& out, const Json& value) {
  if (value.is_null()) {
    out << YAML::Null;
  } else if (value.is_string()) {
    // Always quoted: a signature "no" or "1e3" must stay a string.
    out << YAML::DoubleQuoted << value.get<std::string>();
  } else {
    out << value.dump();
  }
}

std::string ToYaml(const Json& array) {
  if (array.empty()) return "[]\n";
  YAML::Emitter out;
  out << YAML::BeginSeq;
  for (const auto& object : array) {
    out << YAML::BeginMap;
    for (const auto& [key, value] : object.items()) {
      out << YAML::Key << key << YAML::Value;
      EmitScalar(out, value);
    }
    out << YAML::EndMap;
  }
  out << YAML::EndSeq;
  return std::string(out.c_str()) + '\n';
}

template <typename T>
Json ToArray(const std::vector<T>& entries) {
  Json array = Json::array();
  for (const auto& entry : entries) array.push_back(ToJson(entry));
  return array;
}

std::string ToText(const Json& array) {
  // Foreign bytes that are no UTF-8 are replaced, never thrown at.
  return array.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

// For a column: whole MiB, rounded up, as sizes are given to Spark.
std::string Cell(const std::optional<Bytes>& amount) {
  return amount && amount->value > 0 ? base::FormatQuantity(amount->RoundedUpToMiB()) : "-";
}

std::string Change(Bytes request, const std::optional<Bytes>& target) {
  if (!target || request.value == 0) return "-";
  const double change =
      100.0 * (static_cast<double>(target->value) / static_cast<double>(request.value) - 1);
  return std::abs(change) < 0.5 ? "0 %" : fmt::format("{:+.0f} %", change);
}

std::string NameOf(const model::Key& key) {
  return Printable(key.signature) +
         (key.profile == 0 ? "" : fmt::format(" (profile {})", key.profile));
}

std::string RenderTable(const std::vector<ReplayRow>& rows) {
  if (rows.empty()) return "No executor with a signature was seen: nothing to recommend.\n";
  TextTable table({{"NAMESPACE", Align::kLeft},
                   {"SIGNATURE", Align::kLeft},
                   {"RUNS"},
                   {"EXECUTORS"},
                   {"OOMS"},
                   {"PEAK"},
                   {"REQUEST"},
                   {"TARGET"},
                   {"CHANGE"},
                   {"HEAP"},
                   {"OVERHEAD"}});
  std::string why = "\nWhy\n";
  for (const auto& row : rows) {
    const auto& recommendation = row.recommendation;
    const auto& split = recommendation.split;
    table.Add({Printable(row.key.name_space), NameOf(row.key),
               fmt::format("{}", row.totals.applications), fmt::format("{}", row.totals.executors),
               fmt::format("{}", row.totals.container_ooms + row.totals.heap_ooms), Cell(row.peak),
               Cell(row.request), Cell(recommendation.target),
               Change(row.request, recommendation.target),
               Cell(split ? std::optional(split->heap) : std::nullopt),
               Cell(split ? std::optional(split->overhead) : std::nullopt)});
    why += fmt::format("  {}/{}\n", Printable(row.key.name_space), NameOf(row.key)) +
           Wrapped(Printable(row.explanation), "      ", kWrapAt);
  }
  return table.Format() + why;
}

std::string RenderTable(const std::vector<BacktestResult>& results) {
  TextTable table({{"POLICY", Align::kLeft},
                   {"WASTE GBh"},
                   {"ALLOCATED GBh"},
                   {"OOM EXECUTIONS"},
                   {"OOM KILLS"},
                   {"MAX RETRIES"},
                   {"UNSATISFIED"}});
  for (const auto& result : results) {
    table.Add({Printable(result.policy), fmt::format("{:.1f}", result.waste_gbh),
               fmt::format("{:.1f}", result.allocated_gbh),
               base::FormatCount(static_cast<std::int64_t>(result.oom_executions)),
               base::FormatCount(static_cast<std::int64_t>(result.oom_kills)),
               fmt::format("{}", result.max_retries), fmt::format("{}", result.unsatisfied)});
  }
  if (results.empty()) return table.Format();
  const auto& any = results.front();
  return table.Format() +
         fmt::format(
             "\n{} executions of {} signatures used {:.1f} GBh (1 GB = 10^9 bytes); {} had no "
             "history of their own and got what they requested, or by adaptive what their family "
             "needed.\n",
             base::FormatCount(static_cast<std::int64_t>(any.executions)),
             base::FormatCount(static_cast<std::int64_t>(any.signatures)), any.used_gbh,
             base::FormatCount(static_cast<std::int64_t>(any.cold_starts)));
}

template <typename T>
std::string RenderAs(const std::vector<T>& entries, OutputFormat format) {
  switch (format) {
    case OutputFormat::kTable:
      return RenderTable(entries);
    case OutputFormat::kJson:
      return ToText(ToArray(entries));
    case OutputFormat::kYaml:
      return ToYaml(ToArray(entries));
  }
  return "";
}

}  // namespace

base::Result<OutputFormat> ParseOutputFormat(std::string_view name) {
  if (name == "table") return OutputFormat::kTable;
  if (name == "json") return OutputFormat::kJson;
  if (name == "yaml") return OutputFormat::kYaml;
  return base::Fail(base::Code::kInvalidArgument,
                    fmt::format("output \"{}\" is not table, json or yaml", name));
}

std::string Render(const std::vector<ReplayRow>& rows, OutputFormat format) {
  return RenderAs(rows, format);
}

std::string Render(const std::vector<BacktestResult>& results, OutputFormat format) {
  return RenderAs(results, format);
}

}  // namespace sparkfit::replay
