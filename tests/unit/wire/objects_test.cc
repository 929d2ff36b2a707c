// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/wire/objects.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <set>

namespace sparkfit::wire {
namespace {

using nlohmann::json;

// https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ (RFC 1123 label) and
// …/labels/#syntax-and-character-set.
bool IsIn(char c, const std::string& letters) { return letters.find(c) != std::string::npos; }
const std::string kLower = "abcdefghijklmnopqrstuvwxyz0123456789";
const std::string kAlphanumeric = kLower + "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

// At most 63 of these letters, the first and the last of `ends`.
bool Consists(const std::string& text, const std::string& ends, const std::string& between) {
  return text.size() <= 63 && IsIn(text.front(), ends) && IsIn(text.back(), ends) &&
         std::all_of(text.begin(), text.end(), [&](char c) { return IsIn(c, ends + between); });
}
bool IsName(const std::string& text) { return !text.empty() && Consists(text, kLower, "-"); }
bool IsLabelValue(const std::string& text) {
  return text.empty() || Consists(text, kAlphanumeric, "-_.");
}

TEST_CASE("every signature has a valid name and label, whatever is in it", "[wire][objects]") {
  std::vector<std::string> signatures{
      "nightly",    "a",      "-",          ".",        "_x_",
      "ÜBER-Größe", "x/../y", "UPPER Case", "\xff\xfe", std::string("a\0b", 3),
      "{{.}}",      "\n",     "日本語"};
  for (std::size_t length : {1, 39, 40, 41, 62, 63, 64, 252, 253}) {
    signatures.push_back(std::string(length, 'x'));
    signatures.push_back(std::string(length, '-'));
    signatures.push_back(std::string(length - 1, '.') + "x");
  }
  for (int c = 0; c < 256; ++c) signatures.push_back(std::string(1, static_cast<char>(c)) + "job");
  std::set<std::string> names;
  std::set<std::string> labels;
  std::set<std::string> distinct;
  for (const auto& signature : signatures) {
    if (!distinct.insert(signature).second) continue;
    INFO(signature);
    for (const int profile : {0, 1, 2147483647}) {
      for (const int attempt : {0, 5}) {
        const auto name = ObjectName({"jobs", signature, profile}, attempt);
        CHECK(IsName(name));
        CHECK(names.insert(name).second);
      }
    }
    const auto label = SignatureLabel(signature);
    CHECK(IsLabelValue(label));
    CHECK(labels.insert(label).second);
    // Whatever the signature, the object is JSON.
    CHECK(json::parse(NewRecommendation({"jobs", signature, 0}))["spec"]["resourceProfile"] == 0);
  }
}

TEST_CASE("a signature that is a label value is its own label", "[wire][objects]") {
  CHECK(SignatureLabel("nightly_etl.v2") == "nightly_etl.v2");
  CHECK(SignatureLabel(std::string(63, 'x')) == std::string(63, 'x'));
  CHECK(SignatureLabel(std::string(64, 'x')) != std::string(64, 'x'));
  CHECK(SignatureLabel("two words").starts_with("h-"));
}

TEST_CASE("keys that only look alike have names of their own", "[wire][objects]") {
  CHECK(ObjectName({"a", "job one", 0}) != ObjectName({"a", "job-one", 0}));
  CHECK(ObjectName({"a", "job-p1", 0}) != ObjectName({"a", "job", 1}));
}

}  // namespace
}  // namespace sparkfit::wire
