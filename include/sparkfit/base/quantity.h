// SPDX-License-Identifier: Apache-2.0
//
// Kubernetes quantities, the whole grammar of k8s.io/apimachinery/pkg/api/resource:
//   number = [+|-] digits | digits "." digits | digits "." | "." digits
//   suffix = Ki Mi Gi Ti Pi Ei | n u m "" k M G T P E | (e|E) [+|-] digits
// `12E` is exa, `12E3` an exponent.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sparkfit/base/bytes.h"
#include "sparkfit/base/result.h"

namespace sparkfit::base {

// The quantity as a whole number, rounded away from zero (as Quantity.Value() does) and capped at
// ±(2^63−1) as apimachinery caps it. kMalformed for anything outside the grammar.
Result<std::int64_t> ParseQuantity(std::string_view text);

// The same in thousandths, as Quantity.MilliValue() has it: what ratios and comparisons of the API
// server count in.
Result<std::int64_t> ParseThousandths(std::string_view text);

// An amount of memory: a quantity that is not negative and at most kLargestPlausible, else
// kMalformed with the reason.
Result<Bytes> ParseMemory(std::string_view text);

// A JVM size as SPARK_EXECUTOR_MEMORY carries it: digits and one of b k m g t p, optionally
// followed by b, in either case; a bare number is MiB (Spark's byteStringAsMb). kMalformed else.
Result<Bytes> ParseJvmMemory(std::string_view text);

// The shortest exact Kubernetes form: 5734Mi, 97657Ki, 1000.
std::string FormatQuantity(Bytes amount);

// For people: "1,733.4 MiB"; no decimals where it is whole.
std::string FormatMiB(Bytes amount);

// Thousands separated by commas: 1234567 → "1,234,567".
std::string FormatCount(std::int64_t number);

}  // namespace sparkfit::base
