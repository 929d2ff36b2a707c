// SPDX-License-Identifier: Apache-2.0
//
// Runs whose course can be worked out by hand. A task's memory is within 7.8 % of what its stage
// needs (e^(2.5 × 0.03)).
#include "simulation/run.h"

#include <catch2/catch.hpp>
#include <functional>
#include <map>
#include <set>

namespace sparkfit::simulation {
namespace {

model::ExecutorSize Size(std::int64_t heap_mib, std::int64_t outside_mib = 2000) {
  return {base::MiB(heap_mib + outside_mib), base::MiB(heap_mib)};
}

// Sizes by Spark's id; remembers what was asked for and when.
class Sized : public Surroundings {
 public:
  explicit Sized(std::function<model::ExecutorSize(std::uint32_t)> size) : size_(std::move(size)) {}
  model::ExecutorSize Admit(double now, std::uint32_t id) override {
    admitted.emplace_back(now, id);
    return size_(id);
  }
  std::vector<std::pair<double, std::uint32_t>> admitted;

 private:
  std::function<model::ExecutorSize(std::uint32_t)> size_;
};

Sized All(std::int64_t heap_mib, std::int64_t outside_mib = 2000) {
  return Sized([=](auto) { return Size(heap_mib, outside_mib); });
}

// One stage of eight tasks of 100 MiB live on four executors of one core.
Profile Simple() {
  Profile profile;
  profile.executors = 4;
  profile.stages = {{.tasks = 8, .seconds = 10}};
  profile.base = 100;
  profile.task.live = 100;
  profile.outside = 200;
  return profile;
}

TEST_CASE("where there is room every task ends once", "[simulation][run]") {
  const auto profile = Simple();
  auto roomy = All(1024);
  Run run(profile, 0, 1, roomy);
  const auto result = run.Play();
  CHECK_FALSE(result.Failed());
  CHECK(result.Lost() == 0);
  CHECK(run.TasksDone() == 8);
  std::uint64_t done = 0;
  for (const auto& executor : run.Executors()) done += executor.tasks_done;
  CHECK(done == 8);
  CHECK(roomy.admitted.size() == 4);
  CHECK(result.MeanSize().heap == Approx(1024));
  // 200 outside, and a heap that holds 200 and 5 % of young generation.
  CHECK(result.used > 400);
}

TEST_CASE("a task that fits nowhere fails the run at its fourth attempt", "[simulation][run]") {
  auto profile = Simple();
  profile.skew = 10;  // 1,000 MiB in a heap of 700
  auto small = All(700);
  Run run(profile, 0, 1, small);
  const auto result = run.Play();
  CHECK(result.failure == Failure::kTask);
  CHECK(result.heap_ooms == 4);
  CHECK(result.container_ooms == 0);
}

TEST_CASE("a retried task is on another living executor at once, a replacement comes later",
          "[simulation][run]") {
  auto profile = Simple();
  profile.stages[0].tasks = 4;
  profile.skew = 10;
  auto small = All(700);
  Run run(profile, 0, 1, small);
  (void)run.Play();
  std::map<double, std::uint32_t> died;
  for (const auto& executor : run.Executors()) {
    if (executor.ending == Ending::kHeapOom) died[executor.ended] = executor.id;
  }
  REQUIRE(died.size() == 4);
  for (const auto& [at, id] : died) CHECK(id <= 7);
  CHECK(std::next(died.begin())->second <= 4);  // one of the first
  // Replaced after two seconds, under the next id.
  REQUIRE(small.admitted.size() >= 5);
  CHECK(small.admitted[4].first == Approx(died.begin()->first + 2));
  CHECK(small.admitted[4].second == 5);
}

TEST_CASE("a larger replacement saves the run", "[simulation][run]") {
  auto profile = Simple();
  profile.executors = 1;
  profile.skew = 10;
  Sized grows([](auto id) { return Size(id == 1 ? 700 : 1400); });
  Run run(profile, 0, 1, grows);
  const auto result = run.Play();
  CHECK_FALSE(result.Failed());
  CHECK(result.heap_ooms == 1);
  CHECK(run.TasksDone() == 8);
  CHECK(run.Executors().size() == 2);
}

TEST_CASE("the tasks beside it die with the executor", "[simulation][run]") {
  auto profile = Simple();
  profile.executors = 1;
  profile.cores = 4;
  profile.stages[0].tasks = 4;
  profile.skew = 10;  // 100 + 300 + 1000
  Sized grows([](auto id) { return Size(id == 1 ? 700 : 2000); });
  Run run(profile, 0, 1, grows);
  CHECK_FALSE(run.Play().Failed());
  // The one that killed it was running; the others had ended, or were lost too and done again.
  CHECK(run.Executors()[0].tasks_failed >= 1);
  CHECK(run.Executors()[0].tasks_failed + run.Executors()[0].tasks_done == 4);
  CHECK(run.TasksDone() == 4);
}

TEST_CASE("what the last stage but one left on a lost executor is made again",
          "[simulation][run]") {
  auto profile = Simple();
  profile.executors = 2;
  profile.stages = {{.tasks = 8, .memory = 0.1, .seconds = 10}, {.tasks = 4, .seconds = 10}};
  profile.task.live = 1000;
  // 100 + 10 × … in the first stage, 100 + 1000 in the second.
  Sized grows([](auto id) { return Size(id == 1 ? 700 : 1400); });
  Run run(profile, 0, 1, grows);
  const auto result = run.Play();
  CHECK_FALSE(result.Failed());
  CHECK(result.heap_ooms == 1);
  CHECK(run.TasksDone() == 12);
  std::uint64_t done = 0;
  for (const auto& executor : run.Executors()) done += executor.tasks_done;
  CHECK(done == 12 + run.Executors()[0].tasks_done);  // all that it did was of the first stage
}

TEST_CASE("each of Spark's three limits ends a run", "[simulation][run]") {
  std::set<Failure> seen;
  for (std::uint32_t number = 0; number < 60; ++number) {
    auto profile = Simple();
    profile.number = number;
    profile.executors = 2 + number % 4;
    profile.stages = {{.tasks = 8, .memory = 0.1, .seconds = 10}, {.tasks = 8, .seconds = 10}};
    profile.task.live = 1000;
    // Only the first executor can hold a task of the second stage, or none can.
    Sized sizes([&](auto id) { return Size(id == 1 && number % 2 == 0 ? 1400 : 700); });
    const auto result = Run(profile, 0, 1, sizes).Play();
    seen.insert(result.failure);
    CHECK(result.Lost() <= std::max(3U, 2 * profile.executors) + 1);
  }
  CHECK(seen.contains(Failure::kTask));
  CHECK(seen.contains(Failure::kStage));
  CHECK(seen.contains(Failure::kLosses));
}

TEST_CASE("memory outside of the heap kills by the container", "[simulation][run]") {
  auto profile = Simple();
  profile.task.native = 500;
  // At least 200 + 461 outside, and 200 of heap: not in 700 + 100.
  auto small = All(700, 100);
  CHECK(Run(profile, 0, 1, small).Play().container_ooms > 0);
  // At most 200 + 539, and a heap that is full.
  auto enough = All(700, 740);
  CHECK(Run(profile, 0, 1, enough).Play().Lost() == 0);
}

TEST_CASE("an off-heap cap is never exceeded: what is missing is spilled", "[simulation][run]") {
  auto profile = Simple();
  profile.task.off_heap = 1000;
  profile.off_heap_cap = 300;
  profile.spill_slowdown = 1;
  auto enough = All(700, 500);
  Run run(profile, 0, 1, enough);
  CHECK(run.Play().Lost() == 0);
  double spilled = 0;
  for (const auto& executor : run.Executors()) {
    CHECK(executor.outside_peak <= 500);
    CHECK(executor.off_heap_peak == 300);
    spilled += executor.spilled;
  }
  // Eight tasks miss 700 MiB each.
  CHECK(spilled == Approx(5600).epsilon(0.1));
}

Profile Caching() {
  auto profile = Simple();
  profile.stages = {{.tasks = 8, .seconds = 10, .caches = true},
                    {.tasks = 8, .seconds = 10, .reads_cached = true}};
  profile.task.live = 10;
  profile.cached = 200;
  return profile;
}

TEST_CASE("blocks that do not fit are computed anew, and there is less to collect",
          "[simulation][run]") {
  const auto profile = Caching();
  // 1,600 MiB in four executors: all of them in 0.6 × (2048 − 300) = 1,048 each, none in
  // 0.6 × (600 − 300) = 180.
  const auto play = [&](std::int64_t heap) {
    auto size = All(heap);
    Run run(profile, 0, 1, size);
    CHECK(run.Play().Lost() == 0);
    double busy = 0;
    double collecting = 0;
    for (const auto& executor : run.Executors()) {
      busy += executor.busy;
      collecting += executor.collecting;
    }
    return std::pair(busy, collecting / busy);
  };
  const auto [slow, few] = play(600);
  const auto [fast, many] = play(2048);
  // Of two stages the second takes three times as long: 4 / 2, beside collections.
  CHECK(slow / fast == Approx(2).epsilon(0.2));
  CHECK(few < many);
}

TEST_CASE("a lost executor takes its cached blocks with it", "[simulation][run]") {
  auto profile = Caching();
  profile.stages[1].memory = 100;  // 1,000 MiB live
  profile.executors = 2;
  Sized grows([](auto id) { return Size(id == 1 ? 900 : 4000); });
  Run run(profile, 0, 1, grows);
  CHECK_FALSE(run.Play().Failed());
  CHECK(run.Executors()[0].ending == Ending::kHeapOom);
  CHECK(run.Executors()[0].storage_peak > 0);
}

TEST_CASE("dynamic allocation starts with one executor and lets idle ones go",
          "[simulation][run]") {
  auto profile = Simple();
  profile.dynamic = true;
  profile.stages = {
      {.tasks = 32, .seconds = 100}, {.tasks = 4, .seconds = 1000}, {.tasks = 1, .seconds = 1000}};
  auto roomy = All(1024);
  Run run(profile, 0, 1, roomy);
  CHECK_FALSE(run.Play().Failed());
  REQUIRE(roomy.admitted.size() == 4);
  CHECK(roomy.admitted[1].first == Approx(roomy.admitted[0].first + 1));
  CHECK(roomy.admitted[2].first == roomy.admitted[1].first);  // then two at once
}

TEST_CASE("a run draws by its number alone", "[simulation][run]") {
  const auto profile = DrawProfile(1, 5);
  const auto play = [&](std::uint32_t number) {
    auto size = Sized([&](auto) { return profile.submitted; });
    return Run(profile, number, 1, size).Play().seconds;
  };
  CHECK(play(3) == play(3));
  CHECK(play(3) != play(4));
}

}  // namespace
}  // namespace sparkfit::simulation
