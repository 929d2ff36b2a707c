// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/model/driver_book.h"

#include <algorithm>

namespace sparkfit::model {

bool DriverBook::Put(const PodFacts& driver, bool over) {
  const bool known = drivers_.contains(driver.uid);
  Remove(driver.uid);
  drivers_[driver.uid] = {driver.name_space, driver.app_selector, driver.settings, over};
  if (!driver.app_selector.empty()) {
    selected_[{driver.name_space, driver.app_selector}].insert(driver.uid);
  }
  return !known;
}

void DriverBook::Remove(const std::string& uid) {
  const auto driver = drivers_.find(uid);
  if (driver == drivers_.end()) return;
  const auto selected = selected_.find({driver->second.name_space, driver->second.selector});
  if (selected != selected_.end()) {
    selected->second.erase(uid);
    if (selected->second.empty()) selected_.erase(selected);
  }
  drivers_.erase(driver);
}

const PodSettings* DriverBook::Of(const PodFacts& executor) const {
  const auto owner = drivers_.find(executor.owner_uid);
  if (owner != drivers_.end() && owner->second.name_space == executor.name_space) {
    return &owner->second.settings;
  }
  if (const auto* running = Only(executor, false)) return &running->settings;
  const auto* former = IsShared(executor) ? nullptr : Only(executor, true);
  return former == nullptr ? nullptr : &former->settings;
}

// The one with its selector that is over, or that is not; null where there are several.
const DriverBook::Driver* DriverBook::Only(const PodFacts& executor, bool over) const {
  const auto selected = selected_.find({executor.name_space, executor.app_selector});
  if (selected == selected_.end()) return nullptr;
  const Driver* only = nullptr;
  for (const auto& uid : selected->second) {
    const auto& driver = drivers_.at(uid);
    if (driver.over != over) continue;
    if (only != nullptr) return nullptr;
    only = &driver;
  }
  return only;
}

bool DriverBook::Has(const std::string& name_space, const std::string& application) const {
  const auto driver = drivers_.find(application);
  return selected_.contains({name_space, application}) ||
         (driver != drivers_.end() && driver->second.name_space == name_space);
}

bool DriverBook::IsShared(const PodFacts& driver) const {
  const auto selected = selected_.find({driver.name_space, driver.app_selector});
  if (selected == selected_.end()) return false;
  return std::any_of(selected->second.begin(), selected->second.end(),
                     [&](const auto& uid) { return uid != driver.uid && !drivers_.at(uid).over; });
}

}  // namespace sparkfit::model
