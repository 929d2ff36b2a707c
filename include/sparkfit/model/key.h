// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <string>

namespace sparkfit::model {

// What has a history of its own: a recurring job's executors of one resource profile. A signature
// is only ever compared within its namespace.
struct Key {
  std::string name_space;
  std::string signature;
  int profile = 0;

  // Namespace first, then signature, then profile: the order of every listing.
  friend auto operator<=>(const Key&, const Key&) = default;

  // One string for the whole key, such as "4:jobs7:nightly0". Injective: both texts carry their
  // length, so no two keys share an encoding whatever characters they hold.
  [[nodiscard]] std::string Encode() const;
};

}  // namespace sparkfit::model
