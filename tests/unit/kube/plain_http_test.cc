// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/kube/plain_http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <functional>
#include <string>
#include <thread>

#include "hostile_bytes.h"

namespace sparkfit::kube {
namespace {

using End = PlainAnswer::End;

// Answers one connection with a text, then waits for the other side to go.
class OneAnswer {
 public:
  // Sends what there is to send; false where the other side is gone.
  using Say = std::function<bool(std::string_view)>;
  using Script = std::function<void(const Say&)>;

  explicit OneAnswer(const std::string& answer, bool close = true)
      : OneAnswer(Script([answer](const Say& say) { say(answer); }), close) {}
  explicit OneAnswer(Script script, bool close = true)
      : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(listener_, 1) == 0);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, script = std::move(script), close] { Serve(script, close); });
  }
  ~OneAnswer() {
    ::shutdown(listener_, SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
    ::close(listener_);
  }
  OneAnswer(const OneAnswer&) = delete;
  OneAnswer& operator=(const OneAnswer&) = delete;

  [[nodiscard]] std::uint16_t Port() const { return port_; }
  // What was asked, once the other side has gone.
  const std::string& Asked() {
    thread_.join();
    return asked_;
  }

 private:
  static bool SendAll(int peer, std::string_view text) {
    for (std::size_t sent = 0; sent < text.size();) {
      const auto n = ::send(peer, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (n <= 0) return false;
      sent += static_cast<std::size_t>(n);
    }
    return true;
  }

  void Serve(const Script& script, bool close) {
    const int peer = ::accept(listener_, nullptr, nullptr);
    if (peer < 0) return;
    std::array<char, 4096> buffer{};
    while (asked_.find("\r\n\r\n") == std::string::npos) {
      const auto n = ::recv(peer, buffer.data(), buffer.size(), 0);
      if (n <= 0) break;
      asked_.append(buffer.data(), static_cast<std::size_t>(n));
    }
    script([peer](std::string_view text) { return SendAll(peer, text); });
    if (close) ::shutdown(peer, SHUT_WR);
    while (::recv(peer, buffer.data(), buffer.size(), 0) > 0) {
    }
    ::close(peer);
  }

  int listener_;
  std::uint16_t port_ = 0;
  std::string asked_;
  std::thread thread_;
};

PlainRequest To(std::uint16_t port) {
  return {.address = "127.0.0.1",
          .port = port,
          .target = "/api/v1/applications/spark-1/allexecutors",
          .deadline = std::chrono::seconds(20),
          .largest_body = 1000};
}

PlainAnswer Answer(const std::string& text) {
  const OneAnswer server(text);
  return PlainGet(To(server.Port()), {});
}

std::string Ok(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

TEST_CASE("of an answer no more is held than there is room for", "[kube][plain]") {
  const std::string body(std::size_t{1} << 20, 'x');
  for (const std::size_t room : {std::size_t{100'000}, std::size_t{1} << 20}) {
    const OneAnswer server(Ok(body));
    auto request = To(server.Port());
    request.largest_body = std::size_t{1} << 20;
    std::size_t held = 0;
    request.may_hold = [&](std::size_t more) {
      if (held + more > room) return false;
      held += more;
      return true;
    };
    const auto answer = PlainGet(request, {});
    const bool fits = room >= body.size();
    CHECK(answer.end == (fits ? End::kAnswered : End::kNoRoom));
    CHECK(answer.body.size() == (fits ? body.size() : 0));
    CHECK(answer.body.capacity() <= held + 15);  // what a string has in itself
  }
}

TEST_CASE("a stranger is asked without anything that tells who we are", "[kube][plain]") {
  OneAnswer server(Ok("[]"));
  const auto answer = PlainGet(To(server.Port()), {});
  const auto& asked = server.Asked();
  CHECK(asked.find("Host: 127.0.0.1:" + std::to_string(server.Port()) + "\r\n") !=
        std::string::npos);
  CHECK(answer.end == End::kAnswered);
  CHECK(answer.status == 200);
  CHECK(answer.body == "[]");
  CHECK(asked.starts_with("GET /api/v1/applications/spark-1/allexecutors HTTP/1.1\r\n"));
  for (const auto* header : {"Authorization", "Cookie", "Accept-Encoding"}) {
    CHECK(asked.find(header) == std::string::npos);
  }
}

TEST_CASE("a body without a length or in chunks is read to its end", "[kube][plain]") {
  CHECK(Answer("HTTP/1.0 200 OK\r\n\r\n[1,2]").body == "[1,2]");
  CHECK(Answer(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n")
            .body == "[1,2]");
}

TEST_CASE("a redirect is an answer, and is not followed", "[kube][plain]") {
  const auto answer = Answer(
      "HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n");
  CHECK(answer.end == End::kAnswered);
  CHECK(answer.status == 302);
}

TEST_CASE("headers and bodies without end are left", "[kube][plain]") {
  const auto announced = Answer("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n");
  CHECK(announced.end == End::kTooLarge);
  CHECK(Answer("HTTP/1.1 200 OK\r\n\r\n" + std::string(1001, ' ')).end == End::kTooLarge);
  CHECK(Answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7fffffffff\r\n" +
               std::string(5000, ' '))
            .end == End::kTooLarge);
  CHECK(Answer("HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x')).end == End::kTooLarge);
  CHECK(Answer(Ok(std::string(1000, ' '))).body.size() == 1000);
}

TEST_CASE("an interim answer is none that was asked for", "[kube][plain]") {
  CHECK(Answer("HTTP/1.1 100 Continue\r\n\r\n").end == End::kFailed);
  CHECK(Answer("HTTP/1.1 103 Early Hints\r\n\r\n" + Ok("[]")).end == End::kFailed);
}

TEST_CASE("no answer without end is taken from a driver", "[kube][plain]") {
  constexpr std::size_t kMostAccepted = std::size_t{16} << 20;
  const std::vector<std::string> first{"HTTP/1.1 200 OK\r\n",           "HTTP/1.0 200 OK\r\n",
                                       "HTTP/1.1 404 Not Found\r\n",    "HTTP/1.1 200 ",
                                       "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 1"};
  std::mt19937 random(20261129);  // NOLINT: the same for everybody
  for (int i = 0; i < 80; ++i) {
    const auto endless = test::DrawEndless(first, random);
    INFO(endless.begin << endless.again.substr(0, 40));
    std::size_t accepted = 0;
    {
      OneAnswer server([&](const OneAnswer::Say& say) {
        accepted = test::Pour(endless, 4 * kMostAccepted, random, say);
      });
      CHECK(PlainGet(To(server.Port()), {}).end != End::kAnswered);
    }
    CHECK(accepted < kMostAccepted);
  }
}

TEST_CASE("what is no HTTP, or is cut off, is a failure that says why", "[kube][plain]") {
  for (const auto* text :
       {"", "hello\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[]",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\n"}) {
    INFO(text);
    const auto answer = Answer(text);
    CHECK(answer.end == End::kFailed);
    CHECK_FALSE(answer.why.empty());
  }
}

TEST_CASE("nobody there is a failure, and so is a name", "[kube][plain]") {
  std::uint16_t port = 0;
  {
    const OneAnswer server("");
    port = server.Port();
  }
  CHECK(PlainGet(To(port), {}).end == End::kFailed);
  auto request = To(port);
  request.address = "localhost";
  CHECK(PlainGet(request, {}).why == "\"localhost\" is no IP address");
}

TEST_CASE("who is silent, or slow, is left at the deadline", "[kube][plain]") {
  const OneAnswer server("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[", false);
  auto request = To(server.Port());
  request.deadline = std::chrono::milliseconds(50);
  CHECK(PlainGet(request, {}).end == End::kTimedOut);
}

TEST_CASE("a request ends when we are asked to stop", "[kube][plain]") {
  const OneAnswer server("", false);
  std::stop_source stop;
  std::thread stops([&] { stop.request_stop(); });
  CHECK(PlainGet(To(server.Port()), stop.get_token()).why == "stopped");
  stops.join();
}

}  // namespace
}  // namespace sparkfit::kube
