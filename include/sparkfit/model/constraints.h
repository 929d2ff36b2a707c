// SPDX-License-Identifier: Apache-2.0
//
// What the API server checks of a pod's memory after all webhooks, and what of a pod it checks.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "sparkfit/base/bytes.h"

namespace sparkfit::model {

// Memory of a container, or of several together.
struct Amounts {
  base::Bytes request;
  base::Bytes limit;

  friend constexpr bool operator==(const Amounts&, const Amounts&) = default;
};

// What a LimitRange allows of each container, or of each pod's sum.
struct AllowedMemory {
  std::optional<base::Bytes> min;         // of request and limit
  std::optional<base::Bytes> max;         // likewise
  std::optional<std::int64_t> max_ratio;  // limit / request, in thousandths
};

// A LimitRange or a ResourceQuota as far as memory goes, or several in one.
struct Constraints {
  AllowedMemory container;
  AllowedMemory pod;
  // What quotas leave to pods that are still to come.
  std::optional<base::Bytes> requests_left;
  std::optional<base::Bytes> limits_left;
  bool known = true;  // false: something of a LimitRange could not be read
};

// Of a LimitRange that could not be read anything may be true. Of such a quota it is known that a
// pod fits where a larger one does.
inline Constraints UnknownRange() {
  Constraints unknown;
  unknown.known = false;
  return unknown;
}
inline Constraints UnknownQuota() {
  Constraints unknown;
  unknown.requests_left = unknown.limits_left = base::Bytes{};
  return unknown;
}

namespace internal {
template <typename T>
void AtLeast(std::optional<T>& bound, const std::optional<T>& other) {
  if (other) bound = std::max(bound.value_or(*other), *other);
}
template <typename T>
void AtMost(std::optional<T>& bound, const std::optional<T>& other) {
  if (other) bound = std::min(bound.value_or(*other), *other);
}
inline void Add(AllowedMemory& all, const AllowedMemory& other) {
  AtLeast(all.min, other.min);
  AtMost(all.max, other.max);
  AtMost(all.max_ratio, other.max_ratio);
}
}  // namespace internal

// Both hold: of each bound the stricter one.
inline void Add(Constraints& all, const Constraints& other) {
  internal::Add(all.container, other.container);
  internal::Add(all.pod, other.pod);
  internal::AtMost(all.requests_left, other.requests_left);
  internal::AtMost(all.limits_left, other.limits_left);
  all.known = all.known && other.known;
}

}  // namespace sparkfit::model
