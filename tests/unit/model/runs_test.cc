// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/model/runs.h"

#include <catch2/catch.hpp>

namespace sparkfit::model {
namespace {

using base::GiB;
using base::MiB;
using std::chrono::hours;

constexpr std::uint32_t kShape = 1;

FamilyRuns FamilyOf(const RunRing& ring) {
  FamilyRuns family;
  family.Join(ring.Runs(), kShape);
  return family;
}

TEST_CASE("a run is as large as its largest executor, and all of them lived", "[model][runs]") {
  RunRing ring;
  ring.Add(7, kShape, MiB(1000), hours(1));
  ring.Add(7, kShape, MiB(3000), hours(2));
  ring.Add(7, kShape, MiB(2000), hours(3));
  REQUIRE(ring.Runs().size() == 1);
  CHECK(ring.Runs()[0].peak == MiB(3000));
  CHECK(ring.Runs()[0].executors == 3);
  CHECK(ring.Runs()[0].lifetimes == hours(6));
}

TEST_CASE("of forty-one runs the oldest is forgotten", "[model][runs]") {
  RunRing ring;
  for (std::uint32_t run = 0; run < RunRing::kRuns; ++run) {
    CHECK_FALSE(ring.Add(run, kShape, MiB(100 + static_cast<std::int64_t>(run)), hours(1)).before);
  }
  const auto change = ring.Add(RunRing::kRuns, kShape, MiB(50), hours(1));
  REQUIRE(change.before.has_value());
  CHECK(change.before->application == 0);
  CHECK(change.after.application == RunRing::kRuns);
  const auto runs = ring.Runs();
  REQUIRE(runs.size() == RunRing::kRuns);
  CHECK(runs.front().application == 1);
  CHECK(runs.back().application == RunRing::kRuns);
}

TEST_CASE("a record says how far a run went beyond all others", "[model][runs]") {
  RunRing ring;
  ring.Add(1, kShape, MiB(1000), hours(1));
  ring.Add(2, kShape, MiB(1500), hours(1));
  ring.Add(3, kShape, MiB(1200), hours(1));
  // The same run again, one executor larger: 1800 against 1500, the largest of the others.
  ring.Add(3, kShape, MiB(1800), hours(1));
  ring.Add(4, kShape + 1, MiB(9000), hours(1));  // of another shape: nothing to compare with
  const auto runs = ring.Runs();
  CHECK(runs[0].record == 0);
  CHECK(runs[1].record == 405465);  // 10⁶ ln 1.5
  CHECK(runs[2].record == 182322);  // 10⁶ ln 1.2
  CHECK(runs[3].record == 0);
}

TEST_CASE("a peak is kept to 24 bits, rounded up", "[model][runs]") {
  RunRing ring;
  // 2³⁰ + 1 lies between 2³⁰ and 2³⁰ + 2⁷, its neighbours of 24 bits.
  ring.Add(1, kShape, GiB(1) + base::Bytes{1}, hours(1));
  CHECK(ring.Runs()[0].peak == GiB(1) + base::Bytes{128});
  // The same again is no larger than itself.
  ring.Add(2, kShape, GiB(1) + base::Bytes{1}, hours(1));
  CHECK(ring.Runs()[1].record == 0);
}

TEST_CASE("a run of very many executors keeps their mean, a job of very many shapes stops telling",
          "[model][runs]") {
  RunRing ring;
  for (int executor = 0; executor < 70000; ++executor) {
    ring.Add(1, kShape, MiB(1 + executor / 1000), base::Duration(4096));
  }
  ring.Add(2, 70000, MiB(1), hours(1));
  ring.Add(2, 80000, MiB(1), hours(1));
  const auto runs = ring.Runs();
  REQUIRE(runs.size() == 2);
  CHECK(runs[0].executors == 65535);
  CHECK(runs[0].lifetimes == 65535 * base::Duration(4096));
  CHECK(runs[0].peak == MiB(70));
  CHECK(runs[1].shape_id == 65535);
}

TEST_CASE("what was saved is loaded, and what cannot have been is refused", "[model][runs]") {
  RunRing ring;
  for (std::uint32_t run = 0; run < 50; ++run) ring.Add(run, kShape, MiB(100), hours(1));
  RunRing other;
  REQUIRE(other.Load(ring.Runs()));
  CHECK(other.Runs() == ring.Runs());
  CHECK(other.Add(99, kShape, MiB(1), hours(0)).before->application == 10);

  const auto good = ring.Runs();
  const auto refuses = [&](auto change) {
    auto runs = good;
    change(runs);
    CHECK_FALSE(other.Load(runs));
  };
  refuses([](auto& runs) { runs.push_back(runs[0]); });
  refuses([](auto& runs) { runs[0].executors = 0; });
  refuses([](auto& runs) { runs[0].peak = {}; });
  refuses([](auto& runs) { runs[0].lifetimes = -hours(1); });
  refuses([](auto& runs) { runs[0].lifetimes = hours(1'000'000'000); });
  refuses([](auto& runs) { runs[0].record = 4'000'000'000; });
  refuses([](auto& runs) { runs[0].executors = 65536; });
  refuses([](auto& runs) { runs[0].shape_id = 65536; });
  refuses([](auto& runs) { runs[0].peak = {std::int64_t{1} << 60}; });
}

TEST_CASE("a family that grew with its members is the one made of them anew", "[model][runs]") {
  RunRing one;
  RunRing two;
  FamilyRuns grown;
  grown.Join(one.Runs(), kShape);
  grown.Join(two.Runs(), kShape);
  for (std::uint32_t run = 0; run < 200; ++run) {
    auto& ring = run % 3 == 0 ? one : two;
    const auto peak = MiB(static_cast<std::int64_t>(300 + run * 7919 % 5000));
    // Runs of two executors, some of another shape.
    const auto shape = run % 7 == 0 ? kShape + 1 : kShape;
    grown.Apply(ring.Add(run / 2, shape, peak, std::chrono::minutes(run)), kShape);
  }
  FamilyRuns made;
  made.Join(one.Runs(), kShape);
  made.Join(two.Runs(), kShape);
  CHECK(grown == made);
  CHECK(grown.Members() == 2);

  grown.Leave(two.Runs(), kShape);
  CHECK(grown == FamilyOf(one));
  grown.Leave(one.Runs(), kShape);
  CHECK(grown == FamilyRuns{});
}

TEST_CASE("a family knows its largest run to 1 %", "[model][runs]") {
  RunRing ring;
  ring.Add(1, kShape, GiB(2), hours(1));
  ring.Add(2, kShape, GiB(1), hours(3));
  const auto family = FamilyOf(ring);
  const auto& buckets = FamilyBuckets();
  const auto highest = family.HighestBucket();
  CHECK(family.PeakCounts()[highest] == 1);
  CHECK(buckets.Start(highest) <= static_cast<double>(GiB(2).value));
  CHECK(buckets.Start(highest + 1) <= 1.0101 * static_cast<double>(GiB(2).value));
  CHECK(family.Runs() == 2);
  CHECK(family.Executors() == 2);
  CHECK(family.Lifetimes() == hours(4));
}

}  // namespace
}  // namespace sparkfit::model
