// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/model/application_id.h"

#include <catch2/catch.hpp>

namespace sparkfit::model {
namespace {

const std::string kMade = "spark-0123456789abcdef00ff10a0b0c0d0e9";

TEST_CASE("an application's id is the text it was made from, and so are its copies",
          "[model][application-id]") {
  const auto text =
      GENERATE(std::string(kMade), std::string(), std::string("x"), std::string(300, 'a'),
               std::string("spark-0123456789ABCDEF00ff10a0b0c0d0e9"),   // no digits of Java's
               std::string("spark-0123456789abcdef00ff10a0b0c0d0e"),    // one too few
               std::string("spark-0123456789abcdef00ff10a0b0c0d0e9f"),  // one too many
               std::string("spork-0123456789abcdef00ff10a0b0c0d0e9"),
               std::string("application_1700000000000_0001"));
  ApplicationId id{text};
  CHECK(id == text);
  CHECK(id.Text() == text);
  ApplicationId copy{id};
  id = ApplicationId("other");
  CHECK(copy == text);
  CHECK(id == "other");
  copy = id;
  CHECK(copy == "other");
  CHECK(id == "other");
  id = ApplicationId{};
  CHECK(id == "");
  CHECK(copy == "other");
}

TEST_CASE("ids that differ anywhere are different", "[model][application-id]") {
  const ApplicationId id{kMade};
  for (std::size_t i = 0; i < kMade.size(); ++i) {
    auto other = kMade;
    other[i] = other[i] == '7' ? '8' : '7';
    INFO(other);
    CHECK_FALSE(id == other);
    CHECK_FALSE(ApplicationId(other) == kMade);
  }
  CHECK_FALSE(id == "");
  CHECK_FALSE(ApplicationId{} == kMade);
}

TEST_CASE("an id ends before a NUL", "[model][application-id]") {
  CHECK(ApplicationId(std::string_view("ab\0c", 4)) == "ab");
}

}  // namespace
}  // namespace sparkfit::model
