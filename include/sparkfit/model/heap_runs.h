// SPDX-License-Identifier: Apache-2.0
//
// What drivers told of the latest runs of a key: how full the heap was, and what collecting cost.
#pragma once

#include <cstdint>
#include <vector>

#include "sparkfit/base/bytes.h"
#include "sparkfit/model/driver_reading.h"

namespace sparkfit::model {

// What is known of one executor's heap, as far as its driver told.
struct HeapUse {
  base::Bytes heap;          // that it has; 0: its driver told nothing of use
  base::Bytes heap_peak;     // in use at once, garbage included
  base::Bytes unified_peak;  // of it execution and storage memory
  base::Bytes storage_peak;  // of that what is cached
  base::Bytes unified_room;  // that they may have
  base::Bytes outside;       // of the heap, in the working set
  double collecting = 0;     // time in collections, as a share of the other time of its tasks

  friend bool operator==(const HeapUse&, const HeapUse&) = default;
};

// A run's neediest executors together: of each figure the highest among those that had its heap.
struct HeapRun {
  std::uint32_t application = 0;  // as in Run
  std::uint32_t shape_id = 0;
  HeapUse use;

  friend bool operator==(const HeapRun&, const HeapRun&) = default;
};

// The latest eight runs. Memory: 32 bytes each, and nothing where no driver told anything. Amounts
// are kept to 24 bits, collecting to 1/16,384 of its root. From the 65,536th shape of a key on none
// is the current one.
class HeapRunRing {
 public:
  static constexpr std::size_t kRuns = 8;

  // A run as it is kept.
  struct Packed {
    static constexpr double kCrowdSteps = 16'384;

    Packed() = default;
    explicit Packed(const HeapRun& run);
    [[nodiscard]] HeapRun Unpacked() const { return {application, shape_id, Use()}; }
    // Here, as recommendations unpack them all.
    [[nodiscard]] HeapUse Use() const {
      const auto amount = [](float value) { return base::Bytes{static_cast<std::int64_t>(value)}; };
      const double root = crowd / kCrowdSteps;
      return {.heap = amount(heap),
              .heap_peak = amount(heap_peak),
              .unified_peak = amount(unified_peak),
              .storage_peak = amount(storage_peak),
              .unified_room = amount(unified_room),
              .outside = amount(outside),
              .collecting = root * root};
    }

    std::uint32_t application = 0;
    std::uint16_t shape_id = 0;
    std::uint16_t crowd = 0;  // kCrowdSteps × √collecting: what is little is kept as finely
    float heap = 0;           // bytes, like all amounts
    float heap_peak = 0;
    float unified_peak = 0;
    float storage_peak = 0;
    float unified_room = 0;
    float outside = 0;
  };
  static_assert(sizeof(Packed) == 32);

  // One executor that ended. Where executors of a run have different heaps, those with the largest
  // count: the others are what it grew out of. REQUIRES: use.heap > 0.
  void Add(std::uint32_t application, std::uint32_t shape_id, const HeapUse& use);

  // Oldest first.
  [[nodiscard]] std::vector<HeapRun> Runs() const;
  [[nodiscard]] std::size_t Size() const { return runs_.size(); }
  // Null where there is none; valid until the ring changes.
  [[nodiscard]] const Packed* Find(std::uint32_t application, std::uint32_t shape_id) const;

  // False, and unchanged, where there are more than kRuns or one is none.
  [[nodiscard]] bool Load(const std::vector<HeapRun>& runs);

 private:
  std::vector<Packed> runs_;
};

}  // namespace sparkfit::model
