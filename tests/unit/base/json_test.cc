// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/base/json.h"

#include <catch2/catch.hpp>
#include <string>

namespace sparkfit::base {
namespace {

std::string Times(std::size_t times, const std::string& unit) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) text += unit;
  return text;
}

TEST_CASE("JSON becomes a tree only within bounds, however its bytes come", "[base][json]") {
  const JsonBounds bounds{.values = 5, .text = 4, .depth = 3};
  const auto fits = [&](const std::string& text) {
    JsonGauge whole(bounds);
    JsonGauge drops(bounds);
    bool all = true;
    for (const char c : text) all = all && drops.Feed({&c, 1});
    CHECK(whole.Feed(text) == all);
    return all;
  };
  CHECK(fits("[1,2,3,4,5]"));
  CHECK_FALSE(fits("[1,2,3,4,5,6]"));
  CHECK_FALSE(fits("[[],[],[],7]"));  // three commas, four lists
  CHECK(fits("[[[]]]"));
  CHECK_FALSE(fits("[[[[]]]]"));
  CHECK(fits(R"("1234")"));
  CHECK_FALSE(fits(R"("12345")"));
  CHECK(fits(R"("[\"[")"));        // brackets within a text, and a quote
  CHECK(fits(R"("\\",["[[["])"));  // an escape that ends before the quote
  CHECK(fits("]]]]}}"));           // no JSON, but nothing to fear
}

TEST_CASE("what is no JSON or too much of it is discarded", "[base][json]") {
  CHECK(ParseJson(R"({"a":[1]})")["a"][0] == 1);
  CHECK(ParseJson("nuWl").is_discarded());
  CHECK(ParseJson("").is_discarded());
  CHECK(ParseJson(Times(65, "[") + Times(65, "]")).is_discarded());
  CHECK_FALSE(ParseJson(Times(64, "[") + Times(64, "]")).is_discarded());
  CHECK(ParseJson("[" + Times(50'000, "0,") + "0]").is_discarded());
  CHECK(ParseJson("\"" + std::string(std::size_t{2} << 20, 'x') + "\"").is_discarded());
}

}  // namespace
}  // namespace sparkfit::base
