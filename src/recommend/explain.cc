// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "sparkfit/base/quantity.h"
#include "sparkfit/recommend/recommendation.h"

namespace sparkfit::recommend {
namespace {

using base::Bytes;
using base::FormatMiB;
using model::KeyHistory;
using model::OomFloor;
using model::OomKind;

std::string Plural(std::uint64_t n, std::string_view thing) {
  return fmt::format("{} {}{}", n, thing, n == 1 ? "" : "s");
}

std::string Margined(Bytes basis, double margin, Bytes sum) {
  return fmt::format("{} × {:.4g} = {}", FormatMiB(basis), 1 + margin, FormatMiB(sum));
}

// "largest of 12 runs is 2,105 MiB; × 1.08 = 2,273 MiB leaves a 1.2 % chance of an OOM, which at
// risk 1 is cheaper than more headroom for executors that live 0.4 h"
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
      " leaves a {:.2g} % chance of an OOM, which at risk {:.4g} is cheaper than more headroom for "
      "executors that live {:.2g} h",
      why.chance * 100, policy.risk, why.hours);
  if (why.family_runs > 0) {
    text += fmt::format(" (with {} of its family)",
                        Plural(static_cast<std::uint64_t>(why.family_runs), "run"));
  }
  return text;
}

// "drivers of 5 runs told of their heaps: the latest holds about 1,092 MiB in 1,467 MiB and
// collects for 3.3 % of its tasks' time, and needs 1,359 MiB; just enough to live, with overhead,
// for the "
std::string ExplainEvidence(const HeapEvidence& evidence) {
  const auto& latest = evidence.points.back();
  return fmt::format(
      "drivers of {} told of their heaps: the latest holds about {} in {} and collects for {:.2g} "
      "% "
      "of its tasks' time, and needs {}; just enough to live, with overhead, for the ",
      Plural(evidence.points.size(), "run"), FormatMiB(latest.retained.RoundedUpToMiB()),
      FormatMiB(latest.use.heap.RoundedUpToMiB()), 100 * latest.use.collecting,
      FormatMiB(latest.needed.RoundedUpToMiB()));
}

std::string ExplainEstimate(const Estimate& estimate, const KeyHistory& history,
                            const Policy& policy) {
  const auto peaks = Plural(history.PeakCount(), "executor peak");
  std::string text;
  switch (policy.kind) {
    case PolicyKind::kPercentile:
      text = fmt::format("p{:.4g} of {} (half-life {}) is {}; {}", policy.percentile * 100, peaks,
                         base::FormatDuration(policy.half_life), FormatMiB(estimate.basis),
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

// "max(1.2 × 970 MiB, 970 MiB + 100 MiB) = 1,164 MiB"
std::string ExplainBump(Bytes size, double factor, Bytes at_least) {
  return fmt::format("max({:.4g} × {}, {} + {}) = {}", factor, FormatMiB(size), FormatMiB(size),
                     FormatMiB(at_least),
                     FormatMiB(Bumped(size, factor, at_least).RoundedUpToMiB()));
}

std::string ExplainFloor(const OomFloor& floor, const Context& context) {
  const bool heap = floor.kind == OomKind::kHeap && floor.dead.heap;
  const Bytes size = heap ? *floor.dead.heap : floor.dead.limit;
  auto text = fmt::format(
      "{} OOM at {}{} asks for {}{}", Name(floor.kind), FormatMiB(size), heap ? " of heap" : "",
      ExplainBump(size, floor.factor, context.policy.oom_bump_min), heap ? " of heap" : "");
  if (floor.heap.value > 0) {
    text += fmt::format(", so heap {} + overhead {} = {}", FormatMiB(floor.heap),
                        FormatMiB(floor.overhead), FormatMiB(floor.Total()));
  }
  return text +
         fmt::format(" (held until {} later runs of at least this size end without one, {} so far)",
                     context.safety.floor_applications, floor.clean);
}

std::string_view Describe(RoomFor reason) {
  switch (reason) {
    case RoomFor::kLife:
      return "";
    case RoomFor::kNeediest:
      return "so that no run is slow";
    case RoomFor::kCached:
      return "so that what is cached has room";
    case RoomFor::kOutgrown:
      return "as a run died in a smaller heap";
    case RoomFor::kDepth:
      return "at once no less than a third of the latest heap";
  }
  return "";
}

// Why it is more than the runs ask for, where drivers tell of heaps.
std::string ExplainRoom(const Recommendation& recommendation, const model::ShapeHistory& shape,
                        const Policy& policy) {
  if (!recommendation.heap_evidence || !recommendation.estimate) return "";
  const auto& evidence = *recommendation.heap_evidence;
  auto bounds = recommendation.overhead;
  bounds.least = std::max(bounds.least, evidence.overhead.least);  // before a bound cut the total
  const auto rule = RuleFor(shape.submitted, bounds);
  const auto roomy = WithRoom(recommendation.estimate->target, evidence, *rule, policy.risk);
  if (roomy.reason == RoomFor::kLife) return "";
  auto text =
      fmt::format("; {}, heap {}", Describe(roomy.reason), FormatMiB(roomy.heap.RoundedUpToMiB()));
  if (roomy.reason == RoomFor::kNeediest) {
    text += fmt::format(" (of the neediest one + {:.2g} %)", 100 * RoomAt(policy.risk));
  }
  return text + fmt::format(", with overhead {}", FormatMiB(roomy.size.RoundedUpToMiB()));
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
      "kept at the submitted size until a run of the new shape ({} cores, {} overhead) has ended",
      shape.shape.cores.empty() ? "unknown" : shape.shape.cores, model::Name(shape.shape.overhead));
}

std::string ExplainGuard(const Applied& applied, const Recommendation& recommendation,
                         const KeyHistory& history, const Context& context) {
  const auto& shape = *history.CurrentShape();
  if (recommendation.heap_evidence && applied.limit > GuardOf(shape)) {
    return "grown no further at once for collections above 10 %";
  }
  if (shape.raised_to <= shape.largest_limit) {
    return "held at the largest limit that executors ran with, as none needed more";
  }
  if (FloorHolds(history, context.safety) && history.floor->Total() == applied.after) {
    return "held at what an OOM asked for: " + ExplainFloor(*history.floor, context);
  }
  return "held at one step above the largest limit that executors ran with, for an OOM or a peak "
         "high "
         "in the overhead";
}

std::string ExplainStage(const Applied& applied, const Recommendation& recommendation,
                         const KeyHistory& history, const Context& context) {
  switch (applied.stage) {
    case Stage::kPolicy:
      return "";
    case Stage::kStep:
      return fmt::format("changed by at most {:.4g} % per run", context.safety.step * 100);
    case Stage::kGuard:
      return ExplainGuard(applied, recommendation, history, context);
    case Stage::kSmallest:
      return "the smallest size: 512 MiB of heap and its overhead";
    case Stage::kShape:
      return ExplainShape(*history.CurrentShape());
    case Stage::kFloor: {
      const auto text = ExplainFloor(*history.floor, context);
      return applied.limit == history.floor->Total()
                 ? text
                 : text + ", with the overhead that goes with this heap now";
    }
    case Stage::kMin:
      return "the job's min-memory";
    case Stage::kCeiling:
      return fmt::format("cut to {}",
                         recommendation.ceiling ? CeilingName(*recommendation.ceiling) : "");
  }
  return "";
}

std::string ExplainSplit(const Split& split, const model::ShapeHistory& shape,
                         const OverheadBounds& bounds,
                         const std::optional<HeapEvidence>& evidence) {
  const auto rule = RuleFor(shape.submitted, bounds);
  std::string_view why = "kept as submitted";
  if (rule && rule->overhead != model::OverheadClass::kExplicit) {
    why = rule->overhead == model::OverheadClass::kDefaultJvm
              ? "Spark's default, max(10 % of heap, 384 MiB)"
              : "Spark's default for Python, max(40 % of heap, 384 MiB)";
  }
  if (rule &&
      split.overhead < OverheadFor({rule->overhead, rule->explicit_overhead, {}}, split.heap)) {
    why = "more than is in use outside of the heap, and less than Spark's default";
  } else if (rule && split.overhead == bounds.least) {
    why = !evidence || evidence->overhead.least < bounds.least ? "what an OOM asked for"
          : evidence->overhead.least == bounds.least
              ? "what is in use outside of the heap"
              : "what is left beside the heap that is needed: more was in use outside of it";
  }
  return fmt::format("Heap {} + overhead {} ({}).", FormatMiB(split.heap),
                     FormatMiB(split.overhead), why);
}

}  // namespace

bool LowConfidence(const KeyHistory& history) {
  return history.Totals().coverage[static_cast<std::size_t>(model::Coverage::kMany)] < 2;
}

std::string Explain(const Recommendation& recommendation, const KeyHistory& history,
                    const Context& context) {
  if (!recommendation.target) return "No executor was sampled yet, so there is no recommendation.";
  std::string text =
      recommendation.heap_evidence ? ExplainEvidence(*recommendation.heap_evidence) : "";
  text += recommendation.estimate
              ? ExplainEstimate(*recommendation.estimate, history, context.policy)
              : "No executor was sampled yet";
  text += ExplainRoom(recommendation, *history.CurrentShape(), context.policy);
  if (recommendation.uncapped && FollowsDown(context.policy, recommendation.heap)) {
    text += fmt::format(
        "; peaks follow the heap, {:.2g} bytes for each byte of it, so that in a smaller one "
        "{} are enough",
        recommendation.heap.slope, FormatMiB(*recommendation.uncapped));
  }
  for (const auto& applied : recommendation.applied) {
    text += fmt::format("; {}: {}", ExplainStage(applied, recommendation, history, context),
                        FormatMiB(applied.after));
  }
  text += ".";
  if (recommendation.split) {
    text += " " + ExplainSplit(*recommendation.split, *history.CurrentShape(),
                               recommendation.overhead, recommendation.heap_evidence);
  }
  if (LowConfidence(history)) {
    text += " Low confidence: fewer than two executors were sampled three times or more.";
  }
  return text;
}

}  // namespace sparkfit::recommend
