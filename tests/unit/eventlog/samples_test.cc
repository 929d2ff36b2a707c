// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/eventlog/samples.h"

#include <catch2/catch.hpp>

namespace sparkfit::eventlog {
namespace {

base::Time At(std::int64_t seconds) { return base::Time(std::chrono::seconds(seconds)); }

TEST_CASE("tasks that end within one poll are one sample, the highest", "[eventlog]") {
  Samples samples;
  samples.Add(At(100), {5});
  samples.Add(At(104), {9});
  samples.Add(At(109), {7});
  samples.Add(At(110), {3});
  CHECK(samples.Kept() == std::vector<Sample>{{At(104), {9}}, {At(110), {3}}});
}

TEST_CASE("of a long life the highest of each part is kept, in bounded room", "[eventlog]") {
  Samples samples;
  for (std::int64_t i = 0; i < 100'000; ++i) samples.Add(At(10 * i), {i == 5000 ? 900 : 100});
  CHECK(samples.Kept().size() <= Samples::kMost);
  CHECK(samples.Kept().size() > Samples::kMost / 4);
  const auto highest =
      std::max_element(samples.Kept().begin(), samples.Kept().end(),
                       [](const Sample& a, const Sample& b) { return a.used < b.used; });
  CHECK(*highest == Sample{At(50'000), {900}});
}

TEST_CASE("a clock that goes back leaves samples in order of time", "[eventlog]") {
  Samples samples;
  for (const int second : {100, 300, 200, 105, 0}) samples.Add(At(second), {second + 1});
  CHECK(samples.Kept() ==
        std::vector<Sample>{{At(0), {1}}, {At(105), {106}}, {At(200), {201}}, {At(300), {301}}});
}

}  // namespace
}  // namespace sparkfit::eventlog
