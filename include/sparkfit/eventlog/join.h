// SPDX-License-Identifier: Apache-2.0
//
// An observation log of the same executors, as of a Prometheus: it knows how much memory they used,
// and event logs nearly all else.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "sparkfit/base/result.h"
#include "sparkfit/model/observation.h"
#include "sparkfit/replay/observation_reader.h"

namespace sparkfit::eventlog {

class OtherLog {
 public:
  using Open = std::function<base::Result<std::unique_ptr<replay::ByteSource>>()>;

  // Reads it once, to know whose usage is in it. It is opened again for its observations, so that
  // none is kept.
  static base::Result<std::unique_ptr<OtherLog>> Read(const std::string& name, const Open& open);

  using Pod = std::pair<std::string, std::string>;  // namespace and name
  [[nodiscard]] bool HasUsageOf(const Pod& pod) const { return measured_.contains(pod); }

  // The next observation that is not about pods that the event logs tell of better. Of their usage
  // there is one of their executor's container, under the name that event logs have for it.
  struct Known {
    std::set<Pod> executors;
    std::set<Pod> applications;  // namespace and id
  };
  base::Result<std::optional<model::Observation>> Next(const Known& known);

  [[nodiscard]] const replay::Problems& GetProblems() const { return reader_->GetProblems(); }

 private:
  OtherLog(std::string name, Open open) : name_(std::move(name)), open_(std::move(open)) {}
  base::Result<void> Begin();
  bool Keep(model::Observation& observation, const Known& known) const;

  std::string name_;
  Open open_;
  std::unique_ptr<replay::ObservationReader> reader_;
  std::map<Pod, std::string> containers_;  // of executors
  std::set<Pod> measured_;
};

}  // namespace sparkfit::eventlog
