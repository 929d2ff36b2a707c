// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/wire/spark_event.h"

#include <catch2/catch.hpp>

#include "event_log.h"
#include "sparkfit/wire/observation_log.h"

namespace sparkfit::wire {
namespace {

class All : public PropertyFilter {
 public:
  [[nodiscard]] bool Wants(std::string_view property) const override {
    return property != "spark.secret";
  }
};

// Behind the text there is room, as the parser demands.
class Parsing {
 public:
  base::Result<SparkEvent> operator()(std::string line) {
    if (line.ends_with('\n')) line.pop_back();
    size_ = line.size();
    line_ = std::move(line) + std::string(kLinePadding, ' ');
    return parser_.Parse(std::string_view(line_).substr(0, size_));
  }
  template <typename Event>
  Event As(const std::string& line) {
    const auto event = (*this)(line);
    REQUIRE(event);
    REQUIRE(std::holds_alternative<Event>(*event));
    return std::get<Event>(*event);
  }

 private:
  All all_;
  SparkEventParser parser_{all_};
  std::string line_;
  std::size_t size_ = 0;
};

base::Time At(std::int64_t ms) { return base::Time(base::Duration(ms)); }

TEST_CASE("a task tells of its executor, what it did and how full memory was", "[wire]") {
  Parsing parse;
  const auto task = parse.As<SparkTaskEnd>(test::Task({.executor = "7",
                                                       .finished = 5000,
                                                       .busy = 3000,
                                                       .collecting = 20,
                                                       .spilled = 400,
                                                       .input = 77,
                                                       .heap = 1000,
                                                       .jvm_rss = 2000,
                                                       .python_rss = 300}));
  CHECK(task.executor == "7");
  CHECK(task.finished == At(5000));
  CHECK(task.busy == base::Duration(3000));
  CHECK(task.collecting == base::Duration(20));
  CHECK(task.outcome == TaskOutcome::kDone);
  CHECK(task.spilled.value == 400);
  CHECK(task.spilled_disk.value == 100);
  CHECK(task.input.value == 77);
  CHECK(task.shuffle_read.value == 42);  // remote 30 and local 12
  CHECK(task.peaks.heap.value == 1000);
  CHECK(task.peaks.unified.value == 500);
  CHECK(task.peaks.resident.value == 2300);  // the JVM and Python; address space is no memory
}

TEST_CASE("what Spark does not know is absent, whether it says 0 or -1", "[wire]") {
  Parsing parse;
  const auto task = parse.As<SparkTaskEnd>(test::Task(
      {.heap = -1, .jvm_rss = -1, .python_rss = 0, .reason = R"({"Reason":"TaskKilled"})"}));
  CHECK(task.peaks.heap.value == 0);
  CHECK(task.peaks.resident.value == 0);
  CHECK(task.outcome == TaskOutcome::kKilled);
  const auto backwards = parse.As<SparkTaskEnd>(test::Task({.finished = 1000, .busy = -5000}));
  CHECK(backwards.busy == base::Duration{});  // it ended before it began
}

TEST_CASE("a full heap is told by its class alone, and repeated tasks by their reason", "[wire]") {
  Parsing parse;
  const auto reason = [](const char* name, const char* text) {
    return fmt::format(
        R"({{"Reason":"ExceptionFailure","Class Name":"{}","Description":"{}","Stack Trace":[]}})",
        name, text);
  };
  const auto oom = [&](const char* name, const char* text) {
    return parse.As<SparkTaskEnd>(test::Task({.reason = reason(name, text)})).heap_oom;
  };
  CHECK(oom("java.lang.OutOfMemoryError", "Java heap space"));
  CHECK(oom("java.lang.OutOfMemoryError", "GC overhead limit exceeded"));
  CHECK_FALSE(oom("java.lang.OutOfMemoryError", "unable to create native thread"));
  CHECK_FALSE(oom("com.nvidia.spark.rapids.jni.GpuSplitAndRetryOOM", "Java heap space"));
  CHECK_FALSE(oom("org.apache.spark.memory.SparkOutOfMemoryError", "Java heap space"));
  CHECK(parse.As<SparkTaskEnd>(test::Task({.reason = R"({"Reason":"Resubmitted"})"})).outcome ==
        TaskOutcome::kRepeated);
  CHECK(parse.As<SparkTaskEnd>(test::Task({.reason = R"({"Reason":"FetchFailed"})"})).outcome ==
        TaskOutcome::kFailed);
}

TEST_CASE("executors come, register memory and go", "[wire]") {
  Parsing parse;
  const auto added = parse.As<SparkExecutorAdded>(
      test::Added("3", 9000, 2, R"(,"Request Time":8000,"Registration Time":9000)"));
  CHECK(added.id == "3");
  CHECK(added.t == At(9000));
  CHECK(added.cores == 2);
  CHECK(added.requested == At(8000));
  CHECK(parse.As<SparkBlockManager>(test::BlockManager("3", 434031820)).unified_room.value ==
        434031820);
  const auto removed = parse.As<SparkExecutorRemoved>(test::Removed("3", 10000, R"(a \"b\"\n)"));
  CHECK(removed.reason == "a \"b\"\n");
}

TEST_CASE("an application, its environment and its profiles", "[wire]") {
  Parsing parse;
  const auto start = parse.As<SparkApplicationStart>(test::ApplicationStart("spark-9", "a <b>"));
  CHECK(start.id == "spark-9");
  CHECK(start.name == "a <b>");
  CHECK(parse.As<SparkApplicationEnd>(test::ApplicationEnd(5, ",\"ExitCode\":3")).exit_code == 3);
  CHECK_FALSE(parse.As<SparkApplicationEnd>(test::ApplicationEnd(5)).exit_code);
  const auto environment = parse.As<SparkEnvironment>(
      test::Environment(R"("spark.a":"1","spark.secret":"x","spark.odd":7)"));
  CHECK(environment.properties ==
        std::map<std::string, std::string>{{"spark.a", "1"}, {"spark.odd", ""}});
  const auto profile = parse.As<SparkProfile>(
      test::Profile(test::Request("memory", 1024) + "," + test::Request("offHeap", 0), 2));
  CHECK(profile.id == 2);
  CHECK(profile.heap == base::GiB(1));
  CHECK(profile.off_heap == base::Bytes{});
  CHECK_FALSE(profile.overhead);
}

TEST_CASE("other events cost a look, and what is no event is none", "[wire]") {
  Parsing parse;
  // Not even JSON: nobody looks at it.
  const auto other = parse(R"({"Event":"org.apache.spark.sql.execution.ui.SparkListenerSQL…)");
  REQUIRE(other);
  CHECK(std::holds_alternative<std::monostate>(*other));
  CHECK(IsSparkEvent(R"({"Event":"SparkListenerTaskStart","x)"));
  CHECK_FALSE(IsReadSparkEvent(R"({"Event":"SparkListenerTaskStart","x)"));
  CHECK_FALSE(IsReadSparkEvent(R"({"Event":"SparkListenerTaskEnding","x)"));
  CHECK(IsReadSparkEvent(R"({"Event":"SparkListenerTaskEnd","Stage)"));
  CHECK_FALSE(IsSparkEvent("{\"t\":1}"));
}

TEST_CASE("an event that is cut off or about nobody is malformed", "[wire]") {
  Parsing parse;
  const auto whole = test::Task({});
  for (const std::size_t length : {40U, 200U, 700U}) {
    const auto cut = parse(whole.substr(0, length));
    REQUIRE_FALSE(cut);
    CHECK(cut.error().code == base::Code::kMalformed);
    CHECK_THAT(cut.error().message, Catch::StartsWith("SparkListenerTaskEnd: "));
  }
  CHECK_FALSE(parse(test::Added("")));
  CHECK_FALSE(parse(test::Added(std::string(64, '1'))));  // longer than a label's value can be
  CHECK_FALSE(parse(whole.substr(0, whole.size() - 1) + "}"));
}

}  // namespace
}  // namespace sparkfit::wire
