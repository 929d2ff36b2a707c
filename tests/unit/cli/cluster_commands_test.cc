// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "sparkfit/cli/app.h"
#include "sparkfit/serve/server.h"
#include "temp_file.h"

namespace sparkfit::cli {
namespace {

using Catch::Contains;
using nlohmann::json;

json Object(const std::string& name_space, const std::string& signature, const json& status) {
  return {{"metadata", {{"namespace", name_space}, {"name", signature + "-1"}, {"uid", "u"}}},
          {"spec", {{"signature", signature}, {"resourceProfile", 0}}},
          {"status", status}};
}

// A cluster that has these objects, and a kubeconfig that leads to it.
class Cluster {
 public:
  Cluster()
      : server_(
            *serve::Server::Start({.address = "127.0.0.1", .port = 0},
                                  [](const serve::Request& request) { return Answer(request); })),
        kubeconfig_(
            "{current-context: c, contexts: [{name: c, context: {cluster: c, user: u, "
            "namespace: etl}}], users: [{name: u, user: {token: t}}], clusters: [{name: c, "
            "cluster: {server: \"http://127.0.0.1:" +
            std::to_string(server_->Port()) + "\"}}]}") {}

  struct Outcome {
    int code;
    std::string out;
    std::string err;
  };

  Outcome Call(std::vector<std::string> arguments) const {
    std::ostringstream out;
    std::ostringstream err;
    const base::SystemClock clock;
    const Process process{out, err, false,
                          [&](const std::string& name) -> const char* {
                            return name == "KUBECONFIG" ? kubeconfig_.Path().c_str() : nullptr;
                          },
                          clock};
    const int code = Run(std::move(arguments), process);
    return {code, out.str(), err.str()};
  }

 private:
  static serve::Response Answer(const serve::Request& request) {
    const json sized{
        {"recommendation",
         {{"memory", {{"target", "1284Mi"}}}, {"heap", "900Mi"}, {"overhead", "384Mi"}}},
        {"observed", {{"shape", {{"cores", "1"}, {"overhead", "default 0.1"}}}}},
        {"explanation", "p90 of 4 peaks"}};
    json items =
        json::array({Object("etl", "nightly", sized), Object("etl", "new", json::object())});
    if (request.query.find("team%3Dml") != std::string::npos) {
      items = json::array({Object("etl", "selected", sized)});
    } else if (request.query.find("labelSelector") != std::string::npos) {
      items = json::array();
    } else if (request.path == "/api/v1/namespaces") {
      items = json::array({{{"metadata", {{"name", "etl"}}}}, {{"metadata", {{"name", "ml"}}}}});
    } else if (request.path == "/apis/sparkfit.io/v1alpha1/executorrecommendations") {
      items.push_back(Object("ml", "train", sized));
    } else if (request.path !=
               "/apis/sparkfit.io/v1alpha1/namespaces/etl/executorrecommendations") {
      return {403, "application/json", R"({"kind":"Status","message":"not yours"})"};
    }
    return {200, "application/json",
            json{{"metadata", {{"resourceVersion", "1"}}}, {"items", items}}.dump()};
  }

  std::unique_ptr<serve::Server> server_;
  test::TempFile kubeconfig_;
};

TEST_CASE("recommendations are listed, of one namespace or of all", "[cli]") {
  const Cluster cluster;
  const auto one = cluster.Call({"list"});
  CHECK(one.code == kExitFine);
  CHECK_THAT(one.out, Contains("nightly") && Contains("1284Mi") && !Contains("train"));
  const auto all = cluster.Call({"list", "-A"});
  CHECK_THAT(all.out, Contains("NAMESPACE") && Contains("train"));
  const auto objects = json::parse(cluster.Call({"list", "-A", "-o", "json"}).out);
  CHECK(objects["items"].size() == 3);
  const auto forbidden = cluster.Call({"list", "-n", "secret"});
  CHECK(forbidden.code == kExitFailed);
  CHECK_THAT(forbidden.err, Contains("not yours"));
  CHECK(cluster.Call({"list", "--sort-by", "size", "-o", "xml"}).code == kExitUsage);
}

TEST_CASE("recommendations are listed as kubectl users expect", "[cli]") {
  const Cluster cluster;
  CHECK(cluster.Call({"list", "-o", "name"}).out ==
        "executorrecommendation.sparkfit.io/new-1\nexecutorrecommendation.sparkfit.io/nightly-1\n");
  const auto bare = cluster.Call({"list", "--no-headers"}).out;
  CHECK(std::count(bare.begin(), bare.end(), '\n') == 2);
  CHECK_THAT(cluster.Call({"list", "-o", "csv", "--sort-by", "target"}).out,
             Contains("lastSample\netl,nightly,"));
  CHECK_THAT(cluster.Call({"list", "-o", "wide"}).out, Contains("CONFIDENCE"));
  // Every format is sorted.
  const auto sorted = json::parse(cluster.Call({"list", "--sort-by", "target", "-o", "json"}).out);
  CHECK(sorted["items"][0]["spec"]["signature"] == "nightly");
  // What the API server is asked.
  CHECK_THAT(cluster.Call({"list", "-l", "team=ml"}).out,
             Contains("selected") && !Contains("nightly"));
  const auto none = cluster.Call({"list", "-l", "team=none"});
  CHECK(none.code == kExitFine);
  CHECK(none.out.empty());
  CHECK_THAT(none.err, Contains("namespace etl"));
}

TEST_CASE("completion asks the cluster for signatures and namespaces", "[cli][completion]") {
  const Cluster cluster;
  CHECK(cluster.Call({"__complete", "explain", ""}).out ==
        "new\ttarget -, 0 executors\nnightly\ttarget 1284Mi, 0 executors\n:4\n");
  CHECK(cluster.Call({"__complete", "explain", "ni"}).out ==
        "nightly\ttarget 1284Mi, 0 executors\n:4\n");
  CHECK_THAT(cluster.Call({"__complete", "purge", "-A", ""}).out, Contains("train"));
  CHECK(cluster.Call({"__complete", "list", "--namespace", ""}).out == "etl\nml\n:4\n");
  const auto forbidden = cluster.Call({"__complete", "explain", "-n", "secret", ""});
  CHECK(forbidden.code == kExitFine);
  CHECK(forbidden.out == ":4\n");
  CHECK(forbidden.err.empty());
}

TEST_CASE("a recommendation is explained and made into settings", "[cli]") {
  const Cluster cluster;
  CHECK_THAT(cluster.Call({"explain", "nightly"}).out, Contains("p90 of 4 peaks"));
  CHECK_THAT(cluster.Call({"explain", "nightly", "-o", "yaml"}).out,
             Contains("target: \"1284Mi\""));
  CHECK(cluster.Call({"conf", "nightly"}).out == "--conf spark.executor.memory=900m\n");
  const auto none = cluster.Call({"conf", "new"});
  CHECK(none.code == kExitFailed);
  CHECK(none.out.empty());
  const auto unknown = cluster.Call({"explain", "nigthly"});
  CHECK(unknown.code == kExitFailed);
  CHECK_THAT(unknown.err, Contains("nigthly") && Contains("etl") && Contains("; nightly?"));
  CHECK(cluster.Call({"conf", "nightly", "--for", "paper"}).code == kExitUsage);
}

TEST_CASE("what would be purged is said first", "[cli]") {
  const Cluster cluster;
  CHECK(cluster.Call({"purge"}).code == kExitUsage);
  CHECK(cluster.Call({"purge", "nightly", "--all"}).code == kExitUsage);
  const auto some = cluster.Call({"purge", "nightly", "other", "--dry-run"});
  CHECK(some.code == kExitFailed);
  CHECK(some.out == "etl/nightly would be purged\n");
  CHECK_THAT(some.err, Contains("other"));
  CHECK(cluster.Call({"purge", "--all", "-A", "--dry-run"}).out ==
        "etl/nightly would be purged\netl/new would be purged\nml/train would be purged\n");
}

}  // namespace
}  // namespace sparkfit::cli
