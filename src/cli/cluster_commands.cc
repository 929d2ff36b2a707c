// SPDX-License-Identifier: Apache-2.0
//
// What people ask of a cluster: list, explain, conf, purge. As `kubectl sparkfit` too: kubectl runs
// kubectl-sparkfit with what follows.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "commands.h"
#include "connection.h"
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

// A cluster as one person's command reaches it.
class Access {
 public:
  static Result<Access> Open(const ClusterFlags& flags, const Process& process) {
    const auto paths =
        flags.kubeconfig.empty() ? kube::KubeconfigPaths(process.environment) : flags.kubeconfig;
    if (paths.empty()) {
      return base::Fail(Code::kInvalidArgument, "no kubeconfig: give --kubeconfig or KUBECONFIG");
    }
    auto where = kube::ReadKubeconfig(paths, flags.context);
    if (!where) return tl::unexpected<base::Error>(where.error());
    auto connection = Connection::To(where->endpoint, where->credentials, process);
    if (!connection) return tl::unexpected<base::Error>(connection.error());
    std::string name_space = flags.name_space.empty() ? where->name_space : flags.name_space;
    if (flags.all_namespaces) name_space.clear();
    return Access(*std::move(connection), std::move(name_space));
  }

  // The objects of the namespace, or of all where that is empty.
  Result<std::vector<Found>> List() {
    std::vector<Found> all;
    std::set<std::pair<std::string, std::string>> seen;  // some are listed twice
    const auto take = [&](const kube::Object& object) {
      if (!seen.emplace(object.id.name_space, object.id.name).second) return;
      // An object that we cannot read is none of ours to judge.
      if (auto job = wire::ReadPublished(object.json)) {
        all.push_back({*std::move(job), std::string(object.json)});
      }
    };
    const auto listed =
        kube::List(connection_->Client(), kube::Within(kRecommendations, name_space_), take, {});
    if (!listed) return tl::unexpected<base::Error>(listed.error());
    return all;
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
  Access(std::unique_ptr<Connection> connection, std::string name_space)
      : connection_(std::move(connection)), name_space_(std::move(name_space)) {}

  std::unique_ptr<Connection> connection_;
  std::string name_space_;
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

void KeepSignature(std::vector<Found>& found, const std::string& signature) {
  std::erase_if(found, [&](const Found& entry) { return entry.job.key.signature != signature; });
}

std::string NoSuch(const std::string& signature, const Access& access) {
  return fmt::format("nothing is known of signature \"{}\" in {}; see `sparkfit list -A`",
                     base::Printable(signature), access.Where());
}

}  // namespace

int RunList(const ListFlags& flags, const Process& process) {
  const auto sort = ParseSortBy(flags.sort);
  const auto output = replay::ParseOutputFormat(flags.output);
  std::vector<std::string> problems;
  if (!sort) problems.push_back(sort.error().message);
  if (!output) problems.push_back(output.error().message);
  if (Refuse(problems, process)) return kExitUsage;
  std::optional<Access> access;
  auto found = ListOnce(flags.cluster, process, access);
  if (!found) return FailWith(found.error(), process);
  if (*output != replay::OutputFormat::kTable) {
    process.out << replay::Render(Document(*found), *output) << std::flush;
    return kExitFine;
  }
  std::vector<Published> jobs;
  for (auto& entry : *found) jobs.push_back(std::move(entry.job));
  Sort(jobs, *sort);
  process.out << ListText(jobs, flags.cluster.all_namespaces) << std::flush;
  return kExitFine;
}

int RunExplain(const ExplainFlags& flags, const Process& process) {
  const auto output = replay::ParseOutputFormat(flags.output);
  if (!output) return FailWith(output.error(), process);
  std::optional<Access> access;
  auto found = ListOnce(flags.cluster, process, access);
  if (!found) return FailWith(found.error(), process);
  KeepSignature(*found, flags.signature);
  if (found->empty()) return Fail(NoSuch(flags.signature, *access), process);
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
  auto found = ListOnce(flags.cluster, process, access);
  if (!found) return FailWith(found.error(), process);
  KeepSignature(*found, flags.signature);
  std::erase_if(*found, [&](const Found& entry) {
    return entry.job.key.profile != flags.profile || entry.job.Is("Duplicate");
  });
  if (found->empty()) return Fail(NoSuch(flags.signature, *access), process);
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
    if (!known) Fail(NoSuch(signature, *access), process);
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

}  // namespace sparkfit::cli
