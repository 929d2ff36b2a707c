// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/http/intake.h"

#include <boost/beast/http/error.hpp>
#include <catch2/catch.hpp>

#include "hostile_bytes.h"

namespace sparkfit::http {
namespace {

using Kind = boost::beast::http::error;

constexpr Limits kLimits{.header = 4096, .body = 1000};
// What an honest message of these limits may have, framing of one byte's chunks included.
constexpr std::size_t kMostBytes = 64 << 10;

template <bool kRequest>
struct Fed {
  Step step = Step::kWantsMore;
  Error error;
};

// Gives bytes as a socket would, as many as there is room for, to the message's end or an error.
template <bool kRequest>
Fed<kRequest> Feed(Intake<kRequest>& intake, std::string_view bytes) {
  Fed<kRequest> fed;
  for (;;) {
    fed.step = intake.Next(fed.error);
    if (fed.error || fed.step == Step::kDone) return fed;
    if (fed.step != Step::kWantsMore) continue;
    if (bytes.empty()) return fed;
    const auto room = intake.Room();
    const auto size = std::min(room.size(), bytes.size());
    REQUIRE(size > 0);
    std::copy_n(bytes.data(), size, static_cast<char*>(room.data()));
    intake.Came(size);
    bytes.remove_prefix(size);
  }
}

Error ErrorOf(std::string_view bytes) {
  Intake<true> intake(kLimits.header);
  intake.Begin(kLimits);
  return Feed(intake, bytes).error;
}

TEST_CASE("a message is read, and what comes behind it waits", "[http]") {
  Intake<true> intake(kLimits.header);
  intake.Begin(kLimits);
  const auto fed =
      Feed(intake,
           "POST /a?b HTTP/1.1\r\nAccept-Encoding: gzip\r\nTransfer-Encoding: chunked"
           "\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nX: z\r\n\r\nGET /c HTTP/1.1\r\n\r\n");
  CHECK(fed.step == Step::kDone);
  CHECK(!fed.error);
  CHECK(intake.Current().head.target == "/a?b");
  CHECK(intake.Current().head.gzip);
  CHECK(intake.Current().body == "abcde");
  intake.Begin(kLimits);
  CHECK(Feed(intake, "").step == Step::kDone);
  CHECK(intake.Current().head.target == "/c");
}

TEST_CASE("of what tells who asks the first is kept, of a request and of no trailer", "[http]") {
  const auto read = [](const std::string& text) {
    Intake<true> intake(kLimits.header);
    intake.Begin(kLimits);
    REQUIRE(Feed(intake, text).step == Step::kDone);
    return intake.Current().head.authorization;
  };
  CHECK(read("GET / HTTP/1.1\r\nauthorization:  Bearer a \r\nAuthorization: Bearer b\r\n\r\n") ==
        "Bearer a");
  CHECK(read("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
             "Authorization: Bearer c\r\n\r\n")
            .empty());
}

TEST_CASE("an answer without a length ends with its connection", "[http]") {
  Intake<false> intake(kLimits.header);
  intake.Begin(kLimits);
  CHECK(Feed(intake, "HTTP/1.1 503 No\r\nRetry-After: 7\r\n\r\nbody").step == Step::kWantsMore);
  Error error;
  intake.Ended(error);
  CHECK(!error);
  CHECK(intake.Current().head.status == 503);
  CHECK(intake.Current().head.retry_after == "7");
  CHECK(intake.Current().body == "body");
}

TEST_CASE("what is too large is named", "[http]") {
  const std::string post = "POST / HTTP/1.1\r\n";
  const std::string chunked = post + "Transfer-Encoding: chunked\r\n\r\n";
  CHECK(ErrorOf(post + "X: " + std::string(5000, 'x')) == Kind::header_limit);
  CHECK(ErrorOf(post + "Content-Length: 1001\r\n\r\n") == Kind::body_limit);
  CHECK(ErrorOf(chunked + "3e9\r\n") == Kind::body_limit);
  CHECK(ErrorOf(chunked + "1;x=" + std::string(100'000, 'x')) == Kind::buffer_overflow);
  CHECK(ErrorOf(chunked + "0\r\nX: " + std::string(100'000, 'x')) == Kind::buffer_overflow);
}

TEST_CASE("a header that comes line by line is bounded, too", "[http]") {
  Intake<true> intake(kLimits.header);
  intake.Begin(kLimits);
  REQUIRE(!Feed(intake, "GET / HTTP/1.1\r\n").error);
  std::size_t lines = 0;
  while (!Feed(intake, "X-Y: 0123456789\r\n").error) REQUIRE(++lines < kLimits.header);
  CHECK(lines <= kLimits.header / 17);
}

TEST_CASE("a body in chunks of one byte each is read", "[http]") {
  std::string text = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 1000; ++i) text += "1\r\nx\r\n";
  Intake<true> intake(kLimits.header);
  intake.Begin(kLimits);
  CHECK(Feed(intake, text + "0\r\n\r\n").step == Step::kDone);
  CHECK(intake.Current().body.size() == 1000);
}

TEST_CASE("a message that comes byte by byte is the same", "[http]") {
  const std::string head = "POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const std::string rest :
       {"0\r\n\r\n", "0\r\na: b\r\n\r\n", "3;e=f\r\nabc\r\n0;g\r\na: b\r\n\r\n"}) {
    INFO(rest);
    Intake<true> intake(kLimits.header);
    intake.Begin(kLimits);
    Step last{};
    for (const char c : head + rest) {
      REQUIRE(last != Step::kDone);
      const auto fed = Feed(intake, std::string(1, c));
      REQUIRE(!fed.error);
      last = fed.step;
    }
    CHECK(last == Step::kDone);
    CHECK(intake.Current().body == (rest.front() == '3' ? "abc" : ""));
  }
}

template <bool kRequest>
void CheckEndless(const std::string& first) {
  std::mt19937 random(20261129);  // NOLINT: the same for everybody
  for (int i = 0; i < 2000; ++i) {
    const auto endless = test::DrawEndless({first}, random);
    INFO(endless.begin << endless.again.substr(0, 40));
    Intake<kRequest> intake(kLimits.header);
    intake.Begin(kLimits);
    const auto taken = test::Pour(endless, 4 * kMostBytes, random, [&](std::string_view bytes) {
      const auto fed = Feed(intake, bytes);
      CHECK(intake.Current().body.size() <= kLimits.body);
      return !fed.error && fed.step != Step::kDone;
    });
    CHECK(taken < 2 * kMostBytes);
  }
}

TEST_CASE("no message without end is taken, however it is cut", "[http]") {
  CheckEndless<true>("POST /x HTTP/1.1\r\n");
  CheckEndless<false>("HTTP/1.1 200 OK\r\n");
}

}  // namespace
}  // namespace sparkfit::http
