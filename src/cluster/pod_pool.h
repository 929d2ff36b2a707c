// SPDX-License-Identifier: Apache-2.0
//
// Parts that pods have in common are kept once: what executors of a job demand of their nodes, and
// what they say of their job. Demands have a most: whoever makes up new ones for each of thousands
// of pods takes 1 MiB.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>

#include "shares.h"
#include "sparkfit/base/shared.h"
#include "sparkfit/model/pod.h"

namespace sparkfit::cluster {

class PodPool {
 public:
  // Bytes of different parts, about: of a namespace, and of all.
  explicit PodPool(std::size_t most_of_one = std::size_t{1} << 20,
                   std::size_t most = std::size_t{16} << 20)
      : shares_(most_of_one, most) {}

  // Lets the pod share what others have, too. Demands that there is no room for are left out, which
  // its problems tell: any node counts then.
  void Share(model::PodFacts& pod);

  [[nodiscard]] std::size_t Kept() const { return kept_; }

 private:
  template <typename T>
  struct ByValue {
    bool operator()(const base::Shared<T>& a, const base::Shared<T>& b) const { return *a < *b; }
  };
  template <typename T>
  using Known = std::set<base::Shared<T>, ByValue<T>>;
  struct Own {
    Known<model::Placement> placements;
    Known<model::PodSettings> settings;
  };

  // False where it is new and there is no room for it.
  template <typename T>
  bool ShareOne(const std::string& name_space, base::Shared<T>& part, Known<T>& known);
  // Forgets what no pod has any more, now and then: so that it costs little for each.
  void Sweep();
  template <typename T>
  void Sweep(const std::string& name_space, Known<T>& known);

  Shares shares_;
  std::map<std::string, Own> of_;  // by namespace
  std::size_t kept_ = 0;
  std::size_t since_sweep_ = 0;  // parts that were new
};

}  // namespace sparkfit::cluster
