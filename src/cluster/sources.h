// SPDX-License-Identifier: Apache-2.0
//
// Where observations come from: collections that are followed, and usage that is asked for.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "message.h"
#include "sparkfit/base/clock.h"
#include "sparkfit/base/log.h"
#include "sparkfit/exposition/own_metrics.h"
#include "sparkfit/kube/list_watch.h"
#include "sparkfit/wire/object_reader.h"

namespace sparkfit::cluster {

// What every source needs. REQUIRES: it outlives them.
struct Surroundings {
  const base::Clock& clock;
  base::Waiter& waiter;
  const base::Logger& log;
  exposition::OwnMetrics& metrics;
  Inbox& inbox;
  const model::SignatureRules* rules = nullptr;  // may be null
};

// One collection into the inbox, of one namespace or, where that is empty, of all.
class Source final : public kube::CollectionHandler {
 public:
  Source(Kind kind, const Surroundings& around, std::string name_space = {})
      : kind_(kind), name_space_(std::move(name_space)), around_(around), reader_(around.rules) {}

  static kube::Collection CollectionOf(Kind kind);
  // Follows until asked to stop.
  void Run(kube::Client& client, const std::stop_token& stop);

  void OnListBegin() override;
  void OnListed(const kube::Object& object) override;
  void OnListEnd() override;
  void OnChange(kube::Change change, const kube::Object& object) override;
  void OnTrouble(const std::string& why) override;

 private:
  // As Listed names it.
  [[nodiscard]] std::string IdOf(const kube::Identity& object) const;
  void Take(model::EventType event, const kube::Object& object, bool unwatched);
  // What was told, or why it cannot be.
  base::Result<void> Tell(model::EventType event, const kube::Object& object, bool unwatched);
  void TakeUnreadable(model::EventType event, const kube::Identity& object, const std::string& why);
  template <typename What>
  void Push(What what);

  void PushConstraints(model::EventType event, const kube::Identity& object,
                       model::Constraints constraints);

  // For metrics and the log: pods, or namespace/pods.
  [[nodiscard]] std::string Name() const;

  Kind kind_;
  std::string name_space_;
  const Surroundings& around_;
  wire::ObjectReader reader_;
  std::unordered_set<std::string> seen_;
  std::map<std::string, int> told_;  // unreadable objects since the last list, by namespace
  bool first_ = true;                // nobody watched before the first list
  std::stop_token stop_;
};

// Works at every interval while `wanted` says so, until asked to stop; looks every second whether
// it is wanted.
void Rounds(base::Duration interval, const std::function<bool()>& wanted,
            const Surroundings& around, const std::stop_token& stop,
            const std::function<void()>& round);

// Does jobs 0 … count-1, at most so many at the same time, on threads of its own and this one, in
// this order, while `goes_on` says so; the rest is left out.
void AtOnce(std::size_t most, std::size_t count, const std::function<bool()>& goes_on,
            const std::function<void(std::size_t)>& job);

// Asks metrics.k8s.io for the usage of all executors of these namespaces (an empty one: of all),
// again and again, while `wanted` says so.
void PollUsage(kube::Client& client, const std::vector<std::string>& namespaces,
               base::Duration interval, const std::function<bool()>& wanted,
               const Surroundings& around, const std::stop_token& stop);

}  // namespace sparkfit::cluster
