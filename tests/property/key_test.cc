// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/model/key.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>

namespace sparkfit::model {
namespace {

// Few characters, so that look-alikes are drawn often.
rc::Gen<std::string> Confusing() {
  return rc::gen::container<std::string>(rc::gen::element('a', '1', '2', ':', '/'));
}

TEST_CASE("two keys have one encoding only if they are equal", "[property]") {
  REQUIRE(rc::check([] {
    const Key a{*Confusing(), *Confusing(), *rc::gen::inRange(0, 30)};
    const Key b{*Confusing(), *Confusing(), *rc::gen::inRange(0, 30)};
    RC_ASSERT((a.Encode() == b.Encode()) == (a == b));
  }));
}

}  // namespace
}  // namespace sparkfit::model
