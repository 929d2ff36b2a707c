// SPDX-License-Identifier: Apache-2.0
//
// `controller` and `record`: everything put together.
#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include <array>
#include <memory>

#include "commands.h"
#include "gate.h"
#include "sparkfit/base/file.h"
#include "sparkfit/base/number.h"
#include "sparkfit/base/wait.h"
#include "sparkfit/cluster/controller.h"
#include "sparkfit/exposition/own_metrics.h"
#include "sparkfit/exposition/process_metrics.h"
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
  const auto address = ParseAddress(text);
  if (!address) return base::Fail(option, address.error());
  serve::ServerOptions options;
  options.port = address->port;
  options.address = address->host.empty() ? "::" : address->host;
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
  const auto render = [&, process = exposition::ProcessMetrics()] {
    return process.Text() + metrics.Text() + controller.Serves()->metrics;
  };
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

// By TLS only for whom the API server lets read. Until there is another one the certificate is one
// that nobody vouches for: who probes health does not mind, and must not find a closed port because
// the API server is gone.
Result<std::unique_ptr<serve::Server>> StartMetrics(const serve::ServerOptions& options,
                                                    cluster::Controller& controller,
                                                    const exposition::OwnMetrics& metrics,
                                                    const base::Clock& clock) {
  auto handler = MakeHandler(controller, metrics, clock);
  if (!options.tls) return serve::Server::Start(options, std::move(handler));
  const auto now = clock.Wall();
  const auto pair = tls::MakeAuthority(
      "sparkfit", {now - tls::kClockTolerance, now + tls::Lifetimes().authority});
  if (!pair) return tl::unexpected<base::Error>(pair.error());
  auto gate =
      MakeGate([&](const auto& reader, const auto& tell) { controller.AskAccess(reader, tell); });
  auto server = serve::Server::Start(options, std::move(handler), std::move(gate));
  if (!server) return server;
  if (auto fits = (*server)->SetCertificate(*pair); !fits) {
    return tl::unexpected<base::Error>(fits.error());
  }
  return server;
}

constexpr std::string_view kWebhookPath = "/mutate";
// Of who may read, which with one Prometheus are four a minute.
constexpr double kReviewsPerSecond = 10;
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

// Of the Services that lead to what is served by TLS.
cluster::CertificateOptions MakeCertificates(const LiveConfig& live,
                                             const std::string& name_space) {
  cluster::CertificateOptions certificates;
  certificates.certificate_file = live.webhook_certificate;
  certificates.key_file = live.webhook_key;
  certificates.name_space = name_space;
  certificates.secret = live.webhook_secret;
  const auto serve = [&](const std::string& service) {
    for (const char* domain : {"", ".cluster.local"}) {
      certificates.dns_names.push_back(fmt::format("{}.{}.svc{}", service, name_space, domain));
    }
  };
  if (live.autoscale) {
    certificates.configuration = live.webhook_configuration;
    serve(live.webhook_service);
  }
  if (live.metrics_secure) serve(live.metrics_service);
  certificates.lifetimes = live.lifetimes;
  return certificates;
}

Result<kube::ClusterConfig> FindCluster(const ControllerFlags& flags, const Process& process) {
  if (flags.kubeconfig.empty()) return kube::InClusterConfig(process.environment);
  auto where = kube::ReadKubeconfig(flags.kubeconfig, flags.context);
  if (where) where->endpoint = kube::WithProxy(std::move(where->endpoint), process.environment);
  return where;
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
  endpoint.proxy.clear();
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
  options.legacy_metric_names = config.live.legacy_metric_names;
  options.publish = flags.publish;
  options.elect = flags.publish && config.live.leader_elect;
  options.lease.name = config.live.lease_name;
  options.lease.name_space =
      config.live.lease_namespace.empty() ? where.name_space : config.live.lease_namespace;
  options.lease.identity = Identity(process);
  const auto& live = config.live;
  if (flags.publish && live.autoscale) options.admission = {.shrink_only = live.shrink_only};
  // Who only records writes no Secret, and serves with the certificate that it began with.
  const bool certifies = flags.publish || !live.webhook_certificate.empty();
  if (options.admission || (live.metrics_secure && certifies)) {
    options.https.emplace().certificates = MakeCertificates(live, options.lease.name_space);
  }
  return options;
}

// So many requests a second on average, and for a moment twice as many.
kube::ClientOptions AtRate(double queries_per_second, const Process& process) {
  kube::ClientOptions options;
  options.queries_per_second = queries_per_second;
  options.burst = 2 * queries_per_second;
  options.seed = static_cast<std::uint64_t>(process.clock.SteadyNow().time_since_epoch().count()) ^
                 static_cast<std::uint64_t>(::getpid());
  return options;
}

Result<void> Install(const tls::Pair& pair, const std::vector<serve::Server*>& servers) {
  for (auto* server : servers) {
    if (auto installed = server->SetCertificate(pair); !installed) return installed;
  }
  return {};
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
  // What is large is gone when it is freed. By itself glibc keeps up to 32 MiB of a size that was
  // freed before, between what stays.
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
  const StopOnSignal signals;
  auto transport = kube::MakeHttpTransport(where.endpoint, process.clock);
  if (!transport) return Fail(transport.error().message, process, kExitUsage);
  const auto authenticator = kube::MakeAuthenticator(where.credentials, process.clock);
  base::SystemWaiter waiter;
  exposition::OwnMetrics metrics;
  const auto count = [&](const kube::Call& call, int status) {
    metrics.CountRequest(call.verb, call.resource, status);
  };
  auto client_options = AtRate(config.live.queries_per_second, process);
  kube::Client client(**transport, *authenticator, process.clock, waiter, client_options, count);
  client_options.attempts = 1;
  kube::Client lease_client(**transport, *authenticator, process.clock, waiter, client_options,
                            count);
  client_options = AtRate(kReviewsPerSecond, process);
  client_options.attempts = 1;
  kube::Client review_client(**transport, *authenticator, process.clock, waiter, client_options,
                             count);
  auto options = MakeOptions(flags, config, where, process);
  if (listen.metrics.tls) options.review_client = &review_client;
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
  std::vector<serve::Server*> by_tls;
  if (options.https) {
    options.https->install = [&](const tls::Pair& pair) { return Install(pair, by_tls); };
  }
  cluster::Controller controller(client, lease_client, process.clock, waiter, log, metrics,
                                 std::move(options));
  auto server = StartMetrics(listen.metrics, controller, metrics, process.clock);
  if (!server) return Fail(server.error().message, process);
  if (listen.metrics.tls) by_tls.push_back(server->get());
  log.Info("serves", {{"port", std::to_string((*server)->Port())}});
  if (autoscale) {
    auto started = serve::Server::Start(listen.webhook, MakeWebhook(controller));
    if (!started) return Fail(started.error().message, process);
    webhook = *std::move(started);
    by_tls.push_back(webhook.get());
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
  auto metrics = ParseListen("listen", config.live.listen);
  if (!metrics) problems.push_back(metrics.error().message);
  const auto webhook = WebhookListen(config.live);
  if (!webhook) problems.push_back(webhook.error().message);
  for (auto& problem : Contradictions(config)) problems.push_back(std::move(problem));
  const auto where = FindCluster(flags, process);
  if (!where) problems.push_back(where.error().message);
  if (Refuse(problems, process)) return kExitUsage;
  metrics->tls = config.live.metrics_secure;
  return Serve(flags, config, *where, {*metrics, *webhook}, process);
}

}  // namespace sparkfit::cli
