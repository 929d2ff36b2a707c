// SPDX-License-Identifier: Apache-2.0
//
// Usage from the nodes themselves: the kubelet's /metrics/resource, which has a fresh value at
// every read where metrics.k8s.io has one every 15 s and none at all of the first half minute.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "sources.h"
#include "sparkfit/cluster/controller.h"
#include "sparkfit/kube/client.h"

namespace sparkfit::cluster {

class Kubelets {
 public:
  // REQUIRES: what is referred to outlives this.
  Kubelets(KubeletAccess access, const Surroundings& around)
      : access_(std::move(access)), around_(around) {}

  // The nodes to ask from now on. Safe for concurrent use with Run.
  void SetNodes(std::vector<model::NodeEvent> nodes);

  // Asks all nodes, again and again, while `wanted` says so. Of so many that hang that an interval
  // is too short for all, those that are left come first the next time, but after the nodes that
  // answer well.
  void Run(base::Duration interval, const std::function<bool()>& wanted,
           const std::stop_token& stop);

 private:
  struct Node {
    std::string server;
    std::unique_ptr<kube::Transport> transport;
    std::unique_ptr<kube::Client> client;
    int failures = 0;
    bool slow = false;  // the latest answer took long
    base::Clock::Steady not_before{};
    base::Clock::Steady asked{};  // last

    [[nodiscard]] bool IsBad() const { return failures > 0 || slow; }
  };

  void TakeNodes();
  // True where one answered, or there is none. Nobody's turn begins after the interval.
  bool AskAll(base::Duration interval, const std::stop_token& stop);
  bool Ask(const std::string& name, Node& node, const std::stop_token& stop);
  base::Result<std::string> Fetch(Node& node, const std::stop_token& stop);

  KubeletAccess access_;
  const Surroundings& around_;
  std::map<std::string, Node> nodes_;  // of the thread that runs

  std::mutex mutex_;
  std::vector<model::NodeEvent> wanted_nodes_;
};

}  // namespace sparkfit::cluster
