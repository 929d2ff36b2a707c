// SPDX-License-Identifier: Apache-2.0
//
// What a Prometheus-compatible server answers to a range query:
// https://prometheus.io/docs/prometheus/latest/querying/api/#range-queries
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sparkfit/base/result.h"
#include "sparkfit/base/time.h"

namespace sparkfit::wire {

struct PrometheusPoint {
  base::Time t{};
  double value = 0;  // finite
};

struct PrometheusSeries {
  std::vector<std::pair<std::string, std::string>> labels;  // those that were wanted
  std::vector<PrometheusPoint> points;                      // each later than the one before

  // Empty where the series has no such label: in Prometheus that is the same.
  [[nodiscard]] std::string_view Label(std::string_view name) const;
};

struct PrometheusAnswer {
  std::vector<PrometheusSeries> series;
  std::size_t unusable_points = 0;  // NaN, infinite, no number, or not later than the one before
  // Series with a wanted label that is longer than any in Kubernetes; left out.
  std::size_t unusable_series = 0;
  std::string first_unusable;         // which one
  std::vector<std::string> warnings;  // of the server, the first few
};

// No name and no label value in Kubernetes is longer (a DNS subdomain).
inline constexpr std::size_t kLongestLabelValue = 253;

// Labels that are not wanted are passed over. kMalformed where it is no matrix. The server's own
// error with its kind ("bad_data: parse error …"): kInvalidArgument where the query is at fault,
// kUnavailable else.
base::Result<PrometheusAnswer> ReadPrometheusAnswer(
    std::string body, const std::function<bool(std::string_view label)>& wanted);

}  // namespace sparkfit::wire
