// SPDX-License-Identifier: Apache-2.0
#include "run_index.h"

#include <algorithm>

#include "sparkfit/base/hash.h"

namespace sparkfit::controller {
namespace {

std::uint64_t HashOf(const std::string& name_space, const std::string& application) {
  return base::Fnv1a(name_space + '/' + application);
}

}  // namespace

void RunIndex::Put(Entry& entry, const std::string& application) {
  const auto hash = HashOf(entry.history.GetKey().name_space, application);
  entry.runs.push_back(hash);
  entries_.emplace(hash, &entry);
}

void RunIndex::Add(Entry& entry, const std::string& application) {
  // Runs that the history forgot are dropped when they are as many as those that it knows.
  if (entry.runs.size() <= 2 * entry.history.Applications().size()) {
    return Put(entry, application);
  }
  Remove(entry);
  AddAll(entry);
}

void RunIndex::AddAll(Entry& entry) {
  for (const auto& application : entry.history.Applications()) {
    if (application.ended && application.outcome != model::Outcome::kUnseen) continue;
    Put(entry, application.id.Text());
  }
}

void RunIndex::Remove(Entry& entry) {
  for (const auto hash : entry.runs) {
    const auto [begin, end] = entries_.equal_range(hash);
    const auto own =
        std::find_if(begin, end, [&](const auto& other) { return other.second == &entry; });
    if (own != end) entries_.erase(own);
  }
  entry.runs = {};
}

std::vector<Entry*> RunIndex::Take(const std::string& name_space, const std::string& application) {
  const auto hash = HashOf(name_space, application);
  std::vector<Entry*> found;
  const auto [begin, end] = entries_.equal_range(hash);
  for (auto entry = begin; entry != end;) {
    if (entry->second->history.GetKey().name_space != name_space) {
      ++entry;
      continue;
    }
    std::erase(entry->second->runs, hash);
    found.push_back(entry->second);
    entry = entries_.erase(entry);
  }
  std::sort(found.begin(), found.end(), [](const Entry* a, const Entry* b) {
    return a->history.GetKey() < b->history.GetKey();
  });
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

}  // namespace sparkfit::controller
