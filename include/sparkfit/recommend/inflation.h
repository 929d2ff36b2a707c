// SPDX-License-Identifier: Apache-2.0
//
// Whether a key's peaks tell what its executors need, or which heap they were given: with
// -Xms = -Xmx a JVM touches its heap whatever the job needs.
#pragma once

#include <optional>
#include <string_view>

#include "sparkfit/base/bytes.h"
#include "sparkfit/model/shape.h"

namespace sparkfit::recommend {

enum class Inflation {
  kUnknown,   // no heap is known, or no executor was sampled often enough
  kBelow,     // the peaks are less than a JVM touches of such a heap
  kPossible,  // they are as much
  kTried,     // a smaller size was tried: the number follows from that and not from the peaks
};

// CamelCase, as a reason in conditions.
std::string_view Name(Inflation inflation);
// A sentence for people.
std::string_view Describe(Inflation inflation);

// Of executors of this size that used at most `peak`; 0: not known.
Inflation FindInflation(const model::ExecutorSize& size, base::Bytes peak);

}  // namespace sparkfit::recommend
