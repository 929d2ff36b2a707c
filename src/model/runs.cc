// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/model/runs.h"

#include <cmath>
#include <limits>
#include <tuple>

namespace sparkfit::model {
namespace {

// Ratios of peaks below this say nothing about executors.
constexpr base::Bytes kSmallestPeak = base::MiB(1);
// How many runs the ring grows by.
constexpr std::size_t kStep = 8;
// exp(40) is beyond any ratio of amounts.
constexpr std::uint32_t kLargestRecord = 40'000'000;
// 317 executor years. The sum over thousands of members with 40 runs each fits.
constexpr base::Duration kLongestLifetimes{10'000'000'000'000};

constexpr std::uint32_t kMostExecutors = std::numeric_limits<std::uint16_t>::max();
constexpr std::uint32_t kMostShapes = std::numeric_limits<std::uint16_t>::max();

double AtLeastSmallest(float peak) {
  return std::max(static_cast<double>(peak), static_cast<double>(kSmallestPeak.value));
}

float RoundedUp(base::Bytes bytes) {
  const auto exact = static_cast<double>(bytes.value);
  const auto nearest = static_cast<float>(exact);
  return nearest < exact ? std::nextafter(nearest, std::numeric_limits<float>::max()) : nearest;
}

}  // namespace

RunRing::Packed::Packed(const Run& run)
    : application(run.application),
      record(run.record),
      peak(RoundedUp(run.peak)),
      used(RoundedUp(run.used)),
      lifetimes(static_cast<float>(run.lifetimes.count())),
      executors(static_cast<std::uint16_t>(run.executors)),
      shape_id(static_cast<std::uint16_t>(run.shape_id)),
      often(run.often) {}

RunChange RunRing::Add(std::uint32_t application, std::uint32_t shape_id, const RunPeak& peak,
                       base::Duration lifetime) {
  shape_id = std::min(shape_id, kMostShapes);
  auto place = std::find_if(runs_.begin(), runs_.end(), [&](const Packed& run) {
    return run.application == application && run.shape_id == shape_id;
  });
  RunChange change;
  Run run;
  run.application = application;
  run.shape_id = shape_id;
  if (place != runs_.end()) {
    run = place->Unpacked();
    change.before = run;
  } else {
    if (runs_.size() == kRuns) {
      change.before = runs_.front().Unpacked();
      runs_.erase(runs_.begin());
    }
    // Thousands of keys rest in memory: no doubling.
    if (runs_.size() == runs_.capacity()) runs_.reserve(runs_.size() + kStep);
    place = runs_.insert(runs_.end(), Packed(run));
  }
  if (run.executors < kMostExecutors) {
    ++run.executors;
    run.lifetimes = std::min(run.lifetimes + lifetime, kLongestLifetimes);
  }
  run.used = std::max(run.used, peak.used);
  run.often = run.often || peak.often;
  if (peak.peak > run.peak) {
    run.peak = peak.peak;
    run.record = RecordAt(*place, peak.peak);
  }
  *place = Packed(run);
  change.after = place->Unpacked();
  return change;
}

std::uint32_t RunRing::RecordAt(const Packed& place, base::Bytes peak) const {
  float largest = 0;
  for (const auto& other : runs_) {
    if (&other != &place && other.shape_id == place.shape_id) {
      largest = std::max(largest, other.peak);
    }
  }
  if (largest == 0) return 0;
  const double ratio = AtLeastSmallest(RoundedUp(peak)) / AtLeastSmallest(largest);
  return ratio <= 1 ? 0 : static_cast<std::uint32_t>(std::lround(std::log(ratio) * 1e6));
}

std::vector<Run> RunRing::Runs() const {
  std::vector<Run> runs;
  runs.reserve(runs_.size());
  for (const auto& run : runs_) runs.push_back(run.Unpacked());
  return runs;
}

bool RunRing::Load(const std::vector<Run>& runs) {
  const bool good = std::all_of(runs.begin(), runs.end(), [](const Run& run) {
    return run.executors > 0 && run.executors <= kMostExecutors && run.shape_id <= kMostShapes &&
           run.peak.value > 0 && run.peak <= base::kLargestPlausible && run.used.value >= 0 &&
           run.used <= base::kLargestPlausible && run.lifetimes.count() >= 0 &&
           run.lifetimes <= kLongestLifetimes && run.record <= kLargestRecord;
  });
  if (!good || runs.size() > kRuns) return false;
  runs_.clear();
  runs_.reserve(runs.size());
  for (const auto& run : runs) runs_.emplace_back(run);
  return true;
}

const Buckets& FamilyBuckets() {
  static const auto buckets =
      Buckets::Exponential(static_cast<double>(base::kLargestPlausible.value), 1e5, 1.01, 0);
  return buckets;
}

void FamilyRuns::Join(const std::vector<Run>& runs, std::uint32_t shape_id) {
  ++members_;
  for (const auto& run : runs) Count(run, shape_id, 1);
}

void FamilyRuns::Leave(const std::vector<Run>& runs, std::uint32_t shape_id) {
  --members_;
  for (const auto& run : runs) Count(run, shape_id, -1);
}

void FamilyRuns::Apply(const RunChange& change, std::uint32_t shape_id) {
  if (change.before) Count(*change.before, shape_id, -1);
  Count(change.after, shape_id, 1);
}

void FamilyRuns::Count(const Run& run, std::uint32_t shape_id, int sign) {
  if (run.shape_id != shape_id) return;
  const auto& buckets = FamilyBuckets();
  // The last one only ends the one before it.
  const auto bucket =
      std::min(buckets.Find(static_cast<double>(run.peak.value)), buckets.Count() - 2);
  if (bucket >= peaks_.size()) peaks_.resize(bucket + 1);
  peaks_[bucket] += static_cast<std::uint32_t>(sign);
  runs_ += sign;
  executors_ += sign * static_cast<std::int64_t>(run.executors);
  lifetimes_ += sign * run.lifetimes;
  if (run.record == 0) return;
  records_ += sign;
  record_sum_ += sign * static_cast<std::int64_t>(run.record);
}

std::size_t FamilyRuns::HighestBucket() const {
  auto bucket = peaks_.size() - 1;
  while (bucket > 0 && peaks_[bucket] == 0) --bucket;
  return bucket;
}

bool operator==(const FamilyRuns& a, const FamilyRuns& b) {
  const auto numbers = [](const FamilyRuns& f) {
    return std::tuple(f.members_, f.runs_, f.executors_, f.records_, f.record_sum_, f.lifetimes_);
  };
  const auto& [shorter, longer] = std::minmax(
      a.peaks_, b.peaks_, [](const auto& x, const auto& y) { return x.size() < y.size(); });
  return numbers(a) == numbers(b) && std::equal(shorter.begin(), shorter.end(), longer.begin()) &&
         std::all_of(longer.begin() + static_cast<std::ptrdiff_t>(shorter.size()), longer.end(),
                     [](std::uint32_t count) { return count == 0; });
}

}  // namespace sparkfit::model
