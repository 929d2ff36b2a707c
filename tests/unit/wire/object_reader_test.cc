// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/wire/object_reader.h"

#include <simdjson.h>

#include <catch2/catch.hpp>

namespace sparkfit::wire {
namespace {

// Calls read(reader, text), with the readable bytes behind the text that a reader needs.
template <typename Read>
auto With(const std::string& text, Read&& read) {
  const simdjson::padded_string padded(text);
  ObjectReader reader;
  return read(reader, std::string_view(padded));
}

base::Result<model::RecommendationObject> Recommendation(const std::string& spec,
                                                         const std::string& status = "{}") {
  return With(R"({"metadata":{"name":"a","namespace":"jobs","uid":"u"},"status":)" + status +
                  R"(,"spec":)" + spec + "}",
              [](auto& reader, auto text) { return reader.Recommendation(text); });
}

TEST_CASE("whatever a user makes of the settings, the object stays the one of its job",
          "[wire][objects]") {
  struct Case {
    const char* setting;
    const char* named;
  };
  const auto odd = GENERATE(
      // The schema lets these through.
      Case{R"("policy":{"name":"percentile","margin":{"x":[1,{"y":2}]}})", "spec.policy"},
      Case{R"("policy":{"name":"percentile","margin":true})", "spec.policy"},
      Case{R"("policy":{"name":"percentile","margin":null})", "spec.policy"},
      Case{R"("memory":{"min":"0"})", "spec.memory.min"},
      Case{R"("memory":{"max":"9999E"})", "spec.memory.max"},
      Case{R"("memory":{"max":"6442450944000m"})", "spec.memory.max"},
      Case{R"("memory":{"max":99999999999999999999})", "spec.memory.max"},
      // It should not let these.
      Case{R"("policy":[])", "spec.policy"}, Case{R"("policy":{"name":7})", "spec.policy"},
      Case{R"("memory":"4Gi")", "spec.memory"}, Case{R"("memory":{"min":[]})", "spec.memory"},
      Case{R"("memory":{"max":"4096m"})", "spec.memory.max"},
      Case{R"("memory":{"max":4096})", "spec.memory.max"},
      Case{R"("memory":{"min":"2Gi","max":"1Gi"})", "spec.memory.min: 2048Mi is above"},
      Case{R"("explore":"false")", "spec.explore"}, Case{R"("explore":0)", "spec.explore"},
      Case{R"("explore":null)", "spec.explore"}, Case{R"("explore":[false])", "spec.explore"},
      Case{R"("mode":7)", "spec.mode"}, Case{R"("mode":"Sometimes")", "spec.mode"});
  INFO(odd.setting);
  const auto object =
      Recommendation(std::string("{") + odd.setting + R"(,"signature":"nightly","other":[{}]})");
  REQUIRE(object);
  CHECK(object->signature == "nightly");
  CHECK(object->uid == "u");
  if (!object->policy) {
    REQUIRE(object->problems.size() == 1);
    CHECK_THAT(object->problems[0], Catch::StartsWith(odd.named));
  }
  CHECK_FALSE(object->min_memory);
  CHECK_FALSE(object->max_memory);
  CHECK_FALSE(object->mode);
  CHECK_FALSE(object->explore);
}

TEST_CASE("whatever anybody makes of the status, the object is read", "[wire][objects]") {
  for (const auto* status : {"7", "[]", R"({"conditions":7})", R"({"conditions":[7]})",
                             R"({"conditions":[{"type":7}]})", R"({"conditions":[{"type":"a"}]})",
                             R"({"conditions":[{"type":"a","lastTransitionTime":"now"}]})",
                             R"({"recommendation":[{"memory":"x"}]})"}) {
    INFO(status);
    const auto object = Recommendation(R"({"signature":"nightly"})", status);
    REQUIRE(object);
    CHECK(object->conditions.empty());
  }
}

TEST_CASE("what another replica published is read back", "[wire][objects]") {
  const auto object = Recommendation(
      R"({"signature":"nightly"})",
      R"({"recommendation":{"memory":{"target":"2256Mi","targetRequest":"2Gi"},"leastHeap":"1Gi",
          "leastOverhead":"452Mi","mostHeap":"1800Mi"},
          "observed":{"submitted":{"memory":"4Gi","heap":"3Gi"}}})");
  REQUIRE(object);
  CHECK(object->published_target == base::MiB(2256));
  CHECK(object->published_least_overhead == base::MiB(452));
  CHECK(object->published_target_request == base::MiB(2048));
  CHECK(object->published_least_heap == base::MiB(1024));
  CHECK(object->published_most_heap == base::MiB(1800));
  CHECK(object->published_submitted == model::ExecutorSize{base::GiB(4), base::GiB(3)});
}

TEST_CASE("a submitted size that cannot be is as if it were not there", "[wire][objects]") {
  const auto object = Recommendation(R"({"signature":"nightly"})",
                                     R"({"observed":{"submitted":{"memory":"3Gi","heap":"4Gi"}}})");
  REQUIRE(object);
  CHECK(object->published_submitted == model::ExecutorSize{});
}

TEST_CASE("an object without a job of its own is refused", "[wire][objects]") {
  for (const auto* spec :
       {"{}", R"({"signature":""})", R"({"signature":7})",
        R"({"signature":"a","resourceProfile":-1})", R"({"signature":"a","resourceProfile":"x"})",
        R"({"signature":"a","resourceProfile":2147483648})", "7"}) {
    INFO(spec);
    CHECK_FALSE(Recommendation(spec));
  }
  CHECK(Recommendation(R"({"signature":")" + std::string(253, 'x') + "\"}"));
  CHECK_FALSE(Recommendation(R"({"signature":")" + std::string(254, 'x') + "\"}"));
}

TEST_CASE("objects nested without end are refused", "[wire][objects]") {
  for (const char open : {'[', '{'}) {
    const auto bomb = R"({"metadata":{"name":"a","namespace":"b","uid":"c"},"spec":)" +
                      std::string(1'000'000, open);
    With(bomb, [](auto& reader, auto text) {
      CHECK_FALSE(reader.Pod(text));
      CHECK_FALSE(reader.PodMetrics(text));
      CHECK_FALSE(reader.Recommendation(text));
      CHECK_FALSE(reader.Node(text));
      return 0;
    });
  }
}

}  // namespace
}  // namespace sparkfit::wire
