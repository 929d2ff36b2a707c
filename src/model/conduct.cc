// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/model/conduct.h"

#include <algorithm>
#include <vector>

namespace sparkfit::model {
namespace {

using base::Duration;

// The sums of a reading are of the life until then: this share of it may be missing at the end.
bool Covers(const Conduct::Life& life, int missing_percent) {
  return life.ended - life.read <= (life.ended - life.created) * missing_percent / 100;
}

// A driver may tell anything: sums stay what an amount may be.
base::Bytes Sum(base::Bytes a, base::Bytes b) { return std::min(a + b, base::kLargestPlausible); }
std::int64_t Sum(std::int64_t a, std::int64_t b) {
  return std::min(a + b, base::kLargestPlausible.value);
}
Duration Sum(Duration a, Duration b) { return Duration(Sum(a.count(), b.count())); }

double ShareOf(base::Bytes room, base::Bytes used) {
  if (room.value <= 0) return 0;
  return static_cast<double>(used.value) / static_cast<double>(room.value);
}

double Seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

void Conduct::AddUntold(Duration life) {
  ++executors;
  longest = std::max(longest, life);
}

void Conduct::Add(const ExecutorReading& reading, const Life& life) {
  AddUntold(std::max(life.ended - life.created, Duration{}));
  // A dead executor's figures are its last ones, whenever they were read.
  if (Covers(life, 10) || reading.active == false) ++told;
  busy = Sum(busy, reading.busy);
  collecting = Sum(collecting, std::min(reading.collecting, reading.busy));
  tasks = Sum(tasks, reading.tasks_done.value_or(0));
  failed_tasks = Sum(failed_tasks, reading.tasks_failed.value_or(0));
  input = Sum(input, reading.input.value_or(base::Bytes{}));
  shuffle = Sum(shuffle, reading.shuffle_read.value_or(base::Bytes{}));
  stored = Sum(stored, reading.stored.value_or(base::Bytes{}));
  spilled = Sum(spilled, reading.spilled.value_or(base::Bytes{}));
  // Early in its life little of the heap is in use, and what came later would count as outside.
  if (!life.lost && reading.heap_peak.value > 0 && Covers(life, 10)) {
    outside = std::max(outside, life.used - reading.heap_peak);
  }
  fullest = std::max(fullest, ShareOf(reading.unified_room, reading.storage_peak));
  pressed = std::max(pressed, ShareOf(reading.unified_room, reading.unified_peak));
}

double Conduct::Collecting() const {
  return busy.count() > 0 ? Seconds(collecting) / Seconds(busy) : 0;
}

Work Work::Times(double factor) const {
  const auto times = [&](float amount) { return static_cast<float>(amount * factor); };
  return {times(input), times(shuffle), times(tasks)};
}

double Work::RatioTo(const Work& other) const {
  std::vector<double> ratios;
  const auto compare = [&](float mine, float others) {
    if (mine > 0 && others > 0) ratios.push_back(static_cast<double>(mine) / others);
  };
  compare(input, other.input);
  compare(shuffle, other.shuffle);
  compare(tasks, other.tasks);
  if (ratios.empty()) return 1;
  std::sort(ratios.begin(), ratios.end());
  return ratios[(ratios.size() - 1) / 2];
}

}  // namespace sparkfit::model
