// SPDX-License-Identifier: Apache-2.0
#include "sources.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>

namespace sparkfit::cluster {
namespace {

using base::Result;
using model::EventType;

EventType EventOf(kube::Change change) {
  switch (change) {
    case kube::Change::kAdded:
      return EventType::kAdded;
    case kube::Change::kModified:
      return EventType::kModified;
    case kube::Change::kDeleted:
      return EventType::kDeleted;
  }
  return EventType::kModified;
}

constexpr const char* kUsage = "podmetrics";
// Of one namespace between two lists; all are counted.
constexpr int kMostTold = 10;

}  // namespace

kube::Collection Source::CollectionOf(Kind kind) {
  switch (kind) {
    case Kind::kPods:
      return {"pods", "/api/v1/pods", "spark-role in (driver,executor)"};
    case Kind::kNodes:
      return {"nodes", "/api/v1/nodes", ""};
    case Kind::kRecommendations:
      return {"executorrecommendations", "/apis/sparkfit.io/v1alpha1/executorrecommendations", ""};
    case Kind::kLimitRanges:
      return {"limitranges", "/api/v1/limitranges", ""};
    case Kind::kResourceQuotas:
      return {"resourcequotas", "/api/v1/resourcequotas", ""};
  }
  return {};
}

void Source::Run(kube::Client& client, const std::stop_token& stop) {
  stop_ = stop;
  kube::Reflector(client, around_.waiter, kube::Within(CollectionOf(kind_), name_space_), *this)
      .Run(stop);
}

void Source::OnListBegin() {
  seen_.clear();
  told_.clear();
  if (!first_) around_.metrics.CountWatchRestart(CollectionOf(kind_).resource);
}

void Source::OnListed(const kube::Object& object) {
  Take(EventType::kAdded, object, first_);
  if (auto id = IdOf(object.id); !id.empty()) seen_.insert(std::move(id));
}

void Source::OnListEnd() {
  first_ = false;
  around_.inbox.Push(Listed{kind_, std::exchange(seen_, {}), name_space_}, stop_);
  around_.metrics.SetSourceUp(Name(), true);
}

void Source::OnChange(kube::Change change, const kube::Object& object) {
  Take(EventOf(change), object, false);
}

void Source::OnTrouble(const std::string& why) {
  const auto resource = Name();
  around_.metrics.SetSourceUp(resource, why.empty());
  if (why.empty()) {
    around_.log.Info("source is back", {{"resource", resource}});
  } else {
    around_.log.Warning("source is not available", {{"resource", resource}, {"why", why}});
  }
}

std::string Source::Name() const {
  const auto resource = CollectionOf(kind_).resource;
  return name_space_.empty() ? resource : name_space_ + "/" + resource;
}

template <typename What>
void Source::Push(What what) {
  around_.inbox.Push(model::Observation{around_.clock.Wall(), std::move(what)}, stop_);
}

std::string Source::IdOf(const kube::Identity& object) const {
  switch (kind_) {
    case Kind::kPods:
      return object.uid;
    case Kind::kNodes:
      return object.name;
    case Kind::kRecommendations:
    case Kind::kLimitRanges:
    case Kind::kResourceQuotas:
      return object.name_space + "/" + object.name;
  }
  return "";
}

void Source::Take(EventType event, const kube::Object& object, bool unwatched) {
  if (object.json.empty()) {
    TakeUnreadable(event, object.id,
                   fmt::format("it has more than {} MiB, or no end", kube::kLargestObject >> 20));
  } else if (const auto told = Tell(event, object, unwatched); !told) {
    TakeUnreadable(event, object.id, told.error().message);
  }
}

// It is there all the same, and what was known of it stays, until it is deleted.
void Source::TakeUnreadable(EventType event, const kube::Identity& object, const std::string& why) {
  const auto resource = CollectionOf(kind_).resource;
  around_.metrics.CountUnreadable(resource);
  if (told_[object.name_space]++ < kMostTold) {
    around_.log.Warning("object cannot be understood", {{"resource", resource},
                                                        {"namespace", object.name_space},
                                                        {"name", object.name},
                                                        {"why", why}});
  }
  if (event == EventType::kDeleted) {
    around_.inbox.Push(Listed{kind_, {IdOf(object)}, object.name_space, true}, stop_);
  } else if (kind_ == Kind::kLimitRanges) {
    PushConstraints(event, object, model::UnknownRange());  // what it demands now is not known
  } else if (kind_ == Kind::kResourceQuotas) {
    PushConstraints(event, object, model::UnknownQuota());
  }
}

void Source::PushConstraints(EventType event, const kube::Identity& object,
                             model::Constraints constraints) {
  around_.inbox.Push(
      ConstraintEvent{kind_, event, object.name_space, object.name, std::move(constraints)}, stop_);
}

Result<void> Source::Tell(EventType event, const kube::Object& object, bool unwatched) {
  const auto json = object.json;
  const auto fail = [](const base::Error& error) { return tl::unexpected<base::Error>(error); };
  switch (kind_) {
    case Kind::kPods: {
      auto pod = reader_.Pod(json);
      if (!pod) return fail(pod.error());
      Push(model::PodEvent{event, *std::move(pod), unwatched});
      break;
    }
    case Kind::kNodes: {
      auto node = reader_.Node(json);
      if (!node) return fail(node.error());
      node->event = event;
      Push(*std::move(node));
      break;
    }
    case Kind::kRecommendations: {
      auto recommendation = reader_.Recommendation(json);
      if (!recommendation) return fail(recommendation.error());
      Push(model::RecommendationEvent{event, *std::move(recommendation)});
      break;
    }
    case Kind::kLimitRanges:
    case Kind::kResourceQuotas: {
      auto read =
          kind_ == Kind::kLimitRanges ? reader_.LimitRange(json) : reader_.ResourceQuota(json);
      if (!read) return fail(read.error());
      PushConstraints(event, object.id, *std::move(read));
      break;
    }
  }
  return {};
}

namespace {

// Samples go on as they come, a thousand at a time: a whole list of them takes tens of MiB.
Result<void> AskUsage(kube::Client& client, const std::vector<std::string>& namespaces,
                      const Surroundings& around, const std::stop_token& stop) {
  constexpr std::size_t kAtOnce = 1000;
  static const kube::Collection collection{kUsage, "/apis/metrics.k8s.io/v1beta1/pods",
                                           "spark-role=executor"};
  wire::ObjectReader reader;
  std::vector<model::UsageSample> samples;
  const auto push = [&] {
    around.inbox.Push(Usage{around.clock.Wall(), std::exchange(samples, {})}, stop);
  };
  const auto take = [&](const kube::Object& object) {
    auto sample = reader.PodMetrics(object.json);
    if (!sample) return around.metrics.CountUnreadable(kUsage);
    samples.push_back(*std::move(sample));
    if (samples.size() == kAtOnce) push();
  };
  for (const auto& name_space : namespaces) {
    auto listed = kube::List(client, kube::Within(collection, name_space), take, stop);
    if (!listed) return tl::unexpected<base::Error>(listed.error());
  }
  push();
  return {};
}

}  // namespace

void Rounds(base::Duration interval, const std::function<bool()>& wanted,
            const Surroundings& around, const std::stop_token& stop,
            const std::function<void()>& round) {
  while (!stop.stop_requested()) {
    const auto begun = around.clock.SteadyNow();
    const bool due = wanted();
    if (due) round();
    const auto took = std::chrono::ceil<base::Duration>(around.clock.SteadyNow() - begun);
    const auto pause = due ? interval : std::min<base::Duration>(interval, std::chrono::seconds(1));
    around.waiter.Wait(std::max(pause - took, base::Duration(100)), stop);
  }
}

void AtOnce(std::size_t most, std::size_t count, const std::function<bool()>& goes_on,
            const std::function<void(std::size_t)>& job) {
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (auto i = next++; i < count && goes_on(); i = next++) job(i);
  };
  std::vector<std::jthread> workers;
  for (std::size_t i = 1; i < std::min(most, count); ++i) workers.emplace_back(work);
  work();
}

void PollUsage(kube::Client& client, const std::vector<std::string>& namespaces,
               base::Duration interval, const std::function<bool()>& wanted,
               const Surroundings& around, const std::stop_token& stop) {
  bool up = true;
  Rounds(interval, wanted, around, stop, [&] {
    const auto begun = around.clock.SteadyNow();
    const auto asked = AskUsage(client, namespaces, around, stop);
    if (stop.stop_requested()) return;
    const std::chrono::duration<double> took = around.clock.SteadyNow() - begun;
    around.metrics.ObserveStep("read", took.count());
    around.metrics.SetSourceUp(kUsage, asked.has_value());
    if (asked.has_value() != std::exchange(up, asked.has_value())) {
      if (asked) {
        around.log.Info("source is back", {{"resource", kUsage}});
      } else {
        around.log.Warning("source is not available",
                           {{"resource", kUsage}, {"why", asked.error().message}});
      }
    }
  });
}

}  // namespace sparkfit::cluster
