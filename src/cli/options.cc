// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/cli/options.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <set>

#include "sparkfit/base/meant.h"
#include "sparkfit/base/number.h"
#include "sparkfit/base/quantity.h"
#include "sparkfit/base/text.h"

namespace sparkfit::cli {
namespace {

using base::ParseNumber;
using base::Result;
using base::Store;

constexpr std::string_view kNone = "none";

Result<base::Bytes> MemoryOrNone(std::string_view text) {
  if (text == kNone) return base::Bytes{};
  return base::ParseBound(text);
}

std::string FormatOrNone(base::Bytes amount) {
  return amount.value == 0 ? std::string(kNone) : base::FormatQuantity(amount);
}

std::string_view LevelName(base::LogLevel level) {
  switch (level) {
    case base::LogLevel::kDebug:
      return "debug";
    case base::LogLevel::kInfo:
      return "info";
    case base::LogLevel::kWarning:
      return "warning";
    case base::LogLevel::kError:
      return "error";
  }
  return "";
}

std::string Separated(std::string_view key, char separator, bool upper) {
  std::string out;
  for (const char c : key) {
    const bool capital = c >= 'A' && c <= 'Z';
    if (capital) out += separator;
    const char lower = capital ? static_cast<char>(c - 'A' + 'a') : c;
    out += upper && lower >= 'a' && lower <= 'z' ? static_cast<char>(lower - 'a' + 'A') : lower;
  }
  return out;
}

constexpr std::size_t kMostNamespaces = 20;  // each is watched apart, by threads of its own

// As the API server takes them: RFC 1123 labels.
Result<std::vector<std::string>> ParseNamespaces(std::string_view text) {
  std::vector<std::string> names;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    const std::string name(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
    const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
    const bool fine =
        !name.empty() && name.size() <= 63 && plain(name.front()) && plain(name.back()) &&
        std::all_of(name.begin(), name.end(), [&](char c) { return plain(c) || c == '-'; });
    if (!fine) {
      return base::Fail(base::Code::kInvalidArgument,
                        fmt::format("\"{}\" is no name of a namespace", base::Beginning(name, 70)));
    }
    if (std::find(names.begin(), names.end(), name) != names.end()) {
      return base::Fail(base::Code::kInvalidArgument, fmt::format("{} is there twice", name));
    }
    names.push_back(name);
  }
  if (names.size() > kMostNamespaces) {
    return base::Fail(base::Code::kInvalidArgument,
                      fmt::format("{} namespaces; at most {} can be listed, or none for all",
                                  names.size(), kMostNamespaces));
  }
  return names;
}

Option OneOf(std::vector<std::string_view> values, Option option) {
  option.values = std::move(values);
  return option;
}

// A number within bounds; `field` finds it in a Config, const or not.
template <typename T, typename Field>
Option Ranged(std::string_view key, std::string_view type, std::string_view help, T low, T high,
              Field field) {
  return {key, type, help,
          [=](std::string_view text, Config& c) {
            return Store(ParseNumber(text, low, high), field(c));
          },
          [=](const Config& c) { return fmt::format("{}", field(c)); }};
}

template <typename Field>
Option Lasting(std::string_view key, std::string_view help, Field field) {
  return {
      key, "duration", help,
      [=](std::string_view text, Config& c) { return Store(base::ParseDuration(text), field(c)); },
      [=](const Config& c) { return base::FormatDuration(field(c)); }};
}

template <typename Field>
Option Text(std::string_view key, std::string_view type, std::string_view help, Field field) {
  return {key, type, help,
          [=](std::string_view text, Config& c) {
            field(c) = text;
            return Result<void>();
          },
          [=](const Config& c) { return field(c); }};
}

// Where a server listens.
template <typename Field>
Option Listening(std::string_view key, std::string_view help, Field field) {
  auto option = Text(key, "address:port", help, field);
  option.set = [=](std::string_view text, Config& c) -> Result<void> {
    if (auto address = ParseAddress(text); !address) return tl::unexpected(address.error());
    field(c) = text;
    return {};
  };
  return option;
}

// One of two words; the second stands for true.
template <typename Field>
Option Choice(std::string_view key, std::string_view type, std::string_view help,
              std::string_view no, std::string_view yes, Field field) {
  const auto parse = [=](std::string_view text) -> Result<bool> {
    if (text == no || text == yes) return text == yes;
    const std::string_view known[] = {yes, no};
    return base::Fail(base::Code::kInvalidArgument,
                      fmt::format("\"{}\" is neither {} nor {}{}", base::Beginning(text, 40), yes,
                                  no, base::Suggestion(base::Nearest(text, known))));
  };
  return OneOf({no, yes},
               {key, type, help,
                [=](std::string_view text, Config& c) { return Store(parse(text), field(c)); },
                [=](const Config& c) { return std::string(field(c) ? yes : no); }});
}

template <typename Field>
Option Boolean(std::string_view key, std::string_view help, Field field) {
  return OneOf(
      {"true", "false"},
      {key, "boolean", help,
       [=](std::string_view text, Config& c) { return Store(base::ParseBoolean(text), field(c)); },
       [=](const Config& c) { return std::string(field(c) ? "true" : "false"); }});
}

constexpr std::string_view kDefault = "default";

Result<std::optional<recommend::Policy>> PolicyOrDefault(std::string_view text) {
  if (text == kDefault) return std::nullopt;
  return recommend::ParsePolicy(text).map(
      [](const recommend::Policy& policy) { return std::optional(policy); });
}

// An option of commands that work in a cluster, none of what is recommended.
Option Live(Option option) {
  option.live = true;
  option.recorded = false;
  return option;
}

// One of the controller alone.
Option Publishing(Option option) {
  option = Live(std::move(option));
  option.publishing = true;
  return option;
}

std::vector<Option> MakeOptions() {
  return {
      {"policy", "policy",
       "how sizes follow from what was seen: NAME[:option=value,…]; default: adaptive, or "
       "percentile "
       "for jobs that ask by EMR's keys alone",
       [](auto text, Config& c) { return Store(PolicyOrDefault(text), c.pipeline.policy); },
       [](const Config& c) {
         return c.pipeline.policy ? recommend::Format(*c.pipeline.policy) : std::string(kDefault);
       }},
      {"maxMemory", "quantity",
       "ceiling of every recommendation; none: the largest node's allocatable memory",
       [](auto text, Config& c) { return Store(MemoryOrNone(text), c.pipeline.safety.max_memory); },
       [](const Config& c) { return FormatOrNone(c.pipeline.safety.max_memory); }},
      Ranged(
          "step", "number",
          "largest change per application as a share of the target, 0.5 for ±50 %; 0: no cap", 0.0,
          10.0, [](auto& c) -> auto& { return c.pipeline.safety.step; }),
      Ranged(
          "escalation", "number",
          "second and later OOM steps within one application multiply the size by this", 1.0, 10.0,
          [](auto& c) -> auto& { return c.pipeline.safety.escalation; }),
      Boolean(
          "coverPeaks",
          "a recommendation covers the largest peak that is remembered, whatever the policy: true "
          "or false",
          [](auto& c) -> auto& { return c.pipeline.safety.cover_peaks; }),
      Lasting(
          "lateSamples", "how long an ended executor waits for late samples",
          [](auto& c) -> auto& { return c.pipeline.late_samples; }),
      Lasting(
          "applicationIdle", "an application without an executor for this long has ended",
          [](auto& c) -> auto& { return c.pipeline.application_idle; }),
      Lasting(
          "retention", "a signature without an executor for this long is forgotten",
          [](auto& c) -> auto& { return c.pipeline.retention; }),
      // Not of the header: a log carries what was derived.
      {"derivedSignatures", "rules",
       "signatures for jobs without one: scheduled-app-name, airflow, or {label}-{label}, by "
       "commas",
       [](auto text, Config& c) {
         return Store(model::SignatureRules::Parse(text), c.derived_signatures);
       },
       [](const Config& c) { return c.derived_signatures.Text(); }, false},
      Ranged<std::size_t>(
          "maxKeysPerNamespace", "count",
          "signatures and profiles that are remembered of one namespace; new ones are refused", 1,
          1'000'000, [](auto& c) -> auto& { return c.pipeline.max_keys_per_namespace; }),
      Ranged<std::size_t>(
          "maxKeys", "count",
          "the same in all; a namespace gets a new one while it has fewer than are free", 1,
          10'000'000, [](auto& c) -> auto& { return c.pipeline.max_keys; }),
      Live({"namespaces", "names",
            "only these namespaces, by commas, with rights in them alone; empty: all",
            [](auto text, Config& c) { return Store(ParseNamespaces(text), c.live.namespaces); },
            [](const Config& c) { return fmt::format("{}", fmt::join(c.live.namespaces, ",")); }}),
      Live(Lasting(
          "usageInterval",
          "how often usage is asked for; 0s: every 15s of metrics-server, every 5s of kubelets",
          [](auto& c) -> auto& { return c.live.usage_interval; })),
      Live(Choice(
          "usageSource", "source",
          "where usage comes from: metrics-server, or kubelet for short-lived executors",
          "metrics-server", "kubelet", [](auto& c) -> auto& { return c.live.from_kubelets; })),
      Live(Text(
          "kubeletCertificateAuthority", "file",
          "PEM file of who signed the kubelets' certificates; empty: who signed the API server's",
          [](auto& c) -> auto& { return c.live.kubelet_authority; })),
      Live(Boolean(
          "kubeletInsecure",
          "accept any certificate of a kubelet, which then may be anybody: true or false",
          [](auto& c) -> auto& { return c.live.kubelet_insecure; })),
      Live(OneOf(
          {"off", "optIn", "observed"},
          {"driverMetrics", "whose",
           "whose drivers are asked for their executors' heaps: off, optIn (jobs with "
           "sparkfit.io/driver-metrics: \"true\") or observed (jobs with a signature, but those "
           "with \"false\")",
           [](auto text, Config& c) {
             return Store(model::ParseDriverMetrics(text), c.live.driver_metrics);
           },
           [](const Config& c) { return std::string(model::Name(c.live.driver_metrics)); }})),
      Live(Listening(
          "listen", "where metrics and health are served; port 0: any",
          [](auto& c) -> auto& { return c.live.listen; })),
      Live(Boolean(
          "legacyMetricNames",
          "export metrics that were renamed under their former names, too, for this release: true "
          "or false",
          [](auto& c) -> auto& { return c.live.legacy_metric_names; })),
      Live(Boolean(
          "metricsSecure",
          "serve metrics by HTTPS, with the webhook's certificate, to those alone whom the API "
          "server lets get the path; health stays open: true or false",
          [](auto& c) -> auto& { return c.live.metrics_secure; })),
      Live(Text(
          "metricsService", "name",
          "the Service that metrics are read by, for the certificate; in the lease's namespace",
          [](auto& c) -> auto& { return c.live.metrics_service; })),
      Publishing(Choice(
          "mode", "mode",
          "monitoring: observe and recommend; autoscale: size new executors of jobs that ask for "
          "it",
          "monitoring", "autoscale", [](auto& c) -> auto& { return c.live.autoscale; })),
      Publishing(Boolean(
          "shrinkOnly",
          "with autoscale: only make executors smaller, for gang schedulers and quotas",
          [](auto& c) -> auto& { return c.live.shrink_only; })),
      Publishing(Listening(
          "webhookListen", "with autoscale: where admissions are answered (HTTPS)",
          [](auto& c) -> auto& { return c.live.webhook_listen; })),
      Live(Text(
          "webhookCertificateFile", "file",
          "PEM certificate that somebody else renews; empty: our own authority's, renewed by "
          "itself",
          [](auto& c) -> auto& { return c.live.webhook_certificate; })),
      Live(Text(
          "webhookKeyFile", "file", "PEM key of that certificate",
          [](auto& c) -> auto& { return c.live.webhook_key; })),
      Publishing(Text(
          "webhookConfiguration", "name",
          "the MutatingWebhookConfiguration that is told whom to trust",
          [](auto& c) -> auto& { return c.live.webhook_configuration; })),
      Publishing(Text(
          "webhookService", "name",
          "the Service that the API server reaches the webhook by, in the lease's namespace",
          [](auto& c) -> auto& { return c.live.webhook_service; })),
      Publishing(Text(
          "webhookSecret", "name", "the Secret of our own authorities, in the lease's namespace",
          [](auto& c) -> auto& { return c.live.webhook_secret; })),
      Publishing(Lasting(
          "webhookAuthorityLifetime", "how long an authority of our own lives",
          [](auto& c) -> auto& { return c.live.lifetimes.authority; })),
      Publishing(Lasting(
          "webhookCertificateLifetime", "how long a certificate that it signs lives",
          [](auto& c) -> auto& { return c.live.lifetimes.leaf; })),
      Publishing(Boolean(
          "leaderElect", "elect one leader among replicas: true or false",
          [](auto& c) -> auto& { return c.live.leader_elect; })),
      Publishing(Text(
          "leaseName", "name", "the Lease that replicas elect their leader by",
          [](auto& c) -> auto& { return c.live.lease_name; })),
      Publishing(Text(
          "leaseNamespace", "name", "its namespace; empty: the one that we run in",
          [](auto& c) -> auto& { return c.live.lease_namespace; })),
      Live(Ranged(
          "queriesPerSecond", "number", "requests to the API server, on average", 1.0, 10000.0,
          [](auto& c) -> auto& { return c.live.queries_per_second; })),
      OneOf({"debug", "info", "warning", "error"},
            {"logLevel", "level", "debug, info, warning or error",
             [](auto text, Config& c) { return Store(base::ParseLogLevel(text), c.log_level); },
             [](const Config& c) { return std::string(LevelName(c.log_level)); }, false}),
      OneOf({"text", "json"},
            {"logFormat", "format", "text or json, on standard error",
             [](auto text, Config& c) { return Store(base::ParseLogFormat(text), c.log_format); },
             [](const Config& c) {
               return std::string(c.log_format == base::LogFormat::kJson ? "json" : "text");
             },
             false}),
  };
}

const Option* Find(std::string_view key) {
  const auto& options = Options();
  const auto found = std::find_if(options.begin(), options.end(),
                                  [&](const Option& option) { return option.key == key; });
  return found == options.end() ? nullptr : &*found;
}

std::string At(const std::string& name, const YAML::Mark& mark) {
  return mark.is_null() ? name : fmt::format("{}:{}", name, mark.line + 1);
}

}  // namespace

std::string_view Name(Source source) {
  switch (source) {
    case Source::kDefault:
      return "default";
    case Source::kHeader:
      return "header of the log";
    case Source::kFile:
      return "file";
    case Source::kEnvironment:
      return "environment";
    case Source::kFlag:
      return "flag";
  }
  return "";
}

std::string Option::Flag() const { return Separated(key, '-', false); }
std::string Option::Environment() const { return "SPARKFIT_" + Separated(key, '_', true); }

const std::vector<Option>& Options() {
  static const std::vector<Option> options = MakeOptions();
  return options;
}

void Settings::Set(const Option& option, Source source, const std::string& value,
                   const std::string& where) {
  // Checked even where a stronger source wins: a mistake is a mistake.
  Config scratch = config_;
  const auto set = option.set(value, scratch);
  if (!set) {
    Problem(fmt::format("{}: {}: {}", where, option.key, set.error().message));
    return;
  }
  if (SourceOf(option) > source) return;
  config_ = scratch;
  sources_[option.key] = source;
}

void Settings::Unknown(const std::string& where, std::string_view key) {
  std::vector<std::string_view> known;
  for (const auto& option : Options()) known.push_back(option.key);
  Problem(fmt::format("{}: unknown key \"{}\" (known: {}){}", where, base::Beginning(key, 60),
                      fmt::join(known, ", "), base::Suggestion(base::Nearest(key, known))));
}

void Settings::ReadFile(const std::string& name, const std::string& text) {
  YAML::Node root;
  try {
    root = YAML::Load(text);
  } catch (const YAML::Exception& error) {
    Problem(fmt::format("{}: {}", At(name, error.mark), error.msg));
    return;
  }
  if (root.IsNull()) return;  // an empty file
  if (!root.IsMap()) {
    Problem(fmt::format("{}: is not a mapping of options", name));
    return;
  }
  std::set<std::string> seen;
  for (const auto& member : root) {
    const auto where = At(name, member.first.Mark());
    const std::string key = member.first.IsScalar() ? member.first.Scalar() : "";
    const auto* option = Find(key);
    if (option == nullptr) {
      Unknown(where, key);
    } else if (!seen.insert(key).second) {
      Problem(fmt::format("{}: {} is there twice", where, key));
    } else if (!member.second.IsScalar()) {
      Problem(fmt::format("{}: {} needs a single value ({})", where, key, option->type));
    } else {
      Set(*option, Source::kFile, member.second.Scalar(), where);
    }
  }
}

void Settings::ReadEnvironment(const std::function<const char*(const std::string&)>& lookup) {
  for (const auto& option : Options()) {
    const auto variable = option.Environment();
    if (const char* value = lookup(variable)) Set(option, Source::kEnvironment, value, variable);
  }
}

void Settings::ReadHeader(const std::map<std::string, std::string>& options) {
  for (const auto& [key, value] : options) {
    const auto* option = Find(key);
    if (option == nullptr || !option->recorded) {
      Unknown("header of the log", key);
    } else {
      Set(*option, Source::kHeader, value, "header of the log");
    }
  }
}

Source Settings::SourceOf(const Option& option) const {
  const auto source = sources_.find(option.key);
  return source == sources_.end() ? Source::kDefault : source->second;
}

Result<Address> ParseAddress(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return base::Fail(base::Code::kInvalidArgument,
                      fmt::format("\"{}\" has no port, as in :8080", base::Beginning(text, 40)));
  }
  const auto port = ParseNumber<std::uint16_t>(text.substr(colon + 1), 0, 65535);
  if (!port) return tl::unexpected(port.error());
  auto host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return Address{std::string(host), *port};
}

std::vector<std::string> Contradictions(const Config& config) {
  const auto& live = config.live;
  std::vector<std::string> problems;
  if (live.webhook_certificate.empty() != live.webhook_key.empty()) {
    problems.emplace_back("webhookCertificateFile and webhookKeyFile belong together");
  }
  if (live.lifetimes.leaf > live.lifetimes.authority / 4) {
    problems.push_back(fmt::format(
        "webhookCertificateLifetime ({}) must be at most a quarter of webhookAuthorityLifetime "
        "({})",
        base::FormatDuration(live.lifetimes.leaf), base::FormatDuration(live.lifetimes.authority)));
  }
  if (live.namespaces.empty()) return problems;
  if (live.from_kubelets) {
    problems.emplace_back("usageSource kubelet has to read nodes, which `namespaces` does without");
  }
  if (live.autoscale && config.pipeline.safety.max_memory.value == 0) {
    problems.emplace_back(
        "with `namespaces` no node is read: autoscale needs maxMemory, what the largest can hold");
  }
  return problems;
}

std::string PrintConfig(const Settings& settings) {
  std::string text;
  for (const auto& option : Options()) {
    text += fmt::format("# {} ({}; {})\n{}: \"{}\"\n", option.help, option.type,
                        Name(settings.SourceOf(option)), option.key, option.get(settings.Get()));
  }
  return text;
}

}  // namespace sparkfit::cli
