// SPDX-License-Identifier: Apache-2.0
//
// One GET over plain HTTP, of a server that nobody vouches for: an address, never a name; without
// anything that tells who we are; no redirect is followed; headers, body and time are bounded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>

#include "sparkfit/base/time.h"

namespace sparkfit::kube {

struct PlainRequest {
  std::string address;  // IPv4 or IPv6
  std::uint16_t port = 80;
  std::string target;                                 // path and query, percent-encoded
  base::Duration deadline = std::chrono::seconds(2);  // of all of it
  std::size_t largest_body = std::size_t{1} << 20;
  // Asked before so many more bytes of the body are held; false: it is given up. Empty: always.
  std::function<bool(std::size_t)> may_hold = {};
};

struct PlainAnswer {
  enum class End {
    kAnswered,  // with `status`
    kFailed,    // no connection, or something else than HTTP; also where it was asked to stop
    kTimedOut,
    kTooLarge,
    kNoRoom,  // may_hold said so
  };
  End end = End::kFailed;
  int status = 0;
  std::string body = {};
  std::string why = {};  // where it is not kAnswered
};

// On the calling thread, over a connection of its own.
PlainAnswer PlainGet(const PlainRequest& request, const std::stop_token& stop);

}  // namespace sparkfit::kube
