// SPDX-License-Identifier: Apache-2.0
#include "tracked_pods.h"

#include <algorithm>
#include <cassert>

namespace sparkfit::controller {
namespace {

// The API's times are whole seconds, cut off: what ended "at :07" may have run until :07.999.
constexpr base::Duration kApiResolution = std::chrono::seconds(1);

// Of the pods with these texts that are `wanted`, the one that was seen last; null where none is.
template <typename Index, typename Wanted>
TrackedPod* Latest(const Index& index, const Texts& texts, const Wanted& wanted) {
  TrackedPod* latest = nullptr;
  const auto [begin, end] = index.equal_range(texts);
  for (auto pod = begin; pod != end; ++pod) {
    if (wanted(**pod) && (latest == nullptr || latest->order < (*pod)->order)) latest = *pod;
  }
  return latest;
}

template <typename Index>
void Drop(Index& index, TrackedPod& pod) {
  const auto [begin, end] = index.equal_range(&pod);
  const auto found = std::find(begin, end, &pod);
  if (found != end) index.erase(found);
}

}  // namespace

TrackedPod* TrackedPods::Find(std::string_view name_space, std::string_view uid) {
  const auto pod = pods_.find(Texts{name_space, uid, {}});
  return pod == pods_.end() ? nullptr : pod->get();
}

TrackedPod& TrackedPods::Add(const base::Shared<model::PodFacts>& facts) {
  auto added = std::make_unique<TrackedPod>();
  auto& pod = *added;
  pod.facts = facts;
  pod.order = ++added_;
  pods_.insert(std::move(added));
  by_name_.insert(&pod);
  IndexOrigin(pod);
  return pod;
}

void TrackedPods::Remove(TrackedPod& pod) {
  controller::Drop(by_name_, pod);
  if (const auto latest = by_executor_.find(&pod);
      latest != by_executor_.end() && *latest == &pod) {
    by_executor_.erase(latest);
  }
  Drop(by_driver_, pod.facts->owner_uid, &pod);
  Drop(by_driver_, ApplicationKey(pod.facts), &pod);
  pods_.erase(pods_.find(IdOf(pod)));
}

void TrackedPods::Complete(TrackedPod& pod, const base::Shared<model::PodFacts>& facts) {
  assert(pod.facts->owner_uid.empty() && pod.facts->app_selector.empty() &&
         pod.facts->name == facts->name);
  pod.facts = facts;
  pod.restored = false;
  IndexOrigin(pod);
}

void TrackedPods::IndexOrigin(TrackedPod& pod) {
  const auto& facts = *pod.facts;
  if (!facts.owner_uid.empty()) by_driver_[facts.owner_uid].push_back(&pod);
  if (facts.app_selector.empty()) return;
  by_driver_[ApplicationKey(facts)].push_back(&pod);
  if (facts.executor_id.empty()) return;
  by_executor_.erase(&pod);
  by_executor_.insert(&pod);
}

void TrackedPods::Drop(Lists& index, const std::string& key, const TrackedPod* pod) {
  const auto entry = index.find(key);
  if (entry == index.end()) return;
  std::erase(entry->second, pod);
  if (entry->second.empty()) index.erase(entry);
}

TrackedPod* TrackedPods::RunningAt(std::string_view name_space, std::string_view name,
                                   base::Time at) {
  // The latest: within the second in which one ended and the next was created both fit.
  return Latest(by_name_, {name_space, name, {}}, [at](const TrackedPod& pod) {
    return pod.facts->created <= at && (!pod.ended || at < *pod.ended + kApiResolution);
  });
}

TrackedPod* TrackedPods::LiveNamesake(const model::PodFacts& except) {
  return Latest(by_name_, {except.name_space, except.name, {}},
                [&](const TrackedPod& pod) { return !pod.gone && pod.facts->uid != except.uid; });
}

TrackedPod* TrackedPods::OfApplication(std::string_view name_space, std::string_view application,
                                       std::string_view executor_id) {
  const auto latest = by_executor_.find(Texts{name_space, application, executor_id});
  return latest == by_executor_.end() ? nullptr : *latest;
}

std::vector<TrackedPod*> TrackedPods::MaybeOf(const model::PodFacts& driver, bool by_selector) {
  std::vector<TrackedPod*> found;
  const auto add = [&](const std::string& key) {
    const auto entry = by_driver_.find(key);
    if (entry == by_driver_.end()) return;
    found.insert(found.end(), entry->second.begin(), entry->second.end());
  };
  add(driver.uid);
  if (by_selector && !driver.app_selector.empty()) add(ApplicationKey(driver));
  return found;
}

// No part can hold a slash (RFC 1123 labels); a hostile one only ever finds other pods of its own
// making.
std::string TrackedPods::ApplicationKey(const model::PodFacts& facts) {
  return facts.name_space + '/' + facts.app_selector;
}

}  // namespace sparkfit::controller
