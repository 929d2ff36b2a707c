// SPDX-License-Identifier: Apache-2.0
//
// Leader election over a coordination.k8s.io Lease, by the rules of client-go: a holder that does
// not renew for the lease's duration, on the observer's own clock, is replaced.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "sparkfit/base/clock.h"
#include "sparkfit/base/wait.h"
#include "sparkfit/kube/client.h"

namespace sparkfit::kube {

struct LeaseOptions {
  std::string name_space;
  std::string name = "sparkfit";
  std::string identity;  // unique to this process
  // An annotation by which a holder leaves a note for the next; empty: none.
  std::string note = {};
  base::Duration duration = std::chrono::seconds(12);
  base::Duration renew_deadline = std::chrono::seconds(8);
  base::Duration retry = std::chrono::seconds(2);
};

class LeaseElector {
 public:
  // REQUIRES: what is referred to outlives the elector; the client repeats nothing (attempts 1).
  LeaseElector(Client& client, const base::Clock& clock, base::Waiter& waiter,
               LeaseOptions options);

  // Acquires and renews until asked to stop, then gives the lease back. `on_change` is called on
  // this thread with true when we hold it and with false when no longer; `on_trouble` with what
  // keeps us from it; `on_note`, before that, with a note of another holder that was not seen
  // before: foreign text.
  void Run(const std::stop_token& stop, const std::function<void(bool)>& on_change,
           const std::function<void(const std::string&)>& on_trouble,
           const std::function<void(const std::string&)>& on_note = {});

  // Leaves this note, of valid UTF-8, with the renewals from now on while we hold the lease; until
  // then the one that was found stays. Safe for concurrent use.
  void SetNote(std::string note);

  // Whether we hold it for certain at this moment. Safe for concurrent use.
  [[nodiscard]] bool Holds() const;

 private:
  enum class Outcome { kHeld, kOthers, kFailed };

  Outcome TryOnce(const std::stop_token& stop);
  Outcome Create(const std::stop_token& stop);
  Outcome Update(const std::stop_token& stop);
  void Release();
  void SetHeld(base::Clock::Steady when);
  void ReadNote(const std::string& found);
  [[nodiscard]] std::string Note() const;
  [[nodiscard]] std::string Body(bool release) const;

  Client& client_;
  const base::Clock& clock_;
  base::Waiter& waiter_;
  LeaseOptions options_;
  std::string path_;

  // The lease as last seen.
  std::string holder_;
  std::string version_;
  std::string renewed_;  // its renewTime, only ever compared for equality
  std::string acquired_;
  std::int64_t transitions_ = 0;
  std::optional<base::Clock::Steady> observed_;  // when it last changed
  std::string trouble_;
  std::function<void(const std::string&)> on_note_;

  mutable std::mutex note_mutex_;
  std::string note_;  // ours, or the one that was found

  bool leading_ = false;
  base::Clock::Steady renewed_at_{};
  std::atomic<base::Clock::Steady::rep> held_until_{0};
};

}  // namespace sparkfit::kube
