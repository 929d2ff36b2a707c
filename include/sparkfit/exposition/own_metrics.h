// SPDX-License-Identifier: Apache-2.0
//
// Metrics about the controller itself.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

namespace sparkfit::exposition {

// Safe for concurrent use.
class OwnMetrics {
 public:
  OwnMetrics();
  ~OwnMetrics();

  // sparkfit_api_requests_total; code "0": there was no answer.
  void CountRequest(const std::string& verb, const std::string& resource, int code);
  // sparkfit_watch_restarts_total: a collection was listed anew.
  void CountWatchRestart(const std::string& resource);
  // sparkfit_objects_unreadable_total: objects of the API that could not be understood.
  void CountUnreadable(const std::string& resource);
  // sparkfit_driver_requests_total by result: ok, error, refused, timeout, too_large, malformed.
  void CountDriverRequest(const std::string& result);
  // sparkfit_checkpoint_writes_total, _restores_total by result.
  void CountCheckpointWrite(const std::string& result);
  void CountCheckpointRestore(const std::string& result);
  // sparkfit_loop_duration_seconds by step: read and learn usage, publish. Safe from any thread.
  void ObserveStep(const std::string& step, double seconds);
  void SetLeader(bool leading);
  // sparkfit_source_up: whether a source of observations answers.
  void SetSourceUp(const std::string& source, bool up);
  // sparkfit_usage_staleness_seconds: the age of the newest sample.
  void SetUsageStaleness(double seconds);

  // sparkfit_admissions_total, sparkfit_admission_duration_seconds.
  void CountAdmission(const std::string& result, const std::string& reason, double seconds);
  // sparkfit_executors_pending_after_sizing: made larger, and without a node for a minute.
  void SetPendingAfterSizing(std::size_t executors);
  // sparkfit_certificate_expiration_timestamp_seconds by kind: serving, authority.
  void SetCertificateExpiry(const std::string& kind, double seconds_since_1970);
  // sparkfit_certificate_reloads_total by result.
  void CountCertificateReload(bool ok);

  [[nodiscard]] std::string Text() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sparkfit::exposition
