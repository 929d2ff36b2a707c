// SPDX-License-Identifier: Apache-2.0
//
// An API server in memory: answers are given by a function, in pieces of a chosen size; time and
// waiting are virtual.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "sparkfit/base/wait.h"
#include "sparkfit/kube/client.h"
#include "sparkfit/kube/config.h"
#include "sparkfit/kube/transport.h"

namespace sparkfit::test {

struct Answer {
  int status = 200;
  std::string body = {};
  bool cut = false;  // the connection breaks after the body
  std::optional<base::Duration> retry_after = {};
};

class FakeTransport final : public kube::Transport {
 public:
  using Handler = std::function<Answer(const kube::Request&)>;
  explicit FakeTransport(Handler handler, std::size_t piece = 7)
      : handler_(std::move(handler)), piece_(piece) {}

  base::Result<kube::Response> Send(const kube::Request& request, const kube::Sink& sink,
                                    const std::stop_token& stop) override {
    requests.push_back(request);
    if (stop.stop_requested()) return base::Fail(base::Code::kUnavailable, "stopped");
    const auto answer = handler_(request);
    for (std::size_t i = 0; i < answer.body.size(); i += piece_) {
      if (!sink(answer.status, std::string_view(answer.body).substr(i, piece_))) {
        return kube::Response{answer.status, answer.retry_after};
      }
    }
    if (answer.cut) return base::Fail(base::Code::kUnavailable, "the connection broke");
    return kube::Response{answer.status, answer.retry_after};
  }

  std::vector<kube::Request> requests;

 private:
  Handler handler_;
  std::size_t piece_;
};

// Time passes only by waiting, and where it is told to; the wall clock may be set.
class FakeTime final : public base::Clock, public base::Waiter {
 public:
  [[nodiscard]] base::Time Wall() const override {
    return base::Time(std::chrono::hours(24 * 20000)) + base::Duration(passed_) + set_by;
  }
  [[nodiscard]] Steady SteadyNow() const override { return Steady(base::Duration(passed_)); }
  bool Wait(base::Duration duration, const std::stop_token& stop) override {
    Pass(duration);
    waited.push_back(duration);
    if (on_wait) on_wait();
    return !stop.stop_requested();
  }

  // Safe for concurrent use.
  void Pass(base::Duration duration) { passed_ += duration.count(); }

  std::vector<base::Duration> waited;
  std::function<void()> on_wait;
  base::Duration set_by{};

 private:
  std::atomic<base::Duration::rep> passed_{0};
};

class FakeToken final : public kube::Authenticator {
 public:
  base::Result<kube::Login> Authenticate(bool refused) override {
    if (refused) ++generation;
    return kube::Login{"token-" + std::to_string(generation)};
  }
  int generation = 1;
};

// A client over such a transport.
struct FakeApi {
  explicit FakeApi(FakeTransport::Handler handler, kube::ClientOptions options = {})
      : transport(std::move(handler)), client(transport, token, time, time, options) {}

  FakeTransport transport;
  FakeToken token;
  FakeTime time;
  kube::Client client;
};

}  // namespace sparkfit::test
