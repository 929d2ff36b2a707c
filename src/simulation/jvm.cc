// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/simulation/jvm.h"

#include <algorithm>

#include "sparkfit/simulation/jvm_constants.h"

namespace sparkfit::simulation {

Size InMiB(const model::ExecutorSize& size) {
  return {size.heap->InMiB(), size.Overhead()->InMiB()};
}

double UnifiedRoom(double heap) { return std::max(0.0, kUnifiedShare * (heap - kReservedMiB)); }

Held Hold(const Asked& asked, const Size& size) {
  const double room = UnifiedRoom(size.heap);
  // Execution takes what storage has above its share, and never less than what nobody uses.
  const double kept = std::min(asked.cached, kStorageShare * room);
  Held held;
  held.execution = std::min(asked.execution, room - kept);
  held.cached = std::min(asked.cached, room - held.execution);
  held.retained = asked.live + held.execution + held.cached;
  // Fresh regions as long as there are any that the young generation may have.
  const double young = std::clamp(kFreshShare * asked.allocated, kSmallestYoung * size.heap,
                                  asked.young * size.heap);
  held.touched = std::min(size.heap, held.retained + young);
  if (held.retained > kFullHeap * size.heap) {
    held.kills = OomKind::kHeap;
  } else if (ExceedsLimit(held.touched, asked.outside, size)) {
    held.kills = OomKind::kContainer;
  }
  return held;
}

bool ExceedsLimit(double touched, double outside, const Size& size) {
  return touched + outside > size.Limit();
}

double CollectionsPerWork(const Collecting& collecting, double retained, double heap) {
  const double share = collecting.healthy + kSmallHeap * 512 / heap +
                       kCachedObjects * collecting.cached * collecting.cached;
  const double free = heap - retained;
  if (free <= 0) return kMostGcShare;
  const double crowded = retained / free;
  const double rises = kGcPerRetained * collecting.allocation * crowded * crowded;
  return std::min(kMostGcShare, share / (1 - share) + rises);
}

}  // namespace sparkfit::simulation
