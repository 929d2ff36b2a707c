// SPDX-License-Identifier: Apache-2.0
#include "cluster/drivers.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <set>
#include <sstream>

#include "cluster/world.h"
#include "cluster_story.h"
#include "fake_transport.h"

namespace sparkfit::cluster {
namespace {

using kube::PlainAnswer;
using kube::PlainRequest;
using model::EventType;
using test::ClusterStory;

constexpr Drivers::Intervals kIntervals{.least = std::chrono::seconds(3),
                                        .usual = std::chrono::seconds(15),
                                        .watched = std::chrono::seconds(3)};

PlainAnswer Status(int status, std::string body = "") {
  return {.end = PlainAnswer::End::kAnswered, .status = status, .body = std::move(body)};
}

PlainAnswer Told(const std::string& executor = "1") {
  return Status(200, R"([{"id":"driver"},{"id":")" + executor + R"(","totalGCTime":5}])");
}

Driver At(const std::string& name, const std::string& address = "10.0.0.1") {
  return {.uid = name,
          .name_space = "jobs",
          .pod = name,
          .application = "spark-" + name,
          .address = address,
          .port = 4040,
          .allowed = true};
}

// Drivers that answer by a function of the request, for as many seconds as asked for.
struct Room {
  using Handler = std::function<PlainAnswer(const PlainRequest&)>;

  explicit Room(Handler given, const StageShares& most = {})
      : handler(std::move(given)),
        drivers(
            [this](const PlainRequest& request, const std::stop_token&) {
              const std::scoped_lock lock(mutex);
              asked.push_back(request.address + " at " + std::to_string(Seconds()));
              return handler(request);
            },
            around, most) {}

  [[nodiscard]] std::int64_t Seconds() const {
    return std::chrono::duration_cast<std::chrono::seconds>(time.SteadyNow().time_since_epoch())
        .count();
  }

  void RunFor(int seconds) {
    std::stop_source stop;
    const auto end = Seconds() + seconds;
    time.on_wait = [&] {
      if (Seconds() >= end) stop.request_stop();
    };
    drivers.Run(
        kIntervals, [] { return true; }, stop.get_token());
  }

  std::vector<model::DriverReading> Learnt() {
    std::vector<model::DriverReading> readings;
    for (const auto& message : inbox.TakeAll({}, {})) {
      readings.push_back(
          std::get<model::DriverReading>(std::get<model::Observation>(message).what));
    }
    return readings;
  }

  [[nodiscard]] bool Counts(const std::string& result, int count) const {
    return metrics.Text().find("sparkfit_driver_requests_total{result=\"" + result + "\"} " +
                               std::to_string(count) + "\n") != std::string::npos;
  }

  [[nodiscard]] std::size_t Logged(const std::string& what) const {
    std::size_t times = 0;
    const auto logged = text.str();
    for (auto at = logged.find(what); at != std::string::npos; at = logged.find(what, at + 1)) {
      ++times;
    }
    return times;
  }

  Handler handler;
  std::mutex mutex;
  std::vector<std::string> asked;
  test::FakeTime time;
  std::ostringstream text;
  base::Logger log{text, base::LogLevel::kInfo, base::LogFormat::kText};
  exposition::OwnMetrics metrics;
  Inbox inbox;
  Surroundings around{time, time, log, metrics, inbox};
  Drivers drivers;
};

TEST_CASE("a driver is asked for its executors at every interval", "[cluster][driver]") {
  Room room([](const PlainRequest& request) {
    CHECK(request.port == 4040);
    CHECK(request.target == "/api/v1/applications/spark-a/allexecutors");
    CHECK(request.deadline == std::chrono::seconds(2));
    return Told();
  });
  room.drivers.SetDrivers({At("a")});
  room.RunFor(18);
  CHECK(room.asked ==
        std::vector<std::string>{"10.0.0.1 at 10", "10.0.0.1 at 13", "10.0.0.1 at 16"});
  const auto learnt = room.Learnt();
  REQUIRE(learnt.size() == 3);
  CHECK(learnt[0].name_space == "jobs");
  CHECK(learnt[0].application == "spark-a");
  REQUIRE(learnt[0].executors.size() == 1);
  CHECK(learnt[0].executors[0].collecting == std::chrono::milliseconds(5));
  CHECK(room.Counts("ok", 3));
}

TEST_CASE("at most a twentieth of a run is not told, however long it is", "[cluster][driver]") {
  Room room([](const PlainRequest&) { return Told(); });
  room.drivers.SetDrivers({At("a")});
  room.RunFor(3600);
  std::int64_t before = 10;
  std::int64_t shortest = 3600;
  for (const auto& asked : room.asked) {
    const std::int64_t at = std::stoi(asked.substr(asked.rfind(' ')));
    // Rounds come every second.
    CHECK(at - before <= std::clamp<std::int64_t>(at / 20, 3, 15) + 1);
    if (at > 300) shortest = std::min(shortest, at - before);
    before = at;
  }
  CHECK(shortest == 15);
}

TEST_CASE("a new driver does not wait for the others' next turn", "[cluster][driver]") {
  Room room([](const PlainRequest&) { return Told(); });
  room.drivers.SetDrivers({At("a")});
  room.RunFor(4);
  room.drivers.SetDrivers({At("a"), At("b", "fd00::2")});
  room.RunFor(11);
  CHECK(room.asked ==
        std::vector<std::string>{"10.0.0.1 at 10", "10.0.0.1 at 13", "fd00::2 at 14"});
}

TEST_CASE("a driver is asked once more after its last executor, and not before the first",
          "[cluster][driver]") {
  Room room([](const PlainRequest&) { return Told(); });
  auto driver = At("a");
  driver.has_executors = false;
  room.drivers.SetDrivers({driver});
  room.RunFor(20);
  CHECK(room.asked.empty());
  driver.has_executors = true;
  room.drivers.SetDrivers({driver});
  room.RunFor(15);
  driver.has_executors = false;
  room.drivers.SetDrivers({driver});
  room.RunFor(60);
  CHECK(room.asked ==
        std::vector<std::string>{"10.0.0.1 at 30", "10.0.0.1 at 33", "10.0.0.1 at 36"});
}

TEST_CASE("a driver that does not tell is asked ever less often, and is told of once",
          "[cluster][driver]") {
  Room room([](const PlainRequest& request) {
    return request.address == "10.0.0.1" ? Status(302) : Told();
  });
  room.drivers.SetDrivers({At("bad"), At("good", "10.0.0.2")});
  room.RunFor(1200);
  std::vector<std::string> bad;
  for (const auto& asked : room.asked) {
    if (asked.starts_with("10.0.0.1 ")) bad.push_back(asked.substr(9));
  }
  // Pauses of 15, 30, 60, 120 and 240 s, then of 300.
  CHECK(bad == std::vector<std::string>{"at 10", "at 25", "at 55", "at 115", "at 235", "at 475",
                                        "at 775", "at 1075"});
  CHECK(room.Learnt().size() > 80);
  CHECK(room.Counts("refused", 8));
  CHECK(room.Logged("driver does not tell of its executors") == 1);
  CHECK(room.Logged("status 302") == 1);
  room.handler = [](const PlainRequest&) { return Told(); };
  room.RunFor(300);
  CHECK(room.Logged("driver answers again") == 1);
}

TEST_CASE("answers take no more room than there is for one and as much for others",
          "[cluster][driver]") {
  constexpr std::size_t kLargest = wire::kLargestDriverAnswer;
  bool first = false;
  bool second = true;
  bool crowded = true;
  Room room([&](const PlainRequest& request) {
    if (!crowded) return Told();
    first = request.may_hold(kLargest);
    second = request.may_hold(1);
    return PlainAnswer{.end = PlainAnswer::End::kNoRoom, .why = "no room"};
  });
  room.drivers.SetDrivers({At("a")});
  room.RunFor(14);
  CHECK(first);
  CHECK_FALSE(second);
  CHECK(room.Counts("crowded", 2));
  CHECK(room.Logged("driver does not tell") == 0);
  // It is no fault of the driver, and what was held was given back.
  crowded = false;
  room.handler = [&](const PlainRequest& request) {
    first = request.may_hold(kLargest);
    return Told();
  };
  room.RunFor(4);
  CHECK(first);
  CHECK(room.Learnt().size() == 1);
  CHECK(room.asked ==
        std::vector<std::string>{"10.0.0.1 at 10", "10.0.0.1 at 13", "10.0.0.1 at 16"});
}

constexpr const char* kStagesPath =
    "/api/v1/applications/spark-a/stages?status=active&status=complete&status=failed";

Driver Watched(const std::string& name) {
  auto driver = At(name);
  driver.watched = true;
  return driver;
}

std::string StageText(int stage, const std::string& status, int spilled) {
  return R"({"status":")" + status + R"(","stageId":)" + std::to_string(stage) +
         R"(,"attemptId":0,"numKilledTasks":1,"diskBytesSpilled":7,"memoryBytesSpilled":)" +
         std::to_string(spilled) + "}";
}

std::string ShareText(int spilled, int killed) {
  return R"({"executorSummary":{"1":{"killedTasks":)" + std::to_string(killed) +
         R"(,"diskBytesSpilled":7,"memoryBytesSpilled":)" + std::to_string(spilled) + "}}}";
}

TEST_CASE("a driver that is watched closely is asked every three seconds, for its stages, too",
          "[cluster][driver]") {
  std::vector<std::string> targets;
  Room room([&](const PlainRequest& request) {
    targets.push_back(request.target);
    if (request.target.ends_with("/allexecutors")) return Told();
    CHECK(request.largest_body == std::size_t{8} << 20);
    CHECK(request.target == kStagesPath);
    return Status(200, "[]");
  });
  room.drivers.SetDrivers({Watched("a")});
  room.RunFor(17);
  CHECK(room.asked == std::vector<std::string>{"10.0.0.1 at 10", "10.0.0.1 at 10", "10.0.0.1 at 13",
                                               "10.0.0.1 at 13", "10.0.0.1 at 16",
                                               "10.0.0.1 at 16"});
  const auto learnt = room.Learnt();
  REQUIRE(learnt.size() == 3);
  // No stage spilled: that is told.
  CHECK(learnt[0].executors.at(0).spilled == base::Bytes{0});
  CHECK(learnt[0].executors.at(0).spilled_disk == base::Bytes{0});
  CHECK(learnt[0].executors.at(0).tasks_killed == 0);
  CHECK(room.Counts("ok", 6));
}

TEST_CASE("who is watched closely from now on does not wait for its usual turn",
          "[cluster][driver]") {
  Room room([](const PlainRequest& request) {
    return request.target.ends_with("/allexecutors") ? Told() : Status(200, "[]");
  });
  room.drivers.SetDrivers({At("a")});
  room.RunFor(900);  // from 300 s on it is asked every 15 s
  room.asked.clear();
  room.Learnt();
  room.drivers.SetDrivers({Watched("a")});
  room.RunFor(5);
  CHECK(room.asked.size() >= 2);  // for its executors and its stages
  CHECK(room.Learnt().back().executors.at(0).spilled);
  room.asked.clear();
  room.drivers.SetDrivers({At("a")});
  room.RunFor(15);
  CHECK(room.asked.size() == 1);
  CHECK_FALSE(room.Learnt().back().executors.at(0).spilled);
}

TEST_CASE("only stages that spilled are asked for their executors, and again when they changed",
          "[cluster][driver]") {
  std::vector<std::string> of_stages;
  Room room([](const PlainRequest&) { return Told(); });
  const auto answer = [&](const PlainRequest& request) {
    if (request.target.ends_with("/allexecutors")) return Told();
    if (request.target == kStagesPath) {
      // Stage 1 has ended; stage 2 goes on until 12 s, and its figures stand still from then on;
      // stage 3 spilled nothing, and none of its tasks were killed.
      const bool active = room.Seconds() < 16;
      return Status(
          200, "[" + StageText(2, active ? "ACTIVE" : "COMPLETE", room.Seconds() < 13 ? 100 : 200) +
                   "," + StageText(1, "COMPLETE", 10) +
                   R"(,{"status":"COMPLETE","stageId":3,"attemptId":0,)"
                   R"("numKilledTasks":0,"diskBytesSpilled":0,"memoryBytesSpilled":0}])");
    }
    const std::string path = request.target.substr(request.target.find("/stages"));
    of_stages.push_back(path.substr(0, path.find('?')) + " at " + std::to_string(room.Seconds()));
    CHECK(path.ends_with("/0?details=true&taskStatus=UNKNOWN"));
    return Status(200, path.starts_with("/stages/1/") ? ShareText(10, 1) : ShareText(200, 1));
  };
  room.handler = answer;
  room.drivers.SetDrivers({Watched("a")});
  room.RunFor(20);
  // At 16 s it has ended: its executors' figures may have lagged behind before.
  CHECK(of_stages == std::vector<std::string>{"/stages/2/0 at 10", "/stages/1/0 at 10",
                                              "/stages/2/0 at 13", "/stages/2/0 at 16"});
  const auto learnt = room.Learnt();
  REQUIRE(learnt.size() == 4);
  for (const auto& reading : learnt) {
    CHECK(reading.executors.at(0).spilled == base::Bytes{210});
    CHECK(reading.executors.at(0).spilled_disk == base::Bytes{14});
    CHECK(reading.executors.at(0).tasks_killed == 2);
  }
}

TEST_CASE("a driver that does not tell of its stages still tells of its executors",
          "[cluster][driver]") {
  std::vector<std::string> of_stages;
  Room room([&](const PlainRequest&) { return Told(); });
  room.handler = [&](const PlainRequest& request) {
    if (request.target.ends_with("/allexecutors")) return Told();
    of_stages.push_back(std::to_string(room.Seconds()));
    return Status(404);
  };
  room.drivers.SetDrivers({Watched("a")});
  room.RunFor(60);
  // Pauses of 3, 6, 12 and 24 s.
  CHECK(of_stages == std::vector<std::string>{"10", "13", "19", "31", "55"});
  const auto learnt = room.Learnt();
  CHECK(learnt.size() == 17);  // at 10, 13, … 58 s
  for (const auto& reading : learnt) CHECK_FALSE(reading.executors.at(0).spilled);
  CHECK(room.Counts("ok", 17));
  CHECK(room.Counts("refused", 5));
  CHECK(room.Logged("driver does not tell of its stages") == 1);
  CHECK(room.Logged("driver does not tell of its executors") == 0);
  room.handler = [](const PlainRequest& request) {
    return request.target.ends_with("/allexecutors") ? Told() : Status(200, "[]");
  };
  room.RunFor(60);
  CHECK(room.Logged("driver answers again") == 1);
  CHECK(room.Learnt().back().executors.at(0).spilled);
}

TEST_CASE("one stage that cannot be asked leaves untold what was spilled", "[cluster][driver]") {
  Room room([](const PlainRequest& request) {
    if (request.target.ends_with("/allexecutors")) return Told();
    if (request.target == kStagesPath) {
      return Status(200,
                    "[" + StageText(1, "COMPLETE", 1) + "," + StageText(2, "COMPLETE", 2) + "]");
    }
    return request.target.find("/stages/1/") != std::string::npos ? Status(200, ShareText(1, 0))
                                                                  : Status(200, "{}");
  });
  room.drivers.SetDrivers({Watched("a")});
  room.RunFor(11);
  const auto learnt = room.Learnt();
  REQUIRE(learnt.size() == 1);
  CHECK_FALSE(learnt[0].executors.at(0).spilled);
  CHECK(room.Counts("malformed", 1));
}

TEST_CASE("of a driver met late 32 stages are asked in a turn, and told when all are known",
          "[cluster][driver]") {
  int of_stages = 0;
  Room room([&](const PlainRequest& request) {
    if (request.target.ends_with("/allexecutors")) return Told();
    if (request.target == kStagesPath) {
      std::string stages = StageText(0, "COMPLETE", 1);
      for (int i = 1; i < 40; ++i) stages += "," + StageText(i, "COMPLETE", 1);
      return Status(200, "[" + stages + "]");
    }
    ++of_stages;
    return Status(200, ShareText(1, 0));
  });
  room.drivers.SetDrivers({Watched("a")});
  room.RunFor(11);
  CHECK(of_stages == 32);
  room.RunFor(3);
  CHECK(of_stages == 40);
  const auto learnt = room.Learnt();
  REQUIRE(learnt.size() == 2);
  CHECK_FALSE(learnt[0].executors.at(0).spilled);
  CHECK(learnt[1].executors.at(0).spilled == base::Bytes{40});
}

// A driver may say of itself that it has a stage with thousands of executors.
TEST_CASE("what drivers of a namespace keep of their stages is bounded, and another's is told",
          "[cluster][driver]") {
  const auto answer = [](const PlainRequest& request) {
    if (request.target.ends_with("/allexecutors")) return Told();
    if (request.target.find("?details") == std::string::npos) {
      return Status(200, "[" + StageText(1, "COMPLETE", 1) + "]");
    }
    return Status(200, ShareText(1, 0));
  };
  // Of each driver two shares: of its attempt and of the executor in it.
  Room room(answer, {.of_one = 5, .of_all = 100});
  std::vector<Driver> crowd;
  for (const auto* name : {"a", "b", "c", "d"}) crowd.push_back(Watched(name));
  auto other = Watched("e");
  other.name_space = "other";
  const auto told_of = [&](std::vector<Driver> drivers) {
    room.drivers.SetDrivers(std::move(drivers));
    room.RunFor(11);
    std::set<std::string> told;
    for (const auto& reading : room.Learnt()) {
      if (reading.executors.at(0).spilled) told.insert(reading.application);
    }
    return told;
  };
  auto all = crowd;
  all.push_back(other);
  const auto told = told_of(all);
  CHECK(told.size() == 3);  // two of the crowd
  CHECK(told.contains("spark-e"));
  // What is gone makes room.
  CHECK(told_of({}).empty());
  CHECK(told_of(crowd).size() == 2);
}

TEST_CASE("all that a driver is asked in a turn takes two seconds at most", "[cluster][driver]") {
  std::vector<base::Duration> deadlines;
  Room room([&](const PlainRequest& request) {
    deadlines.push_back(request.deadline);
    room.time.Wait(std::chrono::milliseconds(700), {});
    if (request.target.ends_with("/allexecutors")) return Told();
    return Status(200, "[" + StageText(1, "COMPLETE", 1) + "]");
  });
  room.drivers.SetDrivers({Watched("a")});
  room.RunFor(13);
  // 600 ms are left for the stage; an answer that says nothing of executors is malformed.
  CHECK(deadlines == std::vector<base::Duration>{std::chrono::milliseconds(2000),
                                                 std::chrono::milliseconds(1300),
                                                 std::chrono::milliseconds(600)});
  CHECK(room.Learnt().size() == 1);
  // A driver that is slower is not asked for what would be cut off, which is no failure.
  Room slow([&](const PlainRequest&) {
    slow.time.Wait(std::chrono::milliseconds(1600), {});
    return Told();
  });
  slow.drivers.SetDrivers({Watched("a")});
  // Asked at 10.0, 13.7 and 17.4 s: it looks a tenth of a second after a turn, then every second.
  slow.RunFor(20);
  CHECK(slow.Counts("ok", 3));
  CHECK(slow.Learnt().size() == 3);
  CHECK(slow.Logged("driver does not tell") == 0);
}

TEST_CASE("a driver that fails once is not told of: it may be starting, or ending",
          "[cluster][driver]") {
  Room room([&](const PlainRequest&) { return Status(404); });
  room.drivers.SetDrivers({At("a")});
  room.RunFor(25);
  CHECK(room.Counts("refused", 1));
  CHECK(room.Logged("driver does not tell") == 0);
  room.RunFor(10);
  CHECK(room.Counts("refused", 2));
  CHECK(room.Logged("driver does not tell") == 1);
}

TEST_CASE("every way in which an answer fails has its name", "[cluster][driver]") {
  using End = PlainAnswer::End;
  const std::vector<std::pair<std::string, PlainAnswer>> cases{
      {"error", {.end = End::kFailed, .why = "refused"}},
      {"timeout", {.end = End::kTimedOut, .why = "late"}},
      {"too_large", {.end = End::kTooLarge, .why = "large"}},
      {"refused", Status(401)},
      {"refused", Status(500, "[]")},
      {"malformed", Status(200, "<html>")}};
  for (const auto& [result, answer] : cases) {
    INFO(result);
    Room room([answer = answer](const PlainRequest&) { return answer; });
    room.drivers.SetDrivers({At("a")});
    room.RunFor(30);
    CHECK(room.Counts(result, 2));
    CHECK(room.Learnt().empty());
    CHECK(room.Logged("result=\"" + result + "\"") == 1);
  }
}

TEST_CASE("executors that cannot be understood are counted, the others learnt",
          "[cluster][driver]") {
  Room room([](const PlainRequest&) { return Status(200, R"([{"id":7},{"id":"2"}])"); });
  room.drivers.SetDrivers({At("a")});
  room.RunFor(11);
  REQUIRE(room.Learnt().at(0).executors.size() == 1);
  CHECK(room.metrics.Text().find("sparkfit_objects_unreadable_total{resource=\"drivers\"} 1") !=
        std::string::npos);
}

TEST_CASE("however many drivers of a namespace answer just in time, another's are asked at once",
          "[cluster][driver]") {
  test::FakeTime* time = nullptr;
  std::size_t slow = 0;
  Room room([&](const PlainRequest& request) {
    if (request.address == "10.0.0.1") return Told();
    // Eight at a time, 1.9 s for each.
    time->Pass(std::chrono::milliseconds(1900 / 8));
    ++slow;
    return Told();
  });
  time = &room.time;
  std::vector<Driver> drivers;
  for (int i = 0; i < 400; ++i) {
    drivers.push_back(At("greedy-" + std::to_string(i), "10.0.0.9"));
    drivers.back().name_space = "greedy";
  }
  room.drivers.SetDrivers(drivers);
  room.RunFor(20);
  drivers.push_back(At("a"));
  room.drivers.SetDrivers(drivers);
  const auto begun = room.Seconds();
  room.RunFor(120);
  const auto first = std::find_if(room.asked.begin(), room.asked.end(),
                                  [](const auto& asked) { return asked.starts_with("10.0.0.1 "); });
  REQUIRE(first != room.asked.end());
  // Executors tell their driver after ten seconds; then one round, at most.
  CHECK(std::stoi(first->substr(first->rfind(' '))) <= begun + 10 + 2);
  // What the others do not need is used: each was asked by then.
  CHECK(slow >= 400);
}

TEST_CASE("at most eight are asked at once, and those that fail are asked ever less often",
          "[cluster][driver]") {
  std::atomic<int> now{0};
  std::atomic<int> most{0};
  Room room([](const PlainRequest&) {
    return PlainAnswer{.end = PlainAnswer::End::kTimedOut, .why = "late"};
  });
  Drivers drivers(
      [&](const PlainRequest& request, const std::stop_token&) {
        const int together = ++now;
        int before = most;
        while (before < together && !most.compare_exchange_weak(before, together)) {
        }
        auto answer = room.handler(request);
        --now;
        return answer;
      },
      room.around);
  std::vector<Driver> many;
  for (int i = 0; i < 100; ++i) many.push_back(At("d" + std::to_string(i)));
  drivers.SetDrivers(many);
  std::stop_source stop;
  int rounds = 26;  // at 0, 1, … 25 s; all fail at 10 s and are due again at 25 s
  room.time.on_wait = [&] {
    if (--rounds == 0) stop.request_stop();
  };
  drivers.Run(
      kIntervals, [] { return true; }, stop.get_token());
  CHECK(most <= 8);
  CHECK(room.Counts("timeout", 200));
}

// Drivers as a world shows them.
struct Scene {
  explicit Scene(model::DriverMetrics whose = model::DriverMetrics::kOptIn)
      : world(SIZE_MAX, whose) {
    driver = ClusterStory::Driver("d", "spark-1");
    driver.address = "10.0.0.1";
    executor = ClusterStory::Executor("e", "spark-1", "s");
    executor.phase = model::PodPhase::kRunning;
  }
  void Show() {
    for (const auto& pod : {driver, executor}) {
      world.Take({{}, model::PodEvent{EventType::kModified, pod}});
    }
  }
  std::vector<Driver> Asked() {
    Show();
    return world.DriversToAsk();
  }
  World world;
  model::PodFacts driver;
  model::PodFacts executor;
};

constexpr const char* kAllow = "sparkfit.io/driver-metrics";

TEST_CASE("only drivers of jobs that allow it are asked", "[cluster][driver]") {
  Scene scene;
  CHECK(scene.Asked().empty());
  SECTION("the driver says so") { ClusterStory::Set(scene.driver, kAllow, "true"); }
  SECTION("an executor says so") { ClusterStory::Set(scene.executor, kAllow, "true"); }
  const auto asked = scene.Asked();
  REQUIRE(asked.size() == 1);
  CHECK(asked[0].uid == "d");
  CHECK(asked[0].name_space == "jobs");
  CHECK(asked[0].application == "spark-1");
  CHECK(asked[0].address == "10.0.0.1");
  CHECK(asked[0].has_executors);
  CHECK_FALSE(asked[0].watched);
}

TEST_CASE("drivers of jobs with a signature are asked where all are, unless they refuse",
          "[cluster][driver]") {
  Scene scene(model::DriverMetrics::kObserved);
  REQUIRE(scene.Asked().size() == 1);  // the executor has the signature
  CHECK_FALSE(scene.Asked()[0].allowed);
  CHECK(scene.Asked()[0].port == 4040);
  SECTION("a job without one is not observed") {
    scene.executor.settings = {};
    CHECK(scene.Asked().empty());
    ClusterStory::Set(scene.driver, "sparkfit.io/signature", "s");
    CHECK(scene.Asked().size() == 1);
  }
  // Whoever wrote "no" meant no.
  for (const auto* value : {"false", "no"}) {
    auto by_driver = scene;
    ClusterStory::Set(by_driver.driver, kAllow, value);
    CHECK(by_driver.Asked().empty());
    ClusterStory::Set(by_driver.executor, kAllow, "true");  // executors go before the driver
    REQUIRE(by_driver.Asked().size() == 1);
    CHECK(by_driver.Asked()[0].allowed);
    ClusterStory::Set(scene.executor, kAllow, value);
    CHECK(scene.Asked().empty());
    scene.executor.settings = {};
    ClusterStory::Set(scene.executor, "sparkfit.io/signature", "s");
  }
}

TEST_CASE("a driver is asked where its UI is", "[cluster][driver]") {
  Scene scene(model::DriverMetrics::kObserved);
  scene.driver.ui_port = 4050;
  REQUIRE(scene.Asked().size() == 1);
  CHECK(scene.Asked()[0].port == 4050);
}

TEST_CASE("a run with an executor on trial is watched closely", "[cluster][driver]") {
  Scene scene;
  ClusterStory::Set(scene.driver, kAllow, "true");
  scene.executor.trial = model::Part::kHeap;
  scene.Show();
  REQUIRE(scene.Asked().size() == 1);
  CHECK(scene.Asked()[0].watched);
}

TEST_CASE("anything but true is no permission", "[cluster][driver]") {
  for (const auto* value : {"false", "TRUE", "yes", "1"}) {
    Scene scene;
    ClusterStory::Set(scene.driver, kAllow, value);
    ClusterStory::Set(scene.executor, kAllow, value);
    CHECK(scene.Asked().empty());
  }
}

TEST_CASE("a driver that does not run, or whose address or application is none, is not asked",
          "[cluster][driver]") {
  Scene scene;
  ClusterStory::Set(scene.driver, kAllow, "true");
  REQUIRE(scene.Asked().size() == 1);
  const auto with = [&](auto change) {
    auto other = scene;
    change(other.driver);
    return other.Asked().size();
  };
  CHECK(with([](auto& d) { d.phase = model::PodPhase::kPending; }) == 0);
  CHECK(with([](auto& d) { d.phase = model::PodPhase::kSucceeded; }) == 0);
  CHECK(with([](auto& d) { d.deleted = true; }) == 0);
  CHECK(with([](auto& d) { d.address.clear(); }) == 0);
  for (const auto* application : {"", "..", ".a", "a/b", "a?b", "a%2f", "a b", "-a", "\xc3\xa4"}) {
    CHECK(with([&](auto& d) { d.app_selector = application; }) == 0);
  }
  CHECK(with([](auto& d) { d.app_selector = std::string(64, 'a'); }) == 0);
  CHECK(with([](auto& d) { d.app_selector = "spark-0.A_z-9"; }) == 1);
}

TEST_CASE("permission of executors goes with them, and is of their namespace",
          "[cluster][driver]") {
  Scene scene;
  auto stranger = scene.executor;
  stranger.name_space = "other";
  stranger.uid = "x";
  ClusterStory::Set(stranger, kAllow, "true");
  scene.world.Take({{}, model::PodEvent{EventType::kAdded, stranger}});
  CHECK(scene.Asked().empty());
  ClusterStory::Set(scene.executor, kAllow, "true");
  REQUIRE(scene.Asked().size() == 1);
  scene.executor.phase = model::PodPhase::kSucceeded;
  CHECK(scene.Asked().empty());
  ClusterStory::Set(scene.driver, kAllow, "true");
  REQUIRE(scene.Asked().size() == 1);
  CHECK_FALSE(scene.Asked()[0].has_executors);
  scene.world.Take({{}, model::PodEvent{EventType::kDeleted, scene.driver}});
  CHECK(scene.world.DriversToAsk().empty());
}

}  // namespace
}  // namespace sparkfit::cluster
