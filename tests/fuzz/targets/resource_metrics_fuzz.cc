// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sparkfit/wire/resource_metrics.h"

// A page of any kubelet: what is read is plausible and named.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sparkfit;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto& sample : wire::ReadResourceMetrics(text, {}).samples) {
    if (sample.pod.empty() || sample.name_space.empty()) std::abort();
    const auto used = sample.containers.at(0).working_set;
    if (used < base::Bytes{} || used > base::kLargestPlausible) std::abort();
  }
  return 0;
}
