// SPDX-License-Identifier: Apache-2.0
//
// Who may read what is served: the API server says so, as it does for kube-rbac-proxy and for the
// filters of controller-runtime. A TokenReview tells whose a token is, a SubjectAccessReview
// whether that user may get the path.
//
// Anybody may come with tokens that are made up, so all of this is bounded:
//
//   a verdict is remembered by token and path: a grant for a minute, a denial for ten seconds
//   whoever brings the same token for the same path waits for the same question
//   of an address that was denied ten times in ten seconds nothing is asked, and of one address
//   eight questions wait at most; the addresses take turns, as namespaces do in fair_queue.h
//   a token that was granted before is asked about first, whatever its address did
//   64 questions wait at most, each for five seconds, and two are asked at once
#pragma once

#include <condition_variable>
#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "fair_queue.h"
#include "sparkfit/base/clock.h"
#include "sparkfit/base/log.h"
#include "sparkfit/base/result.h"
#include "sparkfit/cluster/controller.h"
#include "sparkfit/kube/client.h"

namespace sparkfit::cluster {

// What is known of who may read, and what is to be asked. Not safe for concurrent use.
class ReaderBook {
 public:
  using Steady = base::Clock::Steady;

  static constexpr base::Duration kGranted = std::chrono::minutes(1);
  static constexpr base::Duration kDenied = std::chrono::seconds(10);
  static constexpr std::size_t kMostDenied = 10;       // of one address, in that time
  static constexpr std::size_t kMostOfOne = 8;         // questions of one address that wait
  static constexpr std::size_t kMostInAll = 64;        // questions that wait
  static constexpr std::size_t kMostTogether = 64;     // who wait for the same question
  static constexpr std::size_t kMostRemembered = 256;  // verdicts

  struct Question {
    Reader reader;
    Steady since;
  };

  // The verdict, where there is one now; else `tell` is kept for Settle to return.
  std::optional<Access> Ask(const Reader& reader, Steady now, OnAccess tell);

  // The next question, under way from now on; nothing where none waits.
  std::optional<Question> Next();
  [[nodiscard]] bool HasNext() const { return queue_.Size() > 0; }

  // Who waited for the answer to a question. kUnavailable is not remembered. REQUIRES: Next gave
  // it.
  std::vector<OnAccess> Settle(const Question& question, Access access, Steady now);

  // Nothing is asked from now on. Who waited.
  std::vector<OnAccess> Close();

 private:
  using Key = std::pair<std::string, std::string>;  // a token's digest, and a path

  struct Verdict {
    Access access;
    Steady until;
    std::string from;
  };

  static Key KeyOf(const Reader& reader);
  [[nodiscard]] std::size_t DeniedTo(const std::string& from, Steady now) const;
  void Remember(const Key& key, Verdict verdict);

  std::map<Key, Verdict> verdicts_;
  std::map<Key, std::vector<OnAccess>> waiting_;  // of each question that waits or is under way
  FairQueue<Question> queue_{{.of_one = kMostOfOne, .in_all = kMostInAll}};
  bool closed_ = false;
};

// Asks the API server. Safe for concurrent use.
class Readers {
 public:
  // REQUIRES: what is referred to outlives this; the client repeats nothing.
  Readers(kube::Client& client, const base::Clock& clock, const base::Logger& log)
      : client_(client), clock_(clock), log_(log) {}

  // `tell` is called once: on this thread where the verdict is known, else on one that runs, or by
  // Close.
  void Ask(const Reader& reader, const OnAccess& tell);
  // Asks until asked to stop. For several threads.
  void Run(const std::stop_token& stop);
  // All who wait are told kUnavailable; from now on only what is known is told.
  void Close();

 private:
  Access Judge(const Reader& reader, const std::stop_token& stop);
  // What the API server made of a review.
  base::Result<std::string> Review(const kube::Call& call, const std::stop_token& stop);
  // Says once what is in the way, or that it is no longer; never with a token in it.
  void Note(const std::string& why, const std::string& token);

  kube::Client& client_;
  const base::Clock& clock_;
  const base::Logger& log_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable_any changed_;
  ReaderBook book_;
  std::string trouble_;
};

}  // namespace sparkfit::cluster
