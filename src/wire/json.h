// SPDX-License-Identifier: Apache-2.0
//
// simdjson's on-demand reader, used in one way throughout the room: one pass over each object,
// switching on the key. Reading never throws; an error code ends the pass.
#pragma once

#include <simdjson.h>

#include <string>
#include <string_view>

#include "sparkfit/base/result.h"
#include "sparkfit/model/observation.h"
#include "sparkfit/model/patch.h"
#include "sparkfit/model/signature_rules.h"
#include "sparkfit/wire/driver_answer.h"
#include "sparkfit/wire/object_reader.h"

namespace sparkfit::wire {

using JsonObject = simdjson::ondemand::object;
using JsonValue = simdjson::ondemand::value;

// Whether it is null. An error where it begins like null and is none: nuWl.
inline simdjson::error_code ReadNull(JsonValue value, bool& null) {
  return value.is_null().get(null);
}

// Calls visit(key, value) for each member; visit returns an error code. The value may be left
// unread. Keys with escapes compare by their raw text.
template <typename Visit>
simdjson::error_code ForEachMember(JsonObject object, Visit&& visit) {
  for (auto member : object) {
    std::string_view key;
    JsonValue value;
    if (auto error = member.unescaped_key().get(key)) return error;
    if (auto error = member.value().get(value)) return error;
    if (auto error = visit(key, value)) return error;
  }
  return simdjson::SUCCESS;
}

// As above for a value that must be an object; null counts as empty, as in the Kubernetes API.
template <typename Visit>
simdjson::error_code ForEachMember(JsonValue value, Visit&& visit) {
  bool null = false;
  if (auto error = ReadNull(value, null)) return error;
  if (null) return simdjson::SUCCESS;
  JsonObject object;
  if (auto error = value.get_object().get(object)) return error;
  return ForEachMember(object, visit);
}

// Calls visit(element) for each element of an array; null counts as empty.
template <typename Visit>
simdjson::error_code ForEachElement(JsonValue value, Visit&& visit) {
  bool null = false;
  if (auto error = ReadNull(value, null)) return error;
  if (null) return simdjson::SUCCESS;
  simdjson::ondemand::array array;
  if (auto error = value.get_array().get(array)) return error;
  for (auto entry : array) {
    JsonValue element;
    if (auto error = entry.get(element)) return error;
    if (auto error = visit(element)) return error;
  }
  return simdjson::SUCCESS;
}

// null leaves it as it is.
inline simdjson::error_code ReadFlag(JsonValue value, bool& out) {
  bool null = false;
  if (auto error = ReadNull(value, null)) return error;
  return null ? simdjson::SUCCESS : value.get_bool().get(out);
}

inline simdjson::error_code ReadString(JsonValue value, std::string& out) {
  std::string_view text;
  if (auto error = value.get_string().get(text)) return error;
  out = text;
  return simdjson::SUCCESS;
}

// A quantity is a string in most objects and may be a bare number.
inline simdjson::error_code ReadQuantityText(JsonValue value, std::string_view& out) {
  simdjson::ondemand::json_type type{};
  if (auto error = value.type().get(type)) return error;
  if (type != simdjson::ondemand::json_type::number) return value.get_string().get(out);
  out = value.raw_json_token();
  while (!out.empty() && (out.back() == ' ' || out.back() == '\n' || out.back() == '\t')) {
    out.remove_suffix(1);
  }
  return simdjson::SUCCESS;
}

inline tl::unexpected<base::Error> Malformed(simdjson::error_code error) {
  return base::Fail(base::Code::kMalformed, simdjson::error_message(error));
}

// Whether the JSON itself can be read on: a value is merely not what was expected.
inline bool IsMerelyOdd(simdjson::error_code error) {
  return error == simdjson::INCORRECT_TYPE || error == simdjson::NUMBER_OUT_OF_RANGE ||
         error == simdjson::NUMBER_ERROR;
}

// Facts of the objects in a log, read in one pass. An error is one of the JSON itself; what is
// merely missing or odd the caller checks.
base::Result<model::PodFacts> ReadPod(JsonObject object, const model::SignatureRules* rules);
// As above for a pod under review, which has no UID yet and may lack a name; with what a patch
// needs.
base::Result<model::PodFacts> ReadPodToPatch(JsonObject object, const model::SignatureRules* rules,
                                             model::PodPlaces* places);
base::Result<model::UsageSample> ReadPodMetrics(JsonObject object);
base::Result<model::RecommendationObject> ReadRecommendation(JsonObject object);
base::Result<model::NodeEvent> ReadNode(JsonObject object);
base::Result<CheckpointHead> ReadCheckpointHead(JsonObject object);
base::Result<model::Constraints> ReadLimitRange(JsonObject object);
base::Result<model::Constraints> ReadResourceQuota(JsonObject object);
// As a log has it: what a driver said, with its namespace and application.
base::Result<model::DriverReading> ReadDriverReading(JsonObject object);

}  // namespace sparkfit::wire
