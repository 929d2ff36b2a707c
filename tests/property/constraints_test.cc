// SPDX-License-Identifier: Apache-2.0
//
// A pod that would have been created is created: whatever LimitRanges and ResourceQuotas a
// namespace has, and whatever containers a pod. The API server's part is played by what stands in
// plugin/pkg/admission/limitranger/admission.go of Kubernetes 1.36, step by step and on the pod's
// own JSON, and for quotas by its PodRequests and PodLimits, which add the pod's overhead; it has
// nothing in common with what admission knows.
#include <rapidcheck.h>
#include <simdjson.h>

#include <catch2/catch.hpp>

#include "review_pod.h"
#include "sparkfit/admission/admission.h"
#include "sparkfit/base/quantity.h"
#include "sparkfit/wire/object_reader.h"

namespace sparkfit::admission {
namespace {

using base::MiB;
using nlohmann::json;

// ---- The API server.

using Amount = std::optional<std::int64_t>;  // thousandths of bytes

Amount AmountIn(const json& resources, const char* of) {
  if (!resources.contains(of) || !resources[of].contains("memory")) return std::nullopt;
  return base::ParseThousandths(resources[of]["memory"].get<std::string>()).value();
}

// Defaults of a container: a request as its limit.
json Defaulted(json pod) {
  for (const auto* list : {"containers", "initContainers"}) {
    if (!pod["spec"].contains(list)) continue;
    for (auto& container : pod["spec"][list]) {
      auto& resources = container["resources"];
      if (resources.is_null()) resources = json::object();
      if (AmountIn(resources, "limits") && !AmountIn(resources, "requests")) {
        resources["requests"]["memory"] = resources["limits"]["memory"];
      }
    }
  }
  return pod;
}

bool IsSidecar(const json& container) { return container.value("restartPolicy", "") == "Always"; }

// podRequests and podLimits.
Amount SumOf(const json& pod, const char* of) {
  const auto add = [](Amount a, Amount b) {
    return a || b ? Amount(a.value_or(0) + b.value_or(0)) : Amount();
  };
  Amount sum;
  for (const auto& container : pod["spec"]["containers"]) {
    sum = add(sum, AmountIn(container["resources"], of));
  }
  Amount sidecars;
  Amount most;
  for (const auto& container : pod["spec"].value("initContainers", json::array())) {
    const auto own = AmountIn(container["resources"], of);
    Amount now = add(own, sidecars);
    if (IsSidecar(container)) {
      sum = add(sum, own);
      sidecars = now;
    }
    if (now) most = std::max(most.value_or(0), *now);
  }
  if (most) sum = std::max(sum.value_or(0), *most);
  return sum;
}

Amount Bound(const json& limit, const char* of) {
  if (!limit.contains(of)) return std::nullopt;
  return base::ParseThousandths(limit[of]["memory"].get<std::string>()).value();
}

// minConstraint, maxConstraint and limitRequestRatioConstraint.
bool Keeps(const json& limit, Amount request, Amount most) {
  if (const auto min = Bound(limit, "min")) {
    if (!request || *request < *min || (most && *most < *min)) return false;
  }
  if (const auto max = Bound(limit, "max")) {
    if (!most || *most > *max || (request && *request > *max)) return false;
  }
  if (const auto ratio = Bound(limit, "maxLimitRequestRatio")) {
    if (!request || *request == 0 || !most || *most == 0) return false;
    const double observed = static_cast<double>(*most) / static_cast<double>(*request);
    if (observed * 1000 > static_cast<double>(*ratio)) return false;
  }
  return true;
}

// PodValidateLimitFunc.
bool Keeps(const json& limit, const json& pod) {
  if (limit["type"] == "Pod") return Keeps(limit, SumOf(pod, "requests"), SumOf(pod, "limits"));
  for (const auto* list : {"containers", "initContainers"}) {
    for (const auto& container : pod["spec"].value(list, json::array())) {
      const auto& resources = container["resources"];
      if (!Keeps(limit, AmountIn(resources, "requests"), AmountIn(resources, "limits")))
        return false;
    }
  }
  return true;
}

bool Fits(const json& quota, const json& pod) {
  for (const auto& [name, hard] : quota["status"]["hard"].items()) {
    const auto used =
        base::ParseThousandths(quota["status"]["used"][name].get<std::string>()).value();
    const auto sum = SumOf(pod, name == "limits.memory" ? "limits" : "requests").value_or(0);
    const auto overhead = AmountIn(pod["spec"], "overhead").value_or(0);
    if (used + sum + overhead > base::ParseThousandths(hard.get<std::string>()).value())
      return false;
  }
  return true;
}

bool IsCreated(const json& ranges, const json& quotas, const json& pod) {
  for (const auto& range : ranges) {
    for (const auto& limit : range["spec"]["limits"]) {
      if (!Keeps(limit, pod)) return false;
    }
  }
  for (const auto& quota : quotas) {
    if (!Fits(quota, pod)) return false;
  }
  for (const auto& container : pod["spec"]["containers"]) {
    const auto& resources = container["resources"];
    if (AmountIn(resources, "requests") > AmountIn(resources, "limits")) return false;
  }
  return true;
}

// ---- Namespaces and pods, near enough to each other that many pods are created and many bounds
// matter.

std::string AnyMiB(std::int64_t low, std::int64_t high) {
  return std::to_string(*rc::gen::inRange(low, high)) +
         *rc::gen::element<std::string>("Mi", "Mi", "M");
}

bool Sometimes(int of) { return *rc::gen::inRange(0, of) == 0; }

json AnyLimit() {
  const bool pod = Sometimes(2);
  json limit;
  limit["type"] = pod ? "Pod" : "Container";
  if (Sometimes(2)) limit["min"]["memory"] = AnyMiB(1, pod ? 1500 : 80);
  if (!pod && Sometimes(3)) limit["min"]["memory"] = AnyMiB(50, 1300);
  if (Sometimes(2)) limit["max"]["memory"] = AnyMiB(1300, pod ? 6000 : 4000);
  if (Sometimes(2)) {
    limit["maxLimitRequestRatio"]["memory"] =
        *rc::gen::element<std::string>("1", "1100m", "1.5", "2", "3", "8");
  }
  return limit;
}

json Named(const std::string& name) {
  json object;
  object["metadata"] = {{"name", name}, {"namespace", "jobs"}};
  return object;
}

json AnyRange(const std::string& name) {
  auto range = Named(name);
  for (int i = *rc::gen::inRange(1, 3); i > 0; --i) range["spec"]["limits"].push_back(AnyLimit());
  return range;
}

json AnyQuota(const std::string& name) {
  auto quota = Named(name);
  auto& status = quota["status"];
  status["hard"] = status["used"] = json::object();
  for (const auto* what : {"memory", "requests.memory", "limits.memory"}) {
    if (!Sometimes(2)) continue;
    status["hard"][what] = AnyMiB(5000, 9000);
    status["used"][what] = AnyMiB(0, 5000);
  }
  quota["spec"]["hard"] = status["hard"];
  return quota;
}

json AnyOther(const std::string& name, bool init) {
  json container{{"name", name}, {"resources", json::object()}};
  const auto most = *rc::gen::inRange<std::int64_t>(1, init ? 3000 : 900);
  auto& resources = container["resources"];
  if (!Sometimes(6)) resources["limits"]["memory"] = std::to_string(most) + "Mi";
  if (Sometimes(2)) {
    resources["requests"]["memory"] =
        std::to_string(*rc::gen::inRange<std::int64_t>(0, most + 1)) + "Mi";
  }
  if (init && Sometimes(2)) container["restartPolicy"] = "Always";
  return container;
}

json AnyPod() {
  auto pod = test::ReviewedPod();
  auto& spec = pod["spec"];
  auto& resources = spec["containers"][0]["resources"];
  const auto heap = *rc::gen::inRange<std::int64_t>(600, 3000);
  const auto limit = heap + 384;
  spec["containers"][0]["env"][1]["value"] = std::to_string(heap) + "m";
  resources["limits"]["memory"] = std::to_string(limit) + "Mi";
  resources.erase("requests");
  if (Sometimes(2)) {
    resources["requests"]["memory"] =
        std::to_string(*rc::gen::inRange<std::int64_t>(0, limit + 1)) + "Mi";
  }
  pod["metadata"]["labels"]["spark-exec-id"] = *rc::gen::element<std::string>("1", "2", "9");
  for (int i = *rc::gen::inRange(-2, 3); i > 0; --i) {
    spec["containers"].push_back(AnyOther("side-" + std::to_string(i), false));
  }
  for (int i = *rc::gen::inRange(-2, 4); i > 0; --i) {
    spec["initContainers"].push_back(AnyOther("init-" + std::to_string(i), true));
  }
  if (Sometimes(3)) spec["overhead"] = {{"cpu", "250m"}, {"memory", AnyMiB(1, 2000)}};
  return Defaulted(pod);
}

Advice AnyAdvice(const model::ExecutorSize& submitted) {
  Advice advice;
  advice.object = "o";
  advice.low_confidence = false;
  advice.target = MiB(*rc::gen::inRange<std::int64_t>(896, 5000));
  if (Sometimes(2)) advice.target_request = MiB(*rc::gen::inRange<std::int64_t>(1, 5000));
  if (Sometimes(2)) {  // it ran out of memory
    advice.parts.least_heap = MiB(*rc::gen::inRange<std::int64_t>(600, 4000));
    advice.parts.least_outside = MiB(*rc::gen::inRange<std::int64_t>(384, 1000));
  }
  if (Sometimes(2)) advice.submitted = submitted;
  if (Sometimes(2)) {
    const auto heap = *rc::gen::inRange<std::int64_t>(512, 2000);
    advice.trial = recommend::Trial{model::Part::kHeap, {MiB(heap + 384), MiB(heap)}, 2};
  }
  return advice;
}

template <typename Read>
void AddAll(model::Constraints& all, const json& objects, Read&& read) {
  wire::ObjectReader reader;
  for (const auto& object : objects) {
    const simdjson::padded_string text(object.dump());
    model::Add(all, read(reader, std::string_view(text)).value());
  }
}

// What becomes of it when admission is asked, and why.
std::pair<json, Reason> Admitted(const json& pod, const Advice& advice, const Limits& limits) {
  const auto review = wire::ReadReview(test::ReviewOf(pod).dump()).review;
  RC_ASSERT(review.has_value());
  const auto decision = Decide({.pod = review->pod,
                                .places = review->places,
                                .driver = nullptr,
                                .advice = &advice,
                                .run = {},
                                .limits = limits});
  return {Defaulted(test::Patched(pod, wire::WriteReview("u", decision.patch, ""))),
          decision.reason};
}

json With(json pod, const json& container) {
  pod["spec"]["containers"].push_back(container);
  return Defaulted(pod);
}

TEST_CASE("a pod that would have been created is created", "[admission][constraints]") {
  CHECK(rc::check([] {
    json ranges = json::array();
    json quotas = json::array();
    for (int i = *rc::gen::inRange(0, 3); i > 0; --i) {
      ranges.push_back(AnyRange("r" + std::to_string(i)));
    }
    for (int i = *rc::gen::inRange(-1, 3); i > 0; --i) {
      quotas.push_back(AnyQuota("q" + std::to_string(i)));
    }
    Limits limits;
    AddAll(limits.constraints, ranges,
           [](auto& reader, auto text) { return reader.LimitRange(text); });
    AddAll(limits.constraints, quotas,
           [](auto& reader, auto text) { return reader.ResourceQuota(text); });
    const auto pod = AnyPod();
    const auto advice = AnyAdvice(wire::ReadReview(test::ReviewOf(pod).dump()).review->pod.size);
    const bool created = IsCreated(ranges, quotas, pod);
    const auto [sized, why] = Admitted(pod, advice, limits);
    RC_TAG(std::string(created ? "created, " : "refused, ") + std::string(Name(why)));
    if (created) RC_ASSERT(IsCreated(ranges, quotas, sized));
    // Another webhook adds a container, and admission is asked again.
    const auto late = AnyOther("late", false);
    const auto [again, why_again] = Admitted(With(sized, late), advice, limits);
    if (IsCreated(ranges, quotas, With(pod, late))) RC_ASSERT(IsCreated(ranges, quotas, again));
  }));
}

}  // namespace
}  // namespace sparkfit::admission
