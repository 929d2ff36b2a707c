// SPDX-License-Identifier: Apache-2.0
//
// Made-up recurring jobs, drawn from the distributions of jvm_constants.h. Everything random is a
// function of (seed, job, run, executor), whatever was asked for before: the same seed is the same
// jobs for every policy.
#pragma once

#include <cstdint>

#include "sparkfit/base/time.h"
#include "sparkfit/recommend/split.h"
#include "sparkfit/simulation/jvm.h"

namespace sparkfit::simulation {

struct Profile {
  std::uint64_t seed = 0;
  std::uint32_t number = 0;
  Need need;              // in the middle
  double run_spread = 0;  // standard deviation of ln of the need, from run to run
  int executors = 1;
  base::Duration period{};  // from the start of a run to the next one's
  recommend::SplitRule rule;
};

Profile DrawProfile(std::uint64_t seed, std::uint32_t number);

// What one executor of one run needs.
Need NeedOf(const Profile& profile, std::uint32_t run, std::uint32_t executor);

// When it is sampled first, as a share of the interval.
double SamplePhase(const Profile& profile, std::uint32_t run, std::uint32_t executor);

// What its driver tells of the time in collections is so many times what it was.
double CollectingNoise(const Profile& profile, std::uint32_t run, std::uint32_t executor);

// The smallest size, split as Spark composes it, in which no executor can run out of memory and
// the one in the middle takes at most 10 % longer than in any size.
struct Smallest {
  model::ExecutorSize size;
  double best_seconds = 0;  // in any size
};
Smallest SmallestSize(const Profile& profile);

// Heap and overhead for this job, in a total of at most this; more only where it is too small.
model::ExecutorSize SizeOf(const Profile& profile, base::Bytes total);

}  // namespace sparkfit::simulation
