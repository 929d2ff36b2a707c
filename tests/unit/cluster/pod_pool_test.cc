// SPDX-License-Identifier: Apache-2.0
#include "cluster/pod_pool.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "cluster_story.h"

namespace sparkfit::cluster {
namespace {

model::PodFacts Demanding(const std::string& what, const std::string& name_space = "jobs") {
  auto pod = test::ClusterStory::Executor("e", "app", "nightly");
  pod.name_space = name_space;
  pod.placement.Edit().selector = {{"pool", what}};
  return pod;
}

// Its demands take about 1,000 bytes.
model::PodFacts Large(int number, const std::string& name_space = "jobs") {
  return Demanding(std::to_string(number) + std::string(900, 'x'), name_space);
}

TEST_CASE("what pods of a namespace have in common is kept once", "[cluster]") {
  PodPool pool;
  auto a = Demanding("spark");
  auto b = Demanding("spark");
  pool.Share(a);
  pool.Share(b);
  CHECK(&*a.placement == &*b.placement);
  CHECK(&*a.settings == &*b.settings);
  CHECK(a == Demanding("spark"));
  auto other = Demanding("web");
  pool.Share(other);
  CHECK(&*other.placement != &*a.placement);
  CHECK(other == Demanding("web"));
}

TEST_CASE("demands beyond what a namespace may keep are left out and named", "[cluster]") {
  PodPool pool(10'000, 1'000'000);
  std::vector<model::PodFacts> kept;
  for (int i = 0; i < 1000; ++i) {
    kept.push_back(Large(i));
    pool.Share(kept.back());
  }
  const auto with = std::count_if(kept.begin(), kept.end(),
                                  [](const auto& pod) { return !pod.placement.IsDefault(); });
  CHECK(with >= 7);  // of about 1,100 bytes each, beside settings that all have in common
  CHECK(with <= 10);
  CHECK(kept.back().problems.size() == 1);
  CHECK(pool.Kept() <= 11);
  // What is known already takes no more room, and others have theirs.
  auto again = Large(0);
  pool.Share(again);
  CHECK(again == Large(0));
  auto other = Large(1, "others");
  pool.Share(other);
  CHECK(other == Large(1, "others"));
}

TEST_CASE("no namespaces together leave nothing for another", "[cluster]") {
  PodPool pool(10'000, 200'000);
  std::vector<model::PodFacts> kept;
  for (int i = 0; i < 1000; ++i) {
    kept.push_back(Large(i, "tenant-" + std::to_string(i % 50)));
    pool.Share(kept.back());
  }
  auto other = Demanding("spark", "honest");
  pool.Share(other);
  CHECK(other == Demanding("spark", "honest"));
}

TEST_CASE("demands of pods that are gone are forgotten", "[cluster]") {
  PodPool pool(10'000, 1'000'000);
  std::size_t left_out = 0;
  for (int i = 0; i < 1000; ++i) {
    auto pod = Large(i);
    pool.Share(pod);
    left_out += pod.placement.IsDefault() ? 1 : 0;
  }
  CHECK(pool.Kept() <= 11);
  CHECK(left_out < 600);  // each time it is full, as many as it holds until it looks again
}

}  // namespace
}  // namespace sparkfit::cluster
