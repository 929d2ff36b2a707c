// SPDX-License-Identifier: Apache-2.0
//
// What the API server is answered for pods of many kinds, to the letter. UPDATE_GOLDEN=1 rewrites
// the file.
#include "sparkfit/admission/admission.h"

#include <catch2/catch.hpp>
#include <functional>

#include "golden.h"
#include "review_pod.h"

namespace {

using namespace sparkfit;
using nlohmann::json;
using nlohmann::ordered_json;

struct Case {
  const char* name;
  std::int64_t target_mib;
  recommend::PartBounds parts;
  std::function<void(json& pod)> change;
};

void Size(json& pod, const char* limit, const char* heap) {
  auto& container = pod["spec"]["containers"][0];
  container["resources"]["limits"]["memory"] = limit;
  container["resources"]["requests"]["memory"] = limit;
  container["env"][1]["value"] = heap;
}

const Case kCases[] = {
    {"a default executor, made smaller", 1000, {}, [](json&) {}},
    {"a default executor, made larger after a heap OOM",
     9000,
     {.least_heap = base::MiB(8182), .least_outside = {}, .most_heap = {}},
     [](json&) {}},
    {"Python's overhead",
     5000,
     {.least_heap = base::MiB(3571), .least_outside = {}, .most_heap = {}},
     [](json& pod) { Size(pod, "2867Mi", "2g"); }},
    {"explicit overhead, off-heap memory in it",
     2700,
     {},
     [](json& pod) { Size(pod, "3Gi", "1024m"); }},
    {"after a container OOM at 970Mi",
     1164,
     {.least_heap = base::MiB(900), .least_outside = base::MiB(264), .most_heap = {}},
     [](json& pod) { Size(pod, "970Mi", "900m"); }},
    {"no annotations",
     1000,
     {},
     [](json& pod) {
       pod["metadata"].erase("annotations");
       pod["metadata"]["labels"]["sparkfit.io/signature"] = "nightly";
       pod["metadata"]["labels"]["sparkfit.io/mode"] = "Initial";
     }},
    {"a sidecar before it",
     1000,
     {},
     [](json& pod) {
       const json side{{"name", "istio-proxy"}};
       pod["spec"]["containers"].insert(pod["spec"]["containers"].begin(), side);
     }},
    {"EMR's keys",
     1000,
     {},
     [](json& pod) {
       pod["metadata"]["annotations"] = {
           {"emr-containers.amazonaws.com/dynamic.sizing", "true"},
           {"emr-containers.amazonaws.com/dynamic.sizing.signature", "nightly"},
           {"emr-containers.amazonaws.com/dynamic.sizing.mode", "Auto"},
           {"emr-containers.amazonaws.com/dynamic.sizing.scale.memory.min", "1200M"}};
     }},
    {"EMR's mode without its toggle",
     1000,
     {},
     [](json& pod) {
       pod["metadata"]["annotations"] = {
           {"emr-containers.amazonaws.com/dynamic.sizing.signature", "nightly"},
           {"emr-containers.amazonaws.com/dynamic.sizing.mode", "Initial"}};
     }},
    {"a heap from a ConfigMap",
     1000,
     {},
     [](json& pod) {
       pod["spec"]["containers"][0]["env"][1] = json::parse(
           R"({"name":"SPARK_EXECUTOR_MEMORY","valueFrom":{"configMapKeyRef":{"name":"c","key":"k"}}})");
     }},
    {"too small for Spark", 800, {}, [](json&) {}},
    {"a driver", 1000, {}, [](json& pod) { pod["metadata"]["labels"]["spark-role"] = "driver"; }},
};

ordered_json Answer(const Case& given) {
  auto pod = test::ReviewedPod();
  given.change(pod);
  const auto [uid, review] = wire::ReadReview(test::ReviewOf(pod).dump());
  REQUIRE(review.has_value());
  const admission::Advice advice{.object = "nightly-a5dd19cd6a",
                                 .mode = {},
                                 .bounds = {},
                                 .target = base::MiB(given.target_mib),
                                 .target_request = {},
                                 .parts = given.parts,
                                 .low_confidence = false,
                                 .latest_failed = false,
                                 .shape = {},
                                 .submitted = {},
                                 .trial = {}};
  const admission::Limits limits{};
  const auto decision = admission::Decide({.pod = review->pod,
                                           .places = review->places,
                                           .driver = nullptr,
                                           .advice = &advice,
                                           .limits = limits});
  ordered_json answer{{"pod", given.name}, {"decision", std::string(Name(decision.reason))}};
  if (decision.patch) answer["patch"] = ordered_json::parse(wire::JsonPatch(*decision.patch));
  return answer;
}

TEST_CASE("pods of many kinds are answered as ever") {
  ordered_json all = ordered_json::array();
  for (const auto& given : kCases) all.push_back(Answer(given));
  test::CheckGolden(all.dump(1) + "\n", "admission.json");
}

}  // namespace
