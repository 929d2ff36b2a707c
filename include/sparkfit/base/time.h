// SPDX-License-Identifier: Apache-2.0
//
// Points in time and durations as Kubernetes and people write them.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "sparkfit/base/result.h"

namespace sparkfit::base {

// Wall-clock time, UTC, to the millisecond. For everything that is shown, stored or compared with
// times from the API; never for measuring how long something took.
using Time = std::chrono::sys_time<std::chrono::milliseconds>;
using Duration = std::chrono::milliseconds;

// RFC 3339, any fraction (cut to milliseconds), Z or an offset. Years 1970 to 9999.
Result<Time> ParseTime(std::string_view text);

// 2026-11-23T10:08:20Z, with milliseconds where they are not zero.
std::string FormatTime(Time time);

// Go's and Prometheus' forms: 24h, 1h30m, 90s, 250ms, 7d. Not negative, at most 100 years.
Result<Duration> ParseDuration(std::string_view text);

// The same form back, largest units first: 24h, 1h30m, 0s.
std::string FormatDuration(Duration duration);

}  // namespace sparkfit::base
