// SPDX-License-Identifier: Apache-2.0
#include "cli/prometheus_source.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "fake_transport.h"

namespace sparkfit::cli {
namespace {

using test::Answer;

constexpr base::Time kFrom{std::chrono::seconds(1'800'000'000)};
constexpr base::Duration kStep = std::chrono::seconds(30);

std::string Matrix(const std::string& pod) {
  return R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":{"pod":")" + pod +
         R"("},"values":[[1800000000,"1"]]}]}})";
}

std::string Error(const std::string& type, const std::string& error) {
  return fmt::format(R"({{"status":"error","errorType":"{}","error":"{}"}})", type, error);
}

// What was taken: each window in steps and its number of series.
struct Asked {
  explicit Asked(test::FakeTransport::Handler handler, std::size_t largest = 1 << 20)
      : api(std::move(handler)),
        source(api.client, api.time,
               {.queries = {"a", "b{c=\"d\"}"},
                .step = kStep,
                .headers = {{"X-Scope-OrgID", "team"}},
                .wanted = [](auto) { return true; },
                .largest_reply = largest}) {}

  base::Result<void> Fetch(int steps) {
    return source.Fetch(
        kFrom, kFrom + steps * kStep,
        [&](auto series, base::Time from, base::Time to) {
          taken.push_back(fmt::format("{}-{}: {}", (from - kFrom) / kStep, (to - kFrom) / kStep,
                                      series.size()));
        },
        stop.get_token());
  }

  test::FakeApi api;
  PrometheusSource source;
  std::stop_source stop;
  std::vector<std::string> taken;
};

TEST_CASE("Every query is asked of the window, with what the server wants to be told") {
  Asked asked([](const kube::Request&) { return Answer{200, Matrix("p")}; });
  REQUIRE(asked.Fetch(119));
  CHECK(asked.taken == std::vector<std::string>{"0-119: 2"});
  const auto& requests = asked.api.transport.requests;
  REQUIRE(requests.size() == 2);
  CHECK(requests[1].target ==
        "/api/v1/query_range?query=b%7Bc%3D%22d%22%7D&start=1800000000.000&end=1800003570.000&step="
        "30.000");
  REQUIRE(requests[1].headers.size() == 1);
  CHECK(requests[1].headers[0].second == "team");
}

TEST_CASE("What is too much at once is asked for in halves, without a gap or a double") {
  const auto [status, body] = GENERATE(table<int, std::string>(
      {{422, Error("execution", "query processing would load too many samples into memory")},
       {400, Error("bad_data", "exceeded maximum resolution of 11,000 points per timeseries")},
       {413, "too large"},
       {503, Error("timeout", "query timed out")},
       {200, std::string(2000, ' ')}}));
  const auto much = Answer{status, body};
  // More than a second's worth of steps, three, is too much.
  Asked asked(
      [&](const kube::Request& request) {
        const auto number = [&](const std::string& name) {
          return std::stoll(request.target.substr(request.target.find(name) + name.size()));
        };
        return number("&end=") - number("&start=") > 60 ? much : Answer{200, Matrix("p")};
      },
      1000);
  REQUIRE(asked.Fetch(9));
  CHECK(asked.taken == std::vector<std::string>{"0-2: 2", "3-4: 2", "5-7: 2", "8-9: 2"});
}

TEST_CASE("What is too much at one time is an error that says what to do") {
  Asked asked([&](const kube::Request&) { return Answer{200, std::string(2000, ' ')}; }, 1000);
  const auto fetched = asked.Fetch(3);
  REQUIRE(!fetched);
  CHECK(fetched.error().message.find("--namespace") != std::string::npos);
  CHECK(asked.taken.empty());
}

TEST_CASE("An answer that broke off is asked for again, after a while, and not for ever") {
  int broken = GENERATE(2, 100);
  const bool ends = broken == 2;
  Asked asked([&](const kube::Request&) {
    Answer answer{200, Matrix("p")};
    answer.cut = broken-- > 0;
    return answer;
  });
  const auto fetched = asked.Fetch(3);
  CHECK(fetched.has_value() == ends);
  CHECK(asked.api.time.waited.size() >= 2);
  CHECK(asked.taken.size() == (ends ? 1 : 0));
  if (!ends) CHECK(fetched.error().code == base::Code::kUnavailable);
}

TEST_CASE("A server that is busy is asked again") {
  int busy = 2;
  Asked asked([&](const kube::Request&) {
    return busy-- > 0 ? Answer{502, "bad gateway"} : Answer{200, Matrix("p")};
  });
  CHECK(asked.Fetch(3));
  CHECK(asked.api.time.waited.size() == 2);
}

TEST_CASE("What a person can mend is said in the server's words, with what to mend") {
  const auto [status, body, says, code] = GENERATE(table<int, std::string, std::string, base::Code>(
      {{400, Error("bad_data", "parse error: unexpected"), "bad_data: parse error: unexpected",
        base::Code::kInvalidArgument},
       {401, "", "--token-file", base::Code::kInvalidArgument},
       {403, "no", "--token-file", base::Code::kInvalidArgument},
       {404, "<html>", "--url", base::Code::kInvalidArgument},
       {500, Error("internal", "boom"), "internal: boom", base::Code::kUnavailable},
       {200, Error("bad_data", "odd"), "bad_data: odd", base::Code::kInvalidArgument},
       {200, "<html>", "the server's answer", base::Code::kMalformed}}));
  CAPTURE(status, body);
  Asked asked([&, answer = Answer{status, body}](const kube::Request&) { return answer; });
  const auto fetched = asked.Fetch(3);
  REQUIRE(!fetched);
  CHECK(fetched.error().message.find(says) != std::string::npos);
  CHECK(fetched.error().code == code);
}

TEST_CASE("Warnings of the server are kept, each once") {
  Asked asked([&](const kube::Request&) {
    return Answer{200, R"({"status":"success","warnings":["partial"],)" + Matrix("p").substr(20)};
  });
  REQUIRE(asked.Fetch(3));
  CHECK(asked.source.Warnings() == std::vector<std::string>{"the server warns: partial"});
}

TEST_CASE("Who is asked to stop asks no more") {
  Asked asked([&](const kube::Request&) { return Answer{503, ""}; });
  asked.api.time.on_wait = [&] { asked.stop.request_stop(); };
  CHECK(!asked.Fetch(9));
  CHECK(asked.api.transport.requests.size() == 1);
}

}  // namespace
}  // namespace sparkfit::cli
