// SPDX-License-Identifier: Apache-2.0
#include "world.h"

#include <tuple>

namespace sparkfit::cluster {
namespace {

using model::EventType;

model::Key KeyOf(const model::RecommendationObject& object) {
  return {object.name_space, object.signature, object.profile};
}

}  // namespace

void World::Take(const model::Observation& observation) {
  if (const auto* pod = std::get_if<model::PodEvent>(&observation.what)) {
    if (pod->event == EventType::kDeleted) {
      pods_.erase(pod->pod.uid);
    } else {
      pods_.insert_or_assign(pod->pod.uid, pod->pod);
    }
  } else if (const auto* node = std::get_if<model::NodeEvent>(&observation.what)) {
    if (node->event == EventType::kDeleted) {
      nodes_.erase(node->name);
    } else {
      nodes_[node->name] = node->allocatable;
    }
  } else if (const auto* event = std::get_if<model::RecommendationEvent>(&observation.what)) {
    const ObjectName name{event->object.name_space, event->object.name};
    if (const auto known = recommendations_.find(name); known != recommendations_.end()) {
      by_key_[KeyOf(known->second)].erase(name);
      recommendations_.erase(known);
    }
    if (event->event == EventType::kDeleted) return;
    recommendations_[name] = event->object;
    by_key_[KeyOf(event->object)].insert(name);
  }
}

std::vector<model::Observation> World::Missing(const Listed& listed, base::Time t) const {
  std::vector<model::Observation> missing;
  switch (listed.kind) {
    case Kind::kPods:
      for (const auto& [uid, pod] : pods_) {
        if (!listed.ids.contains(uid)) {
          missing.push_back({t, model::PodEvent{EventType::kDeleted, pod}});
        }
      }
      break;
    case Kind::kNodes:
      for (const auto& [name, allocatable] : nodes_) {
        if (!listed.ids.contains(name)) {
          missing.push_back({t, model::NodeEvent{EventType::kDeleted, name, allocatable}});
        }
      }
      break;
    case Kind::kRecommendations:
      for (const auto& [name, object] : recommendations_) {
        if (!listed.ids.contains(name.first + "/" + name.second)) {
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
