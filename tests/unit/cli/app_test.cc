// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/cli/app.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "event_log.h"
#include "sparkfit/replay/page.h"
#include "temp_file.h"

namespace sparkfit::cli {
namespace {

const std::string kLog = SPARKFIT_SOURCE_DIR "/examples/spark-runs.ndjson.gz";

struct Outcome {
  int code;
  std::string out;
  std::string err;
};

struct World {
  std::map<std::string, std::string> environment;
  bool terminal = false;
  base::VirtualClock clock;
};

Outcome Call(std::vector<std::string> arguments, const World& world = {}) {
  std::ostringstream out;
  std::ostringstream err;
  const Process process{out, err, world.terminal,
                        [&](const std::string& name) -> const char* {
                          const auto found = world.environment.find(name);
                          return found == world.environment.end() ? nullptr : found->second.c_str();
                        },
                        world.clock};
  const int code = Run(std::move(arguments), process);
  return {code, out.str(), err.str()};
}

TEST_CASE("help is an answer, not a mistake", "[cli]") {
  const auto help = Call({"--help"});
  CHECK(help.code == kExitFine);
  for (const auto* command : {"replay", "backtest", "print-config", "check-config", "completion"}) {
    INFO(command);
    CHECK_THAT(help.out, Catch::Contains(command));
    const auto of_command = Call({command, "--help"});
    CHECK(of_command.code == kExitFine);
    CHECK_THAT(of_command.out,
               Catch::Contains(command == std::string("check-config") ? "FILE" : "xample"));
  }
  CHECK_THAT(Call({"--version"}).out, Catch::StartsWith("sparkfit "));
}

TEST_CASE("wrong usage exits with 2 and says what is wrong", "[cli]") {
  CHECK(Call({}).code == kExitUsage);
  CHECK(Call({"replay"}).code == kExitUsage);
  CHECK(Call({"fly"}).code == kExitUsage);
  const auto unknown = Call({"replay", kLog, "--colour"});
  CHECK(unknown.code == kExitUsage);
  CHECK_THAT(unknown.err, Catch::Contains("--colour"));
  const auto several =
      Call({"replay", kLog, "--at", "noon", "-o", "xml", "--step", "x", "--policy", "p"});
  CHECK(several.code == kExitUsage);
  for (const auto* part : {"noon", "xml", "\"x\"", "\"p\""})
    CHECK_THAT(several.err, Catch::Contains(part));
  CHECK(several.out.empty());
}

TEST_CASE("files that cannot be read exit with 1", "[cli]") {
  const auto missing = Call({"replay", "/nonexistent"});
  CHECK(missing.code == kExitFailed);
  CHECK_THAT(missing.err, Catch::Contains("/nonexistent"));
  CHECK(Call({"backtest", "/nonexistent"}).code == kExitFailed);
  const test::TempFile nonsense("nonsense\n");
  const auto unreadable = Call({"replay", nonsense.Path()});
  CHECK(unreadable.code == kExitFailed);
  CHECK_THAT(unreadable.err,
             Catch::Contains(nonsense.Path() + ":1:") && Catch::Contains("nothing"));
}

TEST_CASE("replay prints a table that explains itself", "[cli]") {
  const auto replay = Call({"replay", kLog});
  CHECK(replay.code == kExitFine);
  CHECK_THAT(replay.out, Catch::Contains("TARGET") && Catch::Contains("ml-scoring") &&
                             Catch::Contains("Why") && Catch::Contains("half-life 24h"));
}

TEST_CASE("replay shows only what was asked for", "[cli]") {
  const auto one = Call({"replay", kLog, "-o", "json", "--signature", "ml-scoring"});
  CHECK(nlohmann::json::parse(one.out).size() == 1);
  const auto two = Call(
      {"replay", kLog, "-o", "json", "--signature", "ml-scoring", "--signature", "sessionize"});
  CHECK(nlohmann::json::parse(two.out).size() == 2);
  const auto none = Call({"replay", kLog, "-o", "json", "--namespace", "elsewhere"});
  CHECK(none.out == "[]\n");
}

TEST_CASE("replay as of a time knows nothing later", "[cli]") {
  // The first executors of ml-scoring die at 10:12:17.6.
  const auto at = [](const char* time) {
    return nlohmann::json::parse(
        Call({"replay", kLog, "-o", "json", "--signature", "ml-scoring", "--at", time}).out);
  };
  CHECK(at("2026-11-23T10:12:00Z").empty());
  CHECK(at("2026-11-23T10:12:17.590Z")[0]["containerOOMs"] == 1);
  CHECK(at("2026-11-23T10:12:17.590Z")[0]["targetBytes"] == 1164 * 1048576);  // 1.2 × 970
}

TEST_CASE("import makes a log of saved answers that replay reads", "[cli]") {
  const auto output = test::TempFile("").Path() + ".ndjson.gz";
  const auto imported =
      Call({"import", "prometheus", "--from-json",
            SPARKFIT_SOURCE_DIR "/tests/fuzz/corpus/prometheus/executor.json", "--output", output});
  CHECK(imported.code == kExitFine);
  CHECK_THAT(imported.err,
             Catch::Contains("1 executors and 1 drivers, 13 samples, 1 container OOMs"));
  const auto row =
      nlohmann::json::parse(Call({"replay", output, "-o", "json", "--strict"}).out).at(0);
  CHECK(row["signature"] == "nightly");
  CHECK(row["executors"] == 1);
  CHECK(row["containerOOMs"] == 1);
  CHECK(row["peakBytes"] == 2147483648);  // killed at its limit
  const auto again =
      Call({"import", "prometheus", "--url", "http://127.0.0.1:1", "--output", output, "--start",
            "2026-09-01T00:00:00Z", "--end", "2026-11-01T00:00:00Z"});
  CHECK(again.code == kExitUsage);  // not written over
  CHECK_THAT(again.err, Catch::Contains("complete"));
  std::filesystem::remove(output);
}

TEST_CASE("import says all that is wrong with its arguments", "[cli]") {
  const auto wrong =
      Call({"import", "graphite", "--output", "/nowhere/x", "--step", "10m", "--chunk", "900d",
            "--namespace", "a|b", "--header", "none", "--start", "soon", "--end", "1d"});
  CHECK(wrong.code == kExitUsage);
  for (const auto* what : {"known: prometheus, eventlog", "--url or --from-json", "--step is",
                           "--chunk is", "\"a|b\" is no name", "--header", "\"soon\" is neither"}) {
    CHECK_THAT(wrong.err, Catch::Contains(what));
  }
  CHECK(Call({"import", "prometheus", "--url", "http://p"}).code == kExitUsage);  // no output
  const auto backwards = Call({"import", "prometheus", "--url", "http://p", "--output",
                               "/nowhere/x", "--start", "1d", "--end", "2d"});
  CHECK_THAT(backwards.err, Catch::Contains("--start is not before --end"));
}

TEST_CASE("import makes a log of event logs that replay reads", "[cli]") {
  const test::TempFile log(test::Head() + test::Added("1") +
                           test::Task({.jvm_rss = 900'000'000, .python_rss = 100'000'000}) +
                           "nonsense\n" + test::ApplicationEnd());
  const auto output = log.Path() + ".ndjson.gz";
  const auto imported = Call({"import", "eventlog", log.Path(), "--output", output});
  CHECK(imported.code == kExitFine);
  CHECK_THAT(imported.err, Catch::Contains("1 applications, 1 executors, 1 samples, 0 container "
                                           "OOMs, 0 heap OOMs, of 1 tasks in 1 logs"));
  CHECK_THAT(imported.err, Catch::Contains(log.Path() + ":8: a line that is no event"));
  CHECK_THAT(imported.err, !Catch::Contains("warning"));
  const auto row =
      nlohmann::json::parse(Call({"replay", output, "-o", "json", "--strict"}).out).at(0);
  CHECK(row["signature"] == "nightly");
  CHECK(row["peakBytes"] == 1'000'000'000);
  CHECK(row["requestBytes"] == (1024 + 384) * 1048576);
  const auto again = Call({"import", "eventlog", log.Path(), "--output", output});
  CHECK(again.code == kExitUsage);  // not written over
  CHECK_THAT(again.err, Catch::Contains("complete"));
  std::filesystem::remove(output);
}

TEST_CASE("import says what event logs do not tell, and what to do", "[cli]") {
  const test::TempFile log(test::LogStart() + test::ApplicationStart() + test::Added("1") +
                           test::Task({}) + test::ApplicationEnd());
  const auto output = log.Path() + ".ndjson";
  const auto imported = Call({"import", "eventlog", log.Path(), "--output", output});
  CHECK(imported.code == kExitFine);
  for (const auto* what :
       {"1 executors ran tasks, and no log says how much memory they used",
        "spark.executor.processTreeMetrics.enabled=true", "1 applications have no signature",
        "--derived-signatures '{app-name}'", "did not run on Kubernetes"}) {
    CHECK_THAT(imported.err, Catch::Contains(what));
  }
  std::filesystem::remove(output);
  const auto wrong = Call({"import", "eventlog", "--output", output, "--url", "http://p"});
  CHECK(wrong.code == kExitUsage);
  CHECK_THAT(wrong.err, Catch::Contains("which files or folders"));
  CHECK_THAT(wrong.err, Catch::Contains("--url is for import prometheus"));
  const auto none = Call({"import", "eventlog", "/nowhere", "--output", output});
  CHECK(none.code != kExitFine);
  CHECK_THAT(none.err, Catch::Contains("/nowhere: there is no such file or folder"));
  CHECK_FALSE(std::filesystem::exists(output));
}

// The JSON of the page that a command wrote.
nlohmann::json PageOf(std::vector<std::string> arguments) {
  const test::TempFile page("");
  arguments.insert(arguments.end(), {"--html", page.Path(), "--force"});
  const auto outcome = Call(arguments);
  CHECK(outcome.code == kExitFine);
  CHECK(outcome.out.empty());
  CHECK_THAT(outcome.err, Catch::Contains(page.Path()));
  std::ifstream file(page.Path());
  const std::string html{std::istreambuf_iterator<char>(file), {}};
  return nlohmann::json::parse(replay::DataIn(html));
}

TEST_CASE("the page of a replay has the numbers of -o json", "[cli]") {
  nlohmann::json rows = nlohmann::json::array();
  const auto page = PageOf({"replay", kLog});
  for (const auto& job : page["jobs"]) rows.push_back(job["row"]);
  CHECK(rows == nlohmann::json::parse(Call({"replay", kLog, "-o", "json"}).out));
  const auto one = PageOf({"replay", kLog, "--signature", "ml-scoring"});
  REQUIRE(one["jobs"].size() == 1);
  CHECK(one["summary"]["containerOOMs"] == 8);
  CHECK(one["summary"]["atRisk"] == 1);
}

TEST_CASE("a page calls one line that was not used one", "[cli]") {
  const std::string header = R"({"type":"header","version":1})"
                             "\n";
  const std::string node =
      R"({"t":"2026-11-23T10:00:00Z","type":"node","event":"ADDED","object":{"metadata":{"name":"n"}}})"
      "\n";
  const test::TempFile log(header + node + "{half\n");
  CHECK(PageOf({"replay", log.Path()})["meta"]["notes"][0] == "1 line that could not be read");
  const test::TempFile two(header + node + "{half\n{half\n");
  CHECK(PageOf({"replay", two.Path()})["meta"]["notes"][0] == "2 lines that could not be read");
}

TEST_CASE("the page of a backtest has the numbers of -o json, and the dial", "[cli]") {
  const std::string table = SPARKFIT_SOURCE_DIR "/tests/oracle/synthetic.tsv.gz";
  const auto page = PageOf({"backtest", table});
  nlohmann::json results = nlohmann::json::array();
  for (const auto& policy : page["policies"]) results.push_back(policy["result"]);
  CHECK(results == nlohmann::json::parse(Call({"backtest", table, "-o", "json"}).out));
  CHECK(page["dial"].size() == 3);
}

TEST_CASE("a page that cannot be written is a failure", "[cli]") {
  const auto outcome = Call({"replay", kLog, "--html", "/nonexistent/page.html"});
  CHECK(outcome.code == kExitFailed);
  CHECK_THAT(outcome.err, Catch::Contains("/nonexistent/page.html"));
}

TEST_CASE("a page and a table on standard output go together", "[cli]") {
  const test::TempFile page("");
  const auto both = Call({"replay", kLog, "--html", page.Path(), "--force", "-o", "table"});
  CHECK_THAT(both.out, Catch::Contains("TARGET"));
}

TEST_CASE("a page replaces a file only where that was asked for", "[cli]") {
  const test::TempFile theirs("theirs");
  const auto outcome = Call({"replay", kLog, "--html", theirs.Path()});
  CHECK(outcome.code == kExitUsage);
  CHECK_THAT(outcome.err, Catch::Contains("--force"));
  CHECK(std::filesystem::file_size(theirs.Path()) == 6);
}

TEST_CASE("strict makes what could not be read a failure", "[cli]") {
  const test::TempFile log(
      "{\"type\":\"node\",\"event\":\"ADDED\",\"t\":\"2026-01-01T00:00:00Z\","
      "\"object\":{\"metadata\":{\"name\":\"n\"}}}\n{half\n");
  CHECK(Call({"replay", log.Path()}).code == kExitFine);
  CHECK(Call({"replay", log.Path(), "--strict"}).code == kExitFailed);
}

TEST_CASE("a log's header decides unless somebody else does", "[cli]") {
  const std::string pod =
      R"({"t":"2026-01-01T00:00:00Z","type":"pod","event":"ADDED","object":{"metadata":{"name":"e",)"
      R"("namespace":"j","uid":"u","creationTimestamp":"2026-01-01T00:00:00Z","labels":{"spark-role":"executor",)"
      R"("sparkfit.io/signature":"s"}},"spec":{"containers":[{"name":"spark-kubernetes-executor","resources":)"
      R"({"limits":{"memory":"8Gi"}}}]},"status":{"phase":"Running"}}})"
      "\n"
      R"({"t":"2026-01-01T00:00:01Z","type":"usage","object":{"metadata":{"name":"e","namespace":"j"},)"
      R"("timestamp":"2026-01-01T00:00:01Z","containers":[{"name":"spark-kubernetes-executor",)"
      R"("usage":{"memory":"1Gi"}}]}})"
      "\n";
  const test::TempFile log(
      "{\"type\":\"header\",\"version\":1,\"options\":{\"policy\":\"max:margin=1\"}}\n" + pod);
  const auto target = [&](std::vector<std::string> flags) {
    flags.insert(flags.begin(), {"replay", log.Path(), "-o", "json"});
    return nlohmann::json::parse(Call(flags).out)[0]["targetBytes"].get<std::int64_t>();
  };
  CHECK(target({}) == std::int64_t{2} << 30);
  CHECK(target({"--policy", "max:margin=2"}) == std::int64_t{3} << 30);
}

TEST_CASE("a backtest has either a table or a closed loop", "[cli]") {
  CHECK(Call({"backtest"}).code == kExitUsage);
  CHECK(Call({"backtest", "--closed-loop", "table.tsv"}).code == kExitUsage);
  CHECK(Call({"backtest", "--closed-loop", "--profiles", "0"}).code == kExitUsage);
  CHECK(Call({"backtest", "--closed-loop", "--runs", "9"}).code == kExitUsage);
  CHECK(Call({"backtest", "--closed-loop", "--seed", "-1"}).code == kExitUsage);
  CHECK(Call({"backtest", "--closed-loop", "--sample-seconds", "0"}).code == kExitUsage);
  CHECK(Call({"backtest", "--job", "1"}).code == kExitUsage);
  CHECK(Call({"backtest", "--closed-loop", "--job", "1", "-o", "json"}).code == kExitUsage);
  const auto job = Call({"backtest", "--closed-loop", "--job", "1", "--policy", "max"});
  CHECK(job.code == kExitFine);
  CHECK(job.out.find("max, job 1 of seed 1") == 0);
  const auto result = Call({"backtest", "--closed-loop", "--profiles", "2", "--runs", "30",
                            "--policy", "request", "-o", "json"});
  CHECK(result.code == kExitFine);
  CHECK(result.out.find("\"median_sizes\"") != std::string::npos);
}

TEST_CASE("backtest compares policies in the order given", "[cli]") {
  const auto result = Call({"backtest", SPARKFIT_SOURCE_DIR "/tests/oracle/synthetic.tsv.gz", "-o",
                            "json", "--policy", "request", "--policy", "max:margin=0.15"});
  CHECK(result.code == kExitFine);
  const auto json = nlohmann::json::parse(result.out);
  REQUIRE(json.size() == 2);
  CHECK(json[0]["policy"] == "request");
  CHECK(json[1]["policy"] == "max:margin=0.15");
  CHECK(json[0]["waste_gbh"] > json[1]["waste_gbh"]);
}

TEST_CASE("check-config says fine, or everything that is wrong", "[cli]") {
  const test::TempFile good("step: 0.5\n");
  const test::TempFile bad("step: x\nnope: 1\n");
  CHECK(Call({"check-config", good.Path()}).code == kExitFine);
  const auto both = Call({"check-config", good.Path(), bad.Path()});
  CHECK(both.code == kExitUsage);
  CHECK_THAT(both.err, Catch::Contains(bad.Path() + ":1") && Catch::Contains(bad.Path() + ":2"));
}

TEST_CASE("check-config names what nobody can mean, and what was probably meant", "[cli]") {
  struct Case {
    const char* line;
    const char* said;
  };
  const Case cases[] = {{"maxMemory: 4096m", "\"4096m\" is 4.096 bytes in Kubernetes; 4096Mi?"},
                        {"maxMemory: 4096", "\"4096\" is 4096 bytes in Kubernetes; 4096Mi?"},
                        {"maxMemory: 64g", "; 64Gi?"},
                        {"maxMemory: 0", "\"0\" is no bound"},
                        {"policy: adaptve", "; adaptive?"},
                        {"policy: percentile:percentile=90", "; 0.9?"},
                        {"policy: percentile:oomBumpMin=100m", "; 100Mi?"},
                        {"coverPeaks: yes", "; true?"},
                        {"step: 50%", "; 0.5?"},
                        {"maxMemroy: 4Gi", "; maxMemory?"},
                        {"mode: Autoscale", "; autoscale?"},
                        {"driverMetrics: optin", "; optIn?"},
                        {"leaderElect: False", "; false?"},
                        {"logLevel: Debug", "; debug?"},
                        {"usageSource: kubelets", "; kubelet?"}};
  for (const auto& c : cases) {
    INFO(c.line);
    const test::TempFile file(c.line);
    const auto checked = Call({"check-config", file.Path()});
    CHECK(checked.code == kExitUsage);
    CHECK_THAT(checked.err, Catch::Contains(c.said));
  }
  CHECK(Call({"print-config", "--max-memory", "4096m"}).code == kExitUsage);
  CHECK(Call({"print-config", "--max-memory", "none"}).code == kExitFine);
}

TEST_CASE("print-config shows flags, environment and file with their sources", "[cli]") {
  const test::TempFile file("maxMemory: 64Gi\n");
  World world;
  world.environment = {{"SPARKFIT_CONFIG", file.Path()}, {"SPARKFIT_STEP", "0.25"}};
  const auto printed = Call({"print-config", "--late-samples", "30s"}, world);
  CHECK(printed.code == kExitFine);
  CHECK_THAT(printed.out, Catch::Contains("file)\nmaxMemory: \"65536Mi\"") &&
                              Catch::Contains("environment)\nstep: \"0.25\"") &&
                              Catch::Contains("flag)\nlateSamples: \"30s\""));
}

TEST_CASE("completion knows commands, flags and values", "[cli]") {
  for (const auto* shell : {"bash", "zsh", "fish"}) {
    INFO(shell);
    const auto script = Call({"completion", shell});
    CHECK(script.code == kExitFine);
    CHECK_THAT(script.out, Catch::Contains("replay") && Catch::Contains("max-memory") &&
                               Catch::Contains("yaml") && Catch::Contains("percentile"));
  }
  CHECK(Call({"completion", "tcsh"}).code == kExitUsage);
}

}  // namespace
}  // namespace sparkfit::cli
