// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/recommend/split.h"

#include <catch2/catch.hpp>

namespace sparkfit::recommend {
namespace {

using base::MiB;
using model::OverheadClass;

SplitRule Rule(OverheadClass overhead, std::int64_t explicit_mib = 0, std::int64_t least_mib = 0) {
  return {overhead, MiB(explicit_mib), {.least = MiB(least_mib), .most = {}}};
}

void CheckSplit(std::int64_t total, const SplitRule& rule, std::int64_t heap,
                std::int64_t overhead) {
  INFO("total " << total);
  const auto split = SplitTotal(MiB(total), rule);
  REQUIRE(split.has_value());
  CHECK(split->heap == MiB(heap));
  CHECK(split->overhead == MiB(overhead));
}

TEST_CASE("a default overhead is computed anew for the new heap", "[recommend][split]") {
  const auto jvm = Rule(OverheadClass::kDefaultJvm);
  CheckSplit(2432, jvm, 2048, 384);  // Spark's own sizes come back
  CheckSplit(9011, jvm, 8192, 819);
  CheckSplit(1136, jvm, 752, 384);
  // 9009 + 900 = 9909 fits; 9010 + 901 = 9911 does not: the odd MiB goes to the overhead.
  CheckSplit(9910, jvm, 9009, 901);
  CheckSplit(11468, Rule(OverheadClass::kDefaultPython), 8192, 3276);
}

TEST_CASE("an explicit overhead is kept", "[recommend][split]") {
  CheckSplit(3000, Rule(OverheadClass::kExplicit, 70), 2930, 70);
  CheckSplit(3000, Rule(OverheadClass::kExplicit, 2048), 952, 2048);
}

TEST_CASE("what an OOM asked for is the least overhead", "[recommend][split]") {
  CheckSplit(3000, Rule(OverheadClass::kDefaultJvm, 0, 900), 2100, 900);
  CheckSplit(3000, Rule(OverheadClass::kExplicit, 70, 264), 2736, 264);
  CheckSplit(20480, Rule(OverheadClass::kDefaultJvm, 0, 900), 18619, 1861);  // the default is more
}

TEST_CASE("what is known to be enough bounds Spark's default, not what somebody wrote",
          "[recommend][split]") {
  auto python = Rule(OverheadClass::kDefaultPython);
  python.bounds.most = MiB(500);
  CheckSplit(3000, python, 2500, 500);
  CheckSplit(1200, python, 816, 384);  // 40 % of 816 are less than 384, which are less than 500
  python.bounds.least = MiB(700);      // an OOM asked for more
  CheckSplit(3000, python, 2300, 700);
  auto written = Rule(OverheadClass::kExplicit, 1000);
  written.bounds.most = MiB(500);
  CheckSplit(3000, written, 2000, 1000);
}

TEST_CASE("a total that is no whole number of MiB loses nothing", "[recommend][split]") {
  const auto split = SplitTotal({MiB(2432).value + 5}, Rule(OverheadClass::kDefaultJvm));
  REQUIRE(split.has_value());
  CHECK(split->heap == MiB(2048));
  CHECK(split->heap + split->overhead == base::Bytes{MiB(2432).value + 5});
}

TEST_CASE("a heap that Spark could not start with is no split", "[recommend][split]") {
  CHECK_FALSE(SplitTotal(MiB(895), Rule(OverheadClass::kDefaultJvm)).has_value());
  CheckSplit(896, Rule(OverheadClass::kDefaultJvm), 512, 384);
  CHECK_FALSE(SplitTotal(MiB(2000), Rule(OverheadClass::kExplicit, 1489)).has_value());
  CHECK_FALSE(SplitTotal(MiB(0), Rule(OverheadClass::kDefaultJvm)).has_value());
  CHECK(SmallestTotal(Rule(OverheadClass::kDefaultJvm)) == MiB(896));
  CHECK(SmallestTotal(Rule(OverheadClass::kExplicit, 70)) == MiB(582));
  CHECK(SmallestTotal(Rule(OverheadClass::kExplicit, 70, 264)) == MiB(776));
}

TEST_CASE("without a known heap there is no rule", "[recommend][split]") {
  CHECK_FALSE(RuleFor({MiB(1408), std::nullopt}, {}).has_value());
  const auto rule = RuleFor({MiB(970), MiB(900)}, {.least = MiB(264), .most = {}});
  REQUIRE(rule.has_value());
  CHECK(rule->overhead == OverheadClass::kExplicit);
  CHECK(rule->explicit_overhead == MiB(70));
  CHECK(rule->bounds.least == MiB(264));
}

}  // namespace
}  // namespace sparkfit::recommend
