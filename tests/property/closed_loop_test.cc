// SPDX-License-Identifier: Apache-2.0
//
// What holds for every made-up job.
#include "sparkfit/simulation/closed_loop.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <numeric>

#include "simulation/run.h"

namespace sparkfit::simulation {
namespace {

LoopOptions Options() {
  LoopOptions options;
  options.runs = kFewestRuns;
  return options;
}

Profile AnyProfile() {
  return DrawProfile(*rc::gen::inRange<std::uint64_t>(0, 1 << 20), *rc::gen::inRange(0, 1000));
}

double Between(double least, double most) {
  return least + (most - least) * *rc::gen::inRange(0, 1001) / 1000.0;
}

class OneSize : public Surroundings {
 public:
  OneSize(double heap, double outside) : size_(FromMiB(heap, outside)) {}
  model::ExecutorSize Admit(double, std::uint32_t) override { return size_; }

 private:
  static model::ExecutorSize FromMiB(double heap, double outside) {
    const auto mib = [](double n) { return base::MiB(static_cast<std::int64_t>(n) + 1); };
    return {mib(heap) + mib(outside), mib(heap)};
  }
  model::ExecutorSize size_;
};

// The most that one executor can be asked for, wherever tasks and blocks happen to be.
Asked MostIn(Profile profile, std::uint32_t run, double factor) {
  profile.skew = SkewOf(profile, run);
  auto most = MostAsked(profile, factor);
  most.cached *= profile.executors;
  most.allocated = 1e9;
  return most;
}

TEST_CASE("more memory never kills: neither more outside, nor more heap by what is in it") {
  CHECK(rc::check([] {
    Asked asked;
    asked.live = Between(0, 4000);
    asked.execution = Between(0, 4000);
    asked.cached = Between(0, 4000);
    asked.outside = Between(0, 2000);
    asked.allocated = Between(0, 20'000);
    const Size size{Between(512, 8000), Between(0, 3000)};
    const double more = Between(0, 3000);
    const auto held = Hold(asked, size);
    const auto roomier = Hold(asked, {size.heap, size.outside + more});
    if (!held.kills) RC_ASSERT(!roomier.kills);
    const auto larger = Hold(asked, {size.heap + more, size.outside});
    if (held.kills != OomKind::kHeap) RC_ASSERT(larger.kills != OomKind::kHeap);
    // Beside what fits, whatever the heap touches.
    if (!held.kills && asked.outside <= size.outside) RC_ASSERT(!larger.kills);
  }));
}

TEST_CASE("a size that holds the neediest tasks loses nobody, nor does a larger one") {
  CHECK(rc::check([] {
    const auto profile = AnyProfile();
    const auto run = *rc::gen::inRange<std::uint32_t>(0, 50);
    const double factor = FactorOf(profile, run);
    const auto most = MostIn(profile, run, factor);
    double heap = 512;
    while (Hold(most, {heap, most.outside}).kills) heap *= 1.1;
    for (const double more : {1.0, Between(1, 4)}) {
      OneSize size(heap * more, most.outside * Between(1, 2));
      const auto result = Run(profile, run, factor, size).Play();
      RC_ASSERT(result.Lost() == 0U);
      RC_ASSERT(!result.Failed());
    }
  }));
}

TEST_CASE("whatever dies, no task is lost and none is done twice in a run that goes well") {
  CHECK(rc::check([] {
    const auto profile = AnyProfile();
    const auto run = *rc::gen::inRange<std::uint32_t>(0, 50);
    const auto submitted = InMiB(profile.submitted);
    OneSize size(std::max(512.0, submitted.heap * Between(0.1, 1.1)),
                 submitted.outside * Between(0.3, 1.1));
    Run played(profile, run, FactorOf(profile, run), size);
    const auto result = played.Play();
    std::uint64_t tasks = 0;
    for (const auto& stage : profile.stages) tasks += stage.tasks;
    std::uint64_t ended = 0;
    for (const auto& executor : played.Executors()) {
      RC_ASSERT(!executor.Alive());
      RC_ASSERT(executor.ended >= executor.created);
      ended += executor.tasks_done;
    }
    RC_ASSERT(result.Failed() || played.TasksDone() == tasks);
    RC_ASSERT(ended >= played.TasksDone());
    if (result.Lost() == 0) RC_ASSERT(ended == tasks);
  }));
}

TEST_CASE("a job that never runs out of memory never grows above its submitted size") {
  CHECK(rc::check([] {
    const auto profile = AnyProfile();
    const auto policy = *rc::gen::element<std::string>("percentile", "adaptive", "max");
    const auto pairs = PlayJob(profile, *recommend::ParsePolicy(policy), Options());
    const auto limit = InMiB(profile.submitted).Limit();
    for (const auto& pair : pairs) {
      if (pair.sized.Lost() > 0) break;
      // The growth guard takes one step where a working set reaches the limit.
      RC_ASSERT(pair.sized.MeanSize().Limit() <= 1.2 * limit + 101);
    }
  }));
}

TEST_CASE("the same job runs the same way every time") {
  CHECK(rc::check([] {
    const auto profile = AnyProfile();
    const auto policy = *recommend::ParsePolicy("adaptive");
    const auto once = PlayJob(profile, policy, Options());
    const auto again = PlayJob(profile, policy, Options());
    for (std::size_t i = 0; i < once.size(); ++i) {
      RC_ASSERT(once[i].sized.seconds == again[i].sized.seconds);
      RC_ASSERT(once[i].sized.Memory() == again[i].sized.Memory());
      RC_ASSERT(once[i].sized.Lost() == again[i].sized.Lost());
    }
  }));
}

}  // namespace
}  // namespace sparkfit::simulation
