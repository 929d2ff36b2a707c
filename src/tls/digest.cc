// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/tls/digest.h"

#include <openssl/sha.h>

namespace sparkfit::tls {

std::string Digest(std::string_view text) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

}  // namespace sparkfit::tls
