// SPDX-License-Identifier: Apache-2.0
//
// The latest that was seen of pods, for a new leader. Whoever changes pods without end makes room
// for what is new among its own: what is kept of a namespace has a most.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "sparkfit/base/time.h"
#include "sparkfit/model/observation.h"

namespace sparkfit::cluster {

class Recent {
 public:
  // `most`: bytes of a namespace, about. What is older than `longest` is forgotten. 32 MiB are some
  // 25,000 events of usual pods.
  explicit Recent(base::Duration longest, std::size_t most = std::size_t{32} << 20)
      : longest_(longest), most_(most) {}

  // REQUIRES: it is of a pod.
  void Push(const model::Observation& observation) {
    const model::PodFacts& pod = std::get<model::PodEvent>(observation.what).pod;
    auto& row = rows_[pod.name_space];
    const auto bytes = model::SizeOf(pod);
    row.kept.push_back({++last_, bytes, observation});
    row.bytes += bytes;
    while (row.bytes > most_) row.Drop();
  }

  void ForgetBefore(base::Time now) {
    for (auto& [name_space, row] : rows_) {
      while (!row.kept.empty() && row.kept.front().observation.t + longest_ < now) row.Drop();
    }
    std::erase_if(rows_, [](const auto& entry) { return entry.second.kept.empty(); });
  }

  // In the order in which they came.
  [[nodiscard]] std::vector<model::Observation> All() const {
    std::vector<std::pair<std::uint64_t, const model::Observation*>> order;
    for (const auto& [name_space, row] : rows_) {
      for (const auto& kept : row.kept) order.emplace_back(kept.number, &kept.observation);
    }
    std::sort(order.begin(), order.end());
    std::vector<model::Observation> all;
    all.reserve(order.size());
    for (const auto& [number, observation] : order) all.push_back(*observation);
    return all;
  }

  void Clear() { rows_.clear(); }

 private:
  struct Kept {
    std::uint64_t number;
    std::size_t bytes;
    model::Observation observation;
  };
  struct Row {
    std::deque<Kept> kept;
    std::size_t bytes = 0;

    void Drop() {
      bytes -= kept.front().bytes;
      kept.pop_front();
    }
  };

  base::Duration longest_;
  std::size_t most_;
  std::uint64_t last_ = 0;
  std::map<std::string, Row> rows_;
};

}  // namespace sparkfit::cluster
