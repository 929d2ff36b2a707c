// SPDX-License-Identifier: Apache-2.0
//
// What admission must know, kept by the main loop and asked by the listener: every replica answers,
// from memory alone.
//
// The leader answers by what its session recommends. Another replica answers by what was published,
// raised by the floors of OOMs that it saw itself and that the published status does not contain
// yet.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <shared_mutex>
#include <string>
#include <unordered_set>
#include <utility>

#include "constraint_book.h"
#include "sparkfit/admission/admission.h"
#include "sparkfit/controller/pipeline.h"
#include "sparkfit/model/driver_book.h"
#include "sparkfit/model/node_memory.h"
#include "sparkfit/model/observation.h"
#include "world.h"

namespace sparkfit::cluster {

// Safe for concurrent use.
class Advisor {
 public:
  Advisor(base::Bytes configured_max, bool shrink_only)
      : configured_max_(configured_max), shrink_only_(shrink_only) {}

  // Takes what changed in `world`, which has taken the observation already.
  void Take(const model::Observation& observation, const World& world);
  void Take(const ConstraintEvent& event);
  // A list of LimitRanges or of ResourceQuotas.
  void SetListed(const Listed& listed);

  // Rows are those of the leader's session from now on, or else those of a session that knows no
  // more than the pods; there are none yet.
  void BeginRows(bool leading);
  // A row as it is now; null: it is gone.
  void SetRow(const model::Key& key, const controller::KeyRecommendation* row);

  struct Answer {
    std::optional<model::Key> key;
    admission::Decision decision;
  };
  [[nodiscard]] Answer Decide(const model::PodFacts& pod, const model::PodPlaces& places,
                              base::Time now) const;

 private:
  // What is known of a key, from a session or from its object.
  struct Learnt {
    admission::Advice advice;  // but for what a user set
    std::optional<base::Time> last_oom;
  };
  struct Published {
    std::string name;
    std::optional<model::Mode> mode;
    recommend::Bounds bounds;
    bool explore = true;
    Learnt learnt;
  };

  // A run that is under way. Kept until the driver that goes by its name is gone, or where none
  // does until its last pod is.
  struct Run {
    std::unordered_set<std::string> pods;  // UIDs of its executors
    std::uint64_t first_id = 0;            // the least of Spark's numbers for them
    std::optional<model::Key> key;
    admission::RunState state;
  };
  using RunKey = std::pair<std::string, std::string>;  // namespace, application

  void TakeDriver(const model::PodEvent& event);
  void TakeExecutor(const model::PodEvent& event);
  // Among those of its key that are under way, if it has executors.
  void Count(const Run& run, int difference);
  void EndRun(const RunKey& key);
  static Published FromObject(const model::RecommendationObject& object);
  static Learnt Raised(Learnt published, const Learnt& seen);
  // As far as it does not depend on other runs.
  [[nodiscard]] admission::RunState RunOf(const model::PodFacts& pod) const;
  // Another run of the key is under way.
  [[nodiscard]] bool IsBesideAnother(const model::PodFacts& pod, const model::Key& key) const;
  [[nodiscard]] std::optional<admission::Advice> AdviceFor(const model::Key& key) const;

  const base::Bytes configured_max_;
  const bool shrink_only_;
  mutable std::shared_mutex mutex_;  // guards what follows
  model::DriverBook drivers_;
  std::map<RunKey, Run> runs_;
  std::map<model::Key, int> under_way_;  // runs with executors
  std::map<model::Key, Published> objects_;
  std::map<model::Key, Learnt> rows_;
  bool leading_ = false;
  ConstraintBook constraints_;
  model::NodeMemory nodes_;
};

}  // namespace sparkfit::cluster
