// SPDX-License-Identifier: Apache-2.0
//
// How good past advice was: the size that was in force when a run started, T in all, against what
// each of its executors i then needed, nᵢ, over its lifetime hᵢ.
//
// Need is what the executor used: its peak, and of each part at least what the other one cannot
// have held, or what its driver told. One that died of an OOM needed more of a part than it had.
// Not known is the need of one that was never sampled, and whether the advice would have done for
// one that died with less of the part. Executors of another shape than their run's are left out.
//
// An executor lacks a part where it needed more of it than was advised. Its need in all, nᵢ, is its
// peak, or T and what it lacked. A run is covered where no executor of it lacks anything: T ≥ n =
// max nᵢ. With H = Σ hᵢ, in GiB·h:
//
//   waste    Σ (T − nᵢ)·hᵢ of covered runs: allocated by the advice, and not used
//   missing  Σ max(0, nᵢ − T)·hᵢ of the others: what executors needed on top, at least
//   regret   cost of T less that of the smallest size for all executors of the run, which is known
//            only afterwards: (T − n)·H of covered runs; of the others T·Σ hᵢ over the executors
//            with nᵢ > T, whose attempts would have been lost (rule 5 of a backtest,
//            docs/formats.md)
//
// The waste of a part, in covered runs, is what was advised of it above the most that it can have
// held: at least so much was not needed.
//
// Runs as they were submitted are judged by what T would have done, runs that were sized by us by
// what it did; both are counted, apart.
#pragma once

#include <array>
#include <cstdint>
#include <forward_list>
#include <string>
#include <string_view>

#include "sparkfit/base/bytes.h"
#include "sparkfit/model/shape.h"

namespace sparkfit::model {

struct Executor;

double InGiB(base::Bytes amount);

enum class Verdict {
  kUnadvised,  // there was no target yet
  kUnknown,    // there was, but nobody knows what was needed
  kCovered,    // as far as its sampled executors tell
  kLacking,    // an executor needed more
};

// One run, as far as its executors are over.
struct RunAdvice {
  ExecutorSize advised;         // limit 0: none; without a heap it is judged in all
  base::Bytes need;             // the largest that is known; 0: none is
  bool sized = false;           // an executor of it had another size than it was submitted with
  bool unknown = false;         // an executor died with less than was advised
  std::uint32_t lacking = 0;    // executors that needed more than was advised
  double hours = 0;             // Σ lifetime of executors whose need is known
  double lacking_hours = 0;     // of those that needed more
  double over = 0;              // Σ (T − need) × lifetime of the others, GiB·h
  double under = 0;             // Σ (need − T) × lifetime of those that needed more, GiB·h
  std::array<bool, 2> lacks{};  // by Part: an executor needed more of it
  std::array<double, 2> part_over{};  // by Part: Σ at least so much × lifetime, GiB·h

  // REQUIRES: it has ended.
  void Add(const Executor& executor);
  [[nodiscard]] Verdict GetVerdict() const;

 private:
  void AddDead(const Executor& executor);
  void AddLived(const Executor& executor);
  void AddLacking(base::Bytes lacked, double lived);
};

// Sums over runs that are over, of a key's whole life: they only grow, as counters must, and how
// good recent advice was is their increase. Small, as every key has one.
struct Accuracy {
  struct Runs {
    std::uint32_t covered = 0;
    std::uint32_t lacking = 0;
    [[nodiscard]] std::uint64_t All() const { return std::uint64_t{covered} + lacking; }
  };
  Runs submitted;  // ran as they were submitted
  Runs sized;      // by us
  std::uint32_t unknown = 0;
  std::uint32_t unadvised = 0;
  double waste = 0;
  double missing = 0;
  double regret = 0;
  // By Part. One run may lack both, or neither alone.
  std::array<std::uint32_t, 2> lacking{};
  std::array<double, 2> part_waste{};

  [[nodiscard]] std::uint64_t Judged() const { return submitted.All() + sized.All(); }
  [[nodiscard]] std::uint64_t Covered() const {
    return std::uint64_t{submitted.covered} + sized.covered;
  }
  void Add(const RunAdvice& run);
  Accuracy& operator+=(const Accuracy& other);
};

// Judges the runs of one key as they end. Memory: a run is in it until it was judged, which is when
// it is over and late samples of its executors are too.
class AdviceBook {
 public:
  // Of more runs at a time the others are not judged: each is looked at for every executor.
  static constexpr std::size_t kMostOpen = 128;

  struct OpenRun {
    std::string application;
    std::uint32_t unsealed = 0;  // executors that are not in `advice` yet
    RunAdvice advice;
  };

  // An executor starts, with this advice in force, limit 0: none. It counts if the executor is the
  // first of its run; one that starts after the run was judged begins another.
  void Start(const std::string& application, const ExecutorSize& advised);
  // Late samples of it are over. REQUIRES: it was started.
  void Seal(const Executor& executor);
  // The run is over; judged if nothing more can come of it. Idempotent.
  void Judge(std::string_view application);

  [[nodiscard]] const Accuracy& Sums() const { return sums_; }
  // Runs that are not judged yet, in the order in which they started.
  [[nodiscard]] const std::forward_list<OpenRun>& Open() const { return open_; }

  // As a checkpoint has it, as far as there may be; `unsealed` is not believed but counted by
  // Start.
  void Load(const Accuracy& sums, std::forward_list<OpenRun> open);

 private:
  OpenRun* Find(std::string_view application);

  Accuracy sums_;
  std::forward_list<OpenRun> open_;
};

}  // namespace sparkfit::model
