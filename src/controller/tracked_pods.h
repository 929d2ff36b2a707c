// SPDX-License-Identifier: Apache-2.0
//
// The pods that are known, by UID and by name. Of each namespace for itself: a checkpoint may name
// any UID, and whoever wrote it speaks for its own namespace alone.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "job.h"
#include "sparkfit/base/shared.h"
#include "sparkfit/base/time.h"
#include "sparkfit/model/history.h"
#include "sparkfit/model/pod.h"

namespace sparkfit::controller {

// An executor pod. It belongs to a key once its signature is known, which may be only when its
// driver was seen; until then its samples wait in `waiting`.
struct TrackedPod {
  base::Shared<model::PodFacts> facts;
  std::uint64_t order = 0;  // among all, by when they were first seen
  Entry* entry = nullptr;
  model::Executor* executor = nullptr;  // in the history's overlay; null once sealed
  std::unique_ptr<model::Executor> waiting;
  std::vector<std::string> counted_ends;  // as in model::PodRecord
  std::optional<base::Time> ended;
  bool unwatched = false;  // first seen when it had ended already
  bool restored = false;   // known from a checkpoint only; its facts are still to come
  bool gone = false;       // DELETED was seen
  bool sealed = false;     // late samples are over
  bool ignored = false;    // alive at a purge
  bool refused = false;    // its namespace had as many keys as it may have
};

// An index of pods by texts that they hold themselves, so that it keeps no copy of them. They must
// not change while a pod is in it.
using Texts = std::array<std::string_view, 3>;
template <Texts (*TextsOf)(const TrackedPod&)>
struct TextsHash {
  using is_transparent = void;
  std::size_t operator()(const Texts& texts) const {
    std::size_t hash = 0;
    for (const auto text : texts) hash = hash * 31 + std::hash<std::string_view>{}(text);
    return hash;
  }
  template <typename Pointer>
  std::size_t operator()(const Pointer& pod) const {
    return (*this)(TextsOf(*pod));
  }
};
template <Texts (*TextsOf)(const TrackedPod&)>
struct TextsEqual {
  using is_transparent = void;
  template <typename Pointer>
  static Texts Of(const Pointer& pod) {
    return TextsOf(*pod);
  }
  static const Texts& Of(const Texts& texts) { return texts; }
  template <typename A, typename B>
  bool operator()(const A& a, const B& b) const {
    return Of(a) == Of(b);
  }
};
template <Texts (*TextsOf)(const TrackedPod&)>
using AllBy = std::unordered_multiset<TrackedPod*, TextsHash<TextsOf>, TextsEqual<TextsOf>>;
template <Texts (*TextsOf)(const TrackedPod&)>
using LatestBy = std::unordered_set<TrackedPod*, TextsHash<TextsOf>, TextsEqual<TextsOf>>;

inline Texts IdOf(const TrackedPod& pod) { return {pod.facts->name_space, pod.facts->uid, {}}; }
inline Texts NameOf(const TrackedPod& pod) { return {pod.facts->name_space, pod.facts->name, {}}; }
// What its driver calls it.
inline Texts ExecutorOf(const TrackedPod& pod) {
  return {pod.facts->name_space, pod.facts->app_selector, pod.facts->executor_id};
}

class TrackedPods {
 public:
  TrackedPod* Find(std::string_view name_space, std::string_view uid);
  [[nodiscard]] std::size_t Size() const { return pods_.size(); }
  // REQUIRES: not there yet.
  TrackedPod& Add(const base::Shared<model::PodFacts>& facts);
  // REQUIRES: it is there.
  void Remove(TrackedPod& pod);
  // Takes the facts of a pod that was known from a checkpoint only. REQUIRES: it is there.
  void Complete(TrackedPod& pod, const base::Shared<model::PodFacts>& facts);

  // The pod that ran under this name at that time, or null.
  TrackedPod* RunningAt(std::string_view name_space, std::string_view name, base::Time at);
  // The pod of this name that has not ended, other than `except`; or null.
  TrackedPod* LiveNamesake(const model::PodFacts& except);

  // The executor that the driver of this application calls so, or null: of several the latest, as
  // Spark never gives a number twice.
  TrackedPod* OfApplication(std::string_view name_space, std::string_view application,
                            std::string_view executor_id);

  // Executors that this driver owns, or `by_selector` whose application it says to be.
  std::vector<TrackedPod*> MaybeOf(const model::PodFacts& driver, bool by_selector);

 private:
  using Lists = std::unordered_map<std::string, std::vector<TrackedPod*>>;
  static void Drop(Lists& index, const std::string& key, const TrackedPod* pod);
  // By what a checkpoint does not know: its owner, and what its driver calls it.
  void IndexOrigin(TrackedPod& pod);
  static std::string ApplicationKey(const model::PodFacts& facts);

  std::uint64_t added_ = 0;
  std::unordered_set<std::unique_ptr<TrackedPod>, TextsHash<IdOf>, TextsEqual<IdOf>> pods_;
  AllBy<NameOf> by_name_;
  Lists by_driver_;  // by their owner's UID, and by namespace and application
  LatestBy<ExecutorOf> by_executor_;
};

}  // namespace sparkfit::controller
