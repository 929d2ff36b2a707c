// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/serve/server.h"

#include <openssl/err.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "hostile_bytes.h"
#include "http_socket.h"
#include "tls_client.h"

namespace sparkfit::serve {
namespace {

using test::HttpSocket;
using test::TlsSocket;
using namespace std::chrono_literals;

constexpr const char* kClose = "Connection: close\r\n\r\n";
constexpr const char* kGet = "GET /good HTTP/1.1\r\nConnection: close\r\n\r\n";

constexpr std::size_t kHuge = std::size_t{32} << 20;

int StatusIn(const std::string& reply) {
  return reply.size() < 12 ? 0 : std::stoi(reply.substr(9, 3));
}

Response Answer(const Request& request) {
  if (request.path == "/throw") throw std::runtime_error("x");
  if (request.path == "/big") return {200, "text/plain", std::string(100'000, 'x')};
  // More than two sockets' buffers hold: who does not read it keeps the server at it.
  if (request.path == "/huge") return {200, "text/plain", std::string(kHuge, 'x')};
  if (request.method == "POST") return {200, "text/plain", "got " + request.body};
  return {200, "text/plain", request.path + "?" + request.query};
}

struct Running {
  explicit Running(ServerOptions options = {}) {
    options.address = "127.0.0.1";
    options.port = 0;
    server = *Server::Start(options, Answer);
  }
  [[nodiscard]] std::string Ask(const std::string& text) const {
    return HttpSocket(server->Port()).Ask(text);
  }
  [[nodiscard]] int StatusOf(const std::string& text) const { return StatusIn(Ask(text)); }
  std::unique_ptr<Server> server;
};

// For 127.0.0.1, of one authority.
struct Certificates {
  [[nodiscard]] tls::Pair Leaf() const { return *tls::SignLeaf(authority, {"127.0.0.1"}, century); }

  tls::Validity century{*base::ParseTime("2020-01-01T00:00:00Z"),
                        *base::ParseTime("2120-01-01T00:00:00Z")};
  tls::Pair authority = *tls::MakeAuthority("test", century);
};

// HTTPS, with bodies of at most 1000 bytes, and clients that verify it.
struct RunningTls : Running {
  explicit RunningTls(ServerOptions options = {}) : Running(WithTls(std::move(options))) {
    REQUIRE(server->SetCertificate(certificates.Leaf()));
  }
  static ServerOptions WithTls(ServerOptions options) {
    options.tls = true;
    options.largest_body = 1000;
    return options;
  }
  [[nodiscard]] TlsSocket Connect() const {
    return TlsSocket(server->Port(), {.trust = certificates.authority.certificate});
  }
  [[nodiscard]] std::string Ask(const std::string& text) const { return Connect().Ask(text); }
  [[nodiscard]] int StatusOf(const std::string& text) const { return StatusIn(Ask(text)); }
  Certificates certificates;
};

std::string Post(std::size_t size) {
  return "POST /x HTTP/1.1\r\nContent-Length: " + std::to_string(size) + "\r\n" + kClose;
}

std::string ChunkedPost(const std::string& chunks) {
  return std::string("POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n") + kClose + chunks;
}

std::size_t OpenDescriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    ++count;
  }
  return count;
}

TEST_CASE("a GET is answered, with path and query apart", "[serve]") {
  const Running running;
  CHECK_THAT(running.Ask(std::string("GET /metrics?a=b HTTP/1.1\r\n") + kClose),
             Catch::EndsWith("\r\n\r\n/metrics?a=b"));
}

TEST_CASE("a connection is kept for further requests", "[serve]") {
  const Running running;
  const auto text = running.Ask(std::string("GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n") + kClose);
  CHECK_THAT(text, Catch::Contains("/a?") && Catch::EndsWith("/b?"));
}

TEST_CASE("a HEAD has the length and no body", "[serve]") {
  const Running running;
  const auto text = running.Ask(std::string("HEAD /abc HTTP/1.1\r\n") + kClose);
  CHECK_THAT(text, Catch::Contains("Content-Length: 5\r\n") && Catch::EndsWith("\r\n\r\n"));
}

TEST_CASE("a large body is compressed for who accepts it", "[serve]") {
  const Running running;
  const auto plain = running.Ask(std::string("GET /big HTTP/1.1\r\n") + kClose);
  CHECK(plain.size() > 100'000);
  const auto packed =
      running.Ask(std::string("GET /big HTTP/1.1\r\nAccept-Encoding: gzip\r\n") + kClose);
  CHECK(packed.size() < 2'000);
  CHECK_THAT(packed, Catch::Contains("Content-Encoding: gzip"));
}

TEST_CASE("what is wrong is refused", "[serve]") {
  const Running running;
  CHECK(running.StatusOf("POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n") == 405);
  CHECK(running.StatusOf("GET / HTTP/1.1\r\nContent-Length: 9\r\n\r\n") == 413);
  CHECK(running.StatusOf("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n") == 413);
  CHECK(running.StatusOf("nonsense\r\n\r\n") == 400);
  CHECK(running.StatusOf("GET / HTTP/9.9\r\n\r\n") == 400);
  CHECK(running.StatusOf(
            "GET / HTTP/1.1\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n") == 400);
  CHECK(running.StatusOf("GET /x HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n") == 431);
  CHECK(running.StatusOf(std::string("GET /throw HTTP/1.1\r\n") + kClose) == 500);
  CHECK(running.StatusOf(std::string("GET /after HTTP/1.1\r\n") + kClose) == 200);
}

TEST_CASE("who is slow or says nothing is left", "[serve]") {
  const Running running({.request_timeout = 30ms, .idle_timeout = 30ms});
  const HttpSocket idle(running.server->Port());
  CHECK(idle.ReadAll().empty());
  const HttpSocket slow(running.server->Port());
  slow.Send("GET / HTTP/1.1\r\nX: ");
  CHECK_THAT(slow.ReadAll(), !Catch::Contains(" 200 "));
}

TEST_CASE("connections that come and go leave nothing behind", "[serve]") {
  const Running running;
  (void)running.Ask(std::string("GET / HTTP/1.1\r\n") + kClose);
  const auto before = OpenDescriptors();
  for (int i = 0; i < 1000; ++i) const HttpSocket socket(running.server->Port());
  (void)running.Ask(std::string("GET / HTTP/1.1\r\n") + kClose);
  CHECK(OpenDescriptors() <= before + 5);
}

TEST_CASE("a port that is taken is said so", "[serve]") {
  const Running running;
  const auto second = Server::Start({.address = "127.0.0.1", .port = running.server->Port()},
                                    [](const Request&) { return Response{}; });
  REQUIRE(!second);
  CHECK_THAT(second.error().message, Catch::Contains("cannot listen on 127.0.0.1 port"));
}

TEST_CASE("of bodies that are too many together the largest is given up", "[serve]") {
  const Running running({.largest_body = 1000, .most_bodies = 1500});
  const HttpSocket large(running.server->Port());
  large.Send("POST /x HTTP/1.1\r\nContent-Length: 1000\r\n\r\n" + std::string(999, 'x'));
  const HttpSocket middle(running.server->Port());
  middle.Send("POST /x HTTP/1.1\r\nContent-Length: 500\r\n\r\n" + std::string(499, 'x'));
  // What came first is read once the server has answered a request that came later.
  CHECK(running.StatusOf(kGet) == 200);
  CHECK_THAT(running.Ask(Post(5) + "hello"), Catch::EndsWith("got hello"));
  CHECK(large.ReadAll().empty());
  middle.Send("x");
  CHECK(StatusIn(middle.Read(12)) == 200);
}

TEST_CASE("a body that is the largest of too many is refused", "[serve]") {
  const Running running({.largest_body = 1000, .most_bodies = 900});
  CHECK(running.StatusOf(Post(1000) + std::string(1000, 'x')) == 503);
  CHECK(running.StatusOf(Post(900) + std::string(900, 'x')) == 200);
}

TEST_CASE("a body that is announced takes no room from others", "[serve]") {
  const Running running({.largest_body = 1000, .most_bodies = 1000});
  std::vector<std::unique_ptr<HttpSocket>> announced;
  for (int i = 0; i < 20; ++i) {
    announced.push_back(std::make_unique<HttpSocket>(running.server->Port()));
    announced.back()->Send(Post(1000));
  }
  CHECK(running.StatusOf(kGet) == 200);
  CHECK(running.StatusOf(Post(1000) + std::string(1000, 'x')) == 200);
}

TEST_CASE("a server ends while somebody is connected", "[serve]") {
  auto running = std::make_unique<Running>();
  const HttpSocket socket(running->server->Port());
  socket.Send("GET");
  running.reset();
  CHECK(socket.ReadAll().empty());
}

TEST_CASE("a newcomer closes who has kept the server waiting for longest", "[serve]") {
  const Running running({.most_connections = 2});
  const HttpSocket first(running.server->Port());
  const HttpSocket second(running.server->Port());
  first.Send("GET / HTTP/1.1\r\n");  // not finished
  CHECK(running.StatusOf(kGet) == 200);
  CHECK(first.ReadAll().empty());
  CHECK(StatusIn(second.Ask(kGet)) == 200);
}

TEST_CASE("who has been answered before goes after who never finished a request", "[serve]") {
  const Running running({.most_connections = 2});
  const HttpSocket good(running.server->Port());
  good.Send("GET /a HTTP/1.1\r\n\r\n");
  REQUIRE(good.Read(1) == "H");
  const HttpSocket idle(running.server->Port());
  const HttpSocket newcomer(running.server->Port());
  CHECK(idle.ReadAll().empty());
  CHECK_THAT(good.Ask(kGet), Catch::EndsWith("/good?"));
  CHECK(StatusIn(newcomer.Ask(kGet)) == 200);
}

TEST_CASE("among those between two requests the longest idle one goes", "[serve]") {
  // A quarter of 8 is 2: so many may be unfinished before one of them goes.
  const Running running({.most_connections = 8});
  std::vector<std::unique_ptr<HttpSocket>> good;
  for (int i = 0; i < 8; ++i) {
    good.push_back(std::make_unique<HttpSocket>(running.server->Port()));
    good.back()->Send("GET /a HTTP/1.1\r\n\r\n");
    REQUIRE(good.back()->Read(1) == "H");
  }
  std::vector<std::unique_ptr<HttpSocket>> fresh;
  for (int i = 0; i < 4; ++i) {
    fresh.push_back(std::make_unique<HttpSocket>(running.server->Port()));
    fresh.back()->Send("GET");
  }
  // The first three take the places of good ones, the fourth that of the first.
  CHECK(fresh[0]->ReadAll().empty());
  for (std::size_t i = 0; i < 8; ++i) {
    CHECK((good[i]->Ask(kGet).find("/good?") != std::string::npos) == (i >= 3));
  }
  for (std::size_t i = 1; i < 4; ++i) {
    CHECK(StatusIn(fresh[i]->Ask(std::string(kGet).substr(3))) == 200);
  }
}

TEST_CASE("where everybody is sent an answer, who has been for longest goes", "[serve]") {
  const Running running({.most_answers = kHuge * 3, .most_connections = 2});
  std::vector<std::unique_ptr<HttpSocket>> slow;
  for (int i = 0; i < 2; ++i) {
    slow.push_back(std::make_unique<HttpSocket>(running.server->Port()));
    slow.back()->Send(std::string("GET /huge HTTP/1.1\r\n") + kClose);
    REQUIRE(slow.back()->Read(1) == "H");
  }
  CHECK(running.StatusOf(kGet) == 200);
  CHECK(slow[0]->ReadAll().size() < kHuge);
  CHECK(slow[1]->ReadAll().size() > kHuge);
}

TEST_CASE("answers that nobody reads have a bound together", "[serve]") {
  // Two of them fit.
  const Running running({.most_answers = kHuge * 5 / 2});
  std::vector<std::unique_ptr<HttpSocket>> slow;
  for (int i = 0; i < 3; ++i) {
    slow.push_back(std::make_unique<HttpSocket>(running.server->Port()));
    slow.back()->Send("GET /huge HTTP/1.1\r\n\r\n");
    REQUIRE(slow.back()->Read(1) == "H");
  }
  CHECK(slow[0]->ReadAll().size() < kHuge);
  slow[1]->Send(kGet);
  CHECK_THAT(slow[1]->ReadAll(), Catch::EndsWith("/good?"));
  slow[2]->Send(kGet);
  CHECK_THAT(slow[2]->ReadAll(), Catch::EndsWith("/good?"));
}

TEST_CASE("one text counts once, however many are sent it", "[serve]") {
  const Body body(std::string(kHuge, 'x'));
  ServerOptions options{.address = "127.0.0.1", .port = 0, .most_answers = kHuge * 3 / 2};
  const auto server = *Server::Start(options, [body](const Request&) -> Response {
    return {200, "text/plain", body};
  });
  std::vector<std::unique_ptr<HttpSocket>> slow;
  for (int i = 0; i < 10; ++i) {
    slow.push_back(std::make_unique<HttpSocket>(server->Port()));
    slow.back()->Send(kGet);
    REQUIRE(slow.back()->Read(1) == "H");
  }
  for (const auto& one : slow) CHECK(one->ReadAll().size() > kHuge);
}

TEST_CASE("copies of a body share its text, and its compressed form", "[serve]") {
  const Body body(std::string(100'000, 'x'));
  const Body copy = body;  // NOLINT(performance-unnecessary-copy-initialization)
  CHECK(body.Gzip().get() == copy.Gzip().get());
  CHECK(body.Plain().get() == copy.Plain().get());
}

TEST_CASE("of the address that has the most connections one is closed", "[serve]") {
  const Running running({.most_connections = 4});
  const HttpSocket other(running.server->Port(), "127.0.0.2");
  other.Send("GET");
  std::vector<std::unique_ptr<HttpSocket>> many;
  for (int i = 0; i < 20; ++i) {
    many.push_back(std::make_unique<HttpSocket>(running.server->Port(), "127.0.0.3"));
    many.back()->Send("GET");
  }
  CHECK(many[16]->ReadAll().empty());
  CHECK(StatusIn(other.Ask(std::string(kGet).substr(3))) == 200);
  CHECK(StatusIn(many[19]->Ask(std::string(kGet).substr(3))) == 200);
}

TEST_CASE("a flood of silent connections stops nobody", "[serve]") {
  const RunningTls running({.most_connections = 16});
  const auto before = OpenDescriptors();
  std::vector<std::unique_ptr<HttpSocket>> silent;
  for (int i = 0; i < 300; ++i) {
    silent.push_back(std::make_unique<HttpSocket>(running.server->Port()));
    if (i % 2 == 0) silent.back()->Send("\x16\x03\x01");  // a handshake's beginning
    if (i % 20 == 0) CHECK(running.StatusOf(kGet) == 200);
  }
  // Ours, and of the server's at most 16 and those just going.
  CHECK(OpenDescriptors() <= before + 300 + 16 + 5);
}

// A gate that decides when it is told to.
class Keeper {
 public:
  Gate Take() {
    return [this](const Request& request, Decide decide) {
      const std::scoped_lock lock(mutex_);
      seen_.emplace_back(request, std::move(decide));
      changed_.notify_all();
    };
  }
  // The next request, once it is there.
  std::pair<Request, Decide> Next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !seen_.empty(); });
    auto next = std::move(seen_.front());
    seen_.pop_front();
    return next;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::pair<Request, Decide>> seen_;
};

struct Gated {
  explicit Gated(ServerOptions options = {}) {
    options.address = "127.0.0.1";
    options.port = 0;
    server = *Server::Start(options, Answer, keeper.Take());
  }
  Keeper keeper;
  std::unique_ptr<Server> server;
};

TEST_CASE("who waits at the gate holds up nobody, and is answered or refused then", "[serve]") {
  Gated gated;
  const HttpSocket first(gated.server->Port());
  first.Send(kGet);
  auto [request, decide] = gated.keeper.Next();
  CHECK(request.path == "/good");
  CHECK(request.from == "127.0.0.1");
  const HttpSocket second(gated.server->Port());
  second.Send("GET /x HTTP/1.1\r\n\r\n");
  gated.keeper.Next().second(Refusal{403, "no\n"});
  const auto refused = second.ReadAll();  // a refusal ends the connection
  CHECK(StatusIn(refused) == 403);
  CHECK_THAT(refused, Catch::EndsWith("\r\n\r\nno\n"));
  decide(std::nullopt);
  CHECK_THAT(first.ReadAll(), Catch::EndsWith("/good?"));
}

TEST_CASE("each request of a connection is judged, with the body that it has", "[serve]") {
  Gated gated({.largest_body = 100});
  const HttpSocket socket(gated.server->Port());
  socket.Send("POST /a HTTP/1.1\r\nContent-Length: 1\r\n\r\nx" + std::string(kGet));
  gated.keeper.Next().second(std::nullopt);
  gated.keeper.Next().second(Refusal{401, "who?\n"});
  CHECK_THAT(socket.ReadAll(), Catch::Contains("got x") &&
                                   Catch::Contains("WWW-Authenticate: Bearer\r\n") &&
                                   Catch::EndsWith("who?\n") && !Catch::Contains("/good"));
}

TEST_CASE("a token is told to the gate where it is one", "[serve]") {
  Gated gated;
  const std::vector<std::pair<std::string, std::string>> cases{
      {"Bearer aZ09-._~+/=", "aZ09-._~+/="},
      {"bearer a", "a"},
      {"Bearer", ""},
      {"Bearer a b", ""},
      {"Bearer \xff\xfe", ""},
      {"Bearer \"a\"", ""},
      {"Basic YTpi", ""},
      {"Bearerx", ""},
  };
  for (const auto& [field, token] : cases) {
    INFO(field);
    const HttpSocket socket(gated.server->Port());
    socket.Send("GET / HTTP/1.1\r\nAuthorization: " + field + "\r\n" + kClose);
    auto [request, decide] = gated.keeper.Next();
    CHECK(request.bearer_token == token);
    decide(std::nullopt);
    CHECK(StatusIn(socket.ReadAll()) == 200);
  }
}

TEST_CASE("where the gate does not decide the request is refused, and it may decide too late",
          "[serve]") {
  Gated gated({.gate_timeout = 30ms});
  const HttpSocket socket(gated.server->Port());
  socket.Send(kGet);
  const auto decide = gated.keeper.Next().second;
  CHECK(StatusIn(socket.ReadAll()) == 503);
  decide(std::nullopt);
  const HttpSocket other(gated.server->Port());
  other.Send(kGet);
  gated.keeper.Next().second(std::nullopt);
  CHECK(StatusIn(other.ReadAll()) == 200);
}

TEST_CASE("who leaves the gate, or is closed there, is decided about in vain", "[serve]") {
  Gated gated({.most_connections = 2});
  std::vector<Decide> decisions;
  for (int i = 0; i < 10; ++i) {
    const HttpSocket socket(gated.server->Port());
    socket.Send(kGet);
    decisions.push_back(gated.keeper.Next().second);
  }
  for (const auto& decide : decisions) decide(std::nullopt);
  const HttpSocket socket(gated.server->Port());
  socket.Send(kGet);
  gated.keeper.Next().second(std::nullopt);
  CHECK(StatusIn(socket.ReadAll()) == 200);
}

TEST_CASE("a server ends while somebody waits at its gate", "[serve]") {
  Gated gated;
  const HttpSocket socket(gated.server->Port());
  socket.Send(kGet);
  const auto decide = gated.keeper.Next().second;
  gated.server.reset();
  CHECK(socket.ReadAll().empty());
}

TEST_CASE("a gate that throws lets nobody through", "[serve]") {
  const auto server =
      *Server::Start({.address = "127.0.0.1", .port = 0}, Answer,
                     [](const Request&, const Decide&) { throw std::runtime_error("x"); });
  CHECK(StatusIn(HttpSocket(server->Port()).Ask(kGet)) == 500);
}

TEST_CASE("POST has a body, of a length or in chunks", "[serve]") {
  const Running running({.largest_body = 1000});
  CHECK_THAT(running.Ask(Post(5) + "hello"), Catch::EndsWith("\r\n\r\ngot hello"));
  CHECK_THAT(running.Ask(ChunkedPost("3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n")),
             Catch::EndsWith("\r\n\r\ngot hello"));
  CHECK_THAT(running.Ask(Post(0)), Catch::EndsWith("\r\n\r\ngot "));
  const std::string most(1000, 'x');
  CHECK_THAT(running.Ask(Post(1000) + most), Catch::EndsWith("got " + most));
  const auto two = "POST /a HTTP/1.1\r\nContent-Length: 1\r\n\r\na" + Post(1) + "b";
  CHECK_THAT(running.Ask(two), Catch::Contains("got a") && Catch::EndsWith("got b"));
}

TEST_CASE("a body that is too large is refused before it comes", "[serve]") {
  const Running running({.largest_body = 1000});
  CHECK(running.StatusOf(Post(1001)) == 413);
  CHECK(running.StatusOf(Post(std::size_t{1} << 30)) == 413);
  CHECK(running.StatusOf(ChunkedPost("3e9\r\n")) == 413);  // 1001
  CHECK(running.StatusOf(ChunkedPost("3e8\r\n" + std::string(1000, 'x') + "\r\n1\r\n")) == 413);
  CHECK(running.StatusOf(ChunkedPost("7fffffffffffffff\r\n")) == 413);
}

TEST_CASE("hostile requests are refused or left, and do no harm", "[serve]") {
  // Not so little time that a busy machine needs more for the largest of these.
  const RunningTls running({.idle_timeout = 1s});
  const auto lines = [](const std::string& more) { return "POST / HTTP/1.1\r\n" + more + "\r\n"; };
  std::string many;
  for (int i = 0; i < 10'000; ++i) many += "X" + std::to_string(i) + ": y\r\n";
  for (const auto& [text, status] : std::vector<std::pair<std::string, int>>{
           {"DELETE / HTTP/1.1\r\n\r\n", 405},
           {"PUT / HTTP/1.1\r\nContent-Length: 5\r\n\r\n", 405},
           {"CONNECT a:1 HTTP/1.1\r\n\r\n", 405},
           {"BREW / HTTP/1.1\r\n\r\n", 405},
           {lines("Content-Length: -5\r\n"), 400},
           {lines("Content-Length: 5x\r\n"), 400},
           {lines("Content-Length: 99999999999999999999999\r\n"), 400},
           {lines("Content-Length: 1\r\nContent-Length: 2\r\n"), 400},
           {lines("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"), 400},
           {ChunkedPost("-5\r\n"), 400},
           {ChunkedPost("zz\r\n"), 400},
           {ChunkedPost("1\r\nabcd\r\n\r\n"), 400},
           {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
           {"GET /\r\n\r\n", 400},
           {lines(std::string(1 << 20, 'x') + ": y\r\n"), 431},
           {lines("X: " + std::string(1 << 20, 'x') + "\r\n"), 431},
           {lines(many), 431},
           {std::string("\0\0\0\0", 4) + "\r\n\r\n", 400},
           {"GET /a\nb HTTP/1.1\r\n\r\n", 400},
           {std::string("GET /../../etc/passwd?%00 HTTP/1.1\r\n") + kClose, 200},
       }) {
    INFO(text.substr(0, 60));
    CHECK(running.StatusOf(text) == status);
  }
  CHECK(running.StatusOf(kGet) == 200);
}

// More than all buffers between two sockets hold, and what is read beyond them.
constexpr std::size_t kMostAccepted = std::size_t{16} << 20;

// How many bytes of an endless request are accepted before its sender is left.
template <typename Socket>
std::size_t Accepted(const Socket& socket, const test::Endless& endless, std::mt19937& random) {
  return test::Pour(endless, 4 * kMostAccepted, random,
                    [&](std::string_view bytes) { return socket.Offer(bytes); });
}

TEST_CASE("no request without end is taken", "[serve]") {
  const std::vector<std::string> first{
      "GET / HTTP/1.1\r\n",
      "HEAD / HTTP/1.1\r\n",
      "POST /x HTTP/1.1\r\n",
      "GET / HTTP/1.1\r\n\r\nPOST /x HTTP/1.1\r\n",
  };
  std::mt19937 random(20261129);  // NOLINT: the same for everybody
  SECTION("without a body") {
    const Running running;
    for (int i = 0; i < 60; ++i) {
      const auto endless = test::DrawEndless(first, random);
      INFO(endless.begin << endless.again.substr(0, 40));
      CHECK(Accepted(HttpSocket(running.server->Port()), endless, random) < kMostAccepted);
    }
    CHECK(running.StatusOf(kGet) == 200);
  }
  SECTION("with a body, over TLS") {
    const RunningTls running;
    for (int i = 0; i < 60; ++i) {
      const auto endless = test::DrawEndless(first, random);
      INFO(endless.begin << endless.again.substr(0, 40));
      CHECK(Accepted(running.Connect(), endless, random) < kMostAccepted);
    }
    CHECK(running.StatusOf(kGet) == 200);
  }
}

TEST_CASE("no handshake without end is taken", "[serve]") {
  const RunningTls running;
  std::mt19937 random(20261129);  // NOLINT: the same for everybody
  const std::string record = std::string("\x16\x03\x01\x40\x00", 5);  // of 16 KiB
  for (const auto& endless : std::vector<test::Endless>{
           // A ClientHello of 16 MiB, in records.
           {record + std::string("\x01\xff\xff\xff", 4) + std::string(16380, 'x'),
            record + std::string(16384, 'x')},
           {"", std::string("\x16\x03\x01\x00\x00", 5)},          // empty records
           {"", std::string("\x15\x03\x01\x00\x02\x01\x00", 7)},  // warnings
           {"", std::string("\x14\x03\x01\x00\x01\x01", 6)},      // changes of the cipher
       }) {
    CHECK(Accepted(HttpSocket(running.server->Port()), endless, random) < kMostAccepted);
  }
  CHECK(running.StatusOf(kGet) == 200);
}

TEST_CASE("requests whose rest never comes are left", "[serve]") {
  const RunningTls running({.request_timeout = 50ms, .idle_timeout = 50ms});
  for (const auto& text : {Post(10) + "short", ChunkedPost("5\r\nab"),
                           std::string("GET / HTTP/1.1\r\nX"), std::string()}) {
    INFO(text);
    CHECK(running.StatusOf(text) == 0);
  }
}

TEST_CASE("who has said all may still be answered", "[serve]") {
  const Running running({.largest_body = 1000});
  const HttpSocket socket(running.server->Port());
  socket.Send(Post(5) + "hello");
  socket.FinishSending();
  CHECK_THAT(socket.ReadAll(), Catch::EndsWith("got hello"));
}

TEST_CASE("HTTPS answers who trusts its authority, with an orderly end", "[serve]") {
  const RunningTls running;
  const auto socket = running.Connect();
  REQUIRE(socket.Connected());
  CHECK_THAT(socket.Ask(Post(5) + "hello"), Catch::EndsWith("got hello"));
  CHECK(socket.SaidFarewell());
  CHECK_THAT(running.Ask("GET /a HTTP/1.1\r\n\r\nGET /b?c HTTP/1.1\r\n" + std::string(kClose)),
             Catch::Contains("/a?") && Catch::EndsWith("/b?c"));
  CHECK(running.Ask("GET /big HTTP/1.1\r\n" + std::string(kClose)).size() > 100'000);
  const Certificates others;
  CHECK(!TlsSocket(running.server->Port(), {.trust = others.authority.certificate}).Connected());
}

TEST_CASE("only TLS 1.2 and newer, whatever server's name is asked for", "[serve]") {
  const RunningTls running;
  const auto port = running.server->Port();
  const auto& trust = running.certificates.authority.certificate;
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
    CHECK(!TlsSocket(port, {.newest = version}).Connected());
  }
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    CHECK(StatusIn(TlsSocket(port, {.trust = trust, .newest = version}).Ask(kGet)) == 200);
  }
  CHECK(StatusIn(TlsSocket(port, {.trust = trust, .server_name = "other.test"}).Ask(kGet)) == 200);
}

TEST_CASE("a session is negotiated once", "[serve]") {
  const RunningTls running;
  const TlsSocket socket(running.server->Port(), {.newest = TLS1_2_VERSION});
  REQUIRE(socket.Connected());
  SSL_renegotiate(socket.Handle());
  CHECK(SSL_do_handshake(socket.Handle()) != 1);
  ERR_clear_error();
}

TEST_CASE("what is no TLS is left, whole or cut off", "[serve]") {
  const RunningTls running({.handshake_timeout = 30ms});
  const auto port = running.server->Port();
  // An alert may be the answer, never HTTP.
  CHECK_THAT(HttpSocket(port).Ask(kGet), !Catch::Contains("HTTP"));
  const std::string hello("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
  for (std::size_t size = 0; size <= hello.size(); ++size) {
    CHECK(HttpSocket(port).Ask(hello.substr(0, size)).empty());  // by the timeout
  }
  const HttpSocket half(port);
  half.Send(hello);
  half.FinishSending();
  CHECK_THAT(half.ReadAll(), !Catch::Contains("HTTP"));
  CHECK(running.StatusOf(kGet) == 200);
}

TEST_CASE("HTTPS connections that come and go leave nothing behind", "[serve]") {
  const RunningTls running;
  CHECK(running.StatusOf(kGet) == 200);
  const auto before = OpenDescriptors();
  for (int i = 0; i < 1000; ++i) const HttpSocket socket(running.server->Port());
  for (int i = 0; i < 100; ++i) (void)running.Connect();
  CHECK(running.StatusOf(kGet) == 200);
  CHECK(OpenDescriptors() <= before + 5);
}

TEST_CASE("before the first certificate, TLS connections are closed", "[serve]") {
  const Running running({.tls = true});
  CHECK(!TlsSocket(running.server->Port()).Connected());
  CHECK(HttpSocket(running.server->Port()).ReadAll().empty());
}

TEST_CASE("a pair that does not fit is refused, and the last good one stays", "[serve]") {
  const RunningTls running;
  const auto open = running.Connect();
  const auto leaf = running.certificates.Leaf();
  for (const auto& bad : {tls::Pair{leaf.certificate, running.certificates.authority.key},
                          tls::Pair{leaf.certificate, ""}, tls::Pair{"", leaf.key}}) {
    const auto set = running.server->SetCertificate(bad);
    REQUIRE(!set);
    CHECK(!set.error().message.empty());
    CHECK(running.StatusOf(kGet) == 200);
  }
  CHECK(StatusIn(open.Ask(kGet)) == 200);
}

TEST_CASE("an open connection keeps its certificate, a new one gets the new", "[serve]") {
  const RunningTls running;
  const auto old = running.Connect();
  const Certificates others;
  REQUIRE(running.server->SetCertificate(others.Leaf()));
  CHECK(StatusIn(old.Ask(kGet)) == 200);
  CHECK(!running.Connect().Connected());
  CHECK(TlsSocket(running.server->Port(), {.trust = others.authority.certificate}).Connected());
}

TEST_CASE("no request fails while certificates are changed", "[serve]") {
  const RunningTls running;
  std::atomic<int> asked{0};
  std::atomic<int> good{0};
  std::thread client([&] {
    for (; asked < 200; ++asked) {
      if (running.StatusOf(kGet) == 200) ++good;
    }
  });
  for (int i = 0; i < 50 || asked < 200; ++i) {
    CHECK(running.server->SetCertificate(running.certificates.Leaf()));
  }
  client.join();
  CHECK(good == 200);
}

TEST_CASE("an HTTPS server ends while somebody is connected", "[serve]") {
  auto running = std::make_unique<RunningTls>();
  const auto socket = running->Connect();
  const HttpSocket silent(running->server->Port());
  running.reset();
  CHECK(socket.ReadAll().empty());
  CHECK(silent.ReadAll().empty());
}

}  // namespace
}  // namespace sparkfit::serve
