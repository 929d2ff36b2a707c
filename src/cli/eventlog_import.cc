// SPDX-License-Identifier: Apache-2.0
//
// `import eventlog`: what Spark wrote down of its applications, as an observation log.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <thread>

#include "commands.h"
#include "sparkfit/base/quantity.h"
#include "sparkfit/base/text.h"
#include "sparkfit/eventlog/many.h"
#include "sparkfit/eventlog/observations.h"
#include "sparkfit/replay/import_file.h"
#include "sparkfit/wire/observation_log.h"
#include "stop_on_signal.h"

namespace sparkfit::cli {
namespace {

using base::Result;
using eventlog::ManyLogs;
using eventlog::ObservedCounts;
using replay::ImportFile;

// Of each thread's lines and blocks.
constexpr std::size_t kMostThreads = 8;
constexpr std::uint64_t kMegabyte = 1'000'000;

std::string Number(std::uint64_t n) { return base::FormatCount(static_cast<std::int64_t>(n)); }

class EventlogImport {
 public:
  EventlogImport(const ImportFlags& flags, const model::SignatureRules& rules,
                 const Process& process)
      : flags_(flags), rules_(rules), process_(process) {}

  Result<void> Run(const std::stop_token& stop);
  void Summarize() const;
  [[nodiscard]] bool FoundNothing() const { return counts_.executors == 0; }

 private:
  Result<ManyLogs> Read(const std::vector<eventlog::LogFiles>& logs, const std::stop_token& stop);
  Result<std::unique_ptr<eventlog::OtherLog>> Other() const;
  Result<void> Write(eventlog::Observations& observations, ImportFile& file);

  const ImportFlags& flags_;
  const model::SignatureRules& rules_;
  const Process& process_;
  std::size_t logs_ = 0;
  eventlog::ReadCounts read_;
  ObservedCounts counts_;
  replay::Problems problems_;
};

Result<void> EventlogImport::Run(const std::stop_token& stop) {
  const auto logs = eventlog::FindLogs(flags_.files, problems_);
  if (!logs) return tl::unexpected<base::Error>(logs.error());
  logs_ = logs->size();
  auto file =
      ImportFile::Open(flags_.output, {{"FILE", fmt::format("{}", fmt::join(flags_.files, " "))},
                                       {"--join", flags_.join},
                                       {"--derived-signatures", rules_.Text()}});
  if (!file) return tl::unexpected<base::Error>(file.error());
  auto all = Read(*logs, stop);
  if (!all) return tl::unexpected<base::Error>(all.error());
  read_ = all->counts;
  problems_.Add(all->problems);
  eventlog::Observations observations(std::move(all->applications), rules_);
  return Write(observations, **file);
}

Result<ManyLogs> EventlogImport::Read(const std::vector<eventlog::LogFiles>& logs,
                                      const std::stop_token& stop) {
  const eventlog::Properties wanted(rules_);
  Progress progress("read", process_);
  const auto threads =
      std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1, kMostThreads);
  auto all = eventlog::ReadLogs(
      logs, wanted, threads, replay::OpenFile, [&](const eventlog::HowFar& so_far) {
        progress.Show(fmt::format("{} MB, {} of {} logs", Number(so_far.bytes / kMegabyte),
                                  Number(so_far.logs), Number(logs.size())));
        return !stop.stop_requested();
      });
  if (all.stopped) {
    return base::Fail(base::Code::kUnavailable, "interrupted; the same command begins anew");
  }
  return all;
}

// Null where none was given.
Result<std::unique_ptr<eventlog::OtherLog>> EventlogImport::Other() const {
  if (flags_.join.empty()) return nullptr;
  return eventlog::OtherLog::Read(flags_.join, [this] { return replay::OpenFile(flags_.join); });
}

Result<void> EventlogImport::Write(eventlog::Observations& observations, ImportFile& file) {
  const auto other = Other();
  if (!other) return tl::unexpected<base::Error>(other.error());
  auto written = file.Append(wire::WriteHeader({}));
  const auto joined = observations.Write(
      [&](std::string_view line) {
        if (written) written = file.Append(line);
      },
      other->get());
  if (!joined) return joined;
  if (*other) problems_.Add((*other)->GetProblems());
  counts_ = observations.Counts();
  if (!written || counts_.executors == 0) return written;  // then no file is left
  return file.Finish();
}

// For people, on standard error: what is in the log, what is not and why, and what to do about it.
void EventlogImport::Summarize() const {
  auto& err = process_.err;
  err << fmt::format(
      "{}: {} applications, {} executors, {} samples, {} container OOMs, {} heap OOMs, of {} tasks "
      "in {} logs ({} MB)\n",
      flags_.output, Number(counts_.applications), Number(counts_.executors),
      Number(counts_.samples), Number(counts_.container_ooms), Number(counts_.heap_ooms),
      Number(read_.tasks), Number(logs_), Number(read_.bytes / kMegabyte));
  const auto note = [&](std::uint64_t n, std::string_view what) {
    if (n > 0) err << fmt::format("note: {} {}\n", Number(n), what);
  };
  note(counts_.joined, "executors of whose use of memory the other log tells");
  note(counts_.twice, "logs left out of applications of which another log tells as much");
  note(counts_.no_executors, "applications without an executor, as in local mode");
  note(counts_.cut,
       "applications that did not say that they ended: they prove no size to be enough");
  note(counts_.partial,
       "logs that a History Server compacted: executors that were gone by then are missing");
  note(counts_.elsewhere,
       "applications that did not run on Kubernetes: their limits are those that they would have "
       "had there");
  note(counts_.idle, "executors that ended no task");
  note(counts_.unregistered, "executors that ended before their driver met them");
  note(counts_.other_size,
       "executors that had another heap than they were submitted with: their limit is not known");
  note(counts_.unclear, "executors that were lost, nobody knows why");
  for (const auto& problem : problems_.Shown()) {
    err << "note: " << base::Printable(problem) << '\n';
  }
  if (problems_.Count() > problems_.Shown().size()) {
    note(problems_.Count() - problems_.Shown().size(), "further problems of this kind");
  }
  if (counts_.unsampled > 0) {
    err << fmt::format(
        "warning: {} executors ran tasks, and no log says how much memory they used outside of "
        "their heap: their size is recommended by OOMs alone. Spark writes it with "
        "spark.executor.processTreeMetrics.enabled=true and "
        "spark.eventLog.logStageExecutorMetrics=true; a Prometheus may know it: import it, and "
        "--join that log\n",
        Number(counts_.unsampled));
  }
  if (counts_.no_signature > 0) {
    err << fmt::format(
        "warning: {} applications have no signature, so that replay cannot use them: "
        "--derived-signatures '{{{}}}' takes their names without dates and numbers of runs; other "
        "rules name labels and properties of Spark\n",
        Number(counts_.no_signature), eventlog::kAppNameLabel);
  }
}

}  // namespace

int RunEventlogImport(const ImportFlags& flags, const model::SignatureRules& rules,
                      const Process& process) {
  EventlogImport work(flags, rules, process);
  const StopOnSignal signals;  // before any other thread
  if (const auto done = work.Run(signals.Token()); !done) {
    return Fail(done.error().message, process, ExitFor(done.error().code));
  }
  work.Summarize();
  if (!work.FoundNothing()) return kExitFine;
  return Fail(
      "no executor was found, so nothing was written: are these event logs (spark.eventLog.dir)?",
      process);
}

}  // namespace sparkfit::cli
