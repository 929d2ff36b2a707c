// SPDX-License-Identifier: Apache-2.0
//
// What people ask of a cluster: list, explain, conf, purge. As `kubectl sparkfit` too: kubectl runs
// kubectl-sparkfit with what follows.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "commands.h"
#include "published_text.h"
#include "sparkfit/base/wait.h"
#include "sparkfit/kube/client.h"
#include "sparkfit/kube/config.h"
#include "sparkfit/kube/list_watch.h"
#include "sparkfit/kube/transport.h"
#include "sparkfit/replay/report.h"
#include "sparkfit/replay/text_table.h"
#include "sparkfit/wire/objects.h"

namespace sparkfit::cli {
namespace {

using base::Code;
using base::Result;
using nlohmann::ordered_json;
using wire::Published;

constexpr const char* kResource = "executorrecommendations";

std::string PathOf(const std::string& name_space) {
  const auto within =
      name_space.empty() ? "" : fmt::format("/namespaces/{}", kube::Encode(name_space));
  return fmt::format("/apis/sparkfit.io/v1alpha1{}/{}", within, kResource);
}

struct Found {
  Published job;
  std::string text;  // the object as it came
};

// A cluster as one person's command reaches it.
class Access {
 public:
  static Result<std::unique_ptr<Access>> Open(const ClusterFlags& flags, const Process& process) {
    const auto paths =
        flags.kubeconfig.empty() ? kube::KubeconfigPaths(process.environment) : flags.kubeconfig;
    if (paths.empty()) {
      return base::Fail(Code::kInvalidArgument, "no kubeconfig: give --kubeconfig or KUBECONFIG");
    }
    auto where = kube::ReadKubeconfig(paths, flags.context);
    if (!where) return tl::unexpected<base::Error>(where.error());
    auto transport = kube::MakeHttpTransport(where->endpoint, process.clock);
    if (!transport) return tl::unexpected<base::Error>(transport.error());
    std::string name_space = flags.name_space.empty() ? where->name_space : flags.name_space;
    if (flags.all_namespaces) name_space.clear();
    return std::unique_ptr<Access>(
        new Access(*where, *std::move(transport), std::move(name_space), process));
  }

  // The objects of the namespace, or of all where that is empty.
  Result<std::vector<Found>> List() {
    std::vector<Found> all;
    auto listed = kube::List(client_, {kResource, PathOf(name_space_), ""},
                             [&](std::string_view object) {
                               // An object that we cannot read is none of ours to judge.
                               if (auto job = wire::ReadPublished(object)) {
                                 all.push_back({*std::move(job), std::string(object)});
                               }
                             },
                             {});
    if (!listed) return tl::unexpected<base::Error>(listed.error());
    return all;
  }

  // Exactly that object, not a later one of its name.
  Result<void> Delete(const Published& job) {
    kube::Call call{.verb = "delete", .resource = kResource, .method = "DELETE"};
    call.target = PathOf(job.key.name_space) + "/" + kube::Encode(job.name);
    call.body = wire::DeleteOptions(job.uid);
    const auto reply = client_.Send(call, {});
    if (!reply) return tl::unexpected<base::Error>(reply.error());
    // Somebody else was faster.
    if (reply->Ok() || reply->status == 404 || reply->status == 409) return {};
    return base::Fail(Code::kUnavailable, reply->Why());
  }

  [[nodiscard]] std::string Where() const {
    return name_space_.empty() ? "any namespace" : "namespace " + name_space_;
  }

 private:
  Access(const kube::ClusterConfig& where, std::unique_ptr<kube::Transport> transport,
         std::string name_space, const Process& process)
      : name_space_(std::move(name_space)),
        transport_(std::move(transport)),
        authenticator_(kube::MakeAuthenticator(where.credentials, process.clock)),
        client_(*transport_, *authenticator_, process.clock, waiter_, {}) {}

  std::string name_space_;
  base::SystemWaiter waiter_;
  std::unique_ptr<kube::Transport> transport_;
  std::unique_ptr<kube::Authenticator> authenticator_;
  kube::Client client_;
};

// The cluster opened and listed, or why not.
Result<std::vector<Found>> ListOnce(const ClusterFlags& flags, const Process& process,
                                    std::unique_ptr<Access>& access) {
  kube::InitializeHttp();
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
  for (const auto& entry : found) items.push_back(ordered_json::parse(entry.text, nullptr, false));
  return {{"apiVersion", "v1"}, {"kind", "List"}, {"items", std::move(items)}};
}

void KeepSignature(std::vector<Found>& found, const std::string& signature) {
  std::erase_if(found, [&](const Found& entry) { return entry.job.key.signature != signature; });
}

std::string NoSuch(const std::string& signature, const Access& access) {
  return fmt::format("nothing is known of signature \"{}\" in {}; see `sparkfit list -A`",
                     replay::Printable(signature), access.Where());
}

}  // namespace

int RunList(const ListFlags& flags, const Process& process) {
  const auto sort = ParseSortBy(flags.sort);
  const auto output = replay::ParseOutputFormat(flags.output);
  std::vector<std::string> problems;
  if (!sort) problems.push_back(sort.error().message);
  if (!output) problems.push_back(output.error().message);
  if (Refuse(problems, process)) return kExitUsage;
  std::unique_ptr<Access> access;
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
  std::unique_ptr<Access> access;
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
  std::unique_ptr<Access> access;
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
  std::unique_ptr<Access> access;
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
    const auto name =
        fmt::format("{}/{}", replay::Printable(job.key.name_space), replay::NameOf(job.key));
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
