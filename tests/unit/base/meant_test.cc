// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/base/meant.h"

#include <catch2/catch.hpp>

namespace sparkfit::base {
namespace {

std::string Wrong(std::string_view text, Bytes least = kSmallestBound) {
  const auto bound = ParseBound(text, least);
  return bound ? "fine" : bound.error().message;
}

// What stands between "; " and "?" at the end of the message.
std::string Meant(std::string_view text, Bytes least = kSmallestBound) {
  const auto message = Wrong(text, least);
  const auto at = message.rfind("; ");
  return at == std::string::npos ? "" : message.substr(at + 2);
}

TEST_CASE("a bound of 64Mi and more in any unit of bytes is fine", "[base][meant]") {
  CHECK(ParseBound("64Mi") == MiB(64));
  CHECK(ParseBound("67108864") == MiB(64));
  CHECK(ParseBound("4096M") == Bytes{4'096'000'000});
  CHECK(ParseBound("4e9") == Bytes{4'000'000'000});
  CHECK(ParseBound("0.5Gi") == MiB(512));
  CHECK(ParseBound("1Pi") == kLargestPlausible);
}

TEST_CASE("what is wrong with a bound is said as Kubernetes reads it", "[base][meant]") {
  CHECK(Wrong("4096m") == "\"4096m\" is 4.096 bytes in Kubernetes; 4096Mi?");
  CHECK(Wrong("500m") == "\"500m\" is 0.5 bytes in Kubernetes; 500Mi?");
  CHECK(Wrong("1.5m") == "\"1.5m\" is 0.0015 bytes in Kubernetes; 1.5Gi?");
  CHECK(Wrong("4000m") == "\"4000m\" is 4 bytes in Kubernetes; 4000Mi?");
  CHECK(Wrong("4096") == "\"4096\" is 4096 bytes in Kubernetes; 4096Mi?");
  CHECK(Wrong("63Mi") == "\"63Mi\" is less than 64Mi; 63Gi?");
  CHECK(Wrong("67108863") == "\"67108863\" is less than 64Mi; 67108863Ki?");
  // Thousandths of bytes are never meant, however many.
  CHECK(Wrong("6442450944000m") == "\"6442450944000m\" is 6442450944 bytes in Kubernetes; 6144Mi?");
  for (const auto* zero : {"0", "0Gi", "0.0", "-0"})
    CHECK_THAT(Wrong(zero), Catch::Contains("is no bound"));
  CHECK_THAT(Wrong("-1Gi"), Catch::Contains("negative; 1Gi?"));
  CHECK_THAT(Wrong("-1"), Catch::EndsWith("is negative"));
  CHECK_THAT(Wrong("4g"), Catch::Contains("is not a quantity"));
}

TEST_CASE("a bound is meant in the unit that was written, where it is one of an executor",
          "[base][meant]") {
  struct Case {
    const char* text;
    const char* meant;
  };
  const Case cases[] = {{"4g", "4Gi?"},
                        {"4GB", "4Gi?"},
                        {"4gb", "4Gi?"},
                        {"4 Gi", "4Gi?"},
                        {"4GiB", "4Gi?"},
                        {"4gi", "4Gi?"},
                        {"1.5g", "1.5Gi?"},
                        {"6144mb", "6144Mi?"},
                        {"6144MB", "6144Mi?"},
                        {"6144mi", "6144Mi?"},
                        {"6144 megabytes", "6144Mi?"},
                        {"4194304kb", "4194304Ki?"},
                        {"1tb", "1Ti?"},
                        // In the unit that was written it would be no executor.
                        {"4Ki", "4Gi?"},
                        {"4M", "4Gi?"},
                        {"4096k", "4096Mi?"},
                        {"4096Ti", "4096Mi?"},
                        {"6442450944Mi", "6442450944?"},
                        {"4096u", "4096Mi?"},
                        {"4294967296B", "4294967296?"},
                        // Without a unit.
                        {"4", "4Gi?"},
                        {"0.5", "0.5Gi?"},
                        {"65536", "65536Mi?"},
                        {"4194304", "4194304Ki?"},
                        // Nothing is likely.
                        {"", ""},
                        {"lots", ""},
                        {"4,096Mi", ""},
                        {"4 or 5 Gi", ""},
                        {"90%", ""},
                        {"4x", ""},
                        {"--4Gi", ""},
                        {"0", ""},
                        {"99999999999999999999999999999999", ""}};
  for (const auto& c : cases) {
    INFO(c.text);
    CHECK(Meant(c.text) == c.meant);
  }
  CHECK(Meant(std::string(100'000, '4')).empty());
  CHECK(Wrong(std::string(100'000, '4')).size() < 200);
}

TEST_CASE("the least that is a bound may be another", "[base][meant]") {
  CHECK(ParseBound("1Mi", MiB(1)) == MiB(1));
  CHECK(Meant("100m", MiB(1)) == "100Mi?");
}

TEST_CASE("a name is near whatever its case and separators, or with two letters wrong",
          "[base][meant]") {
  const std::string_view known[] = {"percentile", "adaptive", "max", "halfLife", "Off", ""};
  CHECK(Nearest("adaptve", known) == "adaptive");
  CHECK(Nearest("ADAPTIVE", known) == "adaptive");
  CHECK(Nearest("half-life", known) == "halfLife");
  CHECK(Nearest("precentlie", known) == "percentile");  // two swaps
  CHECK(Nearest("mxa", known) == "max");
  CHECK(Nearest("off", known) == "Off");
  const std::string_view alike[] = {"margin", "margins"};
  CHECK(Nearest("Margin", alike) == "margin");
  CHECK(Nearest("on", known).empty());  // two of three letters
  CHECK(Nearest("p90", known).empty());
  CHECK(Nearest("", known).empty());
  CHECK(Nearest(std::string(100'000, 'a'), known).empty());
}

TEST_CASE("what people write for yes and no is understood, and not taken", "[base][meant]") {
  CHECK(ParseBoolean("true") == true);
  CHECK(ParseBoolean("false") == false);
  for (const auto* yes : {"True", "TRUE", "yes", "1", "on", "ture"}) {
    INFO(yes);
    CHECK_THAT(ParseBoolean(yes).error().message, Catch::EndsWith("; true?"));
  }
  for (const auto* no : {"False", "No", "0", "off", "fasle"}) {
    INFO(no);
    CHECK_THAT(ParseBoolean(no).error().message, Catch::EndsWith("; false?"));
  }
  CHECK(ParseBoolean("maybe").error().message == "\"maybe\" is neither true nor false");
}

TEST_CASE("a percentage is a share that was meant where it cannot be one itself", "[base][meant]") {
  CHECK(MeantShare("90", 0, 1) == "0.9");
  CHECK(MeantShare("29%", 0, 10) == "0.29");
  CHECK(MeantShare("120", 1, 10) == "1.2");
  CHECK(MeantShare("1.01", 0, 1).empty());
  CHECK(MeantShare("nan", 0, 1).empty());
  CHECK(MeantShare("inf%", 0, 1).empty());
  CHECK(MeantShare("9000", 0, 10).empty());
  CHECK(MeantShare("lots", 0, 1).empty());
}

}  // namespace
}  // namespace sparkfit::base
