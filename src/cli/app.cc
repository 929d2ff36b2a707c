// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/cli/app.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>

#include "commands.h"
#include "completion.h"
#include "help.h"
#include "job_table.h"
#include "man.h"
#include "published_text.h"
#include "sparkfit/base/file.h"
#include "sparkfit/base/version.h"
#include "sparkfit/recommend/policy.h"
#include "sparkfit/replay/report.h"

namespace sparkfit::cli {
namespace {

constexpr std::string_view kDescription =
    "sparkfit right-sizes Spark executors on Kubernetes: it remembers per job signature how much "
    "memory executors needed, and recommends a size with a sentence that explains it.";

constexpr std::string_view kExamples = R"(Examples:
  sparkfit controller                                   in a cluster: observe and recommend
  sparkfit record --kubeconfig ~/.kube/config --output log.ndjson     observe only
  sparkfit replay examples/spark-runs.ndjson.gz         what would be recommended, and why
  sparkfit import prometheus --url http://prometheus:9090 --output past.ndjson.gz
  sparkfit import eventlog /spark-events --output past.ndjson.gz      history at once
  sparkfit list -A --sort-by waste                      what could be saved; kubectl sparkfit list
  sparkfit explain nightly-revenue                      why that size
  sparkfit backtest executions.tsv.gz                   what policies would have cost
  sparkfit replay --help                                all flags of a command, with examples

Exit codes: 0 fine, 1 failed, 2 wrong usage or configuration.)";

constexpr std::string_view kReplayExamples = R"(Examples:
  sparkfit replay log.ndjson.gz
  sparkfit replay log.ndjson.gz --html report.html
  sparkfit replay log.ndjson.gz --sort-by waste -o csv > jobs.csv
  sparkfit replay monday.ndjson.gz tuesday.ndjson.gz -o json
  zcat log.ndjson.gz | sparkfit replay - --signature nightly-revenue
  sparkfit replay log.ndjson --at 2026-11-23T10:15:00Z     what was known then
  sparkfit replay log.ndjson --policy percentile:percentile=0.95,margin=0.2

docs/formats.md describes the log; docs/algorithm.md how a number comes about.)";

constexpr std::string_view kImportExamples = R"(Examples:
  sparkfit import prometheus --url http://prometheus:9090 --output past.ndjson.gz
  sparkfit replay past.ndjson.gz                          what would be recommended
  sparkfit import prometheus --url https://mimir/prometheus --header 'X-Scope-OrgID: team' \
    --token-file token --matcher 'cluster="prod"' --start 365d --output year.ndjson.gz
  sparkfit import prometheus --from-json usage.json --from-json labels.json … --output past.ndjson
  sparkfit import eventlog /spark-events --output past.ndjson.gz --derived-signatures '{app-name}'
  sparkfit import eventlog /spark-events --join of-prometheus.ndjson.gz --output past.ndjson.gz

From a Prometheus it needs container_memory_working_set_bytes, and of kube-state-metrics
kube_pod_labels with --metric-labels-allowlist=pods=[spark-role,spark-app-selector,…], the
resources of containers and the reasons of their ends. An import that was interrupted goes on where
it was, by the same command. From event logs it needs nothing; how much memory was used is in them
where spark.executor.processTreeMetrics.enabled was true. docs/import.md has the settings, the
queries, and what cannot be known in this way.)";

constexpr std::string_view kBacktestExamples = R"(Examples:
  sparkfit backtest executions.tsv.gz
  sparkfit backtest executions.tsv.gz --html backtest.html
  sparkfit backtest executions.tsv.gz --policy request --policy percentile:margin=0.15
  sparkfit backtest a.tsv b.tsv --policy max:margin=0.15,oomBump=1.25 -o json
  sparkfit backtest --closed-loop --policy adaptive     made-up jobs that feel their size
  sparkfit backtest --closed-loop --policy adaptive --html loop.html

docs/formats.md describes the table and the rules by which waste and OOMs are counted;
docs/algorithm.md the closed loop.)";

// What the shells' scripts run; no command for people.
constexpr std::string_view kComplete = "__complete";

std::vector<std::string> PolicyNames() {
  std::vector<std::string> names;
  for (const auto kind : recommend::PolicyKinds()) {
    names.emplace_back(Name(kind));
  }
  return names;
}

std::string PolicyHelp() {
  std::string text = "Policies: " + fmt::format("{}", fmt::join(PolicyNames(), ", ")) +
                     ", as NAME[:option=value,…]. Options:\n";
  for (const auto& option : recommend::PolicyOptions()) {
    text += fmt::format("  {:<12}{}\n", option.name, option.help);
  }
  return text +
         "Default: adaptive; percentile for jobs that ask by EMR's keys alone. As written out:\n "
         " " +
         recommend::Format(*recommend::ParsePolicy("adaptive")) + "\n  " +
         recommend::Format(recommend::Policy{}) + "\n\n";
}

enum class Offer { kAll, kRecording, kOffline, kSignatures };

// As help shows it: of a policy the name, as its options are told of below.
std::string DefaultOf(const Option& option) {
  auto value = option.get(Config());
  return option.key == "policy" ? value.substr(0, value.find(':')) : value;
}

void AddOptions(CLI::App& command, CommonFlags& flags, Offer offer) {
  command
      .add_option("--config", flags.config_file,
                  "configuration file, YAML (environment: SPARKFIT_CONFIG)")
      ->type_name("FILE");
  for (const auto& option : Options()) {
    if (option.live && offer != Offer::kAll && offer != Offer::kRecording) continue;
    if (option.publishing && offer != Offer::kAll) continue;
    if (offer == Offer::kSignatures && option.key != "derivedSignatures") continue;
    const std::string key(option.key);
    auto* added = command.add_option_function<std::string>(
        "--" + option.Flag(), [key, &flags](const std::string& text) { flags.options[key] = text; },
        fmt::format("{} [{}]", option.help, DefaultOf(option)));
    added->type_name(std::string(option.type));
    if (offer == Offer::kRecording && option.recorded) added->group("");  // taken, not shown
  }
}

std::string OneOf(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    text += (i == 0 ? "" : i + 1 == names.size() ? " or " : ", ") + names[i];
  }
  return text;
}

void AddFormat(CLI::App& command, std::string& output, const std::vector<std::string>& formats,
               const std::string& standard = "table") {
  command.add_option("-o,--output", output, fmt::format("{} [{}]", OneOf(formats), standard))
      ->type_name("FORMAT");
}

void AddTable(CLI::App& command, TableFlags& flags) {
  command.add_option("--sort-by", flags.sort, fmt::format("{} [name]", OneOf(SortOrders())))
      ->type_name("ORDER");
  command.add_flag("--no-headers", flags.no_headers,
                   "of tables and csv nothing but a line for each job");
}

void AddReport(CLI::App& command, ReportFlags& flags, const std::vector<std::string>& formats) {
  AddFormat(command, flags.output, formats, "table; with --html nothing");
  command
      .add_option(
          "--html", flags.html,
          "write a page for people to this file, - for standard output; it needs no network")
      ->type_name("FILE");
  command.add_flag("--force", flags.force, "the page replaces a file that is there");
  command.add_flag("--strict", flags.strict, "fail (exit code 1) where anything could not be read");
}

constexpr std::string_view kControllerExamples = R"(Examples:
  sparkfit controller                                     in a cluster, with its service account
  sparkfit controller --kubeconfig ~/.kube/config --leader-elect false --listen 127.0.0.1:8080
  sparkfit controller --record log.ndjson                 sparkfit replay log.ndjson gives the same

It needs the CRDs and the rights in manifests/. Without --mode autoscale it never changes a pod.)";

constexpr std::string_view kRecordExamples = R"(Examples:
  sparkfit record --kubeconfig ~/.kube/config --output log.ndjson
  sparkfit replay log.ndjson                              what would be recommended

It needs no CRDs and only the right to read pods, nodes and their metrics. Options that decide what
is recommended (those of sparkfit replay) are taken as well, and written into the log's header.)";

constexpr std::string_view kListExamples = R"(Examples:
  sparkfit list                              the jobs of the kubeconfig's namespace
  sparkfit list -A --sort-by waste           of all; those that could save most first
  sparkfit list -A -o wide --no-headers      heap, overhead, bounds, confidence and ages, too
  sparkfit list -A -l team=ml -o csv         of the objects with that label, for a spreadsheet
  sparkfit list -A -o json | jq '.items[].status.recommendation'
  kubectl describe $(sparkfit list -o name | head -1)

As `kubectl sparkfit list` where the binary is on the PATH as kubectl-sparkfit.)";

constexpr std::string_view kExplainExamples = R"(Examples:
  sparkfit explain nightly-revenue           what is recommended, and why
  sparkfit explain nightly-revenue -n etl -o yaml)";

constexpr std::string_view kConfExamples = R"(Examples:
  spark-submit $(sparkfit conf nightly-revenue | tr -d '\\\n') …
  sparkfit conf nightly-revenue --for properties >> spark-defaults.conf
  sparkfit conf nightly-revenue --for SparkApplication       the part of its spec
  sparkfit conf nightly-revenue --for emr                    for start-job-run --cli-input-json

For jobs that are not sized at admission. Notes go to standard error. Spark itself makes request and
limit equal; where the recommended request is below the limit, notes say what it takes.)";

constexpr std::string_view kPurgeExamples = R"(Examples:
  sparkfit purge nightly-revenue             forgets its history: the next run starts anew
  sparkfit purge --all -n etl --dry-run      says which would be forgotten

Executors that run now are not counted any more. Nothing brings the history back.)";

constexpr std::string_view kCheckInstallExamples = R"(Examples:
  sparkfit check-install --ready http://sparkfit-metrics.sparkfit.svc:8080/readyz
  sparkfit check-install --webhook-configuration sparkfit

As `helm test` runs it, in a pod with the controller's service account.)";

struct Commands {
  CheckInstallFlags check;
  ListFlags list;
  ExplainFlags explain;
  ConfFlags conf;
  PurgeFlags purge;
  ControllerFlags controller;
  ControllerFlags record;
  ReplayFlags replay;
  BacktestFlags backtest;
  ImportFlags importing;
  CommonFlags print;
  std::vector<std::string> config_files;
  std::string shell;
  std::string man_folder;
};

void AddCluster(CLI::App& command, ControllerFlags& flags, Offer offer) {
  command
      .add_option("--kubeconfig", flags.kubeconfig,
                  "how to reach the cluster; without it the service account of our pod")
      ->type_name("FILE");
  command.add_option("--context", flags.context, "the kubeconfig's context [its current one]")
      ->type_name("NAME");
  AddOptions(command, flags.common, offer);
}

void AddController(CLI::App& app, Commands& commands) {
  auto& controller = *app.add_subcommand(
      "controller", "observe the executors of a cluster and publish what they need");
  AddCluster(controller, commands.controller, Offer::kAll);
  controller
      .add_option("--record", commands.controller.record,
                  "tee everything that is observed to this file, an observation log; one that is "
                  "there is continued")
      ->type_name("FILE");
  controller.footer(PolicyHelp() + std::string(kControllerExamples));
  auto& record =
      *app.add_subcommand("record", "observe only, and write an observation log for replay");
  commands.record.publish = false;
  AddCluster(record, commands.record, Offer::kRecording);
  record
      .add_option(
          "--output", commands.record.record,
          "the file that is written, - for standard output; a log that is there is continued")
      ->type_name("FILE")
      ->required();
  record.footer(std::string(kRecordExamples));
}

enum class Breadth { kOneNamespace, kAlsoAll };

void AddAccess(CLI::App& command, ClusterFlags& flags, Breadth breadth) {
  command
      .add_option("--kubeconfig", flags.kubeconfig,
                  "how to reach the cluster [KUBECONFIG, else ~/.kube/config]")
      ->type_name("FILE");
  command.add_option("--context", flags.context, "the kubeconfig's context [its current one]")
      ->type_name("NAME");
  command.add_option("-n,--namespace", flags.name_space, "the namespace [the context's]")
      ->type_name("NAME");
  if (breadth == Breadth::kAlsoAll) {
    command.add_flag("-A,--all-namespaces", flags.all_namespaces, "all namespaces");
    command
        .add_option("-l,--selector", flags.selector,
                    "only objects with such labels, as team=ml,tier!=test")
        ->type_name("SELECTOR");
  }
}

void AddForPeople(CLI::App& app, Commands& commands) {
  auto& list = *app.add_subcommand("list", "the recommendations of a cluster, a line each");
  AddAccess(list, commands.list.cluster, Breadth::kAlsoAll);
  AddFormat(list, commands.list.output, JobFormats());
  AddTable(list, commands.list.table);
  list.footer(std::string(kListExamples));

  auto& explain = *app.add_subcommand("explain", "what is recommended for a job, and why");
  explain.add_option("SIGNATURE", commands.explain.signature, "the job's signature")->required();
  AddAccess(explain, commands.explain.cluster, Breadth::kOneNamespace);
  AddFormat(explain, commands.explain.output, replay::OutputFormats());
  explain.footer(std::string(kExplainExamples));

  auto& conf = *app.add_subcommand("conf", "the Spark settings equal to a recommendation");
  conf.add_option("SIGNATURE", commands.conf.signature, "the job's signature")->required();
  AddAccess(conf, commands.conf.cluster, Breadth::kOneNamespace);
  conf.add_option("--for", commands.conf.form, fmt::format("{} [spark-submit]", OneOf(ConfForms())))
      ->type_name("FORM");
  conf.add_option("--profile", commands.conf.profile, "resource profile [0]")->type_name("ID");
  conf.footer(std::string(kConfExamples));

  auto& purge = *app.add_subcommand("purge", "forget what is known of jobs");
  purge.add_option("SIGNATURE", commands.purge.signatures, "signatures");
  AddAccess(purge, commands.purge.cluster, Breadth::kAlsoAll);
  purge.add_flag("--all", commands.purge.all, "all signatures of the namespace");
  purge.add_flag("--dry-run", commands.purge.dry_run, "only say which");
  purge.footer(std::string(kPurgeExamples));

  auto& check = *app.add_subcommand("check-install",
                                    "whether an installation works: CRDs, readiness, the webhook");
  check
      .add_option("--kubeconfig", commands.check.kubeconfig,
                  "how to reach the cluster; without it the service account of our pod")
      ->type_name("FILE");
  check.add_option("--ready", commands.check.ready, "where a replica says that it is ready")
      ->type_name("URL");
  check
      .add_option("--webhook-configuration", commands.check.webhook,
                  "whose webhook is asked, verified by its caBundle")
      ->type_name("NAME");
  check.footer(std::string(kCheckInstallExamples));
}

void AddReplay(CLI::App& app, ReplayFlags& flags) {
  auto& command = *app.add_subcommand(
      "replay",
      "observation logs through the controller's own pipeline: what would be recommended");
  command.add_option("FILE", flags.files, "observation logs, plain or gzip; - for standard input")
      ->required();
  command.add_option("--at", flags.at, "what was known then, as 2026-11-23T10:15:00Z")
      ->type_name("TIME");
  command.add_option("-n,--namespace", flags.namespaces, "only this namespace; repeatable")
      ->type_name("NAME")
      ->allow_extra_args(false);
  command.add_option("--signature", flags.signatures, "only this signature; repeatable")
      ->type_name("NAME")
      ->allow_extra_args(false);
  AddReport(command, flags.report, JobFormats());
  AddTable(command, flags.table);
  AddOptions(command, flags.common, Offer::kOffline);
  command.footer(PolicyHelp() + std::string(kReplayExamples));
}

void AddImport(CLI::App& app, ImportFlags& flags) {
  auto& command = *app.add_subcommand(
      "import",
      "what a Prometheus or Spark's event logs remember as an observation log: history without "
      "waiting");
  command
      .add_option("SOURCE", flags.source,
                  "prometheus (it, Thanos, Mimir, VictoriaMetrics, …) or eventlog")
      ->required();
  command.add_option("FILE", flags.files,
                     "event logs of Spark, single or rolling, and folders of them; - for standard "
                     "input");
  const auto text = [&](const std::string& name, std::string& value, const std::string& type,
                        const std::string& help) {
    const auto standard = value.empty() ? "" : fmt::format(" [{}]", value);
    return command.add_option(name, value, help + standard)->type_name(type);
  };
  const auto texts = [&](const std::string& name, std::vector<std::string>& values,
                         const std::string& type, const std::string& help) {
    command.add_option(name, values, help + "; repeatable")
        ->type_name(type)
        ->allow_extra_args(false);
  };
  text("--url", flags.url, "URL", "the server, with the path before /api/v1 if it has one");
  texts("--from-json", flags.answers, "FILE",
        "instead of a server, answers to range queries that were saved, plain or gzip");
  text("--output", flags.output, "FILE", "the log that is written; .gz: gzip")->required();
  text("--join", flags.join, "FILE",
       "eventlog: an observation log, as of a Prometheus, that knows how much memory the same "
       "executors used");
  text("--start", flags.start, "TIME", "from when, as 2026-11-23T00:00:00Z or as how long ago");
  text("--end", flags.end, "TIME", "until when; not given: now, or the last point of the files");
  text("--step", flags.step, "DURATION", "how far apart samples are, as the server scrapes");
  text("--chunk", flags.chunk, "DURATION", "how much is asked for at once");
  texts("-n,--namespace", flags.namespaces, "NAME", "only this namespace");
  texts("--container", flags.containers, "NAME",
        "the executors' container [spark-kubernetes-executor]");
  texts("--matcher", flags.matchers, "MATCHER", "only such series, as cluster=\"prod\"");
  text("--cluster-label", flags.cluster_label, "LABEL",
       "what tells clusters apart in a store of several, which are not mixed [cluster, and others "
       "that are usual]");
  texts("--header", flags.headers, "HEADER", "with every request, as \"X-Scope-OrgID: team\"");
  text("--token-file", flags.token_file, "FILE", "a bearer token, read anew for each request");
  text("--ca-file", flags.ca_file, "FILE", "PEM file of who signed the server's certificate");
  command.add_flag("--insecure-skip-tls-verify", flags.insecure,
                   "accept any certificate of the server, which then may be anybody");
  AddOptions(command, flags.common, Offer::kSignatures);
  command.footer(std::string(kImportExamples));
}

void AddBacktest(CLI::App& app, BacktestFlags& flags) {
  auto& command = *app.add_subcommand(
      "backtest", "what policies would have cost on a table of executions: waste, OOMs, retries");
  command.add_option("FILE", flags.files,
                     "tables of executions, TSV, plain or gzip; - for standard input");
  command.add_option("--policy", flags.policies, "a policy; repeatable [percentile, max, request]")
      ->type_name("POLICY")
      ->allow_extra_args(false);
  auto& loop = flags.loop;
  command.add_flag("--closed-loop", flags.closed_loop,
                   "instead of a table, made-up jobs whose next size is what is recommended");
  const auto number = [&](const std::string& name, auto& value, const std::string& help) {
    command.add_option(name, value, fmt::format("{} [{}]", help, value))
        ->type_name("N")
        ->check(CLI::NonNegativeNumber);
  };
  number("--profiles", loop.profiles, "closed loop: how many jobs");
  number("--runs", loop.runs, "closed loop: how often each runs");
  number("--seed", loop.seed, "closed loop: which jobs");
  command.add_flag("--driver-metrics", loop.driver_metrics,
                   "closed loop: drivers tell of their executors, too");
  command
      .add_option(
          "--sample-seconds", loop.sample_seconds,
          fmt::format("closed loop: time between samples of usage [{}]", loop.sample_seconds))
      ->type_name("N")
      ->check(CLI::Range(1, 60));
  command.add_option("--job", flags.job, "closed loop: only this one, with each of its runs")
      ->type_name("N")
      ->check(CLI::NonNegativeNumber);
  AddReport(command, flags.report, replay::OutputFormats());
  command.footer(PolicyHelp() + std::string(kBacktestExamples));
}

void AddConfigCommands(CLI::App& app, Commands& commands) {
  auto& print = *app.add_subcommand("print-config",
                                    "the effective configuration, and where each value came from");
  AddOptions(print, commands.print, Offer::kAll);
  print.footer(R"(Examples:
  sparkfit print-config                                  the defaults, as a configuration file
  SPARKFIT_STEP=0.5 sparkfit print-config --config sparkfit.yaml

Precedence: flag, environment, file, default.)");
  auto& check =
      *app.add_subcommand("check-config", "configuration files: fine, or all that is wrong");
  check.add_option("FILE", commands.config_files, "configuration files, YAML")->required();
  check.footer(R"(Example:
  sparkfit check-config sparkfit.yaml)");
}

bool AsksCluster(const std::string& command) {
  return command == "list" || command == "explain" || command == "conf" || command == "purge";
}

// What a flag or an argument of that command takes.
Values ValuesOf(const std::string& command, const CLI::Option& option) {
  using Kind = Values::Kind;
  const auto name = option.get_name(option.get_positional());
  const auto type = option.get_type_name();
  if (type == "FILE" || name == "FILE") return {Kind::kFiles};
  if (name == "DIR") return {Kind::kFolders};
  if (name == "SIGNATURE") return {Kind::kSignatures};
  if (name == "SOURCE") return {Kind::kWords, {"prometheus", "eventlog"}};
  if (name == "SHELL") return {Kind::kWords, CompletionShells()};
  if (type == "FORMAT") {
    const bool jobs = command == "list" || command == "replay";
    return {Kind::kWords, jobs ? JobFormats() : replay::OutputFormats()};
  }
  if (type == "ORDER") return {Kind::kWords, SortOrders()};
  if (type == "FORM") return {Kind::kWords, ConfForms()};
  const auto flag = option.get_lnames().empty() ? "" : option.get_lnames().front();
  if (flag == "policy") return {Kind::kWords, PolicyNames()};
  if (flag == "context") return {Kind::kContexts};
  if (flag == "namespace") return {AsksCluster(command) ? Kind::kNamespaces : Kind::kNothing};
  for (const auto& known : Options()) {
    if (known.Flag() != flag) continue;
    if (known.type == "file") return {Kind::kFiles};
    if (!known.values.empty()) return {Kind::kWords, {known.values.begin(), known.values.end()}};
  }
  return {};
}

FlagSpec FlagOf(const std::string& command, const CLI::Option& option) {
  FlagSpec flag;
  for (const auto& name : option.get_lnames()) flag.names.push_back("--" + name);
  for (const auto& name : option.get_snames()) flag.names.push_back("-" + name);
  flag.help = option.get_description();
  flag.takes_value = option.get_items_expected_max() > 0;
  flag.repeatable = option.get_expected_max() > 1;
  flag.values = ValuesOf(command, option);
  return flag;
}

// What the shells complete is read off the commands themselves.
std::vector<CommandSpec> Describe(const CLI::App& app) {
  std::vector<CommandSpec> specs;
  for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    CommandSpec spec{command->get_name(), command->get_description(), {}, {}};
    for (const auto* option : command->get_options()) {
      if (option->get_group().empty()) continue;
      if (option->get_positional()) {
        spec.arguments.push_back({option->get_expected_max() > 1, ValuesOf(spec.name, *option)});
      } else {
        spec.flags.push_back(FlagOf(spec.name, *option));
      }
    }
    specs.push_back(std::move(spec));
  }
  return specs;
}

int RunCompletion(const std::string& shell, const Process& process) {
  const auto script = CompletionScript(shell);
  if (!script) return Fail(script.error().message, process, kExitUsage);
  process.out << *script << std::flush;
  return kExitFine;
}

// Asked by the shells' scripts, and by kubectl. Whatever is wrong, there are fewer candidates.
int RunComplete(const CLI::App& app, const std::vector<std::string>& words,
                const Process& process) {
  process.out << Complete(Describe(app), words,
                          [&](Values::Kind kind, const std::vector<std::string>& before) {
                            return AskForCandidates(kind, before, process);
                          })
              << std::flush;
  return kExitFine;
}

int RunMan(const CLI::App& app, const std::string& folder, const Process& process) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return Fail(folder + ": " + error.message(), process);
  for (const auto& page : ManPages(app)) {
    const auto written = base::ReplaceFile(folder + "/" + page.file, page.text, true);
    if (!written) return Fail(written.error().message, process);
  }
  return kExitFine;
}

void AddShellCommands(CLI::App& app, Commands& commands) {
  auto& completion = *app.add_subcommand(
      "completion", "a completion script for bash, zsh or fish, or for kubectl's plugin");
  completion.add_option("SHELL", commands.shell, OneOf(CompletionShells()))->required();
  completion.footer(R"(Examples:
  source <(sparkfit completion bash)
  sparkfit completion kubectl > ~/.local/bin/kubectl_complete-sparkfit
  chmod +x ~/.local/bin/kubectl_complete-sparkfit          kubectl sparkfit completes, too

Signatures, namespaces and contexts are asked of the cluster and the kubeconfig, for two seconds.)");
  auto& man = *app.add_subcommand("man", "manual pages, a file for each command");
  man.add_option("DIR", commands.man_folder, "the folder that they are written to")->required();
  man.footer(R"(Example:
  sparkfit man ~/.local/share/man/man1 && man sparkfit-replay)");
}

// A positional's name says what it is.
void HideTypesOfArguments(CLI::App& app) {
  for (auto* command : app.get_subcommands([](CLI::App*) { return true; })) {
    for (auto* option : command->get_options()) {
      if (option->get_positional()) option->type_name("");
    }
  }
}

// CLI11 reports by throwing; help and version are among what it throws.
int Parse(CLI::App& app, std::vector<std::string> arguments, const Process& process) {
  std::reverse(arguments.begin(), arguments.end());
  try {
    app.parse(arguments);
    return -1;
  } catch (const CLI::ParseError& error) {
    const bool wrong = error.get_exit_code() != 0;
    if (!wrong) return app.exit(error, process.out, process.err);
    process.err << WrongUsage(app, error);
    return kExitUsage;
  }
}

}  // namespace

int Run(std::vector<std::string> arguments, const Process& process) {
  CLI::App app{std::string(kDescription), "sparkfit"};
  app.formatter(HelpFormatter());
  app.footer(std::string(kExamples));
  app.require_subcommand(1);
  app.set_version_flag("--version",
                       fmt::format("sparkfit {} ({})", base::kVersion, base::kGitDescribe));
  Commands commands;
  AddController(app, commands);
  AddForPeople(app, commands);
  AddReplay(app, commands.replay);
  AddImport(app, commands.importing);
  AddBacktest(app, commands.backtest);
  AddConfigCommands(app, commands);
  AddShellCommands(app, commands);
  HideTypesOfArguments(app);
  if (!arguments.empty() && arguments.front() == kComplete) {
    return RunComplete(app, {arguments.begin() + 1, arguments.end()}, process);
  }
  if (arguments.empty()) {
    process.err << app.help();
    return kExitUsage;
  }

  if (const int code = Parse(app, std::move(arguments), process); code >= 0) return code;
  const auto* command = app.get_subcommands().front();
  const auto& name = command->get_name();
  if (name == "controller") return RunController(commands.controller, process);
  if (name == "record") return RunController(commands.record, process);
  if (name == "list") return RunList(commands.list, process);
  if (name == "explain") return RunExplain(commands.explain, process);
  if (name == "conf") return RunConf(commands.conf, process);
  if (name == "check-install") return RunCheckInstall(commands.check, process);
  if (name == "purge") return RunPurge(commands.purge, process);
  if (name == "replay") return RunReplay(commands.replay, process);
  if (name == "import") return RunImport(commands.importing, process);
  if (name == "backtest") return RunBacktest(commands.backtest, process);
  if (name == "print-config") return RunPrintConfig(commands.print, process);
  if (name == "check-config") return RunCheckConfig(commands.config_files, process);
  if (name == "man") return RunMan(app, commands.man_folder, process);
  return RunCompletion(commands.shell, process);
}

}  // namespace sparkfit::cli
