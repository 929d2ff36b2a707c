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

void RunAdvice::Add(const Executor& executor) {
  if (target.value == 0 || !executor.comparable) return;
  sized = sized || executor.size != executor.submitted;
  // Sizes are given in whole MiB.
  if (executor.oom && executor.size.limit.RoundedUpToMiB() < target) {
    unknown = true;
    return;
  }
  if (!executor.oom && executor.peak.value == 0) return;
  // One that died with at least the target shows that this was not enough, not what would have
  // been.
  const auto needed =
      executor.oom ? std::max(executor.size.limit, target) + base::Bytes{1} : executor.peak;
  const double lived = executor.HoursLived();
  need = std::max(need, needed);
  hours += lived;
  if (needed <= target) {
    over += InGiB(target - needed) * lived;
    return;
  }
  ++lacking;
  lacking_hours += lived;
  under += InGiB(needed - target) * lived;
}

Verdict RunAdvice::GetVerdict() const {
  if (target.value == 0) return Verdict::kUnadvised;
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
      regret += InGiB(run.target - run.need) * run.hours;
      return;
    case Verdict::kLacking:
      ++runs.lacking;
      missing += run.under;
      regret += InGiB(run.target) * run.lacking_hours;
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
  return *this;
}

AdviceBook::OpenRun* AdviceBook::Find(std::string_view application) {
  const auto found = std::find_if(open_.begin(), open_.end(), [&](const OpenRun& run) {
    return run.application == application;
  });
  return found == open_.end() ? nullptr : &*found;
}

void AdviceBook::Start(const std::string& application, base::Bytes target) {
  auto* run = Find(application);
  if (run == nullptr) {
    auto last = open_.before_begin();
    std::size_t open = 0;
    for (; std::next(last) != open_.end(); ++last) ++open;
    if (open >= kMostOpen) return;
    run = &*open_.emplace_after(last);
    run->application = application;
    run->advice.target = target;
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
