// SPDX-License-Identifier: Apache-2.0
#include "cluster/session.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <deque>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cluster/checkpoint_reader.h"
#include "cluster_story.h"
#include "fake_transport.h"

namespace sparkfit::cluster {
namespace {

using model::EventType;
using model::Observation;
using nlohmann::json;
using test::ClusterStory;

constexpr const char* kSignature = "nightly";

// A session in a cluster that answers writes.
class Term {
 public:
  Term() { Begin(); }

  void Begin(const Checkpoints& checkpoints = {}, const std::vector<Observation>& recent = {}) {
    writes.clear();
    session.emplace(
        SessionOptions{.pipeline = pipeline,
                       .record = {},
                       .submit = [this](Write write) { writes.push_back(write); },
                       .has_room = [this](const std::string&) { return writes.size() < room; },
                       .most_bytes_under_way = most_bytes_under_way},
        world, checkpoints, recent, now);
  }

  template <typename What>
  void Observe(What what) {
    const Observation observation{now, std::move(what)};
    world.Take(observation);
    if (session) session->Observe(observation);
  }

  void Pod(EventType event, const model::PodFacts& pod) { Observe(model::PodEvent{event, pod}); }

  // A running executor, created now.
  model::PodFacts Run(const std::string& uid, const std::string& application = "a") {
    auto pod = ClusterStory::Executor(uid, application, kSignature);
    pod.created = now;
    pod.phase = model::PodPhase::kRunning;
    Pod(EventType::kAdded, pod);
    return pod;
  }

  void Use(const model::PodFacts& pod, base::Bytes used) {
    Observe(model::UsageSample{pod.name_space, pod.name, now, {{*pod.container, used}}});
  }

  void Oom(model::PodFacts pod) {
    pod.ended = model::Termination{"c-" + pod.uid, "OOMKilled", 137, now};
    Pod(EventType::kModified, pod);
  }

  void Tick(base::Duration passed = std::chrono::milliseconds(500)) {
    now += passed;
    session->Tick(now);
  }

  // Carries out what was asked for, as the cluster would; the number of writes.
  std::size_t CarryOut(Written::Outcome outcome = Written::Outcome::kDone) {
    const auto asked = std::exchange(writes, {});
    for (const auto& write : asked) {
      if (outcome == Written::Outcome::kDone && write.what == Written::What::kCreate) {
        Create(json::parse(write.body));
      }
      if (!write.checkpoint.empty()) {
        checkpoint = json::parse(write.checkpoint);
        checkpoint["metadata"]["resourceVersion"] = std::to_string(++version);
      }
      if (!write.status.empty()) Show(json::parse(write.status));
      session->OnWritten(
          {write.key, write.what, outcome, write.checkpoint.empty() ? "" : std::to_string(version),
           "", write.status.empty() ? "" : std::to_string(object_version)},
          now);
    }
    return asked.size();
  }

  // The watch shows the status that was written.
  void Show(const json& patch) {
    if (status != patch[1]["value"]) ++object_version;
    status = patch[1]["value"];
    Modify([](model::RecommendationObject&) {});
  }

  // Somebody changes the object, or its status.
  void Modify(const std::function<void(model::RecommendationObject&)>& change) {
    auto known = world.Recommendations().begin()->second;
    known.version = std::to_string(object_version);
    change(known);
    Observe(model::RecommendationEvent{EventType::kModified, known});
  }

  void Create(const json& object, const std::string& uid = "object-1") {
    model::RecommendationObject known;
    known.name_space = object["metadata"]["namespace"];
    known.name = object["metadata"]["name"];
    known.signature = object["spec"]["signature"];
    known.uid = uid;
    known.generation = 1;
    known.created = now;
    Observe(model::RecommendationEvent{EventType::kAdded, known});
  }

  // The checkpoint as it is now, as a new leader reads it.
  [[nodiscard]] Checkpoints Stored() const {
    return [this, list = R"({"metadata":{},"items":[)" + checkpoint.dump() +
                         "]}"](const Restore& restore) {
      test::FakeApi api([&](const kube::Request&) { return test::Answer{200, list}; });
      std::ostringstream out;
      const base::Logger log(out, base::LogLevel::kError, base::LogFormat::kText);
      exposition::OwnMetrics metrics;
      CheckpointReader reader(api.client, world, log, metrics, [] {});
      if (!reader.Read("", restore, {})) throw std::logic_error("not read");
    };
  }

  // Published, with nothing left to do.
  void Settle() {
    Tick();
    CarryOut();
    Tick(std::chrono::seconds(1));
    CarryOut();
  }

  controller::PipelineOptions pipeline{.policy = recommend::Policy{}, .safety = {}};
  World world;
  base::Time now{std::chrono::hours(24 * 20000)};
  std::optional<Session> session;
  std::vector<Write> writes;
  std::size_t room = SIZE_MAX;  // for what can wait
  std::size_t most_bytes_under_way = SIZE_MAX;
  json status;
  json checkpoint;
  int version = 0;
  int object_version = 0;
};

TEST_CASE("a key's object is created, then its checkpoint and status are written together",
          "[cluster]") {
  Term term;
  const auto pod = term.Run("u1");
  term.Use(pod, base::MiB(2000));
  term.Tick();
  REQUIRE(term.writes.size() == 1);
  CHECK(term.writes[0].what == Written::What::kCreate);
  term.CarryOut();
  term.Tick(std::chrono::seconds(1));
  REQUIRE(term.writes.size() == 1);
  CHECK(!term.writes[0].checkpoint.empty());
  term.CarryOut();
  // Guarded at the only limit that ran: 4096 + 409 MiB; p90 × 1.4 of 2000 MiB is below it.
  CHECK(term.status["recommendation"]["memory"]["target"].get<std::string>().ends_with("i"));
  CHECK(term.status["observed"]["executors"] == 1);
  CHECK(term.checkpoint["metadata"]["ownerReferences"][0]["uid"] == "object-1");
}

TEST_CASE("one write of a key is under way at a time", "[cluster]") {
  Term term;
  term.Use(term.Run("u1"), base::MiB(2000));
  term.Tick();
  term.Run("u2");
  term.Tick(std::chrono::seconds(5));
  CHECK(term.writes.size() == 1);
}

TEST_CASE("an unchanged key is not written, a small change at most every five minutes",
          "[cluster]") {
  Term term;
  const auto pod = term.Run("u1");
  for (int i = 0; i < 3; ++i) {
    term.Use(pod, base::MiB(2000));
    term.Tick(std::chrono::seconds(1));
  }
  term.Settle();
  term.Tick(std::chrono::minutes(10));
  CHECK(term.writes.empty());
  term.Use(pod, base::MiB(1900));  // below the peak: only the time of the last sample changes
  term.Tick();
  CHECK(term.CarryOut() == 1);  // ten minutes have passed: the first one goes out
  term.Use(pod, base::MiB(1901));
  term.Tick(std::chrono::seconds(30));
  CHECK(term.writes.empty());
  term.Tick(std::chrono::seconds(31));
  REQUIRE(term.writes.size() == 1);  // the checkpoint, after a minute
  CHECK(term.writes[0].status.empty());
}

// The Events of that reason among what is to be written.
std::vector<std::string> EventsOf(const Term& term, const std::string& reason) {
  std::vector<std::string> messages;
  for (const auto& write : term.writes) {
    if (write.what != Written::What::kEvent) continue;
    const auto event = json::parse(write.body);
    if (event["reason"] == reason) messages.push_back(event["message"]);
  }
  return messages;
}

TEST_CASE("sized executors are told of, once for each run and size", "[cluster]") {
  Term term;
  term.Use(term.Run("u0", "a"), base::MiB(2000));
  term.Settle();
  // 4505Mi as submitted.
  const auto sized = [&](const std::string& uid, const std::string& application, std::int64_t mib) {
    auto pod = ClusterStory::Executor(uid, application, kSignature);
    pod.created = term.now;
    pod.phase = model::PodPhase::kRunning;
    pod.size = {base::MiB(mib), base::MiB(mib - 409)};
    term.Pod(EventType::kAdded, pod);
    term.Tick(std::chrono::seconds(1));
    const auto told = EventsOf(term, "Sized");
    term.CarryOut();
    return told;
  };
  CHECK(sized("u1", "b", 3000) ==
        std::vector<std::string>{"Executors of b are created with 3000Mi instead of 4505Mi."});
  CHECK(sized("u2", "b", 3000).empty());
  CHECK(sized("u3", "b", 6000).size() == 1);
  CHECK(sized("u4", "c", 6000).size() == 1);
}

TEST_CASE("an executor that was raised and finds no node is told of after a minute", "[cluster]") {
  Term term;
  term.Use(term.Run("u0", "a"), base::MiB(2000));
  term.Settle();
  auto pod = ClusterStory::Executor("u1", "b", kSignature);  // 4505Mi as submitted, pending
  pod.created = term.now;
  pod.size = {base::MiB(9000), base::MiB(8000)};
  auto smaller = ClusterStory::Executor("u2", "b", kSignature);
  smaller.created = term.now;
  smaller.size = {base::MiB(2000), base::MiB(1600)};
  term.Pod(EventType::kAdded, pod);
  term.Pod(EventType::kAdded, smaller);
  term.Tick(std::chrono::seconds(59));
  CHECK(term.session->Unschedulable() == 0);
  term.Tick(std::chrono::seconds(2));
  CHECK(term.session->Unschedulable() == 1);  // who was made smaller waits for something else
  REQUIRE(EventsOf(term, "PendingAfterSizing").size() == 1);
  CHECK_THAT(EventsOf(term, "PendingAfterSizing")[0],
             Catch::StartsWith("1 executor is larger than submitted and no node was found"));
  term.CarryOut();
  term.Tick(std::chrono::seconds(1));
  CHECK(EventsOf(term, "PendingAfterSizing").empty());
  pod.node = "n1";
  term.Pod(EventType::kModified, pod);
  term.Tick(std::chrono::seconds(1));
  CHECK(term.session->Unschedulable() == 0);
}

TEST_CASE("an OOM is written through at once, with its checkpoint", "[cluster]") {
  Term term;
  const auto pod = term.Run("u1");
  term.Use(pod, base::MiB(2000));
  term.Settle();
  term.Oom(pod);
  term.Tick();
  REQUIRE(term.writes.size() == 2);
  CHECK(!term.writes[0].checkpoint.empty());
  CHECK(term.writes[1].what == Written::What::kEvent);  // after what matters
  const auto event = json::parse(term.writes[1].body);
  CHECK(event["reason"] == "OutOfMemory");
  CHECK(event["involvedObject"]["uid"] == "object-1");
  CHECK_THAT(event["message"].get<std::string>(), Catch::StartsWith("1 more executor ran out of"));
  term.CarryOut();
  CHECK(term.status["observed"]["containerOOMs"] == 1);
  // The next leader has nothing new to tell.
  term.Begin(term.Stored());
  term.Settle();
  CHECK(term.status["observed"]["containerOOMs"] == 1);
  CHECK(term.writes.empty());
}

TEST_CASE("a status that somebody overwrote is put right", "[cluster]") {
  Term term;
  term.Use(term.Run("u1"), base::MiB(2000));
  term.Settle();
  const auto ours = term.status;
  // Whatever part of it: what is seen is a version that we did not write.
  ++term.object_version;
  term.status = {{"explanation", "mine"}};
  term.Modify([](auto&) {});
  term.Tick(std::chrono::seconds(9));
  CHECK(term.writes.empty());
  term.Tick(std::chrono::seconds(2));
  REQUIRE(term.writes.size() == 1);
  CHECK(term.writes[0].checkpoint.empty());
  term.CarryOut();
  CHECK(term.status == ours);
  // Where only a label was changed, writing it again changes nothing, and that was all.
  ++term.object_version;
  term.Modify([](auto&) {});
  term.Tick(std::chrono::seconds(11));
  CHECK(term.CarryOut() == 1);
  term.Tick(std::chrono::seconds(11));
  CHECK(term.writes.empty());
}

TEST_CASE("a target that somebody invented where there is none is taken away", "[cluster]") {
  Term term;
  term.Run("u1");
  term.Settle();
  REQUIRE_FALSE(term.status["recommendation"]["memory"].contains("target"));
  ++term.object_version;
  term.status["recommendation"]["memory"]["target"] = "1Mi";
  term.Modify([](auto&) {});
  term.Tick(std::chrono::seconds(11));
  CHECK(term.CarryOut() == 1);
  CHECK_FALSE(term.status["recommendation"]["memory"].contains("target"));
}

TEST_CASE("a failed write is tried again, later and later", "[cluster]") {
  Term term;
  term.Run("u1");
  term.Tick();
  term.CarryOut(Written::Outcome::kFailed);
  term.Tick();
  CHECK(term.writes.empty());
  term.Tick(std::chrono::seconds(1));
  CHECK(term.CarryOut(Written::Outcome::kFailed) == 1);
  term.Tick(std::chrono::seconds(1));
  CHECK(term.writes.empty());
  term.Tick(std::chrono::seconds(1));
  CHECK(term.writes.size() == 1);
}

TEST_CASE("an hour without a write loses nothing that is still to be learnt", "[cluster]") {
  Term term;
  auto pod = term.Run("u1");
  term.Use(pod, base::MiB(2000));
  term.Settle();
  std::size_t asked = 0;
  for (int second = 0; second < 3600; ++second) {
    if (second % 600 == 0) {
      auto short_lived = term.Run("e" + std::to_string(second), "b");
      term.Use(short_lived, base::MiB(3000));
      term.Oom(short_lived);
      short_lived.deleted = true;
      term.Pod(EventType::kDeleted, short_lived);
    }
    term.Tick(std::chrono::seconds(1));
    asked += term.CarryOut(Written::Outcome::kFailed);
  }
  CHECK(asked <= 80);  // more and more rarely, up to a minute, and an Event for each OOM
  term.Tick(std::chrono::minutes(1));
  CHECK(term.CarryOut() > 0);
  CHECK(term.status["observed"]["containerOOMs"] == 6);
  term.Begin(term.Stored());
  term.Tick();
  const auto& totals = term.session->Rows().begin()->second.history->Totals();
  CHECK(totals.container_ooms == 6);
  CHECK(totals.peak == base::MiB(4505));  // who runs out of memory used its limit
}

TEST_CASE("a checkpoint that was deleted while it was written is written anew", "[cluster]") {
  Term term;
  auto pod = term.Run("u1");
  term.Use(pod, base::MiB(2000));
  term.Settle();
  REQUIRE(term.checkpoint["metadata"].contains("resourceVersion"));
  term.Oom(pod);
  term.Tick();
  for (const auto& write : std::exchange(term.writes, {})) {
    term.session->OnWritten({.key = write.key,
                             .what = write.what,
                             .outcome = Written::Outcome::kGone,
                             .version = "",
                             .why = "",
                             .checkpoint_gone = true},
                            term.now);
  }
  term.Tick(std::chrono::seconds(2));
  REQUIRE_FALSE(term.writes.empty());
  CHECK_FALSE(json::parse(term.writes[0].checkpoint)["metadata"].contains("resourceVersion"));
  term.CarryOut();
  CHECK(term.status["observed"]["containerOOMs"] == 1);
}

TEST_CASE("a name that is taken by another job's object is avoided", "[cluster]") {
  Term term;
  const model::Key key{"jobs", kSignature, 0};
  auto taken = json::parse(wire::NewRecommendation(key));
  taken["spec"]["signature"] = "another";
  term.Create(taken, "other-object");
  term.Run("u1");
  term.Tick();
  term.CarryOut(Written::Outcome::kGone);
  term.Tick(std::chrono::seconds(2));
  REQUIRE(term.writes.size() == 1);
  CHECK(json::parse(term.writes[0].body)["metadata"]["name"] != wire::ObjectName(key));
}

TEST_CASE("deleting the object forgets the key", "[cluster]") {
  Term term;
  term.Use(term.Run("u1"), base::MiB(2000));
  term.Settle();
  const auto object = term.world.Recommendations().begin()->second;
  term.Observe(model::RecommendationEvent{EventType::kDeleted, object});
  term.Tick();
  CHECK(term.session->Rows().empty());
  CHECK(term.writes.empty());
}

TEST_CASE("a namespace that is being deleted is asked ever more rarely and holds up no other",
          "[cluster]") {
  Term term;
  auto doomed = ClusterStory::Executor("d1", "a", "doomed");
  doomed.name_space = "doomed";
  doomed.created = term.now;
  term.Pod(EventType::kAdded, doomed);
  term.Tick();
  std::size_t asked = 0;
  for (int second = 0; second < 60 * 60; ++second) {
    asked += term.CarryOut(Written::Outcome::kFailed);
    term.Tick(std::chrono::seconds(1));
  }
  // 1 + 2 + 4 + … + 32 s, then every minute of an hour.
  CHECK(asked <= 66);
  term.Use(term.Run("u1"), base::MiB(2000));
  term.Tick();
  REQUIRE(term.writes.size() == 1);
  CHECK(term.writes[0].key.name_space == "jobs");
}

TEST_CASE("a purge is not undone by a restart, though the old checkpoint is still there",
          "[cluster]") {
  Term term;
  auto pod = term.Run("u1");
  term.Use(pod, base::MiB(3000));
  term.Oom(pod);
  term.Settle();
  const auto object = term.world.Recommendations().begin()->second;
  term.Observe(model::RecommendationEvent{EventType::kDeleted, object});
  term.Tick();
  REQUIRE(term.session->Rows().empty());
  SECTION("its pods are gone") {
    pod.deleted = true;
    term.Pod(EventType::kDeleted, pod);
  }
  SECTION("the pod that ended is still shown") {
    pod.ended = model::Termination{"c-u1", "OOMKilled", 137, term.now};
    term.world.Take({term.now, model::PodEvent{EventType::kModified, pod}});
  }
  // The garbage collector is late: the next leader reads the checkpoint.
  term.Begin(term.Stored());
  term.Settle();
  CHECK(term.session->RestoredKeys() == 0);
  CHECK(term.session->Rows().empty());
  CHECK(term.writes.empty());
  // The next run starts anew.
  term.checkpoint = {};
  term.Use(term.Run("u2", "b"), base::MiB(500));
  term.Settle();
  CHECK(term.status["observed"]["executors"] == 1);
  CHECK(term.status["observed"]["containerOOMs"] == 0);
  CHECK(term.status["observed"]["peak"] == "500Mi");
}

TEST_CASE("an end of unknown cause is in the status, and no event tells of it", "[cluster]") {
  Term term;
  auto pod = term.Run("u1");
  term.Use(pod, base::MiB(500));
  term.Settle();
  const auto before = term.status["recommendation"];
  pod.ended = model::Termination{"c-u1", "ContainerStatusUnknown", 137, std::nullopt};
  term.Pod(EventType::kModified, pod);
  term.Tick(std::chrono::minutes(6));  // such a count rides along at least every 5 minutes
  for (const auto& write : term.writes) CHECK(write.what != Written::What::kEvent);
  term.CarryOut();
  CHECK(term.status["observed"]["unknownEnds"] == 1);
  CHECK(term.status["observed"]["containerOOMs"] == 0);
  CHECK(term.status["recommendation"] == before);
}

TEST_CASE("the first write of a session goes by the version of the checkpoint it began with",
          "[cluster]") {
  Term term;
  term.Oom(term.Run("u1"));
  term.Settle();
  term.Begin(term.Stored());
  CHECK(term.session->RestoredKeys() == 1);
  term.Oom(term.Run("u2"));
  term.Tick();
  REQUIRE(!term.writes.empty());
  const auto next = json::parse(term.writes.front().checkpoint);
  CHECK(next["metadata"]["resourceVersion"] == std::to_string(term.version));
}

TEST_CASE("an OOM that the last leader counted is not counted again, one that it missed is",
          "[cluster]") {
  Term term;
  const auto counted = term.Run("u1");
  const auto missed = term.Run("u2");
  term.Oom(counted);
  term.Settle();
  REQUIRE(term.status["observed"]["containerOOMs"] == 1);
  const auto stored = term.checkpoint;
  // The leader is gone; a standby sees both die and both deleted.
  term.session.reset();
  std::vector<Observation> recent;
  for (auto pod : {counted, missed}) {
    pod.ended = model::Termination{"c-" + pod.uid, "OOMKilled", 137, term.now};
    recent.push_back({term.now, model::PodEvent{EventType::kModified, pod}});
    pod.deleted = true;
    recent.push_back({term.now, model::PodEvent{EventType::kDeleted, pod}});
    term.world.Take(recent.back());
  }
  term.checkpoint = stored;
  term.now += std::chrono::seconds(15);
  term.Begin(term.Stored(), recent);
  term.Settle();
  CHECK(term.status["observed"]["containerOOMs"] == 2);
  CHECK(term.status["observed"]["executors"] == 2);
}

TEST_CASE("an executor that a checkpoint knows and that is gone has ended", "[cluster]") {
  Term term;
  const auto pod = term.Run("u1");
  term.Use(pod, base::MiB(2000));
  term.Settle();
  term.session.reset();
  term.Pod(EventType::kDeleted, pod);  // nobody leads
  term.Begin(term.Stored());
  term.Tick();
  const auto& row = term.session->Rows().begin()->second;
  CHECK(row.history->Executors().at("u1").ended);
}

// A forged one may name very many.
TEST_CASE("of pods that a checkpoint names and nobody shows little is kept, and none counts again",
          "[cluster]") {
  Term term;
  const auto pod = term.Run("u1");
  term.Use(pod, base::MiB(2000));
  term.Settle();
  auto stored = term.Stored();
  const auto begin = [&](std::size_t forged) {
    term.Begin([&](const Restore& restore) {
      stored([&](StoredCheckpoint checkpoint) {
        for (std::size_t i = 0; i < forged; ++i) {
          model::PodRecord record;
          record.uid = "forged-" + std::to_string(i);
          checkpoint.checkpoint.pods.push_back(record);
        }
        restore(std::move(checkpoint));
      });
    });
    return term.session->GetPipeline().Kept();
  };
  const auto kept = begin(0);
  // Each is known to be gone: its UID twice, and when to forget it.
  CHECK(begin(1000) <= kept + 3000);
  auto again = ClusterStory::Executor("forged-7", "a", kSignature);
  term.Oom(again);
  term.Tick();
  CHECK(term.session->Rows().begin()->second.history->Totals().container_ooms == 0);
}

TEST_CASE("an executor that had ended before anybody watched is no news", "[cluster]") {
  Term term;
  term.session.reset();
  auto pod = ClusterStory::Executor("u1", "a", kSignature);
  pod.ended = model::Termination{"c", "OOMKilled", 137, term.now};
  term.Pod(EventType::kAdded, pod);
  term.Begin();
  term.Tick();
  CHECK(term.session->Rows().empty());
}

TEST_CASE("an object that is not the oldest of its key is told so, once", "[cluster]") {
  Term term;
  term.Use(term.Run("u1"), base::MiB(2000));
  term.Settle();
  auto other = json::parse(wire::NewRecommendation({"jobs", kSignature, 0}));
  other["metadata"]["name"] = "made-by-hand";
  term.Create(other, "object-2");
  term.Tick();
  REQUIRE(term.writes.size() == 1);
  CHECK(term.writes[0].what == Written::What::kMarkDuplicate);
  CHECK(term.writes[0].object.uid == "object-2");
  const auto conditions = json::parse(term.writes[0].status)[1]["value"]["conditions"];
  CHECK(conditions[0]["type"] == "Ready");
  CHECK(conditions[0]["status"] == "False");
  CHECK(conditions[0]["reason"] == "OlderObject");
  CHECK(conditions[1]["type"] == "Duplicate");
  CHECK(conditions[1]["status"] == "True");
  term.writes.clear();
  term.Tick();
  CHECK(term.writes.empty());
  // The watch shows it.
  auto marked = term.world.Recommendations().at({"jobs", "made-by-hand"});
  marked.conditions["Duplicate"] = {"True", term.now};
  term.Observe(model::RecommendationEvent{EventType::kModified, marked});
  term.Tick(std::chrono::minutes(2));
  CHECK(term.writes.empty());
}

TEST_CASE("of thousands of duplicates as many are marked as there is room for, again and again",
          "[cluster]") {
  Term term;
  term.room = 8;
  term.Begin();
  for (int i = 0; i < 4000; ++i) {
    model::RecommendationObject object;
    object.name_space = "tenant";
    object.name = "copy-" + std::to_string(i);
    object.signature = "x";
    object.uid = object.name;
    term.Observe(model::RecommendationEvent{EventType::kAdded, object});
  }
  std::size_t marked = 0;
  for (int ticks = 0; marked < 3999 && ticks < 1000; ++ticks) {
    term.Tick();
    REQUIRE(term.writes.size() <= 8);
    for (const auto& write : std::exchange(term.writes, {})) {
      REQUIRE(write.what == Written::What::kMarkDuplicate);
      auto object = term.world.Recommendations().at({"tenant", write.object.name});
      object.conditions["Duplicate"] = {"True", term.now};
      term.Observe(model::RecommendationEvent{EventType::kModified, object});
      ++marked;
    }
  }
  CHECK(marked == 3999);
}

TEST_CASE("an OOM is published next, however many keys of another namespace are due", "[cluster]") {
  Term term;
  for (int i = 0; i < 200; ++i) {
    auto pod = ClusterStory::Executor("t" + std::to_string(i), "a", "s" + std::to_string(i));
    pod.name_space = "a-tenant";
    pod.created = term.now;
    pod.phase = model::PodPhase::kRunning;
    // Each ran out of memory, too.
    pod.ended = model::Termination{"c", "OOMKilled", 137, term.now};
    term.Pod(EventType::kAdded, pod);
  }
  term.Tick();
  const auto first = term.writes;
  CHECK(first.size() == 32);
  term.Oom(term.Run("u1"));
  term.Tick();
  CHECK(term.writes.size() == 32);
  // One of them is done: the other namespace is next.
  term.session->OnWritten({first[0].key, first[0].what, Written::Outcome::kDone, "", ""}, term.now);
  term.Tick();
  REQUIRE(term.writes.size() == 33);
  CHECK(term.writes[32].key.name_space == "jobs");
  CHECK(term.writes[32].urgent);
}

TEST_CASE("of what is under way no more than a few large checkpoints are held", "[cluster]") {
  Term term;
  term.most_bytes_under_way = 64 << 10;
  term.Begin();
  for (int key = 0; key < 20; ++key) {
    const auto name = std::to_string(key);
    for (int i = 0; i < 100; ++i) {
      auto pod = ClusterStory::Executor(name + "-" + std::to_string(i), name, "job-" + name);
      pod.created = term.now;
      term.Pod(EventType::kAdded, pod);
    }
  }
  term.Tick();
  CHECK(term.CarryOut() == 20);  // small: their objects
  std::size_t rounds = 0;
  for (std::size_t published = 0; published < 20; ++rounds) {
    term.Tick(std::chrono::seconds(1));
    std::size_t bytes = 0;
    std::size_t largest = 0;
    for (const auto& write : term.writes) {
      bytes += write.Bytes();
      largest = std::max(largest, write.Bytes());
    }
    CHECK(bytes < term.most_bytes_under_way + largest);
    REQUIRE(!term.writes.empty());
    published += term.CarryOut();
  }
  CHECK(rounds > 1);
}

TEST_CASE("an OOM whose status could not be written is urgent again", "[cluster]") {
  Term term;
  const auto pod = term.Run("u1");
  term.Use(pod, base::MiB(2000));
  term.Settle();
  term.Oom(pod);
  term.Tick();
  REQUIRE(!term.writes.empty());
  CHECK(term.writes[0].urgent);
  term.CarryOut(Written::Outcome::kFailed);
  term.Tick(std::chrono::seconds(2));
  REQUIRE(!term.writes.empty());
  CHECK(term.writes[0].urgent);
  term.CarryOut();
  term.Use(term.Run("u2", "b"), base::MiB(2000));
  term.Tick(std::chrono::minutes(10));
  REQUIRE(!term.writes.empty());
  CHECK(!term.writes[0].urgent);
}

TEST_CASE("the object of a job that nobody runs any more is deleted", "[cluster]") {
  Term term;
  term.pipeline.retention = std::chrono::hours(1);
  term.Begin();
  const auto pod = term.Run("u1");
  term.Use(pod, base::MiB(2000));
  term.Settle();
  term.Pod(EventType::kDeleted, pod);
  term.Tick(std::chrono::minutes(2));
  term.CarryOut();
  term.Tick(std::chrono::minutes(57));
  term.CarryOut();
  CHECK(term.session->Rows().size() == 1);
  term.Tick(std::chrono::minutes(2));
  REQUIRE(term.writes.size() == 1);
  CHECK(term.writes[0].what == Written::What::kDelete);
  CHECK(json::parse(term.writes[0].body)["preconditions"]["uid"] == "object-1");
  term.writes.clear();
  term.Tick(std::chrono::minutes(1));
  CHECK(term.writes.size() == 1);  // it is still there
  term.writes.clear();
  const auto object = term.world.Recommendations().begin()->second;
  term.Observe(model::RecommendationEvent{EventType::kDeleted, object});
  term.Tick(std::chrono::minutes(2));
  CHECK(term.writes.empty());
}

TEST_CASE("a namespace with too many signatures is told once an hour", "[cluster]") {
  Term term;
  term.pipeline.max_keys_per_namespace = 1;
  term.Begin();
  term.Use(term.Run("u1"), base::MiB(2000));
  term.Settle();
  const auto refuse = [&](const std::string& uid) {
    auto pod = ClusterStory::Executor(uid, "b", "signature-" + uid);
    pod.created = term.now;
    term.Pod(EventType::kAdded, pod);
  };
  for (const auto* uid : {"a", "b", "c"}) refuse(uid);
  term.Tick();
  REQUIRE(term.writes.size() == 1);
  const auto event = json::parse(term.writes[0].body);
  CHECK(event["reason"] == "TooManySignatures");
  CHECK(event["involvedObject"]["kind"] == "Namespace");
  CHECK_THAT(event["message"].get<std::string>(), Catch::StartsWith("3 executors"));
  term.writes.clear();
  refuse("d");
  term.Tick();
  CHECK(term.writes.empty());
  term.Tick(std::chrono::hours(1));
  CHECK(term.writes.size() == 1);
}

TEST_CASE("executors that nobody could sample are called so", "[cluster]") {
  Term term;
  term.Run("u1");
  term.Settle();
  const auto& provided = term.status["conditions"][1];
  CHECK(provided["type"] == "RecommendationProvided");
  CHECK(provided["status"] == "False");
  CHECK(provided["reason"] == "NoUsage");
}

TEST_CASE("an object is ready while it has a target and all of its spec counts", "[cluster]") {
  Term term;
  const auto ready = [&] {
    const auto& condition = term.status["conditions"][0];
    REQUIRE(condition["type"] == "Ready");
    return condition;
  };
  const auto pod = term.Run("u1");
  term.Settle();
  CHECK(ready()["status"] == "False");
  CHECK(ready()["reason"] == "NoUsage");
  term.Use(pod, base::MiB(2000));
  term.Tick();
  term.CarryOut();
  CHECK(ready()["status"] == "True");
  term.Modify([](auto& object) {
    object.problems = {"memory.min: \"lots\" is no quantity"};
    ++object.generation;
  });
  term.Tick();
  term.CarryOut();
  CHECK(ready()["status"] == "False");
  CHECK(ready()["reason"] == "Ignored");
  CHECK_THAT(ready()["message"].get<std::string>(), Catch::Contains("lots"));
  term.Modify([](auto& object) {
    object.problems.clear();
    ++object.generation;
  });
  term.Tick();
  term.CarryOut();
  CHECK(ready()["status"] == "True");
}

TEST_CASE("what changed little reaches the status too, after five minutes at most", "[cluster]") {
  Term term;
  const auto pod = term.Run("u1");
  term.Use(pod, base::MiB(2000));
  term.Settle();
  term.Use(pod, base::MiB(1000));
  term.Tick(std::chrono::seconds(61));
  REQUIRE(term.writes.size() == 1);
  CHECK(term.writes[0].status.empty());  // only the checkpoint
  const auto sampled = term.now - std::chrono::seconds(61);
  term.CarryOut();
  term.Tick(std::chrono::minutes(5));
  REQUIRE(term.writes.size() == 1);
  CHECK(term.writes[0].checkpoint.empty());
  term.CarryOut();
  CHECK(term.status["observed"]["lastSample"] ==
        base::FormatTime(std::chrono::floor<std::chrono::seconds>(sampled)));
  term.Tick(std::chrono::hours(1));
  CHECK(term.writes.empty());
}

TEST_CASE("past advice is in the status, and makes no write of its own", "[cluster]") {
  Term term;
  for (const auto* run : {"a", "b"}) {
    auto pod = term.Run(run, run);
    term.Use(pod, base::MiB(1000));
    pod.ended = model::Termination{"", "Completed", 0, term.now};
    term.Pod(EventType::kDeleted, pod);
    term.Settle();
    CHECK_FALSE(term.status.contains("accuracy"));
    term.Tick(std::chrono::minutes(6));
    term.CarryOut();
    // The run ended by then: that is written, whatever became of the advice.
    term.Tick(std::chrono::minutes(6));
    term.CarryOut();
  }
  REQUIRE(term.status.contains("accuracy"));
  CHECK(term.status["accuracy"]["runs"] == 1);
  CHECK(term.status["accuracy"]["coveredRuns"] == 1);
  CHECK(term.status["accuracy"]["unadvisedRuns"] == 1);
  CHECK(term.status["accuracy"]["missingGiBHours"] == "0.000");
  term.Tick(std::chrono::hours(1));
  CHECK(term.writes.empty());
}

TEST_CASE("an object that a user made before the job ran is used as it is", "[cluster]") {
  Term term;
  auto object = json::parse(wire::NewRecommendation({"jobs", kSignature, 0}));
  object["metadata"]["name"] = "my-own-name";
  term.Create(object, "hand-made");
  term.Use(term.Run("u1"), base::MiB(2000));
  term.Tick();
  REQUIRE(term.writes.size() == 1);
  CHECK(term.writes[0].what == Written::What::kPublish);
  CHECK(term.writes[0].object.name == "my-own-name");
  CHECK(term.writes[0].object.uid == "hand-made");
}

TEST_CASE("a spec that cannot be understood is called so and does no harm", "[cluster]") {
  Term term;
  term.Use(term.Run("u1"), base::MiB(2000));
  term.Settle();
  const auto target = term.status["recommendation"]["memory"]["target"];
  auto object = term.world.Recommendations().begin()->second;
  object.problems = {"memory.min: \"lots\" is no quantity"};
  ++object.generation;
  term.Observe(model::RecommendationEvent{EventType::kModified, object});
  term.Tick();
  term.CarryOut();
  const auto invalid = term.status["conditions"].back();
  CHECK(invalid["type"] == "InvalidSpec");
  CHECK(invalid["status"] == "True");
  CHECK_THAT(invalid["message"].get<std::string>(), Catch::Contains("lots"));
  CHECK(term.status["recommendation"]["memory"]["target"] == target);
}

TEST_CASE("a pod's setting that nobody can mean is a condition until a run does without",
          "[cluster]") {
  Term term;
  const auto run = [&](const std::string& uid, const std::string& max_memory) {
    auto pod = ClusterStory::Executor(uid, "app-" + uid, kSignature);
    ClusterStory::Set(pod, "sparkfit.io/max-memory", max_memory);
    pod.created = term.now;
    pod.phase = model::PodPhase::kRunning;
    term.Pod(EventType::kAdded, pod);
    term.Use(pod, base::MiB(2000));
  };
  run("u1", "4096m");
  term.Settle();
  const auto invalid = term.status["conditions"].back();
  CHECK(invalid["type"] == "InvalidSpec");
  CHECK(invalid["message"] ==
        "Left out: sparkfit.io/max-memory: \"4096m\" is 4.096 bytes in Kubernetes; 4096Mi?");
  // Another mistake is told at once, though the condition stays.
  run("u2", "4g");
  term.Tick();
  term.CarryOut();
  CHECK_THAT(term.status["conditions"].back()["message"].get<std::string>(),
             Catch::Contains("\"4g\"") && Catch::Contains("4Gi?"));
  run("u3", "4Gi");
  term.Tick();
  term.CarryOut();
  CHECK(term.status["conditions"].back()["type"] != "InvalidSpec");
}

TEST_CASE("a status says where smaller sizes are not tried because nobody wants it", "[cluster]") {
  Term term;
  term.Use(term.Run("u1"), base::MiB(2000));
  term.Settle();
  CHECK_FALSE(term.status["effective"].contains("explore"));
  term.Modify([](auto& object) {
    object.explore = false;
    ++object.generation;
  });
  term.Tick();
  REQUIRE(term.CarryOut() == 1);
  CHECK(term.status["effective"]["explore"] == false);
}

TEST_CASE("a policy that does not exist is called so, however long", "[cluster]") {
  Term term;
  term.Use(term.Run("u1"), base::MiB(2000));
  term.Settle();
  const auto target = term.status["recommendation"]["memory"]["target"];
  term.Modify([](auto& object) {
    object.policy = "magic" + std::string(100'000, 'x');
    ++object.generation;
  });
  term.Tick();
  REQUIRE(term.CarryOut() == 1);
  const auto invalid = term.status["conditions"].back();
  CHECK(invalid["type"] == "InvalidSpec");
  const auto message = invalid["message"].get<std::string>();
  CHECK_THAT(message, Catch::Contains("spec.policy") && Catch::Contains("magic"));
  CHECK(message.size() < 1100);
  CHECK(term.status["recommendation"]["memory"]["target"] == target);
}

TEST_CASE("a live peak is in the checkpoint a minute later at the latest", "[cluster]") {
  Term term;
  const auto pod = term.Run("u1");
  term.Use(pod, base::MiB(1000));
  term.Settle();
  // What a process that is killed now leaves to the next one.
  const auto saved = [&] {
    Session next({.pipeline = term.pipeline, .record = {}, .submit = {}}, term.world, term.Stored(),
                 {}, term.now);
    next.Tick(term.now);
    return next.Rows().begin()->second.history->Executors().at("u1").peak;
  };
  // It grows a little all the time, told every second: no such step makes a write due.
  std::map<base::Time, base::Bytes> learnt;
  auto peak = base::MiB(1000);
  std::size_t writes = 0;
  for (int half_second = 0; half_second < 600; ++half_second) {
    if (half_second % 2 == 0) {
      peak.value += 1000;
      term.Use(pod, peak);
      learnt[term.now] = peak;
    }
    term.Tick();
    writes += term.CarryOut();
    const auto old = learnt.upper_bound(term.now - std::chrono::seconds(60));
    if (old != learnt.begin()) CHECK(saved() >= std::prev(old)->second);
  }
  // Five minutes: a checkpoint every 58 to 58.5 s, and one status.
  CHECK(writes <= 7);
}

// Two thousand keys whose usage changes all the time, and a writer that manages 25 requests each
// half second, as the client's rate limit has it.
class Crowd {
 public:
  static constexpr int kKeys = 2000;

  Crowd() {
    for (int i = 0; i < kKeys; ++i) {
      auto pod = ClusterStory::Executor("u" + std::to_string(i), "a", "s" + std::to_string(i));
      pod.created = now_;
      pod.phase = model::PodPhase::kRunning;
      model::RecommendationObject object;
      object.name_space = "jobs";
      object.name = object.uid = object.signature = "s" + std::to_string(i);
      pods.push_back(pod);
      world_.Take({now_, model::PodEvent{EventType::kAdded, pod}});
      world_.Take({now_, model::RecommendationEvent{EventType::kAdded, object}});
    }
    session_.emplace(SessionOptions{.pipeline = {},
                                    .record = {},
                                    .submit = [this](Write write) { Take(std::move(write)); }},
                     world_, Checkpoints(), std::vector<Observation>{}, now_);
  }

  void Observe(const Observation& observation) {
    world_.Take(observation);
    session_->Observe(observation);
  }

  void HalfASecond() {
    now_ += std::chrono::milliseconds(500);
    if (++ticks_ % 30 == 0) {  // usage, every 15 s
      for (const auto& pod : pods) {
        session_->Observe(
            {now_,
             model::UsageSample{
                 pod.name_space, pod.name, now_, {{*pod.container, base::Bytes{ticks_ * 1000}}}}});
      }
    }
    session_->Tick(now_);
    for (int requests = 25; requests > 0 && !queue_.empty();) {
      const auto [asked, write] = std::move(queue_.front());
      queue_.pop_front();
      requests -= 1 + static_cast<int>(!write.checkpoint.empty() && !write.status.empty());
      longest_wait = std::max(longest_wait, now_ - asked);
      if (!write.checkpoint.empty()) saved[write.key.signature] = asked;
      carried.push_back(write.key.signature);
      session_->OnWritten({write.key, write.what, Written::Outcome::kDone, "1", ""}, now_);
    }
  }

  // Of the key whose checkpoint is oldest.
  [[nodiscard]] base::Duration OldestCheckpoint() const {
    if (saved.size() < pods.size()) return base::Duration::max();
    base::Duration oldest{};
    for (const auto& [key, at] : saved) oldest = std::max(oldest, now_ - at);
    return oldest;
  }

  [[nodiscard]] base::Time Now() const { return now_; }

  std::vector<model::PodFacts> pods;
  std::map<std::string, base::Time> saved;  // when what is saved of a key was true
  std::vector<std::string> carried;
  base::Duration longest_wait{};

 private:
  void Take(Write write) {
    if (write.what != Written::What::kEvent) queue_.emplace_back(now_, std::move(write));
  }

  base::Time now_{std::chrono::hours(24 * 20000)};
  World world_;
  std::optional<Session> session_;
  std::deque<std::pair<base::Time, Write>> queue_;
  std::int64_t ticks_ = 0;
};

TEST_CASE("two thousand busy keys are all saved within a minute, and an OOM waits for none",
          "[cluster]") {
  Crowd crowd;
  // The first round writes a status with every checkpoint, 4,000 requests at 50 a second: 80 s,
  // and the first keys are due again meanwhile.
  for (int i = 0; i < 400; ++i) crowd.HalfASecond();
  base::Duration oldest{};
  for (int i = 0; i < 240; ++i) {
    crowd.HalfASecond();
    oldest = std::max(oldest, crowd.OldestCheckpoint());
  }
  // 58 s, half a second until the next sweep, and 32 writes at 25 requests each half second.
  CHECK(oldest <= std::chrono::milliseconds(60'500));
  CHECK(crowd.longest_wait <= std::chrono::seconds(2));
  auto pod = crowd.pods.back();
  pod.ended = model::Termination{"c", "OOMKilled", 137, crowd.Now()};
  crowd.Observe({crowd.Now(), model::PodEvent{EventType::kModified, pod}});
  crowd.carried.clear();
  for (int i = 0; i < 3; ++i) crowd.HalfASecond();
  const auto signature = "s" + std::to_string(Crowd::kKeys - 1);
  CHECK(std::count(crowd.carried.begin(), crowd.carried.end(), signature) >= 1);
}

TEST_CASE("a clock that is set by less than a day stops nothing", "[cluster]") {
  Term term;
  const auto pod = term.Run("u1");
  term.Use(pod, base::MiB(2000));
  term.Settle();
  term.now += std::chrono::hours(GENERATE(-23, -1, 1, 23));
  term.Oom(pod);
  term.Tick();
  term.Tick(std::chrono::seconds(1));
  REQUIRE_FALSE(term.writes.empty());
  term.CarryOut();
  CHECK(term.status["observed"]["containerOOMs"] == 1);
  term.Use(term.Run("u2"), base::MiB(2100));
  term.Tick(std::chrono::seconds(70));
  term.Tick(std::chrono::seconds(1));
  CHECK_FALSE(term.writes.empty());
}

TEST_CASE("a clock that leaps ends the session, and neither leap loses anything", "[cluster]") {
  using std::chrono::hours;
  const base::Duration leap = GENERATE(hours(-24 * 20'000), hours(-24 * 365), hours(25),
                                       hours(24 * 365), hours(24 * 36'500));
  INFO(leap.count());
  Term term;
  auto pod = term.Run("u1");
  term.Use(pod, base::MiB(3000));
  term.Oom(pod);
  pod.deleted = true;
  term.Pod(EventType::kDeleted, pod);
  term.Settle();
  term.Tick(std::chrono::minutes(20));  // it is sealed, its run is over
  term.CarryOut();
  const auto status = term.status;
  term.now += leap;
  term.Tick();
  CHECK(term.session->Leapt());
  CHECK(term.writes.empty());
  // As the controller does. People have some hours to put the clock right.
  term.Begin(term.Stored());
  CHECK(term.session->RestoredKeys() == 1);
  for (int i = 0; i < 50; ++i) {
    term.Tick(std::chrono::minutes(7));
    for (const auto& write : term.writes) CHECK(write.what == Written::What::kPublish);
    term.CarryOut();
  }
  CHECK_FALSE(term.session->Leapt());
  term.now -= leap;
  term.Tick();
  CHECK(term.session->Leapt());
  term.Begin(term.Stored());
  CHECK(term.session->RestoredKeys() == 1);
  term.Settle();
  CHECK(term.status["recommendation"] == status["recommendation"]);
  CHECK(term.status["observed"] == status["observed"]);
  // What ends now counts now.
  term.Oom(term.Run("u2"));
  term.Settle();
  CHECK(term.status["observed"]["containerOOMs"] == 2);
}

TEST_CASE("what waits for a clock that was wrong is learnt once it leaps back", "[cluster]") {
  Term term;
  term.now += std::chrono::hours(24 * 365);
  term.Begin();
  auto pod = term.Run("u1");
  term.Use(pod, base::MiB(3000));
  term.Settle();
  term.Pod(EventType::kDeleted, pod);
  term.Settle();
  term.now -= std::chrono::hours(24 * 365);
  term.Tick();
  REQUIRE(term.session->Leapt());
  term.Begin(term.Stored());
  term.Tick(std::chrono::minutes(20));
  const auto& history = *term.session->Rows().begin()->second.history;
  CHECK(history.Executors().empty());
  for (const auto& application : history.Applications()) CHECK(application.ended);
}

TEST_CASE("a new leader remembers nodes that are gone", "[cluster]") {
  Term term;
  const auto big = model::NodeEvent{EventType::kAdded, "big", base::MiB(5000)};
  term.Observe(big);
  term.Observe(model::NodeEvent{EventType::kAdded, "small", base::MiB(500)});
  auto gone = big;
  gone.event = EventType::kDeleted;
  term.Observe(gone);
  term.now += std::chrono::hours(24);
  term.Begin();
  term.Oom(term.Run("e1"));
  term.Tick();
  // Killed at 4,505 MiB it asks for 5,406; the large node was there yesterday.
  CHECK(term.session->Rows().begin()->second.recommendation.target == base::MiB(5000));
}

TEST_CASE("a new leader knows where running executors may run", "[cluster]") {
  Term term;
  auto dedicated = model::NodeEvent{EventType::kAdded, "dedicated", base::GiB(64)};
  dedicated.taints = {{"dedicated", "", model::TaintEffect::kNoSchedule}};
  term.Observe(dedicated);
  term.Observe(model::NodeEvent{EventType::kAdded, "common", base::MiB(5000)});
  term.Oom(term.Run("e1"));
  const auto target = [&] {
    term.Tick();
    return term.session->Rows().begin()->second.recommendation.target;
  };
  CHECK(target() == base::MiB(5000));
  term.Settle();
  term.Begin(term.Stored());
  CHECK(target() == base::MiB(5000));
}

}  // namespace
}  // namespace sparkfit::cluster
