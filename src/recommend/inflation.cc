// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/recommend/inflation.h"

namespace sparkfit::recommend {
namespace {

// A JVM that has touched all of G1's young generation, 60 % of the heap (G1MaxNewSizePercent), and
// next to nothing else.
constexpr double kTouchedAnyway = 0.55;

}  // namespace

std::string_view Name(Inflation inflation) {
  switch (inflation) {
    case Inflation::kUnknown:
      return "NotKnown";
    case Inflation::kBelow:
      return "BelowHeap";
    case Inflation::kPossible:
      return "OneHeapSize";
    case Inflation::kTried:
      return "Tried";
  }
  return "";
}

std::string_view Describe(Inflation inflation) {
  switch (inflation) {
    case Inflation::kUnknown:
      return "No run has shown its heap and a peak yet.";
    case Inflation::kBelow:
      return "Executors use less than 55 % of their heap, which a JVM touches whatever it needs.";
    case Inflation::kPossible:
      return "Executors use at least 55 % of their heap. With -Xms = -Xmx a JVM does so "
             "whatever it needs: only a trial with a smaller heap tells.";
    case Inflation::kTried:
      return "A smaller size was tried; the recommendation follows from that.";
  }
  return "";
}

Inflation FindInflation(const model::ExecutorSize& size, base::Bytes peak) {
  if (!size.heap || peak.value == 0) return Inflation::kUnknown;
  return peak < base::Scaled(*size.heap, kTouchedAnyway) ? Inflation::kBelow : Inflation::kPossible;
}

}  // namespace sparkfit::recommend
