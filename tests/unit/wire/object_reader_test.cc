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

TEST_CASE("of conditions only those that sparkfit publishes are kept", "[wire][objects]") {
  std::string conditions;
  const auto add = [&](const std::string& type) {
    conditions += (conditions.empty() ? "" : ",") + (R"({"type":")" + type) +
                  R"(","status":"True","lastTransitionTime":"2026-11-23T10:00:00Z"})";
  };
  for (int i = 0; i < 40; ++i) add("A" + std::to_string(i));
  const std::vector<std::string> own{"Ready",         "RecommendationProvided",
                                     "LowConfidence", "LatestRunFailed",
                                     "HeapInflated",  "AutoNotAvailable",
                                     "CPUNotSized",   "CheckpointTooLarge",
                                     "InvalidSpec",   "Duplicate"};
  for (const auto& type : own) add(type);
  const auto object =
      Recommendation(R"({"signature":"nightly"})", R"({"conditions":[)" + conditions + "]}");
  REQUIRE(object);
  CHECK(object->conditions.size() == own.size());
  for (const auto& type : own) CHECK(object->conditions.contains(type));
}

TEST_CASE("what another replica published is read back", "[wire][objects]") {
  const auto object = Recommendation(
      R"({"signature":"nightly"})",
      R"({"recommendation":{"memory":{"target":"2256Mi","targetRequest":"2Gi"},"leastHeap":"1Gi",
          "leastOverhead":"452Mi","mostHeap":"1800Mi"},
          "observed":{"submitted":{"memory":"4Gi","heap":"3Gi"},
                      "shape":{"cores":"4","overhead":"default 0.1","spark":"3.5"}}})");
  REQUIRE(object);
  CHECK(object->published_target == base::MiB(2256));
  CHECK(object->published_least_overhead == base::MiB(452));
  CHECK(object->published_target_request == base::MiB(2048));
  CHECK(object->published_least_heap == base::MiB(1024));
  CHECK(object->published_most_heap == base::MiB(1800));
  CHECK(object->published_submitted == model::ExecutorSize{base::GiB(4), base::GiB(3)});
  CHECK(object->published_shape == model::Shape{"4", model::OverheadClass::kDefaultJvm, {3, 5}});
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

base::Result<model::Constraints> Range(const std::string& limits) {
  return With(R"({"metadata":{"name":"a","namespace":"jobs"},"spec":{"limits":)" + limits + "}}",
              [](auto& reader, auto text) { return reader.LimitRange(text); });
}
base::Result<model::Constraints> Quota(const std::string& spec, const std::string& status) {
  return With(R"({"metadata":{"name":"a","namespace":"jobs"},"spec":{"hard":)" + spec +
                  R"(},"status":)" + status + "}",
              [](auto& reader, auto text) { return reader.ResourceQuota(text); });
}

TEST_CASE("a LimitRange is read as far as memory goes", "[wire][objects][constraints]") {
  const auto read = Range(R"([
      {"type":"Container","min":{"memory":"64Mi","cpu":"1"},"max":{"memory":"2Gi"},
       "maxLimitRequestRatio":{"cpu":"3","memory":"1.5"},"default":{"memory":"1Gi"}},
      {"max":{"memory":"8Gi"},"type":"Pod","maxLimitRequestRatio":{"memory":2},"min":null},
      {"type":"Container","max":{"memory":"3Gi"},"min":{"memory":"100Mi"}},
      {"type":"PersistentVolumeClaim","max":{"storage":"1Gi","memory":"1"}}])");
  REQUIRE(read);
  const auto& [container, pod, requests_left, limits_left, known] = *read;
  CHECK(container.min == base::MiB(100));
  CHECK(container.max == base::GiB(2));
  CHECK(container.max_ratio == 1500);
  CHECK_FALSE(pod.min);
  CHECK(pod.max == base::GiB(8));
  CHECK(pod.max_ratio == 2000);
  CHECK(known);
}

TEST_CASE("bounds between two bytes, and beyond all that can be", "[wire][objects][constraints]") {
  const auto read =
      Range(R"([{"type":"Container","min":{"memory":"1500m"},"max":{"memory":"2500m"}},
                {"type":"Pod","max":{"memory":"20Ei"}}])");
  REQUIRE(read);
  CHECK(read->container.min == base::Bytes{2});
  CHECK(read->container.max == base::Bytes{2});
  CHECK(read->pod.max > base::kLargestPlausible);
}

TEST_CASE("a bound that cannot be read is no bound that is not there",
          "[wire][objects][constraints]") {
  for (const auto* limits :
       {R"([{"type":"Container","max":{"memory":"lots"}}])",
        R"([{"type":"Pod","min":{"memory":"-1"}}])",
        R"([{"type":"Pod","maxLimitRequestRatio":{"memory":""}}])", R"([{"type":"Pod","max":7}])",
        R"([{"type":7}])", R"(7)", R"([{"type":"Container","max":{"memory":true}}])"}) {
    INFO(limits);
    CHECK_FALSE(Range(limits));
  }
  CHECK_FALSE(Quota(R"({"memory":"lots"})", "{}"));
  CHECK_FALSE(Quota("{}", R"({"hard":{"memory":"1"},"used":{"memory":"x"}})"));
}

TEST_CASE("what a quota leaves", "[wire][objects][constraints]") {
  const auto left = [](const std::string& spec, const std::string& hard, const std::string& used) {
    const auto read = Quota(spec, R"({"hard":)" + hard + R"(,"used":)" + used + "}");
    REQUIRE(read);
    return std::pair{read->requests_left, read->limits_left};
  };
  using Left = std::pair<std::optional<base::Bytes>, std::optional<base::Bytes>>;
  using base::MiB;
  const std::string both = R"({"requests.memory":"10Mi","limits.memory":"20Mi","pods":"3"})";
  CHECK(left(both, both, R"({"requests.memory":"4Mi","limits.memory":"21Mi","pods":"1"})") ==
        Left(MiB(6), MiB(0)));
  // Two names of the same.
  CHECK(left("{}", R"({"memory":"5Mi","requests.memory":"9Mi"})",
             R"({"memory":"3Mi","requests.memory":"8Mi"})") == Left(MiB(1), std::nullopt));
  CHECK(left(R"({"pods":"3"})", R"({"pods":"3"})", R"({"pods":"1"})") == Left());
  // The status does not say it yet.
  CHECK(left(R"({"limits.memory":"20Mi"})", "{}", "{}") == Left(std::nullopt, MiB(0)));
  CHECK(left("{}", R"({"memory":"5Mi"})", "{}") == Left(MiB(0), std::nullopt));
}

}  // namespace
}  // namespace sparkfit::wire
