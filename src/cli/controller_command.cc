// SPDX-License-Identifier: Apache-2.0
//
// `controller` and `record`: everything put together.
#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include <array>
#include <memory>

#include "commands.h"
#include "sparkfit/base/file.h"
#include "sparkfit/base/number.h"
#include "sparkfit/base/wait.h"
#include "sparkfit/cluster/controller.h"
#include "sparkfit/exposition/own_metrics.h"
#include "sparkfit/exposition/writer.h"
#include "sparkfit/kube/client.h"
#include "sparkfit/kube/config.h"
#include "sparkfit/kube/transport.h"
#include "sparkfit/replay/report.h"
#include "sparkfit/serve/server.h"
#include "sparkfit/serve/shared_text.h"
#include "sparkfit/wire/observation_log.h"
#include "stop_on_signal.h"

namespace sparkfit::cli {
namespace {

using base::Code;
using base::Result;

Result<serve::ServerOptions> ParseListen(std::string_view option, const std::string& text) {
  serve::ServerOptions options;
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) {
    return base::Fail(Code::kInvalidArgument, fmt::format("{}: \"{}\" has no port", option, text));
  }
  const auto port = base::ParseNumber<std::uint16_t>(text.substr(colon + 1), 0, 65535);
  if (!port) return base::Fail(option, port.error());
  options.port = *port;
  options.address = text.substr(0, colon);
  if (options.address.starts_with('[') && options.address.ends_with(']')) {
    options.address = options.address.substr(1, options.address.size() - 2);
  }
  if (options.address.empty()) options.address = "::";
  return options;
}

// Unique to this process, and telling where it runs.
std::string Identity(const Process& process) {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return fmt::format("{}_{}_{:x}", host.data(), ::getpid(),
                     process.clock.SteadyNow().time_since_epoch().count());
}

// A log that is complete up to the last line, whenever the process ends. A controller that was
// started anew goes on with its log: a reader takes what is told twice once.
class Recorder {
 public:
  Recorder(base::Descriptor file, const base::Logger& log) : file_(std::move(file)), log_(log) {}

  void Write(const std::string& line) {
    if (base::WriteAll(file_.Get(), line, "").has_value() || failed_) return;
    failed_ = true;
    log_.Error("the observation log cannot be written any more");
  }

 private:
  base::Descriptor file_;
  const base::Logger& log_;
  bool failed_ = false;
};

base::Result<base::Descriptor> OpenLog(const std::string& path) {
  if (path == "-") return base::Descriptor(::dup(STDOUT_FILENO));
  return base::ContinueFile(path, R"({"type":"header")");
}

std::map<std::string, std::string> RecordedOptions(const Config& config) {
  std::map<std::string, std::string> options;
  for (const auto& option : Options()) {
    if (option.recorded) options[std::string(option.key)] = option.get(config);
  }
  return options;
}

// /livez and /readyz: the names of what fails; all of them with ?verbose.
serve::Response Checks(const std::vector<cluster::Check>& checks, bool verbose) {
  serve::Response response;
  std::string list;
  for (const auto& check : checks) {
    if (!check.ok) response.status = 503;
    if (verbose || !check.ok) list += fmt::format("[{}] {}\n", check.ok ? '+' : '-', check.name);
  }
  response.body = list + (response.status == 200 ? "ok\n" : "not ok\n");
  return response;
}

// As `sparkfit replay -o json` prints them.
std::string RenderBulk(const cluster::ControllerOptions::Rows& rows) {
  std::vector<replay::ReplayRow> all;
  all.reserve(rows.size());
  for (const auto& [key, row] : rows) all.push_back(replay::MakeRow(row));
  return replay::Render(all, replay::OutputFormat::kJson);
}

// The recommendations, as one body for all who ask between two changes. Called by one thread.
class Bulk {
 public:
  serve::Response Answer(const std::shared_ptr<const cluster::Served>& served) {
    if (served->bulk.empty())
      return {503, "text/plain; charset=utf-8", "this replica does not lead\n"};
    if (served != served_) {
      served_ = served;
      body_ = serve::Body(std::shared_ptr<const std::string>(served, &served->bulk));
    }
    return {200, "application/json", body_};
  }

 private:
  std::shared_ptr<const cluster::Served> served_;
  serve::Body body_;
};

// Metrics are as old as this at most: scrapes are at least a second apart.
constexpr base::Duration kMoment = std::chrono::seconds(1);

serve::Handler MakeHandler(const cluster::Controller& controller,
                           const exposition::OwnMetrics& metrics, const base::Clock& clock) {
  const auto render = [&] { return metrics.Text() + controller.Serves()->metrics; };
  return [&, bulk = Bulk(), shared = serve::SharedText(clock, kMoment, render)](
             const serve::Request& request) mutable -> serve::Response {
    const bool verbose = request.query.find("verbose") != std::string::npos;
    if (request.path == "/livez") return Checks(controller.Live(), verbose);
    if (request.path == "/readyz") return Checks(controller.Ready(), verbose);
    if (request.path == "/metrics") {
      return {200, std::string(exposition::kContentType), shared.Get()};
    }
    if (request.path == "/recommendations") return bulk.Answer(controller.Serves());
    return {404, "text/plain; charset=utf-8",
            "not found; try /metrics, /recommendations, /livez, /readyz\n"};
  };
}

constexpr std::string_view kWebhookPath = "/mutate";
constexpr base::Duration kDrain = std::chrono::seconds(5);
constexpr std::size_t kLargestReview = std::size_t{4} << 20;

// An object is at most 1.5 MiB and a review may hold it twice.
Result<serve::ServerOptions> WebhookListen(const LiveConfig& live) {
  auto options = ParseListen("webhookListen", live.webhook_listen);
  if (!options) return options;
  options->tls = true;
  options->largest_body = kLargestReview;
  options->request_timeout = std::chrono::seconds(5);
  return options;
}

serve::Handler MakeWebhook(cluster::Controller& controller) {
  return [&](const serve::Request& request) -> serve::Response {
    if (request.path != kWebhookPath) {
      return {404, "text/plain; charset=utf-8", fmt::format("not found; try {}\n", kWebhookPath)};
    }
    if (request.method != "POST") {
      return {405, "text/plain; charset=utf-8", "an AdmissionReview is expected, by POST\n"};
    }
    return {200, "application/json", controller.Admit(request.body)};
  };
}

cluster::AdmissionOptions MakeAdmission(const LiveConfig& live, const std::string& name_space) {
  cluster::AdmissionOptions options;
  options.shrink_only = live.shrink_only;
  auto& certificates = options.certificates;
  certificates.certificate_file = live.webhook_certificate;
  certificates.key_file = live.webhook_key;
  certificates.name_space = name_space;
  certificates.secret = live.webhook_secret;
  certificates.configuration = live.webhook_configuration;
  for (const char* domain : {"", ".cluster.local"}) {
    certificates.dns_names.push_back(
        fmt::format("{}.{}.svc{}", live.webhook_service, name_space, domain));
  }
  certificates.lifetimes = live.lifetimes;
  return options;
}

Result<kube::ClusterConfig> FindCluster(const ControllerFlags& flags, const Process& process) {
  if (!flags.kubeconfig.empty()) return kube::ReadKubeconfig(flags.kubeconfig, flags.context);
  return kube::InClusterConfig(process.environment);
}

constexpr base::Duration kMetricsServerInterval = std::chrono::seconds(15);
constexpr base::Duration kKubeletInterval = std::chrono::seconds(5);

base::Duration UsageInterval(const LiveConfig& live) {
  if (live.usage_interval > base::Duration{}) return live.usage_interval;
  return live.from_kubelets ? kKubeletInterval : kMetricsServerInterval;
}

// Kubelets know us as the API server does, by token or certificate.
cluster::KubeletAccess MakeKubeletAccess(const LiveConfig& live, kube::Endpoint endpoint,
                                         const Process& process) {
  if (!live.kubelet_authority.empty()) {
    endpoint.certificate_authority = kube::Pem{.data = "", .file = live.kubelet_authority};
  }
  endpoint.insecure = live.kubelet_insecure;
  endpoint.tls_server_name.clear();
  cluster::KubeletAccess access;
  access.connect = [endpoint, &clock = process.clock](const std::string& server) {
    auto node = endpoint;
    node.server = server;
    return kube::MakeHttpTransport(node, clock);
  };
  return access;
}

cluster::ControllerOptions MakeOptions(const ControllerFlags& flags, const Config& config,
                                       const kube::ClusterConfig& where, const Process& process) {
  cluster::ControllerOptions options;
  options.pipeline = config.pipeline;
  options.derived_signatures = config.derived_signatures;
  options.bulk = RenderBulk;
  options.namespaces = config.live.namespaces;
  options.usage_interval = UsageInterval(config.live);
  options.driver_metrics = config.live.driver_metrics;
  options.publish = flags.publish;
  options.elect = flags.publish && config.live.leader_elect;
  options.lease.name = config.live.lease_name;
  options.lease.name_space =
      config.live.lease_namespace.empty() ? where.name_space : config.live.lease_namespace;
  options.lease.identity = Identity(process);
  if (flags.publish && config.live.autoscale) {
    options.admission = MakeAdmission(config.live, options.lease.name_space);
  }
  return options;
}

struct Listen {
  serve::ServerOptions metrics;
  serve::ServerOptions webhook;
};

int Serve(const ControllerFlags& flags, const Config& config, const kube::ClusterConfig& where,
          const Listen& listen, const Process& process) {
  const base::Logger log(process.err, config.log_level, config.log_format);
  // A dozen threads that mostly wait need no arena each: memory that one freed serves the others.
  mallopt(M_ARENA_MAX, 2);
  const StopOnSignal signals;
  auto transport = kube::MakeHttpTransport(where.endpoint, process.clock);
  if (!transport) return Fail(transport.error().message, process, kExitUsage);
  const auto authenticator = kube::MakeAuthenticator(where.credentials, process.clock);
  base::SystemWaiter waiter;
  exposition::OwnMetrics metrics;
  const auto count = [&](const kube::Call& call, int status) {
    metrics.CountRequest(call.verb, call.resource, status);
  };
  kube::ClientOptions client_options;
  client_options.queries_per_second = config.live.queries_per_second;
  client_options.burst = 2 * config.live.queries_per_second;
  client_options.seed =
      static_cast<std::uint64_t>(process.clock.SteadyNow().time_since_epoch().count()) ^
      static_cast<std::uint64_t>(::getpid());
  kube::Client client(**transport, *authenticator, process.clock, waiter, client_options, count);
  client_options.attempts = 1;
  kube::Client lease_client(**transport, *authenticator, process.clock, waiter, client_options,
                            count);
  auto options = MakeOptions(flags, config, where, process);
  if (config.live.from_kubelets) {
    options.kubelets = MakeKubeletAccess(config.live, where.endpoint, process);
    options.kubelets->authenticator = authenticator.get();
    options.kubelets->observer = count;
  }
  std::unique_ptr<Recorder> recorder;
  if (!flags.record.empty()) {
    auto file = OpenLog(flags.record);
    if (!file) return Fail(file.error().message, process, kExitUsage);
    recorder = std::make_unique<Recorder>(*std::move(file), log);
    recorder->Write(wire::WriteHeader(RecordedOptions(config)));
    options.record = [&](const std::string& line) { recorder->Write(line); };
  }
  const bool autoscale = options.admission.has_value();
  std::unique_ptr<serve::Server> webhook;
  if (autoscale) {
    options.admission->install = [&](const tls::Pair& pair) {
      return webhook->SetCertificate(pair);
    };
  }
  cluster::Controller controller(client, lease_client, process.clock, waiter, log, metrics,
                                 std::move(options));
  auto server =
      serve::Server::Start(listen.metrics, MakeHandler(controller, metrics, process.clock));
  if (!server) return Fail(server.error().message, process);
  log.Info("serves", {{"port", std::to_string((*server)->Port())}});
  if (autoscale) {
    auto started = serve::Server::Start(listen.webhook, MakeWebhook(controller));
    if (!started) return Fail(started.error().message, process);
    webhook = *std::move(started);
    log.Info("answers admissions", {{"port", std::to_string(webhook->Port())}});
  }
  controller.Run(signals.Token());
  if (webhook) {
    // Until every API server knows that we are gone, it is answered from what was known.
    log.Info("drains");
    waiter.Wait(kDrain, std::stop_token());
    webhook.reset();
  }
  log.Info("stopped");
  return kExitFine;
}

}  // namespace

int RunController(const ControllerFlags& flags, const Process& process) {
  const auto settings = Gather(flags.common, process);
  auto problems = settings.Problems();
  const auto& config = settings.Get();
  const auto metrics = ParseListen("listen", config.live.listen);
  if (!metrics) problems.push_back(metrics.error().message);
  const auto webhook = WebhookListen(config.live);
  if (!webhook) problems.push_back(webhook.error().message);
  if (config.live.webhook_certificate.empty() != config.live.webhook_key.empty()) {
    problems.emplace_back("webhookCertificateFile and webhookKeyFile belong together");
  }
  if (config.live.lifetimes.leaf > config.live.lifetimes.authority / 4) {
    problems.emplace_back(
        "webhookCertificateLifetime must be at most a quarter of webhookAuthorityLifetime");
  }
  if (!config.live.namespaces.empty() && config.live.from_kubelets) {
    problems.emplace_back("usageSource kubelet has to read nodes, which `namespaces` does without");
  }
  if (!config.live.namespaces.empty() && config.live.autoscale &&
      config.pipeline.safety.max_memory.value == 0) {
    problems.emplace_back(
        "with `namespaces` no node is read: autoscale needs maxMemory, what the largest can hold");
  }
  const auto where = FindCluster(flags, process);
  if (!where) problems.push_back(where.error().message);
  if (Refuse(problems, process)) return kExitUsage;
  return Serve(flags, config, *where, {*metrics, *webhook}, process);
}

}  // namespace sparkfit::cli
