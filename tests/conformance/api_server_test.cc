// SPDX-License-Identifier: Apache-2.0
//
// What the rooms above rely on, asked of an API server: the one in memory (with_fake.py) and real
// ones (the e2e suite conformance). The kubeconfig is in SPARKFIT_CONFORMANCE_KUBECONFIG; its
// account has the controller's rights. A namespace "conformance" is there.
#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <condition_variable>
#include <cstdlib>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "sparkfit/base/wait.h"
#include "sparkfit/kube/list_watch.h"
#include "sparkfit/wire/objects.h"

namespace sparkfit::kube {
namespace {

using nlohmann::json;

constexpr const char* kBase = "/apis/sparkfit.io/v1alpha1/namespaces/conformance/";
const Collection kObjects{"executorrecommendations", std::string(kBase) + "executorrecommendations",
                          ""};

struct Server {
  Server() {
    const auto config = ReadKubeconfig(std::getenv("SPARKFIT_CONFORMANCE_KUBECONFIG"));
    REQUIRE(config);
    transport = *MakeHttpTransport(config->endpoint, clock);
    authenticator = MakeAuthenticator(config->credentials, clock);
    ClientOptions options;
    options.queries_per_second = 1000;
    client.emplace(*transport, *authenticator, clock, waiter, options);
  }

  Reply Send(const std::string& method, const std::string& path, const std::string& body = "",
             std::string_view type = kJson) {
    const auto reply = client->Send({.verb = "test",
                                     .resource = "test",
                                     .method = method,
                                     .target = kBase + path,
                                     .body = body,
                                     .content_type = type},
                                    {});
    REQUIRE(reply);
    return *reply;
  }

  // A new object, named after its signature.
  wire::ObjectRef Create(const std::string& signature) {
    const model::Key key{"conformance", signature, 0};
    const auto reply = Send("POST", "executorrecommendations", wire::NewRecommendation(key));
    REQUIRE(reply.status == 201);
    const auto metadata = json::parse(reply.body)["metadata"];
    return {"conformance", metadata["name"], metadata["uid"], metadata.value("generation", 0)};
  }

  Reply PatchStatus(const wire::ObjectRef& object, const std::string& winner = "x") {
    return Send("PATCH", "executorrecommendations/" + object.name + "/status?fieldManager=sparkfit",
                wire::DuplicatePatch(object, winner, clock.Wall()), kJsonPatch);
  }

  Reply Delete(const wire::ObjectRef& object) {
    return Send("DELETE", "executorrecommendations/" + object.name,
                wire::DeleteOptions(object.uid));
  }

  base::SystemClock clock;
  base::SystemWaiter waiter;
  std::unique_ptr<Transport> transport;
  std::unique_ptr<Authenticator> authenticator;
  std::optional<Client> client;
};

std::string Unique(const char* what) {
  static int number = 0;
  return fmt::format("{}-{}-{}", what, ::getpid(), ++number);
}

// Follows a collection and remembers what it was told.
class Follower final : public CollectionHandler {
 public:
  void OnListBegin() override { Note("begin"); }
  void OnListed(const Object& object) override { Note("listed " + object.id.name); }
  void OnListEnd() override { Note("end"); }
  void OnChange(Change change, const Object& object) override {
    static const std::map<Change, std::string> kNames{{Change::kAdded, "added "},
                                                      {Change::kModified, "modified "},
                                                      {Change::kDeleted, "deleted "}};
    Note(kNames.at(change) + object.id.name);
  }
  void OnTrouble(const std::string& why) override {
    if (!why.empty()) Note("trouble " + why);
  }

  // False where it was not told so within ten seconds.
  bool WaitFor(const std::string& what) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10),
                             [&] { return std::count(told.begin(), told.end(), what) > 0; });
  }

  std::vector<std::string> told;

 private:
  void Note(std::string what) {
    const std::scoped_lock lock(mutex_);
    told.push_back(std::move(what));
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
};

TEST_CASE("an object is created once", "[conformance]") {
  Server server;
  const auto signature = Unique("once");
  const auto object = server.Create(signature);
  CHECK(!object.uid.empty());
  const auto again = server.Send("POST", "executorrecommendations",
                                 wire::NewRecommendation({"conformance", signature, 0}));
  CHECK(again.status == 409);
  CHECK_THAT(again.Why(), Catch::StartsWith("status 409: "));
  CHECK(server.Delete(object).Ok());
}

TEST_CASE("a write to another object of that name fails", "[conformance]") {
  Server server;
  auto object = server.Create(Unique("uid"));
  CHECK(server.PatchStatus(object).Ok());
  auto other = object;
  other.uid = "00000000-0000-0000-0000-000000000000";
  const auto refused = server.PatchStatus(other);
  CHECK(refused.status == 422);
  CHECK(refused.Why().find("is invalid") == std::string::npos);
  // A value that the schema does not accept is told apart.
  auto patch = json::parse(wire::DuplicatePatch(object, "x", server.clock.Wall()));
  patch[1]["value"]["observedGeneration"] = "many";
  const auto invalid = server.Send("PATCH", "executorrecommendations/" + object.name + "/status",
                                   patch.dump(), kJsonPatch);
  CHECK(invalid.status == 422);
  CHECK_THAT(invalid.Why(), Catch::Contains("is invalid"));
  CHECK(server.Delete(other).status == 409);
  CHECK(server.Delete(object).Ok());
  // Gone: a status never creates it anew.
  CHECK_FALSE(server.PatchStatus(object).Ok());
}

TEST_CASE("a checkpoint is replaced only where it is the one that was read", "[conformance]") {
  Server server;
  const auto object = server.Create(Unique("checkpoint"));
  const model::Key key{"conformance", "checkpoint", 0};
  const auto path = "executorrecommendationcheckpoints/" + object.name;
  const auto apply = [&](const std::string& data, const std::string& version) {
    return server.Send(
        "PATCH", path + "?fieldManager=sparkfit&force=true",
        wire::CheckpointPatch(object, key, wire::Sealed({"json", "", data}), version), kApplyPatch);
  };
  const auto version_of = [](const Reply& reply) -> std::string {
    return json::parse(reply.body)["metadata"]["resourceVersion"];
  };
  const auto first = apply("one", "");
  REQUIRE(first.Ok());
  const auto second = apply("two", version_of(first));
  REQUIRE(second.Ok());
  CHECK(apply("three", version_of(first)).status == 409);
  CHECK(json::parse(server.Send("GET", path).body)["spec"]["data"] == "two");
  CHECK(server.Delete(object).Ok());
}

TEST_CASE("who is not known and what is not there are told apart", "[conformance]") {
  Server server;
  CHECK(server.Send("GET", "executorrecommendationcheckpoints/absent").status == 404);
  Request request;
  request.target = kObjects.path;
  request.bearer_token = "wrong";
  const auto refused =
      server.transport->Send(request, [](int, std::string_view) { return true; }, {});
  REQUIRE(refused);
  CHECK(refused->status == 401);
}

TEST_CASE("a list of several pages names every object once", "[conformance]") {
  Server server;
  std::vector<wire::ObjectRef> created;
  for (int i = 0; i < 510; ++i) created.push_back(server.Create(Unique("page")));  // of 500
  std::multiset<std::string> listed;
  const auto version = List(*server.client, kObjects,
                            [&](const Object& object) { listed.insert(object.id.name); }, {});
  REQUIRE(version);
  CHECK(!version->empty());
  for (const auto& object : created) CHECK(listed.count(object.name) == 1);
  for (const auto& object : created) CHECK(server.Delete(object).Ok());
}

TEST_CASE("what happens after a list is watched, each thing once and in order", "[conformance]") {
  Server server;
  const auto before = server.Create(Unique("before"));
  Follower follower;
  std::jthread thread([&](const std::stop_token& stop) {
    Reflector(*server.client, server.waiter, kObjects, follower).Run(stop);
  });
  REQUIRE(follower.WaitFor("end"));
  const auto after = server.Create(Unique("after"));
  CHECK(follower.WaitFor("added " + after.name));
  CHECK(server.PatchStatus(after).Ok());
  CHECK(follower.WaitFor("modified " + after.name));
  CHECK(server.Delete(after).Ok());
  CHECK(server.Delete(before).Ok());
  CHECK(follower.WaitFor("deleted " + before.name));
  thread.request_stop();
  thread.join();
  std::vector<std::string> ours;
  for (const auto& what : follower.told) {
    if (what.ends_with(" " + after.name) || what.ends_with(" " + before.name)) ours.push_back(what);
  }
  CHECK(ours == std::vector<std::string>{"listed " + before.name, "added " + after.name,
                                         "modified " + after.name, "deleted " + after.name,
                                         "deleted " + before.name});
}

}  // namespace
}  // namespace sparkfit::kube
