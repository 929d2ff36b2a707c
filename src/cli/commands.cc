// SPDX-License-Identifier: Apache-2.0
#include "commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "job_table.h"
#include "sparkfit/base/file.h"
#include "sparkfit/base/quantity.h"
#include "sparkfit/base/text.h"
#include "sparkfit/replay/backtest.h"
#include "sparkfit/replay/fleet.h"
#include "sparkfit/replay/page.h"
#include "sparkfit/replay/policy_report.h"
#include "sparkfit/replay/replay.h"
#include "sparkfit/replay/report.h"
#include "sparkfit/replay/text_table.h"
#include "sparkfit/simulation/report.h"

namespace sparkfit::cli {
namespace {

using base::Result;

constexpr std::size_t kLargestConfig = std::size_t{1} << 20;
// Of a closed loop, which is to end.
constexpr std::uint32_t kMostProfiles = 100'000;
constexpr std::uint32_t kMostRuns = 1000;

// Says what could not be read; true where there was anything.
bool Report(const replay::Problems& problems, const base::Logger& log) {
  for (const auto& problem : problems.Shown()) log.Warning(problem);
  const auto more = problems.Count() - problems.Shown().size();
  if (more > 0) {
    log.Warning(fmt::format("… and {} more that could not be read",
                            base::FormatCount(static_cast<std::int64_t>(more))));
  }
  return problems.Count() > 0;
}

// Of files of which nothing could be read. One reason is said once.
int FailUnread(const replay::Problems& problems, const base::Logger& log, const Process& process) {
  if (problems.Count() == 1) return Fail(problems.Shown().front(), process);
  Report(problems, log);
  return Fail("nothing could be read", process);
}

template <typename Add>
Result<void> ForEachFile(const std::vector<std::string>& files, Add&& add) {
  for (const auto& file : files) {
    auto source = replay::OpenFile(file);
    if (!source) return base::Fail(file, source.error());
    const std::string name = file == "-" ? "standard input" : file;
    if (auto added = add(name, *std::move(source)); !added) return added;
  }
  return {};
}

// "2 lines that could not be read"
void Count(std::uint64_t n, std::string_view thing, std::string_view which,
           std::vector<std::string>& notes) {
  if (n == 0) return;
  notes.push_back(fmt::format("{} {}{} {}", base::FormatCount(static_cast<std::int64_t>(n)), thing,
                              n == 1 ? "" : "s", which));
}

// What was read and could not be used, for a person to judge the result by.
std::vector<std::string> NotUsed(const replay::ObservationReader& reader,
                                 const controller::Pipeline& pipeline) {
  const auto& unused = pipeline.GetUnused();
  std::vector<std::string> notes;
  Count(unused.usage_unknown_pod, "usage sample", "of pods that are not known or had ended", notes);
  Count(unused.usage_no_container, "usage sample", "without the executor's container", notes);
  Count(unused.usage_zero, "usage sample", "of containers that did not run", notes);
  Count(unused.out_of_order, "observation", "out of order", notes);
  Count(unused.executors_unsigned, "executor", "without a signature", notes);
  for (const auto& [type, count] : reader.Counts().unknown) {
    Count(count, "line", fmt::format("of unknown type \"{}\"", type), notes);
  }
  return notes;
}

bool ReportUnused(const std::vector<std::string>& notes, const controller::Pipeline& pipeline,
                  const base::Logger& log) {
  for (const auto& note : notes) log.Info("not used: " + note);
  for (const auto& problem : pipeline.Problems()) log.Warning(problem);
  return !pipeline.Problems().empty() || pipeline.GetUnused().out_of_order > 0;
}

// What a page says of what is missing in it.
std::vector<std::string> NotesOn(std::vector<std::string> unused,
                                 const replay::Problems& problems) {
  Count(problems.Count(), "line", "that could not be read", unused);
  return unused;
}

constexpr std::string_view kStandardOutput = "-";

Result<void> WritePage(const ReportFlags& flags, const std::string& page, const Process& process) {
  if (flags.html == kStandardOutput) {
    process.out << page << std::flush;
    return {};
  }
  auto written = base::ReplaceFile(flags.html, page, flags.force);
  if (!written) return written;
  process.err << fmt::format("{}: {:.1f} MB, open it in a browser\n", flags.html,
                             static_cast<double>(page.size()) / 1e6);
  return {};
}

// The format on standard output, as `parse` knows it; nothing where a page is all that was asked
// for. Before long work it is known, too, that there is room for the page.
template <typename Parse>
auto OutputOf(const ReportFlags& flags, Parse parse)
    -> Result<std::optional<typename decltype(parse(""))::value_type>> {
  if (!flags.html.empty()) {
    if (flags.html != kStandardOutput) {
      auto free = base::CheckFree(flags.html, flags.force);
      if (!free) return tl::unexpected<base::Error>(free.error());
    } else if (!flags.output.empty()) {
      return base::Fail(base::Code::kInvalidArgument,
                        "--html - and --output both want standard output");
    }
    if (flags.output.empty()) return std::nullopt;
  }
  const auto format = parse(flags.output.empty() ? "table" : flags.output);
  if (!format) return tl::unexpected<base::Error>(format.error());
  return *format;
}

struct ReplayChoice {
  std::optional<base::Time> at;
  std::optional<JobFormat> output;
  SortBy sort = SortBy::kName;
};

ReplayChoice Choose(const ReplayFlags& flags, Settings& settings) {
  ReplayChoice choice;
  const auto take = [&](const auto& value, auto& into) {
    if (value) into = *value;
    if (!value) settings.Problem(value.error().message);
  };
  if (!flags.at.empty()) {
    const auto at = base::ParseTime(flags.at);
    if (at) choice.at = *at;
    if (!at) settings.Problem("--at: " + at.error().message);
  }
  take(OutputOf(flags.report, ParseJobFormat), choice.output);
  take(ParseSortBy(flags.table.sort), choice.sort);
  return choice;
}

bool Wanted(const std::vector<std::string>& names, const std::string& name) {
  return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

bool Wanted(const ReplayFlags& flags, const model::Key& key) {
  return Wanted(flags.namespaces, key.name_space) && Wanted(flags.signatures, key.signature);
}

// One job of a log.
struct Replayed {
  replay::ReplayRow row;
  wire::Published job;
};

std::vector<Replayed> JobsOf(std::vector<replay::ReplayRow> rows) {
  std::vector<Replayed> jobs;
  for (auto& row : rows) {
    auto job = PublishedOf(row);
    jobs.push_back({std::move(row), std::move(job)});
  }
  return jobs;
}

// What was asked for, in order.
void Arrange(std::vector<Replayed>& jobs, const ReplayFlags& flags, SortBy by) {
  std::erase_if(jobs, [&](const Replayed& one) { return !Wanted(flags, one.job.key); });
  std::sort(jobs.begin(), jobs.end(),
            [&](const Replayed& a, const Replayed& b) { return Before(a.job, b.job, by); });
}

// What was asked for and is not there; empty: nothing.
std::vector<std::string> Missing(const ReplayFlags& flags, const std::vector<Replayed>& jobs) {
  std::vector<std::string> missing;
  std::vector<wire::Published> near;
  for (const auto& name : flags.namespaces) {
    const bool there = std::any_of(jobs.begin(), jobs.end(), [&](const Replayed& one) {
      return one.job.key.name_space == name;
    });
    if (!there) {
      missing.push_back(
          fmt::format("no executor with a signature in namespace \"{}\"", base::Printable(name)));
    }
  }
  for (const auto& one : jobs) {
    if (Wanted(flags.namespaces, one.job.key.name_space)) near.push_back(one.job);
  }
  for (const auto& name : flags.signatures) {
    const bool there = std::any_of(near.begin(), near.end(),
                                   [&](const auto& job) { return job.key.signature == name; });
    if (!there) {
      missing.push_back(fmt::format("no executor with signature \"{}\"{}", base::Printable(name),
                                    InsteadOf(name, near)));
    }
  }
  return missing;
}

std::string NamesOf(const std::vector<Replayed>& jobs) {
  std::string text;
  for (const auto& one : jobs) {
    text += base::Printable(one.job.key.name_space + "/" + one.job.key.signature);
    text += one.job.key.profile == 0 ? "\n" : fmt::format("/{}\n", one.job.key.profile);
  }
  return text;
}

// The table, and why, where that is not too much to read.
std::string ReplayTable(const std::vector<wire::Published>& jobs, const JobTableOptions& options,
                        bool asked_for) {
  if (jobs.empty()) return "No executor with a signature was seen: nothing to recommend.\n";
  auto text = JobTable(jobs, options);
  if (!options.style.headers) return text;
  if (asked_for || jobs.size() <= kMostExplained) return text + "\n" + WhyText(jobs);
  return text + "Why: --signature NAME says it of one, -o json of all.\n";
}

std::string ReplayText(const std::vector<Replayed>& replayed, JobFormat format,
                       const ReplayFlags& flags, base::Time now, const Process& process) {
  std::vector<wire::Published> jobs;
  std::vector<replay::ReplayRow> rows;
  for (const auto& one : replayed) {
    jobs.push_back(one.job);
    rows.push_back(one.row);
  }
  JobTableOptions options;
  options.of_cluster = false;
  options.wide = format == JobFormat::kWide;
  options.style = StyleFor(flags.table, process);
  options.now = now;
  switch (format) {
    case JobFormat::kTable:
    case JobFormat::kWide:
      return ReplayTable(jobs, options, !flags.signatures.empty());
    case JobFormat::kCsv:
      return JobCsv(jobs, options.style.headers);
    case JobFormat::kName:
      return NamesOf(replayed);
    case JobFormat::kJson:
      return replay::Render(rows, replay::OutputFormat::kJson);
    case JobFormat::kYaml:
      return replay::Render(rows, replay::OutputFormat::kYaml);
  }
  return "";
}

std::string FleetPageOf(const ReplayFlags& flags, const controller::Pipeline& pipeline,
                        const replay::FleetRecorder& recorder,
                        const std::vector<std::string>& notes) {
  auto results = pipeline.Recommend();
  std::erase_if(results,
                [&](const auto& result) { return !Wanted(flags, result.history->GetKey()); });
  replay::FleetPage page(results.size());
  for (const auto& result : results) {
    page.Add(replay::MakeJob(result, recorder.ReportOf(*result.history)));
  }
  return page.Html(pipeline.Now(), notes);
}

// The policies that were asked for, and adaptive at its presets.
std::string BacktestPageOf(const replay::ExecutionTable& table, const replay::Workflows& workflows,
                           const std::vector<replay::PolicyReport>& reports) {
  std::vector<replay::PolicyReport> dial;
  for (const std::string preset : {"thrifty", "balanced", "safe"}) {
    const auto policy = recommend::ParsePolicy("adaptive:risk=" + preset);
    dial.push_back(replay::Report(table, workflows, *policy, preset));
  }
  return replay::BacktestPage(table, workflows, reports, dial, NotesOn({}, table.GetProblems()));
}

// A table, or a loop that stays within minutes and memory.
void CheckSource(const BacktestFlags& flags, std::vector<std::string>& problems) {
  if (!flags.closed_loop) {
    if (flags.files.empty()) problems.emplace_back("a table of executions, or --closed-loop");
    if (flags.job) problems.emplace_back("--job is of --closed-loop");
    return;
  }
  if (!flags.files.empty()) problems.emplace_back("--closed-loop takes no table");
  const auto& loop = flags.loop;
  if (loop.profiles < 1 || loop.profiles > kMostProfiles) {
    problems.push_back(fmt::format("--profiles is 1 to {}", kMostProfiles));
  }
  if (loop.runs < simulation::kFewestRuns || loop.runs > kMostRuns) {
    problems.push_back(fmt::format("--runs is {} to {}", simulation::kFewestRuns, kMostRuns));
  }
  const bool tables = flags.report.output.empty() || flags.report.output == "table";
  if (flags.job && !(tables && flags.report.html.empty())) {
    problems.emplace_back("--job prints tables only");
  }
}

// One job of the loop for each policy.
int PlayOne(std::uint32_t number, const BacktestFlags& flags, const std::vector<std::string>& names,
            const std::vector<recommend::Policy>& policies, const Process& process) {
  const auto profile = simulation::DrawProfile(flags.loop.seed, number);
  for (std::size_t i = 0; i < policies.size(); ++i) {
    const auto pairs = simulation::PlayJob(profile, policies[i], flags.loop);
    process.out << base::Printable(names[i]) << ", " << simulation::RenderJob(profile, pairs)
                << std::flush;
  }
  return kExitFine;
}

int PlayLoop(const BacktestFlags& flags, const std::vector<std::string>& names,
             const std::vector<recommend::Policy>& policies,
             const std::optional<replay::OutputFormat>& output, const Process& process) {
  std::vector<simulation::LoopResult> results;
  for (std::size_t i = 0; i < policies.size(); ++i) {
    Progress progress("jobs played:", process);
    results.push_back(simulation::RunClosedLoop(policies[i], names[i], flags.loop,
                                                [&](auto n) { progress.Show(n); }));
  }
  if (output) process.out << simulation::Render(results, *output) << std::flush;
  if (flags.report.html.empty()) return kExitFine;
  const auto written = WritePage(flags.report, simulation::Page(results), process);
  return written ? kExitFine : Fail(written.error().message, process);
}

}  // namespace

Progress::Progress(std::string what, const Process& process)
    : what_(std::move(what)), process_(process), shown_(process.clock.SteadyNow()) {}

Progress::~Progress() {
  if (anything_) process_.err << "\r\033[K" << std::flush;
}

bool Progress::Due() {
  if (!process_.err_is_terminal) return false;
  const auto now = process_.clock.SteadyNow();
  if (now - shown_ < std::chrono::milliseconds(200)) return false;
  shown_ = now;
  anything_ = true;
  return true;
}

void Progress::Print(const std::string& how_far) {
  process_.err << fmt::format("\r{} {}\033[K", what_, how_far) << std::flush;
}

void Progress::Show(std::uint64_t count) {
  if (Due()) Print(base::FormatCount(static_cast<std::int64_t>(count)));
}

void Progress::Show(const std::string& how_far) {
  if (Due()) Print(how_far);
}

Result<std::string> ReadWholeFile(const std::string& path) {
  auto source = replay::OpenFile(path);
  if (!source) return base::Fail(path, source.error());
  std::string text;
  std::string chunk(1 << 16, '\0');
  for (;;) {
    const auto n = (*source)->Read(chunk.data(), chunk.size());
    if (!n) return base::Fail(path, n.error());
    if (*n == 0) return text;
    text.append(chunk, 0, *n);
    if (text.size() > kLargestConfig) {
      return base::Fail(base::Code::kInvalidArgument, path + ": is larger than 1 MiB");
    }
  }
}

int ExitFor(base::Code code) {
  return code == base::Code::kInvalidArgument ? kExitUsage : kExitFailed;
}

int Fail(const std::string& message, const Process& process, int code) {
  process.err << "error: " << message << '\n';
  return code;
}

replay::TextTable::Style StyleFor(const TableFlags& flags, const Process& process) {
  const auto is = [&](const char* name, std::string_view value) {
    const char* set = process.environment(name);
    return set != nullptr && value == set;
  };
  // https://no-color.org: set, and to anything but nothing.
  const bool none = process.environment("NO_COLOR") != nullptr && !is("NO_COLOR", "");
  return {.headers = !flags.no_headers,
          .colours = process.out_is_terminal && !none && !is("TERM", "dumb")};
}

Settings Gather(const CommonFlags& flags, const Process& process) {
  Settings settings;
  std::string file = flags.config_file;
  if (const char* given = process.environment("SPARKFIT_CONFIG");
      file.empty() && given != nullptr) {
    file = given;
  }
  if (!file.empty()) {
    const auto text = ReadWholeFile(file);
    if (text) settings.ReadFile(file, *text);
    if (!text) settings.Problem(text.error().message);
  }
  settings.ReadEnvironment(process.environment);
  for (const auto& option : Options()) {
    const auto given = flags.options.find(std::string(option.key));
    if (given == flags.options.end()) continue;
    settings.Set(option, Source::kFlag, given->second, "--" + option.Flag());
  }
  return settings;
}

bool Refuse(const std::vector<std::string>& problems, const Process& process) {
  for (const auto& problem : problems) process.err << "error: " << problem << '\n';
  return !problems.empty();
}

int RunReplay(const ReplayFlags& flags, const Process& process) {
  auto settings = Gather(flags.common, process);
  const auto choice = Choose(flags, settings);
  if (Refuse(settings.Problems(), process)) return kExitUsage;

  const auto rules = settings.Get().derived_signatures;
  replay::ObservationReader reader(&rules);
  const auto opened = ForEachFile(flags.files, [&](const std::string& name, auto source) {
    return reader.Add(name, std::move(source));
  });
  if (!opened) return Fail(opened.error().message, process, ExitFor(opened.error().code));
  settings.ReadHeader(reader.HeaderOptions());
  if (Refuse(settings.Problems(), process)) return kExitUsage;

  replay::FleetRecorder recorder;
  controller::Pipeline pipeline(settings.Get().pipeline,
                                flags.report.html.empty() ? nullptr : &recorder);
  auto rows = [&] {
    Progress progress("lines read:", process);
    return replay::Replay(reader, pipeline, choice.at, [&](auto n) { progress.Show(n); });
  }();
  if (!rows) return Fail(rows.error().message, process, ExitFor(rows.error().code));
  const base::Logger log(process.err, settings.Get().log_level, settings.Get().log_format);
  if (reader.Counts().observations == 0 && reader.GetProblems().Count() > 0) {
    return FailUnread(reader.GetProblems(), log, process);
  }
  auto jobs = JobsOf(*std::move(rows));
  const auto missing = Missing(flags, jobs);
  Arrange(jobs, flags, choice.sort);
  const bool tells = missing.empty() || !jobs.empty();
  if (choice.output && tells) {
    process.out << ReplayText(jobs, *choice.output, flags, pipeline.Now(), process) << std::flush;
  }
  const auto unused = NotUsed(reader, pipeline);
  if (!flags.report.html.empty() && tells) {
    const auto notes = NotesOn(unused, reader.GetProblems());
    const auto written =
        WritePage(flags.report, FleetPageOf(flags, pipeline, recorder, notes), process);
    if (!written) return Fail(written.error().message, process);
  }
  const bool unread = Report(reader.GetProblems(), log);
  const bool odd = ReportUnused(unused, pipeline, log);
  if (Refuse(missing, process)) return kExitFailed;
  if (flags.report.strict && (unread || odd))
    return Fail("there were problems (--strict)", process);
  return kExitFine;
}

int RunBacktest(const BacktestFlags& flags, const Process& process) {
  std::vector<std::string> problems;
  std::vector<recommend::Policy> policies;
  const auto names = flags.policies.empty()
                         ? std::vector<std::string>{"percentile", "max", "request"}
                         : flags.policies;
  for (const auto& text : names) {
    const auto policy = recommend::ParsePolicy(text);
    if (policy) policies.push_back(*policy);
    if (!policy) problems.push_back(policy.error().message);
  }
  const auto output = OutputOf(flags.report, replay::ParseOutputFormat);
  if (!output) problems.push_back(output.error().message);
  CheckSource(flags, problems);
  if (Refuse(problems, process)) return kExitUsage;
  if (flags.job) return PlayOne(*flags.job, flags, names, policies, process);
  if (flags.closed_loop) return PlayLoop(flags, names, policies, *output, process);

  const base::Logger log(process.err, base::LogLevel::kInfo, base::LogFormat::kText);
  replay::ExecutionTable table;
  const auto read = ForEachFile(flags.files, [&](const std::string& name, auto source) {
    Progress progress("executions read:", process);
    return table.Read(name, std::move(source), [&](auto n) { progress.Show(n); });
  });
  if (!read) return Fail(read.error().message, process, kExitFailed);
  if (table.Executions().empty() && table.GetProblems().Count() > 0) {
    return FailUnread(table.GetProblems(), log, process);
  }
  table.Sort();
  std::vector<replay::BacktestResult> results;
  std::string page;
  if (flags.report.html.empty()) {
    for (std::size_t i = 0; i < policies.size(); ++i) {
      results.push_back(replay::Backtest(table, policies[i], names[i]));
    }
  } else {
    const replay::Workflows workflows(table);
    std::vector<replay::PolicyReport> reports;
    for (std::size_t i = 0; i < policies.size(); ++i) {
      reports.push_back(replay::Report(table, workflows, policies[i], names[i]));
      results.push_back(reports.back().result);
    }
    page = BacktestPageOf(table, workflows, reports);
  }
  if (*output) process.out << replay::Render(results, **output) << std::flush;
  if (!flags.report.html.empty()) {
    const auto written = WritePage(flags.report, page, process);
    if (!written) return Fail(written.error().message, process);
  }
  const bool unread = Report(table.GetProblems(), log);
  if (flags.report.strict && unread) return Fail("there were problems (--strict)", process);
  return kExitFine;
}

int RunPrintConfig(const CommonFlags& flags, const Process& process) {
  const auto settings = Gather(flags, process);
  if (Refuse(settings.Problems(), process)) return kExitUsage;
  process.out << PrintConfig(settings) << std::flush;
  return kExitFine;
}

int RunCheckConfig(const std::vector<std::string>& files, const Process& process) {
  bool refused = false;
  for (const auto& file : files) {
    Settings settings;
    const auto text = ReadWholeFile(file);
    if (text) settings.ReadFile(file, *text);
    if (!text) settings.Problem(text.error().message);
    for (const auto& problem : Contradictions(settings.Get())) {
      settings.Problem(file + ": " + problem);
    }
    const bool bad = Refuse(settings.Problems(), process);
    if (!bad) process.out << file << ": fine\n";
    refused = refused || bad;
  }
  return refused ? kExitUsage : kExitFine;
}

}  // namespace sparkfit::cli
