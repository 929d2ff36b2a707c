// SPDX-License-Identifier: Apache-2.0
//
// Requests to the Kubernetes API: identified, limited in rate, repeated where that is safe,
// counted.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sparkfit/base/clock.h"
#include "sparkfit/base/result.h"
#include "sparkfit/base/wait.h"
#include "sparkfit/kube/config.h"
#include "sparkfit/kube/transport.h"

namespace sparkfit::kube {

inline constexpr std::string_view kJson = "application/json";
inline constexpr std::string_view kJsonPatch = "application/json-patch+json";
inline constexpr std::string_view kApplyPatch = "application/apply-patch+yaml";  // JSON is YAML

struct Call {
  std::string verb;      // for metrics: get, list, watch, create, apply, update, delete
  std::string resource;  // for metrics: pods, executorrecommendations, …
  std::string method = "GET";
  std::string target = {};
  std::string body = {};
  std::string_view content_type = kJson;
  base::Duration deadline = std::chrono::seconds(10);
  base::Duration idle = std::chrono::seconds(10);
  bool accept_gzip = false;
  std::vector<std::pair<std::string, std::string>> headers = {};  // further ones
};

struct Reply {
  int status = 0;
  std::string body;

  [[nodiscard]] bool Ok() const { return status >= 200 && status < 300; }
  // What the server says is wrong: "409 Conflict: the object has been modified".
  [[nodiscard]] std::string Why() const;
  // metadata.resourceVersion of the object that the body is; empty where there is none.
  [[nodiscard]] std::string Version() const;
};

struct ClientOptions {
  double queries_per_second = 50;
  double burst = 100;
  int attempts = 4;  // of a GET; 1: never repeated
  std::uint64_t seed = 1;
};

// Told of every answer; status 0: there was none. Called on the calling thread.
using CallObserver = std::function<void(const Call&, int status)>;

// Safe for concurrent use.
class Client {
 public:
  // REQUIRES: what is referred to outlives the client.
  Client(Transport& transport, Authenticator& authenticator, const base::Clock& clock,
         base::Waiter& waiter, const ClientOptions& options, CallObserver observer = {});

  // The answer, whatever its status, its body at most 8 MiB. A GET is repeated after failures, 429
  // and 5xx; anything else only after a 429, which the server has not begun to work on.
  base::Result<Reply> Send(const Call& call, const std::stop_token& stop);

  // As above, with the body of a 2xx answer given to the sink piece by piece, and not repeated once
  // a piece was given. The reply's body is empty then.
  using BodySink = std::function<bool(std::string_view)>;
  base::Result<Reply> Stream(const Call& call, const BodySink& sink, const std::stop_token& stop);

  [[nodiscard]] const base::Clock& GetClock() const { return clock_; }

  // Between `low` and `high`, drawn: so that many of us do not act at once.
  base::Duration Jittered(base::Duration low, base::Duration high);

 private:
  struct Attempt {
    base::Result<Reply> reply;
    std::optional<base::Duration> retry_after;
    bool began = false;  // the sink has seen something
  };

  Attempt Try(const Call& call, const BodySink& sink, bool refused, const std::stop_token& stop);
  std::optional<base::Duration> PauseBefore(const Call& call, const Attempt& attempt, int tried);
  base::Duration TakeTurn();

  Transport& transport_;
  Authenticator& authenticator_;
  const base::Clock& clock_;
  base::Waiter& waiter_;
  ClientOptions options_;
  CallObserver observer_;

  std::mutex mutex_;  // guards what follows
  std::mt19937_64 random_;
  double tokens_;
  base::Clock::Steady refilled_;
};

// A path segment or a query value, percent-encoded.
std::string Encode(std::string_view text);

}  // namespace sparkfit::kube
