// SPDX-License-Identifier: Apache-2.0
//
// One run of a job: its driver hands tasks to executors that share them, as Spark's scheduler does,
// and executors live or die by what their tasks need. Time is in seconds since the driver started.
#pragma once

#include <cstdint>
#include <optional>
#include <queue>
#include <utility>
#include <vector>

#include "sparkfit/simulation/closed_loop.h"
#include "sparkfit/simulation/profile.h"

namespace sparkfit::simulation {

// A task on an executor.
struct Attempt {
  std::uint32_t stage = 0;
  std::uint32_t task = 0;
  bool ripe = false;          // it holds all that it needs
  bool misses_block = false;  // and computes it anew
  TaskNeed need;
  double seconds = 0;     // with everything that holds it up
  double collecting = 0;  // of them
  double spilled = 0;     // MiB
};

// How an executor's life went out.
enum class Ending { kAlive, kHeapOom, kContainerOom, kDismissed };

struct Executor {
  std::uint32_t id = 0;  // spark-exec-id
  Size size;
  Temper temper;
  double created = 0;
  double ended = 0;
  Ending ending = Ending::kAlive;
  bool registered = false;
  double idle_since = 0;  // where no task runs

  std::vector<std::optional<Attempt>> cores;
  std::vector<std::uint64_t> tokens;  // of each core: tells its attempts apart
  std::vector<std::uint32_t> blocks;  // cached here, the oldest first

  // So far. MiB and seconds; busy and collecting of tasks that ended well.
  double allocated = 0;
  double native = 0;   // what Python workers or the allocator keep
  double outside = 0;  // of the heap, now
  double outside_peak = 0;
  double off_heap_peak = 0;  // of it what tasks sort and join in
  double touched = 0;        // of the heap
  double unified_peak = 0;
  double storage_peak = 0;
  double cached = 0;  // of a dead one what it held last
  double busy = 0;
  double collecting = 0;
  double spilled = 0;
  double input = 0;
  double shuffle_read = 0;
  std::uint64_t tasks_done = 0;
  std::uint64_t tasks_failed = 0;

  [[nodiscard]] bool Alive() const { return ending == Ending::kAlive; }
  [[nodiscard]] std::uint32_t Running() const;
};

// What a run is played in. Calls come in order of time.
class Surroundings {
 public:
  virtual ~Surroundings() = default;
  // The size that the executor with this id is created with, now.
  virtual model::ExecutorSize Admit(double now, std::uint32_t id) = 0;
  virtual void Created(double, const Executor&) {}
  virtual void Sampled(double, const Executor&) {}
  // The driver is asked about all its executors, the ended ones too.
  virtual void Asked(double, const std::vector<Executor>&) {}
  virtual void Ended(double, const Executor&) {}
  // Seconds between samples of an executor; nothing where nobody looks.
  [[nodiscard]] virtual std::optional<double> SampleEvery() const { return std::nullopt; }
};

// REQUIRES: sizes that show their heap, of 300 MiB at least.
class Run {
 public:
  // Both outlive it. What the run needs is `factor` times what the profile says.
  Run(const Profile& profile, std::uint32_t number, double factor, Surroundings& surroundings);

  RunResult Play();

  // After Play.
  [[nodiscard]] const std::vector<Executor>& Executors() const { return executors_; }
  // Tasks whose results are there.
  [[nodiscard]] std::uint64_t TasksDone() const;

 private:
  enum class Kind { kCreate, kRegister, kRipe, kDone, kSample, kAsk, kIdle };
  struct Event {
    double at;
    std::uint64_t order = 0;  // of equal times the first that was planned
    Kind kind = Kind::kCreate;
    std::uint32_t executor = 0;  // its place in executors_
    std::uint32_t core = 0;
    std::uint64_t token = 0;

    friend bool operator>(const Event& a, const Event& b) {
      return a.at != b.at ? a.at > b.at : a.order > b.order;
    }
  };
  // Where a stage's tasks stand.
  struct Progress {
    std::vector<std::int32_t> done_on;  // the executor's place; kPending, kRunning
    std::vector<std::uint8_t> failures;
    std::vector<std::uint32_t> pending;  // the next one last
    std::uint32_t done = 0;
    std::uint32_t attempts = 1;
  };

  using Place = std::pair<std::uint32_t, std::uint32_t>;  // an executor's, and the core

  void Plan(double at, Kind kind, std::uint32_t executor = 0, std::uint32_t core = 0,
            std::uint64_t token = 0);
  void Happen(const Event& event);
  void StartStage();
  void Request();
  void Create();
  void Dispatch();
  std::vector<Place> Given();
  bool Assign(std::uint32_t executor, std::uint32_t core);
  std::optional<std::pair<std::uint32_t, std::uint32_t>> NextTask();
  void Begin(std::uint32_t executor, std::uint32_t core);
  void Ripen(std::uint32_t executor, std::uint32_t core);
  void Finish(std::uint32_t executor, std::uint32_t core);
  void Store(std::uint32_t executor, const Attempt& attempt);
  bool Settle(std::uint32_t executor);
  void Lose(std::uint32_t executor, OomKind kind);
  void LoseTask(const Attempt& attempt);
  void LoseOutputs(std::uint32_t executor, std::uint32_t stage);
  void LoseBlocks(Executor& executor);
  void Dismiss(std::uint32_t executor);
  void Fail(Failure failure);
  [[nodiscard]] bool Useless(std::uint32_t executor, double since) const;
  [[nodiscard]] Collecting CollectingOf(const Executor& executor, const Attempt& attempt) const;
  [[nodiscard]] double OffHeapOf(const Executor& executor, bool ripe_only) const;
  [[nodiscard]] Asked AskedBy(const Executor& executor, bool ripe_only) const;
  [[nodiscard]] std::uint32_t Wanted() const;
  [[nodiscard]] bool Over() const;
  [[nodiscard]] bool MissesBlock(const Attempt& attempt) const;

  const Profile& profile_;
  std::uint32_t number_;
  double factor_;
  Surroundings& surroundings_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::uint64_t planned_ = 0;
  std::uint64_t offers_ = 0;
  double now_ = 0;

  std::vector<Executor> executors_;
  std::uint32_t alive_ = 0;
  std::uint32_t requested_ = 0;  // to be created
  std::uint32_t next_batch_ = 1;
  std::vector<Progress> stages_;
  std::uint32_t stage_ = 0;                // that is under way
  std::vector<std::int32_t> block_owner_;  // the executor's place
  std::uint32_t blocks_held_ = 0;
  RunResult result_;
};

}  // namespace sparkfit::simulation
