// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/kube/plain_http.h"

#include <fmt/format.h>

#include <algorithm>

#include "http_connection.h"
#include "sparkfit/base/version.h"
#include "sparkfit/kube/transport.h"

namespace sparkfit::kube {
namespace {

using End = PlainAnswer::End;
namespace beast = boost::beast;

constexpr std::size_t kLargestHeader = 16 << 10;

HttpRequest Compose(const PlainRequest& request, const tcp::endpoint& server) {
  using beast::http::field;
  HttpRequest composed(beast::http::verb::get, request.target, 11);
  const auto host = InUrl(server.address().to_string());
  composed.set(field::host, fmt::format("{}:{}", host, server.port()));
  composed.set(field::accept, "application/json");
  composed.set(field::user_agent, fmt::format("sparkfit/{}", base::kVersion));
  composed.keep_alive(false);
  return composed;
}

End EndOf(Ended::How how) {
  using How = Ended::How;
  switch (how) {
    case How::kWell:
    case How::kEnough:
      return End::kAnswered;
    case How::kTimedOut:
    case How::kSilent:
      return End::kTimedOut;
    case How::kTooLarge:
      return End::kTooLarge;
    case How::kFailed:
    case How::kGone:
    case How::kStopped:
      return End::kFailed;
  }
  return End::kFailed;
}

// Room for more of the body; false: there is none.
bool MakeRoom(const PlainRequest& request, std::size_t more, std::string& body) {
  constexpr std::size_t kLeast = std::size_t{16} << 10;
  const auto wanted = body.size() + more;
  if (wanted <= body.capacity()) return true;
  const auto room =
      std::max(wanted, std::min(request.largest_body, std::max(kLeast, 2 * body.capacity())));
  if (request.may_hold && !request.may_hold(room - body.capacity())) return false;
  body.reserve(room);
  return true;
}

PlainAnswer Get(const PlainRequest& request, const tcp::endpoint& server,
                const std::stop_token& stop) {
  const base::SystemClock clock;
  const Patience patience{clock, clock.SteadyNow() + request.deadline, request.deadline, stop};
  PlainAnswer answer;
  bool full = false;
  HttpConnection connection;
  auto ended = connection.Open({server}, patience);
  if (ended) {
    ended = connection.Ask(
        Compose(request, server), {kLargestHeader, request.largest_body},
        [&](const http::Head&, std::string_view piece) {
          full = !MakeRoom(request, piece.size(), answer.body);
          if (!full) answer.body += piece;
          return !full;
        },
        patience);
  }
  answer.end = full ? End::kNoRoom : EndOf(ended.how);
  if (full) {
    answer.body = {};
    answer.why = "others' answers take all the room there is";
  } else if (ended) {
    answer.status = connection.Head().status;
  } else {
    answer.body = {};
    answer.why = answer.end == End::kTimedOut
                     ? "took longer than " + base::FormatDuration(request.deadline)
                     : ended.why;
  }
  return answer;
}

}  // namespace

PlainAnswer PlainGet(const PlainRequest& request, const std::stop_token& stop) {
  http::Error error;
  const auto address = boost::asio::ip::make_address(request.address, error);
  if (error) return {.why = fmt::format("\"{}\" is no IP address", request.address)};
  try {
    return Get(request, {address, request.port}, stop);
  } catch (const std::exception& failure) {
    return {.why = failure.what()};  // no descriptor is left, for one
  }
}

}  // namespace sparkfit::kube
