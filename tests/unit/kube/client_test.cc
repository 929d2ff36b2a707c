// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/kube/client.h"

#include <catch2/catch.hpp>
#include <fstream>

#include "fake_transport.h"
#include "temp_file.h"

namespace sparkfit::kube {
namespace {

using test::Answer;
using test::FakeApi;

Call Get() { return {.verb = "get", .resource = "things", .target = "/things/a"}; }

Call Patch() {
  return {.verb = "apply", .resource = "things", .method = "PATCH", .target = "/things/a"};
}

TEST_CASE("a GET is repeated after failures and 5xx, at most three times", "[kube]") {
  int asked = 0;
  FakeApi api([&](const Request&) { return Answer{.status = ++asked < 3 ? 500 : 200}; });
  CHECK(api.client.Send(Get(), {})->status == 200);
  CHECK(asked == 3);

  FakeApi broken([&](const Request&) { return Answer{.status = 503}; });
  CHECK(broken.client.Send(Get(), {})->status == 503);
  CHECK(broken.transport.requests.size() == 4);
}

TEST_CASE("a write is not repeated after a failure: it may have been carried out", "[kube]") {
  FakeApi api([](const Request&) { return Answer{.status = 500}; });
  CHECK(api.client.Send(Patch(), {})->status == 500);
  CHECK(api.transport.requests.size() == 1);
}

TEST_CASE("a 429 is repeated for writes too, after as long as the server asks for", "[kube]") {
  int asked = 0;
  FakeApi api([&](const Request&) {
    return ++asked == 1 ? Answer{.status = 429, .retry_after = std::chrono::seconds(7)} : Answer{};
  });
  CHECK(api.client.Send(Patch(), {})->status == 200);
  REQUIRE(api.time.waited.size() == 1);
  CHECK(api.time.waited[0] >= std::chrono::seconds(7));
  CHECK(api.time.waited[0] <= std::chrono::milliseconds(7250));
}

TEST_CASE("a refused token is read anew, once", "[kube]") {
  FakeApi api([](const Request& request) {
    return Answer{.status = request.bearer_token == "token-2" ? 200 : 401};
  });
  CHECK(api.client.Send(Get(), {})->status == 200);
  FakeApi never([](const Request&) { return Answer{.status = 401}; });
  CHECK(never.client.Send(Get(), {})->status == 401);
  CHECK(never.transport.requests.size() == 2);
}

TEST_CASE("a token that expired is read anew from its file", "[kube]") {
  test::TempFile file("old\n");
  Credentials credentials;
  credentials.token_file = file.Path();
  const base::SystemClock clock;
  const auto authenticator = MakeAuthenticator(credentials, clock);
  // The file is replaced while the request with the old token is on its way.
  test::FakeTransport transport([&](const Request& request) -> Answer {
    std::ofstream(file.Path()) << "new";
    return {request.bearer_token == "new" ? 200 : 401, "{}"};
  });
  test::FakeTime time;
  Client client(transport, *authenticator, time, time, {});
  CHECK(client.Send(Get(), {})->status == 200);
  REQUIRE(transport.requests.size() == 2);
  CHECK(transport.requests[0].bearer_token == "old");
  CHECK(transport.requests[1].bearer_token == "new");
}

TEST_CASE("requests beyond the burst wait for their turn", "[kube]") {
  FakeApi api([](const Request&) { return Answer{}; },
              {.queries_per_second = 10, .burst = 2, .attempts = 1, .seed = 1});
  for (int i = 0; i < 4; ++i) (void)api.client.Send(Get(), {});
  // Two at once, then one each 1/10 s.
  CHECK(api.time.waited == std::vector<base::Duration>{std::chrono::milliseconds(100),
                                                       std::chrono::milliseconds(100)});
}

TEST_CASE("an answer that is too large is refused, and none of it kept", "[kube]") {
  FakeApi api([](const Request&) { return Answer{.body = std::string((8 << 20) + 1, 'x')}; },
              {.attempts = 1});
  const auto reply = api.client.Send(Get(), {});
  REQUIRE(!reply);
  CHECK(reply.error().code == base::Code::kMalformed);
}

TEST_CASE("what the server says is wrong is passed on", "[kube]") {
  FakeApi api([](const Request&) {
    return Answer{.status = 403, .body = R"({"kind":"Status","message":"pods is forbidden"})"};
  });
  CHECK(api.client.Send(Get(), {})->Why() == "status 403: pods is forbidden");
  CHECK(Reply{500, "<html>"}.Why() == "status 500");
  CHECK(Reply{403, "Forbidden (user=x)\nmore"}.Why() == "status 403: Forbidden (user=x)");
}

TEST_CASE("why something failed is told of any answer, however nested", "[kube]") {
  for (const char open : {'[', '{', '"', '\xff', '\n'}) {
    CHECK(Reply{500, std::string(64 << 10, open)}.Why().size() <= 320);
  }
  CHECK(Reply{500, R"({"a":)" + std::string(60'000, '[')}.Why().size() <= 320);
}

TEST_CASE("whatever is in a path or a query is encoded", "[kube]") {
  CHECK(Encode("a-Z_0.~") == "a-Z_0.~");
  CHECK(Encode("spark-role in (driver)") == "spark-role%20in%20%28driver%29");
  CHECK(Encode("\xc3\xa4/?") == "%C3%A4%2F%3F");
}

}  // namespace
}  // namespace sparkfit::kube
