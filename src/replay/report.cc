// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/replay/report.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "sparkfit/base/meant.h"
#include "sparkfit/base/quantity.h"
#include "sparkfit/base/text.h"
#include "sparkfit/replay/text_table.h"
#include "sparkfit/wire/objects.h"

namespace sparkfit::replay {
namespace {

using base::Bytes;
using Json = nlohmann::ordered_json;

Json OrNull(const std::optional<Bytes>& amount) { return amount ? Json(amount->value) : Json(); }
Json OrNull(Bytes amount) { return amount.value > 0 ? Json(amount.value) : Json(); }

// Arrays and objects to any depth that a parser let through.
void Emit(YAML::Emitter& out, const Json& value) {
  if (value.is_null()) {
    out << YAML::Null;
  } else if (value.is_string()) {
    // Always quoted: a signature "no" or "1e3" must stay a string.
    out << YAML::DoubleQuoted << value.get<std::string>();
  } else if (value.is_array()) {
    out << YAML::BeginSeq;
    for (const auto& entry : value) Emit(out, entry);
    out << YAML::EndSeq;
  } else if (value.is_object()) {
    out << YAML::BeginMap;
    for (const auto& [key, member] : value.items()) {
      out << YAML::Key << key << YAML::Value;
      Emit(out, member);
    }
    out << YAML::EndMap;
  } else {
    out << value.dump();
  }
}

// As many decimals as a status has.
double Rounded(double hours) { return std::round(hours * 1e3) / 1e3; }

std::string ToYaml(const Json& document) {
  if (document.is_array() && document.empty()) return "[]\n";
  YAML::Emitter out;
  Emit(out, document);
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

std::string RenderTable(const std::vector<BacktestResult>& results) {
  TextTable table({{"POLICY", Align::kLeft},
                   {"WASTE GBh"},
                   {"ALLOCATED GBh"},
                   {"OOM EXECUTIONS"},
                   {"OOM KILLS"},
                   {"MAX RETRIES"},
                   {"UNSATISFIED"}});
  for (const auto& result : results) {
    table.Add({base::Printable(result.policy), fmt::format("{:.1f}", result.waste_gbh),
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

}  // namespace

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
          {"unknownEnds", row.totals.unknown_ends},
          {"peakBytes", OrNull(row.peak)},
          {"requestBytes", OrNull(row.request)},
          {"targetBytes", OrNull(recommendation.target)},
          {"targetRequestBytes", OrNull(recommendation.target_request)},
          {"lowerBytes", OrNull(recommendation.lower)},
          {"upperBytes", OrNull(recommendation.upper)},
          {"heapBytes", split ? Json(split->heap.value) : Json()},
          {"overheadBytes", split ? Json(split->overhead.value) : Json()},
          {"accuracy", ToJson(row.accuracy)},
          {"explanation", row.explanation}};
}

Json ToJson(const model::Accuracy& accuracy) {
  if (accuracy.Judged() == 0) return {};
  return wire::AccuracyOf(accuracy, Rounded);
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

std::vector<std::string> OutputFormats() { return {"table", "json", "yaml"}; }

base::Result<OutputFormat> ParseOutputFormat(std::string_view name) {
  if (name == "table") return OutputFormat::kTable;
  if (name == "json") return OutputFormat::kJson;
  if (name == "yaml") return OutputFormat::kYaml;
  const std::string_view known[] = {"table", "json", "yaml"};
  return base::Fail(
      base::Code::kInvalidArgument,
      fmt::format("output \"{}\" is not table, json or yaml{}", base::Beginning(name, 40),
                  base::Suggestion(base::Nearest(name, known))));
}

std::string Render(const std::vector<ReplayRow>& rows, OutputFormat format) {
  return Render(ToArray(rows), format);
}

std::string Render(const std::vector<BacktestResult>& results, OutputFormat format) {
  return format == OutputFormat::kTable ? RenderTable(results) : Render(ToArray(results), format);
}

std::string Render(const Json& document, OutputFormat format) {
  return format == OutputFormat::kYaml ? ToYaml(document) : ToText(document);
}

}  // namespace sparkfit::replay
