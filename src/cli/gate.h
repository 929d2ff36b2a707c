// SPDX-License-Identifier: Apache-2.0
//
// Who gets through to metrics and recommendations, where not everybody does.
#pragma once

#include <functional>
#include <utility>

#include "sparkfit/cluster/controller.h"
#include "sparkfit/serve/server.h"

namespace sparkfit::cli {

// Why somebody with this access is refused; nothing: it is not.
inline std::optional<serve::Refusal> RefusalOf(cluster::Access access) {
  using cluster::Access;
  switch (access) {
    case Access::kGranted:
      return std::nullopt;
    case Access::kUnknown:
      return serve::Refusal{401, "a bearer token that the API server knows is needed\n"};
    case Access::kForbidden:
      return serve::Refusal{403, "this path is not allowed to the token's user\n"};
    case Access::kTooMany:
      return serve::Refusal{429, "too many tokens from this address; try again later\n"};
    case Access::kUnavailable:
      return serve::Refusal{503, "the API server does not say who may read this\n"};
  }
  return serve::Refusal{500, "internal error\n"};
}

// Health is everybody's, who probes it has no token. `ask` is Controller::AskAccess.
inline serve::Gate MakeGate(
    std::function<void(const cluster::Reader&, const cluster::OnAccess&)> ask) {
  return [ask = std::move(ask)](const serve::Request& request, const serve::Decide& decide) {
    if (request.path == "/livez" || request.path == "/readyz") return decide(std::nullopt);
    if (request.bearer_token.empty()) return decide(RefusalOf(cluster::Access::kUnknown));
    ask({request.from, request.bearer_token, request.path},
        [decide](cluster::Access access) { decide(RefusalOf(access)); });
  };
}

}  // namespace sparkfit::cli
