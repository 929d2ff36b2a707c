// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sparkfit/replay/backtest.h"

// Any bytes as a table of executions: the sums stay finite and agree with each other.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sparkfit;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  replay::ExecutionTable table;
  if (!table.Read("fuzz", replay::FromMemory(text), [](std::uint64_t) {})) return 0;
  table.Sort();
  for (const auto* name : {"percentile:halfLife=1h", "max", "request"}) {
    const auto result = replay::Backtest(table, *recommend::ParsePolicy(name), name);
    const bool sound =
        result.waste_gbh >= 0 && result.waste_gbh <= result.allocated_gbh * 1.000001 &&
        result.oom_executions <= result.oom_kills && result.executions == table.Executions().size();
    if (!sound) std::abort();
  }
  return 0;
}
