// SPDX-License-Identifier: Apache-2.0
#include "cluster/shares.h"

#include <catch2/catch.hpp>

namespace sparkfit::cluster {
namespace {

TEST_CASE("a namespace takes its share at most, and all together no more than there is",
          "[cluster]") {
  Shares shares(20, 50);
  CHECK(shares.Take("a", 15));
  CHECK(!shares.Take("a", 6));
  CHECK(shares.Take("a", 5));
  CHECK(!shares.Take("a"));
  CHECK(shares.Take("b", 20));
  CHECK(!shares.Take("c", 11));
  CHECK(shares.Take("c", 10));
  CHECK(!shares.Take("d"));
}

TEST_CASE("what a namespace gives back it may take again, and so may others", "[cluster]") {
  Shares shares(20, 30);
  CHECK(shares.Take("a", 20));
  CHECK(!shares.Take("b", 11));
  shares.GiveBack("a", 5);
  CHECK(!shares.Take("a", 6));
  CHECK(shares.Take("a", 3));
  CHECK(shares.Take("b", 12));
  CHECK(!shares.Take("b"));
}

}  // namespace
}  // namespace sparkfit::cluster
