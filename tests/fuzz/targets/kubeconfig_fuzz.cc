// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "sparkfit/kube/config.h"
#include "sparkfit/model/signature_rules.h"

// Files and programs' output that tell who we are and where the cluster is; and the rules of
// derived signatures, which people write too.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sparkfit;
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (const auto config = kube::ParseKubeconfig(text, "/nowhere")) {
    if (config->endpoint.server.empty()) std::abort();
  }
  static_cast<void>(kube::ParseExecCredential(text));
  if (const auto rules = model::SignatureRules::Parse(text)) {
    // No rule joins jobs that have no label at all.
    if (!rules->Derive({}).empty()) std::abort();
  }
  return 0;
}
