// SPDX-License-Identifier: Apache-2.0
#include "cluster/shares.h"

#include <catch2/catch.hpp>

namespace sparkfit::cluster {
namespace {

TEST_CASE("a namespace takes its share at most, and leaves as much as it has", "[cluster]") {
  Shares shares(20, 50);
  CHECK(shares.Take("a", 15));
  CHECK(!shares.Take("a", 6));
  CHECK(shares.Take("a", 5));
  CHECK(!shares.Take("a"));
  // Of the 30 that are left no more than half.
  CHECK(!shares.Take("b", 16));
  CHECK(shares.Take("b", 15));
  CHECK(!shares.Take("b"));
  CHECK(!shares.Take("c", 8));
  CHECK(shares.Take("c", 7));
  CHECK(shares.Take("d", 4));
}

TEST_CASE("however many namespaces take what they can, another gets something", "[cluster]") {
  Shares shares(1000, 4000);
  for (int i = 0; i < 8; ++i) {
    const auto hostile = "tenant-" + std::to_string(i);
    while (shares.Take(hostile)) {
    }
  }
  CHECK(shares.Room("honest") > 0);
}

TEST_CASE("what a namespace gives back it may take again, and so may others", "[cluster]") {
  Shares shares(20, 40);
  CHECK(shares.Take("a", 20));
  CHECK(!shares.Take("b", 11));
  shares.GiveBack("a", 5);
  CHECK(!shares.Take("a", 6));
  CHECK(shares.Take("a", 3));
  CHECK(shares.Take("b", 11));
  CHECK(!shares.Take("b"));
}

TEST_CASE("what a namespace has for its own nobody else takes", "[cluster]") {
  OwnAndShares shares(20, 40);
  shares.Grant("honest", 100);
  CHECK(shares.Take("a", 20));
  CHECK(!shares.Take("a", 1));
  CHECK(shares.Take("b", 10));
  CHECK(shares.Room("honest") == 105);
  CHECK(!shares.Take("honest", 106));
  CHECK(shares.Take("honest", 105));
  CHECK(!shares.Take("honest", 1));
}

}  // namespace
}  // namespace sparkfit::cluster
