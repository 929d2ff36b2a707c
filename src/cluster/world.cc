// SPDX-License-Identifier: Apache-2.0
#include "world.h"

#include <algorithm>
#include <iterator>

#include "sparkfit/base/hash.h"
#include "sparkfit/base/text.h"
#include "sparkfit/wire/remembered_nodes.h"

namespace sparkfit::cluster {
namespace {

using model::EventType;

// Labels of nodes that matter: no job looks at more, and those that no node has cost nothing but
// their place here.
constexpr std::size_t kMostLabelsOfOne = 16;  // namespace
constexpr std::size_t kMostLabels = 1024;

// These two are of one pod, itself.
std::optional<bool> DriverMetricsOf(const model::PodFacts& pod) {
  return model::Understand(pod.settings, nullptr).driver_metrics;
}

bool HasSignature(const model::PodFacts& pod) {
  std::vector<std::string> problems;
  return model::FindSignature(pod.settings, nullptr, problems).has_value();
}

bool Runs(const model::PodFacts& pod) {
  return pod.phase == model::PodPhase::kRunning && !pod.deleted;
}

constexpr std::uint16_t kUsualUiPort = 4040;

// It becomes a part of a path: nothing in it may lead elsewhere.
bool IsApplicationId(std::string_view text) {
  return !text.empty() && text.size() <= 63 && base::IsAlphanumeric(text.front()) &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return base::IsAlphanumeric(c) || c == '-' || c == '_' || c == '.';
         });
}

std::uint64_t NameHash(const std::string& name_space, const std::string& name) {
  return base::Fnv1a(name, base::Fnv1a("/", base::Fnv1a(name_space)));
}

bool IsRaisedAndPending(const model::PodFacts& pod) {
  return pod.role == model::PodRole::kExecutor && pod.size.limit > pod.submitted.limit &&
         pod.phase == model::PodPhase::kPending && pod.node.empty() && !pod.deleted;
}

}  // namespace

bool World::Take(const model::Observation& observation) {
  ++revision_;
  if (const auto* pod = std::get_if<model::PodEvent>(&observation.what)) {
    TakePod(*pod);
  } else if (const auto* node = std::get_if<model::NodeEvent>(&observation.what)) {
    node_memory_.Observe(*node, observation.t);
    if (node->last_seen) return true;
    if (node->event == EventType::kDeleted) {
      nodes_.erase(node->name);
    } else {
      nodes_[node->name] = *node;
    }
  } else if (const auto* event = std::get_if<model::RecommendationEvent>(&observation.what)) {
    return TakeObject(*event);
  }
  return true;
}

void World::TakePod(const model::PodEvent& event) {
  const auto& pod = event.pod;
  if (const auto known = pods_.find(pod); known != pods_.end()) {
    Count(*known, -1);
    pods_.erase(known);
  }
  pending_.erase(pod->uid);
  if (event.event == EventType::kDeleted) return;
  Count(pod, 1);
  NoteLabels(pod->name_space, pod->placement);
  if (IsRaisedAndPending(pod)) pending_.insert(pod->uid);
  pods_.insert(pod);
}

const model::PodFacts* World::FindPod(std::string_view uid) const {
  const auto found = pods_.find(uid);
  return found == pods_.end() ? nullptr : &**found;
}

bool World::TakeObject(const model::RecommendationEvent& event) {
  const auto& object = event.object;
  const ObjectName name{object.name_space, object.name};
  const auto known = recommendations_.find(name);
  auto& count = objects_in_[object.name_space];
  if (known != recommendations_.end()) {
    Unlink(known->second);
    recommendations_.erase(known);
    --count;
  }
  const bool deleted = event.event == EventType::kDeleted;
  const bool taken = deleted || count < most_objects_;
  if (taken && !deleted) {
    const auto key = object.GetKey();
    recommendations_[name] = object;
    ++count;
    auto& objects = by_key_[key];
    objects.insert(AgeOf(object));
    if (objects.size() > 1) contested_.insert(key);
  }
  if (count == 0) objects_in_.erase(object.name_space);
  return taken;
}

std::size_t World::Kept() const {
  return pods_.size() + running_on_.size() + executors_.size() + drivers_.size() + book_.Size() +
         running_of_.size() + nodes_.size() + pending_.size() + recommendations_.size() +
         objects_in_.size() + by_key_.size() + contested_.size();
}

std::vector<model::NodeEvent> World::RememberedNodes(base::Time now) const {
  return node_memory_.Remembered(node_labels_, now, wire::kMostRemembered);
}

void World::NoteLabels(const std::string& name_space, const model::Placement& placement) {
  const auto note = [&](const std::string& key) {
    if (node_labels_.contains(key) || node_labels_.size() >= kMostLabels) return;
    auto& of_one = labels_of_[name_space];
    if (of_one >= kMostLabelsOfOne) return;
    ++of_one;
    node_labels_.insert(key);
  };
  for (const auto& [key, value] : placement.selector) note(key);
  for (const auto& term : placement.terms) {
    for (const auto& requirement : term.labels) note(requirement.key);
  }
}

void World::Unlink(const model::RecommendationObject& object) {
  const auto key = object.GetKey();
  auto& objects = by_key_[key];
  objects.erase(AgeOf(object));
  if (objects.size() < 2) contested_.erase(key);
  if (objects.empty()) by_key_.erase(key);
}

std::vector<const model::RecommendationObject*> World::Duplicates() const {
  std::vector<const model::RecommendationObject*> duplicates;
  for (const auto& key : contested_) {
    const auto& objects = by_key_.at(key);
    for (auto object = std::next(objects.begin()); object != objects.end(); ++object) {
      duplicates.push_back(&recommendations_.at({key.name_space, object->second}));
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
    if (const auto wish = DriverMetricsOf(pod)) {
      (*wish ? running.allowing : running.refusing) += difference;
    }
    running.observed += HasSignature(pod) ? difference : 0;
    running.on_trial += pod.trial ? difference : 0;
    if ((running.executors += difference) == 0) running_of_.erase(application);
  }
  const auto name = NameHash(pod.name_space, pod.name);
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

// What the job says: its executors, or else its driver.
std::optional<bool> World::WishOf(const model::PodFacts& driver, const Running& running) {
  if (running.allowing > 0) return true;
  if (running.refusing > 0) return false;
  return DriverMetricsOf(driver);
}

bool World::IsObserved(const model::PodFacts& driver, const Running& running) const {
  return asked_ == model::DriverMetrics::kObserved &&
         (running.observed > 0 || HasSignature(driver));
}

std::vector<Driver> World::DriversToAsk() const {
  std::vector<Driver> drivers;
  for (const auto& uid : drivers_) {
    const auto& pod = *FindPod(uid);
    if (!Runs(pod) || pod.address.empty() || !IsApplicationId(pod.app_selector)) continue;
    const auto found = running_of_.find({pod.name_space, pod.app_selector});
    const auto running = found == running_of_.end() ? Running{} : found->second;
    const auto wish = WishOf(pod, running);
    if (!wish.value_or(IsObserved(pod, running))) continue;
    drivers.push_back({.uid = uid,
                       .name_space = pod.name_space,
                       .pod = pod.name,
                       .application = pod.app_selector,
                       .address = pod.address,
                       .port = pod.ui_port != 0 ? pod.ui_port : kUsualUiPort,
                       .has_executors = running.executors > 0,
                       .watched = running.on_trial > 0,
                       .allowed = wish.has_value()});
  }
  return drivers;
}

bool World::MayHaveExecutor(const std::string& name_space, const std::string& name) const {
  return executors_.contains(NameHash(name_space, name));
}

std::vector<model::Observation> World::Missing(const Listed& listed, base::Time t) const {
  std::vector<model::Observation> missing;
  switch (listed.kind) {
    case Kind::kPods:
      for (const auto& pod : pods_) {
        if (listed.IsGone(pod->name_space, pod->uid)) {
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
  const auto objects = by_key_.find(key);
  if (objects == by_key_.end()) return nullptr;
  return &recommendations_.at({key.name_space, objects->second.begin()->second});
}

}  // namespace sparkfit::cluster
