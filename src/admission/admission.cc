// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/admission/admission.h"

#include <fmt/format.h>

#include <algorithm>

#include "sparkfit/admission/constraints.h"
#include "sparkfit/base/number.h"
#include "sparkfit/base/quantity.h"
#include "sparkfit/recommend/split.h"

namespace sparkfit::admission {
namespace {

using base::Bytes;
using model::Amounts;
using model::Mode;

// Spark's own notation: whole MiB.
std::string JvmMiB(Bytes heap) { return fmt::format("{}m", heap.WholeMiB()); }

bool AlreadySized(const Question& question) {
  const auto& size = question.pod.size;
  const auto& places = question.places;
  return size.heap && places.applied_memory == base::FormatQuantity(size.limit) &&
         places.applied_heap == JvmMiB(*size.heap);
}

// What makes a change unsafe, whatever the size.
std::optional<Reason> Obstacle(const Question& question) {
  const auto& pod = question.pod;
  const auto& places = question.places;
  if (!pod.container) return Reason::kNoContainer;
  if (places.candidates != 1) return Reason::kSeveralContainers;
  if (places.heap_from_elsewhere) return Reason::kHeapFromElsewhere;
  if (!places.heap_variable || !pod.size.heap) return Reason::kNoHeap;
  if (places.java_options_set_heap) return Reason::kJavaOptions;
  if (places.pod_level_resources) return Reason::kPodLevelResources;
  if (places.unclear_amounts) return Reason::kNotUnderstood;
  if (places.limit_text.empty() || pod.size.limit.value == 0) return Reason::kNoLimit;
  return std::nullopt;
}

void Lower(Bytes& value, const std::optional<Bytes>& most) {
  if (most) value = std::min(value, *most);
}

std::optional<Bytes> Known(Bytes amount) {
  return amount.value > 0 ? std::optional(amount) : std::nullopt;
}

// What the largest node leaves for the executor: never less than was submitted.
Bytes RoomOnNodes(const Question& question) {
  const auto& others = question.places.others;
  return std::max(question.limits.largest_node - others.beside.request - others.overhead,
                  question.pod.size.limit);
}

// The size within what the job or its user set, and within what nodes can run; whole MiB.
Bytes Bounded(Bytes target, const Question& question, const model::JobRequest& job) {
  const auto& limits = question.limits;
  std::vector<std::string> told_elsewhere;
  const auto [min, max] = model::BoundsInForce(job, question.advice->bounds, told_elsewhere);
  if (min) target = std::max(target, *min);
  target = target.RoundedUpToMiB();
  const auto ceiling = max ? max : Known(limits.configured_max);
  Lower(target, ceiling);
  // Without another ceiling a recommendation above the largest node is one that executors ran with,
  // on nodes that are gone for now: it stays.
  const Bytes known = ceiling ? Bytes{} : *question.advice->target;
  if (limits.largest_node.value > 0) {
    Lower(target, known > limits.largest_node ? known : RoomOnNodes(question));
  }
  return base::MiB(target.WholeMiB());
}

// As it was submitted to this review, whatever its annotations say.
model::Shape ShapeOf(const model::PodFacts& pod) {
  return {pod.cores, model::ClassifyOverhead(pod.size), pod.spark};
}

// Executors of another shape were not looked at: what an OOM asked for counts where they need no
// more than those that were.
recommend::PartBounds BoundsFor(const Question& question) {
  const auto& pod = question.pod;
  const auto& advice = *question.advice;
  auto bounds = advice.parts;
  if (advice.shape && advice.shape->IsLike(ShapeOf(pod))) return bounds;
  if (advice.shape &&
      !model::NeedsNoMore(ShapeOf(pod), pod.size, *advice.shape, advice.submitted)) {
    return {};
  }
  bounds.most_heap.reset();
  return bounds;
}

// At least this size, part by part.
void RaiseTo(recommend::PartBounds& bounds, const model::ExecutorSize& size) {
  bounds.least_heap = std::max(bounds.least_heap, model::SizeOf(size, model::Part::kHeap));
  bounds.least_outside = std::max(bounds.least_outside, model::SizeOf(size, model::Part::kOutside));
}

// Why an executor that may be made smaller is not, if so.
std::optional<Reason> WhyNotSmaller(const Question& question) {
  const auto& pod = question.pod;
  const auto& advice = *question.advice;
  if (advice.low_confidence) return Reason::kLowConfidence;
  if (advice.shape && !advice.shape->IsLike(ShapeOf(pod))) return Reason::kOtherShape;
  if (advice.submitted.limit.value > 0 && pod.size.limit > advice.submitted.limit) {
    return Reason::kSubmittedLarger;
  }
  if (advice.latest_failed) return Reason::kLatestRunFailed;
  if (question.run.out_of_memory) return Reason::kRunOutOfMemory;
  return std::nullopt;
}

// Spark numbers executors from 1 and never twice, so that the answer is the same whoever gives it,
// and a replacement is never on trial.
bool HasTrialNumber(const model::PodFacts& pod, int executors) {
  return base::ParseNumber(pod.executor_id, 1, executors).has_value();
}

// The request to be had with a limit. None for one that is as the limit, or that the API server
// makes so: both stay equal. One below it is as recommended.
std::optional<Bytes> WantedRequest(const Question& question) {
  const auto before = question.places.request.value_or(question.pod.size.limit);
  if (before >= question.pod.size.limit) return std::nullopt;
  return question.advice->target_request.value_or(before);
}

Amounts Submitted(const Question& question) {
  const Bytes limit = question.pod.size.limit;
  return {question.places.request.value_or(limit), limit};
}

// The size to try, if this executor is to try it. It is never larger than submitted, as all else is
// as learnt.
std::optional<model::ExecutorSize> SizeOnTrial(const Question& question,
                                               const model::JobRequest& job) {
  const auto& pod = question.pod;
  const auto& advice = *question.advice;
  const auto& trial = advice.trial;
  if (!trial || !HasTrialNumber(pod, trial->executors) || pod.restarts) return std::nullopt;
  if (question.limits.shrink_only || question.run.beside_another) return std::nullopt;
  if (advice.submitted != pod.size || trial->size.limit >= pod.size.limit) return std::nullopt;
  if (Bounded(trial->size.limit, question, job) != trial->size.limit) return std::nullopt;
  return trial->size;
}

// How large the executor is to be, and why no smaller.
struct Wanted {
  Bytes total;
  recommend::SplitRule rule;
  std::optional<Reason> not_smaller;
};

// A run keeps the size of its first executors, so that what is learnt while it runs does not change
// it. After an OOM in it they are at least as large as these and as submitted.
Wanted WantedFor(const Question& question) {
  const auto& pod = question.pod;
  const auto& advice = *question.advice;
  const auto& first = question.run.first;
  Wanted wanted{.total = *advice.target,
                .rule = *recommend::RuleFor(pod.size, BoundsFor(question)),
                .not_smaller = WhyNotSmaller(question)};
  auto& bounds = wanted.rule.bounds;
  const Bytes after_ooms = recommend::LeastTotal(wanted.rule);
  if (first && !question.run.out_of_memory) {
    wanted.total = first->limit;
    bounds.most_heap = first->heap;
    if (*first == pod.size) wanted.not_smaller = Reason::kRunUnderWay;
  }
  if (wanted.not_smaller) RaiseTo(bounds, pod.size);
  const bool like_first = wanted.not_smaller != Reason::kOtherShape;
  if (first && question.run.out_of_memory && like_first) RaiseTo(bounds, *first);
  // Only an OOM makes an executor larger than it was submitted. A status of an earlier version
  // tells neither what OOMs ask for nor what it was learnt from: its target stands for both.
  if (advice.submitted.limit.value > 0) {
    wanted.total = std::min(wanted.total, std::max(pod.size.limit, after_ooms));
  }
  wanted.total = std::max(wanted.total, recommend::LeastTotal(wanted.rule));
  return wanted;
}

// Why the executor stays at the size that it was submitted with, if it does.
std::optional<Reason> StaysAt(Bytes bounded, const Wanted& wanted, const Question& question) {
  const Bytes submitted = question.pod.size.limit;
  if (bounded == submitted) return wanted.not_smaller.value_or(Reason::kRightSize);
  if (bounded > submitted) {
    return question.limits.shrink_only ? std::optional(Reason::kShrinkOnly) : std::nullopt;
  }
  // A bound that is below what was submitted must not shrink who needs more.
  if (wanted.total > submitted) return Reason::kNoRoom;
  return wanted.not_smaller;
}

model::PodPatch MakePatch(const Amounts& size, Bytes heap, const Question& question,
                          std::optional<model::Part> trial = std::nullopt) {
  const auto& places = question.places;
  model::PodPatch patch;
  patch.container = places.container;
  patch.heap_variable = *places.heap_variable;
  patch.limit = size.limit;
  if (places.request) patch.request = size.request;
  patch.heap = heap;
  patch.has_annotations = places.has_annotations;
  patch.annotations = {{"sparkfit.io/original-memory", places.limit_text},
                       {"sparkfit.io/original-heap", places.heap_text},
                       {"sparkfit.io/applied-memory", base::FormatQuantity(size.limit)},
                       {"sparkfit.io/applied-heap", JvmMiB(heap)},
                       {"sparkfit.io/recommendation", question.advice->object}};
  if (places.request && *places.request < question.pod.size.limit) {
    patch.annotations.emplace_back("sparkfit.io/original-request",
                                   base::FormatQuantity(*places.request));
  }
  if (trial || question.pod.trial) {
    patch.annotations.emplace_back("sparkfit.io/trial", trial ? model::Name(*trial) : "");
  }
  return patch;
}

}  // namespace

std::string_view Name(Outcome outcome) {
  switch (outcome) {
    case Outcome::kPatched:
      return "patched";
    case Outcome::kSkipped:
      return "skipped";
    case Outcome::kRefused:
      return "refused";
  }
  return "";
}

std::string_view Name(Reason reason) {
  switch (reason) {
    case Reason::kSized:
      return "Sized";
    case Reason::kTrial:
      return "Trial";
    case Reason::kRestored:
      return "Restored";
    case Reason::kNotAnExecutor:
      return "NotAnExecutor";
    case Reason::kNoSignature:
      return "NoSignature";
    case Reason::kModeOff:
      return "ModeOff";
    case Reason::kNoRecommendation:
      return "NoRecommendation";
    case Reason::kAlreadySized:
      return "AlreadySized";
    case Reason::kRightSize:
      return "RightSize";
    case Reason::kLowConfidence:
      return "LowConfidence";
    case Reason::kOtherShape:
      return "OtherShape";
    case Reason::kSubmittedLarger:
      return "SubmittedLarger";
    case Reason::kLatestRunFailed:
      return "LatestRunFailed";
    case Reason::kRunOutOfMemory:
      return "RunOutOfMemory";
    case Reason::kRunUnderWay:
      return "RunUnderWay";
    case Reason::kShrinkOnly:
      return "ShrinkOnly";
    case Reason::kNoRoom:
      return "NoRoom";
    case Reason::kNotAllowed:
      return "NotAllowed";
    case Reason::kConstraintsUnknown:
      return "ConstraintsUnknown";
    case Reason::kNotUnderstood:
      return "NotUnderstood";
    case Reason::kNoContainer:
      return "NoContainer";
    case Reason::kSeveralContainers:
      return "SeveralContainers";
    case Reason::kNoLimit:
      return "NoLimit";
    case Reason::kNoHeap:
      return "NoHeap";
    case Reason::kHeapFromElsewhere:
      return "HeapFromElsewhere";
    case Reason::kJavaOptions:
      return "JavaOptions";
    case Reason::kPodLevelResources:
      return "PodLevelResources";
    case Reason::kTooSmall:
      return "TooSmall";
  }
  return "";
}

Outcome OutcomeOf(Reason reason) {
  if (reason <= Reason::kRestored) return Outcome::kPatched;
  return reason < Reason::kConstraintsUnknown ? Outcome::kSkipped : Outcome::kRefused;
}

std::string_view Describe(Reason reason) {
  switch (reason) {
    case Reason::kSized:
      return "It is created at the recommended size.";
    case Reason::kTrial:
      return "It tries a size that is smaller than any that went well.";
    case Reason::kRestored:
      return "It was sized, and what was added to its pod since leaves the submitted size alone.";
    case Reason::kNotAnExecutor:
      return "It is no Spark executor that is about to run.";
    case Reason::kNoSignature:
      return "Neither the pod nor its driver has a signature.";
    case Reason::kModeOff:
      return "Nobody asked for it to be sized (mode Off).";
    case Reason::kNoRecommendation:
      return "Nothing is known of the job yet.";
    case Reason::kAlreadySized:
      return "It was sized before.";
    case Reason::kRightSize:
      return "It was submitted at the recommended size.";
    case Reason::kLowConfidence:
      return "The recommendation is smaller and rests on few samples (LowConfidence).";
    case Reason::kOtherShape:
      return "The recommendation is smaller and was learnt from executors with other cores, "
             "another kind of overhead or another release line of Spark.";
    case Reason::kSubmittedLarger:
      return "It was submitted with more memory than the executors that the recommendation was "
             "learnt from.";
    case Reason::kLatestRunFailed:
      return "The latest run failed, so that this one is as submitted.";
    case Reason::kRunOutOfMemory:
      return "An executor of this run died of an OOM, so that this one is at least as submitted.";
    case Reason::kRunUnderWay:
      return "The run's first executors were created as submitted, and the run keeps that size.";
    case Reason::kShrinkOnly:
      return "It needs more, and executors are only made smaller (shrinkOnly).";
    case Reason::kNoRoom:
      return "It is to have another size, and a bound, the largest node, a LimitRange or a "
             "ResourceQuota leaves no room for it.";
    case Reason::kNotAllowed:
      return "A LimitRange of its namespace does not allow it as it was submitted.";
    case Reason::kConstraintsUnknown:
      return "The LimitRanges of its namespace are not known, or one of them could not be read.";
    case Reason::kNotUnderstood:
      return "The pod could not be read.";
    case Reason::kNoContainer:
      return "No container of the pod was recognised as a Spark executor.";
    case Reason::kSeveralContainers:
      return "Several containers may be the executor, and none has Spark's name for it, "
             "spark-kubernetes-executor.";
    case Reason::kNoLimit:
      return "The executor has no memory limit.";
    case Reason::kNoHeap:
      return "The executor has no SPARK_EXECUTOR_MEMORY that fits its limit.";
    case Reason::kHeapFromElsewhere:
      return "SPARK_EXECUTOR_MEMORY comes from a ConfigMap, a Secret or a field (valueFrom).";
    case Reason::kJavaOptions:
      return "_JAVA_OPTIONS, JAVA_TOOL_OPTIONS, JDK_JAVA_OPTIONS or the container's command sets "
             "the heap, or might do so; or another variable has SoftMaxHeapSize or a file of "
             "options.";
    case Reason::kPodLevelResources:
      return "The pod has resources of its own (spec.resources), which its containers share.";
    case Reason::kTooSmall:
      return "Less than 512 MiB of heap would be left of the recommended size; Spark needs 450.";
  }
  return "";
}

Advice AdviceFrom(const model::KeyHistory& history,
                  const recommend::Recommendation& recommendation) {
  Advice advice;
  advice.target = recommendation.target;
  advice.target_request = recommendation.target_request;
  advice.parts = recommendation.bounds;
  advice.low_confidence = recommend::LowConfidence(history);
  advice.latest_failed = history.LatestFailed();
  advice.trial = recommendation.next.trial;
  if (const auto* shape = history.CurrentShape(); shape != nullptr) {
    advice.shape = shape->shape;
    advice.submitted = shape->submitted;
  }
  return advice;
}

std::optional<model::Key> KeyOf(const model::PodFacts& pod, const model::PodSettings* driver) {
  std::vector<std::string> unread;
  const auto signature = model::FindSignature(pod.settings, driver, unread);
  if (!signature) return std::nullopt;
  return model::Key{pod.name_space, *signature, pod.profile};
}

namespace {

// The size for a job that asks for one, as long as nobody gave it one.
Decision Size(const Question& question, const model::JobRequest& job) {
  if (const auto obstacle = Obstacle(question)) return {*obstacle};
  if (!question.limits.constraints.known) return {Reason::kConstraintsUnknown};
  const Acceptance acceptance(question.limits.constraints, question.places.others,
                              Submitted(question));
  if (!acceptance.Accepts(Submitted(question))) return {Reason::kNotAllowed};
  const auto request = WantedRequest(question);
  const auto wanted = WantedFor(question);
  if (!wanted.not_smaller) {
    const auto tried = SizeOnTrial(question, job);
    const auto size = tried ? acceptance.With(tried->limit, request) : std::nullopt;
    if (size) {
      return {Reason::kTrial,
              MakePatch(*size, *tried->heap, question, question.advice->trial->part)};
    }
  }
  const Bytes bounded = Bounded(wanted.total, question, job);
  if (const auto reason = StaysAt(bounded, wanted, question)) return {*reason};
  const auto size = acceptance.Nearest(bounded, request);
  if (!size) return {Reason::kNoRoom};
  const auto split = recommend::SplitTotal(size->limit, wanted.rule);
  if (!split) return {Reason::kTooSmall};
  return {Reason::kSized, MakePatch(*size, split->heap, question)};
}

// What was given stays, unless somebody added to the pod since, and all together is too much. Then
// the executor is sized once more, from what was submitted.
Decision SizeAgain(const Question& question, const model::JobRequest& job) {
  auto pod = question.pod;
  auto places = question.places;
  pod.size = pod.submitted;
  if (!pod.size.heap || !question.limits.constraints.known) return {Reason::kAlreadySized};
  places.limit_text = base::FormatQuantity(pod.size.limit);
  places.heap_text = JvmMiB(*pod.size.heap);
  if (places.request) places.request = pod.request;
  const Question as_submitted{.pod = pod,
                              .places = places,
                              .driver = question.driver,
                              .advice = question.advice,
                              .run = question.run,
                              .limits = question.limits};
  const Acceptance acceptance(question.limits.constraints, places.others, Submitted(as_submitted));
  if (acceptance.Accepts(Submitted(question))) return {Reason::kAlreadySized};
  auto decision = Size(as_submitted, job);
  if (decision.patch || !acceptance.Accepts(Submitted(as_submitted))) return decision;
  return {Reason::kRestored, MakePatch(Submitted(as_submitted), *pod.size.heap, as_submitted)};
}

}  // namespace

Decision Decide(const Question& question) {
  const auto& pod = question.pod;
  if (pod.role != model::PodRole::kExecutor || question.places.inactive) {
    return {Reason::kNotAnExecutor};
  }
  if (!KeyOf(pod, question.driver)) return {Reason::kNoSignature};
  const auto job = model::Understand(pod.settings, question.driver);
  const auto* advice = question.advice;
  if (model::ModeInForce(job, advice != nullptr ? advice->mode : std::nullopt) == Mode::kOff) {
    return {Reason::kModeOff};
  }
  if (advice == nullptr || !advice->target) return {Reason::kNoRecommendation};
  if (AlreadySized(question)) return SizeAgain(question, job);
  return Size(question, job);
}

}  // namespace sparkfit::admission
