// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "sparkfit/base/quantity.h"
#include "sparkfit/recommend/recommendation.h"

namespace sparkfit::recommend {
namespace {

using base::Bytes;
using base::FormatMiB;
using model::KeyHistory;
using model::Part;

std::string Plural(std::uint64_t n, std::string_view thing) {
  return fmt::format("{} {}{}", n, thing, n == 1 ? "" : "s");
}

std::string Margined(Bytes basis, double margin, Bytes sum) {
  return fmt::format("{} × {:.4g} = {}", FormatMiB(basis), 1 + margin, FormatMiB(sum));
}

// "largest of 12 runs is 2,105 MiB; × 1.08 = 2,273 MiB leaves a chance of 1.2 % for an OOM, which
// at risk 1 is cheaper than more headroom for executors that live 0.4 h"
std::string ExplainAdaptive(const Estimate& estimate, const Policy& policy) {
  const auto& why = *estimate.adaptive;
  auto text = fmt::format("largest of {} is {}; ", Plural(why.runs, "run"), FormatMiB(why.largest));
  if (why.freaks > 0) {
    text += fmt::format("with {} set aside {}", Plural(why.freaks, "freak"), FormatMiB(why.target));
  } else if (why.target > why.largest) {
    const double factor =
        static_cast<double>(why.target.value) / static_cast<double>(why.largest.value);
    text += fmt::format("× {:.4g} = {}", factor, FormatMiB(why.target));
  } else {
    text += "that";
  }
  text += fmt::format(
      " leaves a chance of {:.2g} % for an OOM, which at risk {:.4g} is cheaper than more headroom "
      "for "
      "executors that live {:.2g} h",
      why.chance * 100, policy.risk, why.hours);
  if (why.family_runs > 0) {
    text += fmt::format(" (with {} of its family)",
                        Plural(static_cast<std::uint64_t>(why.family_runs), "run"));
  }
  return text;
}

std::string ExplainEstimate(const Estimate& estimate, const KeyHistory& history,
                            const Policy& policy) {
  const auto peaks = Plural(history.PeakCount(), "executor peak");
  std::string text;
  switch (policy.kind) {
    case PolicyKind::kPercentile:
      // The edge may lie above the highest peak, which stands beside this text.
      text = fmt::format("p{:.4g} of {} (half-life {}, the upper edge of its bucket) is {}; {}",
                         policy.percentile * 100, peaks, base::FormatDuration(policy.half_life),
                         FormatMiB(estimate.basis),
                         Margined(estimate.basis, policy.margin,
                                  estimate.basis + base::Scaled(estimate.basis, policy.margin)));
      if (estimate.target > estimate.basis + base::Scaled(estimate.basis, policy.margin)) {
        text += fmt::format(", at least {}", FormatMiB(estimate.target));
      }
      break;
    case PolicyKind::kAdaptive:
      text = ExplainAdaptive(estimate, policy);
      break;
    case PolicyKind::kMax:
      text =
          "largest of " + peaks + ": " + Margined(estimate.basis, policy.margin, estimate.target);
      break;
    case PolicyKind::kRequest:
      text = "as submitted: " + FormatMiB(estimate.basis);
      break;
  }
  const Bytes rounded = estimate.target.RoundedUpToMiB();
  return rounded == estimate.target ? text : text + ", rounded up to " + FormatMiB(rounded);
}

// "an executor with 70 MiB outside of its heap was killed: at least 264 MiB outside of the heap,
// beside a heap of 900 MiB, until 3 whole runs show that less is enough (1 so far)"
std::string ExplainBracket(const model::Bracket& bracket, Part part, Bytes beside) {
  const bool heap = part == Part::kHeap;
  if (bracket.too_small.value == 0) {
    return fmt::format(
        "an executor whose limit was lowered below its heap ran out of it: at least {} {} (until "
        "{} "
        "whole runs went well, {} so far)",
        FormatMiB(bracket.enough), heap ? "of heap" : "outside of it", bracket.RefutationsNeeded(),
        bracket.refuted);
  }
  auto text =
      fmt::format("an executor with {} {} ran out of it: at least {}", FormatMiB(bracket.too_small),
                  heap               ? "of heap"
                  : beside.value > 0 ? "outside of its heap"
                                     : "in all",
                  FormatMiB(bracket.enough));
  if (beside.value > 0) text += fmt::format(", beside a heap of {}", FormatMiB(beside));
  return text + fmt::format(" (until {} whole runs show that less is enough, {} so far)",
                            bracket.RefutationsNeeded(), bracket.refuted);
}

std::string ExplainOoms(const model::ShapeHistory& shape) {
  const auto& heap = shape.Of(Part::kHeap);
  const auto& outside = shape.Of(Part::kOutside);
  std::string text;
  if (heap.enough.value > 0) text = ExplainBracket(heap, Part::kHeap, {});
  if (outside.enough.value == 0) return text;
  if (!text.empty()) text += "; ";
  return text + ExplainBracket(outside, Part::kOutside, outside.use - outside.too_small);
}

std::string_view CeilingName(CeilingSource source) {
  switch (source) {
    case CeilingSource::kBounds:
      return "the job's max-memory";
    case CeilingSource::kConfigured:
      return "the configured ceiling";
    case CeilingSource::kLargestNode:
      return "the largest node";
  }
  return "";
}

std::string ExplainShape(const model::ShapeHistory& shape) {
  return fmt::format(
      "kept at the submitted size until a run of the new shape ({} cores, {} overhead{}) has ended",
      shape.shape.cores.empty() ? "unknown" : shape.shape.cores, model::Name(shape.shape.overhead),
      shape.shape.spark.IsKnown() ? ", Spark " + model::Format(shape.shape.spark) : "");
}

std::string ExplainGuard(const Applied& applied, const model::ShapeHistory& shape) {
  if (applied.limit == shape.largest_limit) {
    return "held at the largest limit that executors ran with, as none needed more";
  }
  return "held at what an OOM asked for";
}

// "at least what is proven to be enough for executors that used up to 2,105 MiB"
std::string ExplainProof(const Recommendation& recommendation) {
  return fmt::format("at least what is proven to be enough for executors that used up to {}",
                     FormatMiB(recommendation.proven_peak.RoundedUpToMiB()));
}

std::string ExplainStage(const Applied& applied, const Recommendation& recommendation,
                         const KeyHistory& history, const Context& context) {
  switch (applied.stage) {
    case Stage::kPolicy:
      return "";
    case Stage::kStep:
      return fmt::format("changed by at most {:.4g} % per run", context.safety.step * 100);
    case Stage::kProof:
      return ExplainProof(recommendation);
    case Stage::kTried:
      return "what did well on trial, and 5 %";
    case Stage::kGuard:
      return ExplainGuard(applied, *history.CurrentShape());
    case Stage::kSmallest:
      return "the smallest size: 512 MiB of heap and its overhead";
    case Stage::kShape:
      return ExplainShape(*history.CurrentShape());
    case Stage::kOom:
      return ExplainOoms(*history.CurrentShape());
    case Stage::kMin:
      return "the job's min-memory";
    case Stage::kCeiling:
      return fmt::format("cut to {}",
                         recommendation.ceiling ? CeilingName(*recommendation.ceiling) : "");
  }
  return "";
}

// "In mode Initial the next run tries 512 MiB of heap and 384 MiB outside of it in executor 1."
std::string ExplainTrial(const Trial& trial) {
  return fmt::format(
      "In mode Initial the next run tries {} of heap and {} outside of it in {}.",
      FormatMiB(model::SizeOf(trial.size, Part::kHeap)),
      FormatMiB(model::SizeOf(trial.size, Part::kOutside)),
      trial.executors == 1 ? "executor 1" : fmt::format("executors 1 to {}", trial.executors));
}

// `after_oom` is what an OOM asked for; 0: nothing.
std::string_view WhyThisOverhead(const Split& split, const SplitRule& rule, Bytes after_oom) {
  if (split.overhead == rule.bounds.least_outside) {
    return split.overhead == after_oom ? "what an OOM asked for" : "as beside the heap on trial";
  }
  switch (rule.overhead) {
    case model::OverheadClass::kDefaultJvm:
      return "Spark's default, max(10 % of heap, 384 MiB)";
    case model::OverheadClass::kDefaultPython:
      return "Spark's default for Python, max(40 % of heap, 384 MiB)";
    case model::OverheadClass::kExplicit:
      return split.overhead == rule.outside ? "as submitted"
             : split.heap < rule.heap ? "what is left beside a heap that holds all that was used"
                                      : "what is left beside the submitted heap";
  }
  return "";
}

std::string ExplainSplit(const Split& split, const SplitRule& rule, Bytes after_oom) {
  return fmt::format("Heap {} + overhead {} ({}).", FormatMiB(split.heap),
                     FormatMiB(split.overhead), WhyThisOverhead(split, rule, after_oom));
}

// What the latest driver that told anything told of its run; nothing where none did.
std::string ExplainConduct(const KeyHistory& history) {
  if (history.Conducts().empty()) return "";
  const auto& latest = history.Conducts().back();
  auto text = fmt::format(" By its driver, collections took {:.1f} % of the time of tasks",
                          latest.collecting * 100.0F);
  if (latest.spilled > 0) {
    text += fmt::format(" and an executor spilled {}",
                        FormatMiB(base::Scaled({1}, latest.spilled).RoundedUpToMiB()));
  }
  return text + " in the latest run.";
}

}  // namespace

bool LowConfidence(const KeyHistory& history) {
  const auto many = history.Totals().coverage[static_cast<std::size_t>(model::Coverage::kMany)];
  return many < 2 || history.ProvenPeak().value == 0;
}

std::string Explain(const Recommendation& recommendation, const KeyHistory& history,
                    const Context& context) {
  if (!recommendation.target) {
    return "No executor was sampled yet, so there is no recommendation." + ExplainConduct(history);
  }
  const auto& shape = *history.CurrentShape();
  std::string text = recommendation.estimate
                         ? ExplainEstimate(*recommendation.estimate, history, context.policy)
                         : "No executor was sampled yet";
  for (const auto& applied : recommendation.applied) {
    text += fmt::format("; {}: {}", ExplainStage(applied, recommendation, history, context),
                        FormatMiB(applied.after));
  }
  text += ".";
  if (recommendation.split) {
    text +=
        " " + ExplainSplit(*recommendation.split, *RuleFor(shape.submitted, recommendation.bounds),
                           shape.Of(Part::kOutside).enough);
  }
  if (shape.request < shape.submitted.limit && recommendation.target_request) {
    text += fmt::format(" The request stays below the limit: {}.",
                        FormatMiB(*recommendation.target_request));
  }
  if (recommendation.next.trial) text += " " + ExplainTrial(*recommendation.next.trial);
  if (LowConfidence(history)) {
    text += " Low confidence: fewer than two executors were sampled three times or more.";
  }
  return text + ExplainConduct(history);
}

}  // namespace sparkfit::recommend
