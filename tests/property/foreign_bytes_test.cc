// SPDX-License-Identifier: Apache-2.0
//
// Bytes of others, damaged anywhere: every reader gives a result, and none throws; a collection
// loses what is damaged, nothing else.
#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "fake_transport.h"
#include "review_pod.h"
#include "sparkfit/kube/config.h"
#include "sparkfit/kube/list_watch.h"
#include "sparkfit/replay/replay.h"
#include "sparkfit/wire/access_review.h"
#include "sparkfit/wire/admission_review.h"
#include "sparkfit/wire/checkpoint_json.h"
#include "sparkfit/wire/driver_answer.h"
#include "sparkfit/wire/object_reader.h"
#include "sparkfit/wire/observation_log.h"
#include "sparkfit/wire/pod_json.h"
#include "sparkfit/wire/prometheus_answer.h"
#include "sparkfit/wire/published.h"
#include "sparkfit/wire/remembered_nodes.h"
#include "sparkfit/wire/resource_metrics.h"

namespace sparkfit {
namespace {

using nlohmann::json;

std::string FileText(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// All that is ever read of a pod, created or under review.
json FullPod() {
  auto pod = test::ReviewedPod();
  auto& metadata = pod["metadata"];
  metadata["uid"] = "u1";
  metadata["creationTimestamp"] = "2026-11-23T10:00:00Z";
  metadata["deletionTimestamp"] = "2026-11-23T11:00:00Z";
  metadata["ownerReferences"] = {{{"uid", "d"}, {"controller", true}}};
  auto& spec = pod["spec"];
  spec["nodeName"] = "n";
  spec["nodeSelector"] = {{"pool", "spark"}};
  spec["tolerations"] = {{{"key", "k"}, {"operator", "Exists"}, {"effect", "NoSchedule"}}};
  spec["resources"] = {{"limits", {{"memory", "2Gi"}}}};
  spec["initContainers"] = {{{"name", "i"}, {"restartPolicy", "Always"}}};
  const json ended{{"terminated",
                    {{"exitCode", 137},
                     {"reason", "OOMKilled"},
                     {"containerID", "c1"},
                     {"finishedAt", "2026-11-23T10:30:00Z"}}}};
  pod["status"] = {
      {"phase", "Running"},
      {"podIP", "10.0.0.1"},
      {"conditions", {{{"type", "DisruptionTarget"}, {"status", "False"}}}},
      {"containerStatuses",
       {{{"name", "spark-kubernetes-executor"}, {"state", ended}, {"lastState", ended}}}}};
  return pod;
}

// One text of each kind that there is a reader for.
std::vector<std::string> Texts() {
  std::vector<std::string> texts{
      FullPod().dump(),
      test::ReviewOf(FullPod()).dump(),
      R"({"metadata":{"name":"p","namespace":"n"},"timestamp":"2026-11-23T10:00:00Z","containers":[{"name":"c","usage":{"memory":"5Mi"}}]})",
      R"({"metadata":{"name":"l","namespace":"n"},"spec":{"limits":[{"type":"Container","max":{"memory":"1Gi"},"min":{"memory":1}}]}})",
      R"({"metadata":{"name":"r","namespace":"n","uid":"u","generation":1,"creationTimestamp":null},"spec":{"signature":"s","resourceProfile":0,"mode":"Off","explore":true,"memory":{"min":"1Gi"},"policy":{"name":"percentile","margin":0.3}},"status":{"conditions":[{"type":"a","status":"True","lastTransitionTime":"2026-11-23T10:00:00Z"}],"observed":{"shape":{"cores":"1","overhead":"default"},"submitted":{"memory":"1Gi","heap":"1Gi"},"lastOOM":"2026-11-23T10:00:00Z"},"recommendation":{"memory":{"target":"1Gi"},"next":{"part":"heap","memory":"1Gi","heap":"1Gi","executors":2}}}})",
      R"({"metadata":{"name":"n","labels":{"a":"b"}},"spec":{"unschedulable":true,"taints":[{"key":"k","effect":"NoSchedule"}]},"status":{"addresses":[{"type":"InternalIP","address":"10.0.0.2"}],"allocatable":{"memory":"9Gi"},"daemonEndpoints":{"kubeletEndpoint":{"Port":10250}}},"lastSeen":"2026-11-23T10:00:00Z"})",
      R"({"kind":"ExecCredential","status":{"token":"t","expirationTimestamp":"2026-11-23T10:00:00Z"}})",
      FileText(SPARKFIT_SOURCE_DIR "/tests/unit/wire/data/checkpoint-v1-floor.json")};
  for (const auto* kind : {"access_review", "prometheus", "driver_answer", "remembered_nodes",
                           "observation_log", "resource_metrics", "kubeconfig"}) {
    const std::filesystem::path corpus = SPARKFIT_SOURCE_DIR "/tests/fuzz/corpus";
    for (const auto& entry : std::filesystem::directory_iterator(corpus / kind)) {
      texts.push_back(FileText(entry.path()).substr(0, 1000));
    }
  }
  return texts;
}

const std::vector<std::string>& Damages() {
  static const std::vector<std::string> damages{"nuWl",
                                                "nul",
                                                "tru",
                                                "falze",
                                                "-",
                                                "1e999",
                                                "-0",
                                                "99999999999999999999999",
                                                "\"\\ud800\"",
                                                "\"\\u0000\"",
                                                "\"",
                                                "{",
                                                "[",
                                                "}",
                                                "]",
                                                ",",
                                                ":",
                                                "null",
                                                "{}",
                                                "[]",
                                                "\xff",
                                                "\"\x01\"",
                                                "7",
                                                "true",
                                                "\"\"",
                                                std::string(2000, '['),
                                                std::string(100, '{'),
                                                "\"a\":1,\"a\":2",
                                                R"({"a":{"a":{"a":null}}})"};
  return damages;
}

bool BeginsValue(const std::string& text, std::size_t at) {
  return at > 0 && (text[at - 1] == ':' || text[at - 1] == ',' || text[at - 1] == '[');
}

// Where the value that begins there ends: behind its string, number or atom.
std::size_t EndOfValue(const std::string& text, std::size_t at) {
  if (text[at] == '"') return std::min(text.find('"', at + 1), text.size() - 1) + 1;
  return std::min(text.find_first_of(",]}", at), text.size());
}

std::string Replaced(std::string text, std::size_t at, const std::string& by) {
  return text.replace(at, EndOfValue(text, at) - at, by);
}

// Up to three damages at random places: in place of a value, or of some bytes.
std::string Damaged(std::string text) {
  for (int i = *rc::gen::inRange(1, 4); i > 0 && !text.empty(); --i) {
    auto at = *rc::gen::inRange<std::size_t>(0, text.size());
    const auto& by = *rc::gen::elementOf(Damages());
    switch (*rc::gen::inRange(0, 4)) {
      case 0:
        text.replace(at, *rc::gen::inRange<std::size_t>(0, 3), by);
        break;
      case 1:
        text.resize(at);
        break;
      case 2:
        text[at] = static_cast<char>(*rc::gen::inRange(32, 256));
        break;
      default:
        while (at < text.size() && !BeginsValue(text, at)) ++at;
        if (at < text.size()) text = Replaced(std::move(text), at, by);
    }
  }
  return text;
}

class Ignorant final : public kube::CollectionHandler {
 public:
  void OnListBegin() override {}
  void OnListed(const kube::Object& object) override { Read(object.json); }
  void OnListEnd() override {}
  void OnChange(kube::Change, const kube::Object& object) override { Read(object.json); }
  void OnTrouble(const std::string&) override {}

  // Whatever is behind the text, these take it.
  void Read(std::string_view text) {
    std::string padded(text);
    padded.reserve(padded.size() + wire::kLinePadding);
    text = padded;
    static_cast<void>(reader_.Pod(text));
    static_cast<void>(reader_.PodMetrics(text));
    static_cast<void>(reader_.Recommendation(text));
    static_cast<void>(reader_.Node(text));
    static_cast<void>(reader_.Checkpoint(text));
    static_cast<void>(reader_.LimitRange(text));
    static_cast<void>(parser_.Parse(text));
  }

 private:
  wire::ObjectReader reader_;
  wire::LogLineParser parser_;
};

// Whether a review is answered, whatever it was.
bool ReadAsAnything(const std::string& text) {
  Ignorant().Read(text);
  static_cast<void>(wire::ParsePod(text));
  static_cast<void>(wire::ReadPrometheusAnswer(text, [](auto) { return true; }));
  static_cast<void>(wire::ParseDriverAnswer(text));
  static_cast<void>(wire::ParseStages(text));
  static_cast<void>(wire::ParseStage(text));
  static_cast<void>(wire::ReadRemembered(text));
  static_cast<void>(wire::ReadResourceMetrics(text, {}));
  static_cast<void>(wire::ReadPublished(text));
  static_cast<void>(wire::SetAside(text));
  static_cast<void>(
      wire::ReadCheckpoint(R"({"spec":)" + wire::SpecText(wire::Sealed({"json", "", text})) + "}"));
  static_cast<void>(wire::ReadTokenReview(text));
  static_cast<void>(wire::ReadAccessReview(text));
  static_cast<void>(kube::ParseExecCredential(text));
  static_cast<void>(kube::ParseKubeconfig(text, "/", ""));
  static_cast<void>(kube::Reply{409, text}.Why());
  static_cast<void>(kube::Reply{200, text}.Version());
  const auto [uid, review] = wire::ReadReview(text);
  return json::accept(wire::WriteReview(uid, std::nullopt, "odd"));
}

TEST_CASE("no reader throws, whatever is damaged", "[foreign]") {
  const auto texts = Texts();
  CHECK(rc::check([&] {
    const auto& text = *rc::gen::elementOf(texts);
    for (int i = 0; i < 20; ++i) RC_ASSERT(ReadAsAnything(Damaged(text)));
  }));
}

TEST_CASE("no reader throws, whichever value is none", "[foreign]") {
  for (const auto& text : Texts()) {
    for (std::size_t at = 1; at < text.size(); ++at) {
      if (!BeginsValue(text, at)) continue;
      INFO(text.substr(0, at));
      CHECK(ReadAsAnything(Replaced(text, at, "nuWl")));
    }
  }
}

// What a list of three tells of the two that are not damaged.
class Names final : public kube::CollectionHandler {
 public:
  void OnListBegin() override { whole = 0; }
  void OnListed(const kube::Object& object) override {
    whole += object.id.uid == "first" || object.id.uid == "last" ? 1 : 0;
  }
  void OnListEnd() override { ended = true; }
  void OnChange(kube::Change, const kube::Object& object) override { OnListed(object); }
  void OnTrouble(const std::string& why) override { trouble |= !why.empty(); }

  int whole = 0;
  bool ended = false;
  bool trouble = false;
};

TEST_CASE("a watch goes on behind whatever object was damaged", "[foreign]") {
  const auto event = [](const std::string& pod) {
    return R"({"type":"MODIFIED","object":)" + pod + "}\n";
  };
  const auto named = [](const char* uid) {
    auto pod = FullPod();
    pod["metadata"]["uid"] = uid;
    return pod.dump();
  };
  const auto full = FullPod().dump();
  CHECK(rc::check([&] {
    const auto damaged = Damaged(full);
    int asked = 0;
    std::stop_source stop;
    test::FakeTransport transport(
        [&](const kube::Request&) -> test::Answer {
          if (++asked == 1) return {200, R"({"metadata":{"resourceVersion":"5"},"items":[]})"};
          if (asked > 2) stop.request_stop();
          return {200, event(named("first")) + event(damaged) + event(named("last"))};
        },
        4096);
    test::FakeTime time;
    test::FakeToken token;
    kube::Client client(transport, token, time, time, {.attempts = 1});
    Names names;
    kube::Reflector(client, time, {"pods", "/api/v1/pods", ""}, names).Run(stop.get_token());
    RC_ASSERT(names.whole >= 2);
    RC_ASSERT(!names.trouble);
  }));
}

TEST_CASE("a log with a damaged line replays the rest", "[foreign]") {
  const auto log = FileText(SPARKFIT_SOURCE_DIR "/tests/cases/heap-oom-exit-52.ndjson");
  std::vector<std::string> lines;
  std::istringstream stream(log);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  // Observations that were replayed.
  const auto replay = [](const std::string& text) -> std::uint64_t {
    replay::ObservationReader reader;
    if (!reader.Add("log", replay::FromMemory(text))) return 0;
    controller::Pipeline pipeline({});
    const auto rows = replay::Replay(reader, pipeline, std::nullopt, [](auto) {});
    return rows ? reader.Counts().observations : 0;
  };
  const auto whole = replay(log);
  REQUIRE(whole > 10);
  CHECK(rc::check([&] {
    const auto which = *rc::gen::inRange<std::size_t>(0, lines.size());
    // A header says of what version all is.
    RC_PRE(lines[which].find(R"("header")") == std::string::npos);
    std::string text;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      text += (i == which ? Damaged(lines[i]) : lines[i]) + "\n";
    }
    RC_ASSERT(replay(text) + 1 >= whole);
  }));
}

}  // namespace
}  // namespace sparkfit
