// SPDX-License-Identifier: Apache-2.0
#include "certificates.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "sparkfit/base/base64.h"
#include "sparkfit/base/json.h"

namespace sparkfit::cluster {
namespace {

using base::Code;
using base::Result;
using nlohmann::json;

constexpr base::Duration kLongestInterval = std::chrono::seconds(30);
constexpr base::Duration kShortestInterval = std::chrono::seconds(1);
constexpr base::Duration kFileInterval = std::chrono::seconds(10);
constexpr std::size_t kLargestFile = std::size_t{256} << 10;

// Keys of the Secret.
constexpr const char* kPrevious = "previous.crt";
constexpr const char* kCurrent = "ca.crt";
constexpr const char* kCurrentKey = "ca.key";
constexpr const char* kNext = "next.crt";
constexpr const char* kNextKey = "next.key";
constexpr const char* kBundle = "ca-bundle.crt";  // for clients that read it from there

std::string SecretsOf(const CertificateOptions& options) {
  return "/api/v1/namespaces/" + kube::Encode(options.name_space) + "/secrets";
}

std::string ConfigurationOf(const CertificateOptions& options) {
  return "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/" +
         kube::Encode(options.configuration);
}

std::string Decoded(const json& data, const char* key) {
  if (!data.is_object() || !data.contains(key) || !data[key].is_string()) return "";
  return base::DecodeBase64(data[key].get<std::string>()).value_or("");
}

tls::Authorities AuthoritiesIn(const json& data) {
  return {.previous = Decoded(data, kPrevious),
          .current = {Decoded(data, kCurrent), Decoded(data, kCurrentKey)},
          .next = {Decoded(data, kNext), Decoded(data, kNextKey)}};
}

json DataOf(const tls::Authorities& authorities) {
  json data;
  const auto put = [&](const char* key, const std::string& text) {
    if (!text.empty()) data[key] = base::EncodeBase64(text);
  };
  put(kPrevious, authorities.previous);
  put(kCurrent, authorities.current.certificate);
  put(kCurrentKey, authorities.current.key);
  put(kNext, authorities.next.certificate);
  put(kNextKey, authorities.next.key);
  put(kBundle, tls::Bundle(authorities));
  return data;
}

double Seconds(base::Time time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

std::string TextIn(const json& object, const char* key) {
  return object.is_object() && object.contains(key) && object[key].is_string()
             ? object[key].get<std::string>()
             : "";
}

// A JSON Patch that gives each webhook this bundle; empty where all have it.
json BundlePatch(const json& configuration, const std::string& bundle) {
  json patch = json::array();
  if (!configuration.contains("webhooks") || !configuration["webhooks"].is_array()) return patch;
  const auto& webhooks = configuration["webhooks"];
  for (std::size_t i = 0; i < webhooks.size(); ++i) {
    const auto& webhook = webhooks[i];
    if (!webhook.is_object() || !webhook.contains("clientConfig")) continue;
    if (TextIn(webhook["clientConfig"], "caBundle") == bundle) continue;
    patch.push_back({{"op", "add"},
                     {"path", fmt::format("/webhooks/{}/clientConfig/caBundle", i)},
                     {"value", bundle}});
  }
  if (patch.empty()) return patch;
  // Only of the configuration that was read.
  const auto metadata = configuration.value("metadata", json::object());
  const json same{{"op", "test"},
                  {"path", "/metadata/resourceVersion"},
                  {"value", TextIn(metadata, "resourceVersion")}};
  patch.insert(patch.begin(), same);
  return patch;
}

Result<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(kLargestFile + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || (file.gcount() == 0 && !file.eof())) {
    return base::Fail(Code::kUnavailable, "cannot read " + path);
  }
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kLargestFile) return base::Fail(Code::kMalformed, path + " is too large");
  return text;
}

}  // namespace

OwnCertificates::OwnCertificates(const CertificateOptions& options, kube::Client& client,
                                 const Surroundings& around, std::function<bool()> leads,
                                 Install install)
    : options_(options),
      client_(client),
      around_(around),
      leads_(std::move(leads)),
      install_(std::move(install)) {}

void OwnCertificates::Run(const std::stop_token& stop) {
  const auto interval =
      std::clamp<base::Duration>(options_.lifetimes.leaf / 10, kShortestInterval, kLongestInterval);
  while (!stop.stop_requested()) {
    const bool fine = Round(stop);
    around_.waiter.Wait(fine ? interval : kShortestInterval, stop);
  }
}

bool OwnCertificates::Round(const std::stop_token& stop) {
  const auto done = Try(stop);
  const std::string why = done ? "" : done.error().message;
  if (stop.stop_requested()) return true;
  if (why != std::exchange(trouble_, why)) {
    if (why.empty()) {
      around_.log.Info("the certificates are looked after");
    } else {
      around_.log.Warning("the certificates cannot be looked after", {{"why", why}});
    }
  }
  return done.has_value();
}

Result<void> OwnCertificates::Try(const std::stop_token& stop) {
  auto stored = Read(stop);
  if (!stored) return tl::unexpected<base::Error>(stored.error());
  // The first are made by whoever comes first: in an upgrade from monitoring mode the leader is a
  // replica that makes none, until the others are ready. Only one of them can create the Secret.
  if (leads_() || stored->version.empty()) {
    if (auto renewed = RenewAuthorities(*stored, stop); !renewed) return renewed;
  }
  if (!stored->authorities) {
    return base::Fail(Code::kUnavailable, "the authorities are damaged; the leader makes new ones");
  }
  if (auto renewed = RenewLeaf(*stored->authorities); !renewed) return renewed;
  if (options_.configuration.empty()) return {};
  // Once clients trust us, changes are the leader's; the first time, who is ready is trusted as
  // well.
  if (!leads_() && trusted_) return {};
  auto published = Publish(*stored->authorities, stop);
  trusted_ = published.has_value();
  return published;
}

Result<OwnCertificates::Stored> OwnCertificates::Read(const std::stop_token& stop) {
  const kube::Call call{.verb = "get",
                        .resource = "secrets",
                        .target = SecretsOf(options_) + "/" + kube::Encode(options_.secret)};
  const auto reply = client_.Send(call, stop);
  if (!reply) return tl::unexpected<base::Error>(reply.error());
  if (reply->status == 404) return Stored{};
  if (!reply->Ok()) return base::Fail(Code::kUnavailable, "Secret: " + reply->Why());
  const auto object = base::ParseJson(reply->body);
  if (!object.is_object()) return base::Fail(Code::kMalformed, "the Secret is no object");
  Stored stored;
  stored.version = TextIn(object.value("metadata", json::object()), "resourceVersion");
  const auto data = object.value("data", json::object());
  stored.authorities = AuthoritiesIn(data);
  stored.bundle = Decoded(data, kBundle);
  return stored;
}

// Made or changed by exactly one replica: the version is that which was read.
Result<void> OwnCertificates::Write(const Stored& stored, const std::stop_token& stop) {
  const bool create = stored.version.empty();
  json metadata{{"name", options_.secret}, {"namespace", options_.name_space}};
  if (!create) metadata["resourceVersion"] = stored.version;
  kube::Call call{.verb = create ? "create" : "update", .resource = "secrets"};
  call.method = create ? "POST" : "PUT";
  call.target = SecretsOf(options_);
  if (!create) call.target += "/" + kube::Encode(options_.secret);
  call.body = json{{"apiVersion", "v1"},
                   {"kind", "Secret"},
                   {"metadata", std::move(metadata)},
                   {"type", "Opaque"},
                   {"data", DataOf(*stored.authorities)}}
                  .dump();
  const auto reply = client_.Send(call, stop);
  if (!reply) return tl::unexpected<base::Error>(reply.error());
  if (!reply->Ok()) return base::Fail(Code::kUnavailable, "Secret: " + reply->Why());
  return {};
}

Result<void> OwnCertificates::RenewAuthorities(Stored& stored, const std::stop_token& stop) {
  if (stored.authorities && !tls::CheckPair(stored.authorities->current)) {
    around_.log.Error("the Secret of the authorities is damaged; it is repaired",
                      {{"secret", options_.secret}});
  }
  auto renewed = tls::Renew(stored.authorities, options_.lifetimes, around_.clock.Wall());
  if (!renewed) return tl::unexpected<base::Error>(renewed.error());
  if (*renewed) {
    stored.authorities = **std::move(renewed);
  } else if (stored.bundle == tls::Bundle(*stored.authorities)) {
    return {};
  }
  if (auto written = Write(stored, stop); !written) return written;
  around_.log.Info("the authorities were renewed");
  return {};
}

Result<void> OwnCertificates::RenewLeaf(const tls::Authorities& authorities) {
  const auto now = around_.clock.Wall();
  const auto& signer = authorities.current;
  if (signer.certificate == signer_ && !tls::LeafDue(leaf_, now)) return {};
  const auto leaf = tls::SignLeaf(signer, options_.dns_names,
                                  {now - tls::kClockTolerance, now + options_.lifetimes.leaf});
  if (!leaf) return tl::unexpected<base::Error>(leaf.error());
  const auto installed = install_(*leaf);
  around_.metrics.CountCertificateReload(installed.has_value());
  if (!installed) return installed;
  const auto validity = tls::ReadValidity(leaf->certificate);
  const auto authority = tls::ReadValidity(signer.certificate);
  if (!validity) return tl::unexpected<base::Error>(validity.error());
  // Two thirds of its life are counted from now, not from where clocks that are behind see it.
  leaf_ = {now, validity->until};
  signer_ = signer.certificate;
  around_.metrics.SetCertificateExpiry("serving", Seconds(validity->until));
  if (authority) around_.metrics.SetCertificateExpiry("authority", Seconds(authority->until));
  return {};
}

// What clients trust. The configuration itself was installed by somebody, and stays as it is.
Result<void> OwnCertificates::Publish(const tls::Authorities& authorities,
                                      const std::stop_token& stop) {
  const kube::Call get{.verb = "get",
                       .resource = "mutatingwebhookconfigurations",
                       .target = ConfigurationOf(options_)};
  const auto reply = client_.Send(get, stop);
  if (!reply) return tl::unexpected<base::Error>(reply.error());
  if (!reply->Ok()) {
    return base::Fail(Code::kUnavailable, "MutatingWebhookConfiguration: " + reply->Why());
  }
  const auto configuration = base::ParseJson(reply->body);
  if (!configuration.is_object()) return base::Fail(Code::kMalformed, "configuration is no object");
  const auto patch = BundlePatch(configuration, base::EncodeBase64(tls::Bundle(authorities)));
  if (patch.empty()) return {};
  kube::Call call{.verb = "patch", .resource = "mutatingwebhookconfigurations"};
  call.method = "PATCH";
  call.target = ConfigurationOf(options_);
  call.content_type = kube::kJsonPatch;
  call.body = patch.dump();
  const auto patched = client_.Send(call, stop);
  if (!patched) return tl::unexpected<base::Error>(patched.error());
  if (!patched->Ok()) {
    return base::Fail(Code::kUnavailable, "MutatingWebhookConfiguration: " + patched->Why());
  }
  around_.log.Info("the webhook's clients trust the authorities");
  return {};
}

FileCertificates::FileCertificates(const CertificateOptions& options, const Surroundings& around,
                                   Install install)
    : options_(options), around_(around), install_(std::move(install)) {}

void FileCertificates::Run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    Round();
    around_.waiter.Wait(kFileInterval, stop);
  }
}

void FileCertificates::Round() {
  const auto certificate = ReadFile(options_.certificate_file);
  const auto key = ReadFile(options_.key_file);
  tls::Pair pair{certificate.value_or(""), key.value_or("")};
  // What failed is not tried again until it changes: a pair is often replaced one file at a time.
  if (pair == seen_) return;
  seen_ = pair;
  auto installed = !certificate ? tl::unexpected<base::Error>(certificate.error())
                   : !key       ? tl::unexpected<base::Error>(key.error())
                                : install_(pair);
  around_.metrics.CountCertificateReload(installed.has_value());
  if (!installed) {
    around_.log.Error("the certificate cannot be used; the one before stays",
                      {{"why", installed.error().message}});
    return;
  }
  const auto validity = tls::ReadValidity(pair.certificate);
  if (validity) around_.metrics.SetCertificateExpiry("serving", Seconds(validity->until));
  around_.log.Info("there is a new certificate");
}

}  // namespace sparkfit::cluster
