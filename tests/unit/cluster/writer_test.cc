// SPDX-License-Identifier: Apache-2.0
#include "cluster/writer.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <thread>

#include "fake_transport.h"

namespace sparkfit::cluster {
namespace {

using Outcome = Written::Outcome;
using test::Answer;

const model::Key kKey{"jobs", "nightly", 0};
const wire::ObjectRef kObject{"jobs", "nightly-1", "uid-1", 3};

// What becomes of a write, with an API server that answers by a function.
Written Carry(Write write, const test::FakeTransport::Handler& server,
              std::vector<kube::Request>* asked = nullptr, bool leads = true) {
  kube::ClientOptions once;
  once.attempts = 1;
  test::FakeApi api(server, once);
  Inbox inbox;
  Writer writer(api.client, inbox, [&](std::uint64_t) { return leads; });
  std::jthread thread([&](const std::stop_token& stop) { writer.Run(stop); });
  writer.Submit(std::move(write));
  const auto messages = inbox.TakeAll(std::chrono::seconds(60), {});
  thread.request_stop();
  thread.join();
  if (asked != nullptr) *asked = api.transport.requests;
  REQUIRE(messages.size() == 1);
  return std::get<Written>(messages.front());
}

Write Publish() {
  return {.key = kKey,
          .what = Written::What::kPublish,
          .object = kObject,
          .checkpoint = "{\"spec\":1}",
          .data = "history",
          .status = "{\"status\":1}"};
}

TEST_CASE("the checkpoint is written before the status", "[cluster]") {
  std::vector<kube::Request> asked;
  const auto written = Carry(
      Publish(),
      [](const kube::Request&) -> Answer {
        return {200, R"({"metadata":{"resourceVersion":"7"}})"};
      },
      &asked);
  CHECK(written.outcome == Outcome::kDone);
  CHECK(written.version == "7");
  REQUIRE(asked.size() == 2);
  CHECK_THAT(asked[0].target, Catch::Contains("/executorrecommendationcheckpoints/nightly-1?"));
  CHECK_THAT(asked[1].target, Catch::Contains("/executorrecommendations/nightly-1/status?"));
  CHECK(asked[0].method == "PATCH");
}

TEST_CASE("without its checkpoint no status is written", "[cluster]") {
  std::vector<kube::Request> asked;
  const auto written = Carry(
      Publish(),
      [](const kube::Request&) -> Answer {
        return {500, "{}"};
      },
      &asked);
  CHECK(written.outcome == Outcome::kFailed);
  CHECK(asked.size() == 1);
}

TEST_CASE("a conflict is ours where the object holds what we wanted, else somebody else's",
          "[cluster]") {
  const std::string data = GENERATE("history", "another history");
  const auto written = Carry(Publish(), [&](const kube::Request& request) -> Answer {
    if (request.target.find("/status") != std::string::npos) return {200, "{}"};
    if (request.method == "PATCH") return {409, R"({"message":"the object has been modified"})"};
    return {200, R"({"metadata":{"resourceVersion":"9"},"spec":{"data":")" + data + "\"}}"};
  });
  CHECK(written.outcome == (data == "history" ? Outcome::kDone : Outcome::kForeign));
  if (data == "history") CHECK(written.version == "9");
}

TEST_CASE("a checkpoint that somebody deleted is no other leader's", "[cluster]") {
  const int to_patch = GENERATE(404, 409);
  const int to_get = GENERATE(404, 503);
  const auto written = Carry(Publish(), [&](const kube::Request& request) -> Answer {
    return {request.method == "PATCH" ? to_patch : to_get, "{}"};
  });
  const bool gone = to_patch == 404 || to_get == 404;
  CHECK(written.outcome == (gone ? Outcome::kGone : Outcome::kFailed));
  CHECK(written.checkpoint_gone == gone);
}

TEST_CASE("answers that are no objects of ours do no harm", "[cluster]") {
  const std::string body = GENERATE(
      "", "7", "[]", "{", R"({"metadata":7})", R"({"metadata":{"resourceVersion":7}})",
      R"({"metadata":[1],"spec":{"data":7}})", R"({"spec":[]})", R"({"spec":{"data":{}}})");
  INFO(body);
  const auto written = Carry(Publish(), [&](const kube::Request&) -> Answer {
    return {200, body};
  });
  CHECK(written.outcome == Outcome::kDone);
  CHECK(written.version.empty());
  // After a conflict, what is there is looked at: it is not what we wrote.
  const auto conflict = Carry(Publish(), [&](const kube::Request& request) -> Answer {
    return {request.method == "GET" ? 200 : 409, body};
  });
  CHECK(conflict.outcome == Outcome::kForeign);
}

TEST_CASE("an object that is another one by now is not written over", "[cluster]") {
  const auto written = Carry(Publish(), [](const kube::Request& request) -> Answer {
    if (request.target.find("/status") == std::string::npos) return {200, "{}"};
    return {422, R"({"message":"the server rejected our request due to an error in our request"})"};
  });
  CHECK(written.outcome == Outcome::kGone);
  const auto invalid = Carry(Publish(), [](const kube::Request& request) -> Answer {
    if (request.target.find("/status") == std::string::npos) return {200, "{}"};
    return {422,
            R"({"message":"ExecutorRecommendation.sparkfit.io \"x\" is invalid: status.peak"})"};
  });
  CHECK(invalid.outcome == Outcome::kFailed);
}

TEST_CASE("into a namespace that is being deleted nothing is written, and that is no conflict",
          "[cluster]") {
  struct Case {
    int status;
    const char* message;
    Outcome outcome;
  };
  const auto refused = GENERATE(
      Case{403, "unable to create new content in namespace jobs because it is being terminated",
           Outcome::kFailed},
      Case{404, "namespaces \"jobs\" not found", Outcome::kGone});
  const auto answer = [&](const kube::Request&) -> Answer {
    return {refused.status, nlohmann::json{{"message", refused.message}}.dump()};
  };
  const auto created = Carry({.key = kKey, .what = Written::What::kCreate, .body = "{}"}, answer);
  CHECK(created.outcome == refused.outcome);
  CHECK_THAT(created.why, Catch::Contains(refused.message));
  CHECK(Carry(Publish(), answer).outcome == refused.outcome);
}

TEST_CASE("who does not lead writes nothing", "[cluster]") {
  std::vector<kube::Request> asked;
  const auto written = Carry(
      Publish(),
      [](const kube::Request&) -> Answer {
        return {200, "{}"};
      },
      &asked, false);
  CHECK(written.outcome == Outcome::kFailed);
  CHECK(asked.empty());
}

TEST_CASE("events, deletions and new objects go where they belong", "[cluster]") {
  struct Case {
    Written::What what;
    const char* method;
    const char* target;
  };
  const auto wanted = GENERATE(
      Case{Written::What::kEvent, "POST", "/api/v1/namespaces/jobs/events"},
      Case{Written::What::kDelete, "DELETE",
           "/apis/sparkfit.io/v1alpha1/namespaces/jobs/executorrecommendations/nightly-1"},
      Case{Written::What::kCreate, "POST",
           "/apis/sparkfit.io/v1alpha1/namespaces/jobs/executorrecommendations?fieldManager="
           "sparkfit"});
  std::vector<kube::Request> asked;
  const auto written = Carry(
      {.key = kKey, .what = wanted.what, .body = "{\"body\":1}", .object = kObject},
      [](const kube::Request&) -> Answer {
        return {201, "{}"};
      },
      &asked);
  CHECK(written.outcome == Outcome::kDone);
  REQUIRE(asked.size() == 1);
  CHECK(asked[0].method == wanted.method);
  CHECK(asked[0].target == wanted.target);
  CHECK(asked[0].body == "{\"body\":1}");
}

TEST_CASE("an OOM's status is written first, then by turns of namespaces", "[cluster]") {
  test::FakeApi api([](const kube::Request&) -> Answer { return {200, "{}"}; });
  Inbox inbox;
  Writer writer(api.client, inbox, [](std::uint64_t) { return true; });
  const auto tell = [&](const std::string& name_space, const std::string& body) {
    writer.Submit({.key = {name_space, "s", 0}, .what = Written::What::kEvent, .body = body});
  };
  std::size_t taken = 0;
  for (; writer.HasRoom("greedy"); ++taken) tell("greedy", "greedy");
  CHECK(taken == 64);
  // Who wants little is not kept out, and does not wait for all of that.
  REQUIRE(writer.HasRoom("modest"));
  tell("modest", "modest-1");
  tell("modest", "modest-2");
  tell("jobs", "before");
  auto urgent = Publish();
  urgent.key = {"jobs", "s", 0};
  urgent.urgent = true;
  writer.Submit(urgent);
  tell("jobs", "after");
  std::jthread thread([&](const std::stop_token& stop) { writer.Run(stop); });
  for (std::size_t written = 0; written < taken + 5;) {
    written += inbox.TakeAll(std::chrono::seconds(60), {}).size();
  }
  thread.request_stop();
  thread.join();
  std::vector<std::string> bodies;
  for (const auto& request : api.transport.requests) bodies.push_back(request.body);
  REQUIRE(bodies.size() == taken + 6);
  bodies.resize(9);
  // What came earlier about the same key is not overtaken.
  CHECK(bodies == std::vector<std::string>{"before", urgent.checkpoint, urgent.status, "greedy",
                                           "after", "modest-1", "greedy", "modest-2", "greedy"});
}

TEST_CASE("what a session that ended left waiting is not written", "[cluster]") {
  test::FakeApi api([](const kube::Request&) -> Answer { return {200, "{}"}; });
  Inbox inbox;
  Writer writer(api.client, inbox, [](std::uint64_t term) { return term == 2; });
  for (const std::uint64_t term : {1, 2}) {
    auto write = Publish();
    write.term = term;
    write.status = "of term " + std::to_string(term);
    writer.Submit(write);
  }
  std::jthread thread([&](const std::stop_token& stop) { writer.Run(stop); });
  std::vector<Written> written;
  while (written.size() < 2) {
    for (auto& message : inbox.TakeAll(std::chrono::seconds(60), {})) {
      written.push_back(std::get<Written>(message));
    }
  }
  thread.request_stop();
  thread.join();
  CHECK(written[0].outcome == Outcome::kFailed);
  CHECK(written[0].term == 1);
  CHECK(written[1].outcome == Outcome::kDone);
  CHECK(written[1].term == 2);
  REQUIRE(api.transport.requests.size() == 2);
  CHECK(api.transport.requests[1].body == "of term 2");
}

TEST_CASE("a writer that is asked to stop leaves what waits", "[cluster]") {
  test::FakeApi api([](const kube::Request&) -> Answer { return {200, "{}"}; });
  Inbox inbox;
  Writer writer(api.client, inbox, [](std::uint64_t) { return true; });
  for (int i = 0; i < 1000; ++i) writer.Submit(Publish());
  std::stop_source stop;
  stop.request_stop();
  writer.Run(stop.get_token());
  CHECK(api.transport.requests.empty());
}

}  // namespace
}  // namespace sparkfit::cluster
