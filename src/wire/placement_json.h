// SPDX-License-Identifier: Apache-2.0
//
// Where pods may run, as Kubernetes writes it: labels and taints of nodes, what pods demand. Read
// up to the bounds of docs/formats.md; what is beyond them is left out.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "json.h"
#include "sparkfit/model/observation.h"
#include "sparkfit/model/placement.h"

namespace sparkfit::wire {

// Of a node's metadata, or a pod's nodeSelector.
simdjson::error_code ReadLabelMap(JsonValue json, model::Labels& labels);
// spec.taints; only those that keep pods away.
simdjson::error_code ReadTaints(JsonValue json, std::vector<model::Taint>& taints);
// A member of a pod's spec, if it is one that `placement` has.
simdjson::error_code ReadPlacement(std::string_view key, JsonValue json,
                                   model::Placement& placement);

// The same, written: what was read gives the same again.
nlohmann::ordered_json NodeObject(const model::NodeEvent& node);
void PutPlacement(const model::Placement& placement, nlohmann::ordered_json& spec);

}  // namespace sparkfit::wire
