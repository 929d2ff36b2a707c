// SPDX-License-Identifier: Apache-2.0
//
// An ExecutorRecommendation as people look at it: what its status says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sparkfit/base/bytes.h"
#include "sparkfit/base/result.h"
#include "sparkfit/model/key.h"
#include "sparkfit/model/shape.h"

namespace sparkfit::wire {

struct PublishedCondition {
  std::string type;
  std::string status;
  std::string reason;
  std::string message;
};

// Of past advice (model/accuracy.h), as far as it was judged.
struct PublishedAccuracy {
  std::int64_t runs = 0;
  std::int64_t covered = 0;
  std::int64_t sized = 0;
  std::int64_t covered_sized = 0;
  std::int64_t unknown = 0;
  std::int64_t unadvised = 0;
  double waste_gib_hours = 0;
  double missing_gib_hours = 0;
  double regret_gib_hours = 0;
  std::int64_t lacking_heap = 0;
  std::int64_t lacking_outside = 0;
};

// What an object does not say, or says in a way that cannot be read, is absent, empty or 0.
struct Published {
  model::Key key;
  std::string name;
  std::string uid;
  std::string mode;    // effective
  std::string policy;  // effective
  std::string explanation;
  std::optional<base::Bytes> target, lower, upper, uncapped, heap, overhead;
  std::optional<base::Bytes> target_request;  // only where it is below the target
  std::optional<base::Bytes> request, peak;
  std::int64_t applications = 0;
  std::int64_t executors = 0;
  std::int64_t sampled_executors = 0;
  std::int64_t container_ooms = 0;
  std::int64_t heap_ooms = 0;
  std::int64_t unknown_ends = 0;
  std::string created;  // RFC 3339
  std::string last_sample;
  std::string last_oom;
  std::optional<model::OverheadClass> overhead_class;
  double possible_gib_hours = 0;
  double realised_gib_hours = 0;
  double extra_gib_hours = 0;
  std::optional<PublishedAccuracy> accuracy;
  std::vector<PublishedCondition> conditions;

  [[nodiscard]] bool Is(std::string_view condition) const;  // its status is True
};

// kMalformed where it is no JSON object with a namespace, a name and a signature.
base::Result<Published> ReadPublished(std::string_view json);

}  // namespace sparkfit::wire
