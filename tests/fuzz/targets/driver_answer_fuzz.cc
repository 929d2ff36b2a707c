// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sparkfit/base/bytes.h"
#include "sparkfit/wire/driver_answer.h"

// An answer of anything that stands where a driver should: what is read is plausible and named.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sparkfit;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto answer = wire::ParseDriverAnswer(text);
  if (!answer) return 0;
  const auto plausible = [](base::Bytes amount) {
    return amount >= base::Bytes{} && amount <= base::kLargestPlausible;
  };
  for (const auto& executor : answer->executors) {
    if (executor.id.empty() || executor.id.size() > wire::kLongestExecutorId) std::abort();
    if (!plausible(executor.heap_peak) || !plausible(executor.unified_peak) ||
        !plausible(executor.unified_room) || executor.busy < base::Duration{} ||
        executor.collecting < base::Duration{}) {
      std::abort();
    }
  }
  return 0;
}
