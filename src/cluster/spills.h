// SPDX-License-Identifier: Apache-2.0
//
// What executors of one application spilled, and how many of their tasks were killed, over all of
// its stages. A list of stages tells how much each attempt spilled in all; whose it was takes a
// request for each attempt that spilled. Pure: what is to be asked is said, not done.
#pragma once

#include <cstddef>
#include <map>
#include <utility>
#include <vector>

#include "sparkfit/model/driver_reading.h"
#include "sparkfit/wire/driver_answer.h"

namespace sparkfit::cluster {

class Spills {
 public:
  // More is not kept: then nothing is told. Some 6 MiB for an application.
  static constexpr std::size_t kMostShares = 100'000;

  // The attempts that have figures and changed since they were last learnt, in the order of the
  // list: they are to be asked for their executors. One that has ended is asked once more, as its
  // executors' figures may lag behind until then.
  [[nodiscard]] std::vector<wire::StageAttempt> ToAsk(
      const std::vector<wire::StageAttempt>& listed) const;

  // What the executors of an attempt told, which was listed like this. It stays where Spark forgets
  // the stage. False, and nothing is learnt, where that would be more than kMostShares.
  bool Learn(const wire::StageAttempt& listed, std::vector<wire::ExecutorInStage> executors);

  // What is kept, attempts counted as shares.
  [[nodiscard]] std::size_t Size() const { return shares_; }

  // The sums into a reading, 0 where an executor is in no stage. REQUIRES: the attempts that were
  // to be asked for are learnt.
  void AddTo(model::DriverReading& reading) const;

 private:
  struct Known {
    wire::StageAttempt listed;
    std::vector<wire::ExecutorInStage> shares;  // those with figures
  };

  std::map<std::pair<std::int64_t, std::int64_t>, Known> known_;  // by stage and attempt
  std::size_t shares_ = 0;
};

}  // namespace sparkfit::cluster
