// SPDX-License-Identifier: Apache-2.0
#include "world.h"

#include <algorithm>
#include <tuple>

#include "sparkfit/wire/remembered_nodes.h"

namespace sparkfit::cluster {
namespace {

using model::EventType;

// Labels of nodes that matter: no cluster has executors that look at more.
constexpr std::size_t kMostLabels = 64;

model::Key KeyOf(const model::RecommendationObject& object) {
  return {object.name_space, object.signature, object.profile};
}

// Of one pod, itself.
bool AllowsAsking(const model::PodFacts& pod) {
  return model::Understand(pod.settings, nullptr).driver_metrics;
}

bool Runs(const model::PodFacts& pod) {
  return pod.phase == model::PodPhase::kRunning && !pod.deleted;
}

// It becomes a part of a path: nothing in it may lead elsewhere.
bool IsApplicationId(std::string_view text) {
  const auto alphanumeric = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return !text.empty() && text.size() <= 63 && alphanumeric(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

bool IsRaisedAndPending(const model::PodFacts& pod) {
  return pod.role == model::PodRole::kExecutor && pod.size.limit > pod.submitted.limit &&
         pod.phase == model::PodPhase::kPending && pod.node.empty() && !pod.deleted;
}

}  // namespace

void World::Take(const model::Observation& observation) {
  if (const auto* pod = std::get_if<model::PodEvent>(&observation.what)) {
    if (const auto known = pods_.find(pod->pod.uid); known != pods_.end()) {
      Count(known->second, -1);
      pods_.erase(known);
    }
    pending_.erase(pod->pod.uid);
    if (pod->event == EventType::kDeleted) return;
    Count(pod->pod, 1);
    NoteLabels(pod->pod.placement);
    if (IsRaisedAndPending(pod->pod)) pending_.insert(pod->pod.uid);
    pods_.emplace(pod->pod.uid, pod->pod);
  } else if (const auto* node = std::get_if<model::NodeEvent>(&observation.what)) {
    node_memory_.Observe(*node, observation.t);
    if (node->last_seen) return;
    if (node->event == EventType::kDeleted) {
      nodes_.erase(node->name);
    } else {
      nodes_[node->name] = *node;
    }
  } else if (const auto* event = std::get_if<model::RecommendationEvent>(&observation.what)) {
    const ObjectName name{event->object.name_space, event->object.name};
    if (const auto known = recommendations_.find(name); known != recommendations_.end()) {
      Unlink(KeyOf(known->second), name);
      recommendations_.erase(known);
    }
    if (event->event == EventType::kDeleted) return;
    const auto key = KeyOf(event->object);
    recommendations_[name] = event->object;
    if (by_key_[key].insert(name); by_key_[key].size() > 1) contested_.insert(key);
  }
}

std::vector<model::NodeEvent> World::RememberedNodes(base::Time now) const {
  return node_memory_.Remembered(node_labels_, now, wire::kMostRemembered);
}

void World::NoteLabels(const model::Placement& placement) {
  const auto note = [&](const std::string& key) {
    if (node_labels_.size() < kMostLabels) node_labels_.insert(key);
  };
  for (const auto& [key, value] : placement.selector) note(key);
  for (const auto& term : placement.terms) {
    for (const auto& requirement : term.labels) note(requirement.key);
  }
}

void World::Unlink(const model::Key& key, const ObjectName& name) {
  auto& names = by_key_[key];
  names.erase(name);
  if (names.size() < 2) contested_.erase(key);
  if (names.empty()) by_key_.erase(key);
}

std::vector<const model::RecommendationObject*> World::Duplicates() const {
  std::vector<const model::RecommendationObject*> duplicates;
  for (const auto& key : contested_) {
    const auto* winner = ObjectOf(key);
    for (const auto& name : by_key_.at(key)) {
      const auto& object = recommendations_.at(name);
      if (&object != winner) duplicates.push_back(&object);
    }
  }
  return duplicates;
}

void World::Count(const model::PodFacts& pod, int difference) {
  if (pod.role == model::PodRole::kDriver) {
    if (difference > 0) {
      drivers_.insert(pod.uid);
      book_.Put(pod, pod.HasEnded());
    } else {
      drivers_.erase(pod.uid);
      book_.Remove(pod.uid);
    }
  }
  if (pod.role != model::PodRole::kExecutor) return;
  if (Runs(pod)) {
    const auto application = std::make_pair(pod.name_space, pod.app_selector);
    auto& running = running_of_[application];
    running.allowing += AllowsAsking(pod) ? difference : 0;
    running.on_trial += pod.trial ? difference : 0;
    if ((running.executors += difference) == 0) running_of_.erase(application);
  }
  const auto name = std::make_pair(pod.name_space, pod.name);
  if ((executors_[name] += difference) == 0) executors_.erase(name);
  if (pod.node.empty() || pod.HasEnded()) return;
  if ((running_on_[pod.node] += difference) == 0) running_on_.erase(pod.node);
}

std::vector<model::NodeEvent> World::ExecutorNodes() const {
  std::vector<model::NodeEvent> nodes;
  for (const auto& [name, executors] : running_on_) {
    if (const auto node = nodes_.find(name); node != nodes_.end()) nodes.push_back(node->second);
  }
  return nodes;
}

std::vector<Driver> World::DriversToAsk() const {
  std::vector<Driver> drivers;
  for (const auto& uid : drivers_) {
    const auto& pod = pods_.at(uid);
    if (!Runs(pod) || pod.address.empty() || !IsApplicationId(pod.app_selector)) continue;
    const auto found = running_of_.find({pod.name_space, pod.app_selector});
    const auto running = found == running_of_.end() ? Running{} : found->second;
    if (running.allowing == 0 && !AllowsAsking(pod)) continue;
    drivers.push_back({.uid = uid,
                       .name_space = pod.name_space,
                       .pod = pod.name,
                       .application = pod.app_selector,
                       .address = pod.address,
                       .has_executors = running.executors > 0,
                       .watched = running.on_trial > 0});
  }
  return drivers;
}

bool World::HasExecutor(const std::string& name_space, const std::string& name) const {
  return executors_.contains({name_space, name});
}

std::vector<model::Observation> World::Missing(const Listed& listed, base::Time t) const {
  std::vector<model::Observation> missing;
  switch (listed.kind) {
    case Kind::kPods:
      for (const auto& [uid, pod] : pods_) {
        if (listed.IsGone(pod.name_space, uid)) {
          missing.push_back({t, model::PodEvent{EventType::kDeleted, pod}});
        }
      }
      break;
    case Kind::kNodes:
      for (const auto& [name, node] : nodes_) {
        if (!listed.IsGone("", name)) continue;
        auto gone = node;
        gone.event = EventType::kDeleted;
        missing.push_back({t, std::move(gone)});
      }
      break;
    case Kind::kLimitRanges:
    case Kind::kResourceQuotas:
      break;  // of no interest to observers
    case Kind::kRecommendations:
      for (const auto& [name, object] : recommendations_) {
        if (listed.IsGone(name.first, name.first + "/" + name.second)) {
          missing.push_back({t, model::RecommendationEvent{EventType::kDeleted, object}});
        }
      }
      break;
  }
  return missing;
}

const model::RecommendationObject* World::ObjectOf(const model::Key& key) const {
  const auto names = by_key_.find(key);
  if (names == by_key_.end()) return nullptr;
  const model::RecommendationObject* oldest = nullptr;
  for (const auto& name : names->second) {
    const auto& object = recommendations_.at(name);
    if (oldest == nullptr ||
        std::tie(object.created, object.name) < std::tie(oldest->created, oldest->name)) {
      oldest = &object;
    }
  }
  return oldest;
}

}  // namespace sparkfit::cluster
