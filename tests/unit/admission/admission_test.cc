// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/admission/admission.h"

#include <catch2/catch.hpp>
#include <set>

#include "review_pod.h"

namespace sparkfit::admission {
namespace {

using base::MiB;
using nlohmann::json;

const model::Shape kShape{"1", model::OverheadClass::kDefaultJvm};

// A pod under review, and what is known of its job: 1000 MiB of target, learnt well.
struct Case {
  json pod = test::ReviewedPod();
  Advice advice{.object = "nightly-1",
                .mode = {},
                .bounds = {},
                .target = MiB(1000),
                .target_request = {},
                .parts = {},
                .low_confidence = false,
                .latest_failed = false,
                .shape = kShape,
                .submitted = {},
                .trial = {}};
  bool known = true;
  RunState run{};
  Limits limits{};
  std::optional<model::PodSettings> driver{};

  // An executor of the job died: both parts are to be at least this large.
  void AfterOom(std::int64_t heap_mib, std::int64_t outside_mib) {
    advice.parts.least_heap = MiB(heap_mib);
    advice.parts.least_outside = MiB(outside_mib);
    advice.target = MiB(heap_mib + outside_mib);
  }
  json& Container(std::size_t i = 0) { return pod["spec"]["containers"][i]; }
  void Size(const std::string& limit, const std::string& heap) {
    Container()["resources"]["limits"]["memory"] = limit;
    Container()["resources"]["requests"]["memory"] = limit;
    Container()["env"][1]["value"] = heap;
  }
  Decision Decide() const {
    const auto review = wire::ReadReview(test::ReviewOf(pod).dump()).review;
    if (!review) FAIL(review.error().message);
    return admission::Decide({.pod = review->pod,
                              .places = review->places,
                              .driver = driver ? &*driver : nullptr,
                              .advice = known ? &advice : nullptr,
                              .run = run,
                              .limits = limits});
  }
  std::string Why() const { return std::string(Name(Decide().reason)); }
  // Heap and limit that it gets, in MiB; its own where it is left as it is.
  std::pair<std::int64_t, std::int64_t> Gets() const {
    const auto decision = Decide();
    if (!decision.patch) return {0, 0};
    return {decision.patch->heap.WholeMiB(), decision.patch->limit.WholeMiB()};
  }
  // The pod as it is created.
  json Created() const { return test::Patched(pod, wire::WriteReview("u", Decide().patch, "")); }
};

using Sizes = std::pair<std::int64_t, std::int64_t>;

TEST_CASE("request, limit and heap move together", "[admission]") {
  const Case given;
  // 1000 = 616 + 384, Spark's default overhead for a heap up to 3840 MiB.
  CHECK(given.Gets() == Sizes(616, 1000));
  auto expected = given.pod;
  auto& container = expected["spec"]["containers"][0];
  container["resources"]["limits"]["memory"] = "1000Mi";
  container["resources"]["requests"]["memory"] = "1000Mi";
  container["env"][1]["value"] = "616m";
  auto& annotations = expected["metadata"]["annotations"];
  annotations["sparkfit.io/original-memory"] = "1408Mi";
  annotations["sparkfit.io/original-heap"] = "1024m";
  annotations["sparkfit.io/applied-memory"] = "1000Mi";
  annotations["sparkfit.io/applied-heap"] = "616m";
  annotations["sparkfit.io/recommendation"] = "nightly-1";
  CHECK(given.Created() == expected);
}

TEST_CASE("a pod that was sized is left as it is", "[admission]") {
  Case given;
  given.pod = given.Created();
  CHECK(given.Why() == "AlreadySized");
  CHECK(given.Created() == given.pod);
}

TEST_CASE("annotations of another size than the pod has count for nothing", "[admission]") {
  Case given;
  given.pod = given.Created();
  given.Size("1408Mi", "1024m");  // somebody changed it back, or copied the annotations
  CHECK(given.Gets() == Sizes(616, 1000));
  CHECK(given.Created()["metadata"]["annotations"]["sparkfit.io/original-memory"] == "1408Mi");
}

TEST_CASE("how overhead is treated", "[admission]") {
  Case given;
  SECTION("Spark's default is recomputed: a tenth of the heap") {
    given.Size("11264Mi", "10240m");  // 1024 = ⌊0.1 × 10240⌋
    given.advice.target = MiB(5632);
    CHECK(given.Gets() == Sizes(5120, 5632));  // 5120 + 512
  }
  SECTION("that of Python: four tenths") {
    given.Size("2867Mi", "2048m");  // 819 = ⌊0.4 × 2048⌋
    given.advice.target = MiB(1960);
    given.advice.shape->overhead = model::OverheadClass::kDefaultPython;
    CHECK(given.Gets() == Sizes(1400, 1960));  // 1400 + 560
  }
  SECTION("an explicit one gives, and the heap is kept") {
    given.Size("3048Mi", "1000m");
    given.advice.target = MiB(2700);
    given.advice.shape->overhead = model::OverheadClass::kExplicit;
    CHECK(given.Gets() == Sizes(1000, 2700));
    given.advice.parts.most_heap = MiB(800);  // all that was ever used fits in less
    CHECK(given.Gets() == Sizes(800, 2700));
  }
  SECTION("what an OOM asked for is the least") {
    given.Size("970Mi", "900m");
    given.AfterOom(900, 264);  // 1.2 × 970
    given.advice.shape->overhead = model::OverheadClass::kExplicit;
    CHECK(given.Gets() == Sizes(900, 1164));
  }
}

TEST_CASE("only an OOM makes an executor larger than it was submitted", "[admission]") {
  Case given;
  given.advice.target = MiB(4000);
  given.advice.submitted = {MiB(5000), MiB(4545)};  // learnt from executors with more
  CHECK(given.Why() == "RightSize");
  given.AfterOom(1500, 400);
  given.advice.target = MiB(4000);
  CHECK(given.Gets() == Sizes(1500, 1900));
  given.advice.parts = {};
  given.advice.submitted = {};  // a status of an earlier version
  CHECK(given.Gets() == Sizes(3616, 4000));
}

TEST_CASE("a run keeps the size of its first executors", "[admission][run]") {
  Case given;
  given.run.first = model::ExecutorSize{MiB(1200), MiB(816)};
  CHECK(given.Gets() == Sizes(816, 1200));
  given.run.first = model::ExecutorSize{MiB(1408), MiB(1024)};
  CHECK(given.Why() == "RunUnderWay");
  // One that was raised after an OOM of an earlier run.
  given.AfterOom(1500, 400);
  given.run.first = model::ExecutorSize{MiB(1900), MiB(1500)};
  CHECK(given.Gets() == Sizes(1500, 1900));
}

TEST_CASE("after an OOM in a run its executors are at least as submitted", "[admission][run]") {
  Case given;
  given.run.first = model::ExecutorSize{MiB(1000), MiB(616)};
  given.run.out_of_memory = true;
  CHECK(given.Why() == "RunOutOfMemory");
  CHECK(given.Created() == given.pod);
  given.AfterOom(1229, 384);
  CHECK(given.Gets() == Sizes(1229, 1613));
}

TEST_CASE("the run after one that failed is as submitted", "[admission][run]") {
  Case given;
  given.advice.latest_failed = true;
  CHECK(given.Why() == "LatestRunFailed");
  given.AfterOom(1229, 384);  // the submitted size is known not to be enough
  CHECK(given.Gets() == Sizes(1229, 1613));
}

TEST_CASE("executor 1 tries what is to be tried, the others do not", "[admission][trial]") {
  Case given;
  given.advice.submitted = {MiB(1408), MiB(1024)};
  given.advice.trial = recommend::Trial{model::Part::kHeap, {MiB(896), MiB(512)}, 1};
  auto& labels = given.pod["metadata"]["labels"];
  labels["spark-exec-id"] = "2";
  CHECK(given.Gets() == Sizes(616, 1000));
  given.advice.trial->executors = 2;
  CHECK(given.Gets() == Sizes(512, 896));
  labels["spark-exec-id"] = "1";
  CHECK(given.Gets() == Sizes(512, 896));
  CHECK(given.Created()["metadata"]["annotations"]["sparkfit.io/trial"] == "heap");
  labels["spark-exec-id"] = "11";  // a replacement
  CHECK(given.Gets() == Sizes(616, 1000));
  given.advice.trial->executors = 11;
  CHECK(given.Gets() == Sizes(512, 896));
  labels["spark-exec-id"] = "12";
  CHECK(given.Gets() == Sizes(616, 1000));
  for (const auto* nonsense : {"0", "-1", "1x", "99999999999999999999"}) {
    labels["spark-exec-id"] = nonsense;
    CHECK(given.Gets() == Sizes(616, 1000));
  }
}

TEST_CASE("nobody is on trial where it could hurt or not be judged", "[admission][trial]") {
  Case given;
  given.advice.submitted = {MiB(1408), MiB(1024)};
  given.advice.trial = recommend::Trial{model::Part::kHeap, {MiB(896), MiB(512)}, 1};
  given.pod["metadata"]["labels"]["spark-exec-id"] = "1";
  CHECK(given.Why() == "Trial");
  SECTION("the pod restarts in place") { given.pod["spec"]["restartPolicy"] = "Always"; }
  SECTION("executors are only made smaller") { given.limits.shrink_only = true; }
  SECTION("another run of the job is under way") { given.run.beside_another = true; }
  SECTION("it was submitted with another size") { given.Size("1284Mi", "900m"); }
  SECTION("low confidence") { given.advice.low_confidence = true; }
  SECTION("the latest run failed") { given.advice.latest_failed = true; }
  SECTION("another shape") { given.Container()["env"][0]["value"] = "4"; }
  SECTION("a bound is above it") { given.advice.bounds.min = MiB(1000); }
  CHECK(given.Why() != "Trial");
}

TEST_CASE("who is submitted with more than the recommendation was learnt from is not shrunk",
          "[admission]") {
  Case given;
  given.advice.submitted = {MiB(1284), MiB(900)};
  CHECK(given.Why() == "SubmittedLarger");
  given.advice.submitted = {MiB(1408), MiB(1024)};
  CHECK(given.Why() == "Sized");
}

TEST_CASE("less heap than Spark can start with is refused", "[admission]") {
  Case given;
  given.advice.target = MiB(895);  // 895 − 384 = 511
  CHECK(given.Why() == "TooSmall");
  given.advice.target = MiB(896);
  CHECK(given.Gets() == Sizes(512, 896));
}

TEST_CASE("who is not asked for is not touched", "[admission]") {
  Case given;
  auto& metadata = given.pod["metadata"];
  SECTION("no executor") {
    metadata["labels"]["spark-role"] = "driver";
    CHECK(given.Why() == "NotAnExecutor");
  }
  SECTION("an executor that is kept after its end") {
    metadata["labels"]["spark-exec-inactive"] = "true";
    CHECK(given.Why() == "NotAnExecutor");
  }
  SECTION("no signature") {
    metadata["annotations"].erase("sparkfit.io/signature");
    CHECK(given.Why() == "NoSignature");
  }
  SECTION("no mode") {
    metadata["annotations"].erase("sparkfit.io/mode");
    CHECK(given.Why() == "ModeOff");
  }
  SECTION("a mode that does not exist") {
    metadata["annotations"]["sparkfit.io/mode"] = "initial";
    CHECK(given.Why() == "ModeOff");
  }
  SECTION("the user said Off") {
    given.advice.mode = model::Mode::kOff;
    CHECK(given.Why() == "ModeOff");
  }
  SECTION("nothing is known") {
    given.known = false;
    CHECK(given.Why() == "NoRecommendation");
  }
  SECTION("there is no target") {
    given.advice.target.reset();
    CHECK(given.Why() == "NoRecommendation");
  }
  SECTION("it has what it needs") {
    given.advice.target = MiB(1408);
    CHECK(given.Why() == "RightSize");
  }
  CHECK(given.Created() == given.pod);
}

TEST_CASE("the user's mode wins in both directions, Auto acts as Initial", "[admission]") {
  Case given;
  given.pod["metadata"]["annotations"].erase("sparkfit.io/mode");
  given.advice.mode = model::Mode::kInitial;
  CHECK(given.Why() == "Sized");
  given.advice.mode = model::Mode::kAuto;
  CHECK(given.Why() == "Sized");
}

TEST_CASE("what is asked for on the driver counts", "[admission]") {
  Case given;
  given.pod["metadata"]["annotations"] = nullptr;
  model::PodSettings driver;
  using model::Setting;
  driver.Offer({Setting::kEmrToggle, 2}, "true");
  driver.Offer({Setting::kSignature, 2}, "nightly");
  driver.Offer({Setting::kEmrMode, 2}, "Initial");
  CHECK(given.Why() == "NoSignature");  // the driver is not known
  given.driver = driver;
  CHECK(given.Why() == "Sized");
  CHECK(given.Created()["metadata"]["annotations"].size() == 5);
  driver.Offer({Setting::kScaleMemory, 2}, "false");
  given.driver = driver;
  CHECK(given.Why() == "ModeOff");
}

TEST_CASE("a pod that is not understood is refused", "[admission]") {
  Case given;
  auto& container = given.Container();
  SECTION("no executor container") {
    container["name"] = "main";
    container.erase("env");
    container.erase("args");
    CHECK(given.Why() == "NoContainer");
  }
  SECTION("two that may be it") {
    container["name"] = "main";
    auto other = container;
    other["name"] = "other";
    given.pod["spec"]["containers"].push_back(other);
    CHECK(given.Why() == "SeveralContainers");
  }
  SECTION("no limit") {
    container["resources"].erase("limits");
    CHECK(given.Why() == "NoLimit");
  }
  SECTION("no heap") {
    container["env"].erase(1);
    CHECK(given.Why() == "NoHeap");
  }
  SECTION("a heap that cannot be read") {
    container["env"][1]["value"] = "lots";
    CHECK(given.Why() == "NoHeap");
  }
  SECTION("a heap above the limit") {
    container["env"][1]["value"] = "2g";
    CHECK(given.Why() == "NoHeap");
  }
  SECTION("a heap from elsewhere") {
    container["env"][1] = json::parse(
        R"({"name":"SPARK_EXECUTOR_MEMORY","valueFrom":{"fieldRef":{"fieldPath":"x"}}})");
    CHECK(given.Why() == "HeapFromElsewhere");
  }
  SECTION("a heap that the JVM takes from _JAVA_OPTIONS") {
    container["env"].push_back({{"name", "_JAVA_OPTIONS"}, {"value", "-Xmx900m"}});
    CHECK(given.Why() == "JavaOptions");
  }
  SECTION("a heap on the command line of its own") {
    container["command"] = {"java", "-Xmx900m", "Main"};
    CHECK(given.Why() == "JavaOptions");
  }
  CHECK(OutcomeOf(given.Decide().reason) == Outcome::kRefused);
  CHECK(given.Created() == given.pod);
}

TEST_CASE("a renamed container and sidecars do no harm", "[admission]") {
  Case given;
  given.Container()["name"] = "main";
  auto& containers = given.pod["spec"]["containers"];
  containers.insert(containers.begin(), json::parse(R"({"name":"istio-proxy",
      "resources":{"limits":{"memory":"128Mi"}},"env":[{"name":"A","value":"b"}]})"));
  const auto created = given.Created();
  CHECK(created["spec"]["containers"][0] == containers[0]);
  CHECK(created["spec"]["containers"][1]["resources"]["limits"]["memory"] == "1000Mi");
  CHECK(created["spec"]["containers"][1]["env"][1]["value"] == "616m");
}

TEST_CASE("with few samples, or of another shape, it is only raised", "[admission]") {
  Case given;
  SECTION("low confidence") {
    given.advice.low_confidence = true;
    CHECK(given.Why() == "LowConfidence");
  }
  SECTION("fewer cores: Spark's recovery mode") {
    given.advice.shape->cores = "4";
    given.advice.submitted = {MiB(1408), MiB(1024)};
    CHECK(given.Why() == "OtherShape");
  }
  given.AfterOom(1616, 384);
  CHECK(given.Gets() == Sizes(1616, 2000));
}

TEST_CASE("of another shape it is as submitted, whatever an OOM asked for", "[admission]") {
  Case given;
  given.advice.submitted = {MiB(1408), MiB(1024)};
  given.AfterOom(1616, 384);
  SECTION("more cores") { given.Container()["env"][0]["value"] = "4"; }
  SECTION("fewer cores of a job that was submitted with more memory") {
    given.advice.shape->cores = "4";
    given.advice.submitted = {MiB(5632), MiB(5120)};
  }
  SECTION("another release line of Spark") {
    given.advice.shape->spark = {3, 5};
    given.pod["metadata"]["labels"]["spark-version"] = "4.0.1";
  }
  SECTION("of a run whose first executors are larger, after an OOM in it") {
    given.Container()["env"][0]["value"] = "4";
    given.run = {.first = model::ExecutorSize{MiB(8448), MiB(7680)}, .out_of_memory = true};
  }
  CHECK(given.Why() == "OtherShape");
  CHECK(given.Created() == given.pod);
}

TEST_CASE("shrinkOnly never raises", "[admission]") {
  Case given;
  given.limits.shrink_only = true;
  CHECK(given.Why() == "Sized");
  given.AfterOom(1616, 384);
  CHECK(given.Why() == "ShrinkOnly");
}

TEST_CASE("bounds, nearest first", "[admission]") {
  Case given;
  given.AfterOom(3616, 384);
  auto& annotations = given.pod["metadata"]["annotations"];
  const auto limit = [&] { return given.Gets().second; };
  given.limits.configured_max = MiB(3500);
  CHECK(limit() == 3500);
  annotations["sparkfit.io/max-memory"] = "3000Mi";
  CHECK(limit() == 3000);  // the job's wins over the configured one
  given.advice.bounds.max = MiB(3800);
  CHECK(limit() == 3800);  // the user's over the job's
  given.limits.constraints.container.max = MiB(2500);
  CHECK(limit() == 2500);
  given.limits.constraints.pod.max = MiB(2400);
  CHECK(limit() == 2400);
  given.limits.largest_node = MiB(2300);
  CHECK(limit() == 2300);
  // A sidecar needs its part of the pod, and of the node.
  given.pod["spec"]["containers"].push_back(
      json::parse(R"({"name":"s","resources":{"requests":{"memory":"100Mi"}}})"));
  CHECK(limit() == 2200);
  annotations["sparkfit.io/min-memory"] = "9000Mi";
  CHECK(limit() == 2200);  // what can run at all wins
  given.limits = {};
  given.advice.bounds = {};
  annotations.erase("sparkfit.io/max-memory");
  CHECK(limit() == 9000);
}

TEST_CASE("bounds that nobody can mean size nothing", "[admission]") {
  Case given;
  given.AfterOom(3616, 384);
  auto& annotations = given.pod["metadata"]["annotations"];
  const auto limit = [&] { return given.Gets().second; };
  annotations["sparkfit.io/max-memory"] = "3000m";
  CHECK(limit() == 4000);
  annotations["sparkfit.io/max-memory"] = "3000";
  CHECK(limit() == 4000);
  annotations["sparkfit.io/max-memory"] = "3000Mi";
  annotations["sparkfit.io/min-memory"] = "9000Mi";
  CHECK(limit() == 4000);  // min above max: neither
  annotations.erase("sparkfit.io/min-memory");
  given.advice.bounds.min = MiB(3500);
  CHECK(limit() == 4000);  // the user's min is above the job's max, which does not count
  given.advice.bounds = {.min = {}, .max = base::Bytes{4096}};
  CHECK(limit() == 3000);  // as an object of an earlier version may have it
}

TEST_CASE("a bound below what was submitted does not shrink who needs more", "[admission]") {
  Case given;
  given.AfterOom(3616, 384);
  given.advice.bounds.max = MiB(1200);
  CHECK(given.Why() == "NoRoom");
}

TEST_CASE("nodes limit growth only", "[admission]") {
  Case given;  // submitted with 1408 MiB
  given.pod["spec"]["containers"].push_back(
      json::parse(R"({"name":"s","resources":{"requests":{"memory":"200Mi"}}})"));
  given.limits.largest_node = MiB(3000);
  given.AfterOom(2516, 384);
  CHECK(given.Gets().second == 2800);  // beside the sidecar
  // Executors ran with that much, on nodes that are gone for now.
  given.AfterOom(3616, 384);
  CHECK(given.Gets().second == 4000);
  // A max may be above all nodes: the recommendation did not look at them then.
  given.advice.bounds.max = MiB(5000);
  CHECK(given.Gets().second == 2800);
  // What was submitted is not cut further than to what is needed.
  given.limits.largest_node = MiB(1100);
  given.AfterOom(716, 384);
  CHECK(given.Gets().second == 1100);
}

TEST_CASE("a pod with resources of its own stays as it was submitted", "[admission]") {
  Case given;
  given.pod["spec"]["resources"] = {{"limits", json::object()}};
  CHECK(given.Why() == "Sized");
  given.pod["spec"]["resources"] = {{"requests", {{"memory", "2Gi"}}}};
  CHECK(given.Why() == "PodLevelResources");
  CHECK(OutcomeOf(given.Decide().reason) == Outcome::kRefused);
}

TEST_CASE("a target is whole MiB, however bounds are written", "[admission]") {
  Case given;
  given.AfterOom(3616, 384);
  given.advice.bounds.max = base::Bytes{2'000'000'000};  // 1907.3 MiB
  CHECK(given.Gets() == Sizes(1523, 1907));
}

TEST_CASE("a request below the limit is as recommended, at most the limit", "[admission]") {
  Case given;
  const auto request = [&] {
    return given.Created()["spec"]["containers"][0]["resources"]["requests"]["memory"];
  };
  given.Container()["resources"]["requests"]["memory"] = "700Mi";
  CHECK(request() == "700Mi");
  CHECK(given.Created()["metadata"]["annotations"]["sparkfit.io/original-request"] == "700Mi");
  given.advice.target_request = MiB(800);
  CHECK(request() == "800Mi");
  given.advice.target_request = MiB(1200);
  CHECK(request() == "1000Mi");
  given.Container()["resources"]["requests"].erase("memory");
  CHECK_FALSE(given.Created()["spec"]["containers"][0]["resources"]["requests"].contains("memory"));
}

TEST_CASE("every reason has a name and a sentence of its own", "[admission]") {
  std::set<std::string_view> names;
  std::set<std::string_view> sentences;
  for (int i = 0; i <= static_cast<int>(Reason::kTooSmall); ++i) {
    names.insert(Name(static_cast<Reason>(i)));
    sentences.insert(Describe(static_cast<Reason>(i)));
  }
  CHECK(names.size() == static_cast<std::size_t>(Reason::kTooSmall) + 1);
  CHECK(sentences.size() == names.size());
  CHECK_FALSE(names.contains(""));
}

// Limit and request that it gets, in MiB.
Sizes Amounts(const Case& given) {
  const auto patch = given.Decide().patch;
  REQUIRE(patch);
  REQUIRE(patch->request);
  return {patch->limit.WholeMiB(), patch->request->WholeMiB()};
}

TEST_CASE("a minimum of the namespace keeps an executor as large as it asks for",
          "[admission][constraints]") {
  Case given;  // of 1408 MiB, to have 1000
  auto& constraints = given.limits.constraints;
  constraints.container.min = MiB(1100);
  CHECK(given.Gets() == Sizes(716, 1100));
  constraints.pod.min = MiB(1200);
  CHECK(given.Gets() == Sizes(816, 1200));
  constraints.pod.min = MiB(1408);
  CHECK(given.Why() == "NoRoom");
  // A sidecar has its part of the pod's sums.
  given.pod["spec"]["containers"].push_back(json::parse(
      R"({"name":"s","resources":{"requests":{"memory":"200Mi"},"limits":{"memory":"200Mi"}}})"));
  constraints.container.min.reset();
  CHECK(given.Gets() == Sizes(824, 1208));
  // Without a limit it has none in the sum of limits; an init container may have all of it.
  given.Container(1)["resources"].erase("limits");
  CHECK(given.Why() == "NoRoom");
  given.pod["spec"]["initContainers"] =
      json::parse(R"([{"name":"i","resources":{"limits":{"memory":"2Gi"}}}])");
  CHECK(given.Gets() == Sizes(616, 1000));
}

TEST_CASE("the ratio of limit and request is kept", "[admission][constraints]") {
  Case given;
  auto& constraints = given.limits.constraints;
  auto& requests = given.Container()["resources"]["requests"];
  requests["memory"] = "704Mi";
  SECTION("of a container that grows: its request goes up with it") {
    given.AfterOom(2616, 384);
    CHECK(Amounts(given) == Sizes(3000, 704));
    constraints.container.max_ratio = 2000;
    CHECK(Amounts(given) == Sizes(3000, 1500));
    constraints.requests_left = MiB(900);  // and no further than the quota lets it
    CHECK(Amounts(given) == Sizes(1800, 900));
    constraints.requests_left = MiB(100);  // it has its 704, whatever is left
    CHECK(given.Why() == "NoRoom");
  }
  SECTION("of one that shrinks and whose request shrinks more") {
    given.advice.target_request = MiB(300);
    CHECK(Amounts(given) == Sizes(1000, 300));
    constraints.container.max_ratio = 2000;
    CHECK(Amounts(given) == Sizes(1000, 500));
  }
  SECTION("of a pod whose sidecar asks for little: its limit weighs more in a smaller pod") {
    requests["memory"] = "1408Mi";
    given.pod["spec"]["containers"].push_back(json::parse(
        R"({"name":"s","resources":{"requests":{"memory":"100Mi"},"limits":{"memory":"1100Mi"}}})"));
    constraints.pod.max_ratio = 1800;  // as submitted 2508 / 1508
    // (l + 1100) / (l + 100) ≤ 1.8 from l = 1150 on.
    CHECK(given.Gets() == Sizes(766, 1150));
  }
}

TEST_CASE("a quota is not exceeded by who grows", "[admission][constraints]") {
  Case given;
  given.AfterOom(2616, 384);
  auto& constraints = given.limits.constraints;
  SECTION("requests") { constraints.requests_left = MiB(2000); }
  SECTION("limits") { constraints.limits_left = MiB(2000); }
  CHECK(Amounts(given) == Sizes(2000, 2000));
  // A sidecar has its part of it.
  given.pod["spec"]["containers"].push_back(
      json::parse(R"({"name":"s","resources":{"limits":{"memory":"100Mi"}}})"));
  CHECK(Amounts(given) == Sizes(1900, 1900));
  (constraints.limits_left ? constraints.limits_left : constraints.requests_left) = MiB(0);
  CHECK(given.Why() == "NoRoom");
  given.advice.target = MiB(1000);
  given.advice.parts = {};
  CHECK(given.Gets() == Sizes(616, 1000));  // less fits where more did
}

TEST_CASE("a quota and a node hold the pod's overhead, too", "[admission][constraints]") {
  Case given;
  given.AfterOom(2616, 384);
  given.pod["spec"]["overhead"]["memory"] = "200Mi";
  SECTION("requests") {
    given.limits.constraints.requests_left = MiB(2000);
    CHECK(Amounts(given) == Sizes(1800, 1800));
  }
  SECTION("limits") {
    given.limits.constraints.limits_left = MiB(2000);
    CHECK(Amounts(given) == Sizes(1800, 1800));
  }
  SECTION("the largest node") {
    given.limits.largest_node = MiB(3100);
    CHECK(Amounts(given) == Sizes(2900, 2900));  // of 3,000
  }
  SECTION("a LimitRange does not count it") {
    given.limits.constraints.pod.max = MiB(2000);
    CHECK(Amounts(given) == Sizes(2000, 2000));
  }
  SECTION("one that cannot be read") {
    given.pod["spec"]["overhead"]["memory"] = "much";
    CHECK(given.Why() == "NotUnderstood");
  }
}

TEST_CASE("who is refused as submitted, or may be for all that is known, stays so",
          "[admission][constraints]") {
  Case given;
  auto& constraints = given.limits.constraints;
  SECTION("too large") {
    constraints.container.max = MiB(1200);
    CHECK(given.Why() == "NotAllowed");
  }
  SECTION("too small") {
    constraints.pod.min = MiB(1500);
    CHECK(given.Why() == "NotAllowed");
  }
  SECTION("a LimitRange that could not be read") {
    constraints.known = false;
    CHECK(given.Why() == "ConstraintsUnknown");
  }
  SECTION("a sidecar that asks for half a byte") {
    given.pod["spec"]["containers"].push_back(
        json::parse(R"({"name":"s","resources":{"limits":{"memory":"0.5"}}})"));
    CHECK(given.Why() == "NotUnderstood");
  }
  CHECK(given.Created() == given.pod);
}

TEST_CASE("a trial that the API server would refuse is none", "[admission][constraints][trial]") {
  Case given;
  given.advice.submitted = {MiB(1408), MiB(1024)};
  given.advice.trial = recommend::Trial{model::Part::kHeap, {MiB(896), MiB(512)}, 1};
  given.pod["metadata"]["labels"]["spark-exec-id"] = "1";
  CHECK(given.Why() == "Trial");
  given.limits.constraints.container.min = MiB(900);
  CHECK(given.Gets() == Sizes(616, 1000));
}

TEST_CASE("what others add to the pod after us is made room for", "[admission][constraints]") {
  Case given;
  given.Container()["resources"]["requests"]["memory"] = "1000Mi";
  given.AfterOom(1616, 384);
  given.limits.constraints.pod.max = MiB(2000);
  CHECK(Amounts(given) == Sizes(2000, 1000));
  given.pod = given.Created();
  CHECK(given.Why() == "AlreadySized");
  const auto add = [&](const char* memory) {
    given.pod["spec"]["containers"].push_back(
        {{"name", "s"}, {"resources", {{"limits", {{"memory", memory}}}}}});
  };
  add("300Mi");
  CHECK(Amounts(given) == Sizes(1700, 1000));
  given.pod = given.Created();
  CHECK(given.Why() == "AlreadySized");
  CHECK(given.pod["metadata"]["annotations"]["sparkfit.io/original-memory"] == "1408Mi");
  add("292Mi");
  CHECK(given.Why() == "Restored");
  given.pod = given.Created();
  CHECK(given.Container()["resources"]["limits"]["memory"] == "1408Mi");
  CHECK(given.Container()["resources"]["requests"]["memory"] == "1000Mi");
  CHECK(given.Container()["env"][1]["value"] == "1024m");
  CHECK(given.Why() == "AlreadySized");
  add("1Mi");
  CHECK(given.Why() == "NotAllowed");
}

TEST_CASE("a size on trial that others leave no room for is no trial any more",
          "[admission][constraints][trial]") {
  Case given;
  given.advice.submitted = {MiB(1408), MiB(1024)};
  given.advice.trial = recommend::Trial{model::Part::kHeap, {MiB(896), MiB(512)}, 1};
  given.pod["metadata"]["labels"]["spark-exec-id"] = "1";
  given.limits.constraints.pod.max_ratio = 1500;
  given.pod = given.Created();
  REQUIRE(given.pod["metadata"]["annotations"]["sparkfit.io/trial"] == "heap");
  // (l + 500) / (l + 1) ≤ 1.5 from l = 997 on.
  given.pod["spec"]["containers"].push_back(json::parse(
      R"({"name":"s","resources":{"requests":{"memory":"1Mi"},"limits":{"memory":"500Mi"}}})"));
  CHECK(given.Gets() == Sizes(616, 1000));
  CHECK(given.Created()["metadata"]["annotations"]["sparkfit.io/trial"] == "");
}

TEST_CASE("an executor whose own amounts are beyond all that can be is left alone", "[admission]") {
  for (const auto* limit : {"1Ei", "2Pi", "9223372036854775807", "1e19", "1e400"}) {
    INFO(limit);
    Case given;
    given.Container()["resources"]["limits"]["memory"] = limit;
    CHECK(given.Why() == "NotUnderstood");
  }
}

}  // namespace
}  // namespace sparkfit::admission
