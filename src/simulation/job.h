// SPDX-License-Identifier: Apache-2.0
//
// One recurring job in a cluster of its own: pods, usage, what drivers tell and ends go into a
// pipeline, and what that recommends sizes the next executor, at admission, as a webhook would.
#pragma once

#include <string>
#include <vector>

#include "run.h"
#include "sparkfit/admission/admission.h"
#include "sparkfit/controller/pipeline.h"

namespace sparkfit::simulation {

class Job : private Surroundings {
 public:
  // The profile outlives it.
  Job(const Profile& profile, const controller::PipelineOptions& pipeline,
      const LoopOptions& options);

  // The next run, which needs so many times what the profile says. `number` is what it draws by.
  RunResult Play(std::uint32_t number, double factor);

 private:
  model::ExecutorSize Admit(double now, std::uint32_t id) override;
  void Created(double now, const Executor& executor) override;
  void Sampled(double now, const Executor& executor) override;
  void Asked(double now, const std::vector<Executor>& executors) override;
  void Ended(double now, const Executor& executor) override;
  [[nodiscard]] std::optional<double> SampleEvery() const override;

  [[nodiscard]] base::Time At(double now) const;
  [[nodiscard]] model::PodFacts NewPod(std::uint32_t id, base::Time at) const;
  [[nodiscard]] admission::RunState StateOfRun() const;
  void SizeByAdmission(model::PodFacts& pod) const;
  void ShowDriver(base::Time at, model::EventType event, model::PodPhase phase);
  void Observe(base::Time at, model::EventType event, const model::PodFacts& pod);

  const Profile& profile_;
  LoopOptions options_;
  model::Key key_;
  controller::Pipeline pipeline_;
  base::Time start_;  // of the run
  std::string application_;
  std::vector<model::PodFacts> pods_;  // of the run, in the order of their ids
};

}  // namespace sparkfit::simulation
