// SPDX-License-Identifier: Apache-2.0
//
// Which keys have a run of an application whose driver was not seen to end: when it does, nobody
// looks through all keys of its namespace.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "job.h"

namespace sparkfit::controller {

class RunIndex {
 public:
  // A run of it has begun, or goes on after it was over. REQUIRES: Remove before the entry goes.
  void Add(Entry& entry, const std::string& application);
  // The same for the runs that its history knows.
  void AddAll(Entry& entry);
  void Remove(Entry& entry);

  // Keys that may have a run of it, which is over now, in their order: their histories know.
  std::vector<Entry*> Take(const std::string& name_space, const std::string& application);

  [[nodiscard]] std::size_t Size() const { return entries_.size(); }

 private:
  void Put(Entry& entry, const std::string& application);

  std::unordered_multimap<std::uint64_t, Entry*> entries_;  // by a hash of both names
};

}  // namespace sparkfit::controller
