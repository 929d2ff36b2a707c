// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/recommend/split.h"

#include <catch2/catch.hpp>

namespace sparkfit::recommend {
namespace {

using base::MiB;
using model::OverheadClass;

// Executors that were submitted with this heap and this much outside of it.
SplitRule Rule(std::int64_t heap_mib, std::int64_t outside_mib,
               std::int64_t least_outside_mib = 0) {
  PartBounds bounds;
  bounds.least_outside = MiB(least_outside_mib);
  return *RuleFor({MiB(heap_mib + outside_mib), MiB(heap_mib)}, bounds);
}
const SplitRule kJvm = Rule(8192, 819);
const SplitRule kPython = Rule(8192, 3276);

void CheckSplit(std::int64_t total, const SplitRule& rule, std::int64_t heap,
                std::int64_t overhead) {
  INFO("total " << total);
  const auto split = SplitTotal(MiB(total), rule);
  REQUIRE(split.has_value());
  CHECK(split->heap == MiB(heap));
  CHECK(split->overhead == MiB(overhead));
}

TEST_CASE("a default overhead is computed anew for the new heap", "[recommend][split]") {
  CheckSplit(2432, kJvm, 2048, 384);  // Spark's own sizes come back
  CheckSplit(9011, kJvm, 8192, 819);
  CheckSplit(1136, kJvm, 752, 384);
  // 9009 + 900 = 9909 fits; 9010 + 901 = 9911 does not: the odd MiB goes to the overhead.
  CheckSplit(9910, kJvm, 9009, 901);
  CheckSplit(11468, kPython, 8192, 3276);
}

TEST_CASE("an explicit overhead gives, and not the heap", "[recommend][split]") {
  // 8 GiB of heap and 32 GiB outside: the heap stays, whatever is cut.
  const auto off_heap = Rule(8192, 32768);
  CheckSplit(40960, off_heap, 8192, 32768);
  CheckSplit(30067, off_heap, 8192, 21875);
  // Beside a heap stays what Spark would give by default: 8192 + 819 = 9011, 8191 + 819 = 9010.
  CheckSplit(9010, off_heap, 8191, 819);
  // A total that grows is for what is outside.
  CheckSplit(50000, off_heap, 8192, 41808);
}

TEST_CASE("an explicit overhead below Spark's default is no less than it was",
          "[recommend][split]") {
  CheckSplit(970, Rule(900, 70), 900, 70);
  CheckSplit(800, Rule(900, 70), 730, 70);
}

TEST_CASE("a heap that was submitted below what Spark starts with is raised to that",
          "[recommend][split]") {
  CheckSplit(600, Rule(48, 16), 512, 88);
}

TEST_CASE("a heap is no larger than what is needed beside an explicit overhead",
          "[recommend][split]") {
  auto rule = Rule(29789, 2979);
  rule.bounds.most_heap = MiB(11264);
  CheckSplit(15054, rule, 11264, 3790);
  rule.bounds.least_heap = MiB(12000);  // an OOM asked for more
  CheckSplit(15054, rule, 12000, 3054);
  auto by_default = kJvm;
  by_default.bounds.most_heap = MiB(1000);  // what is left of a default overhead is heap
  CheckSplit(2432, by_default, 2048, 384);
}

TEST_CASE("what an OOM asked for is the least beside a heap", "[recommend][split]") {
  CheckSplit(3000, Rule(8192, 819, 900), 2100, 900);
  CheckSplit(1164, Rule(900, 70, 264), 900, 264);
  CheckSplit(20480, Rule(8192, 819, 900), 18619, 1861);  // the default is more
}

TEST_CASE("a total that is no whole number of MiB loses nothing", "[recommend][split]") {
  const auto split = SplitTotal({MiB(2432).value + 5}, kJvm);
  REQUIRE(split.has_value());
  CHECK(split->heap == MiB(2048));
  CHECK(split->heap + split->overhead == base::Bytes{MiB(2432).value + 5});
}

TEST_CASE("a heap that Spark could not start with is no split", "[recommend][split]") {
  CHECK_FALSE(SplitTotal(MiB(895), kJvm).has_value());
  CheckSplit(896, kJvm, 512, 384);
  CHECK_FALSE(SplitTotal(MiB(0), kJvm).has_value());
  CHECK(SmallestTotal(kJvm) == MiB(896));
  CHECK(SmallestTotal(Rule(900, 70)) == MiB(582));
  CHECK(SmallestTotal(Rule(900, 70, 264)) == MiB(582));  // what an OOM asks for is another bound
}

TEST_CASE("what OOMs ask for in all is the heap and what belongs beside it", "[recommend][split]") {
  CHECK(LeastTotal(kJvm) == MiB(0));
  auto rule = kJvm;
  rule.bounds.least_heap = MiB(9831);
  CHECK(LeastTotal(rule) == MiB(9831 + 983));
  rule.bounds.least_outside = MiB(2000);
  CHECK(LeastTotal(rule) == MiB(11831));
}

TEST_CASE("without a known heap there is no rule", "[recommend][split]") {
  CHECK_FALSE(RuleFor({MiB(1408), std::nullopt}, {}).has_value());
  const auto rule = RuleFor({MiB(970), MiB(900)}, {});
  REQUIRE(rule.has_value());
  CHECK(rule->overhead == OverheadClass::kExplicit);
  CHECK(rule->heap == MiB(900));
  CHECK(rule->outside == MiB(70));
}

}  // namespace
}  // namespace sparkfit::recommend
