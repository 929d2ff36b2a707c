// SPDX-License-Identifier: Apache-2.0
//
// Settings that nobody can have meant, and what was probably meant: "4096m" is 4.096 bytes in
// Kubernetes, "adaptve" is no policy. The messages end in a question, as `"4096m" is 4.096 bytes in
// Kubernetes; 4096Mi?`, where there is a likely answer.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "sparkfit/base/bytes.h"
#include "sparkfit/base/result.h"

namespace sparkfit::base {

// No executor runs with less: Spark refuses heaps below 450 MiB. A bound below it is a mistake in
// the unit.
inline constexpr Bytes kSmallestBound = MiB(64);

// A bound of an executor's memory as a person writes it: a quantity of at least `least`, not in
// thousandths of bytes or less (suffixes m, u, n). kInvalidArgument, with what was probably meant,
// else.
Result<Bytes> ParseBound(std::string_view text, Bytes least = kSmallestBound);

// "true" or "false"; kInvalidArgument, with what was probably meant, else.
Result<bool> ParseBoolean(std::string_view text);

// The known name that is nearest: the same without case and separators, or else with at most two
// letters (one in names of up to four) left out, added, replaced or swapped. Empty: none is near.
std::string_view Nearest(std::string_view text, std::span<const std::string_view> known);

// A share that was written as a percentage: "0.9" for 90 or 90%, where only that is from `low` to
// `high`. Empty: it was not.
std::string MeantShare(std::string_view text, double low, double high);

// "; adaptive?", to stand behind what is wrong; nothing where `meant` is empty.
std::string Suggestion(std::string_view meant);

}  // namespace sparkfit::base
