// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <nlohmann/json.hpp>
#include <string>

#include "fake_transport.h"

namespace sparkfit::test {

// An API server that says who may read: the token "good" is Prometheus', which may get /metrics,
// "poor" is somebody's who may get nothing, others are nobody's.
class AccessApi {
 public:
  Answer operator()(const kube::Request& request) {
    if (down) return {503, "{}"};
    auto review = nlohmann::json::parse(request.body);
    const auto& spec = review["spec"];
    if (request.target.ends_with("/tokenreviews")) {
      ++tokens;
      review["status"] = StatusOf(spec["token"]);
    } else {
      ++accesses;
      const auto& asked = spec["nonResourceAttributes"];
      review["status"] = {{"allowed", spec["user"] == "prometheus" && asked["verb"] == "get" &&
                                          asked["path"] == "/metrics"}};
    }
    return {201, review.dump()};
  }

  std::atomic<bool> down = false;
  std::atomic<int> tokens = 0;
  std::atomic<int> accesses = 0;

 private:
  static nlohmann::json StatusOf(const std::string& token) {
    if (token != "good" && token != "poor") return {{"error", "invalid bearer token"}};
    return {{"authenticated", true},
            {"user", {{"username", token == "good" ? "prometheus" : "somebody"}}}};
  }
};

}  // namespace sparkfit::test
