// SPDX-License-Identifier: Apache-2.0
//
// The pods that are known, by UID and by name.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "job.h"
#include "sparkfit/base/time.h"
#include "sparkfit/model/history.h"
#include "sparkfit/model/pod.h"

namespace sparkfit::controller {

// An executor pod. It belongs to a key once its signature is known, which may be only when its
// driver was seen; until then its samples wait in `waiting`.
struct TrackedPod {
  model::PodFacts facts;
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

struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>{}(text);
  }
};

class TrackedPods {
 public:
  TrackedPod* Find(std::string_view uid);
  [[nodiscard]] std::size_t Size() const { return by_uid_.size(); }
  // REQUIRES: not there yet.
  TrackedPod& Add(const model::PodFacts& facts);
  void Remove(const std::string& uid);
  // Takes the facts of a pod that was known from a checkpoint only. REQUIRES: it is there.
  void Complete(TrackedPod& pod, const model::PodFacts& facts);

  // The pod that ran under this name at that time, or null.
  TrackedPod* RunningAt(std::string_view name_space, std::string_view name, base::Time at);
  // The pod of this name that has not ended, other than `except`; or null.
  TrackedPod* LiveNamesake(const model::PodFacts& except);

  // The executor that the driver of this application calls so, or null.
  TrackedPod* OfApplication(std::string_view name_space, std::string_view application,
                            std::string_view executor_id);

  // Executors that this driver owns, or whose application it says to be.
  std::vector<TrackedPod*> MaybeOf(const model::PodFacts& driver);

 private:
  using Lists =
      std::unordered_map<std::string, std::vector<TrackedPod*>, StringHash, std::equal_to<>>;
  static void Drop(Lists& index, std::string_view key, const TrackedPod* pod);
  // By what a checkpoint does not know: its owner, and what its driver calls it.
  void IndexOrigin(TrackedPod& pod);
  std::string_view NameKey(std::string_view name_space, std::string_view name,
                           std::string_view part = {});

  std::unordered_map<std::string, TrackedPod, StringHash, std::equal_to<>> by_uid_;
  Lists by_name_;
  Lists by_driver_;  // by their owner's UID, and by namespace and application
  Lists by_executor_;
  std::string scratch_;  // a name key without an allocation for each sample
};

}  // namespace sparkfit::controller
