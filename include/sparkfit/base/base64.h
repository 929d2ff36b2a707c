// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "sparkfit/base/result.h"

namespace sparkfit::base {

// RFC 4648, section 4, with padding.
std::string EncodeBase64(std::string_view bytes);
// Spaces and line ends are passed over. kInvalidArgument for any other character.
Result<std::string> DecodeBase64(std::string_view text);

}  // namespace sparkfit::base
