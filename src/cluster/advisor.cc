// SPDX-License-Identifier: Apache-2.0
#include "advisor.h"

#include <algorithm>
#include <mutex>
#include <utility>

namespace sparkfit::cluster {

using base::Bytes;
using model::EventType;

void Advisor::Take(const model::Observation& observation, const World& world) {
  if (const auto* event = std::get_if<model::PodEvent>(&observation.what)) {
    if (event->pod.role != model::PodRole::kDriver) return;
    const std::unique_lock lock(mutex_);
    if (event->event == EventType::kDeleted) {
      drivers_.erase(event->pod.uid);
    } else {
      drivers_.insert_or_assign(event->pod.uid, event->pod.settings);
    }
  } else if (const auto* changed = std::get_if<model::RecommendationEvent>(&observation.what)) {
    const auto& given = changed->object;
    const model::Key key{given.name_space, given.signature, given.profile};
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

void Advisor::SetRange(const std::string& name_space, const model::LimitRange& range) {
  const std::unique_lock lock(mutex_);
  ranges_.insert_or_assign(name_space, range);
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
  Learnt learnt;
  learnt.target = row->recommendation.target;
  learnt.low_confidence = row->low_confidence;
  learnt.last_oom = row->history->Totals().last_oom;
  learnt.overhead = row->recommendation.overhead;
  if (const auto* shape = row->history->CurrentShape(); shape != nullptr) {
    learnt.shape = shape->shape;
  }
  rows_.insert_or_assign(key, std::move(learnt));
}

Advisor::Published Advisor::FromObject(const model::RecommendationObject& object) {
  Published published{.name = object.name,
                      .mode = object.mode,
                      .bounds = {object.min_memory, object.max_memory},
                      .learnt = {}};
  auto& learnt = published.learnt;
  if (object.published_target.value_or(Bytes{}).value > 0) learnt.target = object.published_target;
  learnt.overhead = {.least = object.published_least_overhead.value_or(Bytes{}),
                     .most = object.published_most_overhead};
  learnt.shape = object.published_shape;
  learnt.last_oom = object.published_last_oom;
  const auto confidence = object.conditions.find("LowConfidence");
  learnt.low_confidence =
      confidence == object.conditions.end() || confidence->second.first != "False";
  return published;
}

// What was published, and what OOMs that it does not contain yet ask for.
Advisor::Learnt Advisor::Raised(Learnt published, const Learnt& seen) {
  // The status has whole seconds.
  const bool news = seen.last_oom && (!published.last_oom ||
                                      std::chrono::floor<std::chrono::seconds>(*seen.last_oom) >
                                          *published.last_oom);
  if (!news || !seen.target) return published;
  published.target = std::max(published.target.value_or(Bytes{}), *seen.target);
  published.overhead.least = std::max(published.overhead.least, seen.overhead.least);
  if (!published.shape) published.shape = seen.shape;
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
  admission::Advice advice;
  if (object != objects_.end()) {
    advice.object = object->second.name;
    advice.mode = object->second.mode;
    advice.bounds = object->second.bounds;
  }
  advice.target = learnt.target;
  advice.overhead = learnt.overhead;
  advice.low_confidence = learnt.low_confidence;
  advice.shape = std::move(learnt.shape);
  return advice;
}

Advisor::Answer Advisor::Decide(const model::PodFacts& pod, const model::PodPlaces& places,
                                base::Time now) const {
  const std::shared_lock lock(mutex_);
  const auto driver = drivers_.find(pod.owner_uid);
  const auto* settings = driver == drivers_.end() ? nullptr : &driver->second;
  Answer answer;
  answer.key = admission::KeyOf(pod, settings);
  const auto advice = answer.key ? AdviceFor(*answer.key) : std::nullopt;
  const auto range = ranges_.find(pod.name_space);
  const admission::Limits limits{
      .configured_max = configured_max_,
      .largest_node = nodes_.LargestFor(&pod.placement, now),
      .range = range == ranges_.end() ? model::LimitRange{} : range->second,
      .shrink_only = shrink_only_};
  answer.decision = admission::Decide({.pod = pod,
                                       .places = places,
                                       .driver = settings,
                                       .advice = advice ? &*advice : nullptr,
                                       .limits = limits});
  return answer;
}

}  // namespace sparkfit::cluster
