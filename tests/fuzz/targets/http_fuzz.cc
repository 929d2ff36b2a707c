// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "sparkfit/http/intake.h"

namespace {

using namespace sparkfit;

constexpr http::Limits kLimits{.header = 256, .body = 100};

void Check(bool holds) {
  if (!holds) std::abort();
}

// One connection: messages until an error, or until all of it was read. Reads have `most` bytes.
template <bool kRequest>
void Read(std::string_view bytes, std::size_t most) {
  http::Intake<kRequest> intake(kLimits.header);
  intake.Begin(kLimits);
  for (;;) {
    http::Error error;
    const auto step = intake.Next(error);
    Check(intake.Current().body.size() <= kLimits.body);
    if (error) return;
    if (step == http::Step::kDone) {
      intake.Begin(kLimits);
    } else if (step == http::Step::kWantsMore) {
      if (bytes.empty()) return intake.Ended(error);
      const auto room = intake.Room(most);
      Check(room.size() > 0);
      const auto size = std::min(room.size(), bytes.size());
      std::copy_n(bytes.data(), size, static_cast<char*>(room.data()));
      intake.Came(size);
      bytes.remove_prefix(size);
    }
  }
}

}  // namespace

// Whatever comes, in pieces of any size, there is room for the next one or an error.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  Read<true>(text, 1U + data[0]);
  Read<false>(text, 1U + data[0]);
  return 0;
}
