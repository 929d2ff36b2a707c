// SPDX-License-Identifier: Apache-2.0
//
// A histogram whose samples lose half of their weight every half-life: the Vertical Pod
// Autoscaler's, number for number (kubernetes/autoscaler, vertical-pod-autoscaler/pkg/recommender/
// util/{histogram,decaying_histogram,histogram_options}.go).
//
// Decay is relative: weights grow with time (2^((t − reference) / half-life)) instead of shrinking,
// so percentiles change only when samples come, and never by time passing.
#pragma once

#include <cstddef>
#include <vector>

#include "sparkfit/base/bytes.h"
#include "sparkfit/base/time.h"

namespace sparkfit::model {

// How values are cut into buckets. Immutable; shared by all histograms that use it.
class Buckets {
 public:
  // Bucket n starts at first × (ratio^n − 1) / (ratio − 1). REQUIRES: max, first > 0; ratio > 1.
  static Buckets Exponential(double max, double first, double ratio, double epsilon);
  // Bucket n starts at n × size. REQUIRES: max, size > 0.
  static Buckets Linear(double max, double size, double epsilon);

  [[nodiscard]] std::size_t Count() const { return starts_.size(); }
  [[nodiscard]] double Start(std::size_t bucket) const { return starts_[bucket]; }
  // The bucket that holds `value`; the first for anything below it, the last for anything above.
  [[nodiscard]] std::size_t Find(double value) const;
  // A bucket lighter than this counts as empty.
  [[nodiscard]] double Epsilon() const { return epsilon_; }

 private:
  Buckets(std::vector<double> starts, double first, double ratio, double epsilon)
      : starts_(std::move(starts)), first_(first), ratio_(ratio), epsilon_(epsilon) {}

  std::vector<double> starts_;
  double first_;
  double ratio_;  // 1: linear
  double epsilon_;
};

// VPA's buckets for memory: 10^7 bytes the first, ratio 1.05, up to 10^12; 176 in all.
const Buckets& MemoryBuckets();

// Not safe for concurrent use. Memory: only the buckets between the lightest and the heaviest
// value seen are kept.
class DecayingHistogram {
 public:
  // REQUIRES: `buckets` outlives the histogram; half_life > 0.
  DecayingHistogram(const Buckets& buckets, base::Duration half_life);

  // REQUIRES: weight ≥ 0.
  void Add(double value, double weight, base::Time time);

  // Adds the samples of `other`, which is left alone. REQUIRES: same buckets and half-life.
  void Merge(const DecayingHistogram& other);

  // The upper edge of the bucket in which the weighted share `p` (clamped to [0, 1]) is reached;
  // the start of the last bucket for the last one; 0 for an empty histogram.
  [[nodiscard]] double Percentile(double p) const;

  [[nodiscard]] bool Empty() const;

  // From the newest sample on, samples decay at another rate; what was learnt keeps its
  // proportions.
  void SetHalfLife(base::Duration half_life);
  [[nodiscard]] base::Duration HalfLife() const { return half_life_; }

  // What a checkpoint stores: a window of weights, starting at bucket `first`, relative to
  // `reference`.
  struct State {
    base::Time reference{};
    base::Time newest{};
    std::size_t first = 0;
    std::vector<double> weights;
    double total = 0;
  };
  [[nodiscard]] State Save() const;
  // False, and unchanged, where the state is not one that Save can have made (a bucket that does
  // not exist, a weight that is negative or not a number, a total that is not the sum).
  [[nodiscard]] bool Load(const State& state);

 private:
  [[nodiscard]] double DecayFactor(base::Time time);
  void CoverBucket(std::size_t bucket);
  void AddToBucket(std::size_t bucket, double weight);
  void MoveReference(base::Time reference);
  void FindHeavyRange();

  const Buckets* buckets_;
  base::Duration half_life_;
  base::Time reference_;
  base::Time newest_;            // the latest sample's time
  std::size_t first_ = 0;        // the bucket of weights_[0]
  std::vector<double> weights_;  // contiguous
  double total_ = 0;
  // The range of buckets that weigh at least epsilon; min > max where there is none.
  std::size_t min_;
  std::size_t max_ = 0;
};

}  // namespace sparkfit::model
