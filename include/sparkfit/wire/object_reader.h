// SPDX-License-Identifier: Apache-2.0
//
// Objects of the Kubernetes API as they come from lists and watches.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "sparkfit/base/result.h"
#include "sparkfit/model/constraints.h"
#include "sparkfit/model/observation.h"
#include "sparkfit/model/signature_rules.h"
#include "sparkfit/wire/checkpoint_json.h"

namespace sparkfit::wire {

// Not safe for concurrent use; reuse one for many objects. kMalformed where an object lacks what it
// must have or holds an amount that cannot be. REQUIRES: 64 readable bytes behind each text.
class ObjectReader {
 public:
  // By `rules`, if given, signatures are derived from pods' labels; they outlive the reader.
  explicit ObjectReader(const model::SignatureRules* rules = nullptr);
  ~ObjectReader();

  base::Result<model::PodFacts> Pod(std::string_view json);
  base::Result<model::UsageSample> PodMetrics(std::string_view json);
  base::Result<model::RecommendationObject> Recommendation(std::string_view json);
  base::Result<model::NodeEvent> Node(std::string_view json);
  // Nothing of its data is looked at.
  base::Result<CheckpointHead> Checkpoint(std::string_view json);
  // What a LimitRange or a ResourceQuota demands of the pods of its namespace.
  base::Result<model::Constraints> LimitRange(std::string_view json);
  base::Result<model::Constraints> ResourceQuota(std::string_view json);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sparkfit::wire
