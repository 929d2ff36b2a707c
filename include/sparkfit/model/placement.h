// SPDX-License-Identifier: Apache-2.0
//
// Where an executor may run: what a pod demands of a node, and what a node is.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sparkfit/base/bytes.h"

namespace sparkfit::model {

using Labels = std::map<std::string, std::string, std::less<>>;

// Of the effects only these keep a pod away; PreferNoSchedule does not.
enum class TaintEffect { kNoSchedule, kNoExecute };

struct Taint {
  std::string key;
  std::string value;
  TaintEffect effect = TaintEffect::kNoSchedule;

  friend auto operator<=>(const Taint&, const Taint&) = default;
};

// Nodes that are of one kind can run the same pods.
struct NodeKind {
  base::Bytes allocatable;    // memory; 0: not known
  Labels labels;              // what is not among these is not known to be there
  std::vector<Taint> taints;  // in the order of the node

  friend bool operator==(const NodeKind&, const NodeKind&) = default;
};

// It stands for a service outside of the cluster (virtual-kubelet): its size says nothing about
// what one pod can have.
bool IsVirtual(const NodeKind& node);

struct Toleration {
  std::string key;  // empty: any
  std::string value;
  bool exists = false;                // operator Exists: whatever the value; else Equal
  std::optional<TaintEffect> effect;  // absent: any

  friend auto operator<=>(const Toleration&, const Toleration&) = default;
};

bool Tolerates(const Toleration& toleration, const Taint& taint);

// One line of a node selector. kUnknown is an operator that this version does not know: no node
// meets it.
struct Requirement {
  enum class Operator { kIn, kNotIn, kExists, kDoesNotExist, kGt, kLt, kUnknown };

  std::string key;
  Operator op = Operator::kIn;
  std::vector<std::string> values;

  friend auto operator<=>(const Requirement&, const Requirement&) = default;
};

// A node meets a term if it meets all of its lines; a term without lines is met by none.
struct NodeTerm {
  std::vector<Requirement> labels;  // matchExpressions
  std::vector<Requirement> fields;  // matchFields; the only field of a node is metadata.name

  friend auto operator<=>(const NodeTerm&, const NodeTerm&) = default;
};

// What a pod demands of its node.
struct Placement {
  Labels selector;              // nodeSelector
  std::vector<NodeTerm> terms;  // required node affinity: one of them; empty: none is required
  std::vector<Toleration> tolerations;

  friend auto operator<=>(const Placement&, const Placement&) = default;
};

// How many bytes it takes besides itself, about.
std::size_t SizeOf(const Placement& placement);

// Whether the scheduler would let such a pod onto the node (its kind and its name; an empty name is
// not known), if it had room.
bool CanRunOn(const Placement& placement, const NodeKind& node, std::string_view name);

}  // namespace sparkfit::model
