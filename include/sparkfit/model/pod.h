// SPDX-License-Identifier: Apache-2.0
//
// What sparkfit knows of a pod, wherever it was read: a watch, a log or an admission review.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sparkfit/base/bytes.h"
#include "sparkfit/base/rare.h"
#include "sparkfit/base/shared.h"
#include "sparkfit/base/time.h"
#include "sparkfit/model/placement.h"
#include "sparkfit/model/settings.h"
#include "sparkfit/model/shape.h"

namespace sparkfit::model {

enum class PodRole { kOther, kExecutor, kDriver };
enum class PodPhase { kUnknown, kPending, kRunning, kSucceeded, kFailed };

// The end of one container of the pod.
struct Termination {
  std::string container_id;  // may be empty
  std::string reason;
  int exit_code = 0;
  std::optional<base::Time> finished_at;

  friend bool operator==(const Termination&, const Termination&) = default;
};

struct PodFacts {
  std::string name_space;
  std::string name;
  std::string uid;
  std::string owner_uid;      // of the controlling owner: the driver pod, or a StatefulSet
  std::string app_selector;   // label spark-app-selector
  std::string executor_id;    // label spark-exec-id: what the driver calls it
  std::string node;           // where it was scheduled; empty: not yet
  std::string address;        // of a driver: status.podIP, where that can be a pod's; not recorded
  std::uint16_t ui_port = 0;  // of a driver: its UI's, where it says so, else 0; not recorded
  PodRole role = PodRole::kOther;
  PodPhase phase = PodPhase::kUnknown;
  int profile = 0;
  base::Time created{};
  bool deleted = false;    // a deletion was asked for
  bool disrupted = false;  // taken down from outside: IsDisruption(status.reason), or condition
                           // DisruptionTarget
  bool restarts = false;   // restartPolicy Always: a terminated container is not the end
  // Exit codes by which the pod's JVM options end it when its heap is full (wire/jvm_options.h), in
  // order; Spark's own 52 is not among them. Most pods have none.
  std::vector<int> heap_oom_exits;
  base::Shared<Placement> placement;  // of an executor: what it demands of its node
  base::Shared<PodSettings> settings;

  // The executor container, absent where none was recognised.
  std::optional<std::string> container;
  ExecutorSize size;          // what it has
  ExecutorSize submitted;     // what it was submitted with: differs where admission changed it
  std::optional<Part> trial;  // by admission: this part is smaller than any run went well with
  base::Bytes request;        // submitted memory request; the limit where there is none
  std::string cores;
  SparkLine spark;
  base::Rare<Termination> ended;         // state.terminated of the executor container
  base::Rare<Termination> last_restart;  // lastState.terminated of it

  // Parts that could not be understood and were left out, for a person to read.
  std::vector<std::string> problems;

  [[nodiscard]] Shape GetShape() const { return {cores, ClassifyOverhead(submitted), spark}; }

  // The application that the pod belongs to: its selector, else its owner, else itself.
  [[nodiscard]] const std::string& ApplicationId() const;

  // The executor will not use memory again.
  [[nodiscard]] bool HasEnded() const;

  friend bool operator==(const PodFacts&, const PodFacts&) = default;
};

// Cuts whatever of it is longer than anything that Kubernetes' own names can be, so that a pod
// takes a few KiB at most: a heap that is told in 1 MB of text, an owner's UID of 250 KB. Demands
// on nodes that are very many are left out and named: any node counts then.
void Cut(PodFacts& pod);

// How many bytes it takes, about.
std::size_t SizeOf(const PodFacts& pod);

// A status.reason of a pod that Kubernetes gives to pods that it takes down, or does not let start,
// whatever their containers do: evicted, preempted, shut down or lost with its node, out of time.
bool IsDisruption(std::string_view reason);

}  // namespace sparkfit::model
