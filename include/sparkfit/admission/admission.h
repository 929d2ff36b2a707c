// SPDX-License-Identifier: Apache-2.0
//
// The size that a new executor is created with: what is known of its job and of the pod itself in,
// a change or the reason why there is none out. A pod that is not understood is left as it is.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sparkfit/base/bytes.h"
#include "sparkfit/model/key.h"
#include "sparkfit/model/patch.h"
#include "sparkfit/model/pod.h"
#include "sparkfit/model/settings.h"
#include "sparkfit/recommend/recommendation.h"

namespace sparkfit::admission {

// What is known of a key.
struct Advice {
  std::string object;               // the name of its ExecutorRecommendation; may be empty
  std::optional<model::Mode> mode;  // that a user set there, and the bounds
  recommend::Bounds bounds;
  std::optional<base::Bytes> target;
  recommend::OverheadBounds overhead;
  bool low_confidence = true;         // only raise
  std::optional<model::Shape> shape;  // that it was learnt from; other ones are only raised
};

// What no executor may exceed. The largest node limits growth only: nobody gets less than was
// submitted or recommended because of it where that is more.
struct Limits {
  base::Bytes configured_max;  // 0: none
  base::Bytes largest_node;    // allocatable, of those that it can run on; 0: not known
  model::LimitRange range;     // of the namespace
  bool shrink_only = false;    // never raise: for gang schedulers and quotas
};

enum class Outcome { kPatched, kSkipped, kRefused };

// Why. In groups: patched, skipped (nothing is to be done), refused (something was, and it would
// not be safe).
enum class Reason {
  kSized,

  kNotAnExecutor,
  kNoSignature,
  kModeOff,
  kNoRecommendation,
  kAlreadySized,
  kRightSize,
  kLowConfidence,
  kOtherShape,
  kShrinkOnly,
  kNoRoom,  // the ceiling, the largest node or a LimitRange leaves no more than it has

  kNotUnderstood,
  kNoContainer,
  kSeveralContainers,
  kNoLimit,
  kNoHeap,
  kHeapFromElsewhere,
  kJavaOptions,
  kPodLevelResources,
  kTooSmall,
};

std::string_view Name(Outcome outcome);  // "patched", "skipped", "refused"
std::string_view Name(Reason reason);    // CamelCase, as in metrics and Events
Outcome OutcomeOf(Reason reason);
// A sentence for people; what a refused pod would need.
std::string_view Describe(Reason reason);

struct Decision {
  Reason reason = Reason::kNotUnderstood;
  std::optional<model::PodPatch> patch = {};  // with kSized alone
};

// The key that the pod belongs to: its own signature, else its driver's (may be null). Nothing
// where it has none.
std::optional<model::Key> KeyOf(const model::PodFacts& pod, const model::PodSettings* driver);

// What is decided on.
struct Question {
  const model::PodFacts& pod;
  const model::PodPlaces& places;
  const model::PodSettings* driver = nullptr;  // null: not known
  const Advice* advice = nullptr;              // null: nothing is known of the key
  const Limits& limits;
};

// Pure, and total: every pod has an answer. Deciding again on what came out changes nothing.
Decision Decide(const Question& question);

}  // namespace sparkfit::admission
