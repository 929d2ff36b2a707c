// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/model/pod.h"

namespace sparkfit::model {
namespace {

constexpr int kSigKill = 137;
constexpr int kSparkOom = 52;               // org.apache.spark.util.SparkExitCode.OOM
constexpr int kExitOnOutOfMemoryError = 3;  // HotSpot

}  // namespace

const std::string& PodFacts::ApplicationId() const {
  if (!app_selector.empty()) return app_selector;
  return owner_uid.empty() ? uid : owner_uid;
}

bool PodFacts::HasEnded() const {
  return phase == PodPhase::kSucceeded || phase == PodPhase::kFailed || (ended && !restarts);
}

std::string_view Name(OomKind kind) {
  switch (kind) {
    case OomKind::kContainer:
      return "container";
    case OomKind::kHeap:
      return "heap";
  }
  return "";
}

std::optional<OomKind> ClassifyOom(const PodFacts& pod, const Termination& termination) {
  if (termination.reason == "OOMKilled") return OomKind::kContainer;
  if (termination.exit_code == kSigKill && !pod.deleted && !pod.evicted) return OomKind::kContainer;
  if (termination.exit_code == kSparkOom) return OomKind::kHeap;
  if (termination.exit_code == kExitOnOutOfMemoryError && pod.exits_on_heap_oom) {
    return OomKind::kHeap;
  }
  return std::nullopt;
}

}  // namespace sparkfit::model
