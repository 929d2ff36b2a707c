// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/recommend/policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>

#include "sparkfit/base/meant.h"
#include "sparkfit/base/number.h"
#include "sparkfit/base/quantity.h"
#include "sparkfit/base/text.h"

namespace sparkfit::recommend {
namespace {

using base::Bytes;
using base::Code;
using base::ParseNumber;
using base::Result;
using base::Store;

constexpr double kLowerPercentile = 0.50;
constexpr double kUpperPercentile = 0.95;
constexpr Bytes kSmallestEstimate = base::MiB(100);

// Below both of these, retries after OOMs would not end.
constexpr double kSmallestBump = 1.01;
constexpr Bytes kSmallestBumpMin = base::MiB(16);

constexpr double kMostRisk = 1000;

// `max` on its own means what a user of such a rule means: 15 % on top of the largest peak.
// `adaptive` doubles after an OOM: a second one is dearer than the memory.
Policy DefaultsOf(PolicyKind kind) {
  Policy policy;
  policy.kind = kind;
  if (kind == PolicyKind::kMax) policy.margin = 0.15;
  if (kind == PolicyKind::kAdaptive) policy.oom_bump = 2;
  return policy;
}

bool OfAdaptive(PolicyKind kind) { return kind == PolicyKind::kAdaptive; }
bool OfOthers(PolicyKind kind) { return kind != PolicyKind::kAdaptive; }
bool OfAll(PolicyKind) { return true; }

// Positions of the dial with a name.
struct NamedRisk {
  std::string_view name;
  double risk;
};
constexpr std::array kNamedRisks{NamedRisk{"thrifty", 0.5}, NamedRisk{"balanced", 1},
                                 NamedRisk{"safe", 2}};

struct Option {
  PolicyOption description;
  bool (*belongs_to)(PolicyKind);
  std::function<Result<void>(std::string_view, Policy&)> parse;
  std::function<std::string(const Policy&)> format;
};

Result<void> ParseHalfLife(std::string_view text, Policy& policy) {
  const auto value = base::ParseDuration(text);
  if (value && *value < std::chrono::minutes(1)) {
    return base::Fail(Code::kInvalidArgument, "a half-life is at least 1m");
  }
  return Store(value, policy.half_life);
}

// A step, no bound: small ones are fine, and none is where the factor is enough.
Result<Bytes> ParseBumpMin(std::string_view text) {
  return text == "0" ? Bytes{} : base::ParseBound(text, base::MiB(1));
}

Result<void> ParseRisk(std::string_view text, Policy& policy) {
  for (const auto& [name, risk] : kNamedRisks) {
    if (text != name) continue;
    policy.risk = risk;
    return {};
  }
  std::array<std::string_view, kNamedRisks.size()> names;
  std::transform(kNamedRisks.begin(), kNamedRisks.end(), names.begin(),
                 [](const auto& named) { return named.name; });
  if (const auto meant = base::Nearest(text, names); !meant.empty()) {
    return base::Fail(Code::kInvalidArgument,
                      fmt::format("\"{}\" is no risk{}", text, base::Suggestion(meant)));
  }
  return Store(ParseNumber(text, 0.0, kMostRisk), policy.risk);
}

const std::vector<Option>& Options() {
  static const std::vector<Option> options{
      {{"percentile", "share of the weighted peaks to cover, 0 to 1 (policy percentile)"},
       OfOthers,
       [](auto text, Policy& p) { return Store(ParseNumber(text, 0.0, 1.0), p.percentile); },
       [](const Policy& p) { return fmt::format("{}", p.percentile); }},
      {{"margin", "added on top, 0.4 for 40 % (policies percentile and max)"},
       OfOthers,
       [](auto text, Policy& p) { return Store(ParseNumber(text, 0.0, 10.0), p.margin); },
       [](const Policy& p) { return fmt::format("{}", p.margin); }},
      {{"risk", "what an OOM costs: thrifty (0.5), balanced (1), safe (2) (policy adaptive)"},
       OfAdaptive,
       ParseRisk,
       [](const Policy& p) { return fmt::format("{}", p.risk); }},
      {{"oomBump", "after an OOM the next size is at least this many times the failed one"},
       OfAll,
       [](auto text, Policy& p) { return Store(ParseNumber(text, 1.0, 10.0), p.oom_bump); },
       [](const Policy& p) { return fmt::format("{}", p.oom_bump); }},
      {{"oomBumpMin", "and at least this much larger"},
       OfAll,
       [](auto text, Policy& p) { return Store(ParseBumpMin(text), p.oom_bump_min); },
       [](const Policy& p) { return base::FormatQuantity(p.oom_bump_min); }},
      {{"halfLife", "time after which a peak counts half"},
       OfAll,
       ParseHalfLife,
       [](const Policy& p) { return base::FormatDuration(p.half_life); }},
  };
  return options;
}

// With what was probably meant.
tl::unexpected<base::Error> Unknown(std::string_view what, std::string_view name,
                                    const std::vector<std::string_view>& known) {
  return base::Fail(
      Code::kInvalidArgument,
      fmt::format("unknown {} \"{}\" (known: {}){}", what, base::Beginning(name, 40),
                  fmt::join(known, ", "), base::Suggestion(base::Nearest(name, known))));
}

Result<Policy> ParseName(std::string_view name) {
  std::vector<std::string_view> known;
  for (const auto kind : PolicyKinds()) {
    if (name == Name(kind)) return DefaultsOf(kind);
    known.push_back(Name(kind));
  }
  return Unknown("policy", name, known);
}

Result<void> ParseOption(std::string_view assignment, Policy& policy) {
  const auto equals = assignment.find('=');
  const auto name = assignment.substr(0, equals);
  std::vector<std::string_view> known;
  for (const auto& option : Options()) {
    if (!option.belongs_to(policy.kind)) continue;
    known.push_back(option.description.name);
    if (name != option.description.name) continue;
    if (equals == std::string_view::npos) {
      return base::Fail(Code::kInvalidArgument, fmt::format("{} needs a value: {}=…", name, name));
    }
    auto parsed = option.parse(assignment.substr(equals + 1), policy);
    if (!parsed) {
      return base::Fail(Code::kInvalidArgument,
                        fmt::format("{}: {}", name, parsed.error().message));
    }
    return {};
  }
  return Unknown("option", name, known);
}

// VPA's order of truncation: the percentile to a whole byte, then the margin of that.
Bytes WithMargin(Bytes basis, double margin) { return basis + base::Scaled(basis, margin); }

Bytes AtPercentile(const model::DecayingHistogram& peaks, double p) {
  return {static_cast<std::int64_t>(peaks.Percentile(p))};
}

Estimate FromPercentile(const Policy& policy, const model::DecayingHistogram& peaks) {
  const auto estimate = [&](double p) {
    return std::max(WithMargin(AtPercentile(peaks, p), policy.margin), kSmallestEstimate);
  };
  const Bytes target = estimate(policy.percentile);
  return {.target = target,
          .lower = std::min(target, estimate(kLowerPercentile)),
          .upper = std::max(target, estimate(kUpperPercentile)),
          .basis = AtPercentile(peaks, policy.percentile)};
}

std::optional<Estimate> FromRuns(const Policy& policy, const Evidence& evidence) {
  const auto found = EstimateAdaptive(evidence.runs, evidence.family, policy.risk);
  if (!found) return std::nullopt;
  return Estimate{.target = found->target,
                  .lower = std::min(found->target, found->largest),
                  .upper = found->upper,
                  .basis = found->largest,
                  .adaptive = found};
}

Estimate Exactly(Bytes target, Bytes basis) {
  return {.target = target, .lower = target, .upper = target, .basis = basis};
}

}  // namespace

std::string_view Name(PolicyKind kind) {
  switch (kind) {
    case PolicyKind::kPercentile:
      return "percentile";
    case PolicyKind::kAdaptive:
      return "adaptive";
    case PolicyKind::kMax:
      return "max";
    case PolicyKind::kRequest:
      return "request";
  }
  return "";
}

const std::vector<PolicyKind>& PolicyKinds() {
  static const std::vector<PolicyKind> kinds{PolicyKind::kPercentile, PolicyKind::kAdaptive,
                                             PolicyKind::kMax, PolicyKind::kRequest};
  return kinds;
}

const std::vector<PolicyOption>& PolicyOptions() {
  static const std::vector<PolicyOption> descriptions = [] {
    std::vector<PolicyOption> all;
    for (const auto& option : Options()) all.push_back(option.description);
    return all;
  }();
  return descriptions;
}

Result<Policy> ParsePolicy(std::string_view text) {
  const auto colon = text.find(':');
  auto policy = ParseName(text.substr(0, colon));
  if (!policy || colon == std::string_view::npos) return policy;
  for (auto rest = text.substr(colon + 1);;) {
    const auto comma = rest.find(',');
    if (auto parsed = ParseOption(rest.substr(0, comma), *policy); !parsed) {
      return base::Fail(fmt::format("policy \"{}\"", base::Beginning(text, 120)), parsed.error());
    }
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  if (policy->oom_bump < kSmallestBump && policy->oom_bump_min < kSmallestBumpMin) {
    return base::Fail(Code::kInvalidArgument,
                      fmt::format("policy \"{}\": an OOM would change nothing; oomBump is at least "
                                  "{} or oomBumpMin at least {}",
                                  base::Beginning(text, 120), kSmallestBump,
                                  base::FormatQuantity(kSmallestBumpMin)));
  }
  return policy;
}

std::string Format(const Policy& policy) {
  std::string text(Name(policy.kind));
  char separator = ':';
  for (const auto& option : Options()) {
    if (!option.belongs_to(policy.kind)) continue;
    text += fmt::format("{}{}={}", separator, option.description.name, option.format(policy));
    separator = ',';
  }
  return text;
}

std::optional<Estimate> EstimateNeed(const Policy& policy, const Evidence& evidence) {
  switch (policy.kind) {
    case PolicyKind::kPercentile:
      if (evidence.peaks.Empty()) return std::nullopt;
      return FromPercentile(policy, evidence.peaks);
    case PolicyKind::kAdaptive:
      return FromRuns(policy, evidence);
    case PolicyKind::kMax:
      if (evidence.largest_peak.value == 0) return std::nullopt;
      return Exactly(WithMargin(evidence.largest_peak, policy.margin), evidence.largest_peak);
    case PolicyKind::kRequest:
      if (evidence.request.value == 0) return std::nullopt;
      return Exactly(evidence.request, evidence.request);
  }
  return std::nullopt;
}

Bytes Bumped(Bytes size, double factor, Bytes at_least) {
  return std::max(base::Scaled(size, factor), size + at_least);
}

}  // namespace sparkfit::recommend
