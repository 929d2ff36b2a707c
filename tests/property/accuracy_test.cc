// SPDX-License-Identifier: Apache-2.0
//
// Past advice is judged the same however observations are batched, whether time passes by itself or
// with them, and whoever restarts in between.
#include "sparkfit/model/accuracy.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <iterator>

#include "cluster_story.h"

namespace sparkfit::model {
namespace {

using base::MiB;
using test::ClusterStory;

const Key kKey{"jobs", "s", 0};

struct Step {
  int executor;  // of ten
  int kind;      // start, sample, end, die
  std::int64_t peak_mib;
  int seconds;  // that pass afterwards
};

rc::Gen<std::vector<Step>> Steps() {
  return rc::gen::container<std::vector<Step>>(rc::gen::construct<Step>(
      rc::gen::inRange(0, 10), rc::gen::inRange(0, 4), rc::gen::inRange<std::int64_t>(500, 5000),
      rc::gen::element(0, 1, 20, 61, 300, 601, 4000)));
}

// What the steps are for a cluster. Executors are replaced under new UIDs, three runs take turns.
std::vector<Observation> Observations(const std::vector<Step>& steps) {
  std::vector<Observation> all;
  std::vector<std::optional<PodFacts>> pods(10);
  base::Time now{std::chrono::hours(24 * 20000)};
  int started = 0;
  for (const auto& step : steps) {
    auto& pod = pods.at(static_cast<std::size_t>(step.executor));
    if (!pod) {
      pod = ClusterStory::Executor("e" + std::to_string(started),
                                   "run" + std::to_string(started / 3 % 7), "s");
      ++started;
      pod->created = now;
      pod->phase = PodPhase::kRunning;
      all.push_back({now, PodEvent{EventType::kAdded, *pod}});
    } else if (step.kind < 2) {
      all.push_back({now, UsageSample{pod->name_space,
                                      pod->name,
                                      now,
                                      {{"spark-kubernetes-executor", MiB(step.peak_mib)}}}});
    } else {
      pod->ended = Termination{"", step.kind == 2 ? "Completed" : "OOMKilled",
                               step.kind == 2 ? 0 : 137, now};
      all.push_back({now, PodEvent{EventType::kModified, *pod}});
      pod->deleted = true;
      all.push_back({now, PodEvent{EventType::kDeleted, *pod}});
      pod.reset();
    }
    now += std::chrono::seconds(step.seconds);
  }
  all.push_back({now + std::chrono::hours(1), NodeEvent{}});
  return all;
}

void Same(const Accuracy& a, const Accuracy& b) {
  RC_ASSERT(a.submitted.covered == b.submitted.covered);
  RC_ASSERT(a.submitted.lacking == b.submitted.lacking);
  RC_ASSERT(a.sized.All() == b.sized.All());
  RC_ASSERT(a.unknown == b.unknown);
  RC_ASSERT(a.unadvised == b.unadvised);
  RC_ASSERT(a.waste == b.waste);
  RC_ASSERT(a.missing == b.missing);
  RC_ASSERT(a.regret == b.regret);
  RC_ASSERT(a.lacking == b.lacking);
  RC_ASSERT(a.part_waste == b.part_waste);
}

Accuracy SumsOf(const controller::Pipeline& pipeline) {
  const auto row = pipeline.Recommend(kKey);
  return row ? row->history->PastAdvice().Sums() : Accuracy{};
}

TEST_CASE("past advice is judged the same in any batching", "[property]") {
  REQUIRE(rc::check([] {
    const auto all = Observations(*Steps());
    controller::Pipeline at_once({});
    for (const auto& observation : all) at_once.Observe(observation);
    controller::Pipeline ticking({});
    auto before = all.front().t;
    for (const auto& observation : all) {
      const auto ticks = *rc::gen::inRange(0, 4);
      for (int i = 1; i <= ticks; ++i) ticking.AdvanceTo(before + (observation.t - before) * i / 4);
      ticking.Observe(observation);
      before = observation.t;
    }
    Same(SumsOf(at_once), SumsOf(ticking));
  }));
}

TEST_CASE("every run is judged once it is over, and sums only grow", "[property]") {
  REQUIRE(rc::check([] {
    const auto all = Observations(*Steps());
    controller::Pipeline pipeline({});
    Accuracy before;
    for (const auto& observation : all) {
      pipeline.Observe(observation);
      const auto now = SumsOf(pipeline);
      RC_ASSERT(now.Judged() >= before.Judged() && now.Covered() >= before.Covered());
      RC_ASSERT(now.waste >= before.waste && now.missing >= before.missing);
      RC_ASSERT(now.regret >= before.regret);
      for (std::size_t part = 0; part < 2; ++part) {
        RC_ASSERT(now.part_waste[part] >= before.part_waste[part]);
        RC_ASSERT(now.part_waste[part] <= now.waste * 1.0001);
        RC_ASSERT(now.lacking[part] <= now.submitted.lacking + now.sized.lacking);
      }
      before = now;
    }
    const auto row = pipeline.Recommend(kKey);
    if (!row) return;
    const auto& sums = row->history->PastAdvice().Sums();
    std::size_t alive = 0;
    for (const auto& application : row->history->Applications()) alive += application.alive > 0;
    // An hour later only runs with a running executor are open; one that went on is several.
    const auto& open = row->history->PastAdvice().Open();
    RC_ASSERT(static_cast<std::size_t>(std::distance(open.begin(), open.end())) == alive);
    RC_ASSERT(sums.Judged() + sums.unknown + sums.unadvised + alive >=
              row->history->Totals().applications);
  }));
}

}  // namespace
}  // namespace sparkfit::model
