// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/serve/server.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <stdexcept>

#include "http_socket.h"

namespace sparkfit::serve {
namespace {

using test::HttpSocket;

constexpr const char* kClose = "Connection: close\r\n\r\n";

struct Running {
  explicit Running(ServerOptions options = {}) {
    options.address = "127.0.0.1";
    options.port = 0;
    server = *Server::Start(options, [](const Request& request) -> Response {
      if (request.path == "/throw") throw std::runtime_error("x");
      if (request.path == "/big") return {200, "text/plain", std::string(100'000, 'x')};
      return {200, "text/plain", request.path + "?" + request.query};
    });
  }
  [[nodiscard]] std::string Ask(const std::string& text) const {
    return HttpSocket(server->Port()).Ask(text);
  }
  [[nodiscard]] int StatusOf(const std::string& text) const {
    const auto reply = Ask(text);
    return reply.size() < 12 ? 0 : std::stoi(reply.substr(9, 3));
  }
  std::unique_ptr<Server> server;
};

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
  CHECK(running.StatusOf("nonsense\r\n\r\n") == 400);
  CHECK(running.StatusOf("GET / HTTP/9.9\r\n\r\n") == 400);
  CHECK(running.StatusOf(
            "GET / HTTP/1.1\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n") == 400);
  CHECK(running.StatusOf("GET /x HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n") == 431);
  CHECK(running.StatusOf(std::string("GET /throw HTTP/1.1\r\n") + kClose) == 500);
  CHECK(running.StatusOf(std::string("GET /after HTTP/1.1\r\n") + kClose) == 200);
}

TEST_CASE("who is slow or says nothing is left", "[serve]") {
  const Running running({.header_timeout = std::chrono::milliseconds(30),
                         .idle_timeout = std::chrono::milliseconds(30)});
  const HttpSocket idle(running.server->Port());
  CHECK(idle.ReadAll().empty());
  const HttpSocket slow(running.server->Port());
  slow.Send("GET / HTTP/1.1\r\nX: ");
  CHECK_THAT(slow.ReadAll(), !Catch::Contains(" 200 "));
}

TEST_CASE("one connection more than allowed is closed at once", "[serve]") {
  const Running running({.most_connections = 1});
  const HttpSocket first(running.server->Port());
  first.Send("GET / HTTP/1.1\r\n");  // not finished
  CHECK(HttpSocket(running.server->Port()).ReadAll().empty());
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

TEST_CASE("a server ends while somebody is connected", "[serve]") {
  auto running = std::make_unique<Running>();
  const HttpSocket socket(running->server->Port());
  socket.Send("GET");
  running.reset();
  CHECK(socket.ReadAll().empty());
}

}  // namespace
}  // namespace sparkfit::serve
