// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/model/signature_rules.h"

#include <catch2/catch.hpp>

namespace sparkfit::model {
namespace {

SignatureRules Rules(std::string_view text) {
  const auto rules = SignatureRules::Parse(text);
  REQUIRE(rules);
  return *rules;
}

TEST_CASE("signatures are derived by the first rule whose labels are all there", "[model]") {
  const auto rules = Rules("scheduled-app-name, airflow,{team}-{app}");
  CHECK(rules.Derive({{"dag_id", "sales"}, {"task_id", "load"}, {"team", "t"}, {"app", "a"}}) ==
        "sales.load");
  CHECK(rules.Derive({{"sparkoperator.k8s.io/scheduled-app-name", "nightly"}, {"team", "t"}}) ==
        "nightly");
  CHECK(rules.Derive({{"app", "a"}, {"team", "t"}}) == "t-a");
  CHECK(rules.Derive({{"dag_id", "sales"}, {"team", "t"}}).empty());
  CHECK(rules.Derive({{"dag_id", "sales"}, {"task_id", ""}}).empty());
  CHECK(rules.Derive({}).empty());
  CHECK(rules.Wants("dag_id"));
  CHECK(rules.Wants("app"));
  CHECK_FALSE(rules.Wants("run_id"));
}

TEST_CASE("without rules nothing is derived", "[model]") {
  CHECK(Rules("").Derive({{"app", "a"}}).empty());
  CHECK(Rules("  ").Derive({{"app", "a"}}).empty());
}

TEST_CASE("a rule that would join unrelated jobs or makes no sense is refused", "[model]") {
  for (const auto* text : {"all", "{}", "{team", "team}", "{a{b}}", "{team},,{app}", "{team}}"}) {
    INFO(text);
    CHECK_FALSE(SignatureRules::Parse(text));
  }
  CHECK_THAT(SignatureRules::Parse("all").error().message, Catch::Contains("no label"));
}

}  // namespace
}  // namespace sparkfit::model
