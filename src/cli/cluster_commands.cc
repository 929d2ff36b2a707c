// SPDX-License-Identifier: Apache-2.0
//
// What people ask of a cluster: list, explain, conf, purge. As `kubectl sparkfit` too: kubectl runs
// kubectl-sparkfit with what follows.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <stop_token>
#include <thread>
#include <utility>

#include "commands.h"
#include "connection.h"
#include "job_table.h"
#include "published_text.h"
#include "sparkfit/base/json.h"
#include "sparkfit/base/text.h"
#include "sparkfit/kube/config.h"
#include "sparkfit/kube/list_watch.h"
#include "sparkfit/replay/report.h"
#include "sparkfit/replay/text_table.h"
#include "sparkfit/wire/objects.h"

namespace sparkfit::cli {
namespace {

using base::Code;
using base::Result;
using nlohmann::ordered_json;
using wire::Published;

const kube::Collection kRecommendations{"executorrecommendations",
                                        "/apis/sparkfit.io/v1alpha1/executorrecommendations", ""};

struct Found {
  Published job;
  std::string text;  // the object as it came
};

std::string PathsOf(const ClusterFlags& flags, const Process& process) {
  return flags.kubeconfig.empty() ? kube::KubeconfigPaths(process.environment) : flags.kubeconfig;
}

// A cluster as one person's command reaches it.
class Access {
 public:
  // `patience`: how long a credential plugin may take; not given: as long as a person needs.
  static Result<Access> Open(const ClusterFlags& flags, const Process& process,
                             std::optional<base::Duration> patience = {}) {
    const auto paths = PathsOf(flags, process);
    if (paths.empty()) {
      return base::Fail(Code::kInvalidArgument, "no kubeconfig: give --kubeconfig or KUBECONFIG");
    }
    auto where = kube::ReadKubeconfig(paths, flags.context);
    if (!where) return tl::unexpected<base::Error>(where.error());
    if (patience && where->credentials.exec) where->credentials.exec->limit = *patience;
    auto connection = Connection::To(kube::WithProxy(where->endpoint, process.environment),
                                     where->credentials, process);
    if (!connection) return tl::unexpected<base::Error>(connection.error());
    std::string name_space = flags.name_space.empty() ? where->name_space : flags.name_space;
    if (flags.all_namespaces) name_space.clear();
    return Access(*std::move(connection), std::move(name_space), flags.selector);
  }

  // The objects of the namespace, or of all where that is empty.
  Result<std::vector<Found>> List(const std::stop_token& stop = {}) {
    std::vector<Found> all;
    std::set<std::pair<std::string, std::string>> seen;  // some are listed twice
    const auto take = [&](const kube::Object& object) {
      if (!seen.emplace(object.id.name_space, object.id.name).second) return;
      // An object that we cannot read is none of ours to judge.
      if (auto job = wire::ReadPublished(object.json)) {
        all.push_back({*std::move(job), std::string(object.json)});
      }
    };
    auto collection = kube::Within(kRecommendations, name_space_);
    collection.label_selector = selector_;
    const auto listed = kube::List(connection_->Client(), collection, take, stop);
    if (!listed) return tl::unexpected<base::Error>(listed.error());
    return all;
  }

  // Names of namespaces.
  std::vector<std::string> Namespaces(const std::stop_token& stop) {
    std::vector<std::string> names;
    const kube::Collection namespaces{"namespaces", "/api/v1/namespaces", ""};
    const auto take = [&](const kube::Object& object) { names.push_back(object.id.name); };
    const auto listed = kube::List(connection_->Client(), namespaces, take, stop);
    return listed ? names : std::vector<std::string>();
  }

  // Exactly that object, not a later one of its name.
  Result<void> Delete(const Published& job) {
    const auto where = kube::Within(kRecommendations, job.key.name_space);
    kube::Call call{.verb = "delete", .resource = where.resource, .method = "DELETE"};
    call.target = where.path + "/" + kube::Encode(job.name);
    call.body = wire::DeleteOptions(job.uid);
    const auto reply = connection_->Client().Send(call, {});
    if (!reply) return tl::unexpected<base::Error>(reply.error());
    // Somebody else was faster.
    if (reply->Ok() || reply->status == 404 || reply->status == 409) return {};
    return base::Fail(Code::kUnavailable, reply->Why());
  }

  [[nodiscard]] std::string Where() const {
    return name_space_.empty() ? "any namespace" : "namespace " + name_space_;
  }

 private:
  Access(std::unique_ptr<Connection> connection, std::string name_space, std::string selector)
      : connection_(std::move(connection)),
        name_space_(std::move(name_space)),
        selector_(std::move(selector)) {}

  std::unique_ptr<Connection> connection_;
  std::string name_space_;
  std::string selector_;
};

// The cluster opened and listed, or why not.
Result<std::vector<Found>> ListOnce(const ClusterFlags& flags, const Process& process,
                                    std::optional<Access>& access) {
  auto opened = Access::Open(flags, process);
  if (!opened) return tl::unexpected<base::Error>(opened.error());
  access = *std::move(opened);
  auto found = access->List();
  if (!found) return base::Fail("cannot list recommendations", found.error());
  return found;
}

int FailWith(const base::Error& error, const Process& process) {
  return Fail(error.message, process,
              error.code == Code::kInvalidArgument ? kExitUsage : kExitFailed);
}

ordered_json Document(const std::vector<Found>& found) {
  ordered_json items = ordered_json::array();
  for (const auto& entry : found) items.push_back(base::ParseJson<ordered_json>(entry.text));
  return {{"apiVersion", "v1"}, {"kind", "List"}, {"items", std::move(items)}};
}

std::vector<Published> JobsOf(const std::vector<Found>& found) {
  std::vector<Published> jobs;
  for (const auto& entry : found) jobs.push_back(entry.job);
  return jobs;
}

std::string NoSuch(const std::string& signature, const std::vector<Found>& found,
                   const Access& access) {
  const auto instead = InsteadOf(signature, JobsOf(found));
  return fmt::format("nothing is known of signature \"{}\" in {}{}", base::Printable(signature),
                     access.Where(), instead.empty() ? "; see `sparkfit list -A`" : instead);
}

// The objects of that signature, at least one.
Result<std::vector<Found>> OfSignature(const std::vector<Found>& found,
                                       const std::string& signature, const Access& access) {
  std::vector<Found> wanted;
  std::copy_if(found.begin(), found.end(), std::back_inserter(wanted),
               [&](const Found& entry) { return entry.job.key.signature == signature; });
  if (wanted.empty()) return base::Fail(Code::kNotFound, NoSuch(signature, found, access));
  return wanted;
}

// As kubectl prints and takes names.
std::string ResourceNames(const std::vector<Found>& found) {
  std::string text;
  for (const auto& entry : found) {
    text += "executorrecommendation.sparkfit.io/" + entry.job.name + '\n';
  }
  return text;
}

std::string ListText(const std::vector<Found>& found, JobFormat format, const ListFlags& flags,
                     const Process& process) {
  JobTableOptions options;
  options.namespaces = flags.cluster.all_namespaces;
  options.wide = format == JobFormat::kWide;
  options.style = StyleFor(flags.table, process);
  options.now = process.clock.Wall();
  switch (format) {
    case JobFormat::kTable:
    case JobFormat::kWide:
      return JobTable(JobsOf(found), options);
    case JobFormat::kCsv:
      return JobCsv(JobsOf(found), options.style.headers);
    case JobFormat::kName:
      return ResourceNames(found);
    case JobFormat::kJson:
      return replay::Render(Document(found), replay::OutputFormat::kJson);
    case JobFormat::kYaml:
      return replay::Render(Document(found), replay::OutputFormat::kYaml);
  }
  return "";
}

// A person who presses TAB waits no longer.
constexpr base::Duration kCompletionPatience = std::chrono::seconds(2);

// Asks to stop after a while.
class StopAfter {
 public:
  explicit StopAfter(base::Duration limit)
      : timer_([this, limit](const std::stop_token& over) {
          base::SystemWaiter waiter;
          if (waiter.Wait(limit, over)) source_.request_stop();
        }) {}

  [[nodiscard]] std::stop_token Token() const { return source_.get_token(); }

 private:
  std::stop_source source_;
  std::jthread timer_;
};

std::vector<Candidate> Plain(const std::vector<std::string>& names) {
  std::vector<Candidate> candidates;
  for (const auto& name : names) candidates.push_back({base::Printable(name), ""});
  return candidates;
}

std::vector<Candidate> Signatures(Access& access, const std::stop_token& stop) {
  const auto found = access.List(stop);
  if (!found) return {};
  std::map<std::string, std::string> jobs;
  for (const auto& [job, text] : *found) {
    jobs.emplace(
        base::Printable(job.key.signature),
        fmt::format("target {}, {} executors", replay::MemoryCell(job.target), job.executors));
  }
  std::vector<Candidate> candidates;
  for (const auto& [signature, help] : jobs) candidates.push_back({signature, help});
  return candidates;
}

std::vector<Candidate> Contexts(const ClusterFlags& flags, const Process& process) {
  return Plain(kube::ContextNames(PathsOf(flags, process)));
}

}  // namespace

int RunList(const ListFlags& flags, const Process& process) {
  const auto sort = ParseSortBy(flags.table.sort);
  const auto format = ParseJobFormat(flags.output);
  std::vector<std::string> problems;
  if (!sort) problems.push_back(sort.error().message);
  if (!format) problems.push_back(format.error().message);
  if (Refuse(problems, process)) return kExitUsage;
  std::optional<Access> access;
  auto found = ListOnce(flags.cluster, process, access);
  if (!found) return FailWith(found.error(), process);
  std::sort(found->begin(), found->end(),
            [&](const Found& a, const Found& b) { return Before(a.job, b.job, *sort); });
  if (found->empty() && (*format == JobFormat::kTable || *format == JobFormat::kWide)) {
    process.err << fmt::format(
        "No recommendation in {}{}: no executor with a signature was seen (label or annotation "
        "sparkfit.io/signature).\n",
        access->Where(), flags.cluster.selector.empty() ? "" : " with these labels");
    return kExitFine;
  }
  process.out << ListText(*found, *format, flags, process) << std::flush;
  return kExitFine;
}

int RunExplain(const ExplainFlags& flags, const Process& process) {
  const auto output = replay::ParseOutputFormat(flags.output);
  if (!output) return FailWith(output.error(), process);
  std::optional<Access> access;
  const auto all = ListOnce(flags.cluster, process, access);
  if (!all) return FailWith(all.error(), process);
  const auto found = OfSignature(*all, flags.signature, *access);
  if (!found) return FailWith(found.error(), process);
  if (*output != replay::OutputFormat::kTable) {
    process.out << replay::Render(Document(*found), *output) << std::flush;
    return kExitFine;
  }
  const char* separator = "";
  for (const auto& entry : *found) {
    process.out << std::exchange(separator, "\n") << ExplanationText(entry.job);
  }
  process.out << std::flush;
  return kExitFine;
}

int RunConf(const ConfFlags& flags, const Process& process) {
  const auto form = ParseConfForm(flags.form);
  if (!form) return FailWith(form.error(), process);
  std::optional<Access> access;
  const auto all = ListOnce(flags.cluster, process, access);
  if (!all) return FailWith(all.error(), process);
  auto found = OfSignature(*all, flags.signature, *access);
  if (!found) return FailWith(found.error(), process);
  std::erase_if(*found, [&](const Found& entry) {
    return entry.job.key.profile != flags.profile || entry.job.Is("Duplicate");
  });
  if (found->empty()) {
    return Fail(fmt::format("signature \"{}\" has no resource profile {} in {}",
                            base::Printable(flags.signature), flags.profile, access->Where()),
                process);
  }
  const auto conf = ConfOf(found->front().job, *form);
  if (!conf) return FailWith(conf.error(), process);
  for (const auto& note : conf->notes) process.err << "note: " << note << '\n';
  process.out << conf->settings << std::flush;
  return kExitFine;
}

int RunPurge(const PurgeFlags& flags, const Process& process) {
  if (flags.all == !flags.signatures.empty()) {
    return Fail("give signatures, or --all for all of the namespace", process, kExitUsage);
  }
  std::optional<Access> access;
  auto found = ListOnce(flags.cluster, process, access);
  if (!found) return FailWith(found.error(), process);
  bool failed = false;
  for (const auto& signature : flags.signatures) {
    const bool known = std::any_of(found->begin(), found->end(), [&](const Found& entry) {
      return entry.job.key.signature == signature;
    });
    if (!known) Fail(NoSuch(signature, *found, *access), process);
    failed |= !known;
  }
  for (const auto& [job, text] : *found) {
    const bool wanted = flags.all || std::find(flags.signatures.begin(), flags.signatures.end(),
                                               job.key.signature) != flags.signatures.end();
    if (!wanted) continue;
    const auto name = replay::QualifiedName(job.key);
    if (const auto done = flags.dry_run ? Result<void>() : access->Delete(job); !done) {
      Fail(name + ": " + done.error().message, process);
      failed = true;
      continue;
    }
    process.out << name << (flags.dry_run ? " would be purged\n" : " purged\n");
  }
  process.out << std::flush;
  return failed ? kExitFailed : kExitFine;
}

std::vector<Candidate> AskForCandidates(Values::Kind kind, const std::vector<std::string>& words,
                                        const Process& process) {
  ClusterFlags flags;
  flags.kubeconfig = ValueAmong(words, {"--kubeconfig"});
  if (kind == Values::Kind::kContexts) return Contexts(flags, process);
  flags.context = ValueAmong(words, {"--context"});
  flags.name_space = ValueAmong(words, {"--namespace", "-n"});
  const auto given = [&](std::string_view flag) {
    return std::find(words.begin(), words.end(), flag) != words.end();
  };
  flags.all_namespaces = given("-A") || given("--all-namespaces");
  auto access = Access::Open(flags, process, kCompletionPatience);
  if (!access) return {};
  const StopAfter patience(kCompletionPatience);
  return kind == Values::Kind::kNamespaces ? Plain(access->Namespaces(patience.Token()))
                                           : Signatures(*access, patience.Token());
}

}  // namespace sparkfit::cli
