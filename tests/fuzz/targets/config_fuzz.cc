// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "sparkfit/cli/options.h"

// Any bytes as a configuration file: what is printed is read back without a problem.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sparkfit;
  cli::Settings settings;
  settings.ReadFile("fuzz", std::string(reinterpret_cast<const char*>(data), size));
  cli::Settings again;
  again.ReadFile("printed", cli::PrintConfig(settings));
  if (!again.Problems().empty()) std::abort();
  return 0;
}
