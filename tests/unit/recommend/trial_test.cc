// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/recommend/trial.h"

#include <catch2/catch.hpp>

#include "history_builder.h"

namespace sparkfit::recommend {
namespace {

using base::Bytes;
using base::MiB;
using model::Part;
using std::chrono::minutes;
using std::chrono::seconds;
using test::DefaultSize;
using test::Size;

// What one executor did in a run, as its driver tells.
struct Did {
  seconds busy = minutes(1);  // with tasks
  double collecting = 0.02;   // share of that
  std::int64_t tasks = 100;
  std::int64_t failed = 0;
  std::int64_t stored_mib = 0;
  double pressed = 0.1;
  std::int64_t used_mib = 2400;
  std::int64_t spilled_mib = 0;
  std::int64_t input_mib = 1000;
  seconds untold = seconds(0);  // at the end of its life
};

constexpr seconds kLife = minutes(100);

struct Job {
  test::HistoryBuilder b{*ParsePolicy("adaptive")};
  model::ExecutorSize submitted = DefaultSize(3072);
  model::SparkLine line{};
  int runs = 0;

  // A run of executors with these sizes, of which the first `trying` are on trial.
  void Run(const std::vector<std::pair<model::ExecutorSize, Did>>& executors,
           std::optional<Part> trial = std::nullopt, bool succeeds = true, std::size_t trying = 1) {
    const auto application = "app-" + std::to_string(++runs);
    std::vector<std::string> uids;
    for (std::size_t i = 0; i < executors.size(); ++i) {
      model::Executor executor;
      executor.application = application;
      executor.size = executors[i].first;
      executor.submitted = submitted;
      executor.shape = {"1", model::ClassifyOverhead(submitted), line};
      executor.request = submitted.limit;
      executor.created = b.now;
      if (i < trying) executor.trial = trial;
      uids.push_back(application + "-" + std::to_string(i));
      b.history.Ran(b.history.Start(uids.back(), executor, b.now));
    }
    const auto end = b.now + kLife;
    for (std::size_t i = 0; i < executors.size(); ++i) Tell(uids[i], executors[i].second, end);
    b.now = end;
    for (const auto& uid : uids) b.End(uid);
    b.EndApplication(application, succeeds ? model::Outcome::kSucceeded : model::Outcome::kFailed);
  }

  void Tell(const std::string& uid, const Did& did, base::Time end) {
    auto& executor = b.Find(uid);
    for (int i = 0; i < 3; ++i)
      b.history.AddSample(executor, MiB(did.used_mib), b.now + minutes(i));
    model::ExecutorReading reading;
    reading.id = uid;
    reading.heap_peak = MiB(2000);
    reading.unified_room = MiB(1000);
    reading.unified_peak = base::Scaled(MiB(1000), did.pressed);
    reading.storage_peak = MiB(did.stored_mib);
    reading.stored = MiB(did.stored_mib);
    reading.busy = did.busy;
    reading.collecting = std::chrono::duration_cast<base::Duration>(did.busy * did.collecting);
    reading.tasks_done = did.tasks;
    reading.tasks_failed = did.failed;
    reading.input = MiB(did.input_mib);
    reading.spilled = MiB(did.spilled_mib);
    b.history.AddReading(executor, reading, end - did.untold);
  }

  // A run as submitted, of two executors.
  void Submitted(const Did& did = {}) { Run({{submitted, did}, {submitted, did}}); }
  [[nodiscard]] NextTrial Next() const { return FindTrial(b.history, b.policy); }
  // The next run, in which executor 1 tries what is to be tried and does so.
  void Try(const Did& did, const Did& others = {}) {
    const auto next = Next();
    REQUIRE(next.trial);
    Run({{next.trial->size, did}, {InForce(), others}}, next.trial->part);
  }
  [[nodiscard]] const model::ExecutorSize& InForce() const { return SizeThatWentWell(b.Shape()); }
  [[nodiscard]] std::int64_t NextHeap() const {
    const auto next = Next();
    return next.trial ? next.trial->size.heap->WholeMiB() : 0;
  }
};

TEST_CASE("the first trial is half of the heap, with Spark's overhead for it",
          "[recommend][trial]") {
  Job job;
  CHECK(job.Next().reason == NoTrial::kNotConfident);
  job.Submitted();
  const auto next = job.Next();
  REQUIRE(next.trial);
  CHECK(next.trial->part == Part::kHeap);
  // Spark's default for it is 384 MiB; 400 may be in use outside of the heap, and 1.1 times as much
  // is given: 2400 in all, of which
  // 2000 are of the heap.
  CHECK(next.trial->size == Size(1536 + 440, 1536));
  CHECK(next.trial->executors == 1);
}

TEST_CASE("a trial that did well is everybody's, with 5 %, and the next one is half of it",
          "[recommend][trial]") {
  Job job;
  job.Submitted();
  job.Try({});
  CHECK(job.InForce() == Size(1613 + 440, 1613));  // 1.05 × 1536 = 1612.8
  CHECK(job.NextHeap() == 768);
  job.Try({});
  CHECK(job.NextHeap() == 512);
  job.Try({});
  CHECK(job.InForce() == Size(538 + 440, 538));
  CHECK(job.Next().reason == NoTrial::kNothingSmaller);
  // What is published follows; the total is never above what was tried.
  const auto recommendation = Recommend(job.b.history, job.b.ContextWith());
  CHECK(recommendation.target == MiB(538 + 440));
  CHECK(recommendation.split->heap == MiB(538));
  const auto text = Explain(recommendation, job.b.history, job.b.ContextWith());
  CHECK_THAT(text, Catch::Contains("overhead 440 MiB (as beside the heap on trial)"));
}

TEST_CASE("what the driver told of the latest run is in the explanation", "[recommend][trial]") {
  Job job;
  const auto told = [&](const Did& did) {
    job.Run({{job.submitted, did}});
    return Explain(Recommend(job.b.history, job.b.ContextWith()), job.b.history,
                   job.b.ContextWith());
  };
  CHECK_THAT(told({.collecting = 0.12, .spilled_mib = 300}),
             Catch::EndsWith(" By its driver, collections took 12.0 % of the time of tasks and an "
                             "executor spilled 300 MiB in the latest run."));
  CHECK_THAT(told({.collecting = 0.02}),
             Catch::EndsWith("collections took 2.0 % of the time of tasks in the latest run."));
}

TEST_CASE("a trial that hurts is found out in each of the ways in which it can",
          "[recommend][trial]") {
  Did bad;
  Did others;
  SECTION("it collects five points more than its siblings") { bad.collecting = 0.075; }
  SECTION("its tasks fail") { bad.failed = 3; }
  SECTION("what it caches fills its room") {
    bad.stored_mib = 990;
    others.stored_mib = 500;
  }
  SECTION("what it cached is lost") {
    bad.stored_mib = 400;
    bad.pressed = 0.99;
    others.stored_mib = 800;
  }
  SECTION("it spills where they do not") { bad.spilled_mib = 10; }
  Job job;
  job.Submitted(others);
  const auto tried = job.NextHeap();
  job.Try(bad, others);
  CHECK(job.b.Shape().Of(Part::kHeap).too_small == MiB(tried));
  CHECK(job.InForce() == job.submitted);
  // Half-way; of what caches, no heap is left that is small enough to be worth a trial.
  CHECK(job.NextHeap() == (others.stored_mib == 800 ? 0 : (3072 + tried + 1) / 2));
}

TEST_CASE("what all executors do is no fault of the trial", "[recommend][trial]") {
  Did did;
  did.collecting = 0.3;
  did.spilled_mib = 100;
  Job job;
  job.Submitted(did);
  job.Try(did, did);
  CHECK(job.b.Shape().tried);
}

TEST_CASE("a trial that says too little is made again, and nothing smaller", "[recommend][trial]") {
  Did little;
  Did others;
  SECTION("it had few of the tasks") { little.tasks = 49; }
  SECTION("tasks took little time") { little.busy = others.busy = seconds(9); }
  SECTION("its driver told too little of its life") { little.untold = minutes(20); }
  SECTION("the run had less to do than others") { little.input_mib = others.input_mib = 100; }
  Job job;
  job.Submitted();
  const auto tried = job.NextHeap();
  job.Try(little, others);
  CHECK(job.InForce() == job.submitted);
  CHECK(job.NextHeap() == tried);
}

TEST_CASE("a trial that dies asks nothing of the others", "[recommend][trial]") {
  Job job;
  job.Submitted();
  const auto next = job.Next();
  model::Executor executor;
  executor.application = "dies";
  executor.size = next.trial->size;
  executor.submitted = job.submitted;
  executor.shape = {"1", model::ClassifyOverhead(job.submitted)};
  executor.trial = Part::kHeap;
  job.b.history.Ran(job.b.history.Start("dies", executor, job.b.now));
  job.b.Oom("dies", model::OomKind::kHeap);
  job.b.EndApplication("dies");
  CHECK(BoundsAfterOoms(job.b.Shape()) == PartBounds{});
  job.Submitted();
  CHECK(job.NextHeap() == (3072 + 1536) / 2);
}

TEST_CASE("cached blocks bound what is tried", "[recommend][trial]") {
  Did caches;
  caches.stored_mib = 800;  // of 1000
  Job job;
  job.Submitted(caches);
  // 300 + 0.8 × (3072 − 300) / 0.97 = 2586.2
  CHECK(job.NextHeap() == 2587);
  caches.stored_mib = 940;
  Job full;
  full.Submitted(caches);
  // 300 + 0.94 × 2772 / 0.97 = 2986: within 15 %.
  CHECK_FALSE(full.Next().trial);
}

TEST_CASE("who stops exploring keeps what did well, and nobody tries on", "[recommend][trial]") {
  Job job;
  job.Submitted();
  job.Try({});
  auto context = job.b.ContextWith();
  context.explore = false;
  const auto recommendation = Recommend(job.b.history, context);
  CHECK(recommendation.target == MiB(1613 + 440));  // 1.05 × 1536 = 1612.8
  CHECK_FALSE(recommendation.next.trial);
}

TEST_CASE("who dials safe goes down by a quarter", "[recommend][trial]") {
  Job job;
  job.b.policy = *ParsePolicy("adaptive:risk=safe");
  job.Submitted();
  CHECK(job.NextHeap() == 2304);
}

TEST_CASE("there is no trial where it could not be judged, or is not wanted",
          "[recommend][trial]") {
  Job job;
  job.Submitted();
  SECTION("its user does not want it") {
    CHECK(FindTrial(job.b.history, job.b.policy, false).reason == NoTrial::kNotWanted);
    auto context = job.b.ContextWith();
    const auto tries = Recommend(job.b.history, context);
    context.explore = false;
    const auto keeps = Recommend(job.b.history, context);
    CHECK(tries.next.trial);
    CHECK_FALSE(keeps.next.trial);
    CHECK(keeps.target == tries.target);
  }
  SECTION("another policy") {
    job.b.policy = *ParsePolicy("percentile");
    CHECK(job.Next().reason == NoTrial::kPolicy);
  }
  SECTION("the latest run failed") {
    job.Run({{job.submitted, {}}, {job.submitted, {}}}, std::nullopt, false);
    CHECK(job.Next().reason == NoTrial::kLatestFailed);
  }
  SECTION("the driver told nothing of the latest run") {
    job.b.Run("silent", job.submitted, MiB(2400));
    CHECK(job.Next().reason == NoTrial::kDriverSilent);
  }
  SECTION("another shape") {
    job.b.Run("other", DefaultSize(3072), MiB(2400), "4");
    CHECK_FALSE(job.Next().trial);
  }
}

TEST_CASE("three runs that take longer than three before go back", "[recommend][trial]") {
  Job job;
  for (int i = 0; i < 3; ++i) job.Submitted();
  job.Try({});
  const auto in_force = job.InForce();
  // The other part of the check: as fast as before it stays. Tasks take a minute in each executor.
  for (int i = 0; i < 3; ++i) job.Run({{in_force, {}}, {in_force, {}}});
  CHECK(job.InForce() == in_force);
}

TEST_CASE("a job with one executor is compared with its own roomier runs", "[recommend][trial]") {
  Job job;
  job.Run({{job.submitted, {}}});
  Did bad;
  bad.collecting = 0.2;
  SECTION("it does as well") {
    job.Run({{job.Next().trial->size, {}}}, Part::kHeap);
    CHECK(job.b.Shape().tried);
  }
  SECTION("it collects more") {
    job.Run({{job.Next().trial->size, bad}}, Part::kHeap);
    CHECK(job.b.Shape().Of(Part::kHeap).too_small == MiB(1536));
  }
}

TEST_CASE("of four executors and more two try", "[recommend][trial]") {
  Job job;
  job.Run({{job.submitted, {}}, {job.submitted, {}}, {job.submitted, {}}, {job.submitted, {}}});
  CHECK(job.Next().trial->executors == 2);
}

// A job with eight executors.
struct Eight : Job {
  explicit Eight(std::int64_t outside_mib = 384) {
    submitted = Size(3072 + outside_mib, 3072);
    RunAll({});
  }

  // A run in which those with the lowest numbers try what is to be tried and do so.
  void RunAll(const Did& did, const Did& others = {}) {
    const auto trial = Next().trial;
    const auto trying = trial ? static_cast<std::size_t>(trial->executors) : 0;
    std::vector<std::pair<model::ExecutorSize, Did>> executors(
        8, {runs == 0 ? submitted : InForce(), others});
    for (std::size_t i = 0; i < trying; ++i) executors[i] = {trial->size, did};
    Run(executors, trial ? std::optional(trial->part) : std::nullopt, true, trying);
  }
};

TEST_CASE("of many executors few have a size that did well on two, until it met the whole job",
          "[recommend][trial]") {
  Eight job;
  job.RunAll({});
  CHECK(job.InForce() == job.submitted);
  CHECK(job.NextHeap() == 768);  // half of what did well
  job.RunAll({});
  job.RunAll({});
  // Now 512 + 5 % for three, who cannot lose a task four times.
  auto next = job.Next();
  REQUIRE(next.trial);
  CHECK(next.trial->size == Size(538 + 440, 538));
  CHECK(next.trial->executors == 3);
  CHECK(Recommend(job.b.history, job.b.ContextWith()).split->heap > MiB(2000));
  // 2/8 of a run's work, and 3/8 in each run: e^((exposure − 5) / 4) × 8 is 4 from 2.23 on.
  const auto runs_of = [&](int executors) {
    int runs = 0;
    for (; job.Next().trial && job.Next().trial->executors == executors; ++runs) job.RunAll({});
    return runs;
  };
  CHECK(runs_of(3) == 6);  // 0.25 + 6 × 0.375 = 2.5
  CHECK(runs_of(4) == 2);  // 3.5, 5 of them from 3.12 on, 6 from 3.85 on
  CHECK(runs_of(5) == 1);  // 4.125
  CHECK(runs_of(6) == 1);  // 4.875, 7 of them from 4.47 on
  CHECK(runs_of(7) == 1);
  CHECK(job.InForce() == Size(538 + 440, 538));
  CHECK_FALSE(job.Next().trial);
}

TEST_CASE("a size that ends an executor while it spreads is too small", "[recommend][trial]") {
  Eight job(GENERATE(384, 2000));
  while (job.Next().trial->executors < 3) job.RunAll({});
  const auto spread = *job.Next().trial;
  model::Executor executor;
  executor.application = "spreads";
  executor.size = spread.size;
  executor.submitted = job.submitted;
  executor.shape = {"1", model::ClassifyOverhead(job.submitted)};
  executor.trial = spread.part;
  job.b.history.Ran(job.b.history.Start("spreads", executor, job.b.now));
  job.b.Oom("spreads", model::OomKind::kContainer);
  job.b.EndApplication("spreads");
  CHECK(job.b.Shape().candidate.limit.value == 0);
  // A container OOM is the fault of what is outside of the heap where that is smaller, too.
  const bool both = job.submitted.limit - *job.submitted.heap > MiB(400);
  CHECK(job.b.Shape().Of(both ? Part::kOutside : Part::kHeap).too_small.value > 0);
  CHECK(job.b.Shape().Of(both ? Part::kHeap : Part::kOutside).too_small.value == 0);
}

TEST_CASE("what did well with less work than a run before is given so much more",
          "[recommend][trial]") {
  Did less;
  less.input_mib = 850;
  Job job;
  job.Submitted();
  job.Try(less, less);
  // 1536 × 1.05 / 0.85 = 1897.4
  CHECK(job.InForce() == Size(1898 + 440, 1898));
}

TEST_CASE("what happens in the heap is no fault of a trial with less outside of it",
          "[recommend][trial]") {
  Job job;
  job.submitted = Size(3072 + 2000, 3072);
  job.Submitted();
  while (job.Next().trial->part == Part::kHeap) job.Try({});
  const auto tried = job.Next().trial->size;
  Did bad;
  bad.collecting = 0.2;
  bad.stored_mib = 990;
  bad.spilled_mib = 10;
  job.Try(bad);
  CHECK(job.b.Shape().Of(Part::kOutside).too_small.value == 0);
  CHECK(job.InForce().limit < tried.limit + MiB(100));
}

TEST_CASE("a heap in force whose cache fills its room is too small", "[recommend][trial]") {
  Did caches;
  caches.stored_mib = 600;
  Job job;
  job.Submitted(caches);
  job.Try(caches, caches);
  const auto in_force = job.InForce();
  REQUIRE(in_force.heap < job.submitted.heap);
  // Blocks are spread out in another way now.
  Did full = caches;
  full.stored_mib = 980;
  job.Run({{in_force, caches}, {in_force, full}});
  CHECK(job.b.Shape().Of(Part::kHeap).too_small == *in_force.heap);
  CHECK(job.InForce() == job.submitted);
}

TEST_CASE(
    "a heap in force that is too small goes back one step, though the outside came down since",
    "[recommend][trial]") {
  Did caches;
  caches.stored_mib = 300;
  Job job;
  job.submitted = Size(3072 + 2000, 3072);
  job.Submitted(caches);
  auto roomier = job.InForce();
  while (job.Next().trial->part == Part::kHeap) {
    roomier = job.InForce();
    job.Try(caches, caches);
  }
  REQUIRE(roomier.heap < job.submitted.heap);
  job.Try(caches, caches);
  const auto in_force = job.InForce();
  REQUIRE(in_force.heap < roomier.heap);
  REQUIRE(in_force.limit - *in_force.heap < roomier.limit - *roomier.heap);
  Did full = caches;
  full.stored_mib = 980;
  job.Run({{in_force, caches}, {in_force, full}});
  CHECK(job.b.Shape().Of(Part::kHeap).too_small == *in_force.heap);
  CHECK(job.InForce().heap == roomier.heap);
  CHECK(job.b.Shape().tried);  // so that it stays everybody's
}

TEST_CASE("runs that have less to do say nothing of a size", "[recommend][trial]") {
  Job job;
  job.Submitted();
  const auto uid = job.b.Start("dies", job.submitted);
  job.b.Oom(uid, model::OomKind::kContainer);
  job.b.EndApplication("dies");
  const auto& outside = job.b.Shape().Of(Part::kOutside);
  REQUIRE(outside.too_small == MiB(384));
  Did light;
  light.input_mib = 300;  // the other days of the week
  for (int i = 0; i < 4; ++i) job.Submitted(light);
  CHECK(outside.too_small == MiB(384));
  for (int i = 0; i < 3; ++i) job.Submitted();
  CHECK(outside.too_small.value == 0);
}

TEST_CASE("what was too small may be enough for a job that became smaller", "[recommend][trial]") {
  Job job;
  job.Submitted();
  Did spills;
  spills.spilled_mib = 100;
  job.Try(spills);
  job.Submitted();
  const auto& heap = job.b.Shape().Of(Part::kHeap);
  REQUIRE(heap.too_small == MiB(1536));
  Did light;
  light.input_mib = 600;  // 1000 / 600 is more than 1.5; of what else is known nothing changed
  light.tasks = 60;
  for (int i = 0; i < 2; ++i) job.Submitted(light);
  CHECK(heap.too_small == MiB(1536));
  job.Submitted(light);
  CHECK(heap.too_small.value == 0);
}

TEST_CASE("from Spark 4.2 on trials go down by a quarter", "[recommend][trial]") {
  Job job;
  job.line = {4, 1};
  job.Submitted();
  CHECK(job.NextHeap() == 1536);
  Job later;
  later.line = {4, 2};
  later.Submitted();
  CHECK(later.NextHeap() == 2304);  // 0.75 × 3072
}

TEST_CASE("where half the heap had less room than is in use, trials go down by a quarter",
          "[recommend][trial]") {
  Did did;
  did.pressed = GENERATE(0.4, 0.5);
  Job job;
  job.Submitted(did);
  // 300 + 0.4 × 2772 = 1409 fit into 1536; 300 + 0.5 × 2772 = 1686 do not.
  CHECK(job.NextHeap() == (did.pressed < 0.45 ? 1536 : 2304));
}

TEST_CASE("a size by trial keeps a tenth of room outside of the heap", "[recommend][trial]") {
  Job job;
  job.submitted = Size(3072 + 1000, 3072);
  job.Submitted();
  while (job.Next().trial->part == Part::kHeap) job.Try({});
  job.Try({});
  REQUIRE(job.InForce() == Size(538 + 525, 538));  // 512 and 500, and 5 %
  Did near;
  near.used_mib = 538 + 470;
  job.Run({{job.InForce(), near}, {job.InForce(), near}});
  CHECK(job.InForce() == Size(538 + 525, 538));  // 1.1 × 470 = 517
  near.used_mib = 538 + 510;
  job.Run({{job.InForce(), near}, {job.InForce(), near}});
  CHECK(job.InForce() == Size(538 + 561, 538));  // 1.1 × 510
  // More than it has was used by a larger one that replaced it.
  near.used_mib = 538 + 990;
  job.Run({{job.InForce(), near}, {job.InForce(), near}});
  CHECK(job.InForce() == Size(538 + 561, 538));
}

TEST_CASE("every reason for no trial is a sentence", "[recommend][trial]") {
  for (int i = 0; i <= static_cast<int>(NoTrial::kCeiling); ++i) {
    CHECK(Describe(static_cast<NoTrial>(i)).back() == '.');
  }
}

TEST_CASE("an executor on trial that was resized says nothing of the trial", "[recommend][trial]") {
  Job job;
  job.Submitted();
  const auto tried = *job.Next().trial;
  const auto uid = job.b.Start("app-x", tried.size, "1", job.submitted);
  const auto other = job.b.Start("app-x", job.submitted);
  job.b.Find(uid).trial = Part::kHeap;
  const auto end = job.b.now + kLife;
  for (const auto& each : {uid, other}) job.Tell(each, {}, end);
  const auto resized = model::ExecutorSize{tried.size.limit + MiB(500), tried.size.heap};
  job.b.history.Resize(job.b.Find(uid), resized, job.b.now);
  job.b.now = end;
  SECTION("it lives") { job.b.End(uid); }
  SECTION("it dies") {
    job.b.Oom(uid, model::OomKind::kContainer);
    CHECK(job.b.Shape().Of(Part::kHeap).too_small == base::Bytes{});
  }
  job.b.End(other);
  job.b.EndApplication("app-x");
  CHECK(job.InForce() == job.submitted);
  CHECK(job.b.Shape().candidate == model::ExecutorSize{});
}

}  // namespace
}  // namespace sparkfit::recommend
