// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "sparkfit/wire/access_review.h"

// Any bytes as what an API server says of a token or of rights: never a crash, nobody is somebody
// without a name, and about whoever it is a question can be asked.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sparkfit;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static_cast<void>(wire::ReadAccessReview(text));
  const auto caller = wire::ReadTokenReview(text);
  if (!caller || !*caller) return 0;
  if ((*caller)->name.empty()) std::abort();
  if (!nlohmann::json::accept(wire::WriteAccessReview(**caller, text))) std::abort();
  return 0;
}
