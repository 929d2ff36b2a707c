// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/model/history.h"

#include <catch2/catch.hpp>

#include "history_builder.h"

namespace sparkfit::model {
namespace {

using base::MiB;
using test::DefaultSize;
using test::HistoryBuilder;

TEST_CASE("coverage counts distinct timestamps: none, few, many", "[model][history]") {
  Executor executor;
  const base::Time t{std::chrono::hours(1)};
  CHECK(executor.GetCoverage() == Coverage::kNone);
  CHECK(executor.AddSample(MiB(1), t));
  CHECK_FALSE(executor.AddSample(MiB(2), t));  // the same instant again
  CHECK(executor.GetCoverage() == Coverage::kFew);
  CHECK(executor.AddSample(MiB(1), t + std::chrono::seconds(2)));
  CHECK_FALSE(executor.AddSample(MiB(1), t));  // late and known
  CHECK(executor.GetCoverage() == Coverage::kFew);
  CHECK(executor.AddSample(MiB(1), t + std::chrono::seconds(1)));  // late and new
  CHECK(executor.GetCoverage() == Coverage::kMany);
  CHECK(executor.peak == MiB(2));
  CHECK(executor.last_sample == t + std::chrono::seconds(2));
}

TEST_CASE("a live executor's peak counts at once, an ended one's exactly once",
          "[model][history]") {
  HistoryBuilder b;
  const auto uid = b.Start("app-1", DefaultSize(4096));
  b.Sample(uid, MiB(1000));
  CHECK(b.history.PeakCount() == 1);
  CHECK_FALSE(b.history.Peaks().Empty());
  b.history.End(b.Find(uid), b.now);
  CHECK(b.history.PeakCount() == 1);
  b.history.Seal(uid);
  b.history.Seal(uid);
  CHECK(b.history.PeakCount() == 1);
  CHECK(b.history.Executors().empty());
  CHECK(b.history.LargestPeak() == MiB(1000));
}

TEST_CASE("a run is as large as its largest executor, a live one included", "[model][history]") {
  HistoryBuilder b;
  const auto one = b.Start("app-1", DefaultSize(4096));
  const auto two = b.Start("app-1", DefaultSize(4096));
  b.Sample(one, MiB(1000));
  b.End(one);
  CHECK(b.history.Runs().at(0).peak == MiB(1000));
  b.Sample(two, MiB(1500));
  CHECK(b.history.EndedRuns().Aged(0).peak == MiB(1000));
  CHECK(b.history.Runs().at(0).peak == MiB(1500));
  b.End(two);
  b.Run("app-2", DefaultSize(4096), MiB(800));
  const auto runs = b.history.EndedRuns().Runs();
  REQUIRE(runs.size() == 2);
  CHECK(runs[0].peak == MiB(1500));
  CHECK(runs[0].executors == 2);
  // Started a minute apart, three samples of a minute each: 5 and 8 minutes.
  CHECK(runs[0].lifetimes == std::chrono::minutes(13));
  CHECK(b.history.Runs() == runs);
}

TEST_CASE("only runs of the shape that counts are runs", "[model][history]") {
  HistoryBuilder b;
  b.Run("app-1", DefaultSize(4096), MiB(1000), "1");
  b.Run("app-2", DefaultSize(4096), MiB(3000), "2");
  CHECK(b.history.EndedRuns().Size() == 2);
  REQUIRE(b.history.Runs().size() == 1);
  CHECK(b.history.Runs()[0].peak == MiB(3000));
}

TEST_CASE("an executor that was never sampled leaves no peak", "[model][history]") {
  HistoryBuilder b;
  b.End(b.Start("app-1", DefaultSize(4096)));
  CHECK(b.history.Peaks().Empty());
  CHECK(b.history.PeakCount() == 0);
  CHECK(b.history.Totals().executors == 1);
}

TEST_CASE("an executor killed at its limit needed at least that", "[model][history]") {
  HistoryBuilder b;
  const auto uid = b.Start("app-1", DefaultSize(4096));
  b.Sample(uid, MiB(1000));
  b.Oom(uid, OomKind::kContainer);
  CHECK(b.history.LargestPeak() == MiB(4096 + 409));
  const auto heap = b.Start("app-1", DefaultSize(4096));
  b.Sample(heap, MiB(2000));
  b.Oom(heap, OomKind::kHeap);  // says nothing about the container
  CHECK(b.history.Totals().container_ooms == 1);
  CHECK(b.history.Totals().heap_ooms == 1);
  CHECK(b.history.PeakCount() == 2);
}

TEST_CASE("sixteen applications are kept, running ones longer", "[model][history]") {
  HistoryBuilder b;
  const auto running = b.Start("running", DefaultSize(4096));
  for (int i = 0; i < 40; ++i) b.Run("app-" + std::to_string(i), DefaultSize(4096), MiB(1000));
  CHECK(b.history.Applications().size() == KeyHistory::kApplications);
  CHECK(b.history.FindApplication("running") != nullptr);
  CHECK(b.history.FindApplication("app-39") != nullptr);
  CHECK(b.history.FindApplication("app-20") == nullptr);
  CHECK(b.history.Totals().applications == 41);
  b.End(running);
  b.Run("app-40", DefaultSize(4096), MiB(1000));
  CHECK(b.history.FindApplication("running") == nullptr);
}

TEST_CASE("each of forty runs that overlap is learnt from", "[model][history]") {
  HistoryBuilder b;
  const auto outcome = GENERATE(Outcome::kSucceeded, Outcome::kUnseen);
  const auto name = [](int i) { return "app-" + std::to_string(i); };
  std::vector<std::string> uids;
  std::size_t learnt = 0;
  for (int i = 0; i < 70; ++i) {
    uids.push_back(b.Start(name(i), DefaultSize(4096)));
    b.Sample(uids.back(), MiB(1000), 3);
    // One ends with each that starts; late samples of it are over when five more have started.
    if (i >= 40) {
      b.history.End(b.Find(uids[static_cast<std::size_t>(i - 40)]), b.now);
      if (outcome != Outcome::kUnseen) b.history.EndApplication(name(i - 40), outcome);
    }
    if (i >= 45) b.history.Seal(uids[static_cast<std::size_t>(i - 45)]);
    for (const auto& run : b.history.TakeFinished()) learnt += run.summary.outcome == outcome;
  }
  // Of 30 that ended the late samples of 25 are over.
  CHECK(learnt == (outcome == Outcome::kUnseen ? 25 : 30));
  CHECK(b.history.LatestEnded() != nullptr);
}

TEST_CASE("executors of a run that is not remembered change no shape", "[model][history]") {
  HistoryBuilder b;
  for (std::size_t i = 0; i < KeyHistory::kMostApplications; ++i) {
    b.Start("app-" + std::to_string(i), DefaultSize(4096));
  }
  const auto id = b.Shape().id;
  model::Executor other;
  other.application = "further";
  other.size = other.submitted = DefaultSize(1024);
  other.shape = b.Shape().shape;
  other.shape.cores = "8";
  const auto& started = b.history.Start("other", other, b.now);
  CHECK_FALSE(started.comparable);
  CHECK(b.Shape().id == id);
  CHECK(b.Shape().submitted == DefaultSize(4096));
}

TEST_CASE("of more runs at once than are remembered executors count all the same",
          "[model][history]") {
  HistoryBuilder b;
  std::vector<std::string> uids;
  for (std::size_t i = 0; i < KeyHistory::kMostApplications + 2; ++i) {
    uids.push_back(b.Start("app-" + std::to_string(i), DefaultSize(4096)));
    b.Sample(uids.back(), MiB(1000));
  }
  CHECK(b.history.Applications().size() == KeyHistory::kMostApplications);
  CHECK(b.history.Totals().applications == KeyHistory::kMostApplications);
  CHECK(b.history.Totals().executors == KeyHistory::kMostApplications + 2);
  CHECK(b.history.PeakCount() == KeyHistory::kMostApplications + 2);
  for (const auto& uid : uids) b.End(uid);
  CHECK(b.history.PeakCount() == KeyHistory::kMostApplications + 2);
  CHECK(b.history.Runs().size() == model::RunRing::kRuns);
  for (const auto& application : b.history.Applications()) CHECK(application.alive == 0);
  b.Run("next", DefaultSize(4096), MiB(1000));
  CHECK(b.history.FindApplication("next") != nullptr);
  CHECK(b.history.Applications().size() == KeyHistory::kApplications);
}

TEST_CASE("a run that finds a place late has the executors that started since",
          "[model][history]") {
  HistoryBuilder b;
  std::vector<std::string> uids;
  for (std::size_t i = 0; i < KeyHistory::kMostApplications; ++i) {
    uids.push_back(b.Start("app-" + std::to_string(i), DefaultSize(4096)));
  }
  const auto before = b.Start("late", DefaultSize(4096));
  CHECK(b.history.FindApplication("late") == nullptr);
  b.End(uids.front());
  b.EndApplication("app-0");
  const auto after = b.Start("late", DefaultSize(4096));
  const auto* late = b.history.FindApplication("late");
  REQUIRE(late != nullptr);
  CHECK(late->alive == 1);
  b.End(before);
  CHECK(b.history.FindApplication("late")->alive == 1);
  CHECK(b.history.FindApplication("late")->unsealed == 1);
  b.End(after);
  CHECK(b.history.FindApplication("late")->alive == 0);
  CHECK(b.history.FindApplication("late")->unsealed == 0);
}

TEST_CASE("a later application ends those that have no executor left", "[model][history]") {
  HistoryBuilder b;
  const auto first = b.Start("app-1", DefaultSize(4096));
  const auto second = b.Start("app-2", DefaultSize(4096));
  CHECK_FALSE(b.history.FindApplication("app-1")->ended);  // it has one left
  b.End(first);
  CHECK(b.history.FindApplication("app-1")->ended);
  b.End(second);
  CHECK_FALSE(b.history.FindApplication("app-2")->ended);  // none is later
  b.history.EndApplication("app-2");
  CHECK(b.history.FindApplication("app-2")->ended);
}

TEST_CASE("executors of another shape than their application's first are not sampled",
          "[model][history]") {
  HistoryBuilder b;
  const auto first = b.Start("app-1", DefaultSize(4096), "4");
  const auto odd = b.Start("app-1", DefaultSize(4096), "1");  // Spark 4.2's recovery mode
  b.Sample(first, MiB(1000));
  b.Sample(odd, MiB(3000));
  CHECK(b.history.LargestPeak() == MiB(1000));
  CHECK(b.history.PeakCount() == 1);
  CHECK(b.history.Totals().coverage[0] == 1);  // none
  CHECK(b.history.Totals().coverage[2] == 1);  // many
}

TEST_CASE("samples of other shapes count until the new shape is proven", "[model][history]") {
  HistoryBuilder b;
  b.Run("app-1", DefaultSize(8192), MiB(6000), "4");
  const auto uid = b.Start("app-2", DefaultSize(4096), "2");
  b.Sample(uid, MiB(2000));
  CHECK_FALSE(b.history.CurrentShape()->proven);
  CHECK(b.history.LargestPeak() == MiB(6000));
  CHECK(b.history.PeakCount() == 2);
  b.End(uid);
  b.history.EndApplication("app-2");
  CHECK(b.history.CurrentShape()->proven);
  CHECK(b.history.LargestPeak() == MiB(2000));
  CHECK(b.history.PeakCount() == 1);
  // Back to the old shape: what it needed is still known.
  b.Start("app-3", DefaultSize(8192), "4");
  CHECK(b.history.LargestPeak() == MiB(6000));
}

TEST_CASE("an upgrade to another release line of Spark is another shape", "[model][history]") {
  HistoryBuilder b;
  b.Run("app-1", DefaultSize(8192), MiB(6000));  // written down before lines were
  b.line = {3, 5};
  b.Run("app-2", DefaultSize(8192), MiB(5000));
  REQUIRE(b.history.CurrentShape()->shape.spark == b.line);
  CHECK(b.history.PeakCount() == 2);
  b.line = {4, 0};
  b.Run("app-3", DefaultSize(8192), MiB(2000));
  CHECK(b.history.LargestPeak() == MiB(2000));
  CHECK(b.history.PeakCount() == 1);
}

TEST_CASE("a sample that comes after the application's end still proves its shape",
          "[model][history]") {
  HistoryBuilder b;
  const auto uid = b.Start("app-1", DefaultSize(4096));
  b.history.End(b.Find(uid), b.now);
  b.history.EndApplication("app-1");
  CHECK_FALSE(b.history.CurrentShape()->proven);
  b.Sample(uid, MiB(2000), 1);
  CHECK(b.history.CurrentShape()->proven);
}

TEST_CASE("a run whose driver was seen to end tells of its size before late samples are over",
          "[model][history]") {
  HistoryBuilder b;
  const auto outcome = GENERATE(Outcome::kSucceeded, Outcome::kUnseen);
  const auto uid = b.Start("app-1", DefaultSize(4096));
  b.Sample(uid, MiB(1000), GENERATE(2, 3));
  const bool often = b.Find(uid).GetCoverage() == Coverage::kMany;
  b.history.EndApplication("app-1", outcome);
  CHECK(b.history.TakeFinished().empty());  // its executor is still there
  b.history.End(b.Find(uid), b.now);
  // The next run may start at once. Too few samples: more may come.
  const bool at_once = outcome == Outcome::kSucceeded && often;
  CHECK(b.history.TakeFinished().size() == (at_once ? 1 : 0));
  b.history.Seal(uid);
  CHECK(b.history.TakeFinished().size() == (at_once ? 0 : 1));
}

TEST_CASE("the overlay gives the same percentiles whatever the order of its executors",
          "[model][history]") {
  HistoryBuilder forwards;
  HistoryBuilder backwards;
  const auto at = forwards.now;
  for (int i = 0; i < 50; ++i) {
    const auto one = forwards.Start("app", DefaultSize(8192));
    const auto other = backwards.Start("app", DefaultSize(8192));
    forwards.now = backwards.now = at;  // every peak weighs the same
    forwards.Sample(one, MiB(100 + i * 97), 1);
    backwards.Sample(other, MiB(100 + (49 - i) * 97), 1);
  }
  for (const double p : {0.1, 0.5, 0.9}) {
    CHECK(forwards.history.Peaks().Percentile(p) == backwards.history.Peaks().Percentile(p));
  }
}

constexpr auto kHour = std::chrono::hours(1);

// A run of one executor that had `first`, and `then` for the last of ten hours, and used so much.
ExecutorSize WellAfter(const ExecutorSize& first, const ExecutorSize& then, base::Bytes used) {
  HistoryBuilder b;
  const auto uid = b.Start("app-1", first, "1", DefaultSize(4096));
  b.Sample(uid, used);
  b.now = b.Find(uid).created + 9 * kHour + std::chrono::minutes(30);
  b.history.Resize(b.Find(uid), then, b.now);
  b.now += std::chrono::minutes(30);
  b.End(uid);
  b.EndApplication("app-1");
  return b.Shape().well;
}

TEST_CASE("an executor that was resized proves the size that it had for nearly all of its life",
          "[model][history]") {
  CHECK(WellAfter(DefaultSize(4096), DefaultSize(2048), MiB(1000)) == DefaultSize(4096));
  CHECK(WellAfter(DefaultSize(2048), DefaultSize(4096), MiB(1000)) == DefaultSize(2048));
  // It used more than that afterwards, so that it was not enough.
  CHECK(WellAfter(DefaultSize(2048), DefaultSize(4096), MiB(3000)) == ExecutorSize{});
}

TEST_CASE("a size that an executor had for a moment is not proven", "[model][history]") {
  HistoryBuilder b;
  const auto large = DefaultSize(4096);
  const auto small = DefaultSize(1024);
  // The run's first executor is small and lives for some minutes; the other one is, at last.
  const auto brief = b.Start("app-1", small, "1", large);
  const auto shrunk = b.Start("app-1", large);
  b.Sample(shrunk, MiB(1000));
  b.End(brief);
  b.now += 98 * kHour;
  b.history.Resize(b.Find(shrunk), small, b.now);
  b.history.Resize(b.Find(shrunk), small, b.now + kHour);  // that is none
  b.now += 2 * kHour;
  b.End(shrunk);
  b.EndApplication("app-1");
  const auto& run = b.history.Applications().back();
  CHECK(run.elsewhere >= 98 * kHour);
  CHECK(run.at_size < 3 * kHour);
  CHECK(b.Shape().well == ExecutorSize{});
}

TEST_CASE("a change of size before an executor runs or after it ended is none",
          "[model][history]") {
  HistoryBuilder b;
  Executor executor;
  executor.application = "app-1";
  executor.size = DefaultSize(4096);
  executor.submitted = executor.size;
  executor.shape = {"1", OverheadClass::kDefaultJvm};
  executor.created = b.now;
  auto& live = b.history.Start("uid", executor, b.now);
  b.history.Resize(live, DefaultSize(2048), b.now + kHour);
  b.history.Ran(live);
  b.history.End(live, b.now + 2 * kHour);
  b.history.Resize(live, DefaultSize(1024), b.now + 3 * kHour);
  CHECK(live.size == DefaultSize(2048));
  CHECK(b.history.Applications().back().at_size == 2 * kHour);
  CHECK(b.history.Applications().back().elsewhere == base::Duration{});
}

}  // namespace
}  // namespace sparkfit::model
