// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/admission/constraints.h"

#include <cstdlib>

namespace sparkfit::admission {
namespace {

using base::Bytes;
using model::AllowedMemory;
using model::Amounts;

constexpr std::int64_t kThousand = 1000;

// In the API server's own floating point, so that both round alike.
bool IsWithin(std::int64_t max_ratio, const Amounts& size) {
  if (size.request.value == 0 || size.limit.value == 0) return false;
  const auto thousandths = [](Bytes amount) {
    return static_cast<double>(amount.value * kThousand);
  };
  const double ratio = thousandths(size.limit) / thousandths(size.request);
  return ratio * kThousand <= static_cast<double>(max_ratio);
}

bool IsWithin(const AllowedMemory& allowed, const Amounts& size) {
  const auto [least, most] = std::minmax(size.request, size.limit);
  return least >= allowed.min.value_or(Bytes{}) && most <= allowed.max.value_or(most) &&
         (!allowed.max_ratio || IsWithin(*allowed.max_ratio, size));
}

// The least that these accept as request with such a limit.
Bytes LeastRequestOf(const AllowedMemory& allowed, Bytes limit) {
  const Bytes min = allowed.min.value_or(Bytes{});
  if (allowed.max_ratio.value_or(0) <= 0) return min;
  const auto ratio = *allowed.max_ratio;
  return std::max(
      min, Bytes{limit.value * kThousand / ratio + (limit.value * kThousand % ratio > 0 ? 1 : 0)});
}

}  // namespace

// The containers that run together, or what an init container needs before them: what is more.
Amounts Acceptance::PodWith(const Amounts& size) const {
  const auto& beside = others_.beside;
  const auto& before = others_.before;
  return {std::max(size.request + beside.request, before.request),
          std::max(size.limit + beside.limit, before.limit)};
}

bool Acceptance::Accepts(const Amounts& size) const {
  const auto fits = [this](Bytes sum, Bytes submitted, const std::optional<Bytes>& left) {
    return sum <= submitted || !left || sum + others_.overhead <= *left;
  };
  const auto pod = PodWith(size);
  const auto submitted = PodWith(submitted_);
  return size.request <= size.limit && IsWithin(constraints_.container, size) &&
         IsWithin(constraints_.pod, pod) &&
         fits(pod.request, submitted.request, constraints_.requests_left) &&
         fits(pod.limit, submitted.limit, constraints_.limits_left);
}

Bytes Acceptance::LeastRequest(Bytes limit) const {
  const auto& beside = others_.beside;
  const auto& before = others_.before;
  const Bytes own = LeastRequestOf(constraints_.container, limit);
  const Bytes sum = LeastRequestOf(constraints_.pod, PodWith({{}, limit}).limit);
  return sum <= before.request ? own : std::max(own, sum - beside.request);
}

Bytes Acceptance::MostRequest(Bytes limit) const {
  const Bytes own = std::min(limit, constraints_.container.max.value_or(limit));
  Bytes sum = constraints_.pod.max.value_or(base::kLargestPlausible);
  if (const auto& left = constraints_.requests_left) {
    sum = std::min(sum, std::max(*left - others_.overhead, PodWith(submitted_).request));
  }
  return std::min(own, sum - others_.beside.request);
}

std::optional<Amounts> Acceptance::With(Bytes limit, std::optional<Bytes> request) const {
  Amounts size{limit, limit};
  if (request) size.request = std::min(std::max(*request, LeastRequest(limit)), MostRequest(limit));
  return Accepts(size) ? std::optional(size) : std::nullopt;
}

// What is accepted need not be one interval: a sum may keep its ratio below some limit, by an init
// container, and again above another one. Between a limit that is not accepted and one that is, a
// border is found all the same.
std::optional<Amounts> Acceptance::Nearest(Bytes limit, std::optional<Bytes> request) const {
  if (const auto size = With(limit, request)) return size;
  std::optional<Amounts> nearest;
  auto refused = limit.WholeMiB();
  auto accepted = limit < submitted_.limit ? submitted_.limit.RoundedUpToMiB().WholeMiB()
                                           : submitted_.limit.WholeMiB();
  while (std::abs(accepted - refused) > 1) {
    const auto middle = refused + (accepted - refused) / 2;
    if (const auto size = With(base::MiB(middle), request)) {
      nearest = size;
      accepted = middle;
    } else {
      refused = middle;
    }
  }
  return nearest;
}

}  // namespace sparkfit::admission
