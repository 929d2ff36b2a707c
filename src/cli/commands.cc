// SPDX-License-Identifier: Apache-2.0
#include "commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "sparkfit/base/quantity.h"
#include "sparkfit/replay/backtest.h"
#include "sparkfit/replay/replay.h"
#include "sparkfit/replay/report.h"
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

int ExitFor(base::Code code) {
  return code == base::Code::kInvalidArgument ? kExitUsage : kExitFailed;
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

void Count(std::uint64_t n, std::string_view what, std::vector<std::string>& notes) {
  if (n > 0)
    notes.push_back(fmt::format("{} {}", base::FormatCount(static_cast<std::int64_t>(n)), what));
}

// What was read and could not be used, for a person to judge the result by.
bool ReportUnused(const replay::ObservationReader& reader, const controller::Pipeline& pipeline,
                  const base::Logger& log) {
  const auto& unused = pipeline.GetUnused();
  std::vector<std::string> notes;
  Count(unused.usage_unknown_pod, "usage samples of pods that are not known or had ended", notes);
  Count(unused.usage_no_container, "usage samples without the executor's container", notes);
  Count(unused.usage_zero, "usage samples of containers that did not run", notes);
  Count(unused.out_of_order, "observations out of order", notes);
  Count(unused.executors_unsigned, "executors without a signature", notes);
  for (const auto& [type, count] : reader.Counts().unknown) {
    Count(count, fmt::format("lines of unknown type \"{}\"", type), notes);
  }
  for (const auto& note : notes) log.Info("not used: " + note);
  for (const auto& problem : pipeline.Problems()) log.Warning(problem);
  return !pipeline.Problems().empty() || unused.out_of_order > 0;
}

struct ReplayChoice {
  std::optional<base::Time> at;
  replay::OutputFormat output = replay::OutputFormat::kTable;
};

ReplayChoice Choose(const ReplayFlags& flags, Settings& settings) {
  ReplayChoice choice;
  if (!flags.at.empty()) {
    const auto at = base::ParseTime(flags.at);
    if (at) choice.at = *at;
    if (!at) settings.Problem("--at: " + at.error().message);
  }
  const auto output = replay::ParseOutputFormat(flags.output);
  if (output) choice.output = *output;
  if (!output) settings.Problem(output.error().message);
  return choice;
}

bool Wanted(const std::vector<std::string>& names, const std::string& name) {
  return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

// A table, or a loop that stays within minutes and memory.
void CheckSource(const BacktestFlags& flags, std::vector<std::string>& problems) {
  if (!flags.closed_loop) {
    if (flags.files.empty()) problems.emplace_back("a table of executions, or --closed-loop");
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
}

int PlayLoop(const BacktestFlags& flags, const std::vector<std::string>& names,
             const std::vector<recommend::Policy>& policies, replay::OutputFormat output,
             const Process& process) {
  std::vector<simulation::LoopResult> results;
  for (std::size_t i = 0; i < policies.size(); ++i) {
    Progress progress("jobs played:", process);
    results.push_back(simulation::RunClosedLoop(policies[i], names[i], flags.loop,
                                                [&](auto n) { progress.Show(n); }));
  }
  process.out << simulation::Render(results, output) << std::flush;
  return kExitFine;
}

}  // namespace

Progress::Progress(std::string what, const Process& process)
    : what_(std::move(what)), process_(process), shown_(process.clock.SteadyNow()) {}

Progress::~Progress() {
  if (anything_) process_.err << "\r\033[K" << std::flush;
}

void Progress::Show(std::uint64_t count) {
  if (!process_.err_is_terminal) return;
  const auto now = process_.clock.SteadyNow();
  if (now - shown_ < std::chrono::milliseconds(200)) return;
  shown_ = now;
  anything_ = true;
  process_.err << fmt::format("\r{} {}\033[K", what_,
                              base::FormatCount(static_cast<std::int64_t>(count)))
               << std::flush;
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

int Fail(const std::string& message, const Process& process, int code) {
  process.err << "error: " << message << '\n';
  return code;
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

  controller::Pipeline pipeline(settings.Get().pipeline);
  auto rows = [&] {
    Progress progress("lines read:", process);
    return replay::Replay(reader, pipeline, choice.at, [&](auto n) { progress.Show(n); });
  }();
  if (!rows) return Fail(rows.error().message, process, ExitFor(rows.error().code));
  std::erase_if(*rows, [&](const replay::ReplayRow& row) {
    return !Wanted(flags.namespaces, row.key.name_space) ||
           !Wanted(flags.signatures, row.key.signature);
  });
  process.out << replay::Render(*rows, choice.output) << std::flush;
  const base::Logger log(process.err, settings.Get().log_level, settings.Get().log_format);
  const bool unread = Report(reader.GetProblems(), log);
  const bool odd = ReportUnused(reader, pipeline, log);
  if (unread && reader.Counts().observations == 0) return Fail("nothing could be read", process);
  if (flags.strict && (unread || odd)) return Fail("there were problems (--strict)", process);
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
  const auto output = replay::ParseOutputFormat(flags.output);
  if (!output) problems.push_back(output.error().message);
  CheckSource(flags, problems);
  if (Refuse(problems, process)) return kExitUsage;
  if (flags.closed_loop) return PlayLoop(flags, names, policies, *output, process);

  replay::ExecutionTable table;
  const auto read = ForEachFile(flags.files, [&](const std::string& name, auto source) {
    Progress progress("executions read:", process);
    return table.Read(name, std::move(source), [&](auto n) { progress.Show(n); });
  });
  if (!read) return Fail(read.error().message, process, kExitFailed);
  table.Sort();
  std::vector<replay::BacktestResult> results;
  for (std::size_t i = 0; i < policies.size(); ++i) {
    results.push_back(replay::Backtest(table, policies[i], names[i]));
  }
  process.out << replay::Render(results, *output) << std::flush;
  const bool unread =
      Report(table.GetProblems(), {process.err, base::LogLevel::kInfo, base::LogFormat::kText});
  if (unread && table.Executions().empty()) return Fail("nothing could be read", process);
  if (flags.strict && unread) return Fail("there were problems (--strict)", process);
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
    const bool bad = Refuse(settings.Problems(), process);
    if (!bad) process.out << file << ": fine\n";
    refused = refused || bad;
  }
  return refused ? kExitUsage : kExitFine;
}

}  // namespace sparkfit::cli
