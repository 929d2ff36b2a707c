// SPDX-License-Identifier: Apache-2.0
//
// The drivers that are known, and which of them an executor belongs to.
//
// Spark's own allocator makes the driver the executors' owner. With the allocators `statefulset`
// and `deployment` (spark.kubernetes.allocation.pods.allocator) that is a StatefulSet or a
// ReplicaSet, and only the label spark-app-selector, which driver and executors share, leads to the
// driver. Labels are anybody's to write: another namespace never matters, and of several drivers
// with one selector none is believed.
#pragma once

#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

#include "sparkfit/model/pod.h"

namespace sparkfit::model {

// Every question takes about as long however many drivers share a selector. Not safe for concurrent
// use.
class DriverBook {
 public:
  // A driver as its pod is now; `over`: it ended, or its pod is gone. True: it was not known.
  bool Put(const PodFacts& driver, bool over);
  void Remove(const std::string& uid);
  [[nodiscard]] std::size_t Size() const { return drivers_.size(); }

  // The settings of the executor's driver, null where none is known: of its owner, else of the only
  // driver in its namespace with its selector. One that is not over goes before others.
  [[nodiscard]] const PodSettings* Of(const PodFacts& executor) const;

  // Whether a driver is there whose application, or whose UID, this is.
  [[nodiscard]] bool Has(const std::string& name_space, const std::string& application) const;

  // Another driver in its namespace has its selector, and is not over.
  [[nodiscard]] bool IsShared(const PodFacts& driver) const;

 private:
  struct Driver {
    std::string name_space;
    std::string selector;
    PodSettings settings;
    bool over = false;
  };
  struct Selected {  // UIDs
    std::set<std::string> live;
    std::set<std::string> over;
  };

  std::unordered_map<std::string, Driver> drivers_;  // by UID
  std::map<std::pair<std::string, std::string>, Selected> selected_;
};

}  // namespace sparkfit::model
