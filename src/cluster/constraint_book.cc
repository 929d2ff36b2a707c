// SPDX-License-Identifier: Apache-2.0
#include "constraint_book.h"

namespace sparkfit::cluster {

void ConstraintBook::Take(const ConstraintEvent& event) {
  const Id id{event.name_space, event.kind, event.name};
  if (event.event == model::EventType::kDeleted) {
    objects_.erase(id);
  } else {
    objects_.insert_or_assign(id, event.constraints);
  }
}

void ConstraintBook::SetListed(const Listed& listed) {
  if (!listed.are_gone) listed_.emplace(listed.kind, listed.name_space);
  std::erase_if(objects_, [&](const auto& entry) {
    const auto& [name_space, kind, name] = entry.first;
    return kind == listed.kind && listed.IsGone(name_space, name_space + "/" + name);
  });
}

model::Constraints ConstraintBook::Of(const std::string& name_space) const {
  model::Constraints all;
  all.known = IsListed(Kind::kLimitRanges, name_space);
  if (!IsListed(Kind::kResourceQuotas, name_space)) model::Add(all, model::UnknownQuota());
  for (auto object = objects_.lower_bound({name_space, Kind{}, ""});
       object != objects_.end() && std::get<0>(object->first) == name_space; ++object) {
    model::Add(all, object->second);
  }
  return all;
}

}  // namespace sparkfit::cluster
