// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/model/placement.h"

#include <algorithm>
#include <charconv>

namespace sparkfit::model {
namespace {

constexpr std::string_view kNameField = "metadata.name";
constexpr std::size_t kPart = 64;  // bytes, of each string and node of a placement, about

std::size_t SizeOf(const std::vector<Requirement>& lines) {
  std::size_t size = 0;
  for (const auto& line : lines) {
    size += kPart + line.key.size();
    for (const auto& value : line.values) size += kPart + value.size();
  }
  return size;
}

std::optional<std::int64_t> Integer(std::string_view text) {
  std::int64_t number = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

// Both are numbers, and compare(given, wanted).
template <typename Compare>
bool Compares(std::string_view given, const Requirement& requirement, Compare compare) {
  if (requirement.values.size() != 1) return false;
  const auto left = Integer(given);
  const auto right = Integer(requirement.values.front());
  return left && right && compare(*left, *right);
}

// `given` is null where the node has no such label. As Kubernetes has it, NotIn is met then, too.
bool Meets(const std::string_view* given, const Requirement& requirement) {
  const auto& values = requirement.values;
  const auto listed = [&] {
    return given != nullptr && std::find(values.begin(), values.end(), *given) != values.end();
  };
  switch (requirement.op) {
    case Requirement::Operator::kIn:
      return listed();
    case Requirement::Operator::kNotIn:
      return !listed();
    case Requirement::Operator::kExists:
      return given != nullptr;
    case Requirement::Operator::kDoesNotExist:
      return given == nullptr;
    case Requirement::Operator::kGt:
      return given != nullptr && Compares(*given, requirement, std::greater<>());
    case Requirement::Operator::kLt:
      return given != nullptr && Compares(*given, requirement, std::less<>());
    case Requirement::Operator::kUnknown:
      return false;
  }
  return false;
}

bool MeetsTerm(const NodeTerm& term, const NodeKind& node, std::string_view name) {
  if (term.labels.empty() && term.fields.empty()) return false;
  const auto meets_label = [&](const Requirement& requirement) {
    const auto label = node.labels.find(requirement.key);
    if (label == node.labels.end()) return Meets(nullptr, requirement);
    const std::string_view value = label->second;
    return Meets(&value, requirement);
  };
  const auto meets_field = [&](const Requirement& requirement) {
    return requirement.key == kNameField && Meets(name.empty() ? nullptr : &name, requirement);
  };
  return std::all_of(term.labels.begin(), term.labels.end(), meets_label) &&
         std::all_of(term.fields.begin(), term.fields.end(), meets_field);
}

}  // namespace

bool IsVirtual(const NodeKind& node) {
  const auto type = node.labels.find("type");
  if (type != node.labels.end() && type->second == "virtual-kubelet") return true;
  return std::any_of(node.taints.begin(), node.taints.end(), [](const Taint& taint) {
    return taint.key.starts_with("virtual-kubelet.io/");
  });
}

bool Tolerates(const Toleration& toleration, const Taint& taint) {
  if (toleration.effect && *toleration.effect != taint.effect) return false;
  if (!toleration.key.empty() && toleration.key != taint.key) return false;
  return toleration.exists || toleration.value == taint.value;
}

std::size_t SizeOf(const Placement& placement) {
  std::size_t size = 0;
  for (const auto& [key, value] : placement.selector) size += kPart + key.size() + value.size();
  for (const auto& term : placement.terms) {
    size += kPart + SizeOf(term.labels) + SizeOf(term.fields);
  }
  for (const auto& toleration : placement.tolerations) {
    size += kPart + toleration.key.size() + toleration.value.size();
  }
  return size;
}

bool CanRunOn(const Placement& placement, const NodeKind& node, std::string_view name) {
  const auto tolerated = [&](const Taint& taint) {
    return std::any_of(placement.tolerations.begin(), placement.tolerations.end(),
                       [&](const Toleration& t) { return Tolerates(t, taint); });
  };
  if (!std::all_of(node.taints.begin(), node.taints.end(), tolerated)) return false;
  for (const auto& [key, value] : placement.selector) {
    const auto label = node.labels.find(key);
    if (label == node.labels.end() || label->second != value) return false;
  }
  return placement.terms.empty() ||
         std::any_of(placement.terms.begin(), placement.terms.end(),
                     [&](const NodeTerm& term) { return MeetsTerm(term, node, name); });
}

}  // namespace sparkfit::model
