// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/base/gzip.h"

#include <catch2/catch.hpp>

namespace sparkfit::base {
namespace {

TEST_CASE("gzip and back", "[base]") {
  std::string text;
  for (int i = 0; i < 100000; ++i) text += std::to_string(i);
  for (const auto& whole : {std::string(), std::string("x"), text}) {
    CHECK(Gunzip(Gzip(whole), whole.size()) == whole);
  }
  CHECK(Gunzip(Gzip("one, ") + Gzip("two"), 100) == "one, two");
}

TEST_CASE("what is damaged, cut off or inflates to more than it may is refused", "[base]") {
  const auto packed = Gzip(std::string(1000, 'x'));
  CHECK(Gunzip(packed, 1000));
  CHECK_FALSE(Gunzip(packed, 999));
  CHECK_FALSE(Gunzip(Gzip(std::string(std::size_t{64} << 20, '\0')), std::size_t{1} << 20));
  CHECK_FALSE(Gunzip("no gzip", 1000));
  for (std::size_t size = 1; size < packed.size(); ++size) {
    CHECK_FALSE(Gunzip(packed.substr(0, size), 1000));
  }
}

}  // namespace
}  // namespace sparkfit::base
