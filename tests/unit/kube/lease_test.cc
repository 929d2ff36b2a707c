// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/kube/lease.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <random>

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

  // Somebody else writes these, as anybody may.
  void Write(const json& spec) {
    lease = json{{"metadata", {{"resourceVersion", std::to_string(++version)}}}, {"spec", spec}};
  }

  json lease;
  int version = 0;
  bool down = false;
};

struct Election {
  using Answering = std::function<Answer(Election&, const Request&)>;
  explicit Election(
      std::function<void(Election&, int round)> on_round,
      Answering answering_ = [](Election& e, const Request& r) { return e.server(r); })
      : answering(std::move(answering_)) {
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
  Answering answering;
  FakeApi api{[this](const Request& request) { return answering(*this, request); },
              {.attempts = 1}};
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

TEST_CASE(
    "a lease that is stolen is let go at the next renewal, and taken back when its time is over",
    "[kube]") {
  bool stolen = false;
  Election election([&](Election& e, int round) {
    // A round is 2 to 2.5 s.
    if (round == 3) e.server.Write({{"holderIdentity", "thief"}, {"renewTime", "x"}});
    if (round == 4) stolen = !e.holds();
    if (round >= 4 && round < 8) CHECK(e.server.Holder() == "thief");
  });
  CHECK(stolen);
  CHECK(election.events == "+-+-");
}

TEST_CASE("whatever a lease says of its times, our own clock decides", "[kube]") {
  const json spec = GENERATE(
      json{{"leaseDurationSeconds", 0}, {"renewTime", "1970-01-01T00:00:00.000000Z"}},
      json{{"leaseDurationSeconds", 2147483647}, {"renewTime", "9999-12-31T23:59:59.000000Z"}},
      json{{"leaseDurationSeconds", -1}, {"renewTime", nullptr}, {"leaseTransitions", -1}},
      json{{"leaseDurationSeconds", "many"}, {"renewTime", 7}, {"leaseTransitions", 1e300}},
      json{{"acquireTime", json::array()}, {"strategy", "OldestEmulationVersion"}},
      json{{"renewTime", std::string(100'000, 'x')}, {"preferredHolder", "other"}});
  INFO(spec.dump().substr(0, 200));
  int taken = 0;
  Election election([&](Election& e, int round) {
    if (round == 1) {
      auto theirs = spec;
      theirs["holderIdentity"] = "other";
      e.server.Write(theirs);
    }
    // The wall clock says nothing either.
    e.api.time.set_by = std::chrono::hours(24 * 365 * (round % 3 - 1));
    if (taken == 0 && round > 1 && e.server.Holder() == "me") taken = round;
  });
  CHECK(taken >= 6);
  CHECK(taken <= 9);
}

TEST_CASE("a lease without a holder, whatever else it is, is free", "[kube]") {
  const json spec = GENERATE(json(nullptr), json(7), json::array(), json::object(),
                             json{{"holderIdentity", ""}}, json{{"holderIdentity", 7}});
  INFO(spec);
  Election election([&](Election& e, int round) {
    if (round == 1) e.server.Write(spec);
    if (round == 3) CHECK(e.holds());
  });
}

// Follows the same rules on the same lease; its requests are always answered.
struct Rival {
  void Look(Election& e) {
    if (e.server.lease.is_null()) return;
    const auto& spec = e.server.lease["spec"];
    const auto now = e.api.time.SteadyNow();
    const std::string shown =
        spec["holderIdentity"].get<std::string>() + spec.value("renewTime", "");
    if (shown != seen) {
      seen = shown;
      since = now;
    }
    const bool free = e.server.Holder().empty() || now - since >= std::chrono::seconds(12);
    if (e.server.Holder() != "rival" && !free) return;
    if (e.server.Holder() != "rival") {
      ++takeovers;
      if (e.holds()) ++both;
    } else if (random() % 8 != 0) {
      return;  // it is silent for long, too
    }
    e.server.Write({{"holderIdentity", "rival"}, {"renewTime", std::to_string(++renewals)}});
  }

  std::mt19937 random;
  std::string seen;
  base::Clock::Steady since{};
  int renewals = 0;
  int takeovers = 0;
  int both = 0;
};

TEST_CASE("however slow or deaf the API server is to one of two, they never both hold the lease",
          "[kube]") {
  int takeovers = 0;
  for (unsigned seed = 1; seed <= 300; ++seed) {
    Rival rival;
    rival.random.seed(seed);
    auto& random = rival.random;
    Election election(
        [&](Election& e, int) {
          if (random() % 4 == 0) e.server.down = random() % 2 == 0;
          if (random() % 4 == 0) e.api.time.Pass(std::chrono::milliseconds(random() % 20'000));
          rival.Look(e);
        },
        [&](Election& e, const Request& request) -> Answer {
          // Up to the request's deadline of 4 s; what comes later may have been carried out.
          const auto slow = [&] {
            e.api.time.Pass(std::chrono::milliseconds(random() % 3 == 0 ? random() % 2'000 : 1));
            rival.Look(e);
          };
          slow();
          auto answer = e.server(request);
          slow();
          if (random() % 6 == 0) answer = {.cut = true};
          return answer;
        });
    INFO("seed " << seed);
    CHECK(rival.both == 0);
    takeovers += rival.takeovers;
  }
  CHECK(takeovers > 300);
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
