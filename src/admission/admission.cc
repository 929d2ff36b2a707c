// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/admission/admission.h"

#include <fmt/format.h>

#include <algorithm>

#include "sparkfit/base/quantity.h"
#include "sparkfit/recommend/split.h"

namespace sparkfit::admission {
namespace {

using base::Bytes;
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
  if (places.limit_text.empty() || pod.size.limit.value == 0) return Reason::kNoLimit;
  return std::nullopt;
}

void Lower(Bytes& value, const std::optional<Bytes>& most) {
  if (most) value = std::min(value, *most);
}

std::optional<Bytes> Known(Bytes amount) {
  return amount.value > 0 ? std::optional(amount) : std::nullopt;
}

// What is left of it for the executor, beside the pod's other containers.
std::optional<Bytes> RoomIn(const std::optional<Bytes>& total, Bytes others) {
  if (!total) return std::nullopt;
  return std::max(Bytes{}, *total - others);
}

// What the largest node leaves for the executor: never less than was submitted.
Bytes RoomOnNodes(const Question& question) {
  return std::max(question.limits.largest_node - question.places.others, question.pod.size.limit);
}

// The target within what the job or its user set, and within what can run at all; whole MiB.
Bytes Bounded(Bytes target, const Question& question, const model::JobRequest& job) {
  const auto& limits = question.limits;
  const auto& user = question.advice->bounds;
  const auto& min = user.min ? user.min : job.min_memory;
  const auto& max = user.max ? user.max : job.max_memory;
  if (min) target = std::max(target, *min);
  if (limits.range.container_min) target = std::max(target, *limits.range.container_min);
  target = target.RoundedUpToMiB();
  const auto ceiling = max ? max : Known(limits.configured_max);
  Lower(target, ceiling);
  // Without another ceiling a recommendation above the largest node is one that executors ran with,
  // on nodes that are gone for now: it stays.
  const Bytes largest = limits.largest_node;
  const bool may_need_more = !ceiling && *question.advice->target > largest;
  if (largest.value > 0 && !may_need_more) Lower(target, RoomOnNodes(question));
  Lower(target, limits.range.container_max);
  Lower(target, RoomIn(limits.range.pod_max, question.places.others));
  return base::MiB(target.WholeMiB());
}

// As it was submitted to this review, whatever its annotations say.
model::Shape ShapeOf(const model::PodFacts& pod) {
  return {pod.cores, model::ClassifyOverhead(pod.size)};
}

// What is enough beside the heap was learnt from executors of one shape, and holds for those alone.
recommend::OverheadBounds BoundsFor(const model::PodFacts& pod, const Advice& advice) {
  auto bounds = advice.overhead;
  if (advice.shape != ShapeOf(pod)) bounds.most.reset();
  return bounds;
}

// Why the executor stays at the size that it was submitted with, if it does.
std::optional<Reason> StaysAt(Bytes submitted, Bytes bounded, const Question& question) {
  const auto& advice = *question.advice;
  if (bounded == submitted) return Reason::kRightSize;
  if (bounded > submitted) {
    return question.limits.shrink_only ? std::optional(Reason::kShrinkOnly) : std::nullopt;
  }
  // A bound that is below what was submitted must not shrink who needs more.
  if (*advice.target > submitted) return Reason::kNoRoom;
  if (advice.low_confidence) return Reason::kLowConfidence;
  if (advice.shape && *advice.shape != ShapeOf(question.pod)) return Reason::kOtherShape;
  return std::nullopt;
}

std::optional<Bytes> RequestFor(Bytes limit, const Question& question) {
  const auto& before = question.places.request;
  if (!before) return std::nullopt;
  if (*before >= question.pod.size.limit) return limit;
  // A request below the limit (burst-aware overhead) stays in proportion.
  const double share =
      static_cast<double>(before->value) / static_cast<double>(question.pod.size.limit.value);
  return std::min(limit, base::Scaled(limit, share).RoundedUpToMiB());
}

model::PodPatch MakePatch(const recommend::Split& split, const Question& question) {
  const auto& places = question.places;
  const Bytes limit = split.heap + split.overhead;
  model::PodPatch patch;
  patch.container = places.container;
  patch.heap_variable = *places.heap_variable;
  patch.limit = limit;
  patch.request = RequestFor(limit, question);
  patch.heap = split.heap;
  patch.has_annotations = places.has_annotations;
  patch.annotations = {{"sparkfit.io/original-memory", places.limit_text},
                       {"sparkfit.io/original-heap", places.heap_text},
                       {"sparkfit.io/applied-memory", base::FormatQuantity(limit)},
                       {"sparkfit.io/applied-heap", JvmMiB(split.heap)},
                       {"sparkfit.io/recommendation", question.advice->object}};
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
    case Reason::kShrinkOnly:
      return "ShrinkOnly";
    case Reason::kNoRoom:
      return "NoRoom";
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
  if (reason == Reason::kSized) return Outcome::kPatched;
  return reason < Reason::kNotUnderstood ? Outcome::kSkipped : Outcome::kRefused;
}

std::string_view Describe(Reason reason) {
  switch (reason) {
    case Reason::kSized:
      return "It is created at the recommended size.";
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
      return "The recommendation is smaller and was learnt from executors with other cores or "
             "another kind of overhead.";
    case Reason::kShrinkOnly:
      return "It needs more, and executors are only made smaller (shrinkOnly).";
    case Reason::kNoRoom:
      return "It needs more, and a bound, the largest node or a LimitRange leaves no room for it.";
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
      return "_JAVA_OPTIONS sets the heap, which wins over SPARK_EXECUTOR_MEMORY.";
    case Reason::kPodLevelResources:
      return "The pod has resources of its own (spec.resources), which its containers share.";
    case Reason::kTooSmall:
      return "Less than 512 MiB of heap would be left of the recommended size; Spark needs 450.";
  }
  return "";
}

std::optional<model::Key> KeyOf(const model::PodFacts& pod, const model::PodSettings* driver) {
  std::vector<std::string> unread;
  const auto signature = model::FindSignature(pod.settings, driver, unread);
  if (!signature) return std::nullopt;
  return model::Key{pod.name_space, *signature, pod.profile};
}

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
  if (AlreadySized(question)) return {Reason::kAlreadySized};
  if (const auto obstacle = Obstacle(question)) return {*obstacle};
  const Bytes bounded = Bounded(*advice->target, question, job);
  if (const auto reason = StaysAt(pod.size.limit, bounded, question)) return {*reason};
  const auto rule = recommend::RuleFor(pod.size, BoundsFor(pod, *advice));
  const auto split = rule ? recommend::SplitTotal(bounded, *rule) : std::nullopt;
  if (!split) return {Reason::kTooSmall};
  return {Reason::kSized, MakePatch(*split, question)};
}

}  // namespace sparkfit::admission
