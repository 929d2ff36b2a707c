// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/base/compact_text.h"

#include <catch2/catch.hpp>
#include <string>

namespace sparkfit::base {
namespace {

TEST_CASE("a compact text is the text it was made from, and so are its copies", "[base][text]") {
  const auto text = GENERATE(std::string(), std::string("x"), std::string(300, 'a'));
  CompactText compact{text};
  CHECK(compact == text);
  CompactText copy{compact};
  compact = CompactText("other");
  CHECK(copy == text);
  CHECK(compact == "other");
  copy = compact;
  CHECK(copy == "other");
  CHECK(compact == "other");
  compact = CompactText{};
  CHECK(compact == "");
  CHECK(copy == "other");
}

TEST_CASE("a compact text ends before a NUL", "[base][text]") {
  CHECK(CompactText(std::string_view("ab\0c", 4)) == "ab");
}

}  // namespace
}  // namespace sparkfit::base
