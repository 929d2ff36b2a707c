// SPDX-License-Identifier: Apache-2.0
//
// Metrics by TLS, as the controller serves them: the gate, the readers, and an API server that says
// who may.
#include "cli/gate.h"

#include <catch2/catch.hpp>
#include <sstream>
#include <thread>

#include "access_api.h"
#include "cluster/readers.h"
#include "tls_client.h"

namespace sparkfit::cli {
namespace {

using namespace std::chrono_literals;
using Catch::Contains;
using test::TlsSocket;

// For 127.0.0.1, of an authority of its own.
struct Certified {
  tls::Validity century{*base::ParseTime("2020-01-01T00:00:00Z"),
                        *base::ParseTime("2120-01-01T00:00:00Z")};
  tls::Pair authority = *tls::MakeAuthority("test", century);
  tls::Pair leaf = *tls::SignLeaf(authority, {"127.0.0.1"}, century);
};

kube::ClientOptions Reviews() {
  kube::ClientOptions options;
  options.attempts = 1;
  return options;
}

class Served {
 public:
  Served() {
    serve::ServerOptions options{.address = "127.0.0.1", .port = 0, .tls = true};
    server_ = *serve::Server::Start(
        options,
        [](const serve::Request& request) { return serve::Response{.body = request.path}; },
        MakeGate([this](const auto& reader, const auto& tell) { readers_.Ask(reader, tell); }));
    REQUIRE(server_->SetCertificate(certified_.leaf));
    asks_ = std::jthread([this](const std::stop_token& stop) { readers_.Run(stop); });
  }
  ~Served() {
    asks_.request_stop();
    asks_.join();
    readers_.Close();
    server_.reset();
  }
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;

  [[nodiscard]] std::string Get(const std::string& path, const std::string& token = "") const {
    const auto with = token.empty() ? "" : "Authorization: Bearer " + token + "\r\n";
    return TlsSocket(server_->Port(), {.trust = certified_.authority.certificate})
        .Ask("GET " + path + " HTTP/1.1\r\n" + with + "Connection: close\r\n\r\n");
  }
  [[nodiscard]] int StatusOf(const std::string& path, const std::string& token = "") const {
    const auto reply = Get(path, token);
    return reply.size() < 12 ? 0 : std::stoi(reply.substr(9, 3));
  }

  test::AccessApi server;
  test::FakeApi api{[this](const kube::Request& request) { return server(request); }, Reviews()};
  std::ostringstream out;

 private:
  Certified certified_;
  base::Logger log_{out, base::LogLevel::kDebug, base::LogFormat::kText};
  cluster::Readers readers_{api.client, api.time, log_};
  std::unique_ptr<serve::Server> server_;
  std::jthread asks_;
};

TEST_CASE("metrics are for whom the API server lets read them", "[gate]") {
  const Served served;
  CHECK(served.StatusOf("/metrics") == 401);
  CHECK_THAT(served.Get("/metrics"), Contains("WWW-Authenticate: Bearer\r\n"));
  CHECK(served.StatusOf("/metrics", "bad") == 401);
  CHECK(served.StatusOf("/metrics", "poor") == 403);
  CHECK(served.StatusOf("/recommendations", "good") == 403);
  CHECK_THAT(served.Get("/metrics", "good"), Catch::EndsWith("\r\n\r\n/metrics"));
  CHECK(served.StatusOf("/metrics?x", "good") == 200);
  // A path that nobody serves is guarded, too.
  CHECK(served.StatusOf("/elsewhere") == 401);
  CHECK(served.StatusOf("/livez/../metrics") == 401);
  // Without a token nobody is asked.
  CHECK(served.server.tokens == 4);
}

TEST_CASE("health needs no token, nor the API server", "[gate]") {
  Served served;
  served.server.down = true;
  CHECK(served.StatusOf("/livez") == 200);
  CHECK(served.StatusOf("/readyz?verbose") == 200);
  CHECK(served.StatusOf("/readyz", "bad") == 200);
  CHECK(served.StatusOf("/metrics", "good") == 503);
  CHECK(served.server.tokens == 0);
}

TEST_CASE("who may read may do so for a while without the API server", "[gate]") {
  Served served;
  REQUIRE(served.StatusOf("/metrics", "good") == 200);
  served.server.down = true;
  CHECK(served.StatusOf("/metrics", "good") == 200);
  served.api.time.Pass(1min);
  CHECK(served.StatusOf("/metrics", "good") == 503);
}

TEST_CASE("made-up tokens are soon refused without a review, and others are served", "[gate]") {
  Served served;
  REQUIRE(served.StatusOf("/metrics", "good") == 200);
  int refused = 0;
  for (int i = 0; i < 50; ++i) {
    const auto status = served.StatusOf("/metrics", "made-up-" + std::to_string(i));
    CHECK((status == 401 || status == 429));
    refused += status == 429 ? 1 : 0;
  }
  CHECK(refused == 40);  // ten are judged within ten seconds
  CHECK(served.server.tokens == 11);
  CHECK(served.StatusOf("/livez") == 200);
  CHECK(served.StatusOf("/metrics", "good") == 200);
  served.api.time.Pass(1min);
  CHECK(served.StatusOf("/metrics", "good") == 200);
  CHECK_THAT(served.out.str(), !Contains("made-up"));
}

}  // namespace
}  // namespace sparkfit::cli
