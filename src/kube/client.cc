// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/kube/client.h"

#include <fmt/format.h>

#include <algorithm>

#include "sparkfit/base/json.h"
#include "sparkfit/base/text.h"
#include "sparkfit/kube/object.h"

namespace sparkfit::kube {
namespace {

using base::Code;
using base::Duration;
using base::Result;

constexpr std::size_t kLargestReply = std::size_t{8} << 20;
constexpr std::size_t kLargestErrorReply = std::size_t{64} << 10;
constexpr Duration kFirstPause = std::chrono::milliseconds(250);
constexpr Duration kLongestPause = std::chrono::seconds(30);

}  // namespace

std::string Reply::Why() const {
  const auto json = base::ParseJson(body);
  std::string message;
  if (json.is_object() && json.contains("message") && json["message"].is_string()) {
    message = json["message"].get<std::string>();
  } else if (json.is_discarded() && !body.starts_with('<')) {
    message = body.substr(0, body.find_first_of("\r\n"));  // kubelets answer in plain text
  }
  constexpr std::size_t kShown = 300;
  return message.empty() ? fmt::format("status {}", status)
                         : fmt::format("status {}: {}", status, base::Beginning(message, kShown));
}

std::string Reply::Version() const { return Identify(body).version; }

Client::Client(Transport& transport, Authenticator& authenticator, const base::Clock& clock,
               base::Waiter& waiter, const ClientOptions& options, CallObserver observer)
    : transport_(transport),
      authenticator_(authenticator),
      clock_(clock),
      waiter_(waiter),
      options_(options),
      observer_(std::move(observer)),
      random_(options.seed),
      tokens_(options.burst),
      refilled_(clock.SteadyNow()) {}

Result<Reply> Client::Send(const Call& call, const std::stop_token& stop) {
  std::string body;
  bool too_large = false;
  auto reply = Stream(
      call,
      [&](std::string_view bytes) {
        too_large = body.size() + bytes.size() > kLargestReply;
        if (!too_large) body += bytes;
        return !too_large;
      },
      stop);
  if (too_large) {
    return base::Fail(Code::kMalformed, fmt::format("{}: the answer is too large", call.target));
  }
  if (reply && reply->Ok()) reply->body = std::move(body);
  return reply;
}

Result<Reply> Client::Stream(const Call& call, const BodySink& sink, const std::stop_token& stop) {
  bool refused = false;
  for (int tried = 1;; ++tried) {
    if (stop.stop_requested()) return base::Fail(Code::kUnavailable, "stopped");
    if (const auto turn = TakeTurn(); turn > Duration{} && !waiter_.Wait(turn, stop)) {
      return base::Fail(Code::kUnavailable, "stopped");
    }
    auto attempt = Try(call, sink, refused, stop);
    if (attempt.began || stop.stop_requested()) return attempt.reply;
    // A token may have been replaced since it was read.
    if (attempt.reply && attempt.reply->status == 401 && !refused) {
      refused = true;
      continue;
    }
    const auto pause = PauseBefore(call, attempt, tried);
    if (!pause || !waiter_.Wait(*pause, stop)) return attempt.reply;
  }
}

Client::Attempt Client::Try(const Call& call, const BodySink& sink, bool refused,
                            const std::stop_token& stop) {
  Attempt attempt;
  auto login = authenticator_.Authenticate(refused);
  if (!login) {
    attempt.reply = tl::unexpected<base::Error>(login.error());
    return attempt;
  }
  Request request;
  request.method = call.method;
  request.target = call.target;
  request.body = call.body;
  request.content_type = std::string(call.content_type);
  request.bearer_token = std::move(login->token);
  request.client = std::move(login->client);
  request.accept_gzip = call.accept_gzip;
  request.headers = call.headers;
  request.deadline = call.deadline;
  request.idle = call.idle;
  Reply reply;
  const auto response = transport_.Send(
      request,
      [&](int status, std::string_view bytes) {
        if (status >= 200 && status < 300) {
          attempt.began = true;
          return sink(bytes);
        }
        reply.body += bytes.substr(0, kLargestErrorReply - reply.body.size());
        return reply.body.size() < kLargestErrorReply;
      },
      stop);
  if (observer_) observer_(call, response ? response->status : 0);
  if (!response) {
    attempt.reply = tl::unexpected<base::Error>(response.error());
    return attempt;
  }
  reply.status = response->status;
  attempt.reply = std::move(reply);
  attempt.retry_after = response->retry_after;
  return attempt;
}

// How long to wait before the next attempt; nothing where there is to be none.
std::optional<Duration> Client::PauseBefore(const Call& call, const Attempt& attempt, int tried) {
  if (tried >= options_.attempts) return std::nullopt;
  const int status = attempt.reply ? attempt.reply->status : 0;
  if (!attempt.reply && attempt.reply.error().code != Code::kUnavailable) return std::nullopt;
  const bool safe =
      call.method == "GET" ? status == 0 || status == 429 || status >= 500 : status == 429;
  if (!safe) return std::nullopt;
  if (attempt.retry_after) {
    const auto asked = std::min(*attempt.retry_after, kLongestPause);
    return asked + Jittered(Duration{}, kFirstPause);
  }
  const Duration most = std::min(kFirstPause * (1 << tried), kLongestPause);
  return Jittered(most / 2, most);
}

Duration Client::Jittered(Duration low, Duration high) {
  const std::scoped_lock lock(mutex_);
  return Duration(std::uniform_int_distribution<Duration::rep>(low.count(), high.count())(random_));
}

// A token bucket: how long this request has to wait for its turn.
Duration Client::TakeTurn() {
  const std::scoped_lock lock(mutex_);
  const auto now = clock_.SteadyNow();
  const std::chrono::duration<double> passed = now - refilled_;
  refilled_ = now;
  tokens_ = std::min(options_.burst, tokens_ + passed.count() * options_.queries_per_second);
  tokens_ -= 1;
  if (tokens_ >= 0) return Duration{};
  return std::chrono::ceil<Duration>(
      std::chrono::duration<double>(-tokens_ / options_.queries_per_second));
}

std::string Encode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (base::IsAlphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~') {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace sparkfit::kube
