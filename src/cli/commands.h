// SPDX-License-Identifier: Apache-2.0
//
// The subcommands, each with what its flags gave it.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "completion.h"
#include "sparkfit/base/result.h"
#include "sparkfit/cli/app.h"
#include "sparkfit/cli/options.h"
#include "sparkfit/model/signature_rules.h"
#include "sparkfit/replay/text_table.h"
#include "sparkfit/simulation/closed_loop.h"

namespace sparkfit::cli {

// Flags that every command with options has.
struct CommonFlags {
  std::string config_file;
  std::map<std::string, std::string> options;  // by Option::key, those that were given
};

// How jobs are listed.
struct TableFlags {
  std::string sort = "name";
  bool no_headers = false;
};

// How a command tells what it found.
struct ReportFlags {
  std::string output;  // empty: a table, or nothing where there is a page
  std::string html;    // a file for a page, - for standard output; empty: none
  bool force = false;  // the page replaces a file that is there
  bool strict = false;
};

struct ReplayFlags {
  CommonFlags common;
  std::vector<std::string> files;
  std::string at;
  std::vector<std::string> namespaces;
  std::vector<std::string> signatures;
  TableFlags table;
  ReportFlags report;
};

struct BacktestFlags {
  std::vector<std::string> files;
  std::vector<std::string> policies;
  bool closed_loop = false;
  simulation::LoopOptions loop;
  std::optional<std::uint32_t> job;  // of the loop, in all detail
  ReportFlags report;
};

struct ControllerFlags {
  CommonFlags common;
  std::string kubeconfig;
  std::string context;
  std::string record;   // a file for an observation log; empty: none
  bool publish = true;  // false: only record
};

struct ImportFlags {
  CommonFlags common;
  std::string source;              // prometheus or eventlog
  std::vector<std::string> files;  // event logs, and folders of them
  std::string join;                // an observation log of the same executors; empty: none
  std::string url;
  std::vector<std::string> answers;  // files
  std::string output;
  std::string start = "30d";
  std::string end;  // empty: now
  std::string step = "30s";
  std::string chunk = "1h";
  std::vector<std::string> namespaces;
  std::vector<std::string> containers;
  std::vector<std::string> matchers;
  std::string cluster_label;  // empty: the usual ones
  std::vector<std::string> headers;
  std::string token_file;
  std::string ca_file;
  bool insecure = false;
};

// How a person's command reaches the cluster, and which namespaces it is about.
struct ClusterFlags {
  std::string kubeconfig;  // empty: as kubectl finds it
  std::string context;
  std::string name_space;  // empty: the context's
  bool all_namespaces = false;
  std::string selector;  // of labels, as kubectl takes it; empty: all
};

struct ListFlags {
  ClusterFlags cluster;
  TableFlags table;
  std::string output = "table";
};

struct ExplainFlags {
  ClusterFlags cluster;
  std::string signature;
  std::string output = "table";
};

struct ConfFlags {
  ClusterFlags cluster;
  std::string signature;
  int profile = 0;
  std::string form = "spark-submit";
};

struct PurgeFlags {
  ClusterFlags cluster;
  std::vector<std::string> signatures;
  bool all = false;
  bool dry_run = false;
};

struct CheckInstallFlags {
  std::string kubeconfig;  // empty: the service account of our pod
  std::string ready;       // a URL that answers 200 where a replica is ready; empty: not asked
  std::string webhook;     // a MutatingWebhookConfiguration; empty: none
};

// What `helm test` runs.
int RunCheckInstall(const CheckInstallFlags& flags, const Process& process);

// What `kubectl sparkfit` does as well.
int RunList(const ListFlags& flags, const Process& process);
int RunExplain(const ExplainFlags& flags, const Process& process);
int RunConf(const ConfFlags& flags, const Process& process);
int RunPurge(const PurgeFlags& flags, const Process& process);

// For completion: signatures, namespaces or contexts, as the words before ask for; at most two
// seconds. Empty where it could not be done.
std::vector<Candidate> AskForCandidates(Values::Kind kind, const std::vector<std::string>& words,
                                        const Process& process);

// Runs until SIGTERM or SIGINT.
int RunController(const ControllerFlags& flags, const Process& process);
int RunReplay(const ReplayFlags& flags, const Process& process);
int RunImport(const ImportFlags& flags, const Process& process);
int RunEventlogImport(const ImportFlags& flags, const model::SignatureRules& rules,
                      const Process& process);
int RunBacktest(const BacktestFlags& flags, const Process& process);
int RunPrintConfig(const CommonFlags& flags, const Process& process);
int RunCheckConfig(const std::vector<std::string>& files, const Process& process);

// Flag, environment and file put together; every problem is in it.
Settings Gather(const CommonFlags& flags, const Process& process);

// Prints the problems; true where there are any.
bool Refuse(const std::vector<std::string>& problems, const Process& process);

// "error: …", and the exit code.
int Fail(const std::string& message, const Process& process, int code = kExitFailed);

// Tables on standard output as a person, or a pipe, wants them.
replay::TextTable::Style StyleFor(const TableFlags& flags, const Process& process);

// Usage, where a person can mend it by other arguments.
int ExitFor(base::Code code);

base::Result<std::string> ReadWholeFile(const std::string& path);

// How far long work has come, on a terminal, at most five times a second. Nothing in a pipe.
class Progress {
 public:
  Progress(std::string what, const Process& process);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void Show(std::uint64_t count);
  void Show(const std::string& how_far);

 private:
  bool Due();
  void Print(const std::string& how_far);

  std::string what_;
  const Process& process_;
  base::Clock::Steady shown_;
  bool anything_ = false;
};

}  // namespace sparkfit::cli
