// SPDX-License-Identifier: Apache-2.0
//
// An executor's memory has two parts: the heap, and what is outside of it (limit − heap: overhead,
// off-heap and PySpark memory together). A bracket is what runs showed of one part: a size that was
// too small, and sizes that went well.
#pragma once

#include <cstdint>

#include "sparkfit/base/bytes.h"
#include "sparkfit/model/shape.h"

namespace sparkfit::model {

// 0 stands for "not known" in every amount.
struct Bracket {
  base::Bytes too_small;       // the largest size that was too small
  base::Bytes enough;          // while a size is known to be too small: at least this much is given
  base::Bytes use;             // a run that never used more than this in all did not need more than
                               // `too_small` of this part
  base::Bytes well;            // the smallest size that a run went well with
  base::Bytes roomiest;        // the largest one
  std::uint8_t refuted = 0;    // whole runs since that showed `too_small` to be enough
  std::uint8_t forgotten = 0;  // how often that many did, so that it was forgotten
  bool killed = false;         // an executor died of it, rather than being slow

  // How many runs have to show it. Samples may miss the peak that kills, and what they refute is
  // then learnt and forgotten in turns: each time it takes twice as many.
  static constexpr int kRefutations = 3;
  static constexpr int kMostForgotten = 4;
  [[nodiscard]] int RefutationsNeeded() const { return kRefutations << forgotten; }

  // An executor died of having no more than `size`. `next` is given from now on, unless it is 0;
  // `in_all` is the use that would have done with `size`. What went well with as little is
  // forgotten.
  void Killed(base::Bytes size, base::Bytes next, base::Bytes in_all);

  // An executor died of something that says nothing of the part: while that lasts, at least `next`.
  void AskFor(base::Bytes next);

  // An executor did badly with `size` and lived.
  void TooSmall(base::Bytes size);

  // A whole run went well with `size` and never used more than `used` in all. So many that show
  // `too_small` to be enough end it; where nothing is known to be too small, any run does.
  void WentWell(base::Bytes size, base::Bytes used);

  // An executor on trial did well with `size`.
  void TriedWell(base::Bytes size);

  // What was too small may be enough now: the job has much less to do.
  void ForgetTooSmall();

  // Sizes that went well say nothing any more: the job was submitted with another size.
  void ForgetSizes() {
    well = roomiest = base::Bytes{};
    forgotten = 0;
  }

  friend bool operator==(const Bracket&, const Bracket&) = default;
};

}  // namespace sparkfit::model
