// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/recommend/adaptive.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace sparkfit::recommend {
namespace {

using base::Bytes;
using model::FamilyRuns;
using model::Run;

// What an OOM costs: the failed attempt and its retry at twice the size, whatever the dial says,
// and for each unit of risk three more runs and a GB·minute.
constexpr double kRetryRuns = 2;
constexpr double kRiskRuns = 3;
constexpr double kRiskGigabyteHours = 1.0 / 60;
constexpr double kGB = 1e9;

// How far a new largest run goes beyond the largest known: 4 % before anything is known, which
// counts as two observations.
constexpr double kSpread = 0.04;
constexpr std::size_t kPriorGaps = 2;
// A key's own spread is in the gaps between its four largest runs; up to two still larger ones
// may be set aside as freaks.
constexpr std::size_t kLargest = 4;
constexpr std::size_t kMostFreaks = 2;
// … but none that is not larger than all of the latest four: it may be the new need.
constexpr std::size_t kSettled = 4;
// How often the latest sixteen runs set a record counts as much as sixteen times 1 in runs + 1.
constexpr std::size_t kTrend = 16;
// A family counts as this many runs of the key.
constexpr double kFamilyWeight = 12;

// Below this, ratios of peaks say nothing about executors.
constexpr Bytes kSmallestPeak = base::MiB(1);

// Headrooms to choose from: none, then 0.25 % doubling every other step, up to 3.6 times.
struct Headroom {
  double ln;
  double factor;
};
const std::array<Headroom, 20>& Headrooms() {
  static const auto headrooms = [] {
    std::array<Headroom, 20> all{{{0, 1}}};
    for (std::size_t i = 1; i < all.size(); ++i) {
      const double ln = 0.0025 * std::exp2(static_cast<double>(i - 1) / 2);
      all[i] = {ln, std::exp(ln)};
    }
    return all;
  }();
  return headrooms;
}

double Hours(base::Duration duration) {
  return std::chrono::duration<double, std::ratio<3600>>(duration).count();
}

// P(a new largest goes more than `excess` (ln) beyond the last): exponential, of a scale that is
// known from `observations` of mean gaps / observations.
double BeyondLargest(double excess, double gaps, std::size_t observations) {
  const double factor = 1 + excess / gaps;
  double power = 1;
  for (auto i = observations; i > 0; --i) power *= factor;
  return 1 / power;
}

// The chance that a run of the family exceeds a size. Asked for smaller and smaller sizes.
class FamilyTail {
 public:
  explicit FamilyTail(const FamilyRuns& family)
      : family_(family),
        next_(family.HighestBucket() + 1),
        unseen_(1.0 / static_cast<double>(family.Members() + 1)) {
    largest_ = model::FamilyBuckets().Start(next_);
  }

  // The upper edge of the largest run's bucket.
  [[nodiscard]] double Largest() const { return largest_; }

  // One of its members and a new one is the largest.
  [[nodiscard]] double Beyond(double excess) const {
    return unseen_ * BeyondLargest(excess, kPriorGaps * kSpread, kPriorGaps);
  }

  // REQUIRES: size is below the largest, and at most that of the call before.
  double Above(double size) {
    // A run in the bucket of `size` may be above it.
    while (next_ > 0 && model::FamilyBuckets().Start(next_) > size) {
      above_ += family_.PeakCounts()[--next_];
    }
    return std::min(1.0, above_ / static_cast<double>(family_.Runs()) + unseen_);
  }

 private:
  const FamilyRuns& family_;
  std::size_t next_;  // `above_` counts this bucket and those above it
  double above_ = 0;
  double unseen_;
  double largest_ = 0;
};

// What is needed of a key's runs.
struct Summary {
  double record_chance = 0;  // that the next is the largest
  double settled = 0;        // the largest of the latest few; none is a freak up to it
  std::array<double, kLargest + kMostFreaks> largest{};  // falling; 0: there are fewer
  base::Duration lifetimes{};
  std::int64_t executors = 0;

  explicit Summary(std::span<const Run> runs) {
    for (const auto& run : runs) {
      lifetimes += run.lifetimes;
      executors += run.executors;
      const auto peak = static_cast<double>(std::max(run.peak, kSmallestPeak).value);
      if (peak <= largest.back()) continue;
      auto place = largest.size() - 1;
      for (; place > 0 && largest[place - 1] < peak; --place) largest[place] = largest[place - 1];
      largest[place] = peak;
    }
    const auto latest = [&](std::size_t n) { return runs.last(std::min(n, runs.size())); };
    for (const auto& run : latest(kSettled)) {
      settled = std::max(settled, static_cast<double>(std::max(run.peak, kSmallestPeak).value));
    }
    // The first run cannot have been a record.
    const auto trend = latest(std::min(kTrend, runs.size() - 1));
    const auto records =
        std::count_if(trend.begin(), trend.end(), [](const Run& run) { return run.record > 0; });
    constexpr auto kWeight = static_cast<double>(kTrend);
    record_chance =
        (kWeight / static_cast<double>(runs.size() + 1) + static_cast<double>(records)) /
        (kWeight + static_cast<double>(trend.size()));
  }
};

// The cheapest of the sizes that were offered; of equal ones the last.
class Cheapest {
 public:
  // What an OOM costs, in GB·h.
  explicit Cheapest(double oom_cost) : oom_cost_(oom_cost) {}

  // A size that costs so much, in GB·h, with this chance of an OOM. False: it is dearer.
  bool Offer(double size, double memory_cost, double chance) {
    const double cost = memory_cost + chance * oom_cost_;
    if (cost > cost_) return false;
    cost_ = cost;
    size_ = size;
    chance_ = chance;
    return true;
  }

  // Whether a size may be cheaper, if the chance is at least this.
  [[nodiscard]] bool Welcomes(double memory_cost, double chance) const {
    return memory_cost + chance * oom_cost_ < cost_;
  }

  [[nodiscard]] Bytes Size() const { return base::Scaled({1}, std::ceil(size_)); }
  [[nodiscard]] double Chance() const { return chance_; }

 private:
  double oom_cost_;
  double cost_ = std::numeric_limits<double>::infinity();
  double size_ = 0;
  double chance_ = 1;
};

// The choice at the dial's position, and at the upper bound's.
class Choice {
 public:
  // Of executors that live so many hours, the failed of which have had about `failed` bytes.
  Choice(double hours, double failed, double risk)
      : hours_(hours),
        cost_per_byte_(hours / kGB),
        target_(OomCost(hours, failed, risk)),
        upper_(OomCost(hours, failed, kUpperRisk * risk)) {}

  // False: it is dearer for both.
  bool Offer(double size, double chance) {
    const double memory_cost = size * cost_per_byte_;
    const bool for_target = target_.Offer(size, memory_cost, chance);
    const bool for_upper = upper_.Offer(size, memory_cost, chance);
    return for_target || for_upper;
  }

  [[nodiscard]] bool Welcomes(double size, double chance) const {
    const double memory_cost = size * cost_per_byte_;
    return target_.Welcomes(memory_cost, chance) || upper_.Welcomes(memory_cost, chance);
  }

  void WriteTo(AdaptiveEstimate& estimate) const {
    estimate.target = target_.Size();
    estimate.upper = upper_.Size();
    estimate.hours = hours_;
    estimate.chance = target_.Chance();
  }

 private:
  static double OomCost(double hours, double failed, double risk) {
    return (kRetryRuns + kRiskRuns * risk) * hours * failed / kGB + kRiskGigabyteHours * risk;
  }

  double hours_;
  double cost_per_byte_;  // GB·h
  Cheapest target_;
  Cheapest upper_;
};

double HoursOf(const FamilyRuns& family) {
  return Hours(family.Lifetimes()) / static_cast<double>(family.Executors());
}

// A key without a run.
AdaptiveEstimate FromFamily(const FamilyRuns& family, double risk) {
  FamilyTail tail(family);
  Choice choice(HoursOf(family), tail.Largest(), risk);
  const auto& headrooms = Headrooms();
  for (auto headroom = headrooms.rbegin(); headroom != headrooms.rend(); ++headroom) {
    choice.Offer(tail.Largest() * headroom->factor, tail.Beyond(headroom->ln));
  }
  // Below the largest: the upper edges of the buckets that have a run.
  for (auto bucket = family.HighestBucket(); bucket > 0; --bucket) {
    if (family.PeakCounts()[bucket - 1] == 0) continue;
    const double size = model::FamilyBuckets().Start(bucket);
    choice.Offer(size, tail.Above(size));
  }
  AdaptiveEstimate estimate;
  estimate.largest = {static_cast<std::int64_t>(tail.Largest())};
  estimate.family_runs = family.Runs();
  choice.WriteTo(estimate);
  return estimate;
}

// The chance of an OOM of a key with runs, at sizes that fall.
class OwnAndFamily {
 public:
  OwnAndFamily(const Summary& summary, std::size_t runs, const FamilyRuns* family)
      : summary_(summary), runs_(static_cast<double>(runs) + 1) {
    if (family == nullptr) return;
    // The family's own records say how far records go.
    gap_ = (family->RecordSum() + kSpread) / static_cast<double>(family->Records() + 1);
    family_weight_ = kFamilyWeight;
    tail_.emplace(*family);
  }

  // Offers the sizes from the largest but `freaks` up to the smallest freak.
  void OfferTo(Choice& choice, std::size_t freaks) {
    const double base = summary_.largest[freaks];
    const double end =
        freaks == 0 ? std::numeric_limits<double>::infinity() : summary_.largest[freaks - 1];
    double gaps = kPriorGaps * gap_;
    std::size_t observations = kPriorGaps;
    const auto last = LastOfSpread(freaks);
    for (auto i = freaks; i < last; ++i, ++observations) {
      gaps += std::log(summary_.largest[i] / summary_.largest[last]);
    }
    const double per_run = 1 / (runs_ + family_weight_);
    const double excess = tail_ ? std::log(base / tail_->Largest()) : 0;
    const auto& headrooms = Headrooms();
    for (auto headroom = headrooms.rbegin(); headroom != headrooms.rend(); ++headroom) {
      const double size = base * headroom->factor;
      if (size >= end) continue;
      double chance =
          static_cast<double>(freaks) +
          runs_ * summary_.record_chance * BeyondLargest(headroom->ln, gaps, observations);
      if (tail_) {
        chance += family_weight_ * (size >= tail_->Largest() ? tail_->Beyond(excess + headroom->ln)
                                                             : tail_->Above(size));
      }
      const bool cheaper = choice.Offer(size, chance * per_run);
      // Without a family the cost is convex: what is below is dearer still.
      if (!cheaper && !tail_ && freaks == 0) break;
    }
  }

  // Whether sizes with so many freaks set aside may be worth a look. REQUIRES: freaks > 0.
  [[nodiscard]] bool MayPay(const Choice& choice, std::size_t freaks) const {
    return summary_.largest[freaks] > 0 && summary_.largest[freaks - 1] > summary_.settled &&
           choice.Welcomes(summary_.largest[freaks],
                           static_cast<double>(freaks) / (runs_ + family_weight_));
  }

 private:
  [[nodiscard]] std::size_t LastOfSpread(std::size_t first) const {
    auto last = first;
    while (last + 1 < first + kLargest && summary_.largest[last + 1] > 0) ++last;
    return last;
  }

  const Summary& summary_;
  double gap_ = kSpread;
  double runs_;  // and the next one
  double family_weight_ = 0;
  std::optional<FamilyTail> tail_;
};

AdaptiveEstimate FromRuns(std::span<const Run> runs, const FamilyRuns* family, double risk) {
  const Summary summary(runs);
  double hours = Hours(summary.lifetimes);
  auto executors = static_cast<double>(summary.executors);
  if (family != nullptr) {
    hours += HoursOf(*family);
    ++executors;
  }
  Choice choice(hours / executors, summary.largest[0], risk);
  OwnAndFamily chances(summary, runs.size(), family);
  chances.OfferTo(choice, 0);
  for (std::size_t freaks = 1; freaks <= kMostFreaks; ++freaks) {
    if (chances.MayPay(choice, freaks)) chances.OfferTo(choice, freaks);
  }
  AdaptiveEstimate estimate;
  estimate.largest = {static_cast<std::int64_t>(summary.largest[0])};
  estimate.runs = runs.size();
  estimate.family_runs = family == nullptr ? 0 : family->Runs();
  choice.WriteTo(estimate);
  estimate.freaks = static_cast<std::size_t>(std::count_if(
      runs.begin(), runs.end(), [&](const Run& run) { return run.peak > estimate.target; }));
  return estimate;
}

}  // namespace

std::optional<AdaptiveEstimate> EstimateAdaptive(std::span<const Run> runs,
                                                 const FamilyRuns* family, double risk) {
  const std::int64_t own = runs.empty() ? 0 : 1;
  if (family != nullptr && (family->Members() <= own || family->Runs() == 0)) family = nullptr;
  if (!runs.empty()) return FromRuns(runs, family, risk);
  if (family != nullptr) return FromFamily(*family, risk);
  return std::nullopt;
}

}  // namespace sparkfit::recommend
