// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/model/key.h"

#include <fmt/format.h>

namespace sparkfit::model {

std::string Key::Encode() const {
  return fmt::format("{}:{}{}:{}{}", name_space.size(), name_space, signature.size(), signature,
                     profile);
}

}  // namespace sparkfit::model
