// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/wire/admission_review.h"

#include <catch2/catch.hpp>

#include "review_pod.h"

namespace sparkfit::wire {
namespace {

using base::MiB;
using nlohmann::json;
using test::ReviewedPod;
using test::ReviewOf;

Review Read(const json& pod) {
  auto [uid, review] = ReadReview(ReviewOf(pod).dump());
  if (!review) FAIL(review.error().message);
  return *std::move(review);
}

std::string WhyNot(const json& question) {
  const auto [uid, review] = ReadReview(question.dump());
  return review ? "" : review.error().message;
}

json& Container(json& pod) { return pod["spec"]["containers"][0]; }

TEST_CASE("a review gives the pod and where its size stands", "[wire][review]") {
  const auto review = Read(ReviewedPod());
  CHECK(review.uid == "7f0b2891-916f-4ed6-b7cd-27bff1815a8c");
  CHECK(review.pod.name_space == "jobs");
  CHECK(review.pod.size.limit == MiB(1408));
  CHECK(review.pod.size.heap == MiB(1024));
  CHECK(review.places.container == 0);
  CHECK(review.places.candidates == 1);
  CHECK(review.places.heap_variable == 1);
  CHECK(review.places.request == MiB(1408));
  CHECK(review.places.limit_text == "1408Mi");
  CHECK(review.places.heap_text == "1024m");
  CHECK(review.places.has_annotations);
  CHECK(review.places.others.beside == model::Amounts{});
  CHECK_FALSE(review.places.heap_from_elsewhere);
  CHECK_FALSE(review.places.java_options_set_heap);
  CHECK_FALSE(review.places.inactive);
}

TEST_CASE("a pod without a name, or whose object names no namespace, is read", "[wire][review]") {
  auto pod = ReviewedPod();
  pod["metadata"].erase("name");
  pod["metadata"].erase("namespace");
  pod["metadata"]["generateName"] = "nightly-";
  CHECK(Read(pod).pod.name_space == "jobs");  // the question's
}

TEST_CASE("the question's UID is found behind the object, too", "[wire][review]") {
  const auto question = ReviewOf(ReviewedPod());
  // nlohmann sorts keys: "object" stands before "uid".
  const auto text = question.dump();
  REQUIRE(text.find("\"object\"") < text.find("\"uid\""));
  CHECK(ReadReview(text).uid == question["request"]["uid"]);
}

TEST_CASE("only the creation of a pod is a question", "[wire][review]") {
  const auto change = [](const char* key, json value) {
    auto question = ReviewOf(ReviewedPod());
    question["request"][key] = std::move(value);
    return question;
  };
  CHECK(WhyNot(change("operation", "UPDATE")) == "operation \"UPDATE\"");
  CHECK(WhyNot(change("subResource", "binding")) == "subResource \"binding\"");
  const auto resource = [](const char* group, const char* version, const char* name) {
    return json{{"group", group}, {"version", version}, {"resource", name}};
  };
  CHECK(WhyNot(change("resource", resource("", "v1", "pods"))).empty());
  for (const auto& other : {resource("", "v1", "nodes"), resource("metrics.k8s.io", "v1", "pods"),
                            resource("", "v2", "pods"), json(nullptr), json::object()}) {
    CHECK_THAT(WhyNot(change("resource", other)), Catch::StartsWith("resource "));
  }
  const auto kind = [](const char* group, const char* version, const char* name) {
    return json{{"group", group}, {"version", version}, {"kind", name}};
  };
  for (const auto& other : {kind("", "v1", "PodTemplate"), kind("batch", "v1", "Pod"),
                            kind("", "v1beta1", "Pod"), json(nullptr)}) {
    CHECK_THAT(WhyNot(change("kind", other)), Catch::StartsWith("kind of object "));
  }
  auto old = ReviewOf(ReviewedPod());
  old["apiVersion"] = "admission.k8s.io/v1beta1";
  CHECK_THAT(WhyNot(old), Catch::StartsWith("apiVersion"));
  CHECK_THAT(WhyNot(change("object", nullptr)), !Catch::Equals(""));
  CHECK_THAT(WhyNot(change("object", "x")), !Catch::Equals(""));
  CHECK_THAT(WhyNot(change("uid", "")), !Catch::Equals(""));
}

TEST_CASE("what is no review has no pod, and its UID as far as it can be read", "[wire][review]") {
  for (const char* text : {"", "x", "{}", "null", "[]", "[1,2", "{\"request\":null}",
                           "{\"request\":{\"uid\":1}}", "{\"kind\":\"AdmissionReview\"}", "\xff"}) {
    CAPTURE(text);
    const auto [uid, review] = ReadReview(text);
    CHECK_FALSE(review.has_value());
    CHECK(uid.empty());
  }
  auto question = ReviewOf(ReviewedPod());
  question["request"]["object"]["spec"]["containers"] = 7;
  const auto [uid, review] = ReadReview(question.dump());
  CHECK_FALSE(review.has_value());
  CHECK(uid == question["request"]["uid"]);
}

TEST_CASE("a review nested a million deep is an error", "[wire][review]") {
  CHECK_FALSE(ReadReview(std::string(1'000'000, '[')).review.has_value());
  CHECK_FALSE(ReadReview("{\"request\":" + std::string(1'000'000, '{')).review.has_value());
}

TEST_CASE("what the pod's other containers want is counted", "[wire][review]") {
  auto pod = ReviewedPod();
  auto& containers = pod["spec"]["containers"];
  // A request, a limit alone, and one before the executor.
  containers.push_back(json::parse(
      R"({"name":"a","resources":{"requests":{"memory":"100Mi"},"limits":{"memory":"200Mi"}}})"));
  containers.push_back(json::parse(R"({"name":"b","resources":{"limits":{"memory":"50Mi"}}})"));
  containers.insert(containers.begin(),
                    json::parse(R"({"name":"c","resources":{"requests":{"memory":"7Mi"}}})"));
  // An init container that goes on running, and one that does not.
  pod["spec"]["initContainers"] = json::parse(R"([
      {"name":"d","restartPolicy":"Always","resources":{"requests":{"memory":"20Mi"}}},
      {"name":"e","resources":{"requests":{"memory":"999Mi"}}}])");
  const auto review = Read(pod);
  CHECK(review.places.container == 1);
  const auto& [beside, before, overhead] = review.places.others;
  CHECK(beside == model::Amounts{MiB(100 + 50 + 7 + 20), MiB(200 + 50)});
  CHECK(before == model::Amounts{MiB(20 + 999), MiB(0)});  // e, while d runs
  CHECK_FALSE(review.places.unclear_amounts);
}

TEST_CASE("init containers run one after the other, sidecars on", "[wire][review]") {
  auto pod = ReviewedPod();
  pod["spec"]["initContainers"] = json::parse(R"([
      {"name":"a","resources":{"limits":{"memory":"500Mi"}}},
      {"name":"b","restartPolicy":"Always","resources":{"limits":{"memory":"100Mi"}}},
      {"name":"c","resources":{"requests":{"memory":"0"},"limits":{"memory":"450Mi"}}},
      {"name":"d","restartPolicy":"Always","resources":{"limits":{"memory":"10Mi"}}}])");
  const auto& [beside, before, overhead] = Read(pod).places.others;
  CHECK(beside == model::Amounts{MiB(110), MiB(110)});
  // a alone; then c beside b, whose request of 0 is one.
  CHECK(before == model::Amounts{MiB(500), MiB(550)});
  CHECK(overhead.value == 0);
}

TEST_CASE("a name that no pod can have is none", "[wire][review]") {
  auto pod = ReviewedPod();
  const auto read = [&](const std::string& name) {
    pod["metadata"]["name"] = name;
    return Read(pod).pod.name;
  };
  for (const std::string good : {"a", "pi-exec-1", "a.b-1"}) CHECK(read(good) == good);
  for (const std::string bad : {"", "A", "a_b", "-a", "a-", "a b", "a/", "a\nb", "\u202e", "<b>"}) {
    CHECK(read(bad).empty());
  }
}

TEST_CASE("amounts that cannot be added to the byte are unclear", "[wire][review]") {
  auto pod = ReviewedPod();
  const auto is_unclear = [&](const char* amount) {
    pod["spec"]["containers"][1] = {{"name", "side"},
                                    {"resources", {{"limits", {{"memory", amount}}}}}};
    return Read(pod).places.unclear_amounts;
  };
  for (const auto* clear : {"0", "64Mi", "1000m", "1.5Gi", "1e9"}) CHECK_FALSE(is_unclear(clear));
  for (const auto* unclear : {"1.5", "100m", "2Pi", "-1", "x"}) CHECK(is_unclear(unclear));
  pod["spec"]["initContainers"] = json::array();
  for (int i = 0; i < 3; ++i) {
    pod["spec"]["initContainers"].push_back({{"name", "i"},
                                             {"restartPolicy", "Always"},
                                             {"resources", {{"limits", {{"memory", "512Ti"}}}}}});
  }
  CHECK(is_unclear("1Mi"));
}

TEST_CASE("a pod's overhead is read, or known not to be", "[wire][review]") {
  auto pod = ReviewedPod();
  pod["spec"]["overhead"] = {{"cpu", "250m"}, {"memory", "2Gi"}};
  CHECK(Read(pod).places.others.overhead == MiB(2048));
  CHECK_FALSE(Read(pod).places.unclear_amounts);
  pod["spec"]["overhead"] = {{"cpu", "250m"}};
  CHECK(Read(pod).places.others.overhead.value == 0);
  CHECK_FALSE(Read(pod).places.unclear_amounts);
  for (const auto* unclear : {"1.5", "2Pi", "-1", "x"}) {
    pod["spec"]["overhead"]["memory"] = unclear;
    CHECK(Read(pod).places.unclear_amounts);
  }
}

TEST_CASE("Spark's name for the container decides among several", "[wire][review]") {
  auto pod = ReviewedPod();
  auto other = Container(pod);
  other["name"] = "looks-like-it";
  pod["spec"]["containers"].insert(pod["spec"]["containers"].begin(), other);
  auto review = Read(pod);
  CHECK(review.places.candidates == 1);
  CHECK(review.places.container == 1);
  CHECK(review.places.others.beside.request == MiB(1408));
  pod["spec"]["containers"][1]["name"] = "neither-is-named";
  review = Read(pod);
  CHECK(review.places.candidates == 2);
}

TEST_CASE("where the heap comes from", "[wire][review]") {
  auto pod = ReviewedPod();
  auto& env = Container(pod)["env"];
  SECTION("the last of a name counts") {
    env.push_back({{"name", "SPARK_EXECUTOR_MEMORY"}, {"value", "900m"}});
    CHECK(Read(pod).places.heap_variable == 3);
    CHECK(Read(pod).places.heap_text == "900m");
  }
  SECTION("a ConfigMap") {
    env[1] = json::parse(R"({"name":"SPARK_EXECUTOR_MEMORY",
        "valueFrom":{"configMapKeyRef":{"name":"c","key":"k"}}})");
    CHECK(Read(pod).places.heap_from_elsewhere);
  }
  SECTION("_JAVA_OPTIONS wins over the command line") {
    env.push_back({{"name", "_JAVA_OPTIONS"}, {"value", "-Dx=y -Xmx3g"}});
    CHECK(Read(pod).places.java_options_set_heap);
  }
  SECTION("JDK_JAVA_OPTIONS does not") {
    env.push_back({{"name", "JDK_JAVA_OPTIONS"}, {"value", "-Xmx3g"}});
    CHECK_FALSE(Read(pod).places.java_options_set_heap);
  }
  SECTION("one from elsewhere") {
    env.push_back(
        {{"name", "JAVA_TOOL_OPTIONS"}, {"valueFrom", {{"fieldRef", {{"fieldPath", "x"}}}}}});
    CHECK(Read(pod).places.java_options_set_heap);
  }
}

TEST_CASE("a heap on the command line is seen wherever it stands", "[wire][review]") {
  auto pod = ReviewedPod();
  auto& container = Container(pod);
  const auto set = [&] { return Read(pod).places.java_options_set_heap; };
  container["command"] = {"/usr/bin/tini", "-s", "--", "/opt/entrypoint.sh"};
  CHECK_FALSE(set());
  SECTION("in the command") {
    container["command"] = {"/usr/bin/java", "-cp", "/opt/*", "-Xmx2g", "Main"};
    CHECK(set());
  }
  SECTION("in a script") {
    container["command"] = {"/bin/sh", "-c", "exec java -XX:MaxRAMPercentage=70 Main"};
    CHECK(set());
  }
  SECTION("in the arguments, behind what Spark passes") {
    container["args"].push_back("-XX:MaxHeapSize=2g");
    CHECK(set());
  }
  SECTION("beside what is no text") {
    container["args"] = json::array({7, nullptr, json::array(), "-Xms1g"});
    CHECK(set());
  }
  SECTION("of another container") {
    auto other = container;
    other["name"] = "sidecar";
    other["args"] = {"-Xmx1g"};
    other["env"] = json::array();
    pod["spec"]["containers"].push_back(other);
    CHECK_FALSE(set());
  }
}

TEST_CASE("variables of a ConfigMap or a Secret may be the JVM's", "[wire][review]") {
  auto pod = ReviewedPod();
  auto& container = Container(pod);
  const auto may_set = [&] { return Read(pod).places.java_options_set_heap; };
  const auto from = [](json prefix) {
    return json::array({{{"prefix", std::move(prefix)}, {"configMapRef", {{"name", "c"}}}}});
  };
  container["envFrom"] = json::array({{{"secretRef", {{"name", "s"}}}}});
  CHECK(may_set());
  for (const auto& [prefix, may] : {std::pair{json(""), true}, std::pair{json(nullptr), true},
                                    std::pair{json("_JAVA"), true}, std::pair{json("JDK_"), true},
                                    std::pair{json("DB_"), false}, std::pair{json("J_"), false}}) {
    container["envFrom"] = from(prefix);
    CHECK(may_set() == may);
  }
  // Those of env win over them.
  container["envFrom"] = from("");
  for (const auto* name : {"_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS"}) {
    CHECK(may_set());
    container["env"].push_back({{"name", name}, {"value", "-Da=b"}});
  }
  CHECK_FALSE(may_set());
}

TEST_CASE("a question of which nothing will come says so", "[wire][review]") {
  auto question = ReviewOf(ReviewedPod());
  CHECK_FALSE(ReadReview(question.dump()).review->dry_run);
  question["request"]["dryRun"] = nullptr;
  CHECK_FALSE(ReadReview(question.dump()).review->dry_run);
  question["request"]["dryRun"] = true;
  CHECK(ReadReview(question.dump()).review->dry_run);
}

TEST_CASE("a patch changes what it names and nothing else", "[wire][review]") {
  auto pod = ReviewedPod();
  model::PodPatch patch;
  patch.heap_variable = 1;
  patch.limit = MiB(2048);
  patch.request = MiB(2000);
  patch.heap = MiB(1664);
  patch.has_annotations = true;
  patch.annotations = {{"sparkfit.io/a~b", "x"}};
  const auto after = test::Patched(pod, WriteReview("u", patch, "Sized"));
  Container(pod)["resources"]["limits"]["memory"] = "2048Mi";
  Container(pod)["resources"]["requests"]["memory"] = "2000Mi";
  Container(pod)["env"][1]["value"] = "1664m";
  pod["metadata"]["annotations"]["sparkfit.io/a~b"] = "x";
  CHECK(after == pod);
}

TEST_CASE("a pod without annotations gets them", "[wire][review]") {
  auto pod = ReviewedPod();
  pod["metadata"].erase("annotations");
  CHECK_FALSE(Read(pod).places.has_annotations);
  model::PodPatch patch;
  patch.heap_variable = 1;
  patch.annotations = {{"sparkfit.io/applied-heap", "1m"}};
  const auto after = test::Patched(pod, WriteReview("u", patch, ""));
  CHECK(after["metadata"]["annotations"] == json{{"sparkfit.io/applied-heap", "1m"}});
  CHECK(after["spec"]["containers"][0]["resources"]["requests"]["memory"] == "1408Mi");
}

TEST_CASE("an answer is valid JSON whatever the UID", "[wire][review]") {
  for (const auto* uid : {"\"\\\n", "\xff\xfe", ""}) {
    const auto answer = json::parse(WriteReview(uid, std::nullopt, "ModeOff"));
    CHECK(answer["response"]["allowed"] == true);
    CHECK_FALSE(answer["response"].contains("patch"));
    CHECK(answer["kind"] == "AdmissionReview");
    CHECK(answer["response"]["auditAnnotations"]["decision"] == "ModeOff");
  }
}

}  // namespace
}  // namespace sparkfit::wire
