// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/base/base64.h"

#include <catch2/catch.hpp>

namespace sparkfit::base {
namespace {

TEST_CASE("base64 by the test vectors of RFC 4648, section 10", "[base]") {
  const std::pair<std::string, std::string> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    CHECK(EncodeBase64(plain) == encoded);
    CHECK(DecodeBase64(encoded) == plain);
  }
}

TEST_CASE("base64 holds every byte, passes line ends over and takes nothing else", "[base]") {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  CHECK(DecodeBase64(EncodeBase64(all)) == all);
  CHECK(DecodeBase64("Zm9v\nYmFy\r\n") == "foobar");
  for (const auto* text : {"Zm9v*", "Zm9v-", "\xff"}) CHECK_FALSE(DecodeBase64(text));
}

}  // namespace
}  // namespace sparkfit::base
