// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/eventlog/observations.h"

#include <catch2/catch.hpp>
#include <set>

#include "event_log.h"
#include "sparkfit/controller/pipeline.h"
#include "sparkfit/eventlog/reader.h"
#include "sparkfit/eventlog/sizes.h"
#include "sparkfit/replay/observation_reader.h"
#include "sparkfit/replay/replay.h"
#include "sparkfit/wire/observation_log.h"

namespace sparkfit::eventlog {
namespace {

using base::GiB;
using base::MiB;
constexpr auto kStart = test::kLogStart;
const model::SignatureRules kNoRules;

std::vector<Application> Read(const std::string& text,
                              const model::SignatureRules& rules = kNoRules) {
  const Properties wanted(rules);
  LogReader reader(wanted);
  return reader.Read(
      {"log", {"log"}, 0, false},
      [&](const std::string&) {
        return base::Result<std::unique_ptr<replay::ByteSource>>(replay::FromMemory(text));
      },
      [](std::uint64_t) { return true; });
}

struct Imported {
  std::string log;
  ObservedCounts counts;
};
Imported Import(const std::vector<std::string>& texts,
                const model::SignatureRules& rules = kNoRules, OtherLog* other = nullptr) {
  std::vector<Application> applications;
  for (const auto& text : texts) {
    for (auto& application : Read(text, rules)) applications.push_back(std::move(application));
  }
  Observations observations(std::move(applications), rules);
  Imported imported;
  CHECK(observations.Write([&](std::string_view line) { imported.log += line; }, other));
  imported.counts = observations.Counts();
  return imported;
}

// What replay makes of it.
class Replayed {
 public:
  explicit Replayed(const std::string& log, const recommend::Policy& policy = {})
      : pipeline_(Options(policy)) {
    REQUIRE(reader_.Add("log", replay::FromMemory(log)));
    const auto rows = replay::Replay(reader_, pipeline_, std::nullopt, [](std::uint64_t) {});
    REQUIRE(rows);
    CHECK(reader_.GetProblems().Count() == 0);
    CHECK(pipeline_.GetUnused().out_of_order == 0);
    rows_ = *rows;
  }
  [[nodiscard]] const replay::ReplayRow& Only() const {
    REQUIRE(rows_.size() == 1);
    return rows_.front();
  }
  [[nodiscard]] const model::KeyHistory& History() {
    results_ = pipeline_.Recommend();
    REQUIRE(results_.size() == 1);
    return *results_.front().history;
  }

 private:
  static controller::PipelineOptions Options(const recommend::Policy& policy) {
    controller::PipelineOptions options;
    options.policy = policy;
    return options;
  }
  replay::ObservationReader reader_;
  controller::Pipeline pipeline_;
  std::vector<replay::ReplayRow> rows_;
  std::vector<controller::KeyRecommendation> results_;
};

std::string Tasks(const std::string& executor, std::int64_t rss, int count = 4) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    text += test::Task({.executor = executor,
                        .finished = kStart + 60'000 + 20'000 * i,
                        .heap = rss / 2,
                        .jvm_rss = rss - i});
  }
  return text;
}

TEST_CASE("a log of one run is what somebody would have recorded", "[eventlog]") {
  const auto imported =
      Import({test::Head() + test::Added("1") + test::Added("2", kStart + 20'000) +
              Tasks("1", MiB(800).value) + Tasks("2", MiB(900).value) + test::ApplicationEnd()});
  CHECK(imported.counts.applications == 1);
  CHECK(imported.counts.executors == 2);
  CHECK(imported.counts.samples == 8);
  CHECK(imported.counts.unsampled + imported.counts.cut + imported.counts.no_signature == 0);
  Replayed replayed(imported.log);
  const auto& row = replayed.Only();
  CHECK(row.key.name_space == "jobs");
  CHECK(row.key.signature == "nightly");
  CHECK(row.totals.applications == 1);
  CHECK(row.totals.executors == 2);
  CHECK(row.peak == MiB(900));
  CHECK(row.request == MiB(1024 + 384));  // Spark's default overhead, 384 MiB at least
  CHECK(row.recommendation.target);
  const auto& history = replayed.History();
  const auto& run = history.Applications().back();
  CHECK(run.ended);
  CHECK(run.outcome == model::Outcome::kSucceeded);
  CHECK(run.WentWell());
  // What its driver told: collections 2 × 4 × 500 ms of 80 s.
  REQUIRE(history.Conducts().size() == 1);
  CHECK(history.Conducts()[0].whole);
  CHECK(history.Conducts()[0].collecting == Approx(4.0 / 80));
  CHECK(history.Conducts()[0].executors == 2);
}

TEST_CASE("without a sample nothing is recommended", "[eventlog]") {
  const auto imported = Import({test::Head() + test::Added("1") +
                                test::Task({.heap = MiB(900).value}) + test::ApplicationEnd()});
  CHECK(imported.counts.samples == 0);
  CHECK(imported.counts.unsampled == 1);
  Replayed replayed(imported.log, recommend::ParsePolicy("adaptive").value());
  CHECK(replayed.Only().peak.value == 0);
  CHECK_FALSE(replayed.Only().recommendation.target);
  // 500 ms of 10 s.
  CHECK(
      replayed.Only().explanation ==
      "No executor was sampled yet, so there is no recommendation. By its driver, collections took "
      "5.0 % of the time of tasks in the latest run.");
}

TEST_CASE("ends have the causes that the live cluster would have shown", "[eventlog]") {
  const auto row = [](const std::string& reason, const std::string& task = "") {
    Replayed replayed(
        Import({test::Head() + test::Added("1") + test::BlockManager("1", 455'501'414) +
                Tasks("1", MiB(900).value) + task + test::Removed("1", kStart + 130'000, reason) +
                test::ApplicationEnd()})
            .log);
    const auto& run = replayed.History().Applications().back();
    const auto& totals = replayed.Only().totals;
    return std::tuple(totals.container_ooms, totals.heap_ooms, totals.unknown_ends, run.lost);
  };
  using Ends = std::tuple<std::uint64_t, std::uint64_t, std::uint64_t, std::uint32_t>;
  CHECK(row(test::Ended(137, "…", "OOMKilled")) == Ends{1, 0, 0, 1});
  CHECK(row(test::Ended(52, "JVM OOM", "Error")) == Ends{0, 1, 0, 1});
  CHECK(row(test::Ended(137, "…", "Error")) == Ends{0, 0, 1, 1});
  CHECK(row(test::Ended(1, "generic", "Error")) == Ends{0, 0, 0, 1});
  CHECK(row("Executor killed by driver.") == Ends{0, 0, 0, 0});
  CHECK(row("The executor with id 1 was deleted by a user or the framework.") == Ends{0, 0, 0, 1});
  CHECK(row("Executor heartbeat timed out after 130000 ms") == Ends{0, 0, 1, 1});
  // Its driver did not hear why, but a task met a full heap.
  const auto oom =
      test::Task({.reason = R"({"Reason":"ExceptionFailure","Class Name":)"
                            R"("java.lang.OutOfMemoryError","Description":"Java heap space"})"});
  CHECK(row("Remote RPC client disassociated. Likely …", oom) == Ends{0, 1, 0, 1});
}

TEST_CASE("exit codes of JVM options are known from the properties", "[eventlog]") {
  const auto text =
      test::Head() +
      test::Environment(R"("spark.executor.extraJavaOptions":"-XX:+ExitOnOutOfMemoryError")") +
      test::Added("1") + test::Removed("1", kStart + 130'000, test::Ended(3, "…", "Error")) +
      test::ApplicationEnd();
  CHECK(Replayed(Import({text}).log).Only().totals.heap_ooms == 1);
}

TEST_CASE("an application that did not say that it ended proves nothing", "[eventlog]") {
  const auto imported = Import({test::Head() + test::Added("1") + Tasks("1", MiB(800).value)});
  CHECK(imported.counts.cut == 1);
  Replayed replayed(imported.log);
  const auto& run = replayed.History().Applications().back();
  CHECK(run.outcome == model::Outcome::kInterrupted);
  CHECK(run.alive == 0);
  CHECK_FALSE(run.WentWell());
}

TEST_CASE("of two logs of one application the whole one counts", "[eventlog]") {
  const auto begun = test::Head() + test::Added("1") + Tasks("1", MiB(800).value);
  const auto whole = begun + test::Added("2") + test::ApplicationEnd();
  const auto imported = Import({begun, whole, begun});
  CHECK(imported.counts.twice == 2);
  CHECK(imported.counts.executors == 2);
  CHECK(imported.log == Import({whole}).log);
}

TEST_CASE("usage that another log knows takes the place of resident memory", "[eventlog]") {
  const auto at = [](std::int64_t ms) { return base::Time(base::Duration(kStart + ms)); };
  model::PodFacts pod;
  pod.name_space = "jobs";
  pod.name = "nightly-abc-exec-1";
  pod.uid = "of-prometheus";
  pod.role = model::PodRole::kExecutor;
  pod.created = at(15'000);
  pod.container = "main";
  pod.size = pod.submitted = {GiB(9), std::nullopt};
  auto stranger = pod;
  stranger.name = "stranger";
  stranger.uid = "stranger";
  std::string log;
  const auto add = [&](std::int64_t ms, auto what) {
    log += wire::WriteLine({at(ms), std::move(what)});
  };
  const auto use = [&](std::int64_t ms, const std::string& name, base::Bytes used) {
    add(ms, model::UsageSample{"jobs", name, at(ms), {{"proxy", GiB(5)}, {"main", used}}});
  };
  add(15'000, model::PodEvent{model::EventType::kAdded, pod});
  add(16'000, model::PodEvent{model::EventType::kAdded, stranger});
  use(20'000, pod.name, MiB(1000));
  use(50'000, pod.name, MiB(1200));
  use(80'000, stranger.name, MiB(3000));
  const auto open = [&] {
    return base::Result<std::unique_ptr<replay::ByteSource>>(replay::FromMemory(log));
  };
  const auto text = test::Head() + test::Added("1") + test::Added("2") +
                    Tasks("1", MiB(800).value) + Tasks("2", MiB(700).value) +
                    test::ApplicationEnd();
  auto other = OtherLog::Read("other", open);
  REQUIRE(other);
  const auto imported = Import({text}, kNoRules, other->get());
  CHECK(imported.counts.joined == 1);
  CHECK(imported.counts.samples == 4);  // executor 2's
  CHECK(imported.log.find("of-prometheus") == std::string::npos);
  CHECK(imported.log.find("stranger") != std::string::npos);
  Replayed replayed(imported.log);
  CHECK(replayed.Only().totals.executors == 2);
  CHECK(replayed.Only().peak == MiB(1200));
  CHECK(replayed.Only().request == MiB(1024 + 384));
}

TEST_CASE("lines are in order of time, whatever order the logs have", "[eventlog]") {
  const auto log = [](int i) {
    const auto id = "spark-" + std::to_string(i);
    return test::Head(id, kStart - i * 1000) + test::Added("1", kStart + i * 7000) +
           Tasks("1", MiB(500 + i).value) + test::ApplicationEnd(kStart + 300'000 - i);
  };
  const auto there = Import({log(0), log(1), log(2)});
  const auto back = Import({log(2), log(0), log(1)});
  CHECK(there.log == back.log);
  Replayed replayed(there.log);
  CHECK(replayed.Only().totals.applications == 3);
}

TEST_CASE("signatures come by rules from labels, properties and names, where asked", "[eventlog]") {
  const auto text = test::LogStart() +
                    test::Environment(R"("spark.kubernetes.namespace":"jobs",)"
                                      R"("spark.kubernetes.executor.label.team":"a",)"
                                      R"("spark.yarn.queue":"q")") +
                    test::ApplicationStart("spark-1", "load_2026_09_21") + test::Added("1") +
                    test::Task({}) + test::ApplicationEnd();
  const auto signature = [&](const char* rule) {
    const auto rules = model::SignatureRules::Parse(rule).value();
    return Replayed(Import({text}, rules).log).Only().key.signature;
  };
  CHECK(signature("{app-name}") == "load");
  CHECK(signature("{team}/{app-name}") == "a/load");
  CHECK(signature("{none}, {spark.yarn.queue}") == "q");
  CHECK(Import({text}).counts.no_signature == 1);
}

TEST_CASE("what is hidden or markup is text, and no name", "[eventlog]") {
  const auto text =
      test::LogStart() +
      test::Environment(R"x("spark.kubernetes.namespace":"*********(redacted)",)x"
                        R"x("spark.kubernetes.executor.podNamePrefix":"*********(redacted)")x") +
      test::ApplicationStart("spark-1", "<script>alert(1)</script>") + test::Added("1") +
      test::Task({}) + test::ApplicationEnd();
  const auto rules = model::SignatureRules::Parse("{app-name}").value();
  const auto log = Import({text}, rules).log;
  CHECK(log.find("redacted") == std::string::npos);
  CHECK(log.find("spark-1-exec-1") != std::string::npos);
  CHECK(Replayed(log).Only().key.name_space == "default");
  CHECK(Replayed(log).Only().key.signature == "<script>alert(1)</script>");
}

TEST_CASE("local mode has no executor of its own, and other masters have no limit", "[eventlog]") {
  const auto local = Import({test::LogStart() + test::Environment(R"("spark.master":"local[4]")") +
                             test::ApplicationStart("local-1") + test::Added("driver") +
                             test::Task({.executor = "driver"}) + test::ApplicationEnd()});
  CHECK(local.counts.no_executors == 1);
  CHECK(local.counts.elsewhere == 1);
  CHECK(local.log.empty());
}

Sizes Of(const std::string& properties, const std::string& more = "", std::int64_t room = 0) {
  const auto applications =
      Read(test::LogStart() + more + test::Environment(properties) + test::ApplicationStart() +
           test::Added("1") + test::BlockManager("1", room));
  REQUIRE(applications.size() == 1);
  return SizesOf(applications[0], applications[0].executors.at("1"));
}

TEST_CASE("a container's size is what Spark asks Kubernetes for", "[eventlog]") {
  const auto limit = [](const std::string& properties, const std::string& more = "") {
    const auto sizes = Of(properties, more);
    CHECK(sizes.submitted == sizes.had);
    return sizes.submitted.limit;
  };
  CHECK(limit("") == MiB(1024 + 384));
  CHECK(limit(R"("spark.executor.memory":"10g")") == MiB(10240 + 1024));
  CHECK(limit(R"("spark.executor.memory":"10240")") == MiB(10240 + 1024));
  CHECK(limit(R"("spark.executor.memory":"10g","spark.executor.memoryOverhead":"2G")") == GiB(12));
  CHECK(limit(R"("spark.executor.memory":"10g","spark.kubernetes.memoryOverheadFactor":"0.4")") ==
        GiB(14));
  // The newer factor wins; the least is Spark 4's.
  CHECK(limit(R"("spark.executor.memory":"10g","spark.kubernetes.memoryOverheadFactor":"0.4",)"
              R"("spark.executor.memoryOverheadFactor":"0.2")") == GiB(12));
  CHECK(limit(R"("spark.executor.minMemoryOverhead":"1g")") == GiB(2));
  // A bare number is bytes here.
  CHECK(
      limit(R"("spark.memory.offHeap.enabled":"true","spark.memory.offHeap.size":"1073741824")") ==
      MiB(1024 + 384 + 1024));
  CHECK(limit(R"("spark.memory.offHeap.enabled":"false","spark.memory.offHeap.size":"1g")") ==
        MiB(1024 + 384));
  CHECK(limit(R"("spark.executor.pyspark.memory":"512")") == MiB(1024 + 384));
  CHECK(
      limit(R"("spark.executor.pyspark.memory":"512","spark.kubernetes.resource.type":"python")") ==
      MiB(1024 + 384 + 512));
  CHECK(limit(R"("spark.executor.memory":"lots")") == MiB(1024 + 384));
  const auto profile =
      test::Profile(test::Request("memory", 2048) + "," + test::Request("memoryOverhead", 1000));
  CHECK(limit(R"("spark.executor.memory":"10g")", profile) == MiB(3048));
}

TEST_CASE("a heap that was not submitted leaves the limit unknown", "[eventlog]") {
  // UnifiedMemoryManager: 0.6 × (heap − 300 MiB).
  const auto room = [](std::int64_t heap_mib) {
    return static_cast<std::int64_t>(0.6 * static_cast<double>(MiB(heap_mib - 300).value));
  };
  const std::string four = R"("spark.executor.memory":"4g")";
  CHECK(Of(four, "", room(4096)).had.limit == MiB(4096 + 409));
  CHECK(Of(four, "", 2'101'975'449).had.limit == MiB(4096 + 409));  // a Parallel collector's
  CHECK(Of(four, "", room(2048)).had == model::ExecutorSize{});
  CHECK(Of(four, "", room(8192)).had == model::ExecutorSize{});
  CHECK(Of(four, "", room(8192)).submitted.limit == MiB(4096 + 409));
  CHECK(Of(four + R"(,"spark.memory.fraction":"0.3")", "", room(4096) / 2).had.limit ==
        MiB(4096 + 409));
}

}  // namespace
}  // namespace sparkfit::eventlog
