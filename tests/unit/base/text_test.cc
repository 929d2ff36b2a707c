// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/base/text.h"

#include <catch2/catch.hpp>

namespace sparkfit::base {
namespace {

TEST_CASE("nothing that is shown moves a cursor or turns the direction of writing",
          "[base][text]") {
  CHECK(Printable("plain \u00fc \u65e5 \u2026") == "plain \u00fc \u65e5 \u2026");
  CHECK(Printable("a\033[31mb\a\n\x7f") == "a?[31mb???");
  CHECK(Printable("a\u009bb") == "a?b");  // CSI as one character
  CHECK(Printable("a\u202eb\u2066c\u2028") == "a?b?c?");
  CHECK(Printable("\xe2\x80") == "\xe2\x80");  // cut off
  CHECK(Printable("\xc2") == "\xc2");
}

}  // namespace
}  // namespace sparkfit::base
