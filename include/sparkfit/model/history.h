// SPDX-License-Identifier: Apache-2.0
//
// What is remembered of one key: how much memory its executors needed, run by run.
//
//   applications   a ring of summaries of the 16 latest, running ones included
//   shapes         a decaying histogram of the peaks of *ended* executors per shape, and what the
//                  growth guard and the split must know of that shape
//   heap runs      of the latest 8 what their drivers told (heap_runs.h)
//   runs           of the latest 40 the peak and how long executors lived (runs.h)
//   executors      an overlay of peaks by pod UID: live executors, and ended ones until sealed
//   floor          what the latest OOMs asked for
//
// Invariants: nothing is ever subtracted; the same events in any batching give the same history;
// an executor's peak enters the histogram exactly once, when it is sealed. Times are arguments;
// nothing here reads a clock. Not safe for concurrent use.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "sparkfit/base/bytes.h"
#include "sparkfit/base/time.h"
#include "sparkfit/model/accuracy.h"
#include "sparkfit/model/application_id.h"
#include "sparkfit/model/driver_reading.h"
#include "sparkfit/model/ending.h"
#include "sparkfit/model/heap_runs.h"
#include "sparkfit/model/histogram.h"
#include "sparkfit/model/key.h"
#include "sparkfit/model/pod.h"
#include "sparkfit/model/runs.h"
#include "sparkfit/model/shape.h"

namespace sparkfit::model {

// How often an executor was seen: distinct usage samples none 0, few 1–2, many ≥ 3.
enum class Coverage { kNone, kFew, kMany };

// One executor by pod UID, never by name.
struct Executor {
  std::string application;
  Shape shape;
  ExecutorSize size;       // what it has
  ExecutorSize submitted;  // what it was submitted with
  base::Bytes request;     // submitted
  base::Time created{};
  bool ran = false;        // a container of it was started
  bool comparable = true;  // of the shape of its application's first executor; else not sampled
  bool oom = false;        // it died of an OOM of either kind
  std::optional<base::Time> ended;

  base::Bytes target_at_start;  // the target in force when it was first seen; 0: none
  base::Bytes peak;  // highest working set; of one that died of a container OOM at least its limit
  base::Bytes last_used;  // working set of the latest sample
  base::Time last_sample{};
  std::uint8_t samples = 0;             // distinct timestamps, counted up to 3
  std::array<base::Time, 3> seen = {};  // those timestamps
  std::uint32_t shape_id = 0;
  HeapUse heap_use;  // by its driver

  // What its driver tells by now; the latest counts. Left out where its heap is not known, until
  // its tasks ran long enough to say something of collections, and until what is in use of the heap
  // was told.
  void AddReading(const ExecutorReading& reading);
  // True for a sample whose timestamp was not seen before.
  bool AddSample(base::Bytes working_set, base::Time timestamp);
  [[nodiscard]] Coverage GetCoverage() const;
  // Of a container of it that ended then; nothing where it was never sampled.
  [[nodiscard]] std::optional<LastUse> LastUseBefore(base::Time end) const;
  // When its peak was: finishedAt (or the event's time) once ended, else its latest sample's.
  [[nodiscard]] base::Time PeakTime() const { return ended ? *ended : last_sample; }
  // 0 where its creation is not known. REQUIRES: it has ended.
  [[nodiscard]] double HoursLived() const;
};

// One run of the job.
struct ApplicationSummary {
  ApplicationId id;
  base::Time started{};     // its first executor was seen
  base::Time idle_since{};  // its last executor ended; counts where none is alive
  base::Bytes peak;
  base::Bytes smallest_limit;  // of its executors; 0: none
  base::Bytes reference;       // the target in force when it started, 0: none
  std::uint32_t shape_id = 0;
  std::uint32_t executors = 0;
  std::uint32_t alive = 0;
  std::uint32_t sampled = 0;
  std::uint32_t ooms = 0;
  std::uint16_t oom_steps = 0;  // in-run escalation: steps taken
  bool ended = false;
  bool counted = false;  // ended with a sampled executor, and taken into account
};

// What is known of executors of one shape.
struct ShapeHistory {
  std::uint32_t id = 0;
  bool proven = false;            // an application of it ended with a sampled executor
  bool peak_raise_spent = false;  // growth guard: a high peak raised it, and no OOM since
  Shape shape;
  DecayingHistogram peaks;       // of ended executors
  std::uint64_t sealed = 0;      // how many peaks are in it, however light by now
  base::Bytes largest_limit{};   // under which executors of this shape ran
  base::Bytes raised_to{};       // growth guard: what evidence raised it to
  base::Bytes least_overhead{};  // that an OOM asked for
  ExecutorSize submitted{};      // of the latest executor
  base::Bytes request{};         // of the latest executor
};

// What OOMs asked for: a pair, so that heap and overhead are both at least what failed.
struct OomFloor {
  base::Bytes heap;      // 0: the dead executor did not show one
  base::Bytes overhead;  // all of it where the heap is unknown
  OomKind kind = OomKind::kContainer;
  ExecutorSize dead;  // the size of the executor whose OOM decided
  double factor = 0;  // its size (or heap) was multiplied by
  base::Time at{};    // of the latest OOM that set or restarted it
  ApplicationId application;
  std::uint32_t clean = 0;           // later applications without an OOM at limits ≥ Total()
  std::uint32_t clean_any_size = 0;  // later applications without an OOM

  [[nodiscard]] base::Bytes Total() const { return heap + overhead; }
};

// Σ over ended executors of lifetime × (submitted request − target in force when it started),
// GiB·h. Each executor counts in one of the three.
struct Savings {
  double possible = 0;  // of executors that had the size that was submitted
  double realised = 0;  // of executors that were sized by us
  double extra = 0;     // where the target was above the request; not negative
};

// Counters over the key's whole life.
struct ObservedTotals {
  std::uint64_t applications = 0;
  std::uint64_t executors = 0;
  std::array<std::uint64_t, 3> coverage{};  // by Coverage
  std::uint64_t container_ooms = 0;
  std::uint64_t heap_ooms = 0;
  std::uint64_t unknown_ends = 0;  // containers of which nothing tells why they ended
  base::Bytes peak;                // the highest of all sampled executors, 0: none
  std::optional<base::Time> last_sample;
  std::optional<base::Time> last_oom;
  Savings savings;
};

// Tells runs apart: of an application's id.
std::uint32_t RunId(std::string_view application);

// Runs as far as summaries tell, for a history that was written before there were any.
std::vector<Run> RunsOf(const std::vector<ApplicationSummary>& applications);

class KeyHistory {
 public:
  static constexpr std::size_t kApplications = 16;
  static constexpr std::size_t kShapes = 4;  // the latest in use

  KeyHistory(Key key, base::Duration half_life);

  // A new executor, not sampled yet. Starts its application if that is new; then earlier
  // applications without an executor are ended. REQUIRES: no executor of that UID. The reference is
  // valid until Seal.
  Executor& Start(const std::string& uid, Executor executor, base::Time now);

  // The executor's container is known to have run under its limit.
  void Ran(Executor& executor);

  // One usage sample; one of an executor that is not comparable is left out.
  void AddSample(Executor& executor, base::Bytes working_set, base::Time timestamp);

  // The executor died of an OOM: its peak is at least the limit where the container was killed.
  void AddOom(Executor& executor, OomKind kind, base::Time at);

  // A container of it ended, and nothing tells why: counted, and no more.
  void AddUnknownEnd() { ++totals_.unknown_ends; }

  void End(Executor& executor, base::Time at);

  // Moves an ended executor's peak into the histogram and its run; what that changed among the
  // runs, nothing where it had no peak. Call once, when late samples are over.
  std::optional<RunChange> Seal(const std::string& uid);

  // The application is over (its driver is gone, or it had no executor for long). Idempotent.
  void EndApplication(std::string_view id);

  [[nodiscard]] const Key& GetKey() const { return key_; }
  [[nodiscard]] const ObservedTotals& Totals() const { return totals_; }
  [[nodiscard]] const std::vector<ApplicationSummary>& Applications() const { return ring_; }
  [[nodiscard]] const AdviceBook& PastAdvice() const { return advice_; }
  [[nodiscard]] const std::unordered_map<std::string, Executor>& Executors() const {
    return executors_;
  }
  [[nodiscard]] const ApplicationSummary* FindApplication(std::string_view id) const;

  // The shape of the latest application; null before the first executor.
  [[nodiscard]] const ShapeHistory* CurrentShape() const;
  // The job's shape changed, and no application of the new one has ended with a sampled executor.
  [[nodiscard]] bool ShapeIsNew() const { return shapes_.size() > 1 && !shapes_.back().proven; }
  [[nodiscard]] ShapeHistory* FindShape(std::uint32_t id);

  // The peaks that count now, live executors included: those of the current shape once it is
  // proven, else of all shapes.
  [[nodiscard]] DecayingHistogram Peaks() const;
  // The runs that count now, live executors included.
  [[nodiscard]] std::vector<Run> Runs() const;
  // Those of ended executors, of all shapes.
  [[nodiscard]] const RunRing& EndedRuns() const { return runs_; }
  // Those whose driver told of executors that ended without an OOM; of all shapes.
  [[nodiscard]] const HeapRunRing& HeapRuns() const { return heap_runs_; }
  // How many executors' peaks those are.
  [[nodiscard]] std::uint64_t PeakCount() const;
  // The largest peak of the applications in the ring, of the shapes that count; 0: none.
  [[nodiscard]] base::Bytes LargestPeak() const;

  std::optional<OomFloor> floor;

  // The target in force, noted for an application that is about to start.
  void NoteReference(const std::string& application, base::Bytes target);
  void NoteOomStep(const std::string& application);
  void SetHalfLife(base::Duration half_life);
  [[nodiscard]] base::Duration HalfLife() const { return half_life_; }

  // Everything but the key and the floor, for a checkpoint.
  struct State {
    ObservedTotals totals;
    std::vector<ApplicationSummary> applications;
    std::vector<ShapeHistory> shapes;
    std::vector<Run> runs;  // oldest first
    std::unordered_map<std::string, Executor> executors;
    std::uint32_t next_shape_id = 1;
    AdviceBook advice;
    std::vector<HeapRun> heap_runs;  // oldest first
  };
  [[nodiscard]] State Save() const;
  // False, and unchanged, where the state contradicts itself. REQUIRES: its histograms have this
  // history's half-life.
  [[nodiscard]] bool Load(State state);
  [[nodiscard]] Executor* FindExecutor(const std::string& uid);

 private:
  void NotePeak(const Executor& executor, ApplicationSummary* application);
  void CountSavings(const Executor& executor);
  ApplicationSummary* Find(std::string_view id);
  ApplicationSummary& StartApplication(const Executor& executor, base::Time now);
  std::uint32_t UseShape(const Executor& executor);
  void EndIdleApplications();
  void CountIfDone(ApplicationSummary& application);
  void JudgeIfOver(std::string_view application);
  void LoadAdvice(const AdviceBook& saved);
  void TrimRing();
  [[nodiscard]] bool Counts(std::uint32_t shape_id) const;

  Key key_;
  base::Duration half_life_;
  ObservedTotals totals_;
  std::vector<ApplicationSummary> ring_;  // oldest first
  std::vector<ShapeHistory> shapes_;      // least recently started first; the last is current
  RunRing runs_;
  HeapRunRing heap_runs_;
  std::unordered_map<std::string, Executor> executors_;
  std::uint32_t next_shape_id_ = 1;
  AdviceBook advice_;
};

}  // namespace sparkfit::model
