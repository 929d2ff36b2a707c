// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sparkfit/model/node_memory.h"
#include "sparkfit/wire/remembered_nodes.h"

// Any bytes as what a predecessor remembered of nodes: never a crash, and what comes of it stays
// within its bounds and is told the same again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sparkfit;
  constexpr base::Time kNow{std::chrono::hours(24 * 20000)};
  model::NodeMemory memory;
  model::NodeMemory next;
  const auto take = [&](std::string_view text, model::NodeMemory& into) {
    for (const auto& node : wire::ReadRemembered(text)) into.Observe(node, kNow);
    return wire::WriteRemembered(into.Remembered({}, kNow, wire::kMostRemembered));
  };
  const auto text = take({reinterpret_cast<const char*>(data), size}, memory);
  if (text.size() > wire::kLongestRemembered) std::abort();
  if (take(text, next) != text) std::abort();
  const model::Placement anywhere;
  if (memory.LargestFor(&anywhere, kNow) > memory.LargestFor(nullptr, kNow)) std::abort();
  return 0;
}
