// SPDX-License-Identifier: Apache-2.0
//
// The cluster as last seen, whether we lead or not: what a new leader begins with, and what a list
// is compared to.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "message.h"
#include "sparkfit/base/shared.h"
#include "sparkfit/model/driver_book.h"
#include "sparkfit/model/node_memory.h"
#include "sparkfit/model/observation.h"

namespace sparkfit::cluster {

class World {
 public:
  using ObjectName = std::pair<std::string, std::string>;  // namespace, name

  // Of one namespace so many recommendations are known.
  explicit World(std::size_t most_objects = SIZE_MAX,
                 model::DriverMetrics asked = model::DriverMetrics::kOptIn)
      : most_objects_(most_objects), asked_(asked) {}

  // False where it is an object that there is no room for: nobody is to learn of it.
  bool Take(const model::Observation& observation);

  // The deletions that a list shows, as observations at `t`; not taken yet.
  [[nodiscard]] std::vector<model::Observation> Missing(const Listed& listed, base::Time t) const;

  // Observations come from this collection.
  void Expect(Kind kind, const std::string& name_space) { missing_.emplace(kind, name_space); }
  void SetListed(const Listed& listed) { missing_.erase({listed.kind, listed.name_space}); }
  // Each was listed at least once.
  [[nodiscard]] bool Complete() const { return missing_.empty(); }

  using Pod = base::Shared<model::PodFacts>;
  // By UID, which they hold themselves.
  struct HashUid {
    using is_transparent = void;
    std::size_t operator()(std::string_view uid) const {
      return std::hash<std::string_view>{}(uid);
    }
    std::size_t operator()(const Pod& pod) const { return (*this)(pod->uid); }
  };
  struct SameUid {
    using is_transparent = void;
    bool operator()(const Pod& a, const Pod& b) const { return a->uid == b->uid; }
    bool operator()(const Pod& a, std::string_view b) const { return a->uid == b; }
    bool operator()(std::string_view a, const Pod& b) const { return a == b->uid; }
  };
  using PodsByUid = std::unordered_set<Pod, HashUid, SameUid>;
  [[nodiscard]] const PodsByUid& Pods() const { return pods_; }
  // Null: none is there.
  [[nodiscard]] const model::PodFacts* FindPod(std::string_view uid) const;
  [[nodiscard]] const std::map<std::string, model::NodeEvent>& Nodes() const { return nodes_; }
  // What the next leader must know of nodes, as observations that tell it so.
  [[nodiscard]] std::vector<model::NodeEvent> RememberedNodes(base::Time now) const;
  // UIDs of executors that were made larger and that no node was found for yet.
  [[nodiscard]] const std::set<std::string>& RaisedAndPending() const { return pending_; }
  // The nodes that executors run on.
  [[nodiscard]] std::vector<model::NodeEvent> ExecutorNodes() const;
  // The drivers that run and may be asked: a job says so, or not, by its executors or else by its
  // driver. Those of runs with an executor on trial are watched closely.
  [[nodiscard]] std::vector<Driver> DriversToAsk() const;
  // The settings of an executor's driver; null: none is known.
  [[nodiscard]] const model::PodSettings* DriverOf(const model::PodFacts& executor) const {
    return book_.Of(executor);
  }
  // Grows with whatever is taken.
  [[nodiscard]] std::uint64_t Revision() const { return revision_; }
  // How many things of all kinds are kept, for tests of what is bounded.
  [[nodiscard]] std::size_t Kept() const;
  // Whether an executor of that name may be there: of other pods nearly all are found to be none.
  [[nodiscard]] bool MayHaveExecutor(const std::string& name_space, const std::string& name) const;
  [[nodiscard]] const std::map<ObjectName, model::RecommendationObject>& Recommendations() const {
    return recommendations_;
  }
  // The object that counts for a key: the oldest, of equal age the first by name. Null: none.
  [[nodiscard]] const model::RecommendationObject* ObjectOf(const model::Key& key) const;
  // The objects that do not count because ObjectOf their key is another one.
  [[nodiscard]] std::vector<const model::RecommendationObject*> Duplicates() const;

 private:
  // Counts an executor that is there, or no longer is.
  void Count(const model::PodFacts& pod, int difference);
  void TakePod(const model::PodEvent& event);
  bool TakeObject(const model::RecommendationEvent& event);
  void NoteLabels(const std::string& name_space, const model::Placement& placement);
  void Unlink(const model::RecommendationObject& object);

  std::uint64_t revision_ = 0;
  std::set<std::pair<Kind, std::string>> missing_;  // not listed yet
  PodsByUid pods_;
  std::map<std::string, int> running_on_;             // executors that have not ended, by node
  std::unordered_map<std::uint64_t, int> executors_;  // by a hash of namespace and name
  std::set<std::string> drivers_;                     // by UID
  model::DriverBook book_;                            // the same
  // Executors that run, by namespace and application; of them those that say that their driver may
  // be asked, or may not, those with a signature, and those on trial.
  struct Running {
    int executors = 0;
    int allowing = 0;
    int refusing = 0;
    int observed = 0;
    int on_trial = 0;
  };
  static std::optional<bool> WishOf(const model::PodFacts& driver, const Running& running);
  [[nodiscard]] bool IsObserved(const model::PodFacts& driver, const Running& running) const;
  std::map<std::pair<std::string, std::string>, Running> running_of_;
  std::map<std::string, model::NodeEvent> nodes_;
  model::NodeMemory node_memory_;
  std::set<std::string> node_labels_;             // keys that executors' placements name
  std::map<std::string, std::size_t> labels_of_;  // how many a namespace was the first to name
  std::set<std::string> pending_;
  std::size_t most_objects_;
  model::DriverMetrics asked_;
  std::map<ObjectName, model::RecommendationObject> recommendations_;
  std::map<std::string, std::size_t> objects_in_;  // of those, by namespace
  using Age = std::pair<base::Time, std::string>;  // when it was created, and its name
  static Age AgeOf(const model::RecommendationObject& object) {
    return {object.created, object.name};
  }
  std::map<model::Key, std::set<Age>> by_key_;  // the one that counts first
  std::set<model::Key> contested_;              // keys with several objects
};

}  // namespace sparkfit::cluster
