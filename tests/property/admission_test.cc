// SPDX-License-Identifier: Apache-2.0
//
// Any executor pod and anything that may be known of its job: a change fits, is safe, touches
// nothing else and is made once.
#include "sparkfit/admission/admission.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>

#include "review_pod.h"

namespace sparkfit::admission {
namespace {

using base::Bytes;
using base::MiB;
using nlohmann::json;

json AnyPod() {
  auto pod = test::ReviewedPod();
  const auto heap = *rc::gen::inRange<std::int64_t>(100, 60000);
  const auto overhead = *rc::gen::element<std::int64_t>(0, 70, 384, heap / 10, heap * 4 / 10, 4096);
  auto& container = pod["spec"]["containers"][0];
  container["env"][1]["value"] = std::to_string(heap) + "m";
  container["env"][0]["value"] = *rc::gen::element<std::string>("1", "2");
  auto& resources = container["resources"];
  resources["limits"]["memory"] = std::to_string(heap + overhead) + "Mi";
  const auto request = *rc::gen::inRange<std::int64_t>(0, 3);
  if (request == 0) resources.erase("requests");
  if (request == 1) resources["requests"]["memory"] = std::to_string((heap + overhead) / 2) + "Mi";
  if (request == 2) resources["requests"] = resources["limits"];
  auto& containers = pod["spec"]["containers"];
  for (int i = *rc::gen::inRange(0, 3); i > 0; --i) {
    const auto where =
        containers.begin() +
        *rc::gen::inRange<std::ptrdiff_t>(0, static_cast<std::ptrdiff_t>(containers.size()) + 1);
    const json side{{"name", "side-" + std::to_string(i)},
                    {"resources", {{"limits", {{"memory", "64Mi"}}}}}};
    containers.insert(where, side);
  }
  if (*rc::gen::arbitrary<bool>()) {
    pod["metadata"]["labels"]["sparkfit.io/signature"] = "nightly";
    pod["metadata"]["labels"]["sparkfit.io/mode"] = "Auto";
    pod["metadata"].erase("annotations");
  }
  return pod;
}

std::optional<Bytes> MaybeBytes(std::int64_t low, std::int64_t high) {
  if (*rc::gen::arbitrary<bool>()) return std::nullopt;
  return Bytes{*rc::gen::inRange(MiB(low).value, MiB(high).value)};
}

Advice AnyAdvice() {
  Advice advice;
  advice.object = "o";
  advice.target = MiB(*rc::gen::inRange<std::int64_t>(1, 80000));
  advice.parts.least_heap = MiB(*rc::gen::element<std::int64_t>(0, 0, 900, 9000));
  advice.parts.least_outside = MiB(*rc::gen::element<std::int64_t>(0, 0, 500, 3000));
  advice.parts.most_heap = MaybeBytes(1, 60000);
  advice.target_request = MaybeBytes(1, 80000);
  advice.submitted = {MiB(*rc::gen::inRange<std::int64_t>(1, 80000)), {}};
  advice.latest_failed = *rc::gen::arbitrary<bool>();
  advice.low_confidence = *rc::gen::arbitrary<bool>();
  advice.bounds = {MaybeBytes(1, 4000), MaybeBytes(1, 90000)};
  if (*rc::gen::arbitrary<bool>()) advice.shape = {"1", model::OverheadClass::kDefaultJvm};
  return advice;
}

RunState AnyRun() {
  RunState run;
  if (*rc::gen::arbitrary<bool>()) {
    const auto heap = *rc::gen::inRange<std::int64_t>(512, 60000);
    run.first =
        model::ExecutorSize{MiB(heap + *rc::gen::inRange<std::int64_t>(0, 9000)), MiB(heap)};
  }
  run.out_of_memory = *rc::gen::arbitrary<bool>();
  return run;
}

Limits AnyLimits() {
  Limits limits;
  limits.configured_max = MaybeBytes(1, 90000).value_or(Bytes{});
  limits.largest_node = MaybeBytes(1, 90000).value_or(Bytes{});
  limits.constraints.container.min = MaybeBytes(1, 1000);
  limits.constraints.container.max = MaybeBytes(1, 90000);
  limits.constraints.pod.max = MaybeBytes(1, 90000);
  limits.shrink_only = *rc::gen::arbitrary<bool>();
  return limits;
}

Decision DecideOn(const json& pod, const Advice& advice, const RunState& run,
                  const Limits& limits) {
  const auto review = wire::ReadReview(test::ReviewOf(pod).dump()).review;
  RC_ASSERT(review.has_value());
  return Decide({.pod = review->pod,
                 .places = review->places,
                 .driver = nullptr,
                 .advice = &advice,
                 .run = run,
                 .limits = limits});
}

// The executor container's index, heap, limit and request of a pod, in bytes.
struct Seen {
  model::ExecutorSize size;
  std::optional<Bytes> request;
  std::size_t container;
};
Seen Look(const json& pod) {
  const auto review = wire::ReadReview(test::ReviewOf(pod).dump()).review;
  RC_ASSERT(review.has_value());
  return {review->pod.size, review->places.request, review->places.container};
}

TEST_CASE("any admission keeps its promises", "[admission]") {
  CHECK(rc::check([] {
    const auto pod = AnyPod();
    const auto advice = AnyAdvice();
    const auto run = AnyRun();
    const auto limits = AnyLimits();
    const auto decision = DecideOn(pod, advice, run, limits);
    RC_ASSERT(decision.patch.has_value() == (OutcomeOf(decision.reason) == Outcome::kPatched));
    const auto created = test::Patched(pod, wire::WriteReview("u", decision.patch, ""));
    if (!decision.patch) {
      RC_ASSERT(created == pod);
      return;
    }
    RC_TAG(std::string("patched"));
    const auto before = Look(pod);
    const auto after = Look(created);
    // It fits: a heap that Spark starts with, some room beside it, a request that is allowed.
    RC_ASSERT(after.size.heap.has_value());
    RC_ASSERT(*after.size.heap >= MiB(512));
    RC_ASSERT(*after.size.heap <= after.size.limit);
    RC_ASSERT(after.size.limit.value % Bytes::kMiB == 0);
    RC_ASSERT(before.request.has_value() == after.request.has_value());
    RC_ASSERT(!after.request || *after.request <= after.size.limit);
    // It is safe.
    if (limits.shrink_only) RC_ASSERT(after.size.limit < before.size.limit);
    const bool only_raised = advice.low_confidence || advice.latest_failed || run.out_of_memory;
    if (only_raised) RC_ASSERT(after.size.limit > before.size.limit);
    const bool asked = advice.parts.least_heap.value + advice.parts.least_outside.value > 0;
    const bool least = advice.bounds.min || run.first;
    if (!asked && !least) RC_ASSERT(after.size.limit < before.size.limit);
    std::vector<std::string> problems;
    const auto user = model::BoundsInForce({}, advice.bounds, problems);  // none if min above max
    if (limits.largest_node.value > 0) {
      const bool ceiling = user.max || limits.configured_max.value > 0;
      const auto stays = std::max(before.size.limit, ceiling ? Bytes{} : *advice.target);
      RC_ASSERT(after.size.limit <= std::max(limits.largest_node, stays));
    }
    if (user.max) RC_ASSERT(after.size.limit <= *user.max);
    // It touches nothing else.
    auto masked = created;
    auto& container = masked["spec"]["containers"][after.container];
    const auto& original = pod["spec"]["containers"][before.container];
    container["resources"] = original["resources"];
    container["env"] = original["env"];
    if (pod["metadata"].contains("annotations")) {
      for (const auto& [key, value] : created["metadata"]["annotations"].items()) {
        if (!pod["metadata"]["annotations"].contains(key)) {
          RC_ASSERT(key.rfind("sparkfit.io/", 0) == 0);
          masked["metadata"]["annotations"].erase(key);
        }
      }
    } else {
      masked["metadata"].erase("annotations");
    }
    RC_ASSERT(masked == pod);
    // It is made once.
    const auto again = DecideOn(created, advice, run, limits);
    RC_ASSERT(again.reason == Reason::kAlreadySized);
  }));
}

}  // namespace
}  // namespace sparkfit::admission
