// SPDX-License-Identifier: Apache-2.0
#include "cluster/readers.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <sstream>

#include "access_api.h"

namespace sparkfit::cluster {
namespace {

using namespace std::chrono_literals;
using Steady = base::Clock::Steady;
using test::Answer;

Reader From(const std::string& address, const std::string& token) {
  return {address, token, "/metrics"};
}

// A book, its time, and who was told what.
struct Book {
  // What is known at once; nothing: it is told later.
  std::optional<Access> Ask(const Reader& reader) {
    return book.Ask(reader, now, [this](Access access) { told.push_back(access); });
  }
  // The next question is answered; whose it was.
  std::optional<Reader> Answer(Access access) {
    const auto question = book.Next();
    if (!question) return std::nullopt;
    for (const auto& tell : book.Settle(*question, access, now)) tell(access);
    return question->reader;
  }
  // Fails where the verdict was known.
  void Learn(const Reader& reader, Access access) {
    REQUIRE(!Ask(reader));
    REQUIRE(Answer(access)->token == reader.token);
  }

  ReaderBook book;
  Steady now{1h};
  std::vector<Access> told;
};

TEST_CASE("a grant is remembered for a minute, a denial for ten seconds", "[readers]") {
  Book book;
  book.Learn(From("a", "good"), Access::kGranted);
  book.Learn(From("a", "bad"), Access::kUnknown);
  book.Learn(From("a", "poor"), Access::kForbidden);
  CHECK(book.told == std::vector{Access::kGranted, Access::kUnknown, Access::kForbidden});
  book.now += 9s;
  CHECK(book.Ask(From("b", "good")) == Access::kGranted);
  CHECK(book.Ask(From("b", "bad")) == Access::kUnknown);
  CHECK(book.Ask(From("b", "poor")) == Access::kForbidden);
  book.now += 1s;
  CHECK(!book.Ask(From("b", "bad")));
  CHECK(!book.Ask(From("b", "poor")));
  book.now += 49s;
  CHECK(book.Ask(From("b", "good")) == Access::kGranted);
  book.now += 1s;
  CHECK(!book.Ask(From("b", "good")));
}

TEST_CASE("a verdict is about one token and one path", "[readers]") {
  Book book;
  book.Learn({"a", "good", "/metrics"}, Access::kGranted);
  CHECK(!book.Ask({"a", "good", "/recommendations"}));
  CHECK(!book.Ask({"a", "good2", "/metrics"}));
  CHECK(!book.Ask({"a", "goo", "d/metrics"}));
}

TEST_CASE("who brings the same token waits for the same question", "[readers]") {
  Book book;
  for (std::size_t i = 0; i < ReaderBook::kMostTogether; ++i) {
    REQUIRE(!book.Ask(From(std::to_string(i), "good")));
  }
  CHECK(book.Ask(From("a", "good")) == Access::kTooMany);
  book.Answer(Access::kGranted);
  CHECK(book.told == std::vector(ReaderBook::kMostTogether, Access::kGranted));
  CHECK(!book.Answer(Access::kGranted));
}

TEST_CASE("that nobody answered is told and not remembered, and what is known holds on",
          "[readers]") {
  Book book;
  book.Learn(From("a", "good"), Access::kGranted);
  book.Learn(From("a", "other"), Access::kUnavailable);
  CHECK(book.told.back() == Access::kUnavailable);
  CHECK(!book.Ask(From("a", "other")));
  CHECK(book.Ask(From("a", "good")) == Access::kGranted);
}

// Every millisecond a made-up token of one address; the API server answers ten times a second.
TEST_CASE("a flood of made-up tokens leads to few reviews and delays nobody else", "[readers]") {
  Book book;
  int reviews = 0;
  for (int ms = 0; ms < 60'000; ++ms, book.now += 1ms) {
    const auto access = book.Ask(From("flood", "made-up-" + std::to_string(ms)));
    CHECK((!access || *access == Access::kTooMany));
    if (ms % 5'000 == 0) {
      // A token that was never seen has its turn next, or after the one that waits.
      REQUIRE(!book.Ask(From("prometheus", "new-" + std::to_string(ms))));
      const auto first = *book.Answer(Access::kGranted);
      if (first.from == "flood") CHECK(book.Answer(Access::kGranted)->from == "prometheus");
    }
    if (ms % 100 == 0) reviews += book.Answer(Access::kUnknown).has_value() ? 1 : 0;
  }
  // Ten denials in ten seconds, and the eight that waited meanwhile.
  CHECK(reviews <= 6 * (10 + 8));
  CHECK(reviews >= 6 * 10);
}

TEST_CASE("a token that was granted is asked about first, even from where a flood comes",
          "[readers]") {
  Book book;
  book.Learn(From("shared", "good"), Access::kGranted);
  book.now += 55s;
  for (int i = 0; i < 10; ++i) {
    book.Learn(From("shared", "bad-" + std::to_string(i)), Access::kUnknown);
  }
  book.now += 5s;  // the grant is over, the denials are not
  CHECK(book.Ask(From("shared", "new")) == Access::kTooMany);
  for (std::size_t i = 0; i < ReaderBook::kMostInAll; ++i) {
    REQUIRE(!book.Ask(From("crowd-" + std::to_string(i), "x" + std::to_string(i))));
  }
  CHECK(book.Ask(From("one-more", "y")) == Access::kUnavailable);
  REQUIRE(!book.Ask(From("shared", "good")));
  CHECK(book.Answer(Access::kGranted)->token == "good");
}

TEST_CASE("of one address few questions wait", "[readers]") {
  Book book;
  for (std::size_t i = 0; i < ReaderBook::kMostOfOne; ++i) {
    REQUIRE(!book.Ask(From("a", std::to_string(i))));
  }
  CHECK(book.Ask(From("a", "one more")) == Access::kTooMany);
  CHECK(!book.Ask(From("b", "another")));
}

TEST_CASE("what is remembered is bounded, and denials are forgotten before grants", "[readers]") {
  Book book;
  for (std::size_t i = 0; i < 10; ++i) {
    book.Learn(From("a", "good-" + std::to_string(i)), Access::kGranted);
  }
  for (std::size_t i = 0; i < 2 * ReaderBook::kMostRemembered; ++i) {
    book.Learn(From("b" + std::to_string(i), "bad-" + std::to_string(i)), Access::kUnknown);
  }
  for (std::size_t i = 0; i < 10; ++i) {
    CHECK(book.Ask(From("a", "good-" + std::to_string(i))) == Access::kGranted);
  }
  CHECK(!book.Ask(From("c", "bad-0")));
}

TEST_CASE("where nobody asks any more, all who wait are told", "[readers]") {
  Book book;
  book.Learn(From("a", "good"), Access::kGranted);
  REQUIRE(!book.Ask(From("a", "one")));
  REQUIRE(!book.Ask(From("b", "one")));
  REQUIRE(!book.Ask(From("b", "two")));
  CHECK(book.book.Close().size() == 3);
  CHECK(book.Ask(From("a", "three")) == Access::kUnavailable);
  CHECK(book.Ask(From("a", "good")) == Access::kGranted);
  book.Answer(Access::kUnknown);  // one that was under way
  CHECK(book.told.size() == 1);
}

kube::ClientOptions Once() {
  kube::ClientOptions options;
  options.attempts = 1;
  return options;
}

// Readers over an API server that answers by a function.
struct Asked {
  explicit Asked(test::FakeTransport::Handler server) : api(std::move(server), Once()) {}

  Access Of(const Reader& reader) {
    std::stop_source told;
    std::optional<Access> answer;
    readers.Ask(reader, [&](Access access) {
      answer = access;
      told.request_stop();
    });
    readers.Run(told.get_token());  // returns at once where it was known
    REQUIRE(answer);
    return *answer;
  }

  test::FakeApi api;
  std::ostringstream out;
  base::Logger log{out, base::LogLevel::kDebug, base::LogFormat::kText};
  Readers readers{api.client, api.time, log};
};

TEST_CASE("the API server judges the token, then what its user may get", "[readers]") {
  test::AccessApi server;
  Asked asked([&](const kube::Request& request) { return server(request); });
  CHECK(asked.Of(From("a", "good")) == Access::kGranted);
  CHECK(asked.Of(From("a", "poor")) == Access::kForbidden);
  CHECK(asked.Of(From("a", "bad")) == Access::kUnknown);
  CHECK(asked.Of({"a", "good", "/recommendations"}) == Access::kForbidden);
  // Four tokens were shown, and of the one that is nobody's no rights were asked for.
  CHECK(server.tokens == 4);
  CHECK(server.accesses == 3);
  const auto& first = asked.api.transport.requests.at(0);
  CHECK(first.method == "POST");
  CHECK(first.target == "/apis/authentication.k8s.io/v1/tokenreviews");
  CHECK(first.bearer_token == "token-1");  // ours, not the reader's
  CHECK(asked.api.transport.requests.at(1).target ==
        "/apis/authorization.k8s.io/v1/subjectaccessreviews");
}

TEST_CASE("while the API server is gone, verdicts hold for their time", "[readers]") {
  test::AccessApi server;
  Asked asked([&](const kube::Request& request) { return server(request); });
  REQUIRE(asked.Of(From("a", "good")) == Access::kGranted);
  server.down = true;
  asked.api.time.Pass(59s);
  CHECK(asked.Of(From("a", "good")) == Access::kGranted);
  CHECK(asked.Of(From("a", "new")) == Access::kUnavailable);
  asked.api.time.Pass(1s);
  CHECK(asked.Of(From("a", "good")) == Access::kUnavailable);
  server.down = false;
  CHECK(asked.Of(From("a", "good")) == Access::kGranted);
  // Said once, and once that it is over.
  const auto text = asked.out.str();
  CHECK(text.find("does not say") == text.rfind("does not say"));
  CHECK_THAT(text, Catch::Contains("tokenreviews: status 503") &&
                       Catch::Contains("says who may read metrics"));
}

TEST_CASE("a review that is refused or no answer grants nothing, and is said", "[readers]") {
  const auto [answer, why] = GENERATE(table<Answer, std::string>(
      {{{403, R"({"message":"cannot create resource \"tokenreviews\""})"}, "cannot create"},
       {{200, "{}"}, "no TokenReview"},
       {{201, R"({"kind":"TokenReview","status":{"authenticated":true,"user":{"username":"a"}}})"},
        "no SubjectAccessReview"},
       {{201, "", true}, "the connection broke"}}));
  Asked asked([answer = answer](const kube::Request&) { return answer; });
  CHECK(asked.Of(From("a", "good")) == Access::kUnavailable);
  CHECK_THAT(asked.out.str(), Catch::Contains(why));
}

TEST_CASE("no token gets into the log, not even where the server repeats it", "[readers]") {
  Asked asked([](const kube::Request& request) -> Answer {
    return {400, nlohmann::json{{"message", "cannot read " + request.body}}.dump()};
  });
  CHECK(asked.Of(From("a", "very-secret")) == Access::kUnavailable);
  CHECK_THAT(asked.out.str(), Catch::Contains("does not say") && !Catch::Contains("secret"));
}

TEST_CASE("what waited too long for its turn is not asked any more", "[readers]") {
  test::AccessApi server;
  Asked asked([&](const kube::Request& request) { return server(request); });
  std::stop_source told;
  std::optional<Access> answer;
  asked.readers.Ask(From("a", "good"), [&](Access access) {
    answer = access;
    told.request_stop();
  });
  asked.api.time.Pass(6s);
  asked.readers.Run(told.get_token());
  CHECK(answer == Access::kUnavailable);
  CHECK(server.tokens == 0);
}

}  // namespace
}  // namespace sparkfit::cluster
