// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "sparkfit/recommend/recommendation.h"
#include "sparkfit/wire/checkpoint_json.h"
#include "sparkfit/wire/object_reader.h"
#include "sparkfit/wire/observation_log.h"

namespace {

using namespace sparkfit;

// What it leads to is a recommendation or none, never one of nothing.
void Recommend(const model::KeyCheckpoint& checkpoint) {
  for (const auto* name : {"percentile", "adaptive", "max"}) {
    const auto policy = *recommend::ParsePolicy(name);
    model::KeyHistory history(checkpoint.key, checkpoint.half_life);
    if (!history.Load(checkpoint.history)) return;
    history.SetHalfLife(policy.half_life);
    const recommend::Context context{policy, {}, {}, base::GiB(64)};
    const auto result = recommend::Recommend(history, context);
    const bool negative =
        result.split && (result.split->heap.value < 0 || result.split->overhead.value < 0);
    if (negative || (result.target && result.target->value <= 0)) {
      std::abort();
    }
    static_cast<void>(recommend::Explain(result, history, context));
  }
}

}  // namespace

// A checkpoint object that anybody may have written: what is read is written and read alike.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  std::string padded(text);
  padded.reserve(size + wire::kLinePadding);
  static_cast<void>(wire::ObjectReader().Checkpoint(padded));
  static_cast<void>(wire::SetAside(text));
  // The checksum keeps most inputs out: so that the data is reached, it is right here.
  for (const auto* encoding : {"json", "gzip+base64"}) {
    const auto read = wire::ReadCheckpoint(
        R"({"spec":)" + wire::SpecText(wire::Sealed({encoding, "", text})) + "}");
    if (!read) continue;
    Recommend(*read);
    const auto written = wire::WriteCheckpoint(*read);
    const auto again = wire::ReadCheckpoint(R"({"spec":)" + wire::SpecText(written) + "}");
    if (!again || wire::WriteCheckpoint(*again).data != written.data) std::abort();
  }
  return 0;
}
