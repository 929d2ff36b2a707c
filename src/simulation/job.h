// SPDX-License-Identifier: Apache-2.0
//
// One recurring job in a cluster of its own: pods, usage and OOMs go into a pipeline, and what that
// recommends sizes the next executor, at admission, as a webhook would.
#pragma once

#include <queue>
#include <string>
#include <vector>

#include "sparkfit/admission/admission.h"
#include "sparkfit/controller/pipeline.h"
#include "sparkfit/simulation/closed_loop.h"

namespace sparkfit::simulation {

class Job {
 public:
  Job(const Profile& profile, const model::ExecutorSize& submitted,
      const controller::PipelineOptions& options, bool driver_metrics);

  // The next run; every executor needs `factor` times what the profile says.
  RunResult Run(double factor);

 private:
  // A replacement has the executor's number and the next attempt.
  struct Attempt {
    model::PodFacts pod;
    Life life;
    std::uint32_t executor = 0;
    int number = 0;
  };

  enum class Kind { kCreate, kSample, kEnd };
  struct Event {
    base::Time at;
    std::uint64_t order = 0;  // of equal times the first that was planned
    Kind kind = Kind::kCreate;
    std::size_t attempt = 0;

    friend bool operator>(const Event& a, const Event& b) {
      return a.at != b.at ? a.at > b.at : a.order > b.order;
    }
  };

  void Plan(base::Time at, Kind kind, std::size_t attempt);
  void Add(base::Time at, std::uint32_t executor, int number);
  void Create(Attempt& attempt, base::Time at, std::size_t index);
  void Sample(const Attempt& attempt, base::Time at);
  [[nodiscard]] model::DriverReading ReadingOf(const Attempt& attempt, double age) const;
  void EndAttempt(Attempt& attempt, base::Time at);
  [[nodiscard]] model::ExecutorSize Admitted(const model::PodFacts& pod) const;
  void Observe(base::Time at, model::EventType type, const model::PodFacts& pod);

  const Profile& profile_;
  model::ExecutorSize submitted_;
  model::Key key_;
  controller::Pipeline pipeline_;
  bool driver_metrics_;  // its driver is asked with every sample
  base::Time next_run_;
  std::uint32_t runs_ = 0;

  // Of the run that is under way.
  double factor_ = 1;
  RunResult result_;
  std::vector<Attempt> attempts_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::uint64_t planned_ = 0;
};

}  // namespace sparkfit::simulation
