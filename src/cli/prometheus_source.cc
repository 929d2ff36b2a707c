// SPDX-License-Identifier: Apache-2.0
#include "prometheus_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace sparkfit::cli {
namespace {

using base::Code;
using base::Result;

constexpr std::size_t kMostWarnings = 10;
// A little more than Prometheus takes for a query (--query.timeout), which says so itself.
constexpr base::Duration kDeadline = std::chrono::seconds(130);
constexpr int kTries = 4;  // of a reply that broke off

std::string Seconds(base::Time t) {
  const auto ms = t.time_since_epoch().count();
  return fmt::format("{}.{:03}", ms / 1000, ms % 1000);
}

// What there is to say about an answer that is none; a person's to mend where the request was at
// fault.
base::Error Explain(const kube::Reply& reply, const std::function<bool(std::string_view)>& wanted) {
  const auto answer = wire::ReadPrometheusAnswer(reply.body, wanted);
  const bool told = !answer && answer.error().code != Code::kMalformed;
  auto why =
      told ? fmt::format("status {}: {}", reply.status, answer.error().message) : reply.Why();
  if (reply.status == 401 || reply.status == 403) why += "; see --token-file and --header";
  if (reply.status == 404) {
    why += "; has its API a path before /api/v1 (Mimir: /prometheus)? Then --url needs it";
  }
  const bool ours = reply.status >= 400 && reply.status < 500 && reply.status != 429;
  return {ours ? Code::kInvalidArgument : Code::kUnavailable, "the server answers " + why};
}

// Too many samples for one query (422), a time-out (503), more points than a series may have (400).
bool IsTooMuch(const kube::Reply& reply) {
  return reply.status == 413 || reply.status == 422 || reply.status == 503 || reply.status == 504 ||
         reply.body.find("maximum resolution") != std::string::npos;
}

}  // namespace

Result<void> PrometheusSource::Fetch(base::Time from, base::Time to, const Take& take,
                                     const std::stop_token& stop) {
  auto series = AskAll(from, to, stop);
  if (series) {
    take(*std::move(series), from, to);
    return {};
  }
  const auto steps = (to - from) / options_.step;
  if (!series.error().too_much || steps == 0) {
    return tl::unexpected<base::Error>(series.error().error);
  }
  const auto middle = from + (steps / 2) * options_.step;
  if (auto first = Fetch(from, middle, take, stop); !first) return first;
  return Fetch(middle + options_.step, to, take, stop);
}

PrometheusSource::Answered<std::vector<wire::PrometheusSeries>> PrometheusSource::AskAll(
    base::Time from, base::Time to, const std::stop_token& stop) {
  std::vector<wire::PrometheusSeries> all;
  for (const auto& query : options_.queries) {
    const auto target =
        fmt::format("/api/v1/query_range?query={}&start={}&end={}&step={}", kube::Encode(query),
                    Seconds(from), Seconds(to), Seconds(base::Time(options_.step)));
    auto body = Ask(target, stop);
    if (!body) return tl::unexpected<Trouble>(body.error());
    auto answer = wire::ReadPrometheusAnswer(*std::move(body), options_.wanted);
    if (!answer) {
      return tl::unexpected<Trouble>(
          Trouble{false, {answer.error().code, "the server's answer: " + answer.error().message}});
    }
    for (const auto& warning : answer->warnings) Warn("the server warns: " + warning);
    if (answer->unusable_series > 0) Warn("left out: " + answer->first_unusable);
    unusable_points_ += answer->unusable_points;
    std::move(answer->series.begin(), answer->series.end(), std::back_inserter(all));
  }
  return all;
}

// The client asks again where there was no answer; one that broke off is left to us.
PrometheusSource::Answered<std::string> PrometheusSource::Ask(const std::string& target,
                                                              const std::stop_token& stop) {
  kube::Call call{.verb = "get", .resource = "query_range", .target = target};
  call.deadline = call.idle = kDeadline;
  call.accept_gzip = true;
  call.headers = options_.headers;
  for (int tried = 1;; ++tried) {
    auto body = TryAsk(call, stop);
    if (body || body.error().too_much || body.error().error.code != Code::kMalformed) return body;
    const auto pause =
        client_.Jittered(std::chrono::seconds(tried), std::chrono::seconds(2 * tried));
    if (tried == kTries || !waiter_.Wait(pause, stop)) {
      body.error().error.code = Code::kUnavailable;
      return body;
    }
  }
}

// kMalformed where the answer broke off.
PrometheusSource::Answered<std::string> PrometheusSource::TryAsk(const kube::Call& call,
                                                                 const std::stop_token& stop) {
  std::string body;
  bool too_large = false;
  const auto reply = client_.Stream(
      call,
      [&](std::string_view bytes) {
        too_large = body.size() + bytes.size() > options_.largest_reply;
        if (!too_large) body += bytes;
        return !too_large;
      },
      stop);
  if (too_large) {
    return tl::unexpected<Trouble>(
        Trouble{true,
                {Code::kInvalidArgument,
                 fmt::format("what the server has at one time is more than {} MiB; --namespace and "
                             "--matcher ask for less",
                             options_.largest_reply >> 20)}});
  }
  if (!reply) {
    auto error = reply.error();
    if (!body.empty() && !stop.stop_requested()) error.code = Code::kMalformed;
    return tl::unexpected<Trouble>(Trouble{false, std::move(error)});
  }
  if (!reply->Ok()) {
    return tl::unexpected<Trouble>(Trouble{IsTooMuch(*reply), Explain(*reply, options_.wanted)});
  }
  return body;
}

void PrometheusSource::Warn(const std::string& warning) {
  if (warnings_.size() == kMostWarnings) return;
  if (std::find(warnings_.begin(), warnings_.end(), warning) == warnings_.end()) {
    warnings_.push_back(warning);
  }
}

}  // namespace sparkfit::cli
