// SPDX-License-Identifier: Apache-2.0
//
// Histories for tests, told as what happened: applications of executors with a size, a peak and an
// end. Time passes by a minute per step.
#pragma once

#include <optional>
#include <string>

#include "sparkfit/model/history.h"
#include "sparkfit/recommend/judgement.h"
#include "sparkfit/recommend/recommendation.h"
#include "sparkfit/recommend/safety.h"

namespace sparkfit::test {

// An executor with Spark's defaults: limit = heap + max(10 % of heap, 384 MiB).
inline model::ExecutorSize DefaultSize(std::int64_t heap_mib) {
  const auto heap = base::MiB(heap_mib);
  return {heap + model::DefaultOverhead(model::OverheadClass::kDefaultJvm, heap), heap};
}

inline model::ExecutorSize Size(std::int64_t limit_mib, std::int64_t heap_mib) {
  return {base::MiB(limit_mib), base::MiB(heap_mib)};
}

class HistoryBuilder {
 public:
  explicit HistoryBuilder(recommend::Policy with = {}, recommend::Safety around = {})
      : policy(with), safety(around), history({"jobs", "nightly", 0}, with.half_life) {}

  // Starts an executor that runs; its UID is returned.
  std::string Start(const std::string& application, const model::ExecutorSize& size,
                    const std::string& cores = "1",
                    std::optional<model::ExecutorSize> submitted = std::nullopt) {
    model::Executor executor;
    executor.application = application;
    executor.size = size;
    executor.submitted = submitted.value_or(size);
    executor.shape = {cores, model::ClassifyOverhead(executor.submitted), line};
    executor.request = executor.submitted.limit;
    executor.created = now;
    const auto uid = "uid-" + std::to_string(++started_);
    history.Ran(history.Start(uid, executor, now));
    Tick();
    return uid;
  }

  // `samples` usage samples, the last of them the peak.
  void Sample(const std::string& uid, base::Bytes peak, int samples = 3) {
    for (int i = samples; i > 0; --i) {
      history.AddSample(Find(uid), {peak.value / i}, now);
      history.Ran(Find(uid));
      Tick();
    }
  }

  void Oom(const std::string& uid, model::OomKind kind) {
    recommend::LearnOom(history, Find(uid), kind, now, policy, safety);
    End(uid, true);
  }

  void End(const std::string& uid, bool lost = false) {
    history.End(Find(uid), now, lost);
    history.Seal(uid);
    Learn();
    Tick();
  }

  // One application of one executor that lives well.
  void Run(const std::string& application, const model::ExecutorSize& size, base::Bytes peak,
           const std::string& cores = "1",
           std::optional<model::ExecutorSize> submitted = std::nullopt,
           model::Outcome outcome = model::Outcome::kSucceeded) {
    const auto uid = Start(application, size, cores, submitted);
    Sample(uid, peak);
    End(uid);
    EndApplication(application, outcome);
  }

  void EndApplication(const std::string& application,
                      model::Outcome outcome = model::Outcome::kSucceeded) {
    history.EndApplication(application, outcome);
    Learn();
  }
  void Learn() { recommend::LearnRuns(history, policy); }

  [[nodiscard]] const model::ShapeHistory& Shape() const { return *history.CurrentShape(); }

  model::Executor& Find(const std::string& uid) {
    // The builder owns the history; tests go through its methods.
    return const_cast<model::Executor&>(history.Executors().at(uid));
  }

  [[nodiscard]] recommend::Context ContextWith(recommend::Bounds bounds = {},
                                               base::Bytes largest_node = {}) const {
    return {policy, safety, bounds, largest_node};
  }

  recommend::Policy policy;
  recommend::Safety safety;
  model::SparkLine line{};  // of executors from now on
  model::KeyHistory history;
  base::Time now{std::chrono::hours(24 * 20000)};

 private:
  void Tick() { now += std::chrono::minutes(1); }

  int started_ = 0;
};

}  // namespace sparkfit::test
