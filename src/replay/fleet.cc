// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/replay/fleet.h"

#include <algorithm>
#include <set>

#include "sparkfit/base/hash.h"

namespace sparkfit::replay {
namespace {

using base::Bytes;
using base::Time;
using model::Executor;
using model::InGiB;
using model::KeyHistory;

Moment SizeNow(const Executor& executor) {
  Moment moment;
  moment.size = executor.size.limit;
  return moment;
}

// OOM-killed in this log, or asking for less than is recommended.
bool AtRisk(const ReplayRow& row) {
  const auto& target = row.recommendation.target_request;
  const bool small = target && row.request.value > 0 && *target > row.request;
  return row.totals.container_ooms + row.totals.heap_ooms > 0 || small;
}

recommend::NextTrial FurtherTrial(const controller::KeyRecommendation& result) {
  auto adaptive = result.policy;
  adaptive.kind = recommend::PolicyKind::kAdaptive;
  return recommend::FindTrial(*result.history, adaptive, result.explore);
}

}  // namespace

RunReport& KeyReport::RunOf(const Executor& executor) {
  const auto id = base::Fnv1a(executor.application);
  const auto known = std::find_if(runs.rbegin(), runs.rend(),
                                  [id](const RunReport& run) { return run.application == id; });
  if (known != runs.rend()) return *known;
  if (runs.size() == kRuns) runs.erase(runs.begin());
  RunReport run;
  run.application = id;
  run.started = executor.created;
  run.request = executor.request;
  run.advice.advised = executor.advised;
  runs.push_back(run);
  return runs.back();
}

void KeyReport::AddHours(const Executor& executor) {
  if (!executor.ended || executor.request.value == 0) return;
  const double lived = executor.HoursLived();
  hours.lifetime += lived;
  hours.requested += lived * InGiB(executor.request);
  hours.used += lived * InGiB(executor.peak.value > 0 ? executor.peak : executor.request);
}

KeyReport& FleetRecorder::Of(const KeyHistory& history) {
  auto& key = keys_[&history];
  if (!key) key = std::make_unique<KeyReport>();
  return *key;
}

void FleetRecorder::Started(const KeyHistory& history, const Executor& executor, Time now) {
  auto& key = Of(history);
  auto moment = SizeNow(executor);
  moment.target = executor.advised.limit;
  key.timeline.Add(now, moment);
  ++key.RunOf(executor).executors;
}

void FleetRecorder::Sampled(const KeyHistory& history, const Executor& executor, Bytes working_set,
                            Time timestamp) {
  if (!executor.comparable) return;
  auto& key = Of(history);
  auto moment = SizeNow(executor);
  moment.used = working_set;
  key.timeline.Add(timestamp, moment);
  auto& run = key.RunOf(executor);
  run.peak = std::max(run.peak, executor.peak);
}

void FleetRecorder::Killed(const KeyHistory& history, const Executor& executor, model::OomKind kind,
                           Time at) {
  auto& key = Of(history);
  auto moment = SizeNow(executor);
  ++(kind == model::OomKind::kContainer ? moment.container_ooms : moment.heap_ooms);
  key.timeline.Add(at, moment);
  auto& run = key.RunOf(executor);
  ++run.ooms;
  if (run.advice.advised.limit.value == 0) ++key.unadvised_ooms;
  run.peak = std::max(run.peak, executor.peak);
}

void FleetRecorder::Sealed(const KeyHistory& history, const Executor& executor) {
  auto& key = Of(history);
  key.AddHours(executor);
  key.RunOf(executor).advice.Add(executor);
}

void FleetRecorder::Forgotten(const KeyHistory& history) { keys_.erase(&history); }

KeyReport FleetRecorder::ReportOf(const KeyHistory& history) const {
  const auto known = keys_.find(&history);
  if (known == keys_.end()) return {};
  auto report = *known->second;
  std::set<std::uint64_t> open;
  for (const auto& run : history.PastAdvice().Open()) open.insert(base::Fnv1a(run.application));
  for (const auto& [uid, executor] : history.Executors()) report.AddHours(executor);
  for (auto& run : report.runs) run.over = !open.contains(run.application);
  return report;
}

JobReport MakeJob(const controller::KeyRecommendation& result, KeyReport seen) {
  JobReport job;
  job.row = MakeRow(result);
  job.seen = std::move(seen);
  job.mode = result.mode;
  job.policy = result.policy;
  job.low_confidence = result.low_confidence;
  job.at_risk = AtRisk(job.row);
  job.peaks = result.history->Peaks().Save();
  if (const auto& target = job.row.recommendation.target_request) {
    job.saved = job.seen.hours.requested - InGiB(*target) * job.seen.hours.lifetime;
  }
  if (const auto* shape = result.history->CurrentShape()) {
    job.overhead = shape->shape.overhead;
    job.submitted_limit = shape->submitted.limit;
  }
  job.told = result.history->Conducts().size();
  job.further = FurtherTrial(result);
  return job;
}

void FleetSummary::Add(const JobReport& job) {
  const auto& totals = job.row.totals;
  ++signatures;
  executors += totals.executors;
  applications += totals.applications;
  container_ooms += totals.container_ooms;
  heap_ooms += totals.heap_ooms;
  unadvised_ooms += job.seen.unadvised_ooms;
  with_ooms += totals.container_ooms + totals.heap_ooms > 0 ? 1 : 0;
  at_risk += job.at_risk ? 1 : 0;
  low_confidence += job.low_confidence ? 1 : 0;
  without_target += job.row.recommendation.target ? 0 : 1;
  savings.possible += totals.savings.possible;
  savings.realised += totals.savings.realised;
  savings.extra += totals.savings.extra;
  requested += job.seen.hours.requested;
  used += job.seen.hours.used;
  (job.saved >= 0 ? less : more) += std::abs(job.saved);
  accuracy += job.row.accuracy;
}

}  // namespace sparkfit::replay
