// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/recommend/safety.h"

#include <algorithm>

#include "sparkfit/recommend/split.h"

namespace sparkfit::recommend {
namespace {

using base::Bytes;
using model::Executor;
using model::KeyHistory;
using model::OomFloor;
using model::OomKind;
using model::OverheadClass;

// A further OOM of an application is a new step only if the dead executor already had what was
// asked for; otherwise it died of the old size and says nothing new.
bool HadWhatWasAsked(const Executor& executor, const OomFloor& floor) {
  return executor.size.limit >= floor.Total() &&
         executor.size.heap.value_or(floor.heap) >= floor.heap;
}

struct Step {
  bool counts;
  double factor;
  bool first = true;  // of its application
};

// What outlasts an OOM's floor, and what a high peak may ask for though nothing died. `adaptive`
// bumps by more so that no second executor dies; that is no measure of what is needed.
double LastingBump(const Policy& policy) {
  return policy.kind == PolicyKind::kAdaptive ? std::min(policy.oom_bump, Policy{}.oom_bump)
                                              : policy.oom_bump;
}

Step NextStep(const KeyHistory& history, const Executor& executor, bool floor_holds,
              const Policy& policy, const Safety& safety) {
  const auto* application = history.FindApplication(executor.application);
  const bool further = application != nullptr && application->oom_steps > 0 && floor_holds;
  if (!further) return {true, policy.oom_bump};
  if (!HadWhatWasAsked(executor, *history.floor)) return {false, policy.oom_bump};
  return {true, std::max(policy.oom_bump, safety.escalation), false};
}

OomFloor FloorFrom(const Executor& executor, OomKind kind, double factor, const Asked& asked,
                   base::Time now) {
  OomFloor floor;
  floor.heap = asked.heap;
  floor.overhead = asked.overhead;
  floor.kind = kind;
  floor.dead = executor.size;
  floor.factor = factor;
  floor.at = now;
  floor.application = model::ApplicationId(executor.application);
  return floor;
}

// The floor after this OOM: the larger of what was asked for before and is asked for now, heap and
// overhead apart. It starts to count anew when it grew or when the dead executor was as large.
OomFloor Raised(const OomFloor& before, const OomFloor& now_asked) {
  const Bytes heap = std::max(before.heap, now_asked.heap);
  const Bytes overhead = std::max(before.overhead, now_asked.overhead);
  const bool grew = heap > before.heap || overhead > before.overhead;
  OomFloor floor = grew ? now_asked : before;
  floor.heap = heap;
  floor.overhead = overhead;
  if (!grew && now_asked.dead.limit >= before.Total()) {
    floor.at = now_asked.at;
    floor.clean = floor.clean_any_size = 0;
  }
  return floor;
}

}  // namespace

Asked AskedBy(const model::ExecutorSize& dead, OomKind kind, OverheadClass overhead, double factor,
              Bytes at_least) {
  const auto grown = [&](Bytes size) { return Bumped(size, factor, at_least).RoundedUpToMiB(); };
  if (!dead.heap) return {{}, grown(dead.limit)};
  if (kind == OomKind::kContainer) return {*dead.heap, grown(dead.limit) - *dead.heap};
  const Bytes heap = grown(*dead.heap);
  if (overhead == OverheadClass::kExplicit) return {heap, *dead.Overhead()};
  return {heap, model::DefaultOverhead(overhead, heap)};
}

void LearnOom(KeyHistory& history, Executor& executor, OomKind kind, base::Time died,
              base::Time now, const Policy& policy, const Safety& safety) {
  history.AddOom(executor, kind, died);
  if (executor.size.limit.value == 0) return;  // without a limit nothing says how much is enough
  const bool holds = FloorHolds(history, safety);
  const Step step = NextStep(history, executor, holds, policy, safety);
  if (step.counts) history.NoteOomStep(executor.application);
  const auto ask = [&](double factor) {
    return AskedBy(executor.size, kind, executor.shape.overhead, factor, policy.oom_bump_min);
  };
  const auto asked = ask(step.factor);
  auto floor = FloorFrom(executor, kind, step.factor, asked, now);
  auto* shape = history.FindShape(executor.shape_id);
  if (shape != nullptr) {
    if (kind == OomKind::kContainer && asked.heap.value > 0) {
      const auto lasting = ask(step.first ? LastingBump(policy) : step.factor);
      shape->least_overhead = std::max(shape->least_overhead, lasting.overhead);
    }
    floor.overhead = std::max(floor.overhead, shape->least_overhead);
  }
  if (shape != nullptr) {
    shape->raised_to = std::max(shape->raised_to, floor.Total());
    shape->peak_raise_spent = false;
  }
  history.floor = holds ? Raised(*history.floor, floor) : floor;
}

void LearnSample(KeyHistory& history, Executor& executor, Bytes working_set, base::Time timestamp,
                 const Policy& policy, const Safety& safety) {
  history.AddSample(executor, working_set, timestamp);
  history.Ran(executor);
  const auto overhead = executor.size.Overhead();
  if (!overhead || executor.oom) return;
  if (executor.peak <= *executor.size.heap + base::Scaled(*overhead, safety.guard_share)) return;
  auto* shape = history.FindShape(executor.shape_id);
  if (shape == nullptr || shape->peak_raise_spent) return;
  const Bytes raised =
      Bumped(executor.size.limit, LastingBump(policy), policy.oom_bump_min).RoundedUpToMiB();
  if (raised <= GuardOf(*shape)) return;  // known to be enough: the one raise is not used up
  shape->raised_to = raised;
  shape->peak_raise_spent = true;
}

bool FloorHolds(const KeyHistory& history, const Safety& safety) {
  return history.floor &&
         history.floor->clean < static_cast<std::uint32_t>(safety.floor_applications) &&
         history.floor->clean_any_size <
             static_cast<std::uint32_t>(safety.floor_applications_any_size);
}

Bytes LeastOverhead(const KeyHistory& history, const Policy& policy, const Safety& safety) {
  const auto* shape = history.CurrentShape();
  const Bytes lasting = shape == nullptr ? Bytes{} : shape->least_overhead;
  const bool counts = LastingBump(policy) < policy.oom_bump && FloorHolds(history, safety) &&
                      history.floor->heap.value > 0 && history.floor->kind == OomKind::kContainer;
  return counts ? std::max(lasting, history.floor->overhead) : lasting;
}

Bytes GuardOf(const model::ShapeHistory& shape) {
  return std::max(shape.largest_limit, shape.raised_to);
}

}  // namespace sparkfit::recommend
