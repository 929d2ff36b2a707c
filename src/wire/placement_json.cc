// SPDX-License-Identifier: Apache-2.0
#include "placement_json.h"

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "sparkfit/base/quantity.h"

namespace sparkfit::wire {
namespace {

using model::NodeTerm;
using model::Placement;
using model::Requirement;
using model::Taint;
using model::TaintEffect;
using model::Toleration;
using nlohmann::ordered_json;
using simdjson::error_code;
using simdjson::SUCCESS;

constexpr std::size_t kMostLabels = 128;
constexpr std::size_t kMostTaints = 64;
constexpr std::size_t kMostTolerations = 64;
constexpr std::size_t kMostTerms = 32;
constexpr std::size_t kMostLines = 32;
constexpr std::size_t kMostValues = 256;
// A label's key has at most 317 characters: what is cut here equals none.
constexpr std::size_t kLongestText = 318;

using Operator = Requirement::Operator;
constexpr std::array<std::pair<std::string_view, Operator>, 6> kOperators{
    {{"In", Operator::kIn},
     {"NotIn", Operator::kNotIn},
     {"Exists", Operator::kExists},
     {"DoesNotExist", Operator::kDoesNotExist},
     {"Gt", Operator::kGt},
     {"Lt", Operator::kLt}}};

Operator ParseOperator(std::string_view name) {
  for (const auto& [known, op] : kOperators) {
    if (known == name) return op;
  }
  return Operator::kUnknown;
}

std::string_view Name(Operator op) {
  for (const auto& [name, known] : kOperators) {
    if (known == op) return name;
  }
  return "Unknown";
}

std::optional<TaintEffect> ParseEffect(std::string_view name) {
  if (name == "NoSchedule") return TaintEffect::kNoSchedule;
  if (name == "NoExecute") return TaintEffect::kNoExecute;
  return std::nullopt;
}

std::string_view Name(TaintEffect effect) {
  return effect == TaintEffect::kNoSchedule ? "NoSchedule" : "NoExecute";
}

error_code ReadText(JsonValue json, std::string& out) {
  std::string_view text;
  if (auto error = json.get_string().get(text)) return error;
  out = text.substr(0, kLongestText);
  return SUCCESS;
}

// Calls read(element, item) for each element and keeps the item where that says so.
template <typename T, typename Read>
error_code ReadList(JsonValue json, std::size_t most, std::vector<T>& out, Read&& read) {
  return ForEachElement(json, [&](JsonValue element) -> error_code {
    T item;
    bool keep = true;
    if (auto error = read(element, item, keep)) return error;
    if (keep && out.size() < most) out.push_back(std::move(item));
    return SUCCESS;
  });
}

error_code ReadTaint(JsonValue json, Taint& taint, bool& keep) {
  std::string_view effect;
  const auto error = ForEachMember(json, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "key") return ReadText(value, taint.key);
    if (key == "value") return ReadText(value, taint.value);
    return key == "effect" ? value.get_string().get(effect) : SUCCESS;
  });
  const auto known = ParseEffect(effect);
  keep = known.has_value();
  if (known) taint.effect = *known;
  return error;
}

// One for another effect, or by an operator that is not known, tolerates none of these taints.
error_code ReadToleration(JsonValue json, Toleration& toleration, bool& keep) {
  std::string_view op;
  std::string_view effect;
  const auto error = ForEachMember(json, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "key") return ReadText(value, toleration.key);
    if (key == "value") return ReadText(value, toleration.value);
    if (key == "operator") return value.get_string().get(op);
    return key == "effect" ? value.get_string().get(effect) : SUCCESS;
  });
  toleration.exists = op == "Exists";
  toleration.effect = ParseEffect(effect);
  const bool known = op.empty() || op == "Equal" || op == "Exists";
  keep = known && (effect.empty() || toleration.effect);
  return error;
}

error_code ReadRequirement(JsonValue json, Requirement& requirement, bool& /*keep*/) {
  return ForEachMember(json, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "key") return ReadText(value, requirement.key);
    if (key == "operator") {
      std::string_view op;
      const auto error = value.get_string().get(op);
      requirement.op = ParseOperator(op);
      return error;
    }
    if (key != "values") return SUCCESS;
    return ReadList(value, kMostValues, requirement.values,
                    [](JsonValue v, std::string& out, bool&) { return ReadText(v, out); });
  });
}

error_code ReadTerm(JsonValue json, NodeTerm& term, bool& /*keep*/) {
  return ForEachMember(json, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "matchExpressions") {
      return ReadList(value, kMostLines, term.labels, ReadRequirement);
    }
    return key == "matchFields" ? ReadList(value, kMostLines, term.fields, ReadRequirement)
                                : SUCCESS;
  });
}

// affinity: {nodeAffinity: {required…: {nodeSelectorTerms: […]}}}
error_code ReadAffinity(JsonValue json, std::vector<NodeTerm>& terms) {
  constexpr std::string_view kRequired = "requiredDuringSchedulingIgnoredDuringExecution";
  return ForEachMember(json, [&](std::string_view kind, JsonValue affinity) -> error_code {
    if (kind != "nodeAffinity") return SUCCESS;
    return ForEachMember(affinity, [&](std::string_view when, JsonValue selector) -> error_code {
      if (when != kRequired) return SUCCESS;
      return ForEachMember(selector, [&](std::string_view key, JsonValue value) -> error_code {
        return key == "nodeSelectorTerms" ? ReadList(value, kMostTerms, terms, ReadTerm) : SUCCESS;
      });
    });
  });
}

ordered_json Lines(const std::vector<Requirement>& requirements) {
  ordered_json lines = ordered_json::array();
  for (const auto& requirement : requirements) {
    ordered_json line{{"key", requirement.key}, {"operator", std::string(Name(requirement.op))}};
    if (!requirement.values.empty()) line["values"] = requirement.values;
    lines.push_back(std::move(line));
  }
  return lines;
}

ordered_json Term(const NodeTerm& term) {
  ordered_json json = ordered_json::object();
  if (!term.labels.empty()) json["matchExpressions"] = Lines(term.labels);
  if (!term.fields.empty()) json["matchFields"] = Lines(term.fields);
  return json;
}

ordered_json TolerationObject(const Toleration& toleration) {
  ordered_json json = ordered_json::object();
  if (!toleration.key.empty()) json["key"] = toleration.key;
  if (toleration.exists) json["operator"] = "Exists";
  if (!toleration.value.empty()) json["value"] = toleration.value;
  if (toleration.effect) json["effect"] = std::string(Name(*toleration.effect));
  return json;
}

}  // namespace

error_code ReadLabelMap(JsonValue json, model::Labels& labels) {
  return ForEachMember(json, [&](std::string_view key, JsonValue value) -> error_code {
    std::string text;
    if (auto error = ReadText(value, text)) return error;
    if (labels.size() < kMostLabels) labels[std::string(key.substr(0, kLongestText))] = text;
    return SUCCESS;
  });
}

error_code ReadTaints(JsonValue json, std::vector<Taint>& taints) {
  return ReadList(json, kMostTaints, taints, ReadTaint);
}

error_code ReadPlacement(std::string_view key, JsonValue json, Placement& placement) {
  if (key == "nodeSelector") return ReadLabelMap(json, placement.selector);
  if (key == "affinity") return ReadAffinity(json, placement.terms);
  if (key != "tolerations") return SUCCESS;
  return ReadList(json, kMostTolerations, placement.tolerations, ReadToleration);
}

ordered_json NodeObject(const model::NodeEvent& node) {
  ordered_json object{
      {"metadata", {{"name", node.name}}},
      {"status", {{"allocatable", {{"memory", base::FormatQuantity(node.allocatable)}}}}}};
  if (!node.labels.empty()) object["metadata"]["labels"] = node.labels;
  for (const auto& taint : node.taints) {
    ordered_json json{{"key", taint.key}};
    if (!taint.value.empty()) json["value"] = taint.value;
    json["effect"] = std::string(Name(taint.effect));
    object["spec"]["taints"].push_back(std::move(json));
  }
  if (node.cordoned) object["spec"]["unschedulable"] = true;
  if (node.last_seen) object["lastSeen"] = base::FormatTime(*node.last_seen);
  return object;
}

void PutPlacement(const Placement& placement, ordered_json& spec) {
  if (!placement.selector.empty()) spec["nodeSelector"] = placement.selector;
  if (!placement.terms.empty()) {
    ordered_json terms = ordered_json::array();
    for (const auto& term : placement.terms) terms.push_back(Term(term));
    spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
        ["nodeSelectorTerms"] = std::move(terms);
  }
  for (const auto& toleration : placement.tolerations) {
    spec["tolerations"].push_back(TolerationObject(toleration));
  }
}

}  // namespace sparkfit::wire
