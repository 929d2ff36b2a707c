// SPDX-License-Identifier: Apache-2.0
#include "kubelets.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "sparkfit/wire/resource_metrics.h"

namespace sparkfit::cluster {
namespace {

constexpr const char* kSource = "kubelets";
constexpr int kDefaultPort = 10250;
// A node that hangs costs a thread this long, then waits ever longer for its next turn.
constexpr base::Duration kDeadline = std::chrono::seconds(3);
constexpr base::Duration kLongestPause = std::chrono::seconds(60);
// An answer that takes longer counts as slow: those nodes come last in a round.
constexpr base::Duration kSlow = std::chrono::milliseconds(500);
constexpr std::size_t kAtOnce = 8;

std::string ServerOf(const model::NodeEvent& node) {
  return fmt::format("https://{}:{}", kube::InUrl(node.address),
                     node.kubelet_port > 0 ? node.kubelet_port : kDefaultPort);
}

}  // namespace

void Kubelets::SetNodes(std::vector<model::NodeEvent> nodes) {
  const std::scoped_lock lock(mutex_);
  wanted_nodes_ = std::move(nodes);
}

// Connections to nodes that are still wanted are kept.
void Kubelets::TakeNodes() {
  std::map<std::string, Node> kept;
  const std::scoped_lock lock(mutex_);
  for (const auto& node : wanted_nodes_) {
    if (node.address.empty()) continue;
    auto& entry = kept[node.name];
    if (const auto known = nodes_.find(node.name); known != nodes_.end()) {
      entry = std::move(known->second);
    }
    if (const auto server = ServerOf(node); entry.server != server) {
      entry = Node{};
      entry.server = server;
    }
  }
  nodes_ = std::move(kept);
}

void Kubelets::Run(base::Duration interval, const std::function<bool()>& wanted,
                   const std::stop_token& stop) {
  Rounds(interval, wanted, around_, stop, [&] {
    TakeNodes();
    const bool up = AskAll(interval, stop);
    if (!stop.stop_requested()) around_.metrics.SetSourceUp(kSource, up);
  });
}

bool Kubelets::AskAll(base::Duration interval, const std::stop_token& stop) {
  const auto now = around_.clock.SteadyNow();
  std::vector<std::pair<const std::string*, Node*>> due;
  for (auto& [name, node] : nodes_) {
    if (node.not_before <= now) due.emplace_back(&name, &node);
  }
  std::stable_sort(due.begin(), due.end(), [](const auto& a, const auto& b) {
    return std::make_pair(a.second->IsBad(), a.second->asked) <
           std::make_pair(b.second->IsBad(), b.second->asked);
  });
  const auto goes_on = [&] {
    return !stop.stop_requested() && around_.clock.SteadyNow() < now + interval;
  };
  std::atomic<bool> answered{nodes_.empty()};
  AtOnce(kAtOnce, due.size(), goes_on, [&](std::size_t i) {
    if (Ask(*due[i].first, *due[i].second, stop)) answered = true;
  });
  return answered;
}

bool Kubelets::Ask(const std::string& name, Node& node, const std::stop_token& stop) {
  const auto begun = around_.clock.SteadyNow();
  node.asked = begun;
  const auto page = Fetch(node, stop);
  node.slow = around_.clock.SteadyNow() - begun > kSlow;
  if (stop.stop_requested()) return false;
  if (!page) {
    const auto pause = std::min(kDeadline * (1 << std::min(node.failures, 6)), kLongestPause);
    if (node.failures++ == 0) {
      around_.log.Warning("kubelet does not answer",
                          {{"node", name}, {"why", page.error().message}});
    }
    node.not_before = around_.clock.SteadyNow() + pause;
    return false;
  }
  if (std::exchange(node.failures, 0) > 0) {
    around_.log.Info("kubelet answers again", {{"node", name}});
  }
  Usage usage;
  usage.t = around_.clock.Wall();
  auto read = wire::ReadResourceMetrics(*page, usage.t);
  for (std::size_t i = 0; i < read.unreadable; ++i) around_.metrics.CountUnreadable(kSource);
  usage.samples = std::move(read.samples);
  around_.inbox.Push(std::move(usage), stop);
  return true;
}

base::Result<std::string> Kubelets::Fetch(Node& node, const std::stop_token& stop) {
  if (node.client == nullptr) {
    auto transport = access_.connect(node.server);
    if (!transport) return tl::unexpected<base::Error>(transport.error());
    node.transport = *std::move(transport);
    kube::ClientOptions options;
    options.attempts = 1;  // the next round comes soon
    node.client =
        std::make_unique<kube::Client>(*node.transport, *access_.authenticator, around_.clock,
                                       around_.waiter, options, access_.observer);
  }
  kube::Call call{.verb = "get", .resource = "nodes/metrics", .target = "/metrics/resource"};
  call.deadline = call.idle = kDeadline;
  call.accept_gzip = true;
  auto reply = node.client->Send(call, stop);
  if (!reply) return tl::unexpected<base::Error>(reply.error());
  if (!reply->Ok()) return base::Fail(base::Code::kUnavailable, reply->Why());
  return std::move(reply->body);
}

}  // namespace sparkfit::cluster
