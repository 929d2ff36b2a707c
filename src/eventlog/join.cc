// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/eventlog/join.h"

#include <algorithm>
#include <variant>

#include "sparkfit/eventlog/observations.h"

namespace sparkfit::eventlog {

using base::Result;

Result<void> OtherLog::Begin() {
  auto source = open_();
  if (!source) return base::Fail(name_, source.error());
  reader_ = std::make_unique<replay::ObservationReader>();
  return reader_->Add(name_, *std::move(source));
}

Result<std::unique_ptr<OtherLog>> OtherLog::Read(const std::string& name, const Open& open) {
  std::unique_ptr<OtherLog> log(new OtherLog(name, open));
  if (auto begun = log->Begin(); !begun) return tl::unexpected<base::Error>(begun.error());
  for (;;) {
    const auto observation = log->reader_->Next();
    if (!observation) return tl::unexpected<base::Error>(observation.error());
    if (!*observation) break;
    const auto& what = (*observation)->what;
    if (const auto* event = std::get_if<model::PodEvent>(&what)) {
      const model::PodFacts& pod = event->pod;
      if (pod.container) log->containers_[{pod.name_space, pod.name}] = *pod.container;
    } else if (const auto* sample = std::get_if<model::UsageSample>(&what)) {
      log->measured_.insert({sample->name_space, sample->pod});
    }
  }
  if (auto begun = log->Begin(); !begun) return tl::unexpected<base::Error>(begun.error());
  return log;
}

bool OtherLog::Keep(model::Observation& observation, const Known& known) const {
  if (const auto* event = std::get_if<model::PodEvent>(&observation.what)) {
    const model::PodFacts& pod = event->pod;
    if (pod.role == model::PodRole::kDriver) {
      return !known.applications.contains({pod.name_space, pod.app_selector});
    }
    return !known.executors.contains({pod.name_space, pod.name});
  }
  if (const auto* reading = std::get_if<model::DriverReading>(&observation.what)) {
    return !known.applications.contains({reading->name_space, reading->application});
  }
  auto* sample = std::get_if<model::UsageSample>(&observation.what);
  if (sample == nullptr) return true;
  const Pod pod{sample->name_space, sample->pod};
  if (!known.executors.contains(pod)) return true;
  const auto container = containers_.find(pod);
  auto& all = sample->containers;
  std::erase_if(all, [&](const auto& one) {
    return container != containers_.end() && one.container != container->second;
  });
  for (auto& one : all) one.container = kExecutorContainer;
  return !all.empty();
}

Result<std::optional<model::Observation>> OtherLog::Next(const Known& known) {
  for (;;) {
    auto observation = reader_->Next();
    if (!observation || !*observation || Keep(**observation, known)) return observation;
  }
}

}  // namespace sparkfit::eventlog
