// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/wire/pod_json.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "sparkfit/wire/observation_log.h"

namespace sparkfit::wire {
namespace {

using base::MiB;
using Json = nlohmann::json;

// A real executor pod, as an API server shows it, cut to what matters and a little more.
Json Pod() {
  return Json::parse(R"({
    "apiVersion": "v1", "kind": "Pod",
    "metadata": {
      "name": "nightly-1-exec-1", "namespace": "jobs", "uid": "u1",
      "creationTimestamp": "2026-11-23T10:08:20Z",
      "labels": {"spark-role": "executor", "spark-app-selector": "spark-1", "spark-version": "3.5.8",
                 "spark-exec-resourceprofile-id": "3", "sparkfit.io/signature": "label"},
      "annotations": {"sparkfit.io/signature": "nightly", "other/annotation": "x"},
      "ownerReferences": [{"uid": "rs", "kind": "X"}, {"uid": "d1", "kind": "Pod", "controller": true}]
    },
    "spec": {
      "restartPolicy": "Never",
      "containers": [
        {"name": "istio-proxy", "resources": {"limits": {"memory": "128Mi"}}},
        {"name": "spark-kubernetes-executor", "args": ["executor"],
         "resources": {"requests": {"cpu": "1", "memory": "2432Mi"}, "limits": {"memory": "2432Mi"}},
         "env": [{"name": "SPARK_EXECUTOR_CORES", "value": "4"},
                 {"name": "SPARK_EXECUTOR_MEMORY", "value": "1g"},
                 {"name": "SPARK_EXECUTOR_MEMORY", "value": "2048m"},
                 {"name": "SPARK_EXECUTOR_POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]}
      ]
    },
    "status": {"phase": "Running", "containerStatuses": [
      {"name": "istio-proxy", "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}},
      {"name": "spark-kubernetes-executor", "state": {"running": {"startedAt": "2026-11-23T10:08:21Z"}}}]}
  })");
}

model::PodFacts Facts(const Json& pod) {
  auto facts = ParsePod(pod.dump());
  if (!facts) FAIL(facts.error().message);
  return *std::move(facts);
}

Json& Container(Json& pod) { return pod["spec"]["containers"][1]; }

TEST_CASE("the facts of an executor pod", "[wire][pod]") {
  const auto facts = Facts(Pod());
  CHECK(facts.name == "nightly-1-exec-1");
  CHECK(facts.name_space == "jobs");
  CHECK(facts.uid == "u1");
  CHECK(facts.role == model::PodRole::kExecutor);
  CHECK(facts.phase == model::PodPhase::kRunning);
  CHECK(facts.app_selector == "spark-1");
  CHECK(facts.owner_uid == "d1");  // the controller among the owners
  CHECK(facts.profile == 3);
  CHECK(base::FormatTime(facts.created) == "2026-11-23T10:08:20Z");
  CHECK(facts.settings->Get(model::Setting::kSignature) == "nightly");  // annotation before label
  CHECK(facts.container == "spark-kubernetes-executor");
  CHECK(facts.size.limit == MiB(2432));
  CHECK(facts.size.heap == MiB(2048));  // the last variable of a name counts
  CHECK(facts.submitted == facts.size);
  CHECK(facts.request == MiB(2432));
  CHECK(facts.cores == "4");
  CHECK(facts.GetShape() == model::Shape{"4", model::OverheadClass::kDefaultJvm, {3, 5}});
  CHECK_FALSE(facts.ended.has_value());  // the sidecar's end is not the executor's
  CHECK_FALSE(facts.deleted);
  CHECK_FALSE(facts.restarts);
  CHECK(facts.problems.empty());
}

TEST_CASE("signatures of every length and with every character are taken as they are",
          "[wire][pod]") {
  const auto signature = [](const std::string& text, const char* where) {
    auto pod = Pod();
    pod["metadata"].erase("annotations");
    pod["metadata"]["labels"].erase("sparkfit.io/signature");
    pod["metadata"][where]["sparkfit.io/signature"] = text;
    std::vector<std::string> problems;
    const auto found = model::FindSignature(Facts(pod).settings, nullptr, problems);
    CHECK(problems.size() == (text.size() > model::kLongestSetting ? 1 : 0));
    return found;
  };
  for (const auto* where : {"labels", "annotations"}) {
    for (const std::size_t length : {1, 62, 63, 64, 253}) {
      CHECK(signature(std::string(length, 'x'), where) == std::string(length, 'x'));
    }
    for (const std::size_t length : {0, 254, 100'000}) {
      CHECK(signature(std::string(length, 'x'), where) == std::nullopt);
    }
    std::string wide;  // bytes count, not characters
    for (int i = 0; i < 126; ++i) wide += "\u00e4";
    CHECK(signature(wide, where) == wide);
    CHECK(signature(wide + "\u00e4", where) == std::nullopt);
    for (int c = 0; c < 0x80; ++c) {
      const std::string text{'a', static_cast<char>(c), 'b'};
      CHECK(signature(text, where) == text);
    }
    for (const auto* text :
         {"/", "a/b", "a|b", " ", "日本語", "\u2028", "\u202e", "\U0001f525", "..", "-"}) {
      CHECK(signature(text, where) == text);
    }
  }
}

TEST_CASE("how the executor container ended", "[wire][pod]") {
  auto pod = Pod();
  pod["status"]["containerStatuses"][1]["state"] = Json::parse(
      R"({"terminated":{"exitCode":137,"reason":"OOMKilled","finishedAt":"2026-11-23T10:12:17Z",)"
      R"("containerID":"containerd://1"}})");
  pod["status"]["containerStatuses"][1]["lastState"] =
      Json::parse(R"({"terminated":{"exitCode":52}})");
  pod["metadata"]["deletionTimestamp"] = "2026-11-23T10:12:19Z";
  const auto facts = Facts(pod);
  REQUIRE(facts.ended.has_value());
  CHECK(facts.ended->exit_code == 137);
  CHECK(facts.ended->reason == "OOMKilled");
  CHECK(facts.ended->container_id == "containerd://1");
  CHECK(base::FormatTime(*facts.ended->finished_at) == "2026-11-23T10:12:17Z");
  REQUIRE(facts.last_restart.has_value());
  CHECK(facts.last_restart->exit_code == 52);
  CHECK(facts.deleted);
}

TEST_CASE("an exit code out of range is not taken for another", "[wire][pod]") {
  auto pod = Pod();
  pod["status"]["containerStatuses"][1]["state"]["terminated"]["exitCode"] =
      4294967348;  // 2^32 + 52
  CHECK(Facts(pod).ended->exit_code == 256);
}

TEST_CASE("who took a pod down is seen in its status", "[wire][pod]") {
  CHECK_FALSE(Facts(Pod()).disrupted);
  auto evicted = Pod();
  evicted["status"]["reason"] = "Evicted";
  CHECK(Facts(evicted).disrupted);
  evicted["status"]["reason"] = "NodeLost";
  CHECK(Facts(evicted).disrupted);
  evicted["status"]["reason"] = "Error";
  CHECK_FALSE(Facts(evicted).disrupted);
  auto preempted = Pod();
  preempted["status"]["conditions"] = Json::parse(R"([{"type":"Ready","status":"True"},
      {"type":"DisruptionTarget","status":"True","reason":"PreemptionByScheduler"}])");
  CHECK(Facts(preempted).disrupted);
  preempted["status"]["conditions"][1]["status"] = "False";
  CHECK_FALSE(Facts(preempted).disrupted);
}

TEST_CASE("a renamed executor container is found by what it runs", "[wire][pod]") {
  auto pod = Pod();
  Container(pod)["name"] = "main";
  pod["status"]["containerStatuses"][1]["name"] = "main";
  CHECK(Facts(pod).container == "main");
  Container(pod).erase("env");
  CHECK(Facts(pod).container == "main");  // by its argument
  Container(pod).erase("args");
  CHECK_FALSE(Facts(pod).container.has_value());
}

TEST_CASE("of two candidates the one with Spark's name counts, else the first", "[wire][pod]") {
  auto pod = Pod();
  pod["spec"]["containers"][0]["env"] =
      Json::parse(R"([{"name":"SPARK_EXECUTOR_MEMORY","value":"1g"}])");
  CHECK(Facts(pod).container == "spark-kubernetes-executor");
  Container(pod)["name"] = "main";
  CHECK(Facts(pod).container == "istio-proxy");
}

TEST_CASE("a patched pod shows both sizes", "[wire][pod]") {
  auto pod = Pod();
  pod["metadata"]["annotations"]["sparkfit.io/original-memory"] = "1408Mi";
  pod["metadata"]["annotations"]["sparkfit.io/original-heap"] = "1g";
  const auto facts = Facts(pod);
  CHECK(facts.size.limit == MiB(2432));
  CHECK(facts.submitted == model::ExecutorSize{MiB(1408), MiB(1024)});
  CHECK(facts.request == MiB(1408));
  pod["metadata"]["annotations"]["sparkfit.io/original-request"] = "500Mi";
  CHECK(Facts(pod).request == MiB(500));
  pod["metadata"]["annotations"]["sparkfit.io/original-request"] =
      "2Gi";  // no API server allows it
  CHECK(Facts(pod).request == MiB(1408));
}

TEST_CASE("missing sizes are unknown, not zero heaps", "[wire][pod]") {
  auto pod = Pod();
  Container(pod)["resources"].erase("limits");
  CHECK(Facts(pod).size.limit == MiB(2432));  // the request stands in
  Container(pod)["resources"] = Json::object();
  auto facts = Facts(pod);
  CHECK(facts.size.limit == base::Bytes{});
  CHECK_FALSE(facts.size.heap.has_value());  // a heap above the limit says nothing
  Container(pod)["resources"]["limits"]["memory"] = "1Gi";
  CHECK_FALSE(Facts(pod).size.heap.has_value());
  Container(pod)["resources"]["limits"]["memory"] = 2147483648;  // a bare number
  CHECK(Facts(pod).size.limit == base::GiB(2));
}

TEST_CASE("an environment from elsewhere shows no heap", "[wire][pod]") {
  auto pod = Pod();
  Container(pod)["env"] = Json::parse(
      R"([{"name":"SPARK_EXECUTOR_MEMORY","valueFrom":{"configMapKeyRef":{"name":"a","key":"b"}}}])");
  const auto facts = Facts(pod);
  CHECK(facts.container == "spark-kubernetes-executor");
  CHECK_FALSE(facts.size.heap.has_value());
}

TEST_CASE("JVM options that end a full heap are seen in any variable, together", "[wire][pod]") {
  auto pod = Pod();
  CHECK(Facts(pod).heap_oom_exits.empty());
  auto& environment = Container(pod)["env"];
  const auto add = [&](const char* name, const char* value) {
    environment.push_back({{"name", name}, {"value", value}});
  };
  add("SPARK_JAVA_OPT_2", "-XX:+ExitOnOutOfMemoryError");
  CHECK(Facts(pod).heap_oom_exits == std::vector<int>{3});
  add("JAVA_TOOL_OPTIONS", "-Xss4m '-XX:OnOutOfMemoryError=kill -9 %p'");
  add("JDK_JAVA_OPTIONS", "-XX:+CrashOnOutOfMemoryError");
  add("_JAVA_OPTIONS", "-XX:OnOutOfMemoryError=\"kill %p\"");
  CHECK(Facts(pod).heap_oom_exits == std::vector<int>{3, 134, 137, 143});
  environment = Json::parse(
      R"([{"name":"JAVA_TOOL_OPTIONS","valueFrom":{"configMapKeyRef":{"name":"a","key":"b"}}}])");
  CHECK(Facts(pod).heap_oom_exits.empty());
}

TEST_CASE("parts that cannot be understood are left out and named", "[wire][pod]") {
  auto pod = Pod();
  Container(pod)["resources"]["limits"]["memory"] = "2432MB";
  Container(pod)["env"][2]["value"] = "two gigs";
  pod["metadata"]["creationTimestamp"] = "today";
  const auto facts = Facts(pod);
  CHECK(facts.size.limit == MiB(2432));  // the request
  CHECK_FALSE(facts.size.heap.has_value());
  CHECK(facts.problems.size() == 3);
}

TEST_CASE("nulls count as absent, as in the Kubernetes API", "[wire][pod]") {
  auto pod = Pod();
  pod["metadata"]["annotations"] = nullptr;
  pod["metadata"]["deletionTimestamp"] = nullptr;
  pod["status"]["containerStatuses"] = nullptr;
  const auto facts = Facts(pod);
  CHECK_FALSE(facts.deleted);
  CHECK(facts.settings->Get(model::Setting::kSignature) == "label");
}

TEST_CASE("what is no pod is refused", "[wire][pod]") {
  for (const auto* text : {"", "{}", "[]", "{\"metadata\":7}", "{\"metadata\":{\"name\":\"a\"}}"}) {
    INFO(text);
    CHECK_FALSE(ParsePod(text).has_value());
  }
  auto pod = Pod();
  for (const auto* profile : {"-1", "x", "1.5", "99999999999"}) {
    pod["metadata"]["labels"]["spark-exec-resourceprofile-id"] = profile;
    CHECK_FALSE(ParsePod(pod.dump()).has_value());
  }
}

TEST_CASE("a signature is derived from labels only by rules, never from annotations",
          "[wire][pod]") {
  auto pod = Pod();
  pod["metadata"]["labels"]["team"] = "sales";
  pod["metadata"]["labels"]["app"] = "nightly";
  pod["metadata"]["annotations"]["app"] = "other";
  const auto derived = [&](const model::SignatureRules* rules) -> std::optional<std::string> {
    const auto facts = *ParsePod(pod.dump(), rules);
    const auto found = facts.settings->Get(model::Setting::kDerivedSignature);
    return found ? std::optional(std::string(*found)) : std::nullopt;
  };
  const auto rules = *model::SignatureRules::Parse("{team}-{app}");
  CHECK(derived(&rules) == "sales-nightly");
  CHECK_FALSE(derived(nullptr));
  pod["metadata"]["labels"].erase("app");
  CHECK_FALSE(derived(&rules));
}

TEST_CASE("a driver's port is where Spark says that its UI is", "[wire][pod]") {
  auto pod = Pod();
  auto& container = pod["spec"]["containers"][1];
  // As BasicDriverFeatureStep writes them, with spark.ui.port=4050.
  container["ports"] = Json::parse(R"([
    {"name": "driver-rpc-port", "containerPort": 7078, "protocol": "TCP"},
    {"name": "blockmanager", "containerPort": 7079, "protocol": "TCP"},
    {"name": "spark-ui", "containerPort": 4050, "protocol": "TCP"}])");
  CHECK(Facts(pod).ui_port == 0);  // an executor has none
  pod["metadata"]["labels"]["spark-role"] = "driver";
  CHECK(Facts(pod).ui_port == 4050);
  SECTION("on the node's own address nobody chooses a port") {
    pod["spec"]["hostNetwork"] = true;
    CHECK(Facts(pod).ui_port == 0);
  }
  SECTION("none is named so") {
    container["ports"][2]["name"] = "metrics";
    CHECK(Facts(pod).ui_port == 0);
  }
  SECTION("it is no port") {
    container["ports"][2]["containerPort"] = 70'000;
    CHECK(Facts(pod).ui_port == 0);
  }
}

TEST_CASE("a driver's address is one that a pod can have, an executor's is nobody's concern",
          "[wire][pod]") {
  auto pod = Pod();
  const auto address = [&](const Json& value) {
    pod["status"]["podIP"] = value;
    return Facts(pod).address;
  };
  CHECK(address("10.244.0.17").empty());
  pod["metadata"]["labels"]["spark-role"] = "driver";
  for (const auto* fine :
       {"10.244.0.17", "100.64.3.1", "192.168.1.1", "8.8.8.8", "fd00::17", "2001:db8:1::5"}) {
    CHECK(address(fine) == fine);
  }
  for (const auto* none : {"",
                           "localhost",
                           "kubernetes.default.svc",
                           "10.244.0",
                           "10.244.0.17:80",
                           "0.0.0.0",
                           "127.0.0.1",
                           "127.1.2.3",
                           "169.254.169.254",
                           "224.0.0.1",
                           "255.255.255.255",
                           "010.0.0.1",
                           "::",
                           "::1",
                           "::ffff:127.0.0.1",
                           "::127.0.0.1",
                           "fe80::1",
                           "febf::1",
                           "fe80::1%eth0",
                           "ff02::1",
                           "[fd00::17]",
                           "10.0.0.1/..",
                           " 10.0.0.1"}) {
    INFO(none);
    CHECK(address(none).empty());
  }
  CHECK(address(std::string("10.0.0.1\0.evil", 14)).empty());
  CHECK(address(nullptr).empty());
  CHECK(address(7).empty());
}

// What decides on which nodes it can run, and things beside it that do not.
void Place(Json& pod) {
  auto& spec = pod["spec"];
  spec["nodeSelector"] = {{"pool", "spark"}};
  spec["affinity"] = Json::parse(R"({
    "podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "z"}]},
    "nodeAffinity": {
      "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference": {}}],
      "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
        {"matchExpressions": [{"key": "zone", "operator": "NotIn", "values": ["a", "b"]},
                              {"key": "gpu", "operator": "DoesNotExist"},
                              {"key": "gen", "operator": "Gt", "values": ["6"]},
                              {"key": "new", "operator": "Near", "values": ["1"]}]},
        {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]}]}}})");
  spec["tolerations"] = Json::parse(R"([
    {"key": "spark", "operator": "Equal", "value": "yes", "effect": "NoSchedule"},
    {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute",
     "tolerationSeconds": 300},
    {"operator": "Exists"},
    {"key": "soft", "operator": "Exists", "effect": "PreferNoSchedule"},
    {"key": "cost", "operator": "Gt", "value": "5"}])");
}

TEST_CASE("what a pod demands of its node", "[wire][pod]") {
  using Operator = model::Requirement::Operator;
  auto pod = Pod();
  CHECK(Facts(pod).placement == model::Placement{});
  Place(pod);
  const model::Placement placement = Facts(pod).placement;
  CHECK(placement.selector == model::Labels{{"pool", "spark"}});
  REQUIRE(placement.terms.size() == 2);
  CHECK(placement.terms[0].labels ==
        std::vector<model::Requirement>{{"zone", Operator::kNotIn, {"a", "b"}},
                                        {"gpu", Operator::kDoesNotExist, {}},
                                        {"gen", Operator::kGt, {"6"}},
                                        {"new", Operator::kUnknown, {"1"}}});
  CHECK(placement.terms[1].fields ==
        std::vector<model::Requirement>{{"metadata.name", Operator::kIn, {"n1"}}});
  // Those for soft taints, and by operators that are not known, tolerate no hard taint.
  CHECK(placement.tolerations ==
        std::vector<model::Toleration>{
            {"spark", "yes", false, model::TaintEffect::kNoSchedule},
            {"node.kubernetes.io/not-ready", "", true, model::TaintEffect::kNoExecute},
            {"", "", true, {}}});
  // A driver runs where it runs.
  pod["metadata"]["labels"]["spark-role"] = "driver";
  CHECK(Facts(pod).placement == model::Placement{});
}

TEST_CASE("a recorded pod demands the same of its node", "[wire][pod]") {
  auto pod = Pod();
  Place(pod);
  const auto facts = Facts(pod);
  const auto line = WriteLine({base::Time{}, model::PodEvent{model::EventType::kAdded, facts}});
  CHECK(Facts(Json::parse(line)["object"]).placement == facts.placement);
}

TEST_CASE("a placement that is none leaves the rest of the pod as it is", "[wire][pod]") {
  const auto* key = GENERATE("nodeSelector", "affinity", "tolerations");
  auto pod = Pod();
  pod["spec"][key] = 7;
  const auto facts = Facts(pod);
  CHECK(facts.placement == model::Placement{});
  CHECK(facts.problems.size() == 1);
  CHECK(facts.size.limit == MiB(2432));
}

TEST_CASE("a placement is bounded", "[wire][pod]") {
  auto pod = Pod();
  auto& tolerations = pod["spec"]["tolerations"];
  for (int i = 0; i < 1000; ++i) {
    pod["spec"]["nodeSelector"][std::to_string(i)] = "x";
    tolerations.push_back({{"key", std::to_string(i)}});
  }
  tolerations[0]["key"] = std::string(100000, 'x');
  const model::Placement placement = Facts(pod).placement;
  CHECK(placement.selector.size() == 128);
  CHECK(placement.tolerations.size() == 64);
  CHECK(placement.tolerations[0].key.size() == 318);  // longer than a label's key may be
}

TEST_CASE("a pod takes a few KiB, whatever is written on it", "[wire][pod]") {
  auto pod = Pod();
  const std::string endless(250'000, 'x');
  for (const auto& key : model::SettingKeys()) {
    pod["metadata"]["annotations"][key] = endless;
    pod["metadata"]["labels"][key] = endless;
  }
  for (const auto* key : {"spark-app-selector", "spark-exec-id"}) {
    pod["metadata"]["labels"][key] = endless;
  }
  pod["metadata"]["ownerReferences"] = Json::array({{{"uid", endless}, {"controller", true}}});
  pod["spec"]["nodeName"] = endless;
  auto& container = pod["spec"]["containers"][0];
  for (const auto* name : {"SPARK_EXECUTOR_CORES", "SPARK_EXECUTOR_MEMORY"}) {
    container["env"].push_back({{"name", name}, {"value", endless}});
  }
  container["resources"]["limits"]["memory"] = endless;
  auto& terms = pod["spec"]["affinity"]["nodeAffinity"]
                   ["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"];
  for (int i = 0; i < 30; ++i) {
    terms.push_back(
        {{"matchExpressions", Json::array({{{"key", endless},
                                            {"operator", "In"},
                                            {"values", Json::array({endless, endless})}}})}});
  }
  const auto facts = Facts(pod);
  CHECK(facts.placement == model::Placement{});
  CHECK(facts.problems.size() == 1);
  const auto line = WriteLine({base::Time{}, model::PodEvent{model::EventType::kAdded, facts}});
  // Of each text its beginning, of 253 bytes.
  CHECK(line.size() < 8192);
  std::vector<std::string> problems;
  CHECK(model::FindSignature(facts.settings, nullptr, problems) == std::nullopt);
  const auto job = model::Understand(facts.settings, nullptr);
  CHECK(job.policy == std::nullopt);
  CHECK(job.family == std::nullopt);
  CHECK(job.problems.size() == model::kMostProblems);
}

}  // namespace
}  // namespace sparkfit::wire
