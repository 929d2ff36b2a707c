// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <sstream>

#include "sparkfit/cli/app.h"
#include "sparkfit/serve/server.h"
#include "temp_file.h"

namespace sparkfit::cli {
namespace {

using Catch::Contains;

// An API server and a replica in one, at an address of its own.
struct Installation {
  explicit Installation(std::string resources, std::string webhook = "{}")
      : server(*serve::Server::Start({.address = "127.0.0.1", .port = 0},
                                     [resources, webhook](const serve::Request& request) {
                                       if (request.path == "/apis/sparkfit.io/v1alpha1") {
                                         return serve::Response{200, "application/json", resources};
                                       }
                                       if (request.path == "/readyz") return serve::Response{};
                                       if (request.path.ends_with("/sparkfit")) {
                                         return serve::Response{200, "application/json", webhook};
                                       }
                                       return serve::Response{404, "text/plain", "nothing here"};
                                     })) {}

  std::pair<int, std::string> Check(std::vector<std::string> more) const {
    const auto url = "http://127.0.0.1:" + std::to_string(server->Port());
    const test::TempFile kubeconfig(
        "{current-context: c, contexts: [{name: c, context: {cluster: c, user: u}}], users: "
        "[{name: u, "
        "user: {token: t}}], clusters: [{name: c, cluster: {server: \"" +
        url + "\"}}]}");
    std::vector<std::string> arguments{"check-install", "--kubeconfig", kubeconfig.Path()};
    for (auto& argument : more) {
      arguments.push_back(argument.starts_with('/') ? url + argument : argument);
    }
    std::ostringstream out;
    std::ostringstream err;
    const base::SystemClock clock;
    const int code = Run(std::move(arguments),
                         {out, err, false, [](const std::string&) { return nullptr; }, clock});
    return {code, out.str() + err.str()};
  }

  std::unique_ptr<serve::Server> server;
};

constexpr const char* kOurs =
    R"({"resources":[{"name":"executorrecommendations"},{"name":"executorrecommendationcheckpoints"}]})";

TEST_CASE("an installation that works is said to", "[cli]") {
  const auto [code, text] = Installation(kOurs).Check({"--ready", "/readyz"});
  CHECK(code == kExitFine);
  CHECK_THAT(text, !Contains("FAILED") && Contains("is ready"));
}

TEST_CASE(
    "a replica's readiness is asked by HTTPS without knowing whom to trust, as a kubelet does",
    "[cli]") {
  const auto replica =
      *serve::Server::Start({.address = "127.0.0.1", .port = 0, .tls = true},
                            [](const serve::Request&) { return serve::Response{}; });
  const auto century = tls::Validity{*base::ParseTime("2020-01-01T00:00:00Z"),
                                     *base::ParseTime("2120-01-01T00:00:00Z")};
  REQUIRE(replica->SetCertificate(*tls::MakeAuthority("nobody knows", century)));
  const auto url = "https://127.0.0.1:" + std::to_string(replica->Port()) + "/readyz";
  const auto [code, text] = Installation(kOurs).Check({"--ready", url});
  CHECK(code == kExitFine);
  CHECK_THAT(text, Contains("ok      a replica is ready at " + url));
}

TEST_CASE("what does not work in an installation is named", "[cli]") {
  const Installation without(R"({"resources":[{"name":"executorrecommendations"}]})");
  const auto [code, text] = without.Check({"--ready", "/elsewhere"});
  CHECK(code == kExitFailed);
  CHECK_THAT(text, Contains("executorrecommendationcheckpoints") && Contains("404"));
  const Installation untrusted(
      kOurs, R"({"webhooks":[{"clientConfig":{"service":{"name":"s","namespace":"n"}}}]})");
  CHECK_THAT(untrusted.Check({"--webhook-configuration", "sparkfit"}).second,
             Contains("caBundle is empty"));
  const Installation odd(kOurs, R"([])");
  CHECK(odd.Check({"--webhook-configuration", "sparkfit"}).first == kExitFailed);
  CHECK(odd.Check({"--webhook-configuration", "missing"}).first == kExitFailed);
}

}  // namespace
}  // namespace sparkfit::cli
