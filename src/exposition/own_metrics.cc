// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/exposition/own_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "sparkfit/base/version.h"

namespace sparkfit::exposition {
namespace {

using Counters = prometheus::Family<prometheus::Counter>;
using Gauges = prometheus::Family<prometheus::Gauge>;

Counters& Counter(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

Gauges& Gauge(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
}

const prometheus::Histogram::BucketBoundaries& Seconds() {
  static const prometheus::Histogram::BucketBoundaries bounds{0.001, 0.005, 0.02, 0.1,
                                                              0.5,   1,     5,    15};
  return bounds;
}

const prometheus::Histogram::BucketBoundaries& AdmissionSeconds() {
  static const prometheus::Histogram::BucketBoundaries bounds{0.00005, 0.0001, 0.00025, 0.0005,
                                                              0.001,   0.005,  0.025,   0.1};
  return bounds;
}

}  // namespace

struct OwnMetrics::Impl {
  prometheus::Registry registry;
  Counters& requests = Counter(registry, "sparkfit_api_requests_total",
                               "Requests to the API server; code 0: there was no answer.");
  Counters& restarts =
      Counter(registry, "sparkfit_watch_restarts_total", "Collections that had to be listed anew.");
  Counters& unreadable = Counter(registry, "sparkfit_objects_unreadable_total",
                                 "Objects that could not be understood.");
  Counters& drivers =
      Counter(registry, "sparkfit_driver_requests_total",
              "Requests to the UI of Spark drivers; result: ok, error (no connection, no HTTP), "
              "refused (another status than 200), timeout, too_large, malformed.");
  Counters& writes = Counter(registry, "sparkfit_checkpoint_writes_total",
                             "Checkpoints written; result: ok, failed.");
  Counters& restores =
      Counter(registry, "sparkfit_checkpoint_restores_total",
              "Checkpoints read; result: ok, set_aside, left_out (no room for what it holds).");
  Gauges& leader = Gauge(registry, "sparkfit_leader", "1: this replica leads.");
  Gauges& up = Gauge(
      registry, "sparkfit_source_up",
      "1: the source answers. source: pods, nodes, executorrecommendations, limitranges, "
      "resourcequotas, with their namespace before them where namespaces are listed; podmetrics or "
      "kubelets: at least one answered.");
  Gauges& staleness = Gauge(registry, "sparkfit_usage_staleness_seconds",
                            "Age of the newest usage sample; grows while no executor runs.");
  Counters& admissions =
      Counter(registry, "sparkfit_admissions_total",
              "Answers to the API server; result: patched, skipped (nothing was to be done), "
              "refused (it would not have been safe).");
  Gauges& pending = Gauge(
      registry, "sparkfit_executors_pending_after_sizing",
      "Executors that were made larger and have been without a node for a minute; leader only.");
  Gauges& expiry =
      Gauge(registry, "sparkfit_certificate_expiration_timestamp_seconds",
            "When the webhook's certificate (kind: serving) and the authority that signed it "
            "(authority) expire.");
  Counters& reloads =
      Counter(registry, "sparkfit_certificate_reloads_total",
              "Certificates of the webhook taken into use (result: ok) or not (failed).");
  prometheus::Family<prometheus::Histogram>& admission_seconds =
      prometheus::BuildHistogram()
          .Name("sparkfit_admission_duration_seconds")
          .Help("How long answers to the API server took.")
          .Register(registry);
  Gauges& build = Gauge(registry, "sparkfit_build_info", "1.");
  prometheus::Family<prometheus::Histogram>& steps =
      prometheus::BuildHistogram()
          .Name("sparkfit_loop_duration_seconds")
          .Help(
              "How long steps took; step: read (asking for usage), usage (learning from it), "
              "publish.")
          .Register(registry);
};

OwnMetrics::OwnMetrics() : impl_(std::make_unique<Impl>()) {
  impl_->build.Add({{"version", base::kVersion}, {"commit", base::kGitDescribe}}).Set(1);
  SetLeader(false);
}
OwnMetrics::~OwnMetrics() = default;

void OwnMetrics::CountRequest(const std::string& verb, const std::string& resource, int code) {
  impl_->requests.Add({{"verb", verb}, {"resource", resource}, {"code", std::to_string(code)}})
      .Increment();
}
void OwnMetrics::CountWatchRestart(const std::string& resource) {
  impl_->restarts.Add({{"resource", resource}}).Increment();
}
void OwnMetrics::CountUnreadable(const std::string& resource) {
  impl_->unreadable.Add({{"resource", resource}}).Increment();
}
void OwnMetrics::CountDriverRequest(const std::string& result) {
  impl_->drivers.Add({{"result", result}}).Increment();
}
void OwnMetrics::CountCheckpointWrite(const std::string& result) {
  impl_->writes.Add({{"result", result}}).Increment();
}
void OwnMetrics::CountCheckpointRestore(const std::string& result) {
  impl_->restores.Add({{"result", result}}).Increment();
}
void OwnMetrics::ObserveStep(const std::string& step, double seconds) {
  impl_->steps.Add({{"step", step}}, Seconds()).Observe(seconds);
}
void OwnMetrics::SetLeader(bool leading) { impl_->leader.Add({}).Set(leading ? 1 : 0); }
void OwnMetrics::SetSourceUp(const std::string& source, bool up) {
  impl_->up.Add({{"source", source}}).Set(up ? 1 : 0);
}

void OwnMetrics::SetUsageStaleness(double seconds) { impl_->staleness.Add({}).Set(seconds); }

void OwnMetrics::CountAdmission(const std::string& result, const std::string& reason,
                                double seconds) {
  impl_->admissions.Add({{"result", result}, {"reason", reason}}).Increment();
  impl_->admission_seconds.Add({}, AdmissionSeconds()).Observe(seconds);
}
void OwnMetrics::SetPendingAfterSizing(std::size_t executors) {
  impl_->pending.Add({}).Set(static_cast<double>(executors));
}
void OwnMetrics::SetCertificateExpiry(const std::string& kind, double seconds_since_1970) {
  impl_->expiry.Add({{"kind", kind}}).Set(seconds_since_1970);
}
void OwnMetrics::CountCertificateReload(bool ok) {
  impl_->reloads.Add({{"result", ok ? "ok" : "failed"}}).Increment();
}

std::string OwnMetrics::Text() const {
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace sparkfit::exposition
