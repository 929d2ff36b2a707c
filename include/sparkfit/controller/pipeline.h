// SPDX-License-Identifier: Apache-2.0
//
// observe → learn → recommend, on a virtual clock: the controller's whole judgement without any
// I/O, so that a cluster and a recorded file go through the very same code.
//
// Time is that of the observations: Observe first lets pass what was due before it (late samples
// are over, an application was idle for long), in the order in which it was due. The same
// observations therefore give the same result however they are batched.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sparkfit/base/clock.h"
#include "sparkfit/model/checkpoint.h"
#include "sparkfit/model/history.h"
#include "sparkfit/model/observation.h"
#include "sparkfit/recommend/recommendation.h"

namespace sparkfit::controller {

struct PipelineOptions {
  // Where neither the job nor a user chose one; absent: `adaptive`, or `percentile`, which acts as
  // EMR's does, for jobs that ask by EMR's keys alone.
  std::optional<recommend::Policy> policy;
  recommend::Safety safety;
  // An ended executor stays in the overlay for late samples, then is sealed.
  base::Duration late_samples = std::chrono::seconds(60);
  // An application that had no executor for this long has ended.
  base::Duration application_idle = std::chrono::minutes(10);
  // A key of which no executor was seen for this long is forgotten.
  base::Duration retention = std::chrono::hours(24 * 90);
  // A namespace with this many keys gets no new one, so that no tenant can crowd out others.
  std::size_t max_keys_per_namespace = 2000;
  // So many there are at most. A namespace gets a new one while it has fewer than are free: nobody
  // takes more than half of all, and there is always something left for who has few.
  std::size_t max_keys = 20'000;
};

// What could not be used. A person wants to know; nothing of it stops anything.
struct Unused {
  std::uint64_t usage_unknown_pod = 0;   // no executor of that name ran at the sample's time
  std::uint64_t usage_no_container = 0;  // it lacks the executor's container
  std::uint64_t usage_zero = 0;          // no working set: a container that is not running
  std::uint64_t executors_unsigned = 0;  // executors that nobody asked to observe
  std::uint64_t pods_with_problems = 0;  // parts of them were not understood
  std::uint64_t out_of_order = 0;        // learnt at a time before what was already learnt
};

// One key's history and what it is recommended.
struct KeyRecommendation {
  const model::KeyHistory* history;
  recommend::Recommendation recommendation;
  model::Mode mode = model::Mode::kOff;
  recommend::Policy policy;
  recommend::Bounds bounds;
  bool explore = true;  // runs may try smaller sizes
  bool wants_cpu = false;
  bool low_confidence = true;
  // What the job or its user asked for and is left out; the explanation names it, too.
  std::vector<std::string> problems = {};
  std::string explanation;
};

// Settings that are left out as a sentence, cut where it is too long.
std::string DescribeProblems(const std::vector<std::string>& problems);

// Is told of executors what the pipeline learns, when it has learnt it: for reports that show more
// than a history remembers. Executors are valid during the call; a history is the same object until
// it is forgotten.
class Listener {
 public:
  virtual ~Listener() = default;
  virtual void Started(const model::KeyHistory& history, const model::Executor& executor,
                       base::Time now) = 0;
  virtual void Sampled(const model::KeyHistory& history, const model::Executor& executor,
                       base::Bytes working_set, base::Time timestamp) = 0;
  virtual void Killed(const model::KeyHistory& history, const model::Executor& executor,
                      model::OomKind kind, base::Time at) = 0;
  // Its peak will not change any more.
  virtual void Sealed(const model::KeyHistory& history, const model::Executor& executor) = 0;
  virtual void Forgotten(const model::KeyHistory& history) = 0;
};

// Not safe for concurrent use.
class Pipeline {
 public:
  // The listener, if any, outlives the pipeline.
  explicit Pipeline(const PipelineOptions& options, Listener* listener = nullptr);
  ~Pipeline();
  Pipeline(Pipeline&&) noexcept;
  Pipeline& operator=(Pipeline&&) noexcept;

  void Observe(const model::Observation& observation);

  // Lets time pass without an observation.
  void AdvanceTo(base::Time now);

  // Every key that has a history, sorted by namespace, signature and profile. The histories are
  // valid until the next Observe or AdvanceTo.
  [[nodiscard]] std::vector<KeyRecommendation> Recommend() const;

  // The same for one key; nothing where it has no history.
  [[nodiscard]] std::optional<KeyRecommendation> Recommend(const model::Key& key) const;

  // The keys whose history or settings changed since this was last asked, in the order in which
  // they did; one that was purged too.
  std::vector<model::Key> TakeChanged();

  // The keys that were forgotten because they were not seen for long, since this was last asked.
  std::vector<model::Key> TakeExpired();

  // How many executors were not observed because their namespace had too many keys, or too great a
  // share of all, by namespace.
  [[nodiscard]] const std::map<std::string, std::uint64_t>& Refused() const;

  // What to remember of a key. REQUIRES: the key has a history.
  [[nodiscard]] model::KeyCheckpoint Save(const model::Key& key) const;

  // How many things of all kinds are kept, for tests of what is bounded.
  [[nodiscard]] std::size_t Kept() const;
  // How often a target was found for executors that start, for tests of what that costs.
  [[nodiscard]] std::uint64_t TargetsFound() const;

  [[nodiscard]] base::Time Now() const;
  [[nodiscard]] const Unused& GetUnused() const;
  // What pods and objects asked for and could not be understood, each once: at most a hundred of a
  // namespace, a thousand in all.
  [[nodiscard]] const std::set<std::string>& Problems() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sparkfit::controller
