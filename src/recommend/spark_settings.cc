// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/recommend/spark_settings.h"

#include <fmt/format.h>

namespace sparkfit::recommend {

std::string SparkSize(base::Bytes amount) {
  return fmt::format("{}m", amount.RoundedUpToMiB().WholeMiB());
}

bool OverheadFollows(const Split& size, std::optional<model::OverheadClass> overhead) {
  return overhead && *overhead != model::OverheadClass::kExplicit &&
         model::DefaultOverhead(*overhead, size.heap) == size.overhead;
}

SparkSettings SettingsFor(const Split& size, std::optional<model::OverheadClass> overhead) {
  SparkSettings settings{{"spark.executor.memory", SparkSize(size.heap)}};
  if (!OverheadFollows(size, overhead)) {
    settings.emplace_back("spark.executor.memoryOverhead", SparkSize(size.overhead));
  }
  return settings;
}

std::string OnCommandLine(const SparkSettings& settings, std::string_view separator) {
  std::string text;
  for (const auto& [key, value] : settings) {
    text += fmt::format("{}--conf {}={}", text.empty() ? "" : separator, key, value);
  }
  return text;
}

}  // namespace sparkfit::recommend
