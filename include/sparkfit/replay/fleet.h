// SPDX-License-Identifier: Apache-2.0
//
// What a report shows of a replayed log besides the recommendations themselves: what happened over
// time and run by run. Amounts over time are GiB·h.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "sparkfit/base/bytes.h"
#include "sparkfit/base/time.h"
#include "sparkfit/controller/pipeline.h"
#include "sparkfit/replay/replay.h"
#include "sparkfit/replay/timeline.h"

namespace sparkfit::replay {

// One run of the job, as a report lists it.
struct RunReport {
  std::uint64_t application = 0;  // a hash of its id
  base::Time started{};
  base::Bytes request;  // submitted; 0: unknown
  base::Bytes peak;     // of its largest executor; 0: not sampled
  std::uint32_t executors = 0;
  std::uint32_t ooms = 0;
  bool over = false;  // and judged: `advice` will not change
  model::RunAdvice advice;
};

// Of executors that have ended, and whose request is known.
struct MemoryHours {
  double lifetime = 0;  // hours
  double requested = 0;
  double used = 0;  // Σ peak × lifetime; of one that was not sampled its request, as nobody knows
};

struct KeyReport {
  static constexpr std::size_t kIntervals = 480;
  static constexpr std::size_t kRuns = 64;

  Timeline timeline{kIntervals};
  std::vector<RunReport> runs;       // the latest, oldest first
  std::uint64_t unadvised_ooms = 0;  // in runs that started before there was any advice
  MemoryHours hours;

 private:
  void AddHours(const model::Executor& executor);
  RunReport& RunOf(const model::Executor& executor);
  friend class FleetRecorder;
};

// Listens to a pipeline. Memory: at most 480 intervals and 64 runs of each key.
class FleetRecorder : public controller::Listener {
 public:
  void Started(const model::KeyHistory& history, const model::Executor& executor,
               base::Time now) override;
  void Sampled(const model::KeyHistory& history, const model::Executor& executor,
               base::Bytes working_set, base::Time timestamp) override;
  void Killed(const model::KeyHistory& history, const model::Executor& executor,
              model::OomKind kind, base::Time at) override;
  void Sealed(const model::KeyHistory& history, const model::Executor& executor) override;
  void Forgotten(const model::KeyHistory& history) override;

  // Of this key, as of now: hours of executors that have ended and are not sealed yet count too.
  [[nodiscard]] KeyReport ReportOf(const model::KeyHistory& history) const;

 private:
  KeyReport& Of(const model::KeyHistory& history);

  std::unordered_map<const model::KeyHistory*, std::unique_ptr<KeyReport>> keys_;
};

// One key of a report.
struct JobReport {
  ReplayRow row;
  KeyReport seen;
  model::Mode mode = model::Mode::kOff;
  recommend::Policy policy;
  bool low_confidence = true;
  bool at_risk = false;
  double saved = 0;  // GiB·h that `hours` would have needed less at today's target; negative: more
  model::DecayingHistogram::State peaks;  // that count, in model::MemoryBuckets
  std::optional<model::OverheadClass> overhead;
  base::Bytes submitted_limit;   // of the latest executor; 0: unknown
  std::size_t told = 0;          // remembered runs whose driver, or event log, tells of them
  recommend::NextTrial further;  // what `adaptive` would try, whatever the policy is
};

JobReport MakeJob(const controller::KeyRecommendation& result, KeyReport seen);

// All of them in numbers.
struct FleetSummary {
  std::uint64_t signatures = 0;
  std::uint64_t executors = 0;
  std::uint64_t applications = 0;
  std::uint64_t container_ooms = 0;
  std::uint64_t heap_ooms = 0;
  std::uint64_t unadvised_ooms = 0;  // of both kinds, in runs that started before any advice
  std::uint64_t with_ooms = 0;       // signatures
  std::uint64_t at_risk = 0;
  std::uint64_t low_confidence = 0;
  std::uint64_t without_target = 0;
  model::Savings savings;  // as it was advised at the time
  double requested = 0;
  double used = 0;
  double less = 0;  // Σ of what jobs would have needed less at today's targets …
  double more = 0;  // … and more, not negative
  model::Accuracy accuracy;

  void Add(const JobReport& job);
};

}  // namespace sparkfit::replay
