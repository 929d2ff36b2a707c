// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/kube/lease.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "fake_transport.h"

namespace sparkfit::kube {
namespace {

using nlohmann::json;
using test::Answer;
using test::FakeApi;

// One Lease, with the server's rules for versions.
class LeaseServer {
 public:
  Answer operator()(const Request& request) {
    if (down) return {.status = 503};
    if (request.method == "GET") {
      return lease.is_null() ? Answer{.status = 404} : Answer{.body = lease.dump()};
    }
    const auto given = json::parse(request.body);
    if (request.method == "POST" && !lease.is_null()) return {.status = 409};
    if (request.method == "PUT" && given["metadata"].value("resourceVersion", "") != Version()) {
      return {.status = 409};
    }
    lease = given;
    lease["metadata"]["resourceVersion"] = std::to_string(++version);
    return {.status = request.method == "POST" ? 201 : 200, .body = lease.dump()};
  }
  [[nodiscard]] std::string Version() const { return std::to_string(version); }
  [[nodiscard]] std::string Holder() const { return lease["spec"]["holderIdentity"]; }
  [[nodiscard]] std::string Note() const {
    const auto& metadata = lease["metadata"];
    return metadata.contains("annotations") ? metadata["annotations"]["a/note"] : json("");
  }

  json lease;
  int version = 0;
  bool down = false;
};

struct Election {
  explicit Election(std::function<void(Election&, int round)> on_round) {
    api.time.on_wait = [this, on_round] {
      if (++rounds == 20) stop.request_stop();
      on_round(*this, rounds);
    };
    LeaseElector elector(api.client, api.time, api.time,
                         {.name_space = "ns", .name = "l", .identity = "me", .note = "a/note"});
    holds = [&] { return elector.Holds(); };
    leave = [&](const std::string& note) { elector.SetNote(note); };
    elector.Run(
        stop.get_token(), [this](bool leads) { events += leads ? "+" : "-"; },
        [this](const std::string&) { ++troubles; },
        [this](const std::string& note) { events += "(" + note + ")"; });
  }

  LeaseServer server;
  FakeApi api{[this](const Request& request) { return server(request); }, {.attempts = 1}};
  std::stop_source stop;
  std::function<bool()> holds;
  std::function<void(const std::string&)> leave;
  std::string events;
  int rounds = 0;
  int troubles = 0;
};

TEST_CASE("a free lease is taken, renewed, and given back at the end", "[kube]") {
  Election election([](Election& e, int round) {
    if (round < 20) CHECK(e.holds());
  });
  CHECK(election.events == "+-");
  CHECK(election.server.Holder().empty());
  CHECK(election.server.lease["spec"]["leaseDurationSeconds"] == 1);
}

TEST_CASE("another's lease is taken only when it was not renewed for its duration", "[kube]") {
  // The other holds it from the start and never renews: 12 s, in rounds of 2 to 2.5 s.
  int taken = 0;
  Election election([&](Election& e, int round) {
    if (round == 1) {
      e.server.lease = json{{"metadata", {{"resourceVersion", "9"}}},
                            {"spec", {{"holderIdentity", "other"}, {"renewTime", "x"}}}};
      e.server.version = 9;
    }
    if (taken == 0 && round > 1 && e.server.Holder() == "me") taken = round;
  });
  // Seen first in round 2 (0 s); 12 s later at the earliest in round 7, at the latest in round 8.
  CHECK(taken >= 6);
  CHECK(taken <= 9);
  CHECK(election.events == "+-+-");  // it led in round 1, lost, took over, ended
}

TEST_CASE("who cannot renew stops leading before another may begin", "[kube]") {
  base::Duration lost{};
  Election election([&](Election& e, int round) {
    if (round == 3) e.server.down = true;
    if (round >= 3 && !e.holds() && lost == base::Duration{}) {
      for (std::size_t i = 2; i < e.api.time.waited.size(); ++i) lost += e.api.time.waited[i];
    }
  });
  CHECK(election.events == "+-");
  CHECK(election.troubles > 0);
  // The renew deadline of 8 s, and at most one round; another may begin after 12 s.
  CHECK(lost <= std::chrono::milliseconds(10500));
}

TEST_CASE("a note stays with the lease from holder to holder", "[kube]") {
  Election election([](Election& e, int round) {
    if (round == 1) {
      CHECK(e.server.Note().empty());
      e.server.lease = json::parse(R"({"metadata": {"resourceVersion": "9", "annotations":
          {"a/note": "theirs"}}, "spec": {"holderIdentity": "other", "renewTime": "x"}})");
      e.server.version = 9;
    }
    if (round == 3) e.server.lease["metadata"]["annotations"]["a/note"] = "newer";
    if (e.events.ends_with('+') && round > 2) {
      const bool ours = e.server.Note() == "ours";
      CHECK((ours || e.server.Note() == "newer"));  // until the next renewal
      e.leave("ours");
    }
    // Somebody touched the lease: our note is not the one that is there.
    if (round == 15) {
      ++e.server.version;
      e.server.lease["metadata"]["resourceVersion"] = e.server.Version();
      e.server.lease["metadata"]["annotations"]["a/note"] = "touched";
    }
  });
  // Each note of another holder is told of once, before we lead.
  CHECK(election.events == "+(theirs)-(newer)+-");
  CHECK(election.server.Holder().empty());
  CHECK(election.server.Note() == "ours");
}

}  // namespace
}  // namespace sparkfit::kube
