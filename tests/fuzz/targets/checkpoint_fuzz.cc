// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "sparkfit/wire/checkpoint_json.h"

// A checkpoint object that anybody may have written: what is read is written and read alike.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sparkfit;
  const std::string text(reinterpret_cast<const char*>(data), size);
  static_cast<void>(wire::ReadCheckpointObject(text));
  static_cast<void>(wire::SetAside(text));
  // The checksum keeps most inputs out: so that the data is reached, it is right here.
  for (const auto* encoding : {"json", "gzip+base64"}) {
    const auto read = wire::ReadCheckpoint(
        R"({"spec":)" + wire::SpecText(wire::Sealed({encoding, "", text})) + "}");
    if (!read) continue;
    const auto written = wire::WriteCheckpoint(*read);
    const auto again = wire::ReadCheckpoint(R"({"spec":)" + wire::SpecText(written) + "}");
    if (!again || wire::WriteCheckpoint(*again).data != written.data) std::abort();
  }
  return 0;
}
