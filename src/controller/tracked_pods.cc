// SPDX-License-Identifier: Apache-2.0
#include "tracked_pods.h"

#include <algorithm>
#include <cassert>

namespace sparkfit::controller {
namespace {

// The API's times are whole seconds, cut off: what ended "at :07" may have run until :07.999.
constexpr base::Duration kApiResolution = std::chrono::seconds(1);

}  // namespace

TrackedPod* TrackedPods::Find(std::string_view uid) {
  const auto entry = by_uid_.find(uid);
  return entry == by_uid_.end() ? nullptr : &entry->second;
}

TrackedPod& TrackedPods::Add(const model::PodFacts& facts) {
  auto& pod = by_uid_[facts.uid];
  pod.facts = facts;
  by_name_[std::string(NameKey(facts.name_space, facts.name))].push_back(&pod);
  IndexOrigin(pod);
  return pod;
}

void TrackedPods::Remove(const std::string& uid) {
  const auto entry = by_uid_.find(uid);
  if (entry == by_uid_.end()) return;
  const auto& facts = entry->second.facts;
  Drop(by_name_, NameKey(facts.name_space, facts.name), &entry->second);
  Drop(by_driver_, facts.owner_uid, &entry->second);
  Drop(by_driver_, NameKey(facts.name_space, facts.app_selector), &entry->second);
  Drop(by_executor_, NameKey(facts.name_space, facts.app_selector, facts.executor_id),
       &entry->second);
  by_uid_.erase(entry);
}

void TrackedPods::Complete(TrackedPod& pod, const model::PodFacts& facts) {
  assert(pod.facts.owner_uid.empty() && pod.facts.app_selector.empty() &&
         pod.facts.name == facts.name);
  pod.facts = facts;
  pod.restored = false;
  IndexOrigin(pod);
}

void TrackedPods::IndexOrigin(TrackedPod& pod) {
  const auto& facts = pod.facts;
  if (!facts.owner_uid.empty()) by_driver_[facts.owner_uid].push_back(&pod);
  if (facts.app_selector.empty()) return;
  by_driver_[std::string(NameKey(facts.name_space, facts.app_selector))].push_back(&pod);
  if (facts.executor_id.empty()) return;
  const auto key = NameKey(facts.name_space, facts.app_selector, facts.executor_id);
  by_executor_[std::string(key)].push_back(&pod);
}

void TrackedPods::Drop(Lists& index, std::string_view key, const TrackedPod* pod) {
  const auto entry = index.find(key);
  if (entry == index.end()) return;
  std::erase(entry->second, pod);
  if (entry->second.empty()) index.erase(entry);
}

TrackedPod* TrackedPods::RunningAt(std::string_view name_space, std::string_view name,
                                   base::Time at) {
  const auto entry = by_name_.find(NameKey(name_space, name));
  if (entry == by_name_.end()) return nullptr;
  // The newest first: within the second in which one ended and the next was created both fit.
  const auto& pods = entry->second;
  const auto running = std::find_if(pods.rbegin(), pods.rend(), [at](const TrackedPod* pod) {
    return pod->facts.created <= at && (!pod->ended || at < *pod->ended + kApiResolution);
  });
  return running == pods.rend() ? nullptr : *running;
}

TrackedPod* TrackedPods::LiveNamesake(const model::PodFacts& except) {
  const auto entry = by_name_.find(NameKey(except.name_space, except.name));
  if (entry == by_name_.end()) return nullptr;
  for (auto* pod : entry->second) {
    if (!pod->gone && pod->facts.uid != except.uid) return pod;
  }
  return nullptr;
}

TrackedPod* TrackedPods::OfApplication(std::string_view name_space, std::string_view application,
                                       std::string_view executor_id) {
  const auto entry = by_executor_.find(NameKey(name_space, application, executor_id));
  return entry == by_executor_.end() ? nullptr : entry->second.back();
}

std::vector<TrackedPod*> TrackedPods::MaybeOf(const model::PodFacts& driver) {
  std::vector<TrackedPod*> found;
  const auto add = [&](std::string_view key) {
    const auto entry = by_driver_.find(key);
    if (entry == by_driver_.end()) return;
    found.insert(found.end(), entry->second.begin(), entry->second.end());
  };
  add(driver.uid);
  if (!driver.app_selector.empty()) add(NameKey(driver.name_space, driver.app_selector));
  return found;
}

std::string_view TrackedPods::NameKey(std::string_view name_space, std::string_view name,
                                      std::string_view part) {
  // No part can hold a slash (RFC 1123 labels); a hostile one only ever finds other pods of
  // its own making.
  scratch_.assign(name_space);
  scratch_ += '/';
  scratch_ += name;
  if (part.empty()) return scratch_;
  scratch_ += '/';
  scratch_ += part;
  return scratch_;
}

}  // namespace sparkfit::controller
