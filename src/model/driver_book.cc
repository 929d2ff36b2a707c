// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/model/driver_book.h"

namespace sparkfit::model {

bool DriverBook::Put(const PodFacts& driver, bool over) {
  const bool known = drivers_.contains(driver.uid);
  Remove(driver.uid);
  drivers_[driver.uid] = {driver.name_space, driver.app_selector, driver.settings, over};
  if (!driver.app_selector.empty()) {
    auto& selected = selected_[{driver.name_space, driver.app_selector}];
    (over ? selected.over : selected.live).insert(driver.uid);
  }
  return !known;
}

void DriverBook::Remove(const std::string& uid) {
  const auto driver = drivers_.find(uid);
  if (driver == drivers_.end()) return;
  const auto selected = selected_.find({driver->second.name_space, driver->second.selector});
  if (selected != selected_.end()) {
    auto& [live, over] = selected->second;
    (driver->second.over ? over : live).erase(uid);
    if (live.empty() && over.empty()) selected_.erase(selected);
  }
  drivers_.erase(driver);
}

const PodSettings* DriverBook::Of(const PodFacts& executor) const {
  const auto owner = drivers_.find(executor.owner_uid);
  if (owner != drivers_.end() && owner->second.name_space == executor.name_space) {
    return &owner->second.settings;
  }
  const auto selected = selected_.find({executor.name_space, executor.app_selector});
  if (selected == selected_.end()) return nullptr;
  const auto& [live, over] = selected->second;
  const auto& candidates = live.empty() ? over : live;
  return candidates.size() == 1 ? &drivers_.at(*candidates.begin()).settings : nullptr;
}

bool DriverBook::Has(const std::string& name_space, const std::string& application) const {
  const auto driver = drivers_.find(application);
  return selected_.contains({name_space, application}) ||
         (driver != drivers_.end() && driver->second.name_space == name_space);
}

bool DriverBook::IsShared(const PodFacts& driver) const {
  const auto selected = selected_.find({driver.name_space, driver.app_selector});
  if (selected == selected_.end()) return false;
  const auto& live = selected->second.live;
  return live.size() > live.count(driver.uid);
}

}  // namespace sparkfit::model
