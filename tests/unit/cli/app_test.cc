// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/cli/app.h"

#include <fmt/format.h>

#include <algorithm>
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
  bool out_terminal = false;
  base::VirtualClock clock;
};

Outcome Call(std::vector<std::string> arguments, const World& world = {}) {
  std::ostringstream out;
  std::ostringstream err;
  const Process process{out,
                        err,
                        world.terminal,
                        [&](const std::string& name) -> const char* {
                          const auto found = world.environment.find(name);
                          return found == world.environment.end() ? nullptr : found->second.c_str();
                        },
                        world.clock,
                        world.out_terminal};
  const int code = Run(std::move(arguments), process);
  return {code, out.str(), err.str()};
}

TEST_CASE("help is an answer, not a mistake", "[cli]") {
  const auto help = Call({"--help"});
  CHECK(help.code == kExitFine);
  for (const auto* command : {"replay", "backtest", "print-config", "check-config", "man"}) {
    INFO(command);
    CHECK_THAT(help.out, Catch::Contains(command));
    const auto of_command = Call({command, "--help"});
    CHECK(of_command.code == kExitFine);
    CHECK_THAT(of_command.out, Catch::Contains("xample"));
  }
  CHECK_THAT(Call({"--version"}).out, Catch::StartsWith("sparkfit "));
}

// The commands as the overview names them.
std::vector<std::string> CommandNames() {
  auto text = Call({"--help"}).out;
  text = text.substr(text.find("Subcommands:\n") + 13);
  std::istringstream lines(text.substr(0, text.find("\n\n")));
  std::vector<std::string> names;
  for (std::string line; std::getline(lines, line);) {
    if (line.size() > 2 && line[2] != ' ') names.push_back(line.substr(2, line.find(' ', 2) - 2));
  }
  return names;
}

TEST_CASE("help is at most 100 columns wide", "[cli]") {
  const auto names = CommandNames();
  CHECK(names.size() >= 14);
  auto all = Call({"--help"}).out;
  for (const auto& name : names) all += Call({name, "--help"}).out;
  std::istringstream lines(all);
  for (std::string line; std::getline(lines, line);) {
    const auto characters = std::count_if(line.begin(), line.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
    });
    INFO(line);
    CHECK(characters <= 100);
  }
}

TEST_CASE("record shows its own options, and takes those that its log carries", "[cli]") {
  const auto help = Call({"record", "--help"}).out;
  CHECK_THAT(help, Catch::Contains("--usage-source") && Catch::Contains("--output") &&
                       Catch::Contains("--derived-signatures"));
  for (const auto* flag :
       {"--policy", "--webhook-listen", "--leader-elect", "--lease", "--mode", "--step"}) {
    INFO(flag);
    CHECK_THAT(help, !Catch::Contains(flag));
  }
  // Without a cluster: what is wrong is that alone.
  const std::vector<std::string> call{"record", "--output", "/nowhere/log", "--kubeconfig",
                                      "/nowhere/k"};
  auto with_policy = call;
  with_policy.insert(with_policy.end(), {"--policy", "max"});
  CHECK(Call(with_policy).err == Call(call).err);
  auto with_mode = call;
  with_mode.insert(with_mode.end(), {"--mode", "autoscale"});
  CHECK_THAT(Call(with_mode).err, Catch::Contains("unknown flag \"--mode\""));
}

TEST_CASE("what was mistyped is named with what was probably meant, and whose help to ask",
          "[cli]") {
  struct Case {
    std::vector<std::string> arguments;
    const char* said;
    const char* help;
  };
  const Case cases[] = {
      {{"lst"}, "unknown command \"lst\"; list?", "'sparkfit --help'"},
      {{"explian", "a"}, "unknown command \"explian\"; explain?", "'sparkfit --help'"},
      {{"back", "a"}, "unknown command \"back\"; backtest?", "'sparkfit --help'"},
      {{"fly"}, "unknown command \"fly\"\n", "'sparkfit --help'"},
      {{"replay", kLog, "--signatur", "a"},
       "unknown flag \"--signatur\"; --signature?",
       "'sparkfit replay --help'"},
      {{"list", "--all"}, "unknown flag \"--all\"; --all-namespaces?", "'sparkfit list --help'"},
      {{"list", "--sort=waste"}, "unknown flag \"--sort\"; --sort-by?", "'sparkfit list --help'"},
      {{"replay", kLog, "--colour"}, "unknown flag \"--colour\"\n", "'sparkfit replay --help'"},
      // The flag that is missing was mistyped.
      {{"import", "prometheus", "--ouput", "x"},
       "unknown flag \"--ouput\"; --output?",
       "'sparkfit import --help'"},
      {{"--context", "prod", "list"}, "--context stands behind the command", "'sparkfit --help'"},
      {{"explain", "a", "b"}, "\"b\"", "'sparkfit explain --help'"},
      {{"explain"}, "SIGNATURE", "'sparkfit explain --help'"}};
  for (const auto& c : cases) {
    INFO(c.said);
    const auto outcome = Call(c.arguments);
    CHECK(outcome.code == kExitUsage);
    CHECK(outcome.out.empty());
    CHECK_THAT(outcome.err, Catch::Contains(c.said) && Catch::Contains(c.help));
  }
  CHECK_THAT(Call({"replay", kLog, "-o", "jsn"}).err, Catch::Contains("; json?"));
  CHECK_THAT(Call({"replay", kLog, "--sort-by", "wate"}).err, Catch::Contains("; waste?"));
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
  CHECK_THAT(unreadable.err, Catch::Contains(nonsense.Path() + ": is no observation log"));
}

TEST_CASE("a file that is no log says so once, and what it may be", "[cli]") {
  const auto said = [](const std::string& text) {
    const test::TempFile file(text);
    const auto outcome = Call({"replay", file.Path()});
    CHECK(outcome.code == kExitFailed);
    CHECK(outcome.out.empty());
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
    return outcome.err;
  };
  CHECK_THAT(said("a\nb\nc\n"), Catch::Contains("is no observation log (line 1:"));
  CHECK_THAT(said("{\"Event\":\"SparkListenerLogStart\"}\n{\"Event\":\"X\"}\n"),
             Catch::Contains("import eventlog"));
  CHECK_THAT(said("{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\"}}\n"),
             Catch::Contains("--from-json"));
  CHECK_THAT(said("workflow\tsignature\nw\ts\n"), Catch::Contains("sparkfit backtest"));
  // Beside a log it is one thing that could not be read.
  const test::TempFile other("a\nb\n");
  const auto both = Call({"replay", kLog, other.Path()});
  CHECK(both.code == kExitFine);
  CHECK_THAT(both.err, Catch::Contains("is no observation log") && !Catch::Contains(":2:"));
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
}

TEST_CASE("replay names what it was asked for and is not there", "[cli]") {
  const auto near = Call({"replay", kLog, "--signature", "ml-scorin"});
  CHECK(near.code == kExitFailed);
  CHECK(near.out.empty());
  CHECK_THAT(near.err, Catch::Contains("\"ml-scorin\"; ml-scoring?"));
  const auto some =
      Call({"replay", kLog, "-o", "json", "--signature", "ml-scoring", "--signature", "none-such"});
  CHECK(some.code == kExitFailed);
  CHECK(nlohmann::json::parse(some.out).size() == 1);
  CHECK_THAT(some.err, Catch::Contains("\"none-such\"; there are "));
  const auto elsewhere = Call({"replay", kLog, "--namespace", "elsewhere"});
  CHECK(elsewhere.code == kExitFailed);
  CHECK_THAT(elsewhere.err, Catch::Contains("elsewhere"));
}

// A log of so many jobs, each with an executor that used 500 + 100 × (number) MiB of 8 GiB.
std::string LogOf(int jobs) {
  std::string text;
  for (int i = 1; i <= jobs; ++i) {
    const auto name = fmt::format("e{}", i);
    text += fmt::format(
        R"({{"t":"2026-01-01T00:00:00Z","type":"pod","event":"ADDED","object":{{"metadata":{{"name":"{0}",)"
        R"("namespace":"j","uid":"{0}","creationTimestamp":"2026-01-01T00:00:00Z","labels":{{"spark-role":)"
        R"("executor","sparkfit.io/signature":"s{1:02}"}}}},"spec":{{"containers":[{{"name":)"
        R"("spark-kubernetes-executor","resources":{{"limits":{{"memory":"8Gi"}}}}}}]}},"status":)"
        R"({{"phase":"Running"}}}}}})"
        "\n",
        name, i);
    text += fmt::format(
        R"({{"t":"2026-01-01T00:00:01Z","type":"usage","object":{{"metadata":{{"name":"{0}","namespace":"j"}},)"
        R"("timestamp":"2026-01-01T00:00:01Z","containers":[{{"name":"spark-kubernetes-executor",)"
        R"("usage":{{"memory":"{1}Mi"}}}}]}}}})"
        "\n",
        name, 500 + 100 * i);
  }
  return text;
}

TEST_CASE("why is said of the jobs asked for, or where they are few", "[cli]") {
  const test::TempFile few(LogOf(19));
  CHECK_THAT(Call({"replay", few.Path()}).out, Catch::Contains("\nWhy\n"));
  const test::TempFile many(LogOf(20));
  const auto all = Call({"replay", many.Path()}).out;
  CHECK_THAT(all, !Catch::Contains("\nWhy\n") && Catch::Contains("20 jobs in all") &&
                      Catch::Contains("--signature NAME"));
  CHECK_THAT(Call({"replay", many.Path(), "--signature", "s07"}).out, Catch::Contains("\nWhy\n"));
}

TEST_CASE("replay sorts, and prints as many forms as a person wants", "[cli]") {
  const test::TempFile log(LogOf(3));
  const auto names =
      Call({"replay", log.Path(), "-o", "name", "--sort-by", "target", "--policy", "max"}).out;
  CHECK(names == "j/s03\nj/s02\nj/s01\n");  // what used most comes first
  const auto json = nlohmann::json::parse(
      Call({"replay", log.Path(), "-o", "json", "--sort-by", "target", "--policy", "max"}).out);
  CHECK(json[0]["signature"] == "s03");
  const auto lines = Call({"replay", log.Path(), "--no-headers"}).out;
  CHECK(std::count(lines.begin(), lines.end(), '\n') == 3);
  CHECK_THAT(Call({"replay", log.Path(), "-o", "wide"}).out, Catch::Contains("LOWER"));
  CHECK_THAT(Call({"replay", log.Path(), "-o", "csv"}).out,
             Catch::StartsWith("namespace,signature,"));
  CHECK_THAT(Call({"replay", log.Path(), "-n", "j"}).out, Catch::Contains("s01"));
}

TEST_CASE("there are colours on a terminal, unless somebody does not want them", "[cli]") {
  World world;
  CHECK_THAT(Call({"replay", kLog}, world).out, !Catch::Contains("\033["));
  world.out_terminal = true;
  CHECK_THAT(Call({"replay", kLog}, world).out, Catch::Contains("\033[1mNAMESPACE\033[0m"));
  CHECK_THAT(Call({"replay", kLog, "-o", "csv"}, world).out, !Catch::Contains("\033["));
  world.environment = {{"NO_COLOR", ""}};  // set to nothing is not set
  CHECK_THAT(Call({"replay", kLog}, world).out, Catch::Contains("\033["));
  world.environment = {{"NO_COLOR", "1"}};
  CHECK_THAT(Call({"replay", kLog}, world).out, !Catch::Contains("\033["));
  world.environment = {{"TERM", "dumb"}};
  CHECK_THAT(Call({"replay", kLog}, world).out, !Catch::Contains("\033["));
}

TEST_CASE("replay as of a time knows nothing later", "[cli]") {
  // The first executors of ml-scoring die at 10:12:17.6.
  const auto at = [](const char* time) {
    return nlohmann::json::parse(
        Call({"replay", kLog, "-o", "json", "--signature", "ml-scoring", "--at", time}).out);
  };
  CHECK(Call({"replay", kLog, "--signature", "ml-scoring", "--at", "2026-11-23T10:12:00Z"}).code ==
        kExitFailed);  // there is no such signature yet
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

TEST_CASE("import keeps nothing of a store of two clusters", "[cli]") {
  const auto usage = [](const char* cluster) {
    return fmt::format(
        R"({{"metric":{{"namespace":"j","pod":"e","container":"spark-kubernetes-executor",)"
        R"("cluster":"{}"}},"values":[[1800000000,"1e9"],[1800000030,"1e9"]]}})",
        cluster);
  };
  const test::TempFile answer(R"({"status":"success","data":{"resultType":"matrix","result":[)" +
                              usage("prod") + "," + usage("test") + "]}}");
  const auto output = test::TempFile("").Path() + ".ndjson";
  const std::vector<std::string> import{"import",      "prometheus", "--from-json",
                                        answer.Path(), "--output",   output};
  const auto refused = Call(import);
  CHECK(refused.code == kExitUsage);
  CHECK_THAT(refused.err, Catch::Contains("cluster is \"prod\", \"test\""));
  CHECK_FALSE(std::filesystem::exists(output));
  CHECK_FALSE(std::filesystem::exists(output + ".resume"));
  // Who says that another label tells clusters apart is believed, and told where there is none.
  auto other = import;
  other.insert(other.end(), {"--cluster-label", "region"});
  const auto taken = Call(other);
  CHECK(taken.code == kExitFine);
  CHECK_THAT(taken.err, Catch::Contains("no series has the label region"));
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

TEST_CASE("an import that finds nothing fails and leaves nothing", "[cli]") {
  const test::TempFile readme("# Not an event log\n");
  const auto output = readme.Path() + ".ndjson";
  const auto nothing = Call({"import", "eventlog", readme.Path(), "--output", output});
  CHECK(nothing.code == kExitFailed);
  CHECK_THAT(nothing.err, Catch::Contains("no executor was found, so nothing was written"));
  CHECK(!std::filesystem::exists(output));
  CHECK(!std::filesystem::exists(output + ".resume"));
  const auto to_output = Call({"import", "eventlog", readme.Path(), "--output", "-"});
  CHECK(to_output.code == kExitUsage);
  CHECK_THAT(to_output.err, Catch::Contains("not to standard output"));
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

TEST_CASE("a page can go to standard output, and then nothing else does", "[cli]") {
  const auto page = Call({"replay", kLog, "--html", "-"});
  CHECK(page.code == kExitFine);
  CHECK_THAT(page.out, Catch::StartsWith("<!") && Catch::Contains("ml-scoring"));
  CHECK(page.err.find("open it") == std::string::npos);
  const auto both = Call({"replay", kLog, "--html", "-", "-o", "json"});
  CHECK(both.code == kExitUsage);
  CHECK_THAT(both.err, Catch::Contains("standard output"));
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

TEST_CASE("the page of a closed loop has the numbers of -o json", "[cli]") {
  const auto page = test::TempFile("").Path() + ".html";
  const std::vector<std::string> loop{
      "backtest", "--closed-loop", "--profiles", "2",        "--runs",
      "30",       "--policy",      "request",    "--policy", "max"};
  auto with_page = loop;
  with_page.insert(with_page.end(), {"--html", page, "-o", "json"});
  const auto result = Call(with_page);
  CHECK(result.code == kExitFine);
  std::ifstream file(page);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto shown = nlohmann::json::parse(replay::DataIn(text));
  CHECK(shown["policies"] == nlohmann::json::parse(result.out));
  std::filesystem::remove(page);
  auto alone = loop;
  alone.insert(alone.end(), {"--html", "-"});
  CHECK_THAT(Call(alone).out, Catch::StartsWith("<!"));
  CHECK(Call({"backtest", "--closed-loop", "--job", "1", "--html", page}).code == kExitUsage);
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

TEST_CASE("check-config compares what belongs together", "[cli]") {
  // 40 h is a quarter of 160 h.
  const test::TempFile fine("webhookCertificateLifetime: 40h\nwebhookAuthorityLifetime: 160h\n");
  CHECK(Call({"check-config", fine.Path()}).code == kExitFine);
  const test::TempFile long_lived(
      "webhookCertificateLifetime: 41h\nwebhookAuthorityLifetime: 160h\n");
  const auto checked = Call({"check-config", long_lived.Path()});
  CHECK(checked.code == kExitUsage);
  CHECK_THAT(checked.err, Catch::Contains(long_lived.Path()) &&
                              Catch::Contains("webhookCertificateLifetime (41h)") &&
                              Catch::Contains("webhookAuthorityLifetime (160h)"));
  const test::TempFile blind("namespaces: etl\nusageSource: kubelet\n");
  CHECK(Call({"check-config", blind.Path()}).code == kExitUsage);
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

std::string Completed(std::vector<std::string> words, const World& world = {}) {
  words.insert(words.begin(), "__complete");
  const auto outcome = Call(words, world);
  CHECK(outcome.code == kExitFine);
  CHECK(outcome.err.empty());
  return outcome.out;
}

TEST_CASE("completion knows commands, flags and values of each command", "[cli][completion]") {
  CHECK_THAT(Completed({""}), Catch::Contains("replay\t") && Catch::Contains("check-config\t"));
  CHECK(Completed({"record", "--output", ""}) == ":0\n");  // a file
  CHECK(Completed({"import", "prometheus", "--output", ""}) == ":0\n");
  CHECK(Completed({"list", "-o", ""}) == "table\nwide\ncsv\nname\njson\nyaml\n:4\n");
  CHECK(Completed({"explain", "a", "-o", ""}) == "table\njson\nyaml\n:4\n");
  CHECK(Completed({"controller", "--mode", ""}) == "monitoring\nautoscale\n:4\n");
  CHECK(Completed({"controller", "--leader-elect", ""}) == "true\nfalse\n:4\n");
  CHECK(Completed({"controller", "--webhook-key-file", ""}) == ":0\n");
  CHECK(Completed({"backtest", "--policy", "ma"}) == "max\n:4\n");
  CHECK(Completed({"backtest", "--runs", ""}) == ":4\n");
  CHECK(Completed({"import", ""}) == "prometheus\neventlog\n:4\n");
  CHECK(Completed({"import", "eventlog", ""}) == ":0\n");
  CHECK_THAT(Completed({"replay", "--"}), Catch::Contains("--max-memory\t"));
  CHECK_THAT(Completed({"record", "--"}), !Catch::Contains("--max-memory"));  // not shown
}

TEST_CASE("completion is silent where no cluster answers", "[cli][completion]") {
  World world;
  CHECK(Completed({"explain", ""}, world) == ":4\n");
  const test::TempFile broken("[");
  world.environment = {{"KUBECONFIG", broken.Path()}};
  CHECK(Completed({"explain", ""}, world) == ":4\n");
  CHECK(Completed({"list", "--context", ""}, world) == ":4\n");
  const test::TempFile contexts(
      "{contexts: [{name: prod, context: {}}, {name: test, context: {}}]}");
  world.environment = {{"KUBECONFIG", contexts.Path()}};
  CHECK(Completed({"list", "--context", ""}, world) == "prod\ntest\n:4\n");
  CHECK(Completed({"list", "--kubeconfig", broken.Path(), "--context", ""}, world) == ":4\n");
}

TEST_CASE("every shell has its script, and kubectl", "[cli][completion]") {
  for (const auto* shell : {"bash", "zsh", "fish", "kubectl"}) {
    INFO(shell);
    const auto script = Call({"completion", shell});
    CHECK(script.code == kExitFine);
    CHECK_THAT(script.out, Catch::Contains("__complete"));
  }
  CHECK(Call({"completion", "tcsh"}).code == kExitUsage);
}

TEST_CASE("manual pages have every command and every flag", "[cli]") {
  const test::TempFile unique("");
  const auto folder = unique.Path() + ".man";
  CHECK(Call({"man", unique.Path()}).code == kExitFailed);  // a file
  CHECK(Call({"man", folder}).code == kExitFine);           // it was not there
  const auto read = [&](const std::string& name) {
    std::ifstream file(folder + "/" + name);
    return std::string{std::istreambuf_iterator<char>(file), {}};
  };
  const auto overview = read("sparkfit.1");
  for (const auto& command : CommandNames()) {
    INFO(command);
    const auto page = read("sparkfit-" + command + ".1");
    CHECK_THAT(page, Catch::Contains(".TH sparkfit") && Catch::Contains(".SH SYNOPSIS") &&
                         Catch::Contains(".SH OPTIONS"));
    // Roff's minus signs.
    std::string written;
    for (const char c : command) written += c == '-' ? std::string("\\-") : std::string(1, c);
    CHECK_THAT(overview, Catch::Contains("sparkfit\\-" + written));
  }
  CHECK_THAT(read("sparkfit-replay.1"), Catch::Contains("\\-\\-max\\-memory\\fR \\fIquantity\\fR"));
  CHECK_THAT(read("sparkfit-record.1"), !Catch::Contains("\\-\\-policy\\fR"));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace sparkfit::cli
