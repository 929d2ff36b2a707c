// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/recommend/spark_settings.h"

#include <catch2/catch.hpp>

namespace sparkfit::recommend {
namespace {

using base::MiB;
using model::OverheadClass;

std::string Conf(Split size, std::optional<OverheadClass> overhead) {
  return OnCommandLine(SettingsFor(size, overhead), " ");
}

TEST_CASE("the overhead is set only where Spark would not make it", "[recommend][settings]") {
  // max(10 % of 900, 384) = 384
  CHECK(Conf({MiB(900), MiB(384)}, OverheadClass::kDefaultJvm) ==
        "--conf spark.executor.memory=900m");
  for (const auto& [size, overhead] :
       {std::pair{Split{MiB(900), MiB(385)}, OverheadClass::kDefaultJvm},
        std::pair{Split{MiB(900), MiB(384)}, OverheadClass::kExplicit}}) {
    CHECK_THAT(Conf(size, overhead), Catch::Contains("spark.executor.memoryOverhead=38"));
    CHECK_FALSE(OverheadFollows(size, overhead));
  }
}

TEST_CASE("an overhead of unknown making is set", "[recommend][settings]") {
  CHECK(Conf({MiB(900), MiB(384)}, std::nullopt) ==
        "--conf spark.executor.memory=900m --conf spark.executor.memoryOverhead=384m");
}

}  // namespace
}  // namespace sparkfit::recommend
