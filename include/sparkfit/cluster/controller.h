// SPDX-License-Identifier: Apache-2.0
//
// The live controller: the pipeline fed from a cluster, its results published into it.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "sparkfit/base/clock.h"
#include "sparkfit/base/log.h"
#include "sparkfit/base/wait.h"
#include "sparkfit/controller/pipeline.h"
#include "sparkfit/exposition/own_metrics.h"
#include "sparkfit/kube/client.h"
#include "sparkfit/kube/lease.h"
#include "sparkfit/model/signature_rules.h"
#include "sparkfit/tls/certificates.h"

namespace sparkfit::cluster {

// How to reach the kubelets.
struct KubeletAccess {
  // A connection to https://ADDRESS:PORT.
  std::function<base::Result<std::unique_ptr<kube::Transport>>(const std::string& server)> connect;
  kube::Authenticator* authenticator = nullptr;
  kube::CallObserver observer;
};

// Where the certificate of our own servers comes from.
struct CertificateOptions {
  // Files that somebody else renews; empty: our own authorities, kept as the rest says.
  std::string certificate_file;
  std::string key_file;
  std::string name_space;     // of the Secret
  std::string secret;         // with the authorities
  std::string configuration;  // the MutatingWebhookConfiguration that is told whom to trust, if any
  std::vector<std::string> dns_names;
  tls::Lifetimes lifetimes;
};

// New executors are sized at admission.
struct AdmissionOptions {
  bool shrink_only = false;
};

// Something is served by TLS.
struct TlsOptions {
  CertificateOptions certificates;
  // Takes a certificate into use.
  std::function<base::Result<void>(const tls::Pair&)> install;
};

struct ControllerOptions {
  controller::PipelineOptions pipeline;
  model::SignatureRules derived_signatures;
  // Only these namespaces, and no nodes, so that rights within them suffice; empty: all.
  std::vector<std::string> namespaces;
  // Usage is asked for this often: of the kubelets if there is a way to, else of metrics.k8s.io.
  base::Duration usage_interval = std::chrono::seconds(15);
  std::optional<KubeletAccess> kubelets;
  model::DriverMetrics driver_metrics = model::DriverMetrics::kOff;
  // Export metrics under the names of the release before, too.
  bool legacy_metric_names = true;
  // Elect a leader by this lease; without election this process leads at once.
  bool elect = true;
  kube::LeaseOptions lease;
  std::optional<AdmissionOptions> admission;  // nothing: monitoring only
  std::optional<TlsOptions> https;            // REQUIRES: there, with admission
  // For reviews of who may read, with a rate of its own: whoever comes costs one. Null: nobody
  // asks. REQUIRES: it repeats nothing.
  kube::Client* review_client = nullptr;
  // Write objects; without, only observe.
  bool publish = true;
  // All recommendations in one text, for Served::bulk; may be empty. The rows are valid during the
  // call.
  using Rows = std::map<model::Key, controller::KeyRecommendation>;
  std::function<std::string(const Rows&)> bulk;
  // Called with every line of an observation log of what the pipeline is given; may be empty.
  std::function<void(const std::string& line)> record;
};

// The recommendations for readers; empty where this replica does not lead.
struct Served {
  std::string metrics;  // for Prometheus
  std::string bulk;
};

// Somebody who wants to read what is served.
struct Reader {
  std::string from;   // an address
  std::string token;  // not empty
  std::string path;
};

enum class Access {
  kGranted,
  kUnknown,      // the token is nobody's
  kForbidden,    // its user may not read this
  kTooMany,      // that address asks too much
  kUnavailable,  // the API server does not say
};
using OnAccess = std::function<void(Access)>;

struct Check {
  std::string name;
  bool ok = false;
};

class Controller {
 public:
  // REQUIRES: what is referred to outlives the controller; `lease_client` repeats nothing.
  Controller(kube::Client& client, kube::Client& lease_client, const base::Clock& clock,
             base::Waiter& waiter, const base::Logger& log, exposition::OwnMetrics& metrics,
             ControllerOptions options);
  ~Controller();

  // Works until asked to stop.
  void Run(const std::stop_token& stop);

  // Safe for concurrent use, as is all that follows.
  [[nodiscard]] std::shared_ptr<const Served> Serves() const;
  // The answer to an AdmissionReview, whatever the bytes: from memory, and always allowed.
  // REQUIRES: options.admission.
  [[nodiscard]] std::string Admit(std::string_view body);
  // Whether somebody may read: told once, at once or later, on any thread, never after Run has
  // returned but at once. REQUIRES: options.review_client.
  void AskAccess(const Reader& reader, const OnAccess& tell);
  // Whether it makes progress, and whether it knows the cluster.
  [[nodiscard]] std::vector<Check> Live() const;
  [[nodiscard]] std::vector<Check> Ready() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sparkfit::cluster
