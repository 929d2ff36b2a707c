// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/recommend/inflation.h"

#include <catch2/catch.hpp>

#include "history_builder.h"

namespace sparkfit::recommend {
namespace {

using base::MiB;

TEST_CASE("peaks of at least 55 % of the heap may be the heap's doing", "[recommend]") {
  const auto size = test::DefaultSize(4000);  // 55 % are 2200
  CHECK(FindInflation(size, MiB(2199)) == Inflation::kBelow);
  CHECK(FindInflation(size, MiB(2200)) == Inflation::kPossible);
}

TEST_CASE("without a heap or a peak nothing is known of inflation", "[recommend]") {
  CHECK(FindInflation({MiB(4000), std::nullopt}, MiB(3000)) == Inflation::kUnknown);
  CHECK(FindInflation(test::DefaultSize(4000), {}) == Inflation::kUnknown);
}

TEST_CASE("every answer has a reason and a sentence", "[recommend]") {
  for (const auto inflation :
       {Inflation::kUnknown, Inflation::kBelow, Inflation::kPossible, Inflation::kTried}) {
    CHECK_FALSE(Name(inflation).empty());
    CHECK(Describe(inflation).back() == '.');
  }
}

}  // namespace
}  // namespace sparkfit::recommend
