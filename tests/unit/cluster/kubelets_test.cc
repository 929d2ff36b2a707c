// SPDX-License-Identifier: Apache-2.0
#include "cluster/kubelets.h"

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <mutex>
#include <set>
#include <sstream>

#include "fake_transport.h"

namespace sparkfit::cluster {
namespace {

using test::Answer;

model::NodeEvent Node(const std::string& name, const std::string& address, int port = 10250) {
  return {model::EventType::kAdded, name, {}, address, port};
}

std::string Page(const std::string& pod) {
  return "container_memory_working_set_bytes{container=\"c\",namespace=\"n\",pod=\"" + pod +
         "\"} 1000 5000\n";
}

// Kubelets that answer by a function of (server, request), for as many rounds as asked for.
struct Nodes {
  using Handler = std::function<Answer(const std::string& server, const kube::Request&)>;

  explicit Nodes(Handler given) : handler(std::move(given)) {
    access.authenticator = &token;
    access.connect = [this](const std::string& server) {
      ++connections;
      return base::Result<std::unique_ptr<kube::Transport>>(std::make_unique<test::FakeTransport>(
          [this, server](const kube::Request& request) { return handler(server, request); }));
    };
    kubelets.emplace(access, around);
  }

  void Run(int rounds) {
    std::stop_source stop;
    time.on_wait = [&] {
      if (--rounds == 0) stop.request_stop();
    };
    kubelets->Run(
        std::chrono::seconds(5), [] { return true; }, stop.get_token());
  }

  // The pods whose usage was learnt, in order.
  std::vector<std::string> Learnt() {
    std::vector<std::string> pods;
    for (const auto& message : inbox.TakeAll({}, {})) {
      for (const auto& sample : std::get<Usage>(message).samples) pods.push_back(sample.pod);
    }
    return pods;
  }

  Handler handler;
  std::atomic<int> connections{0};
  test::FakeTime time;
  test::FakeToken token;
  std::ostringstream text;
  base::Logger log{text, base::LogLevel::kInfo, base::LogFormat::kText};
  exposition::OwnMetrics metrics;
  Inbox inbox;
  Surroundings around{time, time, log, metrics, inbox};
  KubeletAccess access;
  std::optional<Kubelets> kubelets;
};

TEST_CASE("Kubelets are asked directly, with our token, over a kept connection") {
  std::string target;
  Nodes nodes([&](const std::string& server, const kube::Request& request) -> Answer {
    CHECK(server == "https://[fd00::1]:10255");
    CHECK(request.bearer_token == "token-1");
    target = request.target;
    return {200, Page("exec-1")};
  });
  nodes.kubelets->SetNodes({Node("a", "fd00::1", 10255), Node("without address", "")});
  nodes.Run(3);
  CHECK(target == "/metrics/resource");
  CHECK(nodes.connections == 1);
  CHECK(nodes.Learnt() == std::vector<std::string>{"exec-1", "exec-1", "exec-1"});
}

TEST_CASE("A node that does not answer stops no other and is asked ever less often") {
  int asked = 0;
  Nodes nodes([&](const std::string& server, const kube::Request&) -> Answer {
    if (server == "https://10.0.0.2:10250") return {200, Page("exec-2")};
    ++asked;
    return {.cut = true};
  });
  nodes.kubelets->SetNodes({Node("bad", "10.0.0.1"), Node("good", "10.0.0.2")});
  nodes.Run(12);  // 0, 5, … 55 s
  CHECK(nodes.Learnt().size() == 12);
  // After pauses of 3, 6, 12 and 24 s: at 0, 5, 15, 30 and 55 s.
  CHECK(asked == 5);
  CHECK(nodes.metrics.Text().find("sparkfit_source_up{source=\"kubelets\"} 1") !=
        std::string::npos);
  const auto logged = nodes.text.str();
  CHECK(logged.find("kubelet does not answer") != std::string::npos);
  CHECK(logged.find("kubelet does not answer") == logged.rfind("kubelet does not answer"));
}

TEST_CASE("Nodes that answer slowly are asked after the others") {
  std::mutex mutex;
  std::vector<std::string> asked;
  test::FakeTime* time = nullptr;
  Nodes nodes([&](const std::string& server, const kube::Request&) -> Answer {
    const bool slow = server == "https://10.0.0.1:10250";
    if (slow) time->Pass(std::chrono::seconds(2));
    const std::scoped_lock lock(mutex);
    asked.push_back(slow ? "slow" : "fast");
    return {200, Page("exec-1")};
  });
  time = &nodes.time;
  nodes.kubelets->SetNodes({Node("a-slow", "10.0.0.1")});
  nodes.Run(1);
  asked.clear();
  std::vector<model::NodeEvent> many{Node("a-slow", "10.0.0.1")};
  for (int i = 0; i < 100; ++i) {
    many.push_back(Node("b" + std::to_string(i), "10.0.1." + std::to_string(i)));
  }
  nodes.kubelets->SetNodes(many);
  nodes.Run(1);
  REQUIRE(asked.size() == 101);
  // Eight at a time.
  const auto slow = std::find(asked.begin(), asked.end(), "slow");
  CHECK(slow - asked.begin() >= 101 - 8);
}

TEST_CASE("However many nodes hang, a round ends, and those that were left come first") {
  std::mutex mutex;
  std::vector<std::string> asked;
  test::FakeTime* time = nullptr;
  Nodes nodes([&](const std::string& server, const kube::Request&) -> Answer {
    time->Pass(std::chrono::seconds(2));  // slow, but it answers
    const std::scoped_lock lock(mutex);
    asked.push_back(server);
    return {200, Page("exec-1")};
  });
  time = &nodes.time;
  std::vector<model::NodeEvent> many;
  for (int i = 0; i < 60; ++i) {
    many.push_back(Node("n" + std::to_string(i), "10.0.0." + std::to_string(i)));
  }
  nodes.kubelets->SetNodes(many);
  nodes.Run(1);
  // In the 5 s of a round as many as begin before these are over: 3, and who is asked beside them.
  CHECK(asked.size() >= 3);
  CHECK(asked.size() <= 3 + 8);
  nodes.Run(30);
  // Each was asked before any was asked again, but for the threads that overtake each other.
  std::set<std::string> different(asked.begin(), asked.begin() + 60 + 8);
  CHECK(different.size() == 60);
}

TEST_CASE("A kubelet that refuses us is a source that is down, and says why") {
  Nodes nodes([](const std::string&, const kube::Request&) -> Answer {
    return {403, R"({"kind":"Status","reason":"Forbidden","message":"no nodes/metrics"})"};
  });
  nodes.kubelets->SetNodes({Node("a", "10.0.0.1")});
  nodes.Run(1);
  CHECK(nodes.Learnt().empty());
  CHECK(nodes.metrics.Text().find("sparkfit_source_up{source=\"kubelets\"} 0") !=
        std::string::npos);
  CHECK(nodes.text.str().find("no nodes/metrics") != std::string::npos);
}

TEST_CASE("A node that came back under another address is asked there") {
  std::vector<std::string> servers;
  Nodes nodes([&](const std::string& server, const kube::Request&) -> Answer {
    servers.push_back(server);
    return {200, Page("exec-1")};
  });
  nodes.kubelets->SetNodes({Node("a", "10.0.0.1")});
  nodes.Run(1);
  nodes.kubelets->SetNodes({Node("a", "10.0.0.9")});
  nodes.Run(1);
  nodes.kubelets->SetNodes({});
  nodes.Run(1);
  CHECK(servers == std::vector<std::string>{"https://10.0.0.1:10250", "https://10.0.0.9:10250"});
}

}  // namespace
}  // namespace sparkfit::cluster
