// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/eventlog/sizes.h"

#include <algorithm>
#include <optional>

#include "sparkfit/base/number.h"
#include "sparkfit/base/quantity.h"

namespace sparkfit::eventlog {
namespace {

using base::Bytes;

// Beside the heap's unified room: UnifiedMemoryManager's RESERVED_SYSTEM_MEMORY_BYTES, and
// spark.memory.fraction by default.
constexpr Bytes kReserved = base::MiB(300);
constexpr double kFraction = 0.6;
// The collectors Parallel and Serial leave one survivor space out of what they call the heap: a
// ninth of it was measured.
constexpr double kLeastShown = 0.85;
constexpr double kMostShown = 1.05;

std::optional<Bytes> Memory(const Application& application, std::string_view key) {
  const auto amount = base::ParseJvmMemory(application.Property(key));
  return amount ? std::optional(*amount) : std::nullopt;
}

// A bare number is bytes, other than for all the rest.
Bytes OffHeap(const Application& application) {
  const auto text = application.Property("spark.memory.offHeap.size");
  const bool bare = text.find_first_not_of("0123456789") == std::string_view::npos;
  return base::ParseJvmMemory(std::string(text) + (bare ? "b" : "")).value_or(Bytes{});
}

std::optional<double> Factor(const Application& application, std::string_view key) {
  const auto factor = base::ParseNumber(application.Property(key), 0.0, 100.0);
  return factor ? std::optional(*factor) : std::nullopt;
}

Bytes DefaultOverhead(const Application& application, Bytes heap) {
  const auto factor =
      Factor(application, "spark.executor.memoryOverheadFactor")
          .value_or(Factor(application, "spark.kubernetes.memoryOverheadFactor").value_or(0.1));
  const auto least = Memory(application, "spark.executor.minMemoryOverhead");
  const auto share = base::MiB(base::Scaled(heap, factor).WholeMiB());
  return std::max(share, least.value_or(model::kLeastDefaultOverhead));
}

model::ExecutorSize Submitted(const Application& application, const wire::SparkProfile& profile) {
  const auto own = [&](std::string_view key) { return Memory(application, key); };
  const bool standard = profile.id == 0;
  const Bytes heap = profile.heap.value_or(own("spark.executor.memory").value_or(base::GiB(1)));
  auto overhead = profile.overhead;
  if (!overhead && standard) overhead = own("spark.executor.memoryOverhead");
  Bytes outside = overhead.value_or(DefaultOverhead(application, heap));
  if (application.Property("spark.memory.offHeap.enabled") == "true") {
    outside = outside + profile.off_heap.value_or(OffHeap(application));
  }
  if (application.Property("spark.kubernetes.resource.type") == "python") {
    outside =
        outside + profile.python.value_or(own("spark.executor.pyspark.memory").value_or(Bytes{}));
  }
  return {std::min(heap + outside, base::kLargestPlausible), heap};
}

// The registered room is a share of what is left of the heap.
bool HasOtherHeap(const Application& application, const Executor& executor, Bytes heap) {
  if (executor.unified_room.value == 0) return false;
  const auto fraction = Factor(application, "spark.memory.fraction").value_or(kFraction);
  if (fraction <= 0 || fraction > 1) return false;
  const auto shown = kReserved + base::Scaled(executor.unified_room, 1 / fraction);
  return shown > base::Scaled(heap, kMostShown) || shown < base::Scaled(heap, kLeastShown);
}

}  // namespace

Sizes SizesOf(const Application& application, const Executor& executor) {
  const auto known = application.profiles.find(executor.profile);
  wire::SparkProfile profile;
  profile.id = executor.profile;
  if (known != application.profiles.end()) profile = known->second;
  const auto submitted = Submitted(application, profile);
  if (HasOtherHeap(application, executor, *submitted.heap)) return {submitted, {}};
  return {submitted, submitted};
}

}  // namespace sparkfit::eventlog
