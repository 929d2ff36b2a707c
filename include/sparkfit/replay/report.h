// SPDX-License-Identifier: Apache-2.0
//
// Results for people (tables that explain themselves) and for programs (JSON, YAML).
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "sparkfit/base/result.h"
#include "sparkfit/replay/backtest.h"
#include "sparkfit/replay/replay.h"

namespace sparkfit::replay {

enum class OutputFormat { kTable, kJson, kYaml };

std::vector<std::string> OutputFormats();  // their names
base::Result<OutputFormat> ParseOutputFormat(std::string_view name);

// JSON and YAML: an array in the order of the rows, fields as in docs/formats.md; unknown values
// are null. The text ends with a line end. REQUIRES: not kTable, of rows.
std::string Render(const std::vector<ReplayRow>& rows, OutputFormat format);
std::string Render(const std::vector<BacktestResult>& results, OutputFormat format);
// One entry of those arrays.
nlohmann::ordered_json ToJson(const ReplayRow& row);
nlohmann::ordered_json ToJson(const BacktestResult& result);
// Null where no run was judged.
nlohmann::ordered_json ToJson(const model::Accuracy& accuracy);
// Any document, as JSON or YAML. REQUIRES: not kTable.
std::string Render(const nlohmann::ordered_json& document, OutputFormat format);

}  // namespace sparkfit::replay
