// SPDX-License-Identifier: Apache-2.0
//
// How large an executor can be on this cluster: the largest node that it can run on, of those that
// are there and of those that were there within the last seven days. A pool that was scaled to zero
// comes back when it is needed.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sparkfit/base/bytes.h"
#include "sparkfit/base/time.h"
#include "sparkfit/model/observation.h"
#include "sparkfit/model/placement.h"

namespace sparkfit::model {

inline constexpr base::Duration kNodesRemembered = std::chrono::hours(24 * 7);

// A virtual node never counts. A cordoned one is remembered from when it took pods. Bounded: of
// nodes that are gone it knows so many kinds; the largest ones without taints are kept first.
class NodeMemory {
 public:
  static constexpr std::size_t kMostKinds = 256;

  void Observe(const NodeEvent& event, base::Time now);

  // Allocatable memory of the largest node that such a pod can run on; 0: none is known. A null
  // placement is not known: any node counts.
  [[nodiscard]] base::Bytes LargestFor(const Placement* placement, base::Time now) const;

  // What a successor must know, as events that tell it so, the most important first and `most` at
  // most. Of the labels those are kept that `keys` names or that were taken over in this way
  // before. The times are whole hours, so that the answer seldom changes.
  [[nodiscard]] std::vector<NodeEvent> Remembered(const std::set<std::string>& keys, base::Time now,
                                                  std::size_t most) const;

 private:
  struct Gone {
    NodeKind kind;
    base::Time seen{};
  };

  static void Remember(std::vector<Gone>& all, Gone gone, std::size_t most);
  void Leave(const std::string& name, base::Time now);

  std::map<std::string, NodeKind> there_;                // by name
  std::set<std::pair<base::Bytes, std::string>> sizes_;  // of those, with their names
  std::vector<Gone> gone_;
  std::set<std::string> inherited_;  // keys of labels that were taken over
};

}  // namespace sparkfit::model
