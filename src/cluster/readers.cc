// SPDX-License-Identifier: Apache-2.0
#include "readers.h"

#include <algorithm>
#include <tuple>

#include "sparkfit/tls/digest.h"
#include "sparkfit/wire/access_review.h"

namespace sparkfit::cluster {
namespace {

using base::Code;
using base::Result;

// Who waited longer for its turn has been given up by then, or soon will be.
constexpr base::Duration kPatience = std::chrono::seconds(5);
constexpr base::Duration kDeadline = std::chrono::seconds(3);

void TellAll(const std::vector<OnAccess>& waiting, Access access) {
  for (const auto& tell : waiting) tell(access);
}

}  // namespace

ReaderBook::Key ReaderBook::KeyOf(const Reader& reader) {
  return {tls::Digest(reader.token), reader.path};
}

std::optional<Access> ReaderBook::Ask(const Reader& reader, Steady now, OnAccess tell) {
  const auto key = KeyOf(reader);
  const auto known = verdicts_.find(key);
  if (known != verdicts_.end() && now < known->second.until) return known->second.access;
  if (closed_) return Access::kUnavailable;
  if (const auto asked = waiting_.find(key); asked != waiting_.end()) {
    if (asked->second.size() >= kMostTogether) return Access::kTooMany;
    asked->second.push_back(std::move(tell));
    return std::nullopt;
  }
  const bool was_granted = known != verdicts_.end() && known->second.access == Access::kGranted;
  if (!was_granted) {
    if (DeniedTo(reader.from, now) >= kMostDenied) return Access::kTooMany;
    // An address of which nothing waits has room there, however many addresses there are.
    if (queue_.Size() >= kMostInAll) return Access::kUnavailable;
    if (!queue_.HasRoom(reader.from)) return Access::kTooMany;
  }
  waiting_[key].push_back(std::move(tell));
  queue_.Push(reader.from, was_granted, {reader, now});
  return std::nullopt;
}

std::optional<ReaderBook::Question> ReaderBook::Next() {
  auto turn = queue_.Pop();
  if (!turn) return std::nullopt;
  return std::move(turn->item);
}

std::vector<OnAccess> ReaderBook::Settle(const Question& question, Access access, Steady now) {
  const auto& [reader, since] = question;
  queue_.Finish(reader.from);
  const auto key = KeyOf(reader);
  if (access != Access::kUnavailable) {
    const auto lasts = access == Access::kGranted ? kGranted : kDenied;
    Remember(key, {access, now + lasts, reader.from});
  }
  const auto waited = waiting_.extract(key);
  return waited.empty() ? std::vector<OnAccess>() : std::move(waited.mapped());
}

std::vector<OnAccess> ReaderBook::Close() {
  closed_ = true;
  std::vector<OnAccess> all;
  for (auto& [key, waited] : waiting_) std::move(waited.begin(), waited.end(), back_inserter(all));
  waiting_.clear();
  return all;
}

std::size_t ReaderBook::DeniedTo(const std::string& from, Steady now) const {
  return std::count_if(verdicts_.begin(), verdicts_.end(), [&](const auto& entry) {
    const auto& verdict = entry.second;
    return verdict.access != Access::kGranted && verdict.from == from && now < verdict.until;
  });
}

// Where there are too many, a denial goes before any grant: so tokens that are made up make nobody
// forget a good one.
void ReaderBook::Remember(const Key& key, Verdict verdict) {
  verdicts_.insert_or_assign(key, std::move(verdict));
  if (verdicts_.size() <= kMostRemembered) return;
  const auto rank = [](const auto& entry) {
    return std::make_tuple(entry.second.access == Access::kGranted, entry.second.until);
  };
  verdicts_.erase(std::min_element(verdicts_.begin(), verdicts_.end(),
                                   [&](auto& a, auto& b) { return rank(a) < rank(b); }));
}

void Readers::Ask(const Reader& reader, const OnAccess& tell) {
  std::unique_lock lock(mutex_);
  const auto access = book_.Ask(reader, clock_.SteadyNow(), tell);
  changed_.notify_all();
  lock.unlock();
  if (access) tell(*access);
}

void Readers::Run(const std::stop_token& stop) {
  for (;;) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, stop, [&] { return book_.HasNext(); });
    if (stop.stop_requested()) return;
    const auto question = *book_.Next();
    const bool in_time = clock_.SteadyNow() - question.since <= kPatience;
    lock.unlock();
    const auto access = in_time ? Judge(question.reader, stop) : Access::kUnavailable;
    lock.lock();
    const auto waited = book_.Settle(question, access, clock_.SteadyNow());
    lock.unlock();
    TellAll(waited, access);
  }
}

void Readers::Close() {
  std::unique_lock lock(mutex_);
  const auto waited = book_.Close();
  lock.unlock();
  TellAll(waited, Access::kUnavailable);
}

Access Readers::Judge(const Reader& reader, const std::stop_token& stop) {
  const auto unknown = [&](const base::Error& error) {
    if (!stop.stop_requested()) Note(error.message, reader.token);
    return Access::kUnavailable;
  };
  kube::Call call{.verb = "create", .resource = "tokenreviews"};
  call.target = "/apis/authentication.k8s.io/v1/tokenreviews";
  call.body = wire::WriteTokenReview(reader.token);
  const auto whose = Review(call, stop).and_then(wire::ReadTokenReview);
  if (!whose) return unknown(whose.error());
  if (!*whose) {
    Note("", reader.token);
    return Access::kUnknown;
  }
  call.resource = "subjectaccessreviews";
  call.target = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
  call.body = wire::WriteAccessReview(**whose, reader.path);
  const auto may = Review(call, stop).and_then(wire::ReadAccessReview);
  if (!may) return unknown(may.error());
  Note("", reader.token);
  return *may ? Access::kGranted : Access::kForbidden;
}

Result<std::string> Readers::Review(const kube::Call& call, const std::stop_token& stop) {
  auto request = call;
  request.method = "POST";
  request.deadline = request.idle = kDeadline;
  auto reply = client_.Send(request, stop);
  if (!reply) return tl::unexpected<base::Error>(reply.error());
  if (!reply->Ok()) return base::Fail(Code::kUnavailable, call.resource + ": " + reply->Why());
  return std::move(reply->body);
}

void Readers::Note(const std::string& why, const std::string& token) {
  const bool tells = why.find(token) != std::string::npos;
  const auto text = tells ? "the answer repeats the token" : why;
  const std::scoped_lock lock(mutex_);
  if (text == std::exchange(trouble_, text)) return;
  if (text.empty()) {
    log_.Info("the API server says who may read metrics");
  } else {
    log_.Warning("the API server does not say who may read metrics", {{"why", text}});
  }
}

}  // namespace sparkfit::cluster
