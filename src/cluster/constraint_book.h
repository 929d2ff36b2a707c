// SPDX-License-Identifier: Apache-2.0
//
// The LimitRanges and ResourceQuotas of all namespaces, as last seen.
#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "message.h"
#include "sparkfit/model/constraints.h"

namespace sparkfit::cluster {

class ConstraintBook {
 public:
  void Take(const ConstraintEvent& event);
  // Forgets those that the list does not show. REQUIRES: it is one of LimitRanges or
  // ResourceQuotas.
  void SetListed(const Listed& listed);
  // All of a namespace in one. Before its LimitRanges were listed it is not known; before its
  // quotas were, they leave nothing.
  [[nodiscard]] model::Constraints Of(const std::string& name_space) const;

 private:
  using Id = std::tuple<std::string, Kind, std::string>;  // namespace, kind, name

  [[nodiscard]] bool IsListed(Kind kind, const std::string& name_space) const {
    return listed_.contains({kind, ""}) || listed_.contains({kind, name_space});
  }

  std::map<Id, model::Constraints> objects_;
  std::set<std::pair<Kind, std::string>> listed_;  // of a namespace; of an empty one: all
};

}  // namespace sparkfit::cluster
