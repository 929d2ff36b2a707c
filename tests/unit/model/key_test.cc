// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/model/key.h"

#include <catch2/catch.hpp>

namespace sparkfit::model {
namespace {

TEST_CASE("a key's encoding carries the length of both texts", "[model][key]") {
  CHECK(Key{"jobs", "nightly", 0}.Encode() == "4:jobs7:nightly0");
  CHECK(Key{"jobs", "nightly", 12}.Encode() == "4:jobs7:nightly12");
}

TEST_CASE("keys that look alike when joined stay apart", "[model][key]") {
  CHECK(Key{"a", "bc", 0}.Encode() != Key{"ab", "c", 0}.Encode());
  CHECK(Key{"a", "1:b", 0}.Encode() != Key{"a1:", "b", 0}.Encode());
  CHECK(Key{"a", "b1", 0}.Encode() != Key{"a", "b", 10}.Encode());
  CHECK(Key{"", "", 0}.Encode() == "0:0:0");
}

TEST_CASE("keys sort by namespace, then signature, then profile", "[model][key]") {
  CHECK(Key{"a", "z", 9} < Key{"b", "a", 0});
  CHECK(Key{"a", "a", 9} < Key{"a", "b", 0});
  CHECK(Key{"a", "a", 2} < Key{"a", "a", 10});
}

}  // namespace
}  // namespace sparkfit::model
