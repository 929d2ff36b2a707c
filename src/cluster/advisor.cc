// SPDX-License-Identifier: Apache-2.0
#include "advisor.h"

#include <algorithm>
#include <limits>
#include <mutex>
#include <utility>

#include "sparkfit/base/number.h"

namespace sparkfit::cluster {
namespace {

using base::Bytes;
using model::EventType;

constexpr auto kHighestId = std::numeric_limits<std::uint64_t>::max();

bool Is(const model::RecommendationObject& object, const char* condition, std::string_view status) {
  const auto found = object.conditions.find(condition);
  return found != object.conditions.end() && found->second.first == status;
}

std::optional<recommend::Trial> TrialOf(const model::RecommendationObject& object) {
  if (!object.published_trial) return std::nullopt;
  return recommend::Trial{object.published_trial->part, object.published_trial->size,
                          object.published_trial->executors};
}

// A container of it did, be it that it was started again.
bool RanOutOfMemory(const model::PodFacts& pod) {
  const auto died = [&](const base::Rare<model::Termination>& end) {
    return end && model::OomOf(model::ClassifyEnd(pod, *end, std::nullopt));
  };
  return died(pod.ended) || died(pod.last_restart);
}

}  // namespace

void Advisor::Take(const model::Observation& observation, const World& world) {
  if (const auto* event = std::get_if<model::PodEvent>(&observation.what)) {
    const std::unique_lock lock(mutex_);
    if (event->pod->role == model::PodRole::kDriver) TakeDriver(*event);
    if (event->pod->role == model::PodRole::kExecutor) TakeExecutor(*event);
  } else if (const auto* changed = std::get_if<model::RecommendationEvent>(&observation.what)) {
    const auto key = changed->object.GetKey();
    const auto* object = world.ObjectOf(key);
    const std::unique_lock lock(mutex_);
    if (object == nullptr) {
      objects_.erase(key);
      rows_.erase(key);  // a purge
    } else {
      objects_.insert_or_assign(key, FromObject(*object));
    }
  } else if (const auto* node = std::get_if<model::NodeEvent>(&observation.what)) {
    const std::unique_lock lock(mutex_);
    nodes_.Observe(*node, observation.t);
  }
}

void Advisor::TakeDriver(const model::PodEvent& event) {
  const model::PodFacts& pod = event.pod;
  if (event.event != EventType::kDeleted) {
    drivers_.Put(pod, pod.HasEnded());
    if (!pod.HasEnded()) return;
  } else {
    drivers_.Remove(pod.uid);
  }
  if (!drivers_.IsShared(pod)) EndRun({pod.name_space, pod.app_selector});
  EndRun({pod.name_space, pod.uid});
}

void Advisor::Count(const Run& run, int difference) {
  if (!run.key || run.pods.empty()) return;
  if ((under_way_[*run.key] += difference) == 0) under_way_.erase(*run.key);
}

void Advisor::EndRun(const RunKey& key) {
  const auto run = runs_.find(key);
  if (run == runs_.end()) return;
  Count(run->second, -1);
  runs_.erase(run);
}

void Advisor::TakeExecutor(const model::PodEvent& event) {
  const model::PodFacts& pod = event.pod;
  const RunKey key{pod.name_space, pod.ApplicationId()};
  if (event.event == EventType::kDeleted && !runs_.contains(key)) return;
  auto& run = runs_[key];
  Count(run, -1);
  if (!pod.trial && RanOutOfMemory(pod)) run.state.out_of_memory = true;
  if (!run.key) run.key = admission::KeyOf(pod, drivers_.Of(pod));
  // Spark numbers executors from 1, and never twice.
  const auto id =
      base::ParseNumber(pod.executor_id, std::uint64_t{0}, kHighestId).value_or(kHighestId);
  if (!pod.trial && (!run.state.first || id < run.first_id)) {
    run.first_id = id;
    run.state.first = pod.size;
  }
  if (event.event == EventType::kDeleted) {
    run.pods.erase(pod.uid);
  } else {
    run.pods.insert(pod.uid);
  }
  Count(run, 1);
  // The end of a driver ends the run that goes by its name. Where an executor has another name for
  // its application than its owner has, nothing would.
  if (run.pods.empty() && !drivers_.Has(key.first, key.second)) runs_.erase(key);
}

void Advisor::Take(const ConstraintEvent& event) {
  const std::unique_lock lock(mutex_);
  constraints_.Take(event);
}

void Advisor::SetListed(const Listed& listed) {
  const std::unique_lock lock(mutex_);
  constraints_.SetListed(listed);
}

void Advisor::BeginRows(bool leading) {
  const std::unique_lock lock(mutex_);
  leading_ = leading;
  rows_.clear();
}

void Advisor::SetRow(const model::Key& key, const controller::KeyRecommendation* row) {
  const std::unique_lock lock(mutex_);
  if (row == nullptr) {
    rows_.erase(key);
    return;
  }
  Learnt learnt{.advice = admission::AdviceFrom(*row->history, row->recommendation),
                .last_oom = row->history->Totals().last_oom};
  rows_.insert_or_assign(key, std::move(learnt));
}

Advisor::Published Advisor::FromObject(const model::RecommendationObject& object) {
  Published published{.name = object.name,
                      .mode = object.mode,
                      .bounds = {object.min_memory, object.max_memory},
                      .explore = object.explore.value_or(true),
                      .learnt = {}};
  auto& advice = published.learnt.advice;
  if (object.published_target.value_or(Bytes{}).value > 0) advice.target = object.published_target;
  advice.target_request = object.published_target_request;
  advice.parts = {.least_heap = object.published_least_heap.value_or(Bytes{}),
                  .least_outside = object.published_least_overhead.value_or(Bytes{}),
                  .most_heap = object.published_most_heap};
  advice.shape = object.published_shape;
  advice.submitted = object.published_submitted;
  advice.trial = TrialOf(object);
  advice.low_confidence = !Is(object, "LowConfidence", "False");
  advice.latest_failed = Is(object, "LatestRunFailed", "True");
  published.learnt.last_oom = object.published_last_oom;
  return published;
}

// What was published, and what OOMs that it does not contain yet ask for.
Advisor::Learnt Advisor::Raised(Learnt published, const Learnt& seen) {
  // The status has whole seconds.
  const bool news = seen.last_oom && (!published.last_oom ||
                                      std::chrono::floor<std::chrono::seconds>(*seen.last_oom) >
                                          *published.last_oom);
  if (!news || !seen.advice.target) return published;
  auto& advice = published.advice;
  advice.target = std::max(advice.target.value_or(Bytes{}), *seen.advice.target);
  auto& parts = advice.parts;
  parts.least_heap = std::max(parts.least_heap, seen.advice.parts.least_heap);
  parts.least_outside = std::max(parts.least_outside, seen.advice.parts.least_outside);
  if (!advice.shape) advice.shape = seen.advice.shape;
  return published;
}

std::optional<admission::Advice> Advisor::AdviceFor(const model::Key& key) const {
  const auto object = objects_.find(key);
  const auto row = rows_.find(key);
  if (object == objects_.end() && row == rows_.end()) return std::nullopt;
  Learnt learnt;
  if (object != objects_.end()) learnt = object->second.learnt;
  if (row != rows_.end()) {
    learnt = leading_ ? row->second : Raised(std::move(learnt), row->second);
  }
  auto advice = std::move(learnt.advice);
  if (object != objects_.end()) {
    advice.object = object->second.name;
    advice.mode = object->second.mode;
    advice.bounds = object->second.bounds;
    if (!object->second.explore) advice.trial.reset();
  }
  return advice;
}

admission::RunState Advisor::RunOf(const model::PodFacts& pod) const {
  const auto run = runs_.find({pod.name_space, pod.ApplicationId()});
  return run == runs_.end() ? admission::RunState{} : run->second.state;
}

bool Advisor::IsBesideAnother(const model::PodFacts& pod, const model::Key& key) const {
  const auto all = under_way_.find(key);
  if (all == under_way_.end()) return false;
  const auto run = runs_.find({pod.name_space, pod.ApplicationId()});
  const bool own = run != runs_.end() && run->second.key == key && !run->second.pods.empty();
  return all->second > (own ? 1 : 0);
}

Advisor::Answer Advisor::Decide(const model::PodFacts& pod, const model::PodPlaces& places,
                                base::Time now) const {
  const std::shared_lock lock(mutex_);
  const auto* settings = drivers_.Of(pod);
  Answer answer;
  answer.key = admission::KeyOf(pod, settings);
  const auto advice = answer.key ? AdviceFor(*answer.key) : std::nullopt;
  const admission::Limits limits{.configured_max = configured_max_,
                                 .largest_node = nodes_.LargestFor(&*pod.placement, now),
                                 .constraints = constraints_.Of(pod.name_space),
                                 .shrink_only = shrink_only_};
  auto run = RunOf(pod);
  // Only a trial has to be alone.
  run.beside_another = advice && advice->trial && IsBesideAnother(pod, *answer.key);
  answer.decision = admission::Decide({.pod = pod,
                                       .places = places,
                                       .driver = settings,
                                       .advice = advice ? &*advice : nullptr,
                                       .run = run,
                                       .limits = limits});
  return answer;
}

}  // namespace sparkfit::cluster
