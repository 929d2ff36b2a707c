// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/model/placement.h"

#include <catch2/catch.hpp>

namespace sparkfit::model {
namespace {

using base::GiB;
using Operator = Requirement::Operator;

const NodeKind kPlain{GiB(64), {{"pool", "spark"}, {"generation", "7"}}, {}};

NodeKind Tainted(const std::string& key, const std::string& value, TaintEffect effect) {
  return {GiB(64), {}, {{key, value, effect}}};
}

Placement With(NodeTerm term) {
  Placement placement;
  placement.terms.push_back(std::move(term));
  return placement;
}

bool Meets(const std::string& key, Operator op, std::vector<std::string> values) {
  return CanRunOn(With({{{key, op, std::move(values)}}, {}}), kPlain, "n");
}

TEST_CASE("a pod without demands runs on any node without taints", "[model][nodes]") {
  CHECK(CanRunOn({}, kPlain, "n"));
  CHECK_FALSE(CanRunOn({}, Tainted("gpu", "", TaintEffect::kNoSchedule), "n"));
  CHECK_FALSE(CanRunOn({}, Tainted("gpu", "", TaintEffect::kNoExecute), "n"));
}

TEST_CASE("a toleration is for a key, a value and an effect", "[model][nodes]") {
  const auto effect = GENERATE(TaintEffect::kNoSchedule, TaintEffect::kNoExecute);
  const Taint taint{"dedicated", "spark", effect};
  CHECK(Tolerates({"dedicated", "spark", false, {}}, taint));
  CHECK(Tolerates({"dedicated", "spark", false, effect}, taint));
  CHECK(Tolerates({"dedicated", "", true, {}}, taint));
  CHECK(Tolerates({"", "", true, {}}, taint));  // everything
  CHECK_FALSE(Tolerates({"dedicated", "other", false, {}}, taint));
  CHECK_FALSE(Tolerates({"dedicated", "", false, {}}, taint));
  CHECK_FALSE(Tolerates({"other", "", true, {}}, taint));
  const auto other =
      effect == TaintEffect::kNoSchedule ? TaintEffect::kNoExecute : TaintEffect::kNoSchedule;
  CHECK_FALSE(Tolerates({"", "", true, other}, taint));
}

TEST_CASE("every taint must be tolerated", "[model][nodes]") {
  auto node = Tainted("a", "", TaintEffect::kNoSchedule);
  node.taints.push_back({"b", "", TaintEffect::kNoExecute});
  Placement placement;
  placement.tolerations = {{"a", "", true, {}}};
  CHECK_FALSE(CanRunOn(placement, node, "n"));
  placement.tolerations.push_back({"b", "", true, {}});
  CHECK(CanRunOn(placement, node, "n"));
}

TEST_CASE("a nodeSelector wants every label", "[model][nodes]") {
  Placement placement;
  placement.selector = {{"pool", "spark"}};
  CHECK(CanRunOn(placement, kPlain, "n"));
  placement.selector["zone"] = "a";
  CHECK_FALSE(CanRunOn(placement, kPlain, "n"));
  placement.selector = {{"pool", "web"}};
  CHECK_FALSE(CanRunOn(placement, kPlain, "n"));
}

TEST_CASE("the operators of node affinity", "[model][nodes]") {
  CHECK(Meets("pool", Operator::kIn, {"web", "spark"}));
  CHECK_FALSE(Meets("pool", Operator::kIn, {"web"}));
  CHECK_FALSE(Meets("zone", Operator::kIn, {"web"}));
  CHECK(Meets("pool", Operator::kNotIn, {"web"}));
  CHECK_FALSE(Meets("pool", Operator::kNotIn, {"spark"}));
  CHECK(Meets("zone", Operator::kNotIn, {"a"}));  // it has no zone at all
  CHECK(Meets("pool", Operator::kExists, {}));
  CHECK_FALSE(Meets("zone", Operator::kExists, {}));
  CHECK(Meets("zone", Operator::kDoesNotExist, {}));
  CHECK_FALSE(Meets("pool", Operator::kDoesNotExist, {}));
  CHECK(Meets("generation", Operator::kGt, {"6"}));
  CHECK_FALSE(Meets("generation", Operator::kGt, {"7"}));
  CHECK(Meets("generation", Operator::kLt, {"10"}));  // as numbers, not as text
  CHECK_FALSE(Meets("generation", Operator::kLt, {"7"}));
  CHECK_FALSE(Meets("pool", Operator::kGt, {"6"}));  // no number
  CHECK_FALSE(Meets("generation", Operator::kGt, {"six"}));
  CHECK_FALSE(Meets("generation", Operator::kGt, {"5", "6"}));
  CHECK_FALSE(Meets("zone", Operator::kLt, {"6"}));
  CHECK_FALSE(Meets("pool", Operator::kUnknown, {"spark"}));
}

TEST_CASE("of the terms one must be met, of a term every line", "[model][nodes]") {
  const Requirement met{"pool", Operator::kExists, {}};
  const Requirement unmet{"zone", Operator::kExists, {}};
  CHECK_FALSE(CanRunOn(With({{met, unmet}, {}}), kPlain, "n"));
  auto placement = With({{unmet}, {}});
  placement.terms.push_back({{met}, {}});
  CHECK(CanRunOn(placement, kPlain, "n"));
  placement.selector = {{"pool", "web"}};  // and the nodeSelector
  CHECK_FALSE(CanRunOn(placement, kPlain, "n"));
  CHECK_FALSE(CanRunOn(With({}), kPlain, "n"));  // a term without lines is met by none
}

TEST_CASE("matchFields knows the node's name", "[model][nodes]") {
  const auto named = With({{}, {{"metadata.name", Operator::kIn, {"n1", "n2"}}}});
  CHECK(CanRunOn(named, kPlain, "n2"));
  CHECK_FALSE(CanRunOn(named, kPlain, "n3"));
  CHECK_FALSE(CanRunOn(named, kPlain, ""));  // not known
  CHECK_FALSE(CanRunOn(With({{}, {{"spec.other", Operator::kNotIn, {"x"}}}}), kPlain, "n1"));
}

TEST_CASE("a virtual node is known by its label or its taint", "[model][nodes]") {
  CHECK(IsVirtual({GiB(4096), {{"type", "virtual-kubelet"}}, {}}));
  CHECK(IsVirtual(Tainted("virtual-kubelet.io/provider", "azure", TaintEffect::kNoSchedule)));
  CHECK_FALSE(IsVirtual({GiB(64), {{"type", "worker"}, {"kubernetes.io/role", "agent"}}, {}}));
  CHECK_FALSE(IsVirtual(Tainted("dedicated", "spark", TaintEffect::kNoSchedule)));
}

}  // namespace
}  // namespace sparkfit::model
