// SPDX-License-Identifier: Apache-2.0
//
// Range queries to a Prometheus-compatible server.
#pragma once

#include <cstddef>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sparkfit/base/result.h"
#include "sparkfit/base/wait.h"
#include "sparkfit/kube/client.h"
#include "sparkfit/wire/prometheus_answer.h"

namespace sparkfit::cli {

class PrometheusSource {
 public:
  struct Options {
    std::vector<std::string> queries;
    base::Duration step = std::chrono::seconds(30);
    std::vector<std::pair<std::string, std::string>> headers;
    std::function<bool(std::string_view label)> wanted;
    std::size_t largest_reply = std::size_t{16} << 20;
  };

  // REQUIRES: what is referred to outlives the source.
  PrometheusSource(kube::Client& client, base::Waiter& waiter, Options options)
      : client_(client), waiter_(waiter), options_(std::move(options)) {}

  using Take =
      std::function<void(std::vector<wire::PrometheusSeries>, base::Time from, base::Time to)>;
  // What all queries have at the times from, from + step, … to; in several pieces, one after the
  // other, where it is too much for one. kInvalidArgument for what a person can mend, kUnavailable
  // where the server did not answer although asked again and again, or `stop` was asked for.
  base::Result<void> Fetch(base::Time from, base::Time to, const Take& take,
                           const std::stop_token& stop);

  // What the server and its answers complained about, the first few, each once.
  [[nodiscard]] const std::vector<std::string>& Warnings() const { return warnings_; }
  [[nodiscard]] std::size_t UnusablePoints() const { return unusable_points_; }

 private:
  struct Trouble {
    bool too_much = false;  // to be asked for in smaller pieces
    base::Error error;
  };
  template <typename T>
  using Answered = tl::expected<T, Trouble>;

  Answered<std::vector<wire::PrometheusSeries>> AskAll(base::Time from, base::Time to,
                                                       const std::stop_token& stop);
  Answered<std::string> Ask(const std::string& target, const std::stop_token& stop);
  Answered<std::string> TryAsk(const kube::Call& call, const std::stop_token& stop);
  void Warn(const std::string& warning);

  kube::Client& client_;
  base::Waiter& waiter_;
  Options options_;
  std::vector<std::string> warnings_;
  std::size_t unusable_points_ = 0;
};

}  // namespace sparkfit::cli
