// SPDX-License-Identifier: Apache-2.0
//
// What comes in, live or from an observation log, in the order in which it was learnt.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "sparkfit/base/bytes.h"
#include "sparkfit/base/time.h"
#include "sparkfit/model/checkpoint.h"
#include "sparkfit/model/driver_reading.h"
#include "sparkfit/model/key.h"
#include "sparkfit/model/placement.h"
#include "sparkfit/model/pod.h"

namespace sparkfit::model {

enum class EventType { kAdded, kModified, kDeleted };

struct PodEvent {
  EventType event = EventType::kAdded;
  base::Shared<PodFacts> pod;
  // Nobody watched when it came to this state: an executor that has ended by then counts only if a
  // restored checkpoint of its key does not name it.
  bool unwatched = false;
};

struct ContainerUsage {
  std::string container;
  base::Bytes working_set;
};

// PodMetrics of metrics.k8s.io: it names the pod, not its UID.
struct UsageSample {
  std::string name_space;
  std::string pod;
  base::Time timestamp{};
  std::vector<ContainerUsage> containers;
};

// An ExecutorRecommendation as a user left it.
struct RecommendationObject {
  std::string name_space;
  std::string name;
  std::string signature;
  int profile = 0;
  base::Time created{};
  // The user's, each wins over what the job asked for.
  std::optional<Mode> mode;
  std::optional<std::string> policy;  // NAME[:option=value,…]
  std::optional<base::Bytes> min_memory;
  std::optional<base::Bytes> max_memory;
  std::optional<bool> explore;  // whether runs may try smaller sizes; absent: they may
  std::vector<std::string> problems;

  // How it stands in the cluster.
  std::string uid;
  std::int64_t generation = 0;
  // Of its status, as far as it can be read.
  std::optional<base::Bytes> published_target;
  std::optional<base::Bytes> published_target_request;
  std::optional<base::Bytes> published_least_heap;
  std::optional<base::Bytes> published_least_overhead;
  std::optional<base::Bytes> published_most_heap;
  ExecutorSize published_submitted;  // that it was learnt from; limit 0: not told
  // What the next run tries.
  struct PublishedTrial {
    Part part = Part::kHeap;
    ExecutorSize size;
    int executors = 1;
  };
  std::optional<PublishedTrial> published_trial;
  std::optional<base::Time> published_last_oom;
  std::optional<Shape> published_shape;
  std::string version;  // of all of it, the status too
  std::map<std::string, std::pair<std::string, base::Time>> conditions;  // status and since when

  [[nodiscard]] Key GetKey() const { return {name_space, signature, profile}; }
};

// Whether it is the type of a condition that sparkfit itself publishes. Others are nobody's concern
// and are not kept.
bool IsOwnCondition(std::string_view type);

// Cuts what is longer than need be.
void Cut(RecommendationObject& object);

struct RecommendationEvent {
  EventType event = EventType::kAdded;
  RecommendationObject object;
};

struct NodeEvent {
  EventType event = EventType::kAdded;
  std::string name;
  base::Bytes allocatable;  // memory; 0: not known
  // Of its kubelet; empty and 0: not known.
  std::string address{};
  int kubelet_port = 0;
  Labels labels{};
  std::vector<Taint> taints{};
  bool cordoned = false;  // spec.unschedulable
  // Nobody saw it go: a kind of node that was there then, as a predecessor remembered it.
  std::optional<base::Time> last_seen{};
};

// A key taken up where a checkpoint left it. Never null.
struct RestoreEvent {
  std::shared_ptr<const KeyCheckpoint> checkpoint;
};

struct Observation {
  base::Time t{};  // when it was learnt
  std::variant<PodEvent, UsageSample, DriverReading, RecommendationEvent, NodeEvent, RestoreEvent>
      what;
};

}  // namespace sparkfit::model
