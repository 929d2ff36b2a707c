// SPDX-License-Identifier: Apache-2.0
//
// What Spark drivers say of their executors: the REST API of their UI, which has heaps,
// collections, tasks and spills where a working set has none of them. Only drivers of jobs that
// allow it are asked.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "fair_queue.h"
#include "shares.h"
#include "sources.h"
#include "sparkfit/kube/plain_http.h"
#include "spills.h"

namespace sparkfit::cluster {

// Figures of executors in stages (spills.h) that are kept of a namespace's drivers, and of all.
// They take some 60 bytes each.
struct StageShares {
  std::size_t of_one = 300'000;
  std::size_t of_all = 1'000'000;
};

class Drivers {
 public:
  // kube::PlainGet, or a test's. Called by several threads at the same time.
  using Get = std::function<kube::PlainAnswer(const kube::PlainRequest&, const std::stop_token&)>;

  // From one turn of a driver to the next: a twentieth of how long it has had executors, within
  // these.
  struct Intervals {
    base::Duration least;
    base::Duration usual;    // at most
    base::Duration watched;  // at most, of those that are watched closely
  };

  // REQUIRES: `around` outlives this.
  Drivers(Get get, const Surroundings& around, const StageShares& most = {})
      : get_(std::move(get)), around_(around), shares_(most.of_one, most.of_all) {}

  // The drivers that may be asked from now on. Safe for concurrent use with Run.
  void SetDrivers(std::vector<Driver> drivers);

  // Asks each at every interval, from ten seconds after its first executor on until once after its
  // last, while `wanted` says so: for its executors, and where it is watched closely for its
  // stages, too. A turn of a driver takes two seconds at most, whatever it is asked. Where more are
  // due than can be asked, namespaces take turns, and drivers that did not answer, or slowly, come
  // last.
  void Run(Intervals intervals, const std::function<bool()>& wanted, const std::stop_token& stop);

 private:
  using Steady = base::Clock::Steady;

  // One thing that a driver is asked for: how that went.
  struct Turns {
    std::optional<Steady> latest{};  // when it was last asked
    int failures = 0;                // since it last answered

    [[nodiscard]] bool Due(Steady now, base::Duration interval) const;
  };

  struct Entry {
    Driver driver;
    bool owes = false;              // an answer about executors that ran since the last one
    bool slow = false;              // its latest turn took long
    Steady not_before{};            // until then executors have told it nothing
    std::optional<Steady> begun{};  // it had executors first
    Turns executors;
    Turns stages;
    Spills spills;
  };

  // Why an answer is none.
  struct Failure {
    std::string result;  // as the metric has it
    std::string why;
  };
  template <typename Answer>
  using Heard = tl::expected<Answer, Failure>;

  void TakeDrivers();
  // Those to ask, by namespace; those that answer well are urgent.
  FairQueue<Entry*> Due(const Intervals& intervals);
  void AskDue(const Intervals& intervals, const std::stop_token& stop);
  static base::Duration IntervalOf(const Entry& entry, const Intervals& intervals, Steady now);
  // One turn of a driver; tells the main loop what there is.
  void Ask(Entry& entry, const Intervals& intervals, const std::stop_token& stop);
  // Fills in what its executors spilled, where all of that is known before `end`.
  void AskStages(Entry& entry, Steady end, model::DriverReading& reading,
                 const std::stop_token& stop);
  // Whether the attempts have been learnt.
  Heard<bool> LearnStages(Entry& entry, Steady end, const std::stop_token& stop);
  // False, and nothing is learnt, where that is more than there may be.
  bool Learn(Entry& entry, const wire::StageAttempt& attempt,
             std::vector<wire::ExecutorInStage> executors);
  // One request, of what follows the application in the path. Fails, too, where no time is left.
  template <typename Answer>
  Heard<Answer> Request(const Driver& driver, const std::string& path, Steady end,
                        base::Result<Answer> (*parse)(std::string_view),
                        const std::stop_token& stop);
  void Note(Turns& turns, const Driver& driver, const char* of_what, const Failure* failure) const;

  Get get_;
  const Surroundings& around_;
  std::map<std::string, Entry> entries_;  // by UID; of the thread that runs
  std::mutex reading_;                    // one answer at a time: the largest take memory
  std::mutex learning_;                   // guards what follows
  Shares shares_;                         // that entries keep
  // Bytes of answers that are on their way. A namespace gets no more than half of what is left,
  // also while a buffer grows from half of the largest: beside another's, that takes three of them.
  Shares answers_{wire::kLargestDriverAnswer, 3 * wire::kLargestDriverAnswer};

  std::mutex mutex_;
  std::vector<Driver> wanted_drivers_;
};

}  // namespace sparkfit::cluster
