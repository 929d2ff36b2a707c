// SPDX-License-Identifier: Apache-2.0
//
// Applications as lines of an observation log: what somebody would have recorded who had watched
// their pods and asked their drivers. docs/import.md says what can be known in this way.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "sparkfit/base/time.h"
#include "sparkfit/eventlog/application.h"
#include "sparkfit/eventlog/join.h"
#include "sparkfit/model/pod.h"
#include "sparkfit/model/signature_rules.h"

namespace sparkfit::eventlog {

// How the executors' container is called.
inline constexpr std::string_view kExecutorContainer = "spark-kubernetes-executor";
// Labels that no pod has, for rules of derived signatures; properties of Spark are named as they
// are.
inline constexpr std::string_view kAppNameLabel = "app-name";  // JobName of it

struct ObservedCounts {
  std::uint64_t applications = 0;
  std::uint64_t executors = 0;
  std::uint64_t samples = 0;
  std::uint64_t container_ooms = 0;
  std::uint64_t heap_ooms = 0;
  base::Time until{};
  // Applications …
  std::uint64_t twice = 0;         // of which another log tells as much, or more; left out
  std::uint64_t no_executors = 0;  // as in local mode
  std::uint64_t no_signature = 0;
  std::uint64_t cut = 0;        // that did not say that they ended
  std::uint64_t partial = 0;    // of which a History Server left out executors that were gone
  std::uint64_t elsewhere = 0;  // that did not run on Kubernetes
  // Executors …
  std::uint64_t unsampled = 0;  // of whose use of memory nothing is told; they ran tasks
  std::uint64_t joined = 0;     // of whose use of memory the other log tells
  std::uint64_t idle = 0;       // that ended no task
  std::uint64_t unregistered = 0;
  std::uint64_t other_size = 0;  // than they were submitted with, by the heap that they registered
  std::uint64_t unclear = 0;     // that were lost, nobody knows why
};

class Observations {
 public:
  // REQUIRES: the rules outlive it.
  Observations(std::vector<Application> applications, const model::SignatureRules& rules);

  // All lines, in order of time; the same whatever order the applications had. With those of the
  // other log, where there is one, that it knows better or alone: usage of an executor is its, if
  // it has any. Fails where the other log does.
  using Sink = std::function<void(std::string_view line)>;
  base::Result<void> Write(const Sink& sink, OtherLog* other = nullptr);

  [[nodiscard]] const ObservedCounts& Counts() const { return counts_; }

 private:
  // An application's pods, without what is each executor's own.
  struct Pods {
    model::PodFacts driver;
    model::PodFacts executor;
  };
  struct Source;
  class Order;

  void KeepOne();
  [[nodiscard]] Pods PodsOf(const Application& application) const;
  // The executors and applications; those that the other log measured lose their samples.
  OtherLog::Known Join(const OtherLog* other);
  void Count(const Application& application, const Pods& pods);
  void Count(const Application& application, const Executor& executor);

  std::vector<Application> applications_;
  const model::SignatureRules& rules_;
  ObservedCounts counts_;
};

}  // namespace sparkfit::eventlog
