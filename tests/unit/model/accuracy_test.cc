// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/model/accuracy.h"

#include <catch2/catch.hpp>

#include "cluster_story.h"
#include "sparkfit/model/history.h"

namespace sparkfit::model {
namespace {

using base::MiB;
using std::chrono::hours;
using std::chrono::minutes;
using test::ClusterStory;

// Of 3072 MiB, as it was submitted unless said otherwise.
Executor Lived(base::Bytes peak, int for_hours = 1) {
  Executor executor;
  executor.size = executor.submitted = {MiB(3072), MiB(2688)};
  executor.created = base::Time{hours(1000)};
  executor.ended = executor.created + hours(for_hours);
  executor.peak = peak;
  return executor;
}

Executor Killed(base::Bytes limit) {
  auto executor = Lived(limit);
  executor.size.limit = executor.submitted.limit = limit;
  executor.oom = true;
  return executor;
}

RunAdvice Run(base::Bytes target, const std::vector<Executor>& executors) {
  RunAdvice run;
  run.target = target;
  for (const auto& executor : executors) run.Add(executor);
  return run;
}

Accuracy Of(const RunAdvice& run) {
  Accuracy accuracy;
  accuracy.Add(run);
  return accuracy;
}

TEST_CASE("a covered run wastes what it did not use, and regrets what its largest did not",
          "[model][accuracy]") {
  // Target 2048: (2048 − 1024) × 1 h + (2048 − 1536) × 2 h = 2048 MiB·h = 2 GiB·h; one size for all
  // is 1536: (2048 − 1536) × 3 h = 1536 MiB·h = 1.5 GiB·h.
  const auto run = Run(MiB(2048), {Lived(MiB(1024), 1), Lived(MiB(1536), 2)});
  CHECK(run.GetVerdict() == Verdict::kCovered);
  const auto accuracy = Of(run);
  CHECK(accuracy.submitted.covered == 1);
  CHECK(accuracy.Judged() == 1);
  CHECK(accuracy.waste == Approx(2));
  CHECK(accuracy.regret == Approx(1.5));
  CHECK(accuracy.missing == 0);
}

TEST_CASE("a need of exactly the target is covered, a byte more is not", "[model][accuracy]") {
  CHECK(Run(MiB(2048), {Lived(MiB(2048))}).GetVerdict() == Verdict::kCovered);
  CHECK(Run(MiB(2048), {Lived(MiB(2048) + base::Bytes{1})}).GetVerdict() == Verdict::kLacking);
}

TEST_CASE("a run that is not covered lacks what executors needed on top, and loses their attempts",
          "[model][accuracy]") {
  // Target 2048. One needs 3072 for two hours: 1024 × 2 h = 2 GiB·h are missing, its attempt of
  // 2048 × 2 h = 4 GiB·h would be lost. The other fits and is no waste of a run that failed.
  const auto run = Run(MiB(2048), {Lived(MiB(3072), 2), Lived(MiB(1024), 1)});
  CHECK(run.GetVerdict() == Verdict::kLacking);
  CHECK(run.lacking == 1);
  const auto accuracy = Of(run);
  CHECK(accuracy.submitted.lacking == 1);
  CHECK(accuracy.missing == Approx(2));
  CHECK(accuracy.regret == Approx(4));
  CHECK(accuracy.waste == 0);
}

TEST_CASE("who died needed more than it had", "[model][accuracy]") {
  // With at least the target, to the MiB: that was not enough.
  CHECK(Run(MiB(2048), {Killed(MiB(2048))}).GetVerdict() == Verdict::kLacking);
  CHECK(Run(MiB(2048), {Killed(MiB(4096))}).GetVerdict() == Verdict::kLacking);
  CHECK(Run(MiB(2048), {Killed(MiB(2048) - base::Bytes{1})}).GetVerdict() == Verdict::kLacking);
  // With less: nobody knows whether the target would have been, whatever the others show …
  CHECK(Run(MiB(2048), {Killed(MiB(2047))}).GetVerdict() == Verdict::kUnknown);
  CHECK(Run(MiB(2048), {Killed(MiB(2047)), Lived(MiB(1000))}).GetVerdict() == Verdict::kUnknown);
  // … unless one of them needed more.
  CHECK(Run(MiB(2048), {Killed(MiB(2047)), Lived(MiB(3000))}).GetVerdict() == Verdict::kLacking);
}

TEST_CASE("what is not known is neither covered nor not", "[model][accuracy]") {
  CHECK(Run(MiB(2048), {Lived({})}).GetVerdict() == Verdict::kUnknown);
  CHECK(Run({}, {Lived(MiB(1000))}).GetVerdict() == Verdict::kUnadvised);
  auto other = Lived(MiB(3000));
  other.comparable = false;
  CHECK(Run(MiB(2048), {other}).GetVerdict() == Verdict::kUnknown);
  CHECK(Run(MiB(2048), {other, Lived(MiB(1000))}).GetVerdict() == Verdict::kCovered);
  Accuracy accuracy;
  accuracy.Add(Run(MiB(2048), {Lived({})}));
  accuracy.Add(Run({}, {Lived(MiB(1000))}));
  CHECK(accuracy.Judged() == 0);
  CHECK(accuracy.unknown == 1);
  CHECK(accuracy.unadvised == 1);
  CHECK(accuracy.waste + accuracy.missing + accuracy.regret == 0);
}

TEST_CASE("runs that were sized count apart from those that ran as submitted",
          "[model][accuracy]") {
  auto sized = Lived(MiB(1024));
  sized.size.limit = MiB(2048);
  Accuracy accuracy;
  accuracy.Add(Run(MiB(2048), {sized, Lived(MiB(1000))}));
  accuracy.Add(Run(MiB(2048), {Lived(MiB(1024))}));
  accuracy.Add(Run(MiB(2048), {Lived(MiB(3000))}));
  CHECK(accuracy.sized.covered == 1);
  CHECK(accuracy.sized.All() == 1);
  CHECK(accuracy.submitted.covered == 1);
  CHECK(accuracy.submitted.lacking == 1);
}

TEST_CASE("a lifetime that nobody knows weighs nothing", "[model][accuracy]") {
  auto executor = Lived(MiB(1024));
  executor.created = {};
  CHECK(Of(Run(MiB(2048), {executor})).waste == 0);
}

// Executors of 4505 MiB; advised is twice the largest peak.
struct Story {
  static controller::PipelineOptions Options() {
    controller::PipelineOptions options;
    options.policy = *recommend::ParsePolicy("max:margin=1");
    return options;
  }
  PodFacts Begin(const std::string& uid, const std::string& application, base::Bytes peak) {
    auto pod = ClusterStory::Executor(uid, application, "s");
    story.Run(pod);
    story.Use(pod, peak);
    return pod;
  }
  void End(PodFacts& pod) {
    story.Terminate(pod, "Completed", 0);
    story.Delete(pod);
  }
  Accuracy Now() { return story.Only().history->PastAdvice().Sums(); }

  ClusterStory story{Options()};
};

TEST_CASE("a run is judged when it is over and late samples are too", "[model][accuracy]") {
  Story s;
  auto first = s.Begin("a", "one", MiB(1000));
  s.End(first);
  s.story.Pass(hours(1));
  CHECK(s.Now().unadvised == 1);
  auto second = s.Begin("b", "two", MiB(1500));
  auto driver = ClusterStory::Driver("d", "two");
  s.story.Pod(EventType::kAdded, driver);
  s.story.Delete(driver);
  CHECK(s.Now().Judged() == 0);  // the driver is gone, its executor is not
  s.End(second);
  CHECK(s.Now().Judged() == 0);  // a late sample may show that it needed more
  s.story.UseAt(second, MiB(3000), s.story.now - std::chrono::seconds(4));
  s.story.Pass(minutes(2));
  CHECK(s.Now().submitted.lacking == 1);  // 3000 > 2 × 1000
  CHECK(s.Now().Judged() == 1);
}

TEST_CASE("the advice at the start of the run counts, for all of its executors",
          "[model][accuracy]") {
  // Advised 2000. The first executor's 1500 raises the advice to 3000; the second needs 2500, which
  // the run was not advised.
  Story s;
  auto first = s.Begin("a", "one", MiB(1000));
  s.End(first);
  s.story.Pass(hours(1));
  auto second = s.Begin("b", "two", MiB(1500));
  s.End(second);
  s.story.Pass(minutes(5));
  auto third = s.Begin("c", "two", MiB(2500));
  s.End(third);
  s.story.Pass(hours(1));
  CHECK(s.Now().submitted.lacking == 1);
  CHECK(s.Now().Judged() == 1);
}

TEST_CASE("an application that goes on after it was judged is another run", "[model][accuracy]") {
  Story s;
  auto first = s.Begin("a", "one", MiB(1000));
  s.End(first);
  for (const auto* uid : {"b", "c"}) {
    s.story.Pass(hours(1));
    auto pod = s.Begin(uid, "two", MiB(1500));
    s.End(pod);
  }
  s.story.Pass(hours(1));
  CHECK(s.Now().submitted.covered == 2);
  CHECK(s.story.Only().history->Totals().applications == 2);
}

TEST_CASE("a run that the ring forgot before its executors were sealed is judged",
          "[model][accuracy]") {
  // Twenty runs within a minute; the ring holds 16.
  Story s;
  auto first = s.Begin("a", "one", MiB(1000));
  s.End(first);
  s.story.Pass(hours(1));
  for (int i = 0; i < 20; ++i) {
    auto pod = s.Begin("e" + std::to_string(i), "app" + std::to_string(i), MiB(1000));
    pod.ended = Termination{"", "Completed", 0, std::nullopt};
    s.story.Delete(pod);
  }
  s.story.Pass(hours(1));
  CHECK(s.Now().submitted.covered == 20);
  CHECK(s.story.Only().history->PastAdvice().Open().empty());
}

// Each executor that starts or is sealed looks for its run among these.
TEST_CASE("of more runs at a time than there may be the others are not judged",
          "[model][accuracy]") {
  AdviceBook book;
  const auto name = [](std::size_t number) { return "app-" + std::to_string(number); };
  for (std::size_t i = 0; i < AdviceBook::kMostOpen + 5; ++i) book.Start(name(i), MiB(3072));
  const auto open = [&] { return std::distance(book.Open().begin(), book.Open().end()); };
  CHECK(open() == AdviceBook::kMostOpen);
  for (const auto number : {AdviceBook::kMostOpen + 1, std::size_t{0}}) {
    auto executor = Lived(MiB(1000));
    executor.application = name(number);
    book.Seal(executor);
    book.Judge(executor.application);
  }
  CHECK(book.Sums().Judged() == 1);
  CHECK(open() == AdviceBook::kMostOpen - 1);
  // A checkpoint may hold more.
  std::forward_list<AdviceBook::OpenRun> many;
  for (std::size_t i = 0; i < AdviceBook::kMostOpen + 5; ++i) many.emplace_front();
  book.Load({}, many);
  CHECK(open() == AdviceBook::kMostOpen);
}

}  // namespace
}  // namespace sparkfit::model
