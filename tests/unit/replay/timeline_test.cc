// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/replay/timeline.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <random>

namespace sparkfit::replay {
namespace {

using base::MiB;

base::Time At(std::int64_t seconds) { return base::Time(std::chrono::seconds(seconds)); }

Moment Used(std::int64_t mib) {
  Moment moment;
  moment.used = MiB(mib);
  return moment;
}

TEST_CASE("a timeline that fits is kept to the second", "[replay][timeline]") {
  Timeline timeline(3);
  timeline.Add(At(10), Used(5));
  timeline.Add(At(10), Used(4));
  timeline.Add(At(12), Used(1));
  CHECK(timeline.Width() == std::chrono::seconds(1));
  REQUIRE(timeline.Intervals().size() == 2);
  CHECK(timeline.Intervals()[0].index == 10);
  CHECK(timeline.Intervals()[0].what.used == MiB(5));
}

TEST_CASE("what comes late lands where it belongs", "[replay][timeline]") {
  Timeline timeline(8);
  for (const int t : {30, 10, 20, 10}) timeline.Add(At(t), Used(t));
  REQUIRE(timeline.Intervals().size() == 3);
  CHECK(timeline.Intervals()[0].index == 10);
  CHECK(timeline.Intervals()[1].index == 20);
}

TEST_CASE("neighbours that become one keep the largest, and add up OOMs", "[replay][timeline]") {
  Timeline timeline(1);
  Moment before = Used(7);
  before.size = MiB(10);
  before.target = MiB(9);
  before.container_ooms = 1;
  Moment after = Used(3);
  after.size = MiB(12);
  after.target = MiB(8);
  after.container_ooms = 2;
  after.heap_ooms = 1;
  timeline.Add(At(5), before);
  timeline.Add(At(9), after);
  // 5 and 9 are of one interval of five seconds.
  CHECK(timeline.Width() == std::chrono::seconds(5));
  REQUIRE(timeline.Intervals().size() == 1);
  const auto& what = timeline.Intervals()[0].what;
  CHECK(what.used == MiB(7));
  CHECK(what.size == MiB(12));
  CHECK(what.target == MiB(8));  // the later
  CHECK(what.container_ooms == 3);
  CHECK(what.heap_ooms == 1);
}

TEST_CASE("no peak is lost, however coarse it gets", "[replay][timeline]") {
  std::mt19937_64 random(20261125);
  for (const std::size_t most : {2UL, 7UL, 60UL}) {
    Timeline timeline(200);
    std::map<std::int64_t, std::int64_t> raw;  // seconds to MiB
    std::int64_t t = 1'795'000'000;
    for (int i = 0; i < 3000; ++i) {
      t += static_cast<std::int64_t>(random() % 40) + (random() % 200 == 0 ? 86'400 : 0);
      const auto mib = static_cast<std::int64_t>(random() % 10'000) + 1;
      raw[t] = std::max(raw[t], mib);
      timeline.Add(At(t), Used(mib));
    }
    const auto cut = timeline.Cut(most);
    REQUIRE(cut.Intervals().size() <= most);
    std::map<std::int64_t, std::int64_t> expected;
    const auto width = cut.Width() / std::chrono::seconds(1);
    for (const auto& [second, mib] : raw) {
      auto& largest = expected[second / width];
      largest = std::max(largest, mib);
    }
    REQUIRE(cut.Intervals().size() == expected.size());
    for (const auto& interval : cut.Intervals()) {
      CHECK(interval.what.used == MiB(expected.at(interval.index)));
    }
  }
}

}  // namespace
}  // namespace sparkfit::replay
