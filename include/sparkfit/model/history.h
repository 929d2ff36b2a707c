// SPDX-License-Identifier: Apache-2.0
//
// What is remembered of one key: how much memory its executors needed, run by run.
//
//   applications   a ring of summaries of the 16 latest, running ones included; of those that run
//                  128 at most
//   shapes         per shape a decaying histogram of the peaks of *ended* executors, and a bracket
//                  for each part of their memory: what was too small, what went well (bracket.h)
//   runs           of the latest 40 the peak and how long executors lived (runs.h)
//   executors      an overlay of peaks by pod UID: live executors, and ended ones until sealed
//
// Invariants: nothing is ever subtracted; the same events in any batching give the same history;
// an executor's peak enters the histogram exactly once, when it is sealed. Times are arguments;
// nothing here reads a clock. Not safe for concurrent use.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "sparkfit/base/bytes.h"
#include "sparkfit/base/time.h"
#include "sparkfit/model/accuracy.h"
#include "sparkfit/model/application_id.h"
#include "sparkfit/model/bracket.h"
#include "sparkfit/model/conduct.h"
#include "sparkfit/model/driver_reading.h"
#include "sparkfit/model/ending.h"
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
  base::Time resized{};    // when it got its size, where that was changed in place; else unset
  bool ran = false;        // a container of it was started
  bool comparable = true;  // of the shape of its application's first executor; else not sampled,
                           // and it teaches nothing
  bool lost = false;       // it ended before its driver wanted it to, whatever the cause
  std::optional<OomKind> oom;  // that it died of
  std::optional<base::Time> ended;

  ExecutorSize advised;                 // in force when it was first seen; limit 0: nothing
  base::Bytes target_request_at_start;  // the request that goes with it
  base::Bytes peak;  // highest working set; of one that died of a container OOM at least its limit
  base::Bytes used;  // highest working set of all samples
  base::Bytes last_used;  // working set of the latest one
  base::Time last_sample{};
  std::uint8_t samples = 0;             // distinct timestamps, counted up to 3
  std::array<base::Time, 3> seen = {};  // those timestamps
  std::uint32_t shape_id = 0;
  std::uint32_t run = 0;      // its ApplicationSummary's number; 0: no run is remembered for it
  std::optional<Part> trial;  // this part of it is smaller than any run went well with

  // By its driver, the latest; null: nothing. Not in a checkpoint: the next one says it all again.
  std::shared_ptr<const ExecutorReading> told;
  base::Time told_at{};

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

// By pod UID. In this order they are summed up, as floating-point sums depend on theirs.
using ExecutorMap = std::map<std::string, Executor, std::less<>>;

// How a run's driver ended.
enum class Outcome : std::uint8_t {
  kUnseen,       // no driver pod is known: it may run outside of the cluster
  kSucceeded,    // phase Succeeded
  kFailed,       // phase Failed
  kInterrupted,  // it was deleted before it showed how it ended
};

// One run of the job. Every key has sixteen.
struct ApplicationSummary {
  ApplicationId id;
  base::Time started{};     // its first executor was seen
  base::Time idle_since{};  // its last executor ended; counts where none is alive
  base::Bytes peak;
  base::Bytes used;   // the highest working set of its executors; 0: none
  ExecutorSize size;  // of its first executor that ran; limit 0: none did
  // Σ of the time that its executors had that size, and another one; those of other shapes and on
  // trial are left out.
  std::chrono::duration<float> at_size{};
  std::chrono::duration<float> elsewhere{};
  std::uint32_t number = 0;  // among all of its key, from 1; not in a checkpoint
  std::uint32_t shape_id = 0;
  std::uint32_t executors = 0;
  std::uint32_t alive = 0;
  std::uint32_t unsealed = 0;  // executors that may still be sampled
  std::uint32_t ooms = 0;
  std::uint32_t lost = 0;      // executors that ended before their driver wanted them to
  std::uint8_t oom_steps = 0;  // in-run escalation: steps taken
  Outcome outcome = Outcome::kUnseen;
  bool ended = false;
  bool sampled = false;   // an executor of it was
  bool counted = false;   // ended with a sampled executor, and taken into account
  bool finished = false;  // nothing more can come of it
  bool often = false;     // an executor of it was sampled often

  // It tells which size is enough: it is over, its driver did not fail, no executor was lost,
  // at least 90 % of their lifetimes were spent at one size, none used more than that, and one was
  // sampled often.
  [[nodiscard]] bool WentWell() const;
};

// What is known of executors of one shape.
struct ShapeHistory {
  std::uint32_t id = 0;
  bool proven = false;  // an application of it ended with a sampled executor
  Shape shape;
  DecayingHistogram peaks;      // of ended executors
  std::uint64_t sealed = 0;     // how many peaks are in it, however light by now
  base::Bytes largest_limit{};  // under which executors of this shape ran
  ExecutorSize submitted{};     // of the latest executor
  base::Bytes request{};        // of the latest executor
  // The smallest size that a run went well with, since the job is submitted as it is now and since
  // an executor died of as little. Limit 0: none.
  ExecutorSize well{};
  ExecutorSize before{};      // what each part of that was before its latest trial that went well
  bool tried = false;         // `well` is by a trial
  bool before_tried = false;  // likewise `before`
  // A smaller one that did well on trial and is not everybody's yet; limit 0: none. Executors that
  // had it did as much work as so many whole runs.
  ExecutorSize candidate{};
  double exposure = 0;
  Work work{};  // the most that a run had to do, of those that these sizes are meant for
  std::array<Bracket, 2> brackets{};  // by Part

  [[nodiscard]] Bracket& Of(Part part) { return brackets[static_cast<std::size_t>(part)]; }
  [[nodiscard]] const Bracket& Of(Part part) const {
    return brackets[static_cast<std::size_t>(part)];
  }
  // Whether an executor that died asks for more of some part.
  [[nodiscard]] bool AsksForMore() const;
  // An executor of `dead` died for want of a part, which is at least `next` from now on; 0: it was
  // on trial, and the others do well.
  void Killed(Part part, const ExecutorSize& dead, base::Bytes next);
  // An executor died with `limit`, which had become less than its heap: that is too little in all.
  void KilledBelowHeap(base::Bytes limit, const ExecutorSize& as_submitted);
  // A run of it went well.
  void WentWell(const ExecutorSize& size, base::Bytes used);
  // An executor with `size`, less of a part than any run went well with, did well or badly, and
  // `share` of the run's work. `next` is what executors are given after it did well.
  void TriedWell(Part part, const ExecutorSize& size, const ExecutorSize& next, double share);
  // The candidate is everybody's. REQUIRES: there is one.
  void PutInForce();
  // A run has so many times as much to do as those that sizes by trial were meant for.
  void Grow(double times);
  void TriedTooSmall(Part part, const ExecutorSize& size);
  // The job has much less to do than when parts were too small.
  void ForgetTooSmall();
  // The job is submitted with another size.
  void ForgetSizes();
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

// A run that is over, with what is told of its executors: those on trial, and the others.
struct FinishedRun {
  ApplicationSummary summary;
  Conduct others;
  Conduct tried;
  std::optional<Part> part;  // that was tried
  ExecutorSize tried_size;
  bool tried_lost = false;     // one of them was
  bool tried_resized = false;  // … in place, so that it says nothing of a size
};

// Tells runs apart: of an application's id.
std::uint32_t RunId(std::string_view application);

// Runs as far as summaries tell, for a history that was written before there were any.
std::vector<Run> RunsOf(const std::vector<ApplicationSummary>& applications);

class KeyHistory {
 public:
  static constexpr std::size_t kApplications = 16;
  static constexpr std::size_t kShapes = 4;  // the latest in use
  // Whatever is done for an event takes a look at each application of the key. So many are
  // remembered at a time; of more that run at once executors count, but nothing is told of their
  // run.
  static constexpr std::size_t kMostApplications = 128;

  KeyHistory(Key key, base::Duration half_life);

  // A new executor, not sampled yet. Starts its application if that is new; then earlier
  // applications without an executor are ended. REQUIRES: no executor of that UID. The reference is
  // valid until Seal.
  Executor& Start(const std::string& uid, Executor executor, base::Time now);

  // The executor's container is known to have run under its limit.
  void Ran(Executor& executor);

  // It has another size from `now` on. One that ended keeps what it had.
  void Resize(Executor& executor, const ExecutorSize& size, base::Time now);

  // One usage sample; one of an executor that is not comparable is left out.
  void AddSample(Executor& executor, base::Bytes working_set, base::Time timestamp);

  // What its driver tells by now.
  void AddReading(Executor& executor, const ExecutorReading& reading, base::Time now);

  // The executor died of an OOM: its peak is at least the limit where the container was killed.
  void AddOom(Executor& executor, OomKind kind, base::Time at);

  // A container of it ended, and nothing tells why: counted, and no more.
  void AddUnknownEnd() { ++totals_.unknown_ends; }

  // `lost`: it ended before its driver wanted it to.
  void End(Executor& executor, base::Time at, bool lost = false);

  // Moves an ended executor's peak into the histogram and its run; what that changed among the
  // runs, nothing where it had no peak. Call once, when late samples are over.
  std::optional<RunChange> Seal(const std::string& uid);

  // The application is over (its driver is gone, or it had no executor for long). Idempotent but
  // for an outcome that was not seen before.
  void EndApplication(std::string_view id, Outcome outcome = Outcome::kUnseen);

  [[nodiscard]] const Key& GetKey() const { return key_; }
  [[nodiscard]] const ObservedTotals& Totals() const { return totals_; }
  [[nodiscard]] const std::vector<ApplicationSummary>& Applications() const { return ring_; }
  [[nodiscard]] const AdviceBook& PastAdvice() const { return advice_; }
  [[nodiscard]] const ExecutorMap& Executors() const { return executors_; }
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
  // How many executors' peaks those are.
  [[nodiscard]] std::uint64_t PeakCount() const;
  // The largest peak of the applications in the ring, of the shapes that count; 0: none.
  [[nodiscard]] base::Bytes LargestPeak() const;
  // The most that an executor of the runs that count used, live executors included; 0 where none of
  // them was sampled often, as then too little is known of what they used.
  [[nodiscard]] base::Bytes ProvenPeak() const;
  // The latest run that is over; null: none is.
  [[nodiscard]] const ApplicationSummary* LatestEnded() const;
  // It failed.
  [[nodiscard]] bool LatestFailed() const;
  // Of runs whose driver told, oldest first; of all shapes.
  [[nodiscard]] const std::vector<RunConduct>& Conducts() const { return conducts_; }
  void AddConduct(const RunConduct& conduct);
  // Runs of which nothing more can come, since this was last asked.
  std::vector<FinishedRun> TakeFinished() { return std::exchange(finished_, {}); }

  // The target in force when the latest application started; 0: none was.
  [[nodiscard]] base::Bytes Reference() const { return reference_; }
  void NoteReference(base::Bytes target) { reference_ = target; }
  void NoteOomStep(const std::string& application);
  void SetHalfLife(base::Duration half_life);
  [[nodiscard]] base::Duration HalfLife() const { return half_life_; }

  // Everything but the key, for a checkpoint.
  struct State {
    ObservedTotals totals;
    std::vector<ApplicationSummary> applications;
    std::vector<ShapeHistory> shapes;
    std::vector<Run> runs;  // oldest first
    ExecutorMap executors;
    std::uint32_t next_shape_id = 1;
    AdviceBook advice;
    std::vector<RunConduct> conducts;  // oldest first
    base::Bytes reference;
  };
  [[nodiscard]] State Save() const;
  // False, and unchanged, where the state contradicts itself. REQUIRES: its histograms have this
  // history's half-life.
  [[nodiscard]] bool Load(State state);
  [[nodiscard]] Executor* FindExecutor(const std::string& uid);

 private:
  void NoteLived(const Executor& executor, base::Time until);
  void NotePeak(const Executor& executor, ApplicationSummary* application);
  void CountSavings(const Executor& executor);
  ApplicationSummary* Find(std::string_view id);
  ApplicationSummary* RunOf(const Executor& executor);
  // Null where as many run as are remembered.
  ApplicationSummary* StartApplication(const Executor& executor, base::Time now);
  std::uint32_t UseShape(const Executor& executor);
  void EndIdleApplications();
  void CountIfDone(ApplicationSummary& application);
  void FinishIfOver(std::string_view application);
  void NoteConduct(const Executor& executor);
  // Forgets the oldest that are over. Those that still run stay beyond `most`.
  void TrimRing(std::size_t most);
  [[nodiscard]] bool Counts(std::uint32_t shape_id) const;

  Key key_;
  base::Duration half_life_;
  ObservedTotals totals_;
  std::vector<ApplicationSummary> ring_;  // oldest first
  std::vector<ShapeHistory> shapes_;      // least recently started first; the last is current
  RunRing runs_;
  ExecutorMap executors_;
  std::uint32_t next_shape_id_ = 1;
  std::uint32_t next_run_ = 1;
  AdviceBook advice_;
  std::vector<RunConduct> conducts_;
  base::Bytes reference_;
  std::map<std::string, FinishedRun> open_;  // what drivers told of runs that are not over
  std::vector<FinishedRun> finished_;
};

}  // namespace sparkfit::model
