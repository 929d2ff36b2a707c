// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/model/heap_runs.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace sparkfit::model {
namespace {

float Packed24(base::Bytes bytes) { return static_cast<float>(bytes.value); }

constexpr std::uint16_t kMost16 = std::numeric_limits<std::uint16_t>::max();

std::uint16_t Packed16(double steps) {
  return steps < kMost16 ? static_cast<std::uint16_t>(std::lround(steps)) : kMost16;
}

bool IsAmount(base::Bytes bytes) { return bytes.value >= 0 && bytes <= base::kLargestPlausible; }

bool IsUse(const HeapUse& use) {
  return use.heap.value > 0 && IsAmount(use.heap) && IsAmount(use.heap_peak) &&
         IsAmount(use.unified_peak) && IsAmount(use.storage_peak) && IsAmount(use.unified_room) &&
         IsAmount(use.outside) && std::isfinite(use.collecting) && use.collecting >= 0;
}

void Raise(HeapUse& use, const HeapUse& by) {
  use.heap_peak = std::max(use.heap_peak, by.heap_peak);
  use.unified_peak = std::max(use.unified_peak, by.unified_peak);
  use.storage_peak = std::max(use.storage_peak, by.storage_peak);
  use.unified_room = std::max(use.unified_room, by.unified_room);
  use.outside = std::max(use.outside, by.outside);
  use.collecting = std::max(use.collecting, by.collecting);
}

}  // namespace

HeapRunRing::Packed::Packed(const HeapRun& run)
    : application(run.application),
      shape_id(static_cast<std::uint16_t>(std::min<std::uint32_t>(run.shape_id, kMost16))),
      crowd(Packed16(std::sqrt(run.use.collecting) * kCrowdSteps)),
      heap(Packed24(run.use.heap)),
      heap_peak(Packed24(run.use.heap_peak)),
      unified_peak(Packed24(run.use.unified_peak)),
      storage_peak(Packed24(run.use.storage_peak)),
      unified_room(Packed24(run.use.unified_room)),
      outside(Packed24(run.use.outside)) {}

void HeapRunRing::Add(std::uint32_t application, std::uint32_t shape_id, const HeapUse& use) {
  const auto known = std::find_if(runs_.rbegin(), runs_.rend(), [&](const Packed& run) {
    return run.application == application;
  });
  if (known == runs_.rend()) {
    if (runs_.size() == kRuns) runs_.erase(runs_.begin());
    if (runs_.empty()) runs_.reserve(kRuns);
    runs_.emplace_back(HeapRun{application, shape_id, use});
    return;
  }
  auto run = known->Unpacked();
  // The same heap packs to the same number.
  const float heap = Packed24(use.heap);
  if (heap < known->heap) return;
  if (heap > known->heap) {
    run.use = use;
  } else {
    Raise(run.use, use);
  }
  *known = Packed(run);
}

std::vector<HeapRun> HeapRunRing::Runs() const {
  std::vector<HeapRun> runs;
  runs.reserve(runs_.size());
  for (const auto& run : runs_) runs.push_back(run.Unpacked());
  return runs;
}

const HeapRunRing::Packed* HeapRunRing::Find(std::uint32_t application,
                                             std::uint32_t shape_id) const {
  const auto run = std::find_if(runs_.begin(), runs_.end(), [&](const Packed& candidate) {
    return candidate.application == application && candidate.shape_id == shape_id;
  });
  return run == runs_.end() ? nullptr : &*run;
}

bool HeapRunRing::Load(const std::vector<HeapRun>& runs) {
  const bool sound =
      runs.size() <= kRuns &&
      std::all_of(runs.begin(), runs.end(), [](const auto& run) { return IsUse(run.use); });
  if (!sound) return false;
  runs_.clear();
  if (!runs.empty()) runs_.reserve(kRuns);
  for (const auto& run : runs) runs_.emplace_back(run);
  return true;
}

}  // namespace sparkfit::model
