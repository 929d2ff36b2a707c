// SPDX-License-Identifier: Apache-2.0
//
// What Spark drivers say of their executors: the REST API of their UI, which has heaps and
// collections where a working set has neither. Only drivers of jobs that allow it are asked.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "sources.h"
#include "sparkfit/kube/plain_http.h"

namespace sparkfit::cluster {

class Drivers {
 public:
  // kube::PlainGet, or a test's. Called by several threads at the same time.
  using Get = std::function<kube::PlainAnswer(const kube::PlainRequest&, const std::stop_token&)>;

  // REQUIRES: `around` outlives this.
  Drivers(Get get, const Surroundings& around) : get_(std::move(get)), around_(around) {}

  // The drivers that may be asked from now on. Safe for concurrent use with Run.
  void SetDrivers(std::vector<Driver> drivers);

  // Asks each at every interval, from ten seconds after its first executor on until once after its
  // last, while `wanted` says so.
  void Run(base::Duration interval, const std::function<bool()>& wanted,
           const std::stop_token& stop);

 private:
  struct Entry {
    Driver driver;
    bool owes = false;  // an answer about executors that ran since the last one
    int failures = 0;   // since it last answered
    base::Clock::Steady not_before{};
  };

  struct Heard {
    std::string result;  // as the metric has it
    std::string why;     // empty: all is well
  };

  void TakeDrivers();
  std::vector<Entry*> Due();
  void Ask(Entry& entry, base::Duration interval, const std::stop_token& stop);
  // Tells the main loop what there is in an answer.
  Heard Hear(const Driver& driver, const kube::PlainAnswer& answer, const std::stop_token& stop);

  Get get_;
  const Surroundings& around_;
  std::map<std::string, Entry> entries_;  // by UID; of the thread that runs
  std::mutex reading_;                    // one answer at a time: the largest take memory

  std::mutex mutex_;
  std::vector<Driver> wanted_drivers_;
};

}  // namespace sparkfit::cluster
