// SPDX-License-Identifier: Apache-2.0
#include "sources.h"

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
  if (!first_) around_.metrics.CountWatchRestart(CollectionOf(kind_).resource);
}

void Source::OnListed(std::string_view object) {
  auto id = Take(EventType::kAdded, object, first_);
  if (!id.empty()) seen_.insert(std::move(id));
}

void Source::OnListEnd() {
  first_ = false;
  around_.inbox.Push(Listed{kind_, std::exchange(seen_, {}), name_space_}, stop_);
  around_.metrics.SetSourceUp(Name(), true);
}

void Source::OnChange(kube::Change change, std::string_view object) {
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

void Source::PushConstraints(EventType event, const wire::ObjectIdentity& object,
                             const model::Constraints& constraints) {
  around_.inbox.Push(ConstraintEvent{kind_, event, object.name_space, object.name, constraints},
                     stop_);
}

std::string Source::IdOf(const wire::ObjectIdentity& object) const {
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

std::string Source::Take(EventType event, std::string_view object, bool unwatched) {
  const auto unreadable = [&](const base::Error& error) {
    const auto resource = CollectionOf(kind_).resource;
    around_.metrics.CountUnreadable(resource);
    around_.log.Warning("object cannot be understood",
                        {{"resource", resource}, {"why", error.message}});
    // It is there all the same: what was known of it stays, but for what it demands of pods.
    const auto identity = reader_.Identity(object);
    if (!identity) return std::string();
    if (kind_ == Kind::kLimitRanges) PushConstraints(event, *identity, model::UnknownRange());
    if (kind_ == Kind::kResourceQuotas) PushConstraints(event, *identity, model::UnknownQuota());
    return IdOf(*identity);
  };
  switch (kind_) {
    case Kind::kPods: {
      auto pod = reader_.Pod(object);
      if (!pod) return unreadable(pod.error());
      auto id = IdOf({pod->name_space, pod->name, pod->uid});
      Push(model::PodEvent{event, *std::move(pod), unwatched});
      return id;
    }
    case Kind::kNodes: {
      auto node = reader_.Node(object);
      if (!node) return unreadable(node.error());
      node->event = event;
      auto id = IdOf({"", node->name, ""});
      Push(*std::move(node));
      return id;
    }
    case Kind::kRecommendations: {
      auto recommendation = reader_.Recommendation(object);
      if (!recommendation) return unreadable(recommendation.error());
      auto id = IdOf({recommendation->name_space, recommendation->name, recommendation->uid});
      Push(model::RecommendationEvent{event, *std::move(recommendation)});
      return id;
    }
    case Kind::kLimitRanges:
    case Kind::kResourceQuotas: {
      const auto read =
          kind_ == Kind::kLimitRanges ? reader_.LimitRange(object) : reader_.ResourceQuota(object);
      if (!read) return unreadable(read.error());
      PushConstraints(event, read->object, read->constraints);
      return IdOf(read->object);
    }
  }
  return "";
}

namespace {

Result<Usage> AskUsage(kube::Client& client, const std::vector<std::string>& namespaces,
                       const Surroundings& around, const std::stop_token& stop) {
  static const kube::Collection collection{kUsage, "/apis/metrics.k8s.io/v1beta1/pods",
                                           "spark-role=executor"};
  wire::ObjectReader reader;
  Usage usage;
  const auto take = [&](std::string_view object) {
    auto sample = reader.PodMetrics(object);
    if (sample) {
      usage.samples.push_back(*std::move(sample));
    } else {
      around.metrics.CountUnreadable(kUsage);
    }
  };
  for (const auto& name_space : namespaces) {
    auto listed = kube::List(client, kube::Within(collection, name_space), take, stop);
    if (!listed) return tl::unexpected<base::Error>(listed.error());
  }
  usage.t = around.clock.Wall();
  return usage;
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

void AtOnce(std::size_t most, std::size_t count, const std::stop_token& stop,
            const std::function<void(std::size_t)>& job) {
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (auto i = next++; i < count && !stop.stop_requested(); i = next++) job(i);
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
    auto usage = AskUsage(client, namespaces, around, stop);
    if (stop.stop_requested()) return;
    const std::chrono::duration<double> took = around.clock.SteadyNow() - begun;
    around.metrics.ObserveStep("read", took.count());
    around.metrics.SetSourceUp(kUsage, usage.has_value());
    if (usage.has_value() != std::exchange(up, usage.has_value())) {
      if (usage) {
        around.log.Info("source is back", {{"resource", kUsage}});
      } else {
        around.log.Warning("source is not available",
                           {{"resource", kUsage}, {"why", usage.error().message}});
      }
    }
    if (usage) around.inbox.Push(*std::move(usage), stop);
  });
}

}  // namespace sparkfit::cluster
