// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/model/runs.h"

#include <cmath>
#include <tuple>

namespace sparkfit::model {
namespace {

// Ratios of peaks below this say nothing about executors.
constexpr base::Bytes kSmallestPeak = base::MiB(1);
// How many runs the ring grows by.
constexpr std::size_t kStep = 8;
// exp(40) is beyond any ratio of amounts.
constexpr std::uint32_t kLargestRecord = 40'000'000;
// 317 executor years. The sum over thousands of members with 64 runs each fits.
constexpr base::Duration kLongestLifetimes{10'000'000'000'000};

double AtLeastSmallest(base::Bytes peak) {
  return static_cast<double>(std::max(peak, kSmallestPeak).value);
}

}  // namespace

RunChange RunRing::Add(std::uint32_t application, std::uint32_t shape_id, base::Bytes peak,
                       base::Duration lifetime) {
  const auto known = std::find_if(runs_.begin(), runs_.end(), [&](const Run& run) {
    return run.application == application && run.shape_id == shape_id;
  });
  RunChange change;
  Run* run = nullptr;
  if (known != runs_.end()) {
    run = &*known;
    change.before = *run;
  } else {
    if (runs_.size() == kRuns) {
      change.before = runs_.front();
      runs_.erase(runs_.begin());
    }
    // Thousands of keys rest in memory: no doubling.
    if (runs_.size() == runs_.capacity()) runs_.reserve(runs_.size() + kStep);
    run = &runs_.emplace_back();
  }
  run->application = application;
  run->shape_id = shape_id;
  ++run->executors;
  run->lifetimes = std::min(run->lifetimes + lifetime, kLongestLifetimes);
  if (peak > run->peak) {
    run->peak = peak;
    run->record = RecordOf(*run);
  }
  change.after = *run;
  return change;
}

std::uint32_t RunRing::RecordOf(const Run& run) const {
  base::Bytes largest;
  for (const auto& other : runs_) {
    if (&other != &run && other.shape_id == run.shape_id) largest = std::max(largest, other.peak);
  }
  if (largest.value == 0) return 0;
  const double ratio = AtLeastSmallest(run.peak) / AtLeastSmallest(largest);
  return ratio <= 1 ? 0 : static_cast<std::uint32_t>(std::lround(std::log(ratio) * 1e6));
}

bool RunRing::Load(std::vector<Run> runs) {
  const bool good = std::all_of(runs.begin(), runs.end(), [](const Run& run) {
    return run.executors > 0 && run.peak.value > 0 && run.lifetimes.count() >= 0 &&
           run.lifetimes <= kLongestLifetimes && run.record <= kLargestRecord;
  });
  if (!good || runs.size() > kRuns) return false;
  runs_ = std::move(runs);
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
