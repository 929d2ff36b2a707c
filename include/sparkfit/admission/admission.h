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
  std::optional<base::Bytes> target_request;  // absent: as the target
  recommend::PartBounds parts;
  bool low_confidence = true;             // only raise
  bool latest_failed = false;             // the latest run failed: the next one is as submitted
  std::optional<model::Shape> shape;      // that it was learnt from; other ones are only raised
  model::ExecutorSize submitted;          // likewise; who is submitted with more is not shrunk
  std::optional<recommend::Trial> trial;  // of the next run
};

// What a history and its recommendation tell; what a user set is left out.
Advice AdviceFrom(const model::KeyHistory& history,
                  const recommend::Recommendation& recommendation);

// What is known of the run that the pod belongs to.
struct RunState {
  // The size of its first executor that is known; absent for the first one.
  std::optional<model::ExecutorSize> first;
  bool out_of_memory = false;   // an executor of it died of an OOM that was not on trial
  bool beside_another = false;  // another run of the key is under way
};

// What no executor may exceed. The largest node limits growth only: nobody gets less than was
// submitted or recommended because of it where that is more.
struct Limits {
  base::Bytes configured_max;      // 0: none
  base::Bytes largest_node;        // allocatable, of those that it can run on; 0: not known
  model::Constraints constraints;  // of the namespace
  bool shrink_only = false;        // never raise: for gang schedulers and quotas
};

enum class Outcome { kPatched, kSkipped, kRefused };

// Why. In groups: patched, skipped (nothing is to be done), refused (something was, and it would
// not be safe).
enum class Reason {
  kSized,
  kTrial,
  kRestored,

  kNotAnExecutor,
  kNoSignature,
  kModeOff,
  kNoRecommendation,
  kAlreadySized,
  kRightSize,
  kLowConfidence,
  kOtherShape,
  kSubmittedLarger,
  kLatestRunFailed,
  kRunOutOfMemory,
  kRunUnderWay,
  kShrinkOnly,
  kNoRoom,      // a bound, the largest node, a LimitRange or a quota leaves no other size
  kNotAllowed,  // as submitted the API server refuses it

  kConstraintsUnknown,
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
  std::optional<model::PodPatch> patch = {};  // where it is patched
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
  RunState run = {};
  const Limits& limits;
};

// Pure, and total: every pod has an answer. Deciding again on what came out changes nothing.
Decision Decide(const Question& question);

}  // namespace sparkfit::admission
