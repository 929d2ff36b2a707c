// SPDX-License-Identifier: Apache-2.0
#include "spills.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

namespace sparkfit::cluster {
namespace {

using wire::StageFigures;

std::pair<std::int64_t, std::int64_t> IdOf(const wire::StageAttempt& attempt) {
  return {attempt.stage, attempt.attempt};
}

// Each is plausible, but there may be many.
void Add(StageFigures& sum, const StageFigures& figures) {
  constexpr auto kMost = base::kLargestPlausible;
  sum.spilled = std::min(sum.spilled + figures.spilled, kMost);
  sum.spilled_disk = std::min(sum.spilled_disk + figures.spilled_disk, kMost);
  sum.tasks_killed = std::min(sum.tasks_killed + figures.tasks_killed, kMost.value);
}

}  // namespace

std::vector<wire::StageAttempt> Spills::ToAsk(const std::vector<wire::StageAttempt>& listed) const {
  std::vector<wire::StageAttempt> attempts;
  for (const auto& attempt : listed) {
    if (attempt.figures == StageFigures{}) continue;
    const auto known = known_.find(IdOf(attempt));
    if (known == known_.end() || known->second.listed != attempt) attempts.push_back(attempt);
  }
  return attempts;
}

bool Spills::Learn(const wire::StageAttempt& listed, std::vector<wire::ExecutorInStage> executors) {
  std::erase_if(executors, [](const auto& share) { return share.figures == StageFigures{}; });
  const auto before = known_.find(IdOf(listed));
  const auto replaced = before == known_.end() ? 0 : before->second.shares.size() + 1;
  const auto added = executors.size() + 1;  // an attempt takes as much as a share
  if (shares_ - replaced + added > kMostShares) return false;
  shares_ = shares_ - replaced + added;
  known_.insert_or_assign(IdOf(listed), Known{listed, std::move(executors)});
  return true;
}

void Spills::AddTo(model::DriverReading& reading) const {
  std::unordered_map<std::string_view, StageFigures> sums;
  for (const auto& [id, known] : known_) {
    for (const auto& share : known.shares) Add(sums[share.id], share.figures);
  }
  for (auto& executor : reading.executors) {
    const auto sum = sums.find(executor.id);
    const auto figures = sum == sums.end() ? StageFigures{} : sum->second;
    executor.spilled = figures.spilled;
    executor.spilled_disk = figures.spilled_disk;
    executor.tasks_killed = figures.tasks_killed;
  }
}

}  // namespace sparkfit::cluster
