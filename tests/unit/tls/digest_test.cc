// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/tls/digest.h"

#include <catch2/catch.hpp>

namespace sparkfit::tls {
namespace {

TEST_CASE("a digest is SHA-256", "[tls]") {
  // FIPS 180-4, the example of one block: "abc".
  constexpr char kWanted[] =
      "\xba\x78\x16\xbf\x8f\x01\xcf\xea\x41\x41\x40\xde\x5d\xae\x22\x23"
      "\xb0\x03\x61\xa3\x96\x17\x7a\x9c\xb4\x10\xff\x61\xf2\x00\x15\xad";
  const std::string wanted(kWanted, 32);
  CHECK(Digest("abc") == wanted);
  CHECK(Digest("abd") != wanted);
}

}  // namespace
}  // namespace sparkfit::tls
