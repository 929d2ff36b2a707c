// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/replay/import.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <random>

#include "sparkfit/wire/observation_log.h"

namespace sparkfit::replay {
namespace {

using nlohmann::json;
using wire::PrometheusSeries;

constexpr base::Duration kStep = std::chrono::seconds(30);
constexpr base::Time kStart{std::chrono::seconds(1'800'000'000)};
constexpr int kGiB = 1 << 30;

base::Time At(int step) { return kStart + step * kStep; }

using Labels = std::vector<std::pair<std::string, std::string>>;

// A metric that is there from one step to another.
PrometheusSeries Series(const std::string& metric, Labels labels, int from, int to,
                        double value = 1) {
  PrometheusSeries series{std::move(labels), {}};
  if (!metric.empty()) series.labels.emplace_back("__name__", metric);
  series.labels.emplace_back("namespace", "jobs");
  for (int i = from; i <= to; ++i) series.points.push_back({At(i), value});
  return series;
}

PrometheusSeries Usage(const std::string& pod, int from, int to, double value) {
  return Series("", {{"pod", pod}, {"container", "spark-kubernetes-executor"}}, from, to, value);
}

PrometheusSeries PodLabels(const std::string& pod, const std::string& uid, int from, int to,
                           Labels more = {{"label_sparkfit_io_signature", "nightly"}},
                           const std::string& role = "executor") {
  Labels labels{{"pod", pod},
                {"uid", uid},
                {"label_spark_role", role},
                {"label_spark_app_selector", "spark-1"}};
  labels.insert(labels.end(), more.begin(), more.end());
  return Series("kube_pod_labels", labels, from, to);
}

PrometheusSeries Limit(const std::string& pod, const std::string& uid, int from, int to) {
  return Series("kube_pod_container_resource_limits",
                {{"pod", pod},
                 {"uid", uid},
                 {"container", "spark-kubernetes-executor"},
                 {"resource", "memory"}},
                from, to, 2.0 * kGiB);
}

PrometheusSeries Ended(const std::string& pod, const std::string& reason, int from, int to,
                       const std::string& metric = "kube_pod_container_status_terminated_reason") {
  return Series(metric,
                {{"pod", pod}, {"container", "spark-kubernetes-executor"}, {"reason", reason}},
                from, to);
}

struct Imported {
  std::vector<json> lines;
  ImportCounts counts;
  std::vector<std::string> problems;

  // "t type/event pod", t in steps.
  [[nodiscard]] std::vector<std::string> Events() const {
    std::vector<std::string> events;
    for (const auto& line : lines) {
      if (line["type"] == "usage") continue;
      const auto t = *base::ParseTime(line["t"].get<std::string>());
      events.push_back(std::to_string((t - kStart) / kStep) + " " +
                       line["event"].get<std::string>() + " " +
                       line["object"]["metadata"]["name"].get<std::string>());
    }
    return events;
  }
  // t and amount of each sample, t in steps.
  [[nodiscard]] std::vector<std::pair<int, std::string>> Samples() const {
    std::vector<std::pair<int, std::string>> samples;
    for (const auto& line : lines) {
      if (line["type"] != "usage") continue;
      const auto t = *base::ParseTime(line["object"]["timestamp"].get<std::string>());
      samples.emplace_back(static_cast<int>((t - kStart) / kStep),
                           line["object"]["containers"][0]["usage"]["memory"].get<std::string>());
    }
    return samples;
  }
  [[nodiscard]] json Pod(const std::string& event) const {
    const auto found = std::find_if(lines.begin(), lines.end(), [&](const json& line) {
      return line.value("event", "") == event && line["object"]["metadata"]["name"] != "driver";
    });
    return found == lines.end() ? json() : (*found)["object"];
  }
};

std::vector<PrometheusSeries> Within(const std::vector<PrometheusSeries>& all, base::Time from,
                                     base::Time to) {
  std::vector<PrometheusSeries> some;
  for (auto series : all) {
    std::erase_if(series.points,
                  [&](const auto& point) { return point.t <= from - kStep || point.t > to; });
    if (!series.points.empty()) some.push_back(std::move(series));
  }
  return some;
}

// In windows of so many steps, a new importer for each.
std::string TextOf(const std::vector<PrometheusSeries>& all, int steps, int window,
                   const std::string& rules_text = "", std::mt19937* shuffled = nullptr) {
  const auto rules = model::SignatureRules::Parse(rules_text);
  std::string text;
  const auto sink = [&](std::string_view line) { text += line; };
  auto importer = std::make_unique<Importer>(ImportSelection{}, *rules);
  for (int from = 0; from <= steps; from += window) {
    const int to = std::min(from + window - 1, steps);
    auto some = Within(all, At(from), At(to));
    if (shuffled != nullptr) std::shuffle(some.begin(), some.end(), *shuffled);
    importer->Take(std::move(some), At(from), At(to), sink);
    auto next = std::make_unique<Importer>(ImportSelection{}, *rules);
    REQUIRE(next->Restore(importer->Save()));
    CHECK(next->Counts() == importer->Counts());
    importer = std::move(next);
  }
  importer->Finish(sink);
  return text;
}

Imported Import(const std::vector<PrometheusSeries>& all, int steps,
                const std::string& rules_text = "") {
  const auto rules = model::SignatureRules::Parse(rules_text);
  Imported imported;
  const auto sink = [&](std::string_view line) { imported.lines.push_back(json::parse(line)); };
  Importer importer({}, *rules);
  importer.Take(all, At(0), At(steps), sink);
  importer.Finish(sink);
  imported.counts = importer.Counts();
  imported.problems = importer.Problems();
  return imported;
}

TEST_CASE("An executor from its first sight to its last, with what its labels and limits say") {
  const auto log =
      Import({Usage("e", 2, 4, kGiB), PodLabels("e", "u1", 1, 4), Limit("e", "u1", 1, 4)}, 30);
  // Seen last at 4: at 5 it was gone.
  CHECK(log.Events() == std::vector<std::string>{"1 ADDED e", "5 DELETED e"});
  CHECK(log.Samples() ==
        std::vector<std::pair<int, std::string>>{{2, "1024Mi"}, {3, "1024Mi"}, {4, "1024Mi"}});
  const auto pod = log.Pod("ADDED");
  CHECK(pod["metadata"]["uid"] == "u1");
  CHECK(pod["metadata"]["creationTimestamp"] == base::FormatTime(At(1)));
  CHECK(pod["metadata"]["labels"]["spark-role"] == "executor");
  CHECK(pod["metadata"]["labels"]["spark-app-selector"] == "spark-1");
  CHECK(pod["metadata"]["annotations"]["sparkfit.io/signature"] == "nightly");
  const auto& container = pod["spec"]["containers"][0];
  CHECK(container["name"] == "spark-kubernetes-executor");
  CHECK(container["resources"]["limits"]["memory"] == "2048Mi");
  CHECK(log.counts.executors == 1);
  CHECK(log.counts.samples == 3);
  CHECK(log.counts.no_labels + log.counts.no_signature + log.counts.no_memory == 0);
}

TEST_CASE("An end by memory is one, whichever metrics show it and for how long") {
  const std::string last = "kube_pod_container_status_last_terminated_reason";
  const auto [series, ended] = GENERATE_COPY(table<std::vector<PrometheusSeries>, bool>(
      {{{Ended("e", "OOMKilled", 4, 6)}, true},
       {{Ended("e", "OOMKilled", 4, 6, last)}, false},
       {{Ended("e", "OOMKilled", 4, 4), Ended("e", "OOMKilled", 5, 6, last)}, true}}));
  auto all = series;
  all.push_back(Usage("e", 1, 4, kGiB));
  all.push_back(PodLabels("e", "u1", 1, 6));
  const auto log = Import(all, 40);
  CHECK(log.counts.ooms == 1);
  const auto status = log.Pod("MODIFIED")["status"]["containerStatuses"][0];
  const auto terminated = status[ended ? "state" : "lastState"]["terminated"];
  CHECK(terminated["reason"] == "OOMKilled");
  CHECK(terminated["exitCode"] == 137);
  CHECK(terminated["finishedAt"] == base::FormatTime(At(4)));
}

TEST_CASE("An executor that completed has ended although its pod stays") {
  const auto log = Import({Usage("e", 1, 4, kGiB), PodLabels("e", "u1", 1, 20),
                           Limit("e", "u1", 1, 20), Ended("e", "Completed", 5, 20)},
                          40);
  CHECK(log.Events() == std::vector<std::string>{"1 ADDED e", "5 MODIFIED e", "21 DELETED e"});
  CHECK(log.Pod("MODIFIED")["status"]["phase"] == "Succeeded");
  CHECK(log.counts.ooms == 0);
}

TEST_CASE("Reasons that older kube-state-metrics give as 0 are none") {
  auto none = Ended("e", "OOMKilled", 1, 4);
  for (auto& point : none.points) point.value = 0;
  const auto log = Import({none, Usage("e", 1, 4, kGiB), PodLabels("e", "u1", 1, 4)}, 30);
  CHECK(log.counts.ooms == 0);
  CHECK(log.Pod("MODIFIED").is_null());
}

TEST_CASE("What an executor does not say its driver says") {
  const auto log = Import(
      {PodLabels("driver", "d1", 0, 20, {{"label_sparkfit_io_signature", "weekly"}}, "driver"),
       PodLabels("e", "u1", 2, 8, {}), Usage("e", 3, 8, kGiB), Limit("e", "u1", 2, 8)},
      40);
  CHECK(log.Events() == std::vector<std::string>{"0 ADDED driver", "2 ADDED e", "9 DELETED e",
                                                 "21 DELETED driver"});
  CHECK(log.Pod("ADDED")["metadata"]["ownerReferences"][0]["uid"] == "d1");
  CHECK(log.counts.drivers == 1);
  CHECK(log.counts.no_signature == 0);
}

TEST_CASE("A pod of the same name is another one by its UID, or after five minutes of silence") {
  // Ten steps are five minutes.
  const int gap = GENERATE(10, 11);
  const auto by_silence = Import({Usage("e", 0, 3, kGiB), Usage("e", 3 + gap, 15, kGiB)}, 60);
  CHECK(by_silence.counts.executors == (gap == 11 ? 2 : 1));

  const auto by_uid = Import({Usage("e", 0, 9, kGiB), PodLabels("e", "u1", 0, 4),
                              PodLabels("e", "u2", 5, 9), PodLabels("e", "u1", 6, 6)},
                             60);
  CHECK(by_uid.counts.executors == 2);
  CHECK(by_uid.Events()[1] == "5 DELETED e");
  CHECK(by_uid.Pod("ADDED")["metadata"]["uid"] == "u1");
}

TEST_CASE("A pod that comes back under a UID that the log saw go is told apart") {
  const auto log = Import({Usage("e", 0, 3, kGiB), PodLabels("e", "u1", 0, 3),
                           Usage("e", 30, 33, kGiB), PodLabels("e", "u1", 30, 33)},
                          60);
  REQUIRE(log.counts.executors == 2);
  std::vector<std::string> uids;
  for (const auto& line : log.lines) {
    if (line.value("event", "") == "ADDED") uids.push_back(line["object"]["metadata"]["uid"]);
  }
  CHECK(uids.size() == 2);
  CHECK(uids[0] == "u1");
  CHECK(uids[1].starts_with("u1-"));
}

TEST_CASE("Labels that come long after the first usage still count, and no peak is lost") {
  // 300 samples wait; the highest is the 100th.
  auto usage = Usage("e", 0, 300, kGiB);
  usage.points[100].value = 1.5 * kGiB;
  const auto log = Import({usage, PodLabels("e", "u1", 299, 300), Limit("e", "u1", 299, 300)}, 400);
  CHECK(log.counts.executors == 1);
  CHECK(log.counts.no_signature == 0);
  const auto samples = log.Samples();
  CHECK(samples.size() < 200);  // thinned out
  CHECK(std::count(samples.begin(), samples.end(), std::pair(100, std::string("1536Mi"))) == 1);
  // Created when it was seen first, learnt as soon as could be.
  CHECK(log.Pod("ADDED")["metadata"]["creationTimestamp"] == base::FormatTime(At(0)));
  CHECK(log.Events()[0] == "289 ADDED e");
}

TEST_CASE("An executor without any usage is left out, one that memory ended is not") {
  const auto log = Import({PodLabels("idle", "u1", 0, 9), Limit("idle", "u1", 0, 9),
                           PodLabels("killed", "u2", 0, 2), Ended("killed", "OOMKilled", 1, 2)},
                          40);
  CHECK(log.counts.never_used == 1);
  CHECK(log.counts.executors == 1);
  CHECK(log.counts.ooms == 1);
  CHECK(log.counts.no_memory == 1);
}

TEST_CASE("Without labels an executor is known by its container, its job by its name") {
  const std::string pod = "nightly-revenue-0f1e2d3c4b5a6978-exec-12";
  const auto log = Import({Usage(pod, 0, 20, kGiB)}, 40, "{pod-name}");
  const auto added = log.Pod("ADDED");
  CHECK(added["metadata"]["annotations"]["sparkfit.io/derived-signature"] == "nightly-revenue");
  CHECK(added["metadata"]["labels"]["spark-app-selector"] == "nightly-revenue-0f1e2d3c4b5a6978");
  // Its name is enough: no longer awaited than five minutes.
  CHECK(log.Events()[0] == "0 ADDED " + pod);
  CHECK(log.counts.no_labels == 1);
  CHECK(log.counts.no_signature == 0);
  const auto unsigned_one = Import({Usage(pod, 0, 20, kGiB)}, 40);
  CHECK(unsigned_one.counts.executors == 1);
  CHECK(unsigned_one.counts.no_signature == 1);
}

TEST_CASE("Rules take labels as kube-state-metrics spells them") {
  const auto log =
      Import({Usage("e", 0, 3, kGiB),
              PodLabels("e", "u1", 0, 3, {{"label_example_com_dag_id", "d"}, {"label_team", "x"}})},
             30, "{example.com/dagId}-{team}");
  CHECK(log.Pod("ADDED")["metadata"]["annotations"]["sparkfit.io/derived-signature"] == "d-x");
}

TEST_CASE("Pods and containers that are no executors are passed over") {
  const auto other = Series("", {{"pod", "e"}, {"container", "istio-proxy"}}, 0, 3, kGiB);
  const auto web = PodLabels("web", "u", 0, 3, {}, "web");
  const auto elsewhere = Series("kube_pod_info", {{"pod", "e"}}, 0, 3);
  const auto log = Import({other, web, elsewhere}, 30);
  CHECK(log.lines.empty());
  CHECK(log.counts.other_containers == 1);
}

TEST_CASE("Implausible values and pods are left out, counted and named once") {
  auto usage = Usage("e", 0, 5, kGiB);
  usage.points[1].value = -1;
  usage.points[2].value = 1e18;
  const auto log =
      Import({usage, PodLabels("e", "u1", 0, 5), Usage("odd", 0, 5, kGiB),
              PodLabels("odd", "u2", 0, 5, {{"label_spark_exec_resourceprofile_id", "many"}})},
             30);
  CHECK(log.counts.implausible == 2);
  CHECK(log.counts.unreadable_pods == 1);
  CHECK(log.counts.executors == 1);
  CHECK(log.Samples().size() == 4);
  REQUIRE(log.problems.size() == 2);
  CHECK(log.problems[0].starts_with("pod jobs/e: -1 bytes"));
  CHECK(log.problems[1].starts_with("pod jobs/odd: "));
}

TEST_CASE("Replicas of one series are one, the higher value counts") {
  auto a = Usage("e", 0, 3, kGiB);
  auto b = Usage("e", 1, 4, kGiB);
  b.points[1].value = 1.5 * kGiB;  // at 2
  const auto log = Import({a, b, PodLabels("e", "u1", 0, 4)}, 30);
  CHECK(log.Samples() ==
        std::vector<std::pair<int, std::string>>{
            {0, "1024Mi"}, {1, "1024Mi"}, {2, "1536Mi"}, {3, "1024Mi"}, {4, "1024Mi"}});
}

// Pods of all kinds: with labels long before usage, long after it, never; ends, gaps, namesakes.
std::vector<PrometheusSeries> Fleet(std::mt19937& random, int steps) {
  const auto draw = [&](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random);
  };
  std::vector<PrometheusSeries> all;
  for (int i = 0; i < 40; ++i) {
    const auto pod = "job-0123456789abcdef-exec-" + std::to_string(draw(1, 30));
    const auto uid = draw(0, 3) == 0 ? "" : "u" + std::to_string(i);
    const int from = draw(0, steps - 2);
    const int to = std::min(steps, from + draw(0, 200));
    if (draw(0, 5) > 0) {
      all.push_back(Usage(pod, std::min(to, from + draw(0, 60)), to, draw(1, kGiB)));
    }
    if (draw(0, 5) > 0) {
      all.push_back(PodLabels(pod, uid, std::min(to, from + draw(0, 60)), to,
                              {{"label_team", "t" + std::to_string(draw(0, 2))}},
                              draw(0, 6) > 0 ? "executor" : "driver"));
      all.push_back(Limit(pod, uid, std::min(to, from + draw(0, 30)), to));
    }
    if (draw(0, 2) == 0) all.push_back(Ended(pod, draw(0, 1) > 0 ? "OOMKilled" : "Error", to, to));
  }
  return all;
}

TEST_CASE("The log is the same however the past is cut into windows") {
  std::mt19937 random(20261127);
  constexpr int kSteps = 400;
  for (int round = 0; round < 20; ++round) {
    const auto fleet = Fleet(random, kSteps);
    const std::string rules = round % 2 == 0 ? "" : "{team},{pod-name}";
    const auto whole = TextOf(fleet, kSteps, kSteps + 1, rules);
    REQUIRE(!whole.empty());
    for (const int window : {1, 7, 10, 11, 120}) {
      CAPTURE(round, window);
      CHECK((TextOf(fleet, kSteps, window, rules, &random) == whole));
    }
  }
}

TEST_CASE("Lines of an import are in order of time and read back as what they are") {
  std::mt19937 random(7);
  auto text = TextOf(Fleet(random, 400), 400, 50);
  wire::LogLineParser parser;
  const auto size = text.size();
  text += std::string(wire::kLinePadding, ' ');
  base::Time before{};
  for (std::size_t at = 0; at < size;) {
    const auto end = text.find('\n', at);
    const auto line = parser.Parse(std::string_view(text).substr(at, end - at));
    REQUIRE(line);
    const auto t = std::get<model::Observation>(*line).t;
    CHECK(t >= before);
    before = t;
    at = end + 1;
  }
}

TEST_CASE("A state that makes no sense changes nothing") {
  const model::SignatureRules rules;
  Importer importer({}, rules);
  importer.Take({Usage("e", 0, 3, kGiB)}, At(0), At(3), [](auto) {});
  const auto before = importer.Save();
  for (const auto* text : {"", "{}", "[]", R"({"now":"x"})", R"({"now":1,"pods":[{}]})"}) {
    CHECK(!importer.Restore(text));
    CHECK(importer.Save() == before);
  }
}

// The labels of the metric itself, renamed as a scrape without honor_labels does it, beside those
// of kube-state-metrics' own pod.
PrometheusSeries Exported(PrometheusSeries series) {
  for (auto& [name, value] : series.labels) {
    if (name == "namespace" || name == "pod" || name == "container") name.insert(0, "exported_");
  }
  series.labels.insert(series.labels.end(), {{"namespace", "monitoring"},
                                             {"pod", "kube-state-metrics-0"},
                                             {"container", "kube-state-metrics"}});
  return series;
}

TEST_CASE("Labels that a scrape renamed are read as the metric meant them") {
  const std::vector<PrometheusSeries> plain{Usage("e", 0, 20, kGiB), PodLabels("e", "u", 0, 20),
                                            Limit("e", "u", 0, 20),
                                            Ended("e", "OOMKilled", 18, 20)};
  auto renamed = plain;
  for (std::size_t i = 1; i < renamed.size(); ++i) renamed[i] = Exported(renamed[i]);
  const auto imported = Import(plain, 20);
  REQUIRE(imported.counts.ooms == 1);
  CHECK(Import(renamed, 20).lines == imported.lines);
}

TEST_CASE("Of labels with one name in Prometheus the first is taken, and it is said") {
  const auto imported =
      Import({Usage("e", 0, 20, kGiB), Limit("e", "u", 0, 20),
              PodLabels("e", "u", 0, 20,
                        {{"label_sparkfit_io_signature_conflict1", "nightly"},
                         {"label_sparkfit_io_signature_conflict2", "somebody-else"}})},
             20);
  CHECK(imported.Pod("ADDED")["metadata"]["annotations"]["sparkfit.io/signature"] == "nightly");
  CHECK(imported.counts.conflicts == 1);
}

TEST_CASE("Series of several clusters are not mixed") {
  const model::SignatureRules rules;
  const auto of = [](PrometheusSeries series, const std::string& label, const std::string& value) {
    series.labels.emplace_back(label, value);
    return series;
  };
  const auto several = [&](const std::string& label, const std::string& given, bool cut = false) {
    ImportSelection selection;
    selection.cluster_label = given;
    Importer importer(selection, rules);
    importer.Take({of(Usage("e", 0, 3, kGiB), label, "prod")}, At(0), At(3), [](auto) {});
    CHECK(importer.SeveralClusters().empty());
    if (cut) {  // in another process
      const auto state = importer.Save();
      Importer next(selection, rules);
      REQUIRE(next.Restore(state));
      next.Take({of(Usage("e", 4, 5, kGiB), label, "test")}, At(4), At(5), [](auto) {});
      return next.SeveralClusters();
    }
    importer.Take({of(Usage("e", 4, 5, kGiB), label, "test")}, At(4), At(5), [](auto) {});
    return importer.SeveralClusters();
  };
  CHECK_THAT(several("cluster", ""), Catch::Contains("cluster is \"prod\", \"test\"") &&
                                         Catch::Contains("--matcher 'cluster=\"prod\"'"));
  CHECK_THAT(several("cluster", "", true), Catch::Contains("\"test\""));
  CHECK_THAT(several("k8s_cluster_name", ""), Catch::Contains("k8s_cluster_name is"));
  CHECK(several("region", "").empty());  // who knows
  CHECK_THAT(several("region", "region"), Catch::Contains("region is"));
  CHECK(several("cluster", "region").empty());  // told what counts
}

TEST_CASE("Names of applications that Spark cut alike are said to be one job") {
  const auto rules = *model::SignatureRules::Parse("{spark-app-name}");
  const std::string beginning(63, 'a');  // as long as Spark makes the label
  const auto job = [&](const std::string& name, int at) {
    const auto pod = name + "-0123456789abcdef-exec-" + std::to_string(at);
    return std::vector<PrometheusSeries>{
        Usage(pod, 0, 20, kGiB), Limit(pod, "u" + std::to_string(at), 0, 20),
        PodLabels(pod, "u" + std::to_string(at), 0, 20, {{"label_spark_app_name", beginning}})};
  };
  const auto problems = [&](const std::vector<std::vector<PrometheusSeries>>& jobs) {
    std::vector<PrometheusSeries> all;
    for (const auto& one : jobs) all.insert(all.end(), one.begin(), one.end());
    Importer importer({}, rules);
    importer.Take(all, At(0), At(20), [](auto) {});
    return importer.Problems();
  };
  CHECK(problems({job(beginning + "-x", 1), job(beginning + "-x", 2)}).empty());
  CHECK(problems({job(beginning, 1), job(beginning, 2)}).empty());  // not cut
  const auto two =
      problems({job(beginning + "-x", 1), job(beginning + "-y", 2), job(beginning + "-z", 3)});
  REQUIRE(two.size() == 1);
  CHECK_THAT(two[0], Catch::Contains(beginning + "-y") && Catch::Contains("{pod-name}"));
}

TEST_CASE("The queries name what was selected") {
  ImportSelection selection;
  selection.namespaces = {"a", "b"};
  selection.matchers = {R"(cluster="prod")"};
  const auto queries = ImportQueries(selection);
  REQUIRE(queries.size() == 4);
  CHECK(
      queries[0] ==
      R"(max_over_time(container_memory_working_set_bytes{container=~"spark-kubernetes-executor",)"
      R"(namespace=~"a|b",cluster="prod"}[29s999ms]))"
      R"( or max_over_time(container_memory_working_set_bytes{exported_container=~)"
      R"("spark-kubernetes-executor",exported_namespace=~"a|b",cluster="prod"}[29s999ms]))");
  CHECK(queries[1] ==
        R"(last_over_time(kube_pod_labels{label_spark_role=~"executor|driver",namespace=~"a|b",)"
        R"(cluster="prod"}[29s999ms]))"
        R"( or last_over_time(kube_pod_labels{label_spark_role=~"executor|driver",)"
        R"(exported_namespace=~"a|b",cluster="prod"}[29s999ms]))");
  // Without a namespace both are one.
  CHECK(ImportQueries({})[1] ==
        R"(last_over_time(kube_pod_labels{label_spark_role=~"executor|driver"}[29s999ms]))");
}

}  // namespace
}  // namespace sparkfit::replay
