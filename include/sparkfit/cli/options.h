// SPDX-License-Identifier: Apache-2.0
//
// Every option, once: its flag (--max-memory), its environment variable (SPARKFIT_MAX_MEMORY), its
// key in the configuration file (maxMemory) and its help come from one table.
//
// Precedence: flag, environment, file, header of an observation log, default.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sparkfit/base/log.h"
#include "sparkfit/base/result.h"
#include "sparkfit/controller/pipeline.h"
#include "sparkfit/model/signature_rules.h"
#include "sparkfit/tls/certificates.h"

namespace sparkfit::cli {

// How the live controller runs.
struct LiveConfig {
  // Answer admissions, so that new executors are sized; else only observe and recommend.
  bool autoscale = false;
  bool shrink_only = false;
  std::string webhook_listen = "[::]:9443";
  std::string webhook_certificate;  // PEM files, of metrics too; empty: our own authorities
  std::string webhook_key;
  std::string webhook_configuration = "sparkfit";
  std::string webhook_service = "sparkfit-webhook";
  std::string webhook_secret = "sparkfit-webhook-ca";
  tls::Lifetimes lifetimes;
  // Where usage comes from: the metrics API, or the nodes themselves.
  bool from_kubelets = false;
  base::Duration usage_interval{};  // 0: as often as the source has news
  std::string kubelet_authority;    // a PEM file; empty: the cluster's
  bool kubelet_insecure = false;
  model::DriverMetrics driver_metrics = model::DriverMetrics::kOff;
  std::string listen = "[::]:8080";
  bool legacy_metric_names = true;
  bool metrics_secure = false;  // HTTPS, and only for whom the API server lets read
  std::string metrics_service = "sparkfit-metrics";
  bool leader_elect = true;
  std::string lease_name = "sparkfit";
  std::string lease_namespace;  // empty: our own
  double queries_per_second = 50;
  std::vector<std::string> namespaces;  // empty: all
};

// What the options set.
struct Config {
  controller::PipelineOptions pipeline;
  model::SignatureRules derived_signatures;
  LiveConfig live;
  base::LogLevel log_level = base::LogLevel::kInfo;
  base::LogFormat log_format = base::LogFormat::kText;
};

// Ascending: a later source wins over an earlier one.
enum class Source { kDefault, kHeader, kFile, kEnvironment, kFlag };

std::string_view Name(Source source);

struct Option {
  std::string_view key;   // in the configuration file: maxMemory
  std::string_view type;  // for people: quantity, duration, number, …
  std::string_view help;  // one line; the default is printed, never written here
  std::function<base::Result<void>(std::string_view, Config&)> set;
  std::function<std::string(const Config&)> get;
  // Decides what is recommended: a log's header may carry it.
  bool recorded = true;
  // Only of use to commands that work in a cluster.
  bool live = false;
  // Only of use to who publishes or sizes: the controller, not who merely records.
  bool publishing = false;
  // All that it can be, where that is few; for completion.
  std::vector<std::string_view> values = {};

  [[nodiscard]] std::string Flag() const;         // max-memory
  [[nodiscard]] std::string Environment() const;  // SPARKFIT_MAX_MEMORY
};

const std::vector<Option>& Options();

// The effective values and where each came from.
class Settings {
 public:
  // Takes a value from a source unless a stronger one has set it; `where` is named in problems.
  void Set(const Option& option, Source source, const std::string& value, const std::string& where);
  // One for a key that is none of Options().
  void Unknown(const std::string& where, std::string_view key);
  void Problem(std::string text) { problems_.push_back(std::move(text)); }

  // Keys of a YAML file: a mapping of scalars. Duplicate and unknown keys are problems.
  void ReadFile(const std::string& name, const std::string& text);
  // `lookup` returns nullptr where a variable is not set.
  void ReadEnvironment(const std::function<const char*(const std::string&)>& lookup);
  // The options that the recorder of a log ran with.
  void ReadHeader(const std::map<std::string, std::string>& options);

  [[nodiscard]] const Config& Get() const { return config_; }
  [[nodiscard]] Source SourceOf(const Option& option) const;
  // All that is wrong, in the order in which it was found.
  [[nodiscard]] const std::vector<std::string>& Problems() const { return problems_; }

 private:
  Config config_;
  std::map<std::string_view, Source> sources_;
  std::vector<std::string> problems_;
};

// Values of options that are fine one by one, and not together; empty: there are none.
std::vector<std::string> Contradictions(const Config& config);

// Where a server listens. An empty host is every address.
struct Address {
  std::string host;
  std::uint16_t port = 0;
};
// "HOST:PORT", an IPv6 address in brackets; kInvalidArgument for anything else.
base::Result<Address> ParseAddress(std::string_view text);

// The effective configuration as a configuration file, with a comment on each line saying where it
// came from and what it is.
std::string PrintConfig(const Settings& settings);

}  // namespace sparkfit::cli
