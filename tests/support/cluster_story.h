// SPDX-License-Identifier: Apache-2.0
//
// What happens in a cluster, told second by second, as observations for a pipeline.
#pragma once

#include <string>
#include <utility>

#include "sparkfit/controller/pipeline.h"

namespace sparkfit::test {

class ClusterStory {
 public:
  // By `percentile`, whose sizes are derived by hand most easily.
  explicit ClusterStory(controller::PipelineOptions options = {.policy = recommend::Policy{},
                                                               .safety = {}},
                        controller::Listener* listener = nullptr)
      : pipeline(std::move(options), listener) {}

  // An executor pod of Spark's default shape in namespace "jobs", named and identified alike.
  static model::PodFacts Executor(const std::string& uid, const std::string& application,
                                  const std::string& signature, std::int64_t heap_mib = 4096) {
    model::PodFacts pod;
    pod.name_space = "jobs";
    pod.name = uid;
    pod.uid = uid;
    pod.app_selector = application;
    pod.role = model::PodRole::kExecutor;
    pod.phase = model::PodPhase::kPending;
    pod.cores = "1";
    pod.container = "spark-kubernetes-executor";
    const auto heap = base::MiB(heap_mib);
    pod.size = {heap + model::DefaultOverhead(model::OverheadClass::kDefaultJvm, heap), heap};
    pod.submitted = pod.size;
    pod.request = pod.size.limit;
    Sign(pod, signature);
    return pod;
  }

  static void Sign(model::PodFacts& pod, const std::string& signature) {
    Set(pod, "sparkfit.io/signature", signature);
  }

  static void Set(model::PodFacts& pod, const std::string& annotation, const std::string& value) {
    pod.settings.Edit().Offer(*model::FindSetting(annotation, true), value);
  }

  static model::PodFacts Driver(const std::string& uid, const std::string& application) {
    model::PodFacts pod;
    pod.name_space = "jobs";
    pod.name = uid;
    pod.uid = uid;
    pod.app_selector = application;
    pod.role = model::PodRole::kDriver;
    pod.phase = model::PodPhase::kRunning;
    return pod;
  }

  void Pod(model::EventType event, const model::PodFacts& pod) {
    Observe(model::PodEvent{event, pod});
  }

  // Created and running.
  void Run(model::PodFacts& pod) {
    pod.created = std::chrono::floor<std::chrono::seconds>(now);
    Pod(model::EventType::kAdded, pod);
    pod.phase = model::PodPhase::kRunning;
    Pod(model::EventType::kModified, pod);
  }

  void Use(const model::PodFacts& pod, base::Bytes working_set) { UseAt(pod, working_set, now); }

  void UseAt(const model::PodFacts& pod, base::Bytes working_set, base::Time timestamp) {
    Observe(model::UsageSample{
        pod.name_space, pod.name, timestamp, {{"spark-kubernetes-executor", working_set}}});
  }

  void Terminate(model::PodFacts& pod, const std::string& reason, int exit_code) {
    pod.ended =
        model::Termination{"", reason, exit_code, std::chrono::floor<std::chrono::seconds>(now)};
    Pod(model::EventType::kModified, pod);
  }

  void Delete(model::PodFacts& pod) {
    pod.deleted = true;
    Pod(model::EventType::kDeleted, pod);
  }

  // A whole executor: started, sampled three times, done, gone.
  void Live(model::PodFacts pod, base::Bytes peak) {
    Run(pod);
    for (int i = 3; i > 0; --i) Use(pod, {peak.value / i});
    Terminate(pod, "Completed", 0);
    Delete(pod);
  }

  // A whole run of one executor of "nightly", whose driver tells how it does and ends well.
  void LiveTold() {
    auto driver = Driver("d1", "app-1");
    Pod(model::EventType::kAdded, driver);
    auto pod = Executor("e1", "app-1", "nightly");
    pod.owner_uid = "d1";
    pod.executor_id = "1";
    Run(pod);
    for (int i = 0; i < 3; ++i) Use(pod, base::MiB(3000));
    Pass(std::chrono::minutes(10));
    model::ExecutorReading reading;
    reading.id = "1";
    reading.heap_peak = base::MiB(2800);
    reading.busy = std::chrono::minutes(5);
    reading.tasks_done = 100;
    Observe(model::DriverReading{"jobs", "app-1", {reading}});
    Terminate(pod, "Completed", 0);
    driver.phase = model::PodPhase::kSucceeded;
    Pod(model::EventType::kModified, driver);
    Pass(std::chrono::minutes(5));  // it is sealed
  }

  void Pass(base::Duration duration) { now += duration; }

  // The only key there is. REQUIRES: there is exactly one.
  controller::KeyRecommendation Only() {
    pipeline.AdvanceTo(now);
    auto all = pipeline.Recommend();
    if (all.size() != 1) throw std::logic_error("not exactly one key");
    return std::move(all.front());
  }

  template <typename What>
  void Observe(What what) {
    pipeline.Observe({now, std::move(what)});
    Pass(std::chrono::seconds(1));
  }

  controller::Pipeline pipeline;
  base::Time now{std::chrono::hours(24 * 20000)};
};

}  // namespace sparkfit::test
