// SPDX-License-Identifier: Apache-2.0
//
// `import prometheus`: the past as a Prometheus has it, as an observation log.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "commands.h"
#include "prometheus_source.h"
#include "sparkfit/base/quantity.h"
#include "sparkfit/base/text.h"
#include "sparkfit/base/wait.h"
#include "sparkfit/kube/transport.h"
#include "sparkfit/replay/import.h"
#include "sparkfit/replay/import_file.h"
#include "sparkfit/replay/line_reader.h"
#include "sparkfit/wire/observation_log.h"
#include "stop_on_signal.h"

namespace sparkfit::cli {
namespace {

using base::Code;
using base::Result;
using base::Time;
using replay::Importer;
using replay::ImportFile;

// Prometheus answers with at most 11,000 points of a series.
constexpr int kMostSteps = 11'000;
constexpr base::Duration kLongestStep = std::chrono::minutes(5);  // Importer::kPatience
// That files may be about: ten years at the usual step. Time itself takes a while.
constexpr int kMostTimes = 10'000'000;
// Of a file with an answer, which somebody chose to save.
constexpr std::size_t kLargestAnswer = std::size_t{512} << 20;

// What was asked for, understood.
struct Plan {
  replay::ImportSelection selection;
  std::optional<Time> start;  // at a multiple of step, as `end`
  std::optional<Time> end;
  base::Duration chunk{};
  std::vector<std::pair<std::string, std::string>> headers;
  ImportFile::Arguments arguments;
};

// Names of namespaces and containers; with these characters they mean themselves in a pattern.
bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= 63 &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

Time Floor(Time t, base::Duration step) { return t - t.time_since_epoch() % step; }

// A point in time, or how long before `now`.
Result<Time> ParsePast(const std::string& text, Time now) {
  if (const auto ago = base::ParseDuration(text)) {
    return *ago < now.time_since_epoch() ? now - *ago : Time{};
  }
  auto time = base::ParseTime(text);
  if (time) return *time;
  return base::Fail(Code::kInvalidArgument,
                    fmt::format("\"{}\" is neither a time, as 2026-11-23T00:00:00Z, nor how long "
                                "ago, as 30d",
                                base::Beginning(text, 60)));
}

Result<std::pair<std::string, std::string>> ParseHeader(const std::string& text) {
  const auto colon = text.find(':');
  if (colon == std::string::npos || colon == 0 || text.find_first_of("\r\n") != std::string::npos) {
    return base::Fail(Code::kInvalidArgument, "--header: it is no header, as \"X-Scope-OrgID: a\"");
  }
  const auto value = text.find_first_not_of(' ', colon + 1);
  return std::pair(text.substr(0, colon), value == std::string::npos ? "" : text.substr(value));
}

class Planner {
 public:
  Planner(const ImportFlags& flags, const Process& process, std::vector<std::string>& problems)
      : flags_(flags), process_(process), problems_(problems) {}

  Plan Make(const model::SignatureRules& rules) {
    if (flags_.source != "prometheus") {
      problems_.push_back(
          fmt::format("import \"{}\" (known: prometheus, eventlog)", flags_.source));
    }
    if (!flags_.files.empty()) {
      problems_.emplace_back("files are event logs; saved answers are given by --from-json");
    }
    if (flags_.url.empty() == flags_.answers.empty()) {
      problems_.emplace_back("--url or --from-json, one of them");
    }
    if (!flags_.join.empty()) problems_.emplace_back("--join is for import eventlog");
    Names("--namespace", flags_.namespaces, plan_.selection.namespaces);
    if (!flags_.containers.empty()) {
      Names("--container", flags_.containers, plan_.selection.containers);
    }
    plan_.selection.matchers = flags_.matchers;
    plan_.selection.cluster_label = flags_.cluster_label;
    for (const auto& text : flags_.headers) {
      if (auto header = Take("", ParseHeader(text))) plan_.headers.push_back(*std::move(header));
    }
    Times();
    plan_.arguments = {{"--url", flags_.url},
                       {"--from-json", fmt::format("{}", fmt::join(flags_.answers, " "))},
                       {"--start", flags_.start},
                       {"--end", flags_.end},
                       {"--step", flags_.step},
                       {"--chunk", flags_.chunk},
                       {"--namespace", fmt::format("{}", fmt::join(flags_.namespaces, " "))},
                       {"--container", fmt::format("{}", fmt::join(flags_.containers, " "))},
                       {"--matcher", fmt::format("{}", fmt::join(flags_.matchers, " "))},
                       {"--cluster-label", flags_.cluster_label},
                       {"--derived-signatures", rules.Text()}};
    return std::move(plan_);
  }

 private:
  template <typename T>
  std::optional<T> Take(std::string_view flag, Result<T> value) {
    if (value) return *std::move(value);
    problems_.push_back((flag.empty() ? "" : std::string(flag) + ": ") + value.error().message);
    return std::nullopt;
  }

  void Names(std::string_view flag, const std::vector<std::string>& names,
             std::vector<std::string>& out) {
    out = names;
    for (const auto& name : names) {
      if (!IsName(name)) {
        problems_.push_back(fmt::format("{}: \"{}\" is no name", flag, base::Beginning(name, 70)));
      }
    }
  }

  void Times() {
    auto& step = plan_.selection.step;
    step = Take("--step", base::ParseDuration(flags_.step)).value_or(step);
    if (step < std::chrono::seconds(1) || step > kLongestStep) {
      problems_.emplace_back("--step is 1s to 5m");
      step = std::chrono::seconds(30);
    }
    plan_.chunk = Take("--chunk", base::ParseDuration(flags_.chunk)).value_or(step);
    if (plan_.chunk < step || plan_.chunk > kMostSteps * step) {
      problems_.push_back(fmt::format("--chunk is at least --step and at most {} of it, {}",
                                      kMostSteps, base::FormatDuration(kMostSteps * step)));
    }
    plan_.chunk -= plan_.chunk % step;
    const auto now = process_.clock.Wall();
    if (!flags_.end.empty()) plan_.end = Take("--end", ParsePast(flags_.end, now));
    if (flags_.answers.empty() && flags_.end.empty()) plan_.end = now;
    // The default is meant for servers.
    if (flags_.answers.empty() || flags_.start != ImportFlags().start) {
      plan_.start = Take("--start", ParsePast(flags_.start, now));
    }
    if (plan_.start) plan_.start = Floor(*plan_.start, step);
    if (plan_.end) plan_.end = Floor(*plan_.end, step);
    if (plan_.start && plan_.end && *plan_.start >= *plan_.end) {
      problems_.emplace_back("--start is not before --end");
    }
  }

  const ImportFlags& flags_;
  const Process& process_;
  std::vector<std::string>& problems_;
  Plan plan_;
};

// How far an import has come: the times that are left, and what the importer knows.
struct Position {
  Time next{};
  Time end{};
};

std::string Write(const Position& position, const Importer& importer) {
  return fmt::format("{} {} {}", position.next.time_since_epoch().count(),
                     position.end.time_since_epoch().count(), importer.Save());
}

Result<Position> Read(const std::string& state, Importer& importer) {
  const auto damaged = base::Fail(Code::kInvalidArgument, "the resume file makes no sense");
  const auto first = state.find(' ');
  const auto second = state.find(' ', first + 1);
  if (first == std::string::npos || second == std::string::npos) return damaged;
  const auto number = [](const std::string& text) {
    return Time(base::Duration(std::strtoll(text.c_str(), nullptr, 10)));
  };
  if (!importer.Restore(state.substr(second + 1))) return damaged;
  return Position{number(state.substr(0, first)), number(state.substr(first + 1, second - first))};
}

class Import {
 public:
  Import(const ImportFlags& flags, const Plan& plan, const model::SignatureRules& rules,
         const Process& process)
      : flags_(flags), plan_(plan), process_(process), importer_(plan.selection, rules) {}

  Result<void> FromServer(const std::stop_token& stop);
  Result<void> FromFiles();
  void Summarize() const;

 private:
  // Opens the output; the position of the last run where there was one.
  Result<Position> Begin();
  // Writes what the importer gave.
  Result<void> Write(const Position& position);
  Result<void> Finish();
  // A log of several clusters is of no use; then it is gone.
  Result<void> IsOneCluster();
  Result<std::vector<wire::PrometheusSeries>> ReadAnswer(const std::string& path);

  Importer::Sink Lines() {
    return [this](std::string_view line) {
      if (written_) written_ = file_->Append(line);
    };
  }

  const ImportFlags& flags_;
  const Plan& plan_;
  const Process& process_;
  Importer importer_;
  std::unique_ptr<ImportFile> file_;
  Result<void> written_;
  Position position_;
  std::vector<std::string> warnings_;
  std::size_t unusable_points_ = 0;
};

Result<Position> Import::Begin() {
  auto file = ImportFile::Open(flags_.output, plan_.arguments);
  if (!file) return tl::unexpected<base::Error>(file.error());
  file_ = *std::move(file);
  Position position{plan_.start.value_or(Time{}), plan_.end.value_or(Time{})};
  if (!file_->State().empty()) return Read(file_->State(), importer_);
  written_ = file_->Append(wire::WriteHeader({}));
  return position;
}

Result<void> Import::Write(const Position& position) {
  position_ = position;
  if (!written_) return written_;
  return file_->Commit(cli::Write(position, importer_));
}

Result<void> Import::Finish() {
  importer_.Finish(Lines());
  if (!written_) return written_;
  return file_->Finish();
}

Result<void> Import::IsOneCluster() {
  const auto several = importer_.SeveralClusters();
  if (several.empty()) return {};
  file_->Abandon();
  return base::Fail(Code::kInvalidArgument, several);
}

Result<void> Import::FromServer(const std::stop_token& stop) {
  kube::Endpoint endpoint;
  endpoint.server = flags_.url;
  while (endpoint.server.ends_with('/')) endpoint.server.pop_back();
  endpoint.certificate_authority.file = flags_.ca_file;
  endpoint.insecure = flags_.insecure;
  kube::Credentials credentials;
  credentials.token_file = flags_.token_file;
  auto transport =
      kube::MakeHttpTransport(kube::WithProxy(endpoint, process_.environment), process_.clock);
  if (!transport) return tl::unexpected<base::Error>(transport.error());
  const auto authenticator = kube::MakeAuthenticator(credentials, process_.clock);
  base::SystemWaiter waiter;
  // One request after the other: the server sets the pace.
  kube::ClientOptions options;
  options.queries_per_second = options.burst = 1e6;
  kube::Client client(**transport, *authenticator, process_.clock, waiter, options);
  PrometheusSource source(client, waiter,
                          {.queries = replay::ImportQueries(plan_.selection),
                           .step = plan_.selection.step,
                           .headers = plan_.headers,
                           .wanted = [&](auto label) { return importer_.Wants(label); }});
  auto begun = Begin();
  if (!begun) return tl::unexpected<base::Error>(begun.error());
  const auto start = plan_.start.value_or(begun->next);
  const auto end = begun->end;
  Progress progress("imported up to", process_);
  for (auto from = begun->next; from <= end;) {
    const auto to = std::min(from + plan_.chunk - plan_.selection.step, end);
    const auto fetched = source.Fetch(
        from, to,
        [&](auto series, Time a, Time b) { importer_.Take(std::move(series), a, b, Lines()); },
        stop);
    if (!fetched) return fetched;
    if (auto one = IsOneCluster(); !one) return one;
    from = to + plan_.selection.step;
    if (auto written = Write({from, end}); !written) return written;
    progress.Show(fmt::format("{}, {} %", base::FormatTime(to),
                              end > start ? (to - start) * 100 / (end - start) : 100));
  }
  warnings_ = source.Warnings();
  unusable_points_ = source.UnusablePoints();
  return Finish();
}

Result<std::vector<wire::PrometheusSeries>> Import::ReadAnswer(const std::string& path) {
  auto source = replay::OpenFile(path);
  if (!source) return base::Fail(path, source.error());
  const auto inflated = replay::MaybeGunzip(*std::move(source));
  std::string text;
  std::string piece(1 << 16, '\0');
  for (;;) {
    const auto n = inflated->Read(piece.data(), piece.size());
    if (!n) return base::Fail(path, n.error());
    if (*n == 0) break;
    text.append(piece, 0, *n);
    if (text.size() > kLargestAnswer) {
      return base::Fail(Code::kInvalidArgument,
                        path + ": is larger than 512 MiB; save answers about shorter times");
    }
  }
  auto answer = wire::ReadPrometheusAnswer(std::move(text),
                                           [&](auto label) { return importer_.Wants(label); });
  if (!answer) return base::Fail(path, answer.error());
  for (const auto& warning : answer->warnings) {
    warnings_.push_back(fmt::format("{}: the server warned: {}", path, warning));
  }
  if (answer->unusable_series > 0)
    warnings_.push_back(path + ": left out: " + answer->first_unusable);
  unusable_points_ += answer->unusable_points;
  return std::move(answer->series);
}

Result<void> Import::FromFiles() {
  std::vector<wire::PrometheusSeries> all;
  for (const auto& path : flags_.answers) {
    auto series = ReadAnswer(path);
    if (!series) return tl::unexpected<base::Error>(series.error());
    std::move(series->begin(), series->end(), std::back_inserter(all));
  }
  Time first = Time::max();
  Time last{};
  for (const auto& series : all) {
    if (series.points.empty()) continue;
    first = std::min(first, series.points.front().t);
    last = std::max(last, series.points.back().t);
  }
  if (first > last) return base::Fail(Code::kMalformed, "no point in any of the answers");
  const auto step = plan_.selection.step;
  if ((last - first) / step > kMostTimes) {
    return base::Fail(Code::kMalformed,
                      fmt::format("the points are from {} to {}; see --start and --end",
                                  base::FormatTime(first), base::FormatTime(last)));
  }
  first = plan_.start.value_or(Floor(first, step));
  last = plan_.end.value_or(Floor(last + step - base::Duration(1), step));
  if (auto begun = Begin(); !begun) return tl::unexpected<base::Error>(begun.error());
  importer_.Take(std::move(all), first, last, Lines());
  if (auto one = IsOneCluster(); !one) return one;
  position_ = {last + step, last};
  return Finish();
}

// For people, on standard error: what is in the log, what is not and why, and what to do about it.
void Import::Summarize() const {
  const auto& counts = importer_.Counts();
  const auto number = [](std::uint64_t n) {
    return base::FormatCount(static_cast<std::int64_t>(n));
  };
  process_.err << fmt::format(
      "{}: {} executors and {} drivers, {} samples, {} container OOMs, until {}\n", flags_.output,
      number(counts.executors), number(counts.drivers), number(counts.samples), number(counts.ooms),
      base::FormatTime(position_.end));
  const auto note = [&](std::uint64_t n, std::string_view what) {
    if (n > 0) process_.err << fmt::format("note: {} {}\n", number(n), what);
  };
  note(
      counts.never_used,
      "executors left out that never showed any usage: too short, or --container has to name their "
      "container");
  note(counts.unreadable_pods, "pods left out whose labels make no sense");
  note(counts.other_containers, "series left out of containers that --container does not name");
  note(counts.implausible, "values left out that are no amount of memory");
  note(counts.outside, "points left out that are not within --start and --end");
  note(unusable_points_, "points left out that are no number or not in order");
  note(counts.no_memory,
       "executors without a limit or request: kube_pod_container_resource_limits");
  note(counts.conflicts,
       "pods with several labels of one name in Prometheus (_conflict1, …): the first was taken");
  if (!flags_.cluster_label.empty() && !importer_.KnowsCluster()) {
    process_.err << fmt::format("warning: no series has the label {} (--cluster-label)\n",
                                base::Printable(flags_.cluster_label));
  }
  for (const auto& problem : importer_.Problems()) process_.err << "note: " << problem << '\n';
  for (const auto& warning : warnings_) process_.err << "warning: " << warning << '\n';
  if (counts.executors == 0) {
    process_.err << "warning: no executor was found: does this server have "
                    "container_memory_working_set_bytes of these namespaces and containers?\n";
  } else if (counts.no_labels == counts.executors) {
    process_.err
        << "warning: kube_pod_labels shows no Spark labels, so no executor has a signature "
           "from them. From now on kube-state-metrics needs --metric-labels-allowlist="
           "pods=[spark-role,spark-app-selector,spark-exec-resourceprofile-id,"
           "sparkfit.io/signature]; for the past, --derived-signatures '{pod-name}' takes "
           "the part of an executor's name that is the same in each run\n";
  } else {
    note(counts.no_labels, "executors of which kube_pod_labels shows nothing");
  }
  if (counts.no_labels < counts.executors) {
    note(
        counts.no_signature,
        "executors without a signature, which replay cannot use: --derived-signatures makes one of "
        "labels");
  }
}

// What is about servers is about none of these files.
void CheckEventlogFlags(const ImportFlags& flags, std::vector<std::string>& problems) {
  if (flags.files.empty()) {
    problems.emplace_back("import eventlog: which files or folders (spark.eventLog.dir)?");
  }
  const ImportFlags standard;
  const auto check = [&](std::string_view flag, bool given) {
    if (given) problems.push_back(fmt::format("{} is for import prometheus", flag));
  };
  check("--url", !flags.url.empty());
  check("--from-json", !flags.answers.empty());
  check("--start", flags.start != standard.start);
  check("--end", !flags.end.empty());
  check("--step", flags.step != standard.step);
  check("--chunk", flags.chunk != standard.chunk);
  check("--namespace", !flags.namespaces.empty());
  check("--container", !flags.containers.empty());
  check("--matcher", !flags.matchers.empty());
  check("--cluster-label", !flags.cluster_label.empty());
  check("--header", !flags.headers.empty());
  check("--token-file", !flags.token_file.empty());
  check("--ca-file", !flags.ca_file.empty());
  check("--insecure-skip-tls-verify", flags.insecure);
}

}  // namespace

int RunImport(const ImportFlags& flags, const Process& process) {
  const auto settings = Gather(flags.common, process);
  auto problems = settings.Problems();
  const auto& rules = settings.Get().derived_signatures;
  if (flags.source == "eventlog") {
    CheckEventlogFlags(flags, problems);
    return Refuse(problems, process) ? kExitUsage : RunEventlogImport(flags, rules, process);
  }
  const auto plan = Planner(flags, process, problems).Make(rules);
  if (Refuse(problems, process)) return kExitUsage;
  Import work(flags, plan, rules, process);
  std::optional<StopOnSignal> signals;
  if (!flags.url.empty()) signals.emplace();  // before any other thread
  const auto done = signals ? work.FromServer(signals->Token()) : work.FromFiles();
  if (!done && signals && signals->Token().stop_requested()) {
    return Fail("interrupted; the same command goes on from here", process);
  }
  if (!done) return Fail(done.error().message, process, ExitFor(done.error().code));
  work.Summarize();
  return kExitFine;
}

}  // namespace sparkfit::cli
