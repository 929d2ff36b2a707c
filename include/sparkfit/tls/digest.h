// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace sparkfit::tls {

// The 32 bytes of SHA-256: what stands for a secret that is to be known again and not kept.
std::string Digest(std::string_view text);

}  // namespace sparkfit::tls
