// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/eventlog/reader.h"

#include <catch2/catch.hpp>
#include <map>

#include "event_log.h"
#include "sparkfit/base/gzip.h"
#include "sparkfit/eventlog/many.h"

namespace sparkfit::eventlog {
namespace {

base::Time At(std::int64_t ms) { return base::Time(base::Duration(ms)); }
constexpr auto kStart = test::kLogStart;

const model::SignatureRules kNoRules;

struct Seen {
  std::vector<Application> applications;
  ReadCounts counts;
  replay::Problems problems;
};

// The texts are a log's parts.
Seen Read(const std::vector<std::string>& texts, const model::SignatureRules& rules = kNoRules) {
  const Properties wanted(rules);
  LogReader reader(wanted);
  LogFiles log{"/logs/eventlog_v2_spark-9", {}, 0, false};
  for (std::size_t i = 0; i < texts.size(); ++i) log.parts.push_back(std::to_string(i));
  const auto open = [&](const std::string& part) {
    return base::Result<std::unique_ptr<replay::ByteSource>>(
        replay::FromMemory(texts.at(std::stoul(part))));
  };
  auto applications = reader.Read(log, open, [](std::uint64_t) { return true; });
  return {std::move(applications), reader.Counts(), reader.GetProblems()};
}

Application One(const Seen& seen) {
  REQUIRE(seen.applications.size() == 1);
  return seen.applications.front();
}

TEST_CASE("what an executor did is summed up over its tasks", "[eventlog]") {
  const auto seen = Read(
      {test::Head() + test::Added("1") + test::BlockManager("1", 455'501'414) +
       test::Task({.collecting = 100, .spilled = 400, .input = 1000, .heap = 700, .jvm_rss = 900}) +
       test::Task({.finished = kStart + 90'000, .collecting = 50, .heap = 600, .jvm_rss = 1100}) +
       test::Task(
           {.finished = kStart + 91'000, .heap = -1, .reason = R"({"Reason":"FetchFailed"})"}) +
       test::Task({.reason = R"({"Reason":"Resubmitted"})"}) +
       test::Task({.reason = R"({"Reason":"TaskKilled"})"}) + test::ApplicationEnd()});
  CHECK(seen.problems.Count() == 0);
  CHECK(seen.counts.tasks == 5);
  const auto application = One(seen);
  CHECK(application.id == "spark-1");
  CHECK(application.name == "nightly 2026-09-21");
  CHECK(application.spark_version == "3.5.3");
  CHECK(application.complete);
  CHECK_FALSE(application.failed);
  CHECK(application.Property("spark.executor.memory") == "1g");
  REQUIRE(application.executors.size() == 1);
  const auto& executor = application.executors.at("1");
  CHECK(executor.cores == 4);
  CHECK(executor.created == At(kStart + 10'000));
  CHECK_FALSE(executor.ended);
  CHECK(executor.unified_room.value == 455'501'414);
  const auto& told = executor.told;
  CHECK(told.tasks_done == 2);
  CHECK(told.tasks_failed == 1);
  CHECK(told.tasks_killed == 1);  // … and the one that was repeated counts once
  CHECK(told.busy == base::Duration(40'000));
  CHECK(told.collecting == base::Duration(100 + 50 + 500 + 500));
  CHECK(told.spilled == base::Bytes{400});
  CHECK(told.spilled_disk == base::Bytes{100});
  CHECK(told.input == base::Bytes{1000});
  CHECK(told.shuffle_read == base::Bytes{4 * 42});
  CHECK(told.heap_peak.value == 700);
  CHECK(told.unified_peak.value == 350);
  CHECK(executor.samples.Kept() ==
        std::vector<Sample>{{At(kStart + 60'000), {900}}, {At(kStart + 90'000), {1100}}});
}

TEST_CASE("without a poll there is no sample, which is not a sample of nothing", "[eventlog]") {
  const auto application =
      One(Read({test::Head() + test::Added("1") + test::Task({}) + test::ApplicationEnd()}));
  const auto& executor = application.executors.at("1");
  CHECK(executor.samples.Kept().empty());
  CHECK(executor.told.heap_peak.value == 0);  // not told
  CHECK_FALSE(executor.told.direct_peak);
  CHECK(executor.told.tasks_done == 1);
}

TEST_CASE("what is told of executors may come in any order, and twice", "[eventlog]") {
  const auto application =
      One(Read({test::Head() + test::BlockManager("2", 77) + test::Added("2", kStart + 5000) +
                test::Removed("2", kStart + 50'000, test::Ended(137, "…", "OOMKilled")) +
                test::Task({.executor = "2",
                            .finished = kStart + 50'500,
                            .reason = R"({"Reason":"ExecutorLostFailure"})"}) +
                test::Removed("2", kStart + 99'000, "Executor killed by driver.") +
                test::Removed("7", kStart + 60'000, test::Ended(52, "JVM OOM", "Error")) +
                test::Removed("8", kStart + 60'000, "Executor killed by driver.") +
                test::ApplicationEnd()}));
  const auto& lost = application.executors.at("2");
  CHECK(lost.unified_room.value == 77);
  CHECK(lost.ended == At(kStart + 50'000));  // the first word counts
  CHECK(lost.removal == Removal{RemovalKind::kEnded, 137, "OOMKilled"});
  CHECK(lost.told.tasks_failed == 1);
  // It died before its driver met it; of one that was just not wanted there is nothing to learn.
  CHECK_FALSE(application.executors.at("7").registered);
  CHECK_FALSE(application.executors.contains("8"));
}

TEST_CASE("an application went as its exit code says, else as its last job", "[eventlog]") {
  const auto job = [](const char* result) {
    return fmt::format(
        "{{\"Event\":\"SparkListenerJobEnd\",\"Job ID\":0,\"Completion Time\":{},\"Job "
        "Result\":{{\"Result\":\"{}\"}}}}\n",
        kStart, result);
  };
  const auto failed = [](const std::string& text) {
    return One(Read({test::Head() + text})).failed;
  };
  CHECK(failed(job("JobSucceeded") + job("JobFailed") + test::ApplicationEnd()));
  CHECK_FALSE(failed(job("JobFailed") + job("JobSucceeded") + test::ApplicationEnd()));
  CHECK_FALSE(failed(job("JobFailed") + test::ApplicationEnd(kStart, ",\"ExitCode\":0")));
  CHECK(failed(job("JobSucceeded") + test::ApplicationEnd(kStart, ",\"ExitCode\":1")));
}

TEST_CASE("a log that breaks off is kept as far as it goes", "[eventlog]") {
  const auto whole = test::Head() + test::Added("1") + test::Task({.jvm_rss = 5}) +
                     test::Task({.finished = kStart + 120'000, .jvm_rss = 6});
  const auto seen = Read({whole.substr(0, whole.size() - 100)});
  REQUIRE(seen.problems.Count() == 1);
  CHECK_THAT(seen.problems.Shown()[0], Catch::StartsWith("0:8: SparkListenerTaskEnd: "));
  const auto application = One(seen);
  CHECK_FALSE(application.complete);
  CHECK(application.ended == At(kStart + 60'000));
  CHECK(application.executors.at("1").told.tasks_done == 1);
}

TEST_CASE("parts of a rolling log are one log, each packed by itself", "[eventlog]") {
  const auto seen =
      Read({base::Gzip(test::Head() + test::Added("1")), test::Task({}) + test::ApplicationEnd()});
  CHECK(One(seen).executors.at("1").told.tasks_done == 1);
  CHECK(One(seen).complete);
}

TEST_CASE("lines that make no sense are counted, and the rest is read", "[eventlog]") {
  const auto seen = Read({"\xef\xbb\xbf" + test::Head() + "\n\r\nnonsense\n{\"t\":1}\n" +
                          test::Added("1") + test::Added("1", kStart + 99'000) +
                          test::Task({.executor = "5"}) + test::ApplicationEnd()});
  CHECK(
      seen.problems.Shown() ==
      std::vector<std::string>{"0:8: a line that is no event", "0:9: a line that is no event",
                               "0:11: executor 1 is added again: the first one counts",
                               "/logs/eventlog_v2_spark-9: 1 tasks of executors of which it tells "
                               "nothing else"});
  CHECK(One(seen).executors.at("1").created == At(kStart + 10'000));
}

TEST_CASE("a log without events is said to be none", "[eventlog]") {
  for (const auto* text : {"", "hello\n", "{\"type\":\"header\"}\n"}) {
    const auto seen = Read({text});
    CHECK(seen.applications.empty());
    REQUIRE(seen.problems.Count() >= 1);
    CHECK_THAT(seen.problems.Shown().back(), Catch::Contains("no event of a Spark event log"));
  }
  const auto rest = Read({test::Added("1") + test::Task({})});
  CHECK(rest.applications.empty());
  CHECK_THAT(rest.problems.Shown()[0], Catch::Contains("no application starts in it"));
}

TEST_CASE("logs behind each other are applications each, mixed ones are told", "[eventlog]") {
  const auto log = [](const std::string& id, const std::string& end) {
    return test::Head(id) + test::Added("1") + test::Task({}) + end;
  };
  const auto both =
      Read({log("spark-1", test::ApplicationEnd()) + log("spark-2", test::ApplicationEnd())});
  REQUIRE(both.applications.size() == 2);
  CHECK(both.applications[1].id == "spark-2");
  CHECK(both.applications[1].Property("spark.executor.memory") == "1g");
  CHECK(both.problems.Count() == 0);
  const auto mixed =
      Read({log("spark-1", test::ApplicationStart("spark-2") + test::ApplicationEnd())});
  REQUIRE(mixed.applications.size() == 2);
  CHECK_FALSE(mixed.applications[0].complete);
  REQUIRE(mixed.problems.Count() == 1);
  CHECK_THAT(mixed.problems.Shown()[0], Catch::Contains("spark-2 begins before spark-1 ended"));
}

TEST_CASE("an application without an id has its property's, or its file's name", "[eventlog]") {
  const std::string start =
      R"({"Event":"SparkListenerApplicationStart","App Name":"a","Timestamp":1,"User":"u"})"
      "\n";
  CHECK(One(Read({start})).id == "spark-9");
  CHECK(One(Read({test::Environment(R"("spark.app.id":"x-1")") + start})).id == "x-1");
  const std::string attempt =
      R"({"Event":"SparkListenerApplicationStart","App Name":"a","App ID":"application_1","App Attempt ID":"2"})"
      "\n";
  CHECK(One(Read({attempt})).id == "application_1_2");  // attempts are runs of their own
}

TEST_CASE("times that cannot be, and clocks that go back, hurt nobody", "[eventlog]") {
  const auto application = One(Read(
      {test::Head() + test::Added("1", kStart + 50'000, 4, R"(,"Request Time":1790000099000)") +
       test::Task({.finished = 9'000'000'000'000'000'000, .busy = 1}) +
       test::Removed("1", kStart + 20'000, "Executor killed by driver.") +
       test::ApplicationEnd(-1)}));
  const auto& executor = application.executors.at("1");
  CHECK(executor.created == At(kStart + 50'000));  // not asked for after it came
  CHECK(executor.ended == At(kStart + 50'000));    // not gone before it came
  CHECK(application.ended == At(kStart + 50'000));
}

TEST_CASE("a line of 100 MB costs no memory, and is told where it mattered", "[eventlog]") {
  // A source that makes it up.
  class Long final : public replay::ByteSource {
   public:
    explicit Long(std::string head) : text_(std::move(head)) {}
    base::Result<std::size_t> Read(char* data, std::size_t size) override {
      if (!text_.empty()) {
        const auto n = std::min(size, text_.size());
        std::copy_n(text_.begin(), n, data);
        text_.erase(0, n);
        return n;
      }
      const auto n = std::min(size, left_);
      std::fill_n(data, n, 'x');
      left_ -= n;
      if (n == 0 && !std::exchange(ended_, true)) {
        text_ = "\n" + test::Added("1") + test::ApplicationEnd();
        return Read(data, size);
      }
      return n;
    }

   private:
    std::string text_;
    std::size_t left_ = 100'000'000;
    bool ended_ = false;
  };
  for (const bool plan : {true, false}) {
    const Properties wanted(kNoRules);
    LogReader reader(wanted);
    const std::string kind =
        plan ? "org.apache.spark.sql.execution.ui.SparkListenerSQLExecutionStart"
             : "SparkListenerEnvironmentUpdate";
    const auto head = test::Head() + "{\"Event\":\"" + kind + "\",\"plan\":\"";
    const auto applications = reader.Read(
        {"log", {"log"}, 0, false},
        [&](const std::string&) {
          return base::Result<std::unique_ptr<replay::ByteSource>>(std::make_unique<Long>(head));
        },
        [](std::uint64_t) { return true; });
    REQUIRE(applications.size() == 1);
    CHECK(applications[0].executors.size() == 1);
    CHECK(applications[0].complete);
    REQUIRE(reader.GetProblems().Count() == (plan ? 0 : 1));
    if (!plan) CHECK_THAT(reader.GetProblems().Shown()[0], Catch::Contains("more than 8 MiB"));
  }
}

TEST_CASE("labels and properties that rules name are read, hidden ones are not", "[eventlog]") {
  const auto rules =
      model::SignatureRules::Parse("{team}-{spark.openlineage.parentJobName}").value();
  const auto application = One(
      Read({test::Head() +
            test::Environment(R"("spark.kubernetes.executor.label.team":"a",)"
                              R"("spark.kubernetes.executor.label.other":"b",)"
                              R"("spark.kubernetes.driver.annotation.sparkfit.io/signature":"s",)"
                              R"("spark.openlineage.parentJobName":"dag.task",)"
                              R"("spark.my.secret":"c")")},
           rules));
  CHECK(application.Property("spark.kubernetes.executor.label.team") == "a");
  CHECK(application.Property("spark.openlineage.parentJobName") == "dag.task");
  CHECK(application.Property("spark.kubernetes.driver.annotation.sparkfit.io/signature") == "s");
  CHECK(application.Property("spark.kubernetes.executor.label.other").empty());
  CHECK(application.Property("spark.my.secret").empty());
}

TEST_CASE("many logs give the same on one thread and on several, and stop when told to",
          "[eventlog]") {
  std::map<std::string, std::string> texts;
  std::vector<LogFiles> logs;
  for (int i = 0; i < 12; ++i) {
    const auto id = "spark-" + std::to_string(i);
    texts[id] = test::Head(id) + test::Added("1") + "nonsense\n" + test::ApplicationEnd();
    logs.push_back({id, {id}, 0, false});
  }
  const Properties wanted(kNoRules);
  const auto open =
      [&](const std::string& id) -> base::Result<std::unique_ptr<replay::ByteSource>> {
    if (id == "spark-5") return base::Fail(base::Code::kUnavailable, "cannot be read");
    return replay::FromMemory(texts.at(id));
  };
  const auto read = [&](std::size_t threads, std::size_t most) {
    return ReadLogs(logs, wanted, threads, open,
                    [&](const HowFar& so_far) { return so_far.logs < most; });
  };
  const auto alone = read(1, 100);
  const auto together = read(4, 100);
  REQUIRE(alone.applications.size() == 11);
  REQUIRE(together.applications.size() == 11);
  for (std::size_t i = 0; i < 11; ++i)
    CHECK(alone.applications[i].id == together.applications[i].id);
  CHECK(alone.problems.Count() == 11 + 2);  // of spark-5: it cannot be read, and has no event
  CHECK(alone.problems.Shown() == together.problems.Shown());
  CHECK(alone.counts.lines == together.counts.lines);
  CHECK(read(4, 3).stopped);
}

}  // namespace
}  // namespace sparkfit::eventlog
