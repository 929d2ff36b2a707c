// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/model/accuracy.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "sparkfit/model/history.h"

namespace sparkfit::model {

double InGiB(base::Bytes amount) {
  constexpr double kBytesPerGiB = 1024.0 * 1024 * 1024;
  return static_cast<double>(amount.value) / kBytesPerGiB;
}

namespace {

using base::Bytes;

constexpr std::array kParts{Part::kHeap, Part::kOutside};

Bytes OrNone(Bytes amount) { return std::max(amount, Bytes{}); }

// What an executor used of a part: between these.
struct Use {
  Bytes least;
  Bytes most;
};

// What its driver told of its heap, no more than it has and uses.
Bytes HeapTold(const Executor& executor) {
  if (!executor.told || !executor.size.heap) return {};
  return std::min({executor.told->heap_peak, *executor.size.heap, executor.peak});
}

Use UseOf(const Executor& executor, Part part) {
  const Bytes heap = SizeOf(executor.size, Part::kHeap);
  const Bytes outside = SizeOf(executor.size, Part::kOutside);
  const Bytes told = HeapTold(executor);
  const Bytes peak = executor.peak;
  if (part == Part::kHeap) {
    return {std::max(OrNone(peak - outside), told), std::min(heap, peak)};
  }
  return {OrNone(peak - heap), std::min(outside, peak - told)};
}

}  // namespace

void RunAdvice::Add(const Executor& executor) {
  if (advised.limit.value == 0 || !executor.comparable) return;
  sized = sized || executor.size != executor.submitted;
  if (executor.oom) {
    AddDead(executor);
  } else if (executor.peak.value > 0) {
    AddLived(executor);
  }
}

// One that died with at least what was advised shows that this was not enough, not what would have
// been.
void RunAdvice::AddDead(const Executor& executor) {
  const bool in_parts = advised.heap && executor.size.heap;
  const auto part = *executor.oom == OomKind::kHeap ? Part::kHeap : Part::kOutside;
  const Bytes had = in_parts ? SizeOf(executor.size, part) : executor.size.limit;
  const Bytes enough = in_parts ? SizeOf(advised, part) : advised.limit;
  // Sizes are given in whole MiB.
  if (had.RoundedUpToMiB() < enough) {
    unknown = true;
    return;
  }
  if (in_parts) lacks.at(static_cast<std::size_t>(part)) = true;
  AddLacking(OrNone(had - enough) + Bytes{1}, executor.HoursLived());
}

void RunAdvice::AddLived(const Executor& executor) {
  const double lived = executor.HoursLived();
  // What it used may be from when it had another size.
  const bool resized = executor.resized != base::Time{};
  const bool in_parts = advised.heap && executor.size.heap && !resized;
  Bytes of_parts;
  for (const auto part : kParts) {
    if (!in_parts) break;
    const auto use = UseOf(executor, part);
    const auto index = static_cast<std::size_t>(part);
    const Bytes lacked = OrNone(use.least - SizeOf(advised, part));
    lacks.at(index) = lacks.at(index) || lacked.value > 0;
    part_over.at(index) += InGiB(OrNone(SizeOf(advised, part) - use.most)) * lived;
    of_parts = of_parts + lacked;
  }
  const Bytes lacked = std::max(of_parts, executor.peak - advised.limit);
  if (lacked.value > 0) return AddLacking(lacked, lived);
  need = std::max(need, executor.peak);
  hours += lived;
  over += InGiB(advised.limit - executor.peak) * lived;
}

void RunAdvice::AddLacking(Bytes lacked, double lived) {
  need = std::max(need, advised.limit + lacked);
  hours += lived;
  ++lacking;
  lacking_hours += lived;
  under += InGiB(lacked) * lived;
}

Verdict RunAdvice::GetVerdict() const {
  if (advised.limit.value == 0) return Verdict::kUnadvised;
  if (lacking > 0) return Verdict::kLacking;
  return unknown || need.value == 0 ? Verdict::kUnknown : Verdict::kCovered;
}

void Accuracy::Add(const RunAdvice& run) {
  auto& runs = run.sized ? sized : submitted;
  switch (run.GetVerdict()) {
    case Verdict::kUnadvised:
      ++unadvised;
      return;
    case Verdict::kUnknown:
      ++unknown;
      return;
    case Verdict::kCovered:
      ++runs.covered;
      waste += run.over;
      for (std::size_t i = 0; i < part_waste.size(); ++i) part_waste.at(i) += run.part_over.at(i);
      regret += InGiB(run.advised.limit - run.need) * run.hours;
      return;
    case Verdict::kLacking:
      ++runs.lacking;
      missing += run.under;
      for (std::size_t i = 0; i < lacking.size(); ++i) lacking.at(i) += run.lacks.at(i) ? 1 : 0;
      regret += InGiB(run.advised.limit) * run.lacking_hours;
      return;
  }
}

Accuracy& Accuracy::operator+=(const Accuracy& other) {
  submitted.covered += other.submitted.covered;
  submitted.lacking += other.submitted.lacking;
  sized.covered += other.sized.covered;
  sized.lacking += other.sized.lacking;
  unknown += other.unknown;
  unadvised += other.unadvised;
  waste += other.waste;
  missing += other.missing;
  regret += other.regret;
  for (std::size_t i = 0; i < lacking.size(); ++i) {
    lacking.at(i) += other.lacking.at(i);
    part_waste.at(i) += other.part_waste.at(i);
  }
  return *this;
}

AdviceBook::OpenRun* AdviceBook::Find(std::string_view application) {
  const auto found = std::find_if(open_.begin(), open_.end(), [&](const OpenRun& run) {
    return run.application == application;
  });
  return found == open_.end() ? nullptr : &*found;
}

void AdviceBook::Start(const std::string& application, const ExecutorSize& advised) {
  auto* run = Find(application);
  if (run == nullptr) {
    auto last = open_.before_begin();
    std::size_t open = 0;
    for (; std::next(last) != open_.end(); ++last) ++open;
    if (open >= kMostOpen) return;
    run = &*open_.emplace_after(last);
    run->application = application;
    run->advice.advised = advised;
  }
  ++run->unsealed;
}

void AdviceBook::Seal(const Executor& executor) {
  auto* run = Find(executor.application);
  if (run == nullptr) return;
  --run->unsealed;
  run->advice.Add(executor);
}

void AdviceBook::Judge(std::string_view application) {
  const auto* run = Find(application);
  if (run == nullptr || run->unsealed > 0) return;
  sums_.Add(run->advice);
  open_.remove_if([&](const OpenRun& other) { return &other == run; });
}

void AdviceBook::Load(const Accuracy& sums, std::forward_list<OpenRun> open) {
  sums_ = sums;
  open_ = std::move(open);
  std::size_t loaded = 0;
  for (auto run = open_.begin(); run != open_.end(); ++run) {
    run->unsealed = 0;
    if (++loaded == kMostOpen) open_.erase_after(run, open_.end());
  }
}

}  // namespace sparkfit::model
