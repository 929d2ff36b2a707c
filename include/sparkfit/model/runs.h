// SPDX-License-Identifier: Apache-2.0
//
// What is remembered of single runs, for policies that forget by runs instead of by hours: of each
// of the latest 40 its largest executor and how long its executors lived.
//
// A key's runs are a ring; a family (related keys, used as a prior) is the sum of its members'
// rings, kept up to date from the changes that a ring reports. All sums are whole numbers, so that
// a family that was rebuilt from its members is the one that grew with them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "sparkfit/base/bytes.h"
#include "sparkfit/base/time.h"
#include "sparkfit/model/histogram.h"

namespace sparkfit::model {

// One run, as far as its executors have ended.
struct Run {
  std::uint32_t application = 0;  // tells runs apart: a hash of the application's id
  std::uint32_t shape_id = 0;
  std::uint32_t executors = 0;  // that are in it
  std::uint32_t record = 0;     // 10⁶ × ln of its peak to the largest of the others, where above
  base::Bytes peak;             // of its largest executor
  base::Bytes used;             // the highest working set of all samples; 0: there was none
  bool often = false;           // an executor of it was sampled often
  base::Duration lifetimes{};   // Σ over its executors

  friend bool operator==(const Run&, const Run&) = default;
};

// What an executor changed in a ring: a run that grew, or a new one and the oldest that fell out.
struct RunChange {
  std::optional<Run> before;
  Run after;
};

// What an executor adds to its run.
struct RunPeak {
  // Of an execution whose use is known: the peak.
  RunPeak(base::Bytes of_both) : peak(of_both), used(of_both) {}  // NOLINT: as good as one
  RunPeak(base::Bytes highest, base::Bytes sampled, bool sampled_often)
      : peak(highest), used(sampled), often(sampled_often) {}

  base::Bytes peak;
  base::Bytes used;   // 0: it was not sampled
  bool often = true;  // three times or more
};

// Memory: 28 bytes a run. Peaks and lifetimes are kept to 24 bits, peaks rounded up: what was
// enough before is enough again.
class RunRing {
 public:
  static constexpr std::size_t kRuns = 40;

  // One executor that ended. REQUIRES: peak > 0, lifetime ≥ 0. From the 65,536th executor of a run
  // on only peaks count; from the 65,535th shape of a key on all are one.
  RunChange Add(std::uint32_t application, std::uint32_t shape_id, const RunPeak& peak,
                base::Duration lifetime);

  // Oldest first.
  [[nodiscard]] std::vector<Run> Runs() const;
  [[nodiscard]] std::size_t Size() const { return runs_.size(); }
  // The latest has age 0. REQUIRES: age < Size().
  [[nodiscard]] Run Aged(std::size_t age) const { return runs_[runs_.size() - 1 - age].Unpacked(); }

  // False, and unchanged, where there are more than kRuns or one is none.
  [[nodiscard]] bool Load(const std::vector<Run>& runs);

 private:
  struct Packed {
    Packed() = default;
    explicit Packed(const Run& run);
    // Here, as recommendations unpack many.
    [[nodiscard]] Run Unpacked() const {
      return {.application = application,
              .shape_id = shape_id,
              .executors = executors,
              .record = record,
              .peak = {static_cast<std::int64_t>(peak)},
              .used = {static_cast<std::int64_t>(used)},
              .often = often,
              .lifetimes = base::Duration(static_cast<std::int64_t>(lifetimes))};
    }

    std::uint32_t application = 0;
    std::uint32_t record = 0;
    float peak = 0;       // bytes
    float used = 0;       // bytes
    float lifetimes = 0;  // ms
    std::uint16_t executors = 0;
    std::uint16_t shape_id = 0;
    bool often = false;
  };
  static_assert(sizeof(Packed) == 28);

  // What a peak of the run in this place would be as a record.
  [[nodiscard]] std::uint32_t RecordAt(const Packed& place, base::Bytes peak) const;

  std::vector<Packed> runs_;
};

// Finer than MemoryBuckets, 1 % instead of 5: a prior that is wrong by a bucket costs headroom.
const Buckets& FamilyBuckets();

// The runs of related keys. Memory: 4 bytes for each of FamilyBuckets up to the largest run.
class FamilyRuns {
 public:
  // A member takes part with its runs of one shape, in this family's sense the same for all.
  void Join(const std::vector<Run>& runs, std::uint32_t shape_id);
  // What became of a member's runs.
  void Apply(const RunChange& change, std::uint32_t shape_id);
  // REQUIRES: it joined with that shape, and these runs are what became of those.
  void Leave(const std::vector<Run>& runs, std::uint32_t shape_id);

  [[nodiscard]] std::int64_t Members() const { return members_; }
  [[nodiscard]] std::int64_t Runs() const { return runs_; }
  // By bucket of FamilyBuckets, the last but one at most; those above the largest run's may be
  // missing.
  [[nodiscard]] const std::vector<std::uint32_t>& PeakCounts() const { return peaks_; }
  // The bucket of the largest peak. REQUIRES: Runs() > 0.
  [[nodiscard]] std::size_t HighestBucket() const;
  // Σ over the executors of its runs.
  [[nodiscard]] base::Duration Lifetimes() const { return lifetimes_; }
  [[nodiscard]] std::int64_t Executors() const { return executors_; }
  // Runs above all others of their key, and Σ of ln of the ratios.
  [[nodiscard]] std::int64_t Records() const { return records_; }
  [[nodiscard]] double RecordSum() const { return static_cast<double>(record_sum_) / 1e6; }

  friend bool operator==(const FamilyRuns& a, const FamilyRuns& b);

 private:
  void Count(const Run& run, std::uint32_t shape_id, int sign);

  std::int64_t members_ = 0;
  std::int64_t runs_ = 0;
  std::int64_t executors_ = 0;
  std::int64_t records_ = 0;
  std::int64_t record_sum_ = 0;
  base::Duration lifetimes_{};
  std::vector<std::uint32_t> peaks_;
};

}  // namespace sparkfit::model
