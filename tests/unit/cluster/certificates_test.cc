// SPDX-License-Identifier: Apache-2.0
#include "cluster/certificates.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "fake_transport.h"
#include "sparkfit/base/base64.h"
#include "temp_file.h"

namespace sparkfit::cluster {
namespace {

using nlohmann::json;
using std::chrono::hours;
using test::Answer;

// An API server that has a Secret and a MutatingWebhookConfiguration, with optimistic locking.
class Server {
 public:
  Answer operator()(const kube::Request& request) {
    if (down) return {503, "{}"};
    if (request.target.find("/secrets") != std::string::npos) return Secrets(request);
    if (request.target.find("/mutatingwebhookconfigurations/sparkfit") != std::string::npos) {
      return Configuration(request);
    }
    return {404, "{}"};
  }

  [[nodiscard]] std::string Trusted() const {
    return base::DecodeBase64(configuration["webhooks"][0]["clientConfig"].value("caBundle", ""))
        .value_or("");
  }

  std::optional<json> secret;
  json configuration = json::parse(R"({"metadata":{"name":"sparkfit","resourceVersion":"7"},
      "webhooks":[{"name":"executors.sparkfit.io","clientConfig":{"service":{"name":"s"}}}]})");
  bool down = false;
  int writes = 0;

 private:
  Answer Secrets(const kube::Request& request) {
    if (request.method == "GET") {
      return secret ? Answer{200, secret->dump()} : Answer{404, "{}"};
    }
    auto body = json::parse(request.body);
    const auto version = body["metadata"].value("resourceVersion", "");
    if (request.method == "POST" ? secret.has_value()
                                 : version != (*secret)["metadata"]["resourceVersion"]) {
      return {409, "{}"};
    }
    body["metadata"]["resourceVersion"] = std::to_string(++writes);
    secret = body;
    return {200, "{}"};
  }
  Answer Configuration(const kube::Request& request) {
    if (request.method == "GET") return {200, configuration.dump()};
    try {
      configuration = configuration.patch(json::parse(request.body));
    } catch (const json::exception&) {
      return {422, "{}"};
    }
    const int version = std::stoi(configuration["metadata"]["resourceVersion"].get<std::string>());
    configuration["metadata"]["resourceVersion"] = std::to_string(version + 1);
    return {200, "{}"};
  }
};

kube::ClientOptions Once() {
  kube::ClientOptions options;
  options.attempts = 1;
  return options;
}

// A replica, and whoever else there is, over one server.
struct Replica {
  explicit Replica(Server& server, bool leads_)
      : api([&server](const kube::Request& request) { return server(request); }, Once()),
        leads(leads_) {}

  bool Round() { return own.Round({}); }

  test::FakeApi api;
  bool leads;
  std::ostringstream out;
  base::Logger log{out, base::LogLevel::kInfo, base::LogFormat::kText};
  exposition::OwnMetrics metrics;
  Inbox inbox;
  Surroundings around{api.time, api.time, log, metrics, inbox};
  CertificateOptions options{.certificate_file = {},
                             .key_file = {},
                             .name_space = "sparkfit",
                             .secret = "sparkfit-webhook-ca",
                             .configuration = "sparkfit",
                             .dns_names = {"sparkfit-webhook.sparkfit.svc"},
                             .lifetimes = {.authority = hours(100), .leaf = hours(6)}};
  tls::Pair serves;
  OwnCertificates own{options, api.client, around, [this] { return leads; },
                      [this](const tls::Pair& pair) -> base::Result<void> {
                        serves = pair;
                        return {};
                      }};
};

TEST_CASE("who comes first makes authorities and tells whom to trust; others sign by them",
          "[certificates]") {
  Server server;
  Replica standby(server, false);
  REQUIRE(standby.Round());  // else an upgrade from monitoring mode would wait for ever
  CHECK_THAT(server.Trusted(), Catch::Contains("BEGIN CERTIFICATE"));
  Replica leader(server, true);
  REQUIRE(leader.Round());
  CHECK(tls::CheckPair(leader.serves));
  CHECK_THAT(server.Trusted(), Catch::Contains("BEGIN CERTIFICATE"));
  REQUIRE(standby.Round());
  CHECK(tls::CheckPair(standby.serves));
  CHECK(standby.serves.key != leader.serves.key);
  CHECK_THAT(leader.metrics.Text(),
             Catch::Contains("sparkfit_certificate_reloads_total{result=\"ok\"} 1"));
  // Nothing is due: nothing is written.
  const auto before = server.configuration;
  const auto serving = leader.serves;
  CHECK(leader.Round());
  CHECK(server.writes == 1);
  CHECK(server.configuration == before);
  CHECK(leader.serves == serving);
}

TEST_CASE("certificates are renewed in time, and authorities overlap", "[certificates]") {
  Server server;
  Replica leader(server, true);
  Replica standby(server, false);
  REQUIRE(leader.Round());
  REQUIRE(standby.Round());
  std::set<std::string> signers;
  std::set<std::string> served;
  // Five lives of an authority, an hour at a time.
  for (int hour = 0; hour < 500; ++hour) {
    leader.api.time.Wait(hours(1), {});
    standby.api.time.Wait(hours(1), {});
    REQUIRE(leader.Round());
    const auto now = leader.api.time.Wall();
    const auto trusted = server.Trusted();
    const auto signer = *base::DecodeBase64((*server.secret)["data"]["ca.crt"].get<std::string>());
    // Who has not looked yet serves what an authority signed that is still trusted.
    CHECK(trusted.find(signer) != std::string::npos);
    signers.insert(signer);
    REQUIRE(standby.Round());
    served.insert(standby.serves.certificate);
    const auto leaf = tls::ReadValidity(standby.serves.certificate);
    REQUIRE(leaf.has_value());
    CHECK(leaf->until > now + hours(1));
  }
  CHECK(signers.size() >= 5);
  CHECK(served.size() >= 500 / 4 - 5);  // two thirds of six hours
}

TEST_CASE("a caBundle that somebody emptied is put right", "[certificates]") {
  Server server;
  Replica leader(server, true);
  REQUIRE(leader.Round());
  const auto trusted = server.Trusted();
  server.configuration["webhooks"][0]["clientConfig"]["caBundle"] = "";
  REQUIRE(leader.Round());
  CHECK(server.Trusted() == trusted);
}

TEST_CASE("a damaged Secret is made anew by the leader, and no harm to others", "[certificates]") {
  Server server;
  Replica leader(server, true);
  Replica standby(server, false);
  REQUIRE(leader.Round());
  REQUIRE(standby.Round());
  for (const json& data : {json(nullptr), json{{"ca.crt", "!"}}, json{{"ca.crt", 7}}, json("x")}) {
    (*server.secret)["data"] = data;
    const auto serves = standby.serves;
    CHECK_FALSE(standby.Round());
    CHECK(standby.serves == serves);
    REQUIRE(leader.Round());
    CHECK(standby.Round());
  }
  CHECK_THAT(leader.out.str(), Catch::Contains("damaged"));
}

TEST_CASE("two leaders by mistake do not overwrite each other", "[certificates]") {
  Server server;
  Replica one(server, true);
  REQUIRE(one.Round());
  const auto secret = *server.secret;
  Replica other(server, true);
  REQUIRE(other.Round());
  CHECK(*server.secret == secret);
}

TEST_CASE("while the API server is gone the certificate stays, and it is said once",
          "[certificates]") {
  Server server;
  Replica leader(server, true);
  REQUIRE(leader.Round());
  const auto serves = leader.serves;
  server.down = true;
  for (int i = 0; i < 3; ++i) CHECK_FALSE(leader.Round());
  CHECK(leader.serves == serves);
  const auto text = leader.out.str();
  CHECK(text.find("cannot be looked after") == text.rfind("cannot be looked after"));
}

TEST_CASE("without a webhook nobody is told but the Secret's readers", "[certificates]") {
  Server server;
  const auto before = server.configuration;
  Replica leader(server, true);
  leader.options.configuration.clear();
  REQUIRE(leader.Round());
  CHECK(tls::CheckPair(leader.serves));
  CHECK(server.configuration == before);
  const auto asked = leader.api.transport.requests;
  CHECK(std::none_of(asked.begin(), asked.end(), [](const auto& request) {
    return request.target.find("webhook") != std::string::npos &&
           request.target.find("/secrets") == std::string::npos;
  }));
}

TEST_CASE("all authorities are in the Secret as one text, which is kept up", "[certificates]") {
  Server server;
  Replica leader(server, true);
  REQUIRE(leader.Round());
  const auto bundle = [&] {
    return base::DecodeBase64((*server.secret)["data"]["ca-bundle.crt"].get<std::string>());
  };
  CHECK(bundle() == server.Trusted());
  (*server.secret)["data"].erase("ca-bundle.crt");  // as one who knew no such key left it
  const auto signer = (*server.secret)["data"]["ca.crt"];
  Replica standby(server, false);
  REQUIRE(standby.Round());
  CHECK(!(*server.secret)["data"].contains("ca-bundle.crt"));
  REQUIRE(leader.Round());
  CHECK(bundle() == server.Trusted());
  CHECK((*server.secret)["data"]["ca.crt"] == signer);
}

TEST_CASE("a configuration that is not there is said, and the webhook serves", "[certificates]") {
  Server server;
  server.configuration = json::object();
  Replica leader(server, true);
  CHECK(leader.Round());  // nobody to be told
  CHECK(tls::CheckPair(leader.serves));
}

// Files that somebody renews.
struct Files {
  Files() { Write(certificate, ""), Write(key, ""); }

  static void Write(const test::TempFile& file, const std::string& text) {
    std::ofstream(file.Path(), std::ios::trunc) << text;
  }
  void Put(const tls::Pair& pair) {
    Write(certificate, pair.certificate);
    Write(key, pair.key);
  }
  static tls::Pair Make() {
    const base::Time now{hours(24 * 20000)};
    return *tls::MakeAuthority("test", {now, now + hours(10)});
  }

  test::TempFile certificate{""};
  test::TempFile key{""};
  CertificateOptions options{.certificate_file = certificate.Path(),
                             .key_file = key.Path(),
                             .name_space = {},
                             .secret = {},
                             .configuration = {},
                             .dns_names = {},
                             .lifetimes = {}};
  test::FakeTime time;
  std::ostringstream out;
  base::Logger log{out, base::LogLevel::kInfo, base::LogFormat::kText};
  exposition::OwnMetrics metrics;
  Inbox inbox;
  Surroundings around{time, time, log, metrics, inbox};
  std::vector<tls::Pair> installed;
  FileCertificates files{options, around, [this](const tls::Pair& pair) {
                           auto fine = tls::CheckPair(pair);
                           if (fine) installed.push_back(pair);
                           return fine;
                         }};
};

TEST_CASE("files are taken into use when they change; a wrong key leaves the pair before",
          "[certificates]") {
  Files given;
  const auto first = Files::Make();
  given.Put(first);
  given.files.Round();
  given.files.Round();
  REQUIRE(given.installed == std::vector{first});
  // One file after the other: for a moment they do not belong together.
  const auto second = Files::Make();
  given.Put({second.certificate, first.key});
  given.files.Round();
  given.files.Round();
  CHECK(given.installed.size() == 1);
  CHECK_THAT(given.metrics.Text(),
             Catch::Contains("sparkfit_certificate_reloads_total{result=\"failed\"} 1"));
  CHECK_THAT(given.out.str(), Catch::Contains("the one before stays"));
  given.Put(second);
  given.files.Round();
  CHECK(given.installed == std::vector{first, second});
}

TEST_CASE("a file that is not there is said", "[certificates]") {
  Files given;
  given.options.certificate_file = "/nowhere/tls.crt";
  given.files.Round();
  CHECK(given.installed.empty());
  CHECK_THAT(given.out.str(), Catch::Contains("cannot read /nowhere/tls.crt"));
}

}  // namespace
}  // namespace sparkfit::cluster
