// SPDX-License-Identifier: Apache-2.0
//
// The settings that give executors a recommended size: for `conf` and for reports alike.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sparkfit/model/shape.h"
#include "sparkfit/recommend/split.h"

namespace sparkfit::recommend {

// Keys and values, in the order in which they are shown.
using SparkSettings = std::vector<std::pair<std::string, std::string>>;

// Whether Spark makes just this overhead of this heap by itself, so that the heap says all. False
// where it is not known how the overhead is composed.
bool OverheadFollows(const Split& size, std::optional<model::OverheadClass> overhead);

// As Spark takes an amount: whole MiB, rounded up.
std::string SparkSize(base::Bytes amount);

// Amounts in whole MiB, rounded up. The overhead is set only where it does not follow.
SparkSettings SettingsFor(const Split& size, std::optional<model::OverheadClass> overhead);

// "--conf KEY=VALUE", with this between two of them.
std::string OnCommandLine(const SparkSettings& settings, std::string_view separator);

// What a person should know before using settings with an overhead of their own.
inline constexpr std::string_view kExplicitOverheadNote =
    "the overhead holds off-heap and PySpark memory too; where the job sets "
    "spark.memory.offHeap.size or spark.executor.pyspark.memory, take them off memoryOverhead";

}  // namespace sparkfit::recommend
