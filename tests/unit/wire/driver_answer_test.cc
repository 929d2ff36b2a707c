// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/wire/driver_answer.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>

#include "sparkfit/base/bytes.h"
#include "sparkfit/wire/observation_log.h"

namespace sparkfit::wire {
namespace {

using base::Bytes;
using model::ExecutorReading;

DriverAnswer Parsed(const std::string& json) {
  auto answer = ParseDriverAnswer(json);
  if (!answer) FAIL(answer.error().message);
  return *std::move(answer);
}

std::string Corpus(const std::string& name) {
  std::ifstream file(std::string(SPARKFIT_SOURCE_DIR "/tests/fuzz/corpus/driver_answer/") + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

base::Result<LogLine> ParseLine(std::string line) {
  const auto size = line.size();
  line.resize(size + kLinePadding, ' ');
  LogLineParser parser;
  return parser.Parse(std::string_view(line).substr(0, size));
}

ExecutorReading Named(const char* id) {
  ExecutorReading reading;
  reading.id = id;
  return reading;
}

base::Time At(const char* text) { return *base::ParseTime(text); }

StagesAnswer Stages(const std::string& json) {
  auto answer = ParseStages(json);
  if (!answer) FAIL(answer.error().message);
  return *std::move(answer);
}

StageAnswer Stage(const std::string& json) {
  auto answer = ParseStage(json);
  if (!answer) FAIL(answer.error().message);
  return *std::move(answer);
}

// As Spark 3.5.8 gave it.
TEST_CASE("a driver's answer is read without the driver itself", "[wire][driver]") {
  const auto answer = Parsed(Corpus("spark-3.5"));
  REQUIRE(answer.executors.size() == 1);
  CHECK(answer.left_out == 0);
  ExecutorReading expected{"0",
                           Bytes{570871808},
                           Bytes{35702350},
                           Bytes{60636},
                           Bytes{377487360},
                           std::chrono::milliseconds(114146),
                           std::chrono::milliseconds(1476)};
  expected.off_heap_peak = Bytes{0};
  expected.direct_peak = Bytes{12598326};
  expected.stored = Bytes{415735};
  expected.stored_disk = Bytes{0};
  expected.tasks_done = 31;
  expected.tasks_failed = 0;
  expected.input = Bytes{0};
  expected.shuffle_read = Bytes{14408580};
  expected.active = true;
  expected.added = At("2026-11-27T18:56:44.970Z");
  CHECK(answer.executors[0] == expected);
}

// In the form of Spark 4.0.
TEST_CASE("what an executor holds and did is read, of a dead one, too", "[wire][driver]") {
  const auto answer = Parsed(Corpus("spark-4.0"));
  REQUIRE(answer.executors.size() == 2);
  const auto& living = answer.executors[0];
  CHECK(living.off_heap_peak == Bytes{134217728});
  CHECK(living.direct_peak == Bytes{33562624});
  CHECK(living.stored == Bytes{268435456});
  CHECK(living.stored_disk == Bytes{1048576});
  CHECK(living.tasks_done == 41);
  CHECK(living.tasks_failed == 1);
  CHECK(living.input == Bytes{73400320});
  CHECK(living.shuffle_read == Bytes{20971520});
  CHECK(living.active == true);
  CHECK(living.added == At("2026-11-28T07:00:05.123Z"));
  CHECK_FALSE(living.removed);
  CHECK_FALSE(living.spilled);
  CHECK_FALSE(living.spilled_disk);
  CHECK_FALSE(living.tasks_killed);
  const auto& dead = answer.executors[1];
  CHECK(dead.active == false);
  CHECK(dead.removed == At("2026-11-28T07:01:30.500Z"));
  CHECK(dead.tasks_failed == 3);
}

TEST_CASE("what an answer does not have is not told, and 0 is told", "[wire][driver]") {
  const auto answer = Parsed(R"([{"id":"1"},{"id":"2","memoryUsed":0,"failedTasks":0}])");
  REQUIRE(answer.executors.size() == 2);
  CHECK(answer.executors[0] == Named("1"));
  CHECK_FALSE(answer.executors[0].stored);
  CHECK(answer.executors[1].stored == Bytes{0});
  CHECK(answer.executors[1].tasks_failed == 0);
}

TEST_CASE("a time that is not as Spark writes it is not told", "[wire][driver]") {
  for (const auto* time : {"2026-11-28T07:00:05.123Z", "2026-11-28T07:00:05.123+01:00", "GMT", "",
                           "1969-11-28T07:00:05.123GMT", "2026-02-30T07:00:05.123GMT",
                           "2026-11-28T07:00:05.123ZGMT", "2026-11-28T07:00:05.123 GMT"}) {
    INFO(time);
    const auto answer = Parsed(R"([{"id":"1","addTime":")" + std::string(time) + "\"}]");
    REQUIRE(answer.executors.size() == 1);
    CHECK_FALSE(answer.executors[0].added);
  }
  CHECK(Parsed(R"([{"id":"1","addTime":7}])").left_out == 1);
  CHECK(Parsed(R"([{"id":"1","isActive":"true"}])").left_out == 1);
  CHECK_FALSE(Parsed(R"([{"id":"1","isActive":null}])").executors.at(0).active);
}

TEST_CASE("amounts that cannot be are not told, their executor is", "[wire][driver]") {
  for (const auto* amount : {"-1", "1125899906842625", "9223372036854775808", "1.5", "1e3",
                             "99999999999999999999999", "null"}) {
    INFO(amount);
    const std::string json = R"([{"id":"1","totalDuration":)" + std::string(amount) +
                             R"(,"totalGCTime":7,"memoryUsed":)" + amount +
                             R"(,"completedTasks":)" + amount +
                             R"(,"peakMemoryMetrics":{"JVMHeapMemory":)" + amount +
                             R"(,"DirectPoolMemory":)" + amount + "}}]";
    const auto answer = Parsed(json);
    REQUIRE(answer.executors.size() == 1);
    CHECK(answer.executors[0].busy == base::Duration{});
    CHECK(answer.executors[0].heap_peak == Bytes{});
    CHECK_FALSE(answer.executors[0].stored);
    CHECK_FALSE(answer.executors[0].tasks_done);
    CHECK_FALSE(answer.executors[0].direct_peak);
    CHECK(answer.executors[0].collecting == std::chrono::milliseconds(7));
  }
  CHECK(Parsed(R"([{"id":"1","totalGCTime":1125899906842624}])").executors[0].collecting ==
        base::Duration(base::kLargestPlausible.value));
}

TEST_CASE("an executor with something of a wrong type is left out and counted", "[wire][driver]") {
  for (const auto* odd :
       {"7", "\"1\"", "[]", "true", "{}", R"({"id":7})", R"({"id":""})", R"({"id":{}})",
        R"({"id":null})", R"({"id":"1","totalDuration":"5"})", R"({"id":"1","totalGCTime":[]})",
        R"({"id":"1","memoryMetrics":[1]})", R"({"id":"1","peakMemoryMetrics":"x"})",
        R"({"id":"1","peakMemoryMetrics":{"JVMHeapMemory":{"a":1}}})",
        R"({"id":"1","totalGCTime":xyz})"}) {
    INFO(odd);
    const auto answer = Parsed("[" + std::string(odd) + R"(,{"id":"2","totalGCTime":3}])");
    CHECK(answer.left_out == 1);
    REQUIRE(answer.executors.size() == 1);
    CHECK(answer.executors[0].id == "2");
  }
  const std::string longest(kLongestExecutorId, '9');
  CHECK(Parsed(R"([{"id":")" + longest + R"("}])").executors.size() == 1);
  CHECK(Parsed(R"([{"id":")" + longest + R"(9"}])").left_out == 1);
}

TEST_CASE("what is no array of executors is refused and says why", "[wire][driver]") {
  for (const auto* text : {"", "{}", "null", "7", "\"[]\"", "<html>", "unknown app: spark-1"}) {
    INFO(text);
    const auto answer = ParseDriverAnswer(text);
    REQUIRE_FALSE(answer.has_value());
    CHECK(answer.error().code == base::Code::kMalformed);
    CHECK_FALSE(answer.error().message.empty());
  }
  CHECK(ParseDriverAnswer("{}").error().message == "the answer is no JSON array");
  CHECK_FALSE(ParseDriverAnswer("[] []").has_value());
  CHECK_FALSE(ParseDriverAnswer(Corpus("deep")).has_value());
  CHECK(Parsed("[]").executors.empty());
}

TEST_CASE("every byte cut off an answer is an error", "[wire][driver]") {
  auto text = Corpus("spark-3.5");
  text.resize(text.find_last_of(']'));
  for (; !text.empty(); text.pop_back()) CHECK_FALSE(ParseDriverAnswer(text).has_value());
}

TEST_CASE("an answer is bounded in bytes and in executors", "[wire][driver]") {
  CHECK_FALSE(ParseDriverAnswer("[" + std::string(kLargestDriverAnswer, ' ') + "]").has_value());
  // Of the parser's memory braces take most: two million of them 16 MiB.
  std::string braces = "[{}";
  for (int i = 0; i < 1'000'000; ++i) braces += ",{}";
  CHECK_THAT(ParseDriverAnswer(braces + "]").error().message, Catch::Contains("too many values"));
  std::string many = "[{\"id\":\"1\"}";
  for (std::size_t i = 1; i < kMostExecutors; ++i) many += ",{\"id\":\"1\"}";
  CHECK(Parsed(many + "]").executors.size() == kMostExecutors);
  const auto more = ParseDriverAnswer(many + ",{}]");
  REQUIRE_FALSE(more.has_value());
  CHECK(more.error().message == "more than 10000 executors");
}

// In the form of Spark 3.5.
TEST_CASE("stages are listed with what they spilled in all", "[wire][driver]") {
  const auto answer = Stages(Corpus("stages-3.5"));
  CHECK(answer.left_out == 0);
  CHECK(answer.stages ==
        std::vector<StageAttempt>{{4, 1, true, {Bytes{201326592}, Bytes{25165824}, 0}},
                                  {4, 0, false, {{}, {}, 2}},
                                  {0, 0, false, {}}});
}

// In the form of Spark 4.0.
TEST_CASE("a stage tells which executor spilled, without the driver", "[wire][driver]") {
  const auto answer = Stage(Corpus("stage-4.0"));
  CHECK(answer.left_out == 0);
  REQUIRE(answer.executors.size() == 2);
  CHECK(answer.executors[0].id == "1");
  CHECK(answer.executors[0].figures == StageFigures{Bytes{134217728}, Bytes{16777216}, 0});
  CHECK(answer.executors[1].id == "2");
  CHECK(answer.executors[1].figures == StageFigures{Bytes{67108864}, Bytes{8388608}, 1});
}

// As Spark 4.1.1 gave it, of a sort that spilled on both of its executors.
TEST_CASE("stages and executors of a stage are read as Spark gives them", "[wire][driver]") {
  const auto listed = Stages(Corpus("stages-4.1"));
  CHECK(listed.left_out == 0);
  CHECK(listed.stages ==
        std::vector<StageAttempt>{{6, 0, false, {Bytes{352318848}, Bytes{284509350}, 0}},
                                  {4, 0, false, {Bytes{352318848}, Bytes{294675550}, 0}},
                                  {3, 0, false, {}}});
  const auto stage = Stage(Corpus("stage-4.1"));  // stage 4; together what is listed
  REQUIRE(stage.executors.size() == 2);
  CHECK(stage.executors[0].id == "0");
  CHECK(stage.executors[0].figures == StageFigures{Bytes{176159424}, Bytes{147261902}, 0});
  CHECK(stage.executors[1].figures == StageFigures{Bytes{176159424}, Bytes{147413648}, 0});
}

TEST_CASE("a stage that lacks something, or has what cannot be, is left out and counted",
          "[wire][driver]") {
  const std::string sound = R"({"status":"COMPLETE","stageId":2,"attemptId":0,"numKilledTasks":0,)"
                            R"("memoryBytesSpilled":1125899906842624,"diskBytesSpilled":1})";
  CHECK(Stages("[" + sound + "]").stages.at(0).figures.spilled == base::kLargestPlausible);
  const std::vector<std::pair<std::string, std::string>> changes{
      {R"("stageId":2)", R"("stageId":"2")"},
      {R"("stageId":2)", R"("stageId":-2)"},
      {R"("stageId":2)", R"("stage":2)"},
      {R"("attemptId":0)", R"("attemptId":null)"},
      {R"("numKilledTasks":0)", R"("numKilledTasks":1.5)"},
      {R"("COMPLETE")", "7"},
      {R"("status")", R"("state")"},
      {"1125899906842624", "1125899906842625"},
      {R"("diskBytesSpilled":1)", R"("diskBytesSpilled":[1])"},
      {sound, "7"},
      {sound, "null"}};
  for (const auto& [from, to] : changes) {
    auto odd = sound;
    odd.replace(odd.find(from), from.size(), to);
    INFO(odd);
    const auto answer = Stages("[" + odd + "," + sound + "]");
    CHECK(answer.left_out == 1);
    CHECK(answer.stages.size() == 1);
  }
}

TEST_CASE("an executor of a stage that makes no sense is left out and counted", "[wire][driver]") {
  // Without an id; no object; and one whose id is written with an escape.
  const auto answer = Stage(Corpus("stage-odd"));
  CHECK(answer.left_out == 2);
  REQUIRE(answer.executors.size() == 1);
  CHECK(answer.executors[0].id == "2");
  CHECK(Stage(R"({"executorSummary":{"1":{"killedTasks":0,"memoryBytesSpilled":1}}})").left_out ==
        1);
  CHECK(Stage(R"({"executorSummary":{}})").executors.empty());
}

TEST_CASE("what is no stage, or no list of them, is refused and says why", "[wire][driver]") {
  for (const auto* text : {"", "null", "7", "<html>", "[] []", "{} {}", "[{", "[1,", "{\"a\":"}) {
    INFO(text);
    CHECK_FALSE(ParseStages(text).has_value());
    CHECK_FALSE(ParseStage(text).has_value());
  }
  CHECK(ParseStages("{}").error().message == "the answer is no JSON array");
  CHECK(ParseStage("[]").error().message == "the answer is no JSON object");
  CHECK(ParseStage(R"({"tasks":{}})").error().message ==
        "the stage does not tell of its executors");
  for (const auto* name : {"stages-3.5", "stage-4.0"}) {
    auto text = Corpus(name);
    text.resize(text.find_last_of("]}"));
    for (; !text.empty(); text.resize(text.size() - std::min<std::size_t>(7, text.size()))) {
      CHECK_FALSE(ParseStages(text).has_value());
      CHECK_FALSE(ParseStage(text).has_value());
    }
  }
}

TEST_CASE("stages and their executors are bounded", "[wire][driver]") {
  std::string stages = "[{}";
  std::string executors = R"({"executorSummary":{"1":{})";
  for (std::size_t i = 1; i < kMostStages; ++i) stages += ",{}";
  for (std::size_t i = 1; i < kMostExecutors; ++i) executors += R"(,"1":{})";
  CHECK(Stages(stages + "]").left_out == kMostStages);
  CHECK(Stage(executors + "}}").left_out == kMostExecutors);
  CHECK(ParseStages(stages + ",{}]").error().message == "more than 10000 stages");
  CHECK(ParseStage(executors + R"(,"1":{}}})").error().message == "more than 10000 executors");
  CHECK_FALSE(ParseStages("[" + std::string(kLargestDriverAnswer, ' ') + "]").has_value());
}

TEST_CASE("a reading is the same after the log", "[wire][driver][log]") {
  auto told = Named("3");
  told.off_heap_peak = Bytes{0};
  told.direct_peak = Bytes{12598326};
  told.stored = Bytes{415735};
  told.stored_disk = Bytes{0};
  told.tasks_done = 31;
  told.tasks_failed = 0;
  told.input = base::kLargestPlausible;
  told.shuffle_read = Bytes{14408580};
  told.active = false;
  told.added = At("2026-11-27T18:56:44.970Z");
  told.removed = At("2026-11-27T18:57:00Z");
  told.spilled = Bytes{201326592};
  told.spilled_disk = Bytes{25165824};
  told.tasks_killed = 2;
  const model::DriverReading reading{
      "jobs",
      "spark-1",
      {{"1", Bytes{701001728}, Bytes{301989888}, Bytes{201326592}, Bytes{384093388},
        std::chrono::seconds(41), std::chrono::milliseconds(1012)},
       {"2", {}, {}, {}, base::kLargestPlausible, {}, {}},
       told}};
  const base::Time t{std::chrono::seconds(1'800'000'000)};
  const auto line = ParseLine(WriteLine({t, reading}));
  REQUIRE(line.has_value());
  const auto& observation = std::get<model::Observation>(*line);
  CHECK(observation.t == t);
  CHECK(std::get<model::DriverReading>(observation.what) == reading);
}

TEST_CASE("a driver line of before has what it had, and nothing else is told",
          "[wire][driver][log]") {
  const auto line = ParseLine(
      R"({"t":"2026-11-28T10:00:00Z","type":"driver","object":{"metadata":{"namespace":"n"},)"
      R"("application":"spark-1","executors":[{"id":"1","totalDuration":41250,"totalGCTime":1012,)"
      R"("memoryMetrics":{"totalOnHeapStorageMemory":3},"peakMemoryMetrics":{"JVMHeapMemory":4,)"
      R"("OnHeapStorageMemory":1,"OnHeapUnifiedMemory":2}}]}})");
  REQUIRE(line.has_value());
  const auto& reading = std::get<model::DriverReading>(std::get<model::Observation>(*line).what);
  REQUIRE(reading.executors.size() == 1);
  CHECK(reading.executors[0] == ExecutorReading{"1", Bytes{4}, Bytes{2}, Bytes{1}, Bytes{3},
                                                std::chrono::milliseconds(41250),
                                                std::chrono::milliseconds(1012)});
}

TEST_CASE("a driver line may have its members in any order, but has to have them",
          "[wire][driver][log]") {
  const auto read =
      ParseLine(R"({"object":{"executors":[{"totalGCTime":5,"id":"1"},{"id":"driver"}],)"
                R"("application":"spark-1","metadata":{"namespace":"n"}},)"
                R"("type":"driver","t":"2026-11-23T10:00:00Z"})");
  REQUIRE(read.has_value());
  const auto& reading = std::get<model::DriverReading>(std::get<model::Observation>(*read).what);
  REQUIRE(reading.executors.size() == 1);
  CHECK(reading.executors[0].collecting == std::chrono::milliseconds(5));
  for (const auto* object :
       {R"({"application":"a","executors":[]})", R"({"metadata":{"namespace":"n"},"executors":[]})",
        R"({"metadata":{"namespace":"n"},"application":"a"})",
        R"({"metadata":{"namespace":"n"},"application":"a","executors":{}})",
        R"({"metadata":{"namespace":"n"},"application":"a","executors":[{"id":1}]})",
        R"({"metadata":{"namespace":"n"},"application":1,"executors":[]})", "[]"}) {
    INFO(object);
    const auto line = ParseLine(R"({"t":"2026-11-23T10:00:00Z","type":"driver","object":)" +
                                std::string(object) + "}");
    REQUIRE_FALSE(line.has_value());
    CHECK(line.error().code == base::Code::kMalformed);
  }
}

}  // namespace
}  // namespace sparkfit::wire
