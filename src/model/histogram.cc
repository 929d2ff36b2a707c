// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/model/histogram.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace sparkfit::model {
namespace {

// Weights are kept relative to a reference time; once a sample is this many half-lives later, the
// reference moves, so that 2^n stays far from overflow (VPA's maxDecayExponent).
constexpr int kLongestExponent = 100;

// The multiple of half_life nearest to `time`, half up, as Go's Time.Round.
base::Time RoundToHalfLife(base::Time time, base::Duration half_life) {
  const auto since = time.time_since_epoch();
  auto below = since - since % half_life;
  if (below > since) below -= half_life;  // % truncates; before 1970 that is upwards
  const auto rest = since - below;
  return base::Time(rest + rest < half_life ? below : below + half_life);
}

}  // namespace

Buckets Buckets::Exponential(double max, double first, double ratio, double epsilon) {
  assert(max > 0 && first > 0 && ratio > 1);
  const auto count = static_cast<std::size_t>(
                         std::ceil(std::log(max * (ratio - 1) / first + 1) / std::log(ratio))) +
                     1;
  std::vector<double> starts(count);
  for (std::size_t n = 0; n < count; ++n) {
    starts[n] = n == 0 ? 0.0 : first * (std::pow(ratio, static_cast<double>(n)) - 1) / (ratio - 1);
  }
  return {std::move(starts), first, ratio, epsilon};
}

Buckets Buckets::Linear(double max, double size, double epsilon) {
  assert(max > 0 && size > 0);
  const auto count = static_cast<std::size_t>(std::ceil(max / size)) + 1;
  std::vector<double> starts(count);
  for (std::size_t n = 0; n < count; ++n) starts[n] = static_cast<double>(n) * size;
  return {std::move(starts), size, 1.0, epsilon};
}

std::size_t Buckets::Find(double value) const {
  if (!(value >= first_)) return 0;
  const double position = ratio_ == 1.0
                              ? value / first_
                              : std::log(value * (ratio_ - 1) / first_ + 1) / std::log(ratio_);
  const double last = static_cast<double>(Count() - 1);
  return static_cast<std::size_t>(std::min(std::floor(position), last));
}

const Buckets& MemoryBuckets() {
  static const Buckets buckets = Buckets::Exponential(1e12, 1e7, 1.05, 1e-4);
  return buckets;
}

DecayingHistogram::DecayingHistogram(const Buckets& buckets, base::Duration half_life)
    : buckets_(&buckets),
      half_life_(half_life),
      reference_(base::Time::min()),
      newest_(base::Time::min()),
      min_(buckets.Count()) {
  assert(half_life > base::Duration(0));
}

void DecayingHistogram::Add(double value, double weight, base::Time time) {
  assert(weight >= 0);
  newest_ = std::max(newest_, time);
  AddToBucket(buckets_->Find(value), weight * DecayFactor(time));
}

double DecayingHistogram::DecayFactor(base::Time time) {
  if (reference_ == base::Time::min() || time > reference_ + kLongestExponent * half_life_) {
    MoveReference(RoundToHalfLife(time, half_life_));
  }
  return std::exp2(static_cast<double>((time - reference_).count()) /
                   static_cast<double>(half_life_.count()));
}

// Widens the window of kept buckets, to the exact size: it happens seldom, and thousands of
// histograms rest in memory.
void DecayingHistogram::CoverBucket(std::size_t bucket) {
  const std::size_t end = first_ + weights_.size();
  if (bucket >= first_ && bucket < end) return;
  const std::size_t from = weights_.empty() ? bucket : std::min(first_, bucket);
  const std::size_t to = weights_.empty() ? bucket + 1 : std::max(end, bucket + 1);
  std::vector<double> wider(to - from, 0.0);
  if (!weights_.empty()) {
    std::copy(weights_.begin(), weights_.end(),
              wider.begin() + static_cast<std::ptrdiff_t>(first_ - from));
  }
  weights_ = std::move(wider);
  first_ = from;
}

void DecayingHistogram::AddToBucket(std::size_t bucket, double weight) {
  CoverBucket(bucket);
  double& sum = weights_[bucket - first_];
  sum += weight;
  total_ += weight;
  if (sum >= buckets_->Epsilon()) {
    min_ = std::min(min_, bucket);
    max_ = std::max(max_, bucket);
  }
}

void DecayingHistogram::Merge(const DecayingHistogram& other) {
  assert(buckets_ == other.buckets_ && half_life_ == other.half_life_);
  if (other.weights_.empty()) return;
  if (reference_ < other.reference_) MoveReference(other.reference_);
  newest_ = std::max(newest_, other.newest_);
  const double factor = DecayFactor(other.reference_);
  for (std::size_t i = 0; i < other.weights_.size(); ++i) {
    if (other.weights_[i] > 0) AddToBucket(other.first_ + i, other.weights_[i] * factor);
  }
}

void DecayingHistogram::MoveReference(base::Time reference) {
  if (!weights_.empty()) {
    const double factor = std::exp2(static_cast<double>((reference_ - reference).count()) /
                                    static_cast<double>(half_life_.count()));
    for (double& weight : weights_) weight *= factor;
    total_ *= factor;
  }
  reference_ = reference;
  FindHeavyRange();
}

void DecayingHistogram::FindHeavyRange() {
  min_ = buckets_->Count();
  max_ = 0;
  for (std::size_t i = 0; i < weights_.size(); ++i) {
    if (weights_[i] < buckets_->Epsilon()) continue;
    min_ = std::min(min_, first_ + i);
    max_ = std::max(max_, first_ + i);
  }
}

bool DecayingHistogram::Empty() const { return min_ > max_; }

double DecayingHistogram::Percentile(double p) const {
  if (Empty()) return 0;
  const double threshold = std::clamp(p, 0.0, 1.0) * total_;
  double sum = 0;
  std::size_t bucket = min_;
  for (; bucket < max_; ++bucket) {
    sum += weights_[bucket - first_];
    if (sum >= threshold) break;
  }
  return buckets_->Start(std::min(bucket + 1, buckets_->Count() - 1));
}

void DecayingHistogram::SetHalfLife(base::Duration half_life) {
  if (half_life == half_life_) return;
  if (!weights_.empty()) MoveReference(newest_);
  half_life_ = half_life;
}

DecayingHistogram::State DecayingHistogram::Save() const {
  return {reference_, newest_, first_, weights_, total_};
}

bool DecayingHistogram::Load(const State& state) {
  if (state.weights.size() > buckets_->Count() ||
      state.first > buckets_->Count() - state.weights.size()) {
    return false;
  }
  double sum = 0;
  for (const double weight : state.weights) {
    if (!(weight >= 0) || !std::isfinite(weight)) return false;
    sum += weight;
  }
  if (!(std::abs(sum - state.total) <= 1e-6 * sum)) return false;
  reference_ = state.reference;
  newest_ = state.newest;
  first_ = state.first;
  weights_ = state.weights;
  total_ = state.total;
  FindHeavyRange();
  return true;
}

}  // namespace sparkfit::model
