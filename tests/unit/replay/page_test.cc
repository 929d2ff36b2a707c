// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/replay/page.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "cluster_story.h"
#include "sparkfit/replay/report.h"

namespace sparkfit::replay {
namespace {

using base::MiB;
using nlohmann::json;
using test::ClusterStory;

json DataOf(const std::string& page) { return json::parse(DataIn(page)); }

// Two jobs with a few runs, recorded.
struct Recorded {
  Recorded() {
    for (const auto* signature : {"one", "two"}) {
      for (int run = 0; run < 3; ++run) {
        const auto id = signature + std::to_string(run);
        story.Live(ClusterStory::Executor(id, id, signature), MiB(1000 + 100 * run));
        story.Pass(std::chrono::minutes(30));
      }
    }
  }
  std::vector<JobReport> Jobs() {
    std::vector<JobReport> jobs;
    for (const auto& result : story.pipeline.Recommend()) {
      jobs.push_back(MakeJob(result, recorder.ReportOf(*result.history)));
    }
    return jobs;
  }

  FleetRecorder recorder;
  ClusterStory story{{}, &recorder};
};

TEST_CASE("the page's numbers are those of -o json", "[replay][page]") {
  Recorded recorded;
  const auto jobs = recorded.Jobs();
  FleetPage page(jobs.size());
  std::vector<ReplayRow> rows;
  for (const auto& job : jobs) {
    page.Add(job);
    rows.push_back(job.row);
  }
  const auto data = DataOf(page.Html(recorded.story.now, {"a note"}));
  json shown = json::array();
  for (const auto& job : data["jobs"]) shown.push_back(job["row"]);
  CHECK(shown == json::parse(Render(rows, OutputFormat::kJson)));
  CHECK(data["summary"]["signatures"] == 2);
  CHECK(data["summary"]["executors"] == 6);
  CHECK(data["meta"]["notes"][0] == "a note");
  // 1200 MiB was the peak; the settings are those of `conf`.
  CHECK(data["jobs"][0]["runs"][2][4] == 1200);
  const auto heap = data["jobs"][0]["row"]["heapBytes"].get<std::int64_t>() / MiB(1).value;
  CHECK(data["jobs"][0]["settings"] ==
        "--conf spark.executor.memory=" + std::to_string(heap) + "m");
}

TEST_CASE("the page has what the next run tries", "[replay][page]") {
  FleetRecorder recorder;
  ClusterStory story({.policy = *recommend::ParsePolicy("adaptive"), .safety = {}}, &recorder);
  story.LiveTold();
  const auto row = story.Only();
  auto job = MakeJob(row, recorder.ReportOf(*row.history));
  FleetPage page(2);
  page.Add(job);
  job.row.recommendation.next.trial.reset();
  page.Add(job);
  const auto data = DataOf(page.Html(story.now, {}));
  // Half of 4096 MiB of heap, in the only executor.
  CHECK(data["jobs"][0]["next"] ==
        json({{"part", "heap"}, {"bytes", MiB(2048).value}, {"executors", 1}}));
  CHECK(data["jobs"][1]["next"].is_null());
}

TEST_CASE("the page has what more evidence would help", "[replay][page]") {
  Recorded recorded;
  auto job = recorded.Jobs()[0];
  FleetPage page(1);
  page.Add(job);
  const auto data = DataOf(page.Html(recorded.story.now, {}));
  // No driver was seen, so that no run was seen to succeed.
  CHECK(data["jobs"][0]["evidence"]["lacks"] == "success");
  CHECK(data["jobs"][0]["evidence"]["told"] == 0);
  CHECK(data["jobs"][0]["evidence"]["further"].is_null());
  CHECK(data["jobs"][0]["submittedLimitBytes"] == MiB(4505).value);
  CHECK(data["jobs"][0]["unadvisedOOMs"] == 0);
}

TEST_CASE("intervals on the page keep the peak", "[replay][page]") {
  Recorded recorded;
  auto job = recorded.Jobs()[0];
  FleetPage page(100'000);  // as coarse as it gets: 48 intervals
  for (int i = 0; i < 5000; ++i) {
    Moment moment;
    moment.used = i == 2345 ? MiB(7777) : MiB(100);
    job.seen.timeline.Add(recorded.story.now + std::chrono::seconds(30 * i), moment);
  }
  page.Add(job);
  const auto data = DataOf(page.Html(recorded.story.now, {}));
  const auto& used = data["jobs"][0]["timeline"]["used"];
  CHECK(used.size() <= 48);
  CHECK(*std::max_element(used.begin(), used.end()) == 7777);
}

TEST_CASE("foreign text is inert", "[replay][page]") {
  Recorded recorded;
  auto job = recorded.Jobs()[0];
  const std::string hostile =
      "</script><script>alert(1)</script><!--<img src=x onerror=y>\xe2\x80\xae";
  job.row.key = {hostile, hostile, 0};
  job.row.explanation = "\xff\xfe";  // no UTF-8
  FleetPage page(1);
  page.Add(job);
  const auto html = page.Html(recorded.story.now, {hostile});
  CHECK(html.find("alert(1)</") == std::string::npos);
  CHECK(html.find("<img") == std::string::npos);
  const auto data = DataOf(html);
  CHECK(data["jobs"][0]["row"]["signature"] == hostile);
  CHECK(data["jobs"][0]["row"]["explanation"] == "\xef\xbf\xbd\xef\xbf\xbd");
}

TEST_CASE("the page runs only its own script and loads nothing", "[replay][page]") {
  Recorded recorded;
  FleetPage page(0);
  const auto html = page.Html(recorded.story.now, {});
  CHECK_THAT(html, Catch::Contains("default-src 'none'") && Catch::Contains("trusted-types"));
  CHECK(html.find("{{") == std::string::npos);
  // Nothing that a browser would fetch: the only addresses are namespaces of markup.
  for (std::size_t at = 0; (at = html.find("://", at)) != std::string::npos; ++at) {
    CHECK(html.substr(at - 4, 26) == "http://www.w3.org/2000/svg");
  }
  CHECK(DataOf(html)["jobs"].empty());
}

TEST_CASE("three thousand jobs with full histories fit into ten megabytes", "[replay][page]") {
  Recorded recorded;
  auto job = recorded.Jobs()[0];
  for (std::size_t i = 0; i < 2 * KeyReport::kIntervals; ++i) {
    Moment moment;
    moment.used = MiB(1000 + static_cast<std::int64_t>(i * 7919 % 9000));
    moment.size = MiB(12'000);
    job.seen.timeline.Add(recorded.story.now + std::chrono::seconds(17 * i), moment);
  }
  RunReport run;
  run.started = recorded.story.now;
  run.request = run.advice.advised.limit = run.peak = MiB(12'000);
  run.executors = 33;
  job.seen.runs.assign(KeyReport::kRuns, run);
  job.row.key.signature = std::string(60, 's');
  FleetPage page(3000);
  for (int i = 0; i < 3000; ++i) page.Add(job);
  CHECK(page.Html(recorded.story.now, {}).size() < 10'000'000);
}

TEST_CASE("what little a key costs is not rounded to more than all", "[replay][page]") {
  // 100 kB for 3.6 s of 60 kB of use: 4e-8 GBh, all of the waste there is.
  ExecutionTable table;
  REQUIRE(table
              .Read("t",
                    FromMemory("workflow\tsignature\tsubmit_epoch_s\tcomplete_epoch_s\t"
                               "request_bytes\tpeak_rss_bytes\truntime_hours\n"
                               "w\tk\t0\t1\t1e5\t6e4\t0.001\n"),
                    [](std::uint64_t) {})
              .has_value());
  table.Sort();
  const Workflows workflows(table);
  const auto report = Report(table, workflows, *recommend::ParsePolicy("request"), "request");
  const auto data = DataOf(BacktestPage(table, workflows, {report}, {}, {}));
  const double all = data["policies"][0]["result"]["waste_gbh"];
  REQUIRE(all > 0);
  CHECK(data["keys"][0]["costs"][0][3].get<double>() / all == Approx(1));
  CHECK(data["policies"][0]["workflows"][0][3].get<double>() / all == Approx(1));
}

TEST_CASE("a backtest's page has the results of -o json, and names the worst keys",
          "[replay][page]") {
  ExecutionTable table;
  std::string text =
      "workflow\tsignature\tsubmit_epoch_s\tcomplete_epoch_s\trequest_bytes\tpeak_rss_bytes\t"
      "runtime_hours\n";
  for (int key = 0; key < 40; ++key) {
    for (int i = 0; i < 3; ++i) {
      text += "w\tk" + std::to_string(key) + "\t" + std::to_string(i * 100) + "\t" +
              std::to_string(i * 100 + 1) + "\t8e9\t" + std::to_string(key + 1) + "e8\t1\n";
    }
  }
  REQUIRE(table.Read("t", FromMemory(text), [](std::uint64_t) {}).has_value());
  table.Sort();
  const Workflows workflows(table);
  std::vector<PolicyReport> reports;
  std::vector<BacktestResult> results;
  for (const auto* name : {"request", "max"}) {
    reports.push_back(Report(table, workflows, *recommend::ParsePolicy(name), name));
    results.push_back(reports.back().result);
  }
  const auto data = DataOf(BacktestPage(table, workflows, reports, {reports[1]}, {}));
  json shown = json::array();
  for (const auto& policy : data["policies"]) shown.push_back(policy["result"]);
  CHECK(shown == json::parse(Render(results, OutputFormat::kJson)));
  CHECK(data["dial"].size() == 1);
  // All ask for 8 GB, so the fifteen smallest waste most, at least the first time; nobody fails.
  CHECK(data["keys"][0]["signature"] == "k0");
  CHECK(data["keys"].size() == 15);
}

}  // namespace
}  // namespace sparkfit::replay
