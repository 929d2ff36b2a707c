// SPDX-License-Identifier: Apache-2.0
//
// One term of leadership: the pipeline, and what of it was published. It begins with the
// checkpoints and the cluster as it is, and ends without a trace: the next one begins alike.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include "fair_queue.h"
#include "message.h"
#include "sparkfit/controller/pipeline.h"
#include "sparkfit/wire/objects.h"
#include "world.h"
#include "writer.h"

namespace sparkfit::cluster {

// A checkpoint in the cluster that belongs to the recommendation that counts for its key.
struct StoredCheckpoint {
  std::string version;  // metadata.resourceVersion
  model::KeyCheckpoint checkpoint;
};
using Restore = std::function<void(StoredCheckpoint)>;
// Gives all of them, each once.
using Checkpoints = std::function<void(const Restore&)>;

struct SessionOptions {
  controller::PipelineOptions pipeline;
  // Called with everything that the pipeline is given; may be empty.
  std::function<void(const model::Observation&)> record;
  // Called with what is to be written; empty: nothing is published.
  std::function<void(Write)> submit;
  // Whether so little waits to be written of this namespace that an Event, a mark or a deletion may
  // be submitted now; empty: always.
  std::function<bool(const std::string&)> has_room = {};
  // Called with every row that changed, null where it is gone; may be empty.
  std::function<void(const model::Key&, const controller::KeyRecommendation*)> advise = {};
  // Of what is submitted and not reported yet no more than about so much is held: a checkpoint of a
  // large job is a megabyte, twice.
  std::size_t most_bytes_under_way = std::size_t{8} << 20;
  // A status that changed by less than what matters waits this long.
  base::Duration status_interval = std::chrono::minutes(5);
  // A checkpoint is at most a minute old: this, and what a sweep and the writer's queue take.
  base::Duration checkpoint_interval = std::chrono::seconds(58);
};

class Session {
 public:
  // Takes up the cluster as it is, and `checkpoints`, called once; none where it is empty. `recent`
  // are the latest observations of pods, which replace what `world` shows of these pods: executors
  // that ended since the last leader are counted by them.
  Session(const SessionOptions& options, const World& world, const Checkpoints& checkpoints,
          const std::vector<model::Observation>& recent, base::Time now);

  void Observe(const model::Observation& observation);
  void OnWritten(const Written& written, base::Time wall);
  // Publishes what is due.
  void Tick(base::Time wall);
  // Whether the clock went on or back by more than a day at once. Nothing is learnt or published
  // any more then: what is due by time would be due by a wrong one. Another session is to begin.
  [[nodiscard]] bool Leapt() const { return leapt_; }

  [[nodiscard]] const std::map<model::Key, controller::KeyRecommendation>& Rows() const {
    return rows_;
  }
  // Grows with every change of the rows.
  [[nodiscard]] std::uint64_t Revision() const { return revision_; }
  [[nodiscard]] const controller::Pipeline& GetPipeline() const { return pipeline_; }
  [[nodiscard]] std::size_t RestoredKeys() const { return restored_; }
  // How many things of all kinds are kept besides the pipeline's, for tests of what is bounded.
  [[nodiscard]] std::size_t Kept() const {
    return rows_.size() + published_.size() + checkpoint_versions_.size() + missing_pods_.size() +
           expired_.size() + due_.NameSpaces() + due_.Size() + under_way_.size() + marked_.size() +
           told_.size() + pending_told_.size();
  }
  // Executors that were made larger and have been without a node for long.
  [[nodiscard]] std::size_t Unschedulable() const { return unschedulable_; }

 private:
  // What was written of a key, and what is to be.
  struct Published {
    bool dirty = true;         // the history is not as in the checkpoint
    bool status_stale = true;  // nor as in the status
    std::string checkpoint_version;
    std::optional<base::Time> checkpoint_at;
    std::optional<base::Time> status_at;
    std::uint64_t status_digest = 0;  // of what makes a status due at once
    recommend::Recommendation recommendation;
    wire::ConditionTimes conditions;
    std::string object_uid;
    std::string object_version;    // as our latest status left it
    std::int64_t generation = 0;   // of the object, when the status was written
    bool too_large = false;        // to be written as a checkpoint
    std::uint64_t ooms_told = 0;   // by Events
    std::uint64_t ooms_shown = 0;  // by a status that was written, or is being written
    bool news = false;             // a status that tells of OOMs is being written, or failed
    bool waits = false;            // in due_
    bool waits_urgently = false;
    std::string sizing_told;  // likewise: application and size
    int create_attempt = 0;
    int failures = 0;
    base::Time not_before{};
  };

  // An executor that a checkpoint knows and nobody shows any more.
  struct MissingPod {
    const model::Key* key;  // in checkpoint_versions_
    std::string uid;
    std::string name;
    base::Time created;
  };

  using Uids = std::unordered_set<std::string>;
  void Take(StoredCheckpoint stored, const Uids& moving, base::Time now);
  void EndMissingPods(base::Time now);
  bool Leaps(base::Time t);
  // Time for what is due when: it goes on where the clock was set back.
  base::Time Scheduled(base::Time wall);
  // The keys that changed.
  std::vector<model::Key> Refresh();
  // What is to be written of a key now: its object, where there is none, else these parts.
  struct Plan {
    const controller::KeyRecommendation* row;
    const model::RecommendationObject* object = nullptr;
    std::vector<wire::Condition> conditions = {};
    std::uint64_t digest = 0;
    bool status = false;
    bool checkpoint = false;
  };
  // Nothing where nothing is due.
  std::optional<Plan> PlanOf(const model::Key& key, Published& state, base::Time now);
  // An OOM is written through, whatever else waits.
  static bool HasNews(const controller::KeyRecommendation& row, const Published& state);
  // Lets the key wait for its turn.
  void Want(const model::Key& key, Published& state, bool urgent);
  void WantWhatIsDue(base::Time now);
  // Publishes what waits, as far as the writer is free.
  void PublishDue(base::Time now);
  // Whether anything was to be written.
  bool PublishKey(const model::Key& key, Published& state, base::Time now);
  void PublishObject(const model::Key& key, Published& state, Plan plan, base::Time now);
  [[nodiscard]] bool HasRoom(const std::string& name_space) const;
  [[nodiscard]] bool MayPublish() const;
  void Submit(Write write);
  void DeleteExpired(base::Time now);
  void MarkDuplicates(base::Time now);
  void Tell(model::Key key, const wire::EventFacts& event, base::Time now);
  void TellOfRefusals(base::Time now);
  void TellOfSizing(const model::Key& key, Published& state, base::Time now);
  void TellOfPending(base::Time now);
  void TellOfOoms(const controller::KeyRecommendation& row, const wire::ObjectRef& object,
                  Published& state, base::Time now);
  [[nodiscard]] bool StatusDue(const Published& state, const controller::KeyRecommendation& row,
                               std::uint64_t digest, base::Time now) const;
  [[nodiscard]] std::vector<wire::Condition> ConditionsOf(const controller::KeyRecommendation& row,
                                                          const Published& state) const;

  SessionOptions options_;
  const World& world_;
  controller::Pipeline pipeline_;
  std::map<model::Key, controller::KeyRecommendation> rows_;
  std::map<model::Key, Published> published_;
  std::map<model::Key, std::string> checkpoint_versions_;
  std::vector<MissingPod> missing_pods_;
  std::size_t restored_ = 0;
  std::uint64_t revision_ = 0;
  bool leapt_ = false;
  std::map<model::Key, base::Time> expired_;  // whose objects are to be deleted, and when
  base::Time scheduled_{};
  base::Duration set_back_{};                    // by how much the clock was, in all
  std::optional<base::Time> swept_;              // when all keys were last looked at
  FairQueue<model::Key> due_;                    // what waits for its turn
  std::map<model::Key, std::size_t> under_way_;  // kCreate and kPublish, not yet reported: bytes
  std::size_t bytes_under_way_ = 0;              // of all
  std::map<std::string, base::Time> marked_;     // duplicates, by UID
  struct Told {
    std::uint64_t refused = 0;
    base::Time at{};
  };
  std::map<std::string, Told> told_;  // of refusals, by namespace
  std::size_t unschedulable_ = 0;
  std::map<model::Key, base::Time> pending_told_;
};

}  // namespace sparkfit::cluster
