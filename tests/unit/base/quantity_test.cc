// SPDX-License-Identifier: Apache-2.0
//
// The grammar of k8s.io/apimachinery/pkg/api/resource/quantity.go.
#include "sparkfit/base/quantity.h"

#include <catch2/catch.hpp>
#include <clocale>
#include <limits>

namespace sparkfit::base {
namespace {

constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();

TEST_CASE("quantities of the whole grammar are read", "[base][quantity]") {
  struct Case {
    const char* text;
    std::int64_t value;
  };
  const Case cases[] = {{"0", 0},
                        {"1408Mi", 1476395008},
                        {"543984Ki", 557039616},
                        {"1.5Gi", 1610612736},
                        {".5Ki", 512},
                        {"5.", 5},
                        {"+7", 7},
                        {"-7", -7},
                        {"1e3", 1000},
                        {"1E3", 1000},
                        {"1.5e3", 1500},
                        {"15e-1", 2},  // 1.5, rounded away from zero
                        {"-1.5", -2},
                        {"100m", 1},  // 0.1, up
                        {"1000m", 1},
                        {"1001m", 2},
                        {"1n", 1},
                        {"1u", 1},
                        {"0n", 0},
                        {"-1m", -1},
                        {"12E", kLargest},  // exa: 1.2e19 is beyond 2^63
                        {"8E", 8000000000000000000},
                        {"12E3", 12000},  // an exponent
                        {"12e0", 12},
                        {"1e-3", 1},
                        {"7Ei", 8070450532247928832},
                        {"8Ei", kLargest},  // 2^63
                        {"-8Ei", -kLargest},
                        {"3k", 3000},
                        {"3M", 3000000},
                        {"3G", 3000000000},
                        {"3T", 3000000000000},
                        {"3P", 3000000000000000},
                        {"2Ti", 2199023255552},
                        {"2Pi", 2251799813685248},
                        {"9223372036854775807", kLargest},
                        {"9223372036854775808", kLargest},
                        {"99999999999999999999999999", kLargest},
                        {"1e400", kLargest},
                        {"1e-400", 1},
                        {"0e400", 0},
                        {"0.1Ki", 103},  // 102.4
                        {"0.000000000000000000000000000001", 1},
                        {"000000000000000000000000000000012", 12}};
  for (const auto& c : cases) {
    INFO(c.text);
    const auto value = ParseQuantity(c.text);
    REQUIRE(value.has_value());
    CHECK(*value == c.value);
  }
}

TEST_CASE("what is no quantity is refused", "[base][quantity]") {
  for (const auto* text : {"",         " ",
                           "Mi",       "+",
                           "-",        ".",
                           "1ki",      "1KI",
                           "1K",       "1 Gi",
                           " 1",       "1 ",
                           "1e",       "1e+",
                           "1.1.1",    "0x10",
                           "1e1.5",    "NaN",
                           "inf",      "1Mi1",
                           "1,5",      "--1",
                           "+-1",      "1mi",
                           "\xc2\xb5", "1e99999999999999999999x"}) {
    INFO('"' << text << '"');
    const auto value = ParseQuantity(text);
    REQUIRE_FALSE(value.has_value());
    CHECK(value.error().code == Code::kMalformed);
  }
  CHECK_FALSE(ParseQuantity(std::string(1000, '1') + "Mi").has_value());
}

TEST_CASE("memory is neither negative nor more than 1Pi", "[base][quantity]") {
  CHECK(ParseMemory("1Pi") == kLargestPlausible);
  CHECK(ParseMemory("0") == Bytes{0});
  CHECK_FALSE(ParseMemory("-1").has_value());
  CHECK_FALSE(ParseMemory("1025Ti").has_value());
  CHECK_FALSE(ParseMemory("12E").has_value());
}

TEST_CASE("a JVM size is MiB unless it says otherwise", "[base][quantity]") {
  struct Case {
    const char* text;
    Bytes value;
  };
  const Case cases[] = {{"4g", GiB(4)},           {"4G", GiB(4)},    {"4gb", GiB(4)},
                        {"2048m", MiB(2048)},     {"900", MiB(900)}, {"1T", GiB(1024)},
                        {"5kb", {5120}},          {"7b", {7}},       {"1048576k", GiB(1)},
                        {"1p", kLargestPlausible}};
  for (const auto& c : cases) {
    INFO(c.text);
    CHECK(ParseJvmMemory(c.text) == c.value);
  }
  for (const auto* text :
       {"", "g", "-1g", "1.5g", "4x", "4gg", "4gib", "4bb", "2p", "99999999999t", " 4g"}) {
    INFO(text);
    CHECK_FALSE(ParseJvmMemory(text).has_value());
  }
}

TEST_CASE("amounts are written in the shortest exact form", "[base][quantity]") {
  CHECK(FormatQuantity(MiB(5734)) == "5734Mi");
  CHECK(FormatQuantity({std::int64_t{2155092} * 1024}) == "2155092Ki");
  CHECK(FormatQuantity({1000}) == "1000");
  CHECK(FormatQuantity({0}) == "0");
}

TEST_CASE("amounts for people have thousands and at most one decimal", "[base][quantity]") {
  CHECK(FormatMiB(MiB(1234567)) == "1,234,567 MiB");
  CHECK(FormatMiB({2208153955}) == "2,105.9 MiB");  // 2105.86…
  CHECK(FormatMiB({MiB(1).value + 1}) == "1.0 MiB");
  CHECK(FormatMiB({MiB(1000).value - 1}) == "1,000.0 MiB");
  CHECK(FormatCount(0) == "0");
  CHECK(FormatCount(999) == "999");
  CHECK(FormatCount(1000) == "1,000");
  CHECK(FormatCount(-1234567) == "-1,234,567");
}

TEST_CASE("scaling truncates and saturates", "[base][bytes]") {
  CHECK(Scaled({10}, 1.29) == Bytes{12});
  CHECK(Scaled(kLargestPlausible, 10) == kLargestPlausible);
  CHECK(Scaled({1}, std::numeric_limits<double>::quiet_NaN()) == kLargestPlausible);
  CHECK(Bytes{1}.RoundedUpToMiB() == MiB(1));
  CHECK(MiB(3).RoundedUpToMiB() == MiB(3));
}

TEST_CASE("thousandths of quantities", "[base][quantity]") {
  CHECK(ParseThousandths("1.5") == 1500);
  CHECK(ParseThousandths("1500m") == 1500);
  CHECK(ParseThousandths("2") == 2000);
  CHECK(ParseThousandths("1Ki") == 1024000);
  CHECK(ParseThousandths("1u") == 1);  // up
  CHECK(ParseThousandths("-1.5") == -1500);
  CHECK(ParseThousandths("10E") == kLargest);
  CHECK_FALSE(ParseThousandths("x"));
}

}  // namespace
}  // namespace sparkfit::base
