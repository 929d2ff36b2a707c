// SPDX-License-Identifier: Apache-2.0
//
// Policies: how much memory executors with these peaks need. A policy is a pure function of what
// was observed; everything that makes its answer safe to use is around it (recommendation.h).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sparkfit/base/bytes.h"
#include "sparkfit/base/result.h"
#include "sparkfit/base/time.h"
#include "sparkfit/model/histogram.h"
#include "sparkfit/model/runs.h"
#include "sparkfit/recommend/adaptive.h"

namespace sparkfit::recommend {

enum class PolicyKind {
  kPercentile,  // a percentile of the peaks, and a margin
  kAdaptive,    // the largest run, and the headroom that an OOM's price is worth
  kMax,         // the largest peak, and a margin
  kRequest,     // what was asked for: the baseline
};
const std::vector<PolicyKind>& PolicyKinds();

std::string_view Name(PolicyKind kind);

// A policy and its options; the defaults are those of `percentile`.
struct Policy {
  PolicyKind kind = PolicyKind::kPercentile;
  double percentile = 0.90;
  double margin = 0.40;
  // After an OOM at size a, the next is at least max(a × oom_bump, a + oom_bump_min).
  double oom_bump = 1.2;
  base::Bytes oom_bump_min = base::MiB(100);
  base::Duration half_life = std::chrono::hours(24);
  // What an OOM costs beyond its retry: this many times three runs and a GB·minute.
  double risk = 1;

  friend bool operator==(const Policy&, const Policy&) = default;
};

// One option of a policy, for parsing, help and documentation.
struct PolicyOption {
  std::string_view name;
  std::string_view help;
};
const std::vector<PolicyOption>& PolicyOptions();

// NAME[:option=value,…], such as "percentile:percentile=0.9,margin=0.4,halfLife=24h".
// kInvalidArgument with what is known where a name or a value is not.
base::Result<Policy> ParsePolicy(std::string_view text);

// The policy in the same form, every option written out; ParsePolicy gives it back.
std::string Format(const Policy& policy);

// What a policy may look at.
struct Evidence {
  const model::DecayingHistogram& peaks;
  base::Bytes largest_peak;                   // 0: none
  base::Bytes request;                        // 0: unknown
  std::span<const model::Run> runs = {};      // oldest first
  const model::FamilyRuns* family = nullptr;  // as EstimateAdaptive takes it
};

// A policy's answer, lower ≤ target ≤ upper, before anything around it.
struct Estimate {
  base::Bytes target;
  base::Bytes lower;
  base::Bytes upper;
  base::Bytes basis;  // what the margin was added to: the percentile, the peak or the request
  std::optional<AdaptiveEstimate> adaptive = {};  // how `adaptive` came to it
};

// Nothing where there is no evidence: never a zero.
std::optional<Estimate> EstimateNeed(const Policy& policy, const Evidence& evidence);

// max(size × oom_bump, size + oom_bump_min), not rounded.
base::Bytes Bumped(base::Bytes size, double factor, base::Bytes at_least);

}  // namespace sparkfit::recommend
