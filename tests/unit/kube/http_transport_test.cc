// SPDX-License-Identifier: Apache-2.0
//
// The transport against servers that misbehave, over real TLS on this machine.
#include <signal.h>

#include <catch2/catch.hpp>
#include <mutex>

#include "fake_transport.h"
#include "hostile_bytes.h"
#include "proxy.h"
#include "sparkfit/base/gzip.h"
#include "tls_server.h"

namespace sparkfit::kube {
namespace {

using base::Code;
using test::TlsPeer;
using test::TlsServer;

// A server that goes away while we write must not end the tests.
const auto kIgnored = ::signal(SIGPIPE, SIG_IGN);

std::string Ok(const std::string& body, const std::string& headers = "") {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + headers +
         "\r\n" + body;
}

// Answers every request alike.
TlsServer::Script Always(const std::string& answer) {
  return [answer](TlsPeer& peer) {
    while (!peer.Request().empty() && peer.Say(answer)) {
    }
  };
}

struct Exchange {
  base::Result<Response> response;
  std::string body;
};

class Connection {
 public:
  explicit Connection(const TlsServer& server) : Connection(EndpointOf(server)) {}
  explicit Connection(const Endpoint& endpoint) {
    auto made = MakeHttpTransport(endpoint, clock);
    REQUIRE(made);
    transport = *std::move(made);
  }

  static Endpoint EndpointOf(const TlsServer& server) {
    Endpoint endpoint;
    endpoint.server = server.Url();
    endpoint.certificate_authority.data = server.certificate.Pem();
    return endpoint;
  }

  static Request Get() {
    Request request;
    request.target = "/api/v1/pods";
    request.bearer_token = "secret";
    request.accept_gzip = true;
    return request;
  }

  Exchange Send(const Request& request = Get(), const std::stop_token& stop = {}) const {
    std::string body;
    auto response = transport->Send(
        request,
        [&](int, std::string_view bytes) {
          body += bytes;
          return true;
        },
        stop);
    return {std::move(response), std::move(body)};
  }

  base::SystemClock clock;
  std::unique_ptr<Transport> transport;
};

TEST_CASE("requests carry the token, and connections are kept", "[kube][tls]") {
  std::mutex mutex;
  std::string seen;
  TlsServer server([&](TlsPeer& peer) {
    for (;;) {
      const auto request = peer.Request();
      if (request.empty()) return;
      {
        const std::scoped_lock lock(mutex);
        seen = request;
      }
      if (!peer.Say(Ok("{}"))) return;
    }
  });
  const Connection connection(server);
  for (int i = 0; i < 20; ++i) {
    const auto answer = connection.Send();
    REQUIRE(answer.response);
    CHECK(answer.response->status == 200);
    CHECK(answer.body == "{}");
  }
  CHECK(server.connections == 1);
  const std::scoped_lock lock(mutex);
  CHECK_THAT(seen, Catch::StartsWith("GET /api/v1/pods HTTP/1.1\r\n"));
  CHECK_THAT(seen, Catch::Contains("Authorization: Bearer secret\r\n"));
}

TEST_CASE("a redirect is an answer, and the token goes nowhere else", "[kube][tls]") {
  TlsServer other(Always(Ok("stolen")));
  TlsServer server(
      Always("HTTP/1.1 302 Found\r\nLocation: " + other.Url() + "/\r\nContent-Length: 0\r\n\r\n"));
  const auto answer = Connection(server).Send();
  REQUIRE(answer.response);
  CHECK(answer.response->status == 302);
  CHECK(other.connections == 0);
}

TEST_CASE("a server that nobody trusts, or of another name, hears nothing", "[kube][tls]") {
  TlsServer server(Always(Ok("{}")));
  auto endpoint = Connection::EndpointOf(server);
  SECTION("another authority") { endpoint.certificate_authority.data = test::Certificate().Pem(); }
  SECTION("the system's authorities") { endpoint.certificate_authority.data.clear(); }
  SECTION("another name") { endpoint.tls_server_name = "elsewhere.test"; }
  const auto answer = Connection(endpoint).Send();
  REQUIRE_FALSE(answer.response);
  CHECK(answer.response.error().code == Code::kUnavailable);
  CHECK(answer.body.empty());
}

TEST_CASE("why a server's certificate is not accepted is said", "[kube][tls]") {
  const auto said = [](const test::Certificate::Options& options, bool known = true,
                       const std::string& name = "") {
    TlsServer server(Always(Ok("{}")), 0, options);
    auto endpoint = Connection::EndpointOf(server);
    if (!known) endpoint.certificate_authority.data = test::Certificate().Pem();
    endpoint.tls_server_name = name;
    const auto answer = Connection(endpoint).Send();
    REQUIRE_FALSE(answer.response);
    return answer.response.error().message;
  };
  CHECK_THAT(said({.from = -7200, .until = -3600}),
             Catch::Contains("the certificate of CN=fake expired at 20"));
  CHECK_THAT(said({.from = 3600, .until = 7200}),
             Catch::Contains("is not valid before 20") && Catch::Contains("clock"));
  CHECK_THAT(said({}, false), Catch::Contains("signed by an unknown authority, CN=fake"));
  CHECK_THAT(said({}, true, "api.prod"),
             Catch::Contains("is for 127.0.0.1, fake.test, not for api.prod"));
  CHECK_THAT(said({.names = "DNS:api.prod"}),
             Catch::Contains("is for api.prod, not for 127.0.0.1"));
}

TEST_CASE("a certificate of one request identifies us instead of the endpoint's", "[kube][tls]") {
  TlsServer server(Always(Ok("{}")));
  const test::Certificate ours;
  server.LetInOnly(ours);
  const Connection connection(server);
  auto request = Connection::Get();
  CHECK_FALSE(connection.Send(request).response);
  request.client = std::make_shared<const ClientPair>(ClientPair{ours.Pem(), ours.KeyPem()});
  CHECK(connection.Send(request).response);
  CHECK(connection.Send(request).response);
  CHECK(server.connections == 1);  // kept
  // As somebody else, or nobody, no kept connection is of use.
  request.client = std::make_shared<const ClientPair>(*request.client);
  CHECK(connection.Send(request).response);
  CHECK(server.connections == 2);
  request.client = nullptr;
  CHECK_FALSE(connection.Send(request).response);
}

TEST_CASE("a proxy leads to a server with TLS, and hears nothing of what is said", "[kube][tls]") {
  TlsServer server(Always(Ok("{}")));
  test::Proxy proxy(server.port);
  auto endpoint = Connection::EndpointOf(server);
  endpoint.server = "https://api.far:6443";
  endpoint.tls_server_name = "fake.test";
  endpoint.proxy = "http://me:p%40ss@127.0.0.1:" + std::to_string(proxy.port);
  const Connection connection(endpoint);
  CHECK(connection.Send().body == "{}");
  CHECK(connection.Send().body == "{}");
  const auto asked = proxy.Asked();
  REQUIRE(asked.size() == 1);  // kept
  // me:p@ss
  CHECK(asked[0] ==
        "CONNECT api.far:6443 HTTP/1.1\r\nHost: api.far:6443\r\n"
        "Proxy-Authorization: Basic bWU6cEBzcw==\r\n\r\n");
}

TEST_CASE("a proxy is asked for whole URLs of a server without TLS", "[kube]") {
  test::Proxy proxy(1, Ok("{}"));
  Endpoint endpoint;
  endpoint.server = "http://prometheus.far:9090/prom";
  endpoint.proxy = "127.0.0.1:" + std::to_string(proxy.port);  // http:// is what it means
  CHECK(Connection(endpoint).Send().body == "{}");
  REQUIRE(proxy.Asked().size() == 1);
  CHECK_THAT(proxy.Asked()[0],
             Catch::StartsWith("GET http://prometheus.far:9090/prom/api/v1/pods HTTP/1.1\r\n"));
}

TEST_CASE("what a proxy refuses is said to be the proxy's word", "[kube]") {
  test::Proxy proxy(1, "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
  Endpoint endpoint;
  endpoint.server = "https://api.far:6443";
  endpoint.proxy = "http://127.0.0.1:" + std::to_string(proxy.port);
  const auto refused = Connection(endpoint).Send();
  REQUIRE_FALSE(refused.response);
  CHECK_THAT(refused.response.error().message,
             Catch::Contains("by proxy 127.0.0.1:") &&
                 Catch::Contains("407 Proxy Authentication Required"));
  endpoint.proxy = "http://127.0.0.1:1";
  CHECK_THAT(Connection(endpoint).Send().response.error().message, Catch::Contains("by proxy"));
  const base::SystemClock clock;
  for (const auto* none : {"socks5://host:1080", "https://host:3128", "http://", "http://user@"}) {
    INFO(none);
    endpoint.proxy = none;
    CHECK(MakeHttpTransport(endpoint, clock).error().code == Code::kInvalidArgument);
  }
}

TEST_CASE("the certificate may have a name that was agreed on", "[kube][tls]") {
  TlsServer server(Always(Ok("{}")));
  auto endpoint = Connection::EndpointOf(server);
  endpoint.tls_server_name = "fake.test";
  CHECK(Connection(endpoint).Send().response);
}

TEST_CASE("a client certificate identifies us", "[kube][tls]") {
  TlsServer server(Always(Ok("{}")));
  const test::Certificate ours;
  server.LetInOnly(ours);
  auto endpoint = Connection::EndpointOf(server);
  CHECK_FALSE(Connection(endpoint).Send().response);
  endpoint.client_certificate.data = ours.Pem();
  endpoint.client_key.data = ours.KeyPem();
  CHECK(Connection(endpoint).Send().response);
  const test::Certificate others;
  endpoint.client_certificate.data = others.Pem();
  endpoint.client_key.data = others.KeyPem();
  CHECK_FALSE(Connection(endpoint).Send().response);
}

TEST_CASE("TLS older than 1.2 is refused", "[kube][tls]") {
  TlsServer server(Always(Ok("{}")), TLS1_1_VERSION);
  CHECK_FALSE(Connection(server).Send().response);
  CHECK(server.connections == 0);
}

TEST_CASE("a body that stops halfway fails after its silence", "[kube][tls]") {
  TlsServer server([](TlsPeer& peer) {
    peer.Request();
    peer.Say("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    peer.Wait();
  });
  auto request = Connection::Get();
  request.idle = std::chrono::milliseconds(50);
  const auto answer = Connection(server).Send(request);
  REQUIRE_FALSE(answer.response);
  CHECK(answer.response.error().code == Code::kUnavailable);
}

TEST_CASE("a body that never ends fails at the deadline", "[kube][tls]") {
  TlsServer server([](TlsPeer& peer) {
    peer.Request();
    peer.Say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (peer.Say("4\r\nmore\r\n")) {
    }
  });
  auto request = Connection::Get();
  request.deadline = std::chrono::milliseconds(100);
  const auto answer = Connection(server).Send(request);
  REQUIRE_FALSE(answer.response);
  CHECK(answer.response.error().code == Code::kUnavailable);
}

TEST_CASE("a server that says nothing is given up, and one can be asked to stop", "[kube][tls]") {
  TlsServer server([](TlsPeer& peer) {
    peer.Request();
    peer.Wait();
  });
  const Connection connection(server);
  auto request = Connection::Get();
  SECTION("silence") {
    request.idle = std::chrono::milliseconds(50);
    CHECK_FALSE(connection.Send(request).response);
  }
  SECTION("stop") {
    std::stop_source stop;
    std::jthread stopper([&] { stop.request_stop(); });
    CHECK_FALSE(connection.Send(request, stop.get_token()).response);
  }
}

TEST_CASE("what is no complete response is an error, and the next request works", "[kube][tls]") {
  const std::string bad = GENERATE(
      // Of a body that ends with the connection nobody knows whether it is whole, without TLS's
      // farewell.
      as<std::string>{}, "", "HTTP/1.1 200 OK\r\n\r\n{}", "garbage\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\ncut",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnot a size\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 abc\r\n\r\n",
      "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 7\r\n\r\nno gzip",
      "HTTP/1.1 200 OK\r\n" + std::string(std::size_t{2} << 20, 'x'));
  std::atomic<int> asked{0};
  TlsServer server([&](TlsPeer& peer) {
    while (!peer.Request().empty()) {
      if (asked++ == 0) {
        peer.Say(bad);
        return;
      }
      peer.Say(Ok("{}"));
    }
  });
  const Connection connection(server);
  CHECK_FALSE(connection.Send().response);
  const auto next = connection.Send();
  REQUIRE(next.response);
  CHECK(next.body == "{}");
}

TEST_CASE("no answer without end is taken, of a server that was trusted", "[kube][tls]") {
  constexpr std::size_t kMostAccepted = std::size_t{24} << 20;
  const std::vector<std::string> first{"HTTP/1.1 200 OK\r\n", "HTTP/1.1 500 No\r\n",
                                       "HTTP/1.1 200 ", "HTTP/1.1 100 Continue\r\n\r\n"};
  std::mt19937 random(20261129);  // NOLINT: the same for everybody
  test::Endless endless;          // of the one connection that there is at a time
  std::size_t accepted = 0;
  TlsServer server([&](TlsPeer& peer) {
    peer.Request();
    accepted = test::Pour(endless, 4 * kMostAccepted, random,
                          [&](std::string_view bytes) { return peer.Say(bytes); });
  });
  for (int i = 0; i < 100; ++i) {
    endless = test::DrawEndless(first, random);
    // A body that is one chunk without end, or has any length, or ends with the connection.
    if (i == 0) endless = {first[0] + "Transfer-Encoding: chunked\r\n\r\n7fffffff\r\n", "x"};
    if (i == 1) endless = {first[0] + "Content-Length: 9999999999999\r\n\r\n", "x"};
    if (i == 2) endless = {first[0] + "\r\n", "x"};
    if (i == 3) endless = {"", "HTTP/1.1 100 Continue\r\n\r\n"};
    INFO(endless.begin << endless.again.substr(0, 40));
    {
      const Connection connection(server);
      test::FakeToken token;
      test::FakeTime time;
      ClientOptions once;
      once.attempts = 1;
      Client client(*connection.transport, token, connection.clock, time, once);
      const auto reply =
          client.Send({.verb = "get", .resource = "nodes", .target = "/metrics"}, {});
      CHECK((!reply || reply->status == 500));
    }
    while (server.ended <= i) std::this_thread::yield();
    CHECK(accepted < kMostAccepted);
  }
}

TEST_CASE("a connection that the server closed while it was kept costs no request", "[kube][tls]") {
  const std::string method = GENERATE("GET", "POST");
  std::atomic<int> asked{0};
  TlsServer server([&](TlsPeer& peer) {
    if (peer.Request().empty()) return;
    ++asked;
    peer.Say(Ok("{}"));  // and then it goes
  });
  const Connection connection(server);
  auto request = Connection::Get();
  request.method = method;
  if (method == "POST") request.body = "{}";
  REQUIRE(connection.Send(request).response);
  while (server.ended < 1) std::this_thread::yield();
  REQUIRE(connection.Send(request).response);
  CHECK(asked == 2);
}

TEST_CASE("of a request that got no answer over a kept connection only a GET is sent again",
          "[kube][tls]") {
  const std::string method = GENERATE("GET", "PATCH");
  std::atomic<int> asked{0};
  TlsServer server([&](TlsPeer& peer) {
    // The second one is taken, and then it goes.
    while (!peer.Request().empty() && ++asked != 2) peer.Say(Ok("{}"));
  });
  const Connection connection(server);
  auto request = Connection::Get();
  request.method = method;
  if (method == "PATCH") request.body = "{}";
  REQUIRE(connection.Send(request).response);
  CHECK(connection.Send(request).response.has_value() == (method == "GET"));
  CHECK(asked == (method == "GET" ? 3 : 2));
}

TEST_CASE("an answer ends where HTTP says so, and the connection is kept where it may be",
          "[kube][tls]") {
  struct Case {
    std::string answer;
    int status;
    std::string body;
    bool kept;
  };
  const auto chunked = [](const std::string& rest) {
    return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + rest;
  };
  const auto expected =
      GENERATE_COPY(Case{"HTTP/1.1 204 No Content\r\n\r\n", 204, "", true},
                    Case{"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 304, "", true},
                    Case{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, "", true},
                    Case{chunked("2;a=b\r\n{}\r\n0\r\nX-Checksum: 1\r\n\r\n"), 200, "{}", true},
                    Case{chunked("0\r\n\r\n"), 200, "", true},
                    Case{Ok("{}", "Connection: close\r\n"), 200, "{}", false},
                    Case{"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, "{}", false},
                    Case{Ok("{}") + "more than was asked for", 200, "{}", false});
  INFO(expected.answer);
  TlsServer server(Always(expected.answer));
  const Connection connection(server);
  for (int i = 0; i < 2; ++i) {
    const auto answer = connection.Send();
    REQUIRE(answer.response);
    CHECK(answer.response->status == expected.status);
    CHECK(answer.body == expected.body);
  }
  CHECK(server.connections == (expected.kept ? 1 : 2));
}

TEST_CASE("what would end its line is not sent", "[kube][tls]") {
  TlsServer server(Always(Ok("{}")));
  const Connection connection(server);
  auto request = Connection::Get();
  SECTION("a token") { request.bearer_token = "a\r\nX: y"; }
  SECTION("a target") { request.target = "/a b"; }
  SECTION("a header") { request.headers = {{"X", "a\nb"}}; }
  const auto answer = connection.Send(request);
  REQUIRE_FALSE(answer.response);
  CHECK(answer.response.error().code == Code::kInvalidArgument);
  CHECK(server.connections == 0);
}

TEST_CASE("a server is named by its URL", "[kube]") {
  const base::SystemClock clock;
  Endpoint endpoint;
  for (const auto* good : {"https://kubernetes.default.svc", "https://10.0.0.1:6443/k8s/clusters/c",
                           "http://[::1]:8080", "https://[fd00::1]"}) {
    INFO(good);
    endpoint.server = good;
    CHECK(MakeHttpTransport(endpoint, clock));
  }
  for (const auto* bad :
       {"", "ftp://a", "https://", "https://a:0", "https://a:65536", "https://a:b", "https://u@a",
        "https://[::1", "https://[::1]x", "https://a/b?c", "https://a b", "https://a\n"}) {
    INFO(bad);
    endpoint.server = bad;
    const auto made = MakeHttpTransport(endpoint, clock);
    REQUIRE_FALSE(made);
    CHECK(made.error().code == Code::kInvalidArgument);
  }
}

TEST_CASE("gzip is inflated, of several pieces too", "[kube][tls]") {
  const auto packed = base::Gzip("one, ") + base::Gzip("two");
  TlsServer server(Always(Ok(packed, "Content-Encoding: gzip\r\n")));
  const auto answer = Connection(server).Send();
  REQUIRE(answer.response);
  CHECK(answer.body == "one, two");
}

TEST_CASE("a reply that inflates to more than anything needs is given up early", "[kube][tls]") {
  // 64 KiB that become 64 MiB.
  const auto bomb = base::Gzip(std::string(std::size_t{64} << 20, '{'));
  TlsServer server(Always(Ok(bomb, "Content-Encoding: gzip\r\n")));
  const Connection connection(server);
  test::FakeToken token;
  test::FakeTime time;
  ClientOptions once;
  once.attempts = 1;
  Client client(*connection.transport, token, connection.clock, time, once);
  const auto reply = client.Send(
      {.verb = "get", .resource = "pods", .target = "/api/v1/pods", .accept_gzip = true}, {});
  REQUIRE_FALSE(reply);
  CHECK(reply.error().code == Code::kMalformed);
}

TEST_CASE("who has had enough gets no more", "[kube][tls]") {
  TlsServer server([](TlsPeer& peer) {
    peer.Request();
    peer.Say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    while (peer.Say("4\r\nmore\r\n")) {
    }
  });
  const Connection connection(server);
  int pieces = 0;
  const auto response = connection.transport->Send(
      Connection::Get(), [&](int, std::string_view) { return ++pieces < 3; }, {});
  REQUIRE(response);
  CHECK(pieces == 3);
}

TEST_CASE("Retry-After is passed on where it is a number", "[kube][tls]") {
  const auto [text, wanted] = GENERATE(
      table<std::string, std::optional<base::Duration>>({{"7", std::chrono::seconds(7)},
                                                         {"-1", std::nullopt},
                                                         {"soon", std::nullopt},
                                                         {"99999999999999999999", std::nullopt}}));
  TlsServer server(Always("HTTP/1.1 429 Too Many Requests\r\nRetry-After: " + text +
                          "\r\nContent-Length: 0\r\n\r\n"));
  const auto answer = Connection(server).Send();
  REQUIRE(answer.response);
  CHECK(answer.response->status == 429);
  CHECK(answer.response->retry_after == wanted);
}

}  // namespace
}  // namespace sparkfit::kube
