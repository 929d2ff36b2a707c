// SPDX-License-Identifier: Apache-2.0
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "sparkfit/replay/backtest.h"
#include "sparkfit/replay/replay.h"

namespace sparkfit::replay {
namespace {

const base::Time kStart{std::chrono::hours(24 * 20000)};

std::string Metadata(int executor, base::Time created) {
  const int application = executor / 20;
  return fmt::format(
      R"("metadata":{{"name":"job-{0}-c71fb5a207e0{1:04x}-exec-{2}","namespace":"jobs",)"
      R"("uid":"838b0a90-5c76-4b0c-a3f2-{2:012x}","creationTimestamp":"{3}","labels":)"
      R"({{"emr-containers.amazonaws.com/dynamic.sizing.signature":"job-{0}","spark-app-name":"job-{0}",)"
      R"("spark-app-selector":"spark-{1:032x}","spark-exec-id":"{2}","spark-exec-resourceprofile-id":"0",)"
      R"("spark-role":"executor","spark-version":"3.5.6"}}}})",
      application % 100, application, executor, base::FormatTime(created));
}

std::string PodLine(int executor, base::Time created, base::Time t, const char* event,
                    const char* status) {
  return fmt::format(
      R"({{"t":"{}","type":"pod","event":"{}","object":{{{},"spec":{{"containers":[{{"name":)"
      R"("spark-kubernetes-executor","resources":{{"limits":{{"memory":"2432Mi"}},"requests":)"
      R"({{"cpu":"100m","memory":"2432Mi"}}}},"env":[{{"name":"SPARK_EXECUTOR_CORES","value":"1"}},)"
      R"({{"name":"SPARK_EXECUTOR_MEMORY","value":"2048m"}}]}}]}},"status":{}}}}})",
      base::FormatTime(t), event, Metadata(executor, created), status);
}

std::string UsageLine(int executor, base::Time t, int sample) {
  return fmt::format(
      R"({{"t":"{0}","type":"usage","object":{{"metadata":{{"name":"job-{1}-c71fb5a207e0{2:04x}-exec-{3}",)"
      R"("namespace":"jobs"}},"timestamp":"{0}","containers":[{{"name":"spark-kubernetes-executor",)"
      R"("usage":{{"memory":"{4}Ki"}}}}]}}}})",
      base::FormatTime(t), executor / 20 % 100, executor / 20, executor,
      500000 + (sample * 7919 + executor * 104729) % 1500000);
}

// A log such as a controller writes: executors that live half an hour, sampled every 15 s, and
// four pod events each; 124 lines an executor.
const std::string& Log() {
  static const std::string log = [] {
    std::vector<std::pair<base::Time, std::string>> lines;
    for (int executor = 0; executor < 1000; ++executor) {
      const auto created = kStart + std::chrono::seconds(executor * 2);
      const auto end = created + std::chrono::seconds(1800);
      const auto done = fmt::format(
          R"({{"phase":"Succeeded","containerStatuses":[{{"name":"spark-kubernetes-executor","state":)"
          R"({{"terminated":{{"exitCode":0,"finishedAt":"{}","reason":"Completed"}}}}}}]}})",
          base::FormatTime(end));
      const auto add = [&](base::Time t, const char* event, const char* status) {
        lines.emplace_back(t, PodLine(executor, created, t, event, status));
      };
      add(created, "ADDED", R"({"phase":"Pending"})");
      add(created + std::chrono::seconds(1), "MODIFIED", R"({"phase":"Running"})");
      for (int i = 0; i < 120; ++i) {
        const auto t = created + std::chrono::milliseconds(3000 + i * 14900);
        lines.emplace_back(t, UsageLine(executor, t, i));
      }
      add(end + std::chrono::milliseconds(500), "MODIFIED", done.c_str());
      add(end + std::chrono::seconds(1), "DELETED", done.c_str());
    }
    std::stable_sort(lines.begin(), lines.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    std::string text = "{\"type\":\"header\",\"version\":1}\n";
    for (const auto& line : lines) text += line.second + '\n';
    return text;
  }();
  return log;
}

// From the text of a log to recommendations.
void ReplayLog(benchmark::State& state) {
  const auto& log = Log();
  std::uint64_t observations = 0;
  for (auto _ : state) {
    ObservationReader reader;
    if (!reader.Add("bench", FromMemory(log))) std::abort();
    controller::Pipeline pipeline({});
    benchmark::DoNotOptimize(Replay(reader, pipeline, {}, [](std::uint64_t) {}));
    observations += reader.Counts().observations;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(observations));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * log.size()));
}
BENCHMARK(ReplayLog)->Unit(benchmark::kMillisecond);

// The pipeline alone, on observations that are parsed already.
void ReplayObservations(benchmark::State& state) {
  ObservationReader reader;
  if (!reader.Add("bench", FromMemory(Log()))) std::abort();
  std::vector<model::Observation> observations;
  for (;;) {
    auto next = reader.Next();
    if (!next || !*next) break;
    observations.push_back(**std::move(next));
  }
  for (auto _ : state) {
    controller::Pipeline pipeline({});
    for (const auto& observation : observations) pipeline.Observe(observation);
    benchmark::DoNotOptimize(pipeline.Recommend());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * observations.size()));
}
BENCHMARK(ReplayObservations)->Unit(benchmark::kMillisecond);

// Reading a table of executions and one policy over it: the recorded traces where they are
// (SPARKFIT_TRACES), else the synthetic table of the tests.
void ReadAndBacktest(benchmark::State& state) {
  const char* traces = std::getenv("SPARKFIT_TRACES");
  const std::string recorded =
      std::string(traces != nullptr ? traces : "../shared/data") + "/nfcore-pods.tsv.gz";
  const bool have = OpenFile(recorded).has_value();
  const std::string path = have ? recorded : "tests/oracle/synthetic.tsv.gz";
  state.SetLabel(have ? "recorded traces" : "synthetic table");
  std::uint64_t executions = 0;
  for (auto _ : state) {
    auto source = OpenFile(path);
    ExecutionTable table;
    if (!source || !table.Read(path, *std::move(source), [](std::uint64_t) {})) {
      state.SkipWithError("no table");
      break;
    }
    table.Sort();
    benchmark::DoNotOptimize(Backtest(table, recommend::Policy{}, "percentile"));
    executions += table.Executions().size();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(executions));
}
BENCHMARK(ReadAndBacktest)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace sparkfit::replay
