// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "sparkfit/base/bytes.h"
#include "sparkfit/wire/driver_answer.h"

namespace {

using namespace sparkfit;

void Check(bool holds) {
  if (!holds) std::abort();
}

void CheckAmount(std::int64_t amount) {
  Check(amount >= 0 && amount <= base::kLargestPlausible.value);
}

void CheckAmount(std::optional<base::Bytes> amount) {
  if (amount) CheckAmount(amount->value);
}

void CheckId(const std::string& id) {
  Check(!id.empty() && id.size() <= wire::kLongestExecutorId && id != "driver");
}

void Check(const model::ExecutorReading& executor) {
  CheckId(executor.id);
  for (const auto amount :
       {executor.heap_peak, executor.unified_peak, executor.storage_peak, executor.unified_room}) {
    CheckAmount(amount);
  }
  for (const auto& amount : {executor.off_heap_peak, executor.direct_peak, executor.stored,
                             executor.stored_disk, executor.input, executor.shuffle_read}) {
    CheckAmount(amount);
  }
  CheckAmount(executor.busy.count());
  CheckAmount(executor.collecting.count());
  CheckAmount(executor.tasks_done.value_or(0));
  CheckAmount(executor.tasks_failed.value_or(0));
}

void Check(const wire::StageFigures& figures) {
  CheckAmount(figures.spilled);
  CheckAmount(figures.spilled_disk);
  CheckAmount(figures.tasks_killed);
}

}  // namespace

// Answers of anything that stands where a driver should, whatever it was asked for: what is read is
// plausible and named.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto answer = wire::ParseDriverAnswer(text)) {
    for (const auto& executor : answer->executors) Check(executor);
  }
  if (const auto answer = wire::ParseStages(text)) {
    for (const auto& attempt : answer->stages) {
      CheckAmount(attempt.stage);
      CheckAmount(attempt.attempt);
      Check(attempt.figures);
    }
  }
  if (const auto answer = wire::ParseStage(text)) {
    for (const auto& executor : answer->executors) {
      CheckId(executor.id);
      Check(executor.figures);
    }
  }
  return 0;
}
