// SPDX-License-Identifier: Apache-2.0
//
// Whatever text stands in annotations and objects: the bounds in force are ones of an executor.
#include "sparkfit/model/settings.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>

#include "sparkfit/base/meant.h"

namespace sparkfit::model {
namespace {

std::string AnyAmount() {
  if (*rc::gen::inRange(0, 4) == 0) return *rc::gen::arbitrary<std::string>();
  const auto number = *rc::gen::element<std::string>("", "0", "1", "4", ".5", "63", "64", "4096",
                                                     "67108863", "67108864", "6442450944000");
  const auto unit = *rc::gen::element<std::string>("", "n", "u", "m", "k", "Ki", "M", "Mi", "mb",
                                                   "G", "Gi", "g", "Ti", "E", "e3", "e9", " Gi");
  return *rc::gen::element<std::string>("", "", "", "-", "+") + number + unit;
}

PodSettings AnyPod() {
  PodSettings pod;
  for (const auto& key : SettingKeys()) {
    if (*rc::gen::inRange(0, 3) > 0) pod.Offer(*FindSetting(key, true), AnyAmount());
  }
  return pod;
}

std::optional<base::Bytes> AnyBound() {
  if (*rc::gen::arbitrary<bool>()) return std::nullopt;
  return base::Bytes{*rc::gen::inRange<std::int64_t>(-1, std::int64_t{1} << 38)};
}

void CheckSound(const Bounds& bounds) {
  for (const auto& bound : {bounds.min, bounds.max}) {
    if (!bound) continue;
    RC_ASSERT(*bound >= base::kSmallestBound);
    RC_ASSERT(*bound <= base::kLargestPlausible);
  }
  if (bounds.min && bounds.max) RC_ASSERT(*bounds.min <= *bounds.max);
}

TEST_CASE("bounds in force are at least 64 MiB, and min is not above max", "[property]") {
  REQUIRE(rc::check([] {
    const auto driver = AnyPod();
    const auto job = Understand(AnyPod(), *rc::gen::arbitrary<bool>() ? &driver : nullptr);
    CheckSound({job.min_memory, job.max_memory});
    std::vector<std::string> problems;
    CheckSound(BoundsInForce(job, {AnyBound(), AnyBound()}, problems));
  }));
}

TEST_CASE("a bound is taken or refused with one that would be taken", "[property]") {
  REQUIRE(rc::check([] {
    const auto text = AnyAmount();
    const auto bound = base::ParseBound(text);
    if (bound) return;
    const auto& message = bound.error().message;
    RC_ASSERT(message.size() < 250);
    const auto at = message.rfind("; ");
    if (at == std::string::npos || !message.ends_with('?') || text.find("; ") != text.npos) return;
    RC_ASSERT(base::ParseBound(message.substr(at + 2, message.size() - at - 3)).has_value());
  }));
}

}  // namespace
}  // namespace sparkfit::model
