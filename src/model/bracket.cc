// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/model/bracket.h"

#include <algorithm>

namespace sparkfit::model {

using base::Bytes;

void Bracket::Killed(Bytes size, Bytes next, Bytes in_all) {
  if (size >= too_small) use = in_all;
  TooSmall(size);
  killed = true;
  enough = std::max(enough, next);
}

void Bracket::AskFor(Bytes next) {
  refuted = 0;
  enough = std::max(enough, next);
}

void Bracket::TooSmall(Bytes size) {
  refuted = 0;
  if (size > too_small) killed = false;
  too_small = std::max(too_small, size);
  use = std::max(use, too_small);
  if (well <= too_small) well = Bytes{};
}

void Bracket::WentWell(Bytes size, Bytes used) {
  roomiest = std::max(roomiest, size);
  const bool refutes = too_small.value > 0 ? size <= too_small || used <= use : enough.value > 0;
  if (refutes && ++refuted >= RefutationsNeeded()) {
    if (too_small.value > 0 && forgotten < kMostForgotten) ++forgotten;
    ForgetTooSmall();
  }
  TriedWell(size);
}

void Bracket::ForgetTooSmall() {
  too_small = enough = use = Bytes{};
  refuted = 0;
  killed = false;
}

void Bracket::TriedWell(Bytes size) {
  if (size <= too_small) return;
  well = well.value > 0 ? std::min(well, size) : size;
}

}  // namespace sparkfit::model
