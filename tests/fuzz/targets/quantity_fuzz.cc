// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sparkfit/base/meant.h"
#include "sparkfit/base/quantity.h"
#include "sparkfit/base/time.h"
#include "sparkfit/recommend/policy.h"

namespace {

void Require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

// Everything short that people and Kubernetes write: what parses is written back to the same value.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sparkfit;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto memory = base::ParseMemory(text)) {
    Require(memory->value >= 0 && *memory <= base::kLargestPlausible);
    Require(base::ParseMemory(base::FormatQuantity(*memory)) == *memory);
    Require(!base::FormatMiB(*memory).empty());
  }
  if (const auto bound = base::ParseBound(text)) {
    Require(*bound >= base::kSmallestBound && base::ParseMemory(text) == *bound);
  } else {
    Require(bound.error().message.size() < 300);
  }
  if (const auto heap = base::ParseJvmMemory(text)) {
    Require(heap->value >= 0 && *heap <= base::kLargestPlausible);
  }
  if (const auto time = base::ParseTime(text)) {
    Require(base::ParseTime(base::FormatTime(*time)) == *time);
  }
  if (const auto duration = base::ParseDuration(text)) {
    Require(base::ParseDuration(base::FormatDuration(*duration)) == *duration);
  }
  if (const auto policy = recommend::ParsePolicy(text)) {
    Require(recommend::ParsePolicy(recommend::Format(*policy)) == *policy);
  }
  return 0;
}
