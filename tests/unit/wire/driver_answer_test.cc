// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/wire/driver_answer.h"

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

// As Spark 3.5.8 gave it.
TEST_CASE("a driver's answer is read without the driver itself", "[wire][driver]") {
  const auto answer = Parsed(Corpus("spark-3.5"));
  REQUIRE(answer.executors.size() == 1);
  CHECK(answer.left_out == 0);
  CHECK(answer.executors[0] == ExecutorReading{"0", Bytes{570871808}, Bytes{35702350}, Bytes{60636},
                                               Bytes{377487360}, std::chrono::milliseconds(114146),
                                               std::chrono::milliseconds(1476)});
}

TEST_CASE("amounts that cannot be are not told, their executor is", "[wire][driver]") {
  for (const auto* amount : {"-1", "1125899906842625", "9223372036854775808", "1.5", "1e3",
                             "99999999999999999999999", "null"}) {
    INFO(amount);
    const std::string json = R"([{"id":"1","totalDuration":)" + std::string(amount) +
                             R"(,"totalGCTime":7,"peakMemoryMetrics":{"JVMHeapMemory":)" + amount +
                             R"(}}])";
    const auto answer = Parsed(json);
    REQUIRE(answer.executors.size() == 1);
    CHECK(answer.executors[0].busy == base::Duration{});
    CHECK(answer.executors[0].heap_peak == Bytes{});
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
  std::string many = "[{\"id\":\"1\"}";
  for (std::size_t i = 1; i < kMostExecutors; ++i) many += ",{\"id\":\"1\"}";
  CHECK(Parsed(many + "]").executors.size() == kMostExecutors);
  const auto more = ParseDriverAnswer(many + ",{}]");
  REQUIRE_FALSE(more.has_value());
  CHECK(more.error().message == "more than 10000 executors");
}

TEST_CASE("a reading is the same after the log", "[wire][driver][log]") {
  const model::DriverReading reading{
      "jobs",
      "spark-1",
      {{"1", Bytes{701001728}, Bytes{301989888}, Bytes{201326592}, Bytes{384093388},
        std::chrono::seconds(41), std::chrono::milliseconds(1012)},
       {"2", {}, {}, {}, base::kLargestPlausible, {}, {}}}};
  const base::Time t{std::chrono::seconds(1'800'000'000)};
  const auto line = ParseLine(WriteLine({t, reading}));
  REQUIRE(line.has_value());
  const auto& observation = std::get<model::Observation>(*line);
  CHECK(observation.t == t);
  CHECK(std::get<model::DriverReading>(observation.what) == reading);
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
