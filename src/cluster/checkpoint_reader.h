// SPDX-License-Identifier: Apache-2.0
//
// The checkpoints of the cluster, as a new leader takes them up: one after the other, each judged
// by whose it is before its data is looked at. Anybody may have written them: those of a namespace
// take that namespace's share of time and memory at most.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <stop_token>
#include <string>
#include <utility>

#include "session.h"
#include "shares.h"
#include "sparkfit/base/log.h"
#include "sparkfit/base/result.h"
#include "sparkfit/exposition/own_metrics.h"
#include "sparkfit/kube/client.h"
#include "sparkfit/kube/list_watch.h"
#include "sparkfit/wire/object_reader.h"
#include "world.h"

namespace sparkfit::cluster {

// What of checkpoints is taken. For its own a namespace has what its pods and recommendations,
// which are there, account for; beyond that, of what is there for all.
struct CheckpointShares {
  // Executors and pods; an executor that lives is both, and takes about 1.2 KB. For all: those that
  // ended while nobody led.
  std::size_t records_of_pod = 2;
  std::size_t records_of_one = 50'000;
  std::size_t records = 150'000;
  // Bytes of data that are read, good or bad. An executor that lives is about 600 of it, a key with
  // full rings 20 KB.
  std::size_t text_of_pod = 1024;
  std::size_t text_of_key = std::size_t{32} << 10;
  std::size_t text_of_one = std::size_t{32} << 20;
  std::size_t text = std::size_t{128} << 20;
  std::size_t aside_of_one = 20;  // copies of what cannot be read
  std::size_t aside = 200;
};

class CheckpointReader {
 public:
  // `alive` is called at each object and each page. REQUIRES: what is referred to outlives the
  // reader, and `world`, which knows the recommendations, does not change meanwhile.
  CheckpointReader(kube::Client& client, const World& world, const base::Logger& log,
                   exposition::OwnMetrics& metrics, std::function<void()> alive,
                   const CheckpointShares& shares = {});

  // Gives those of the namespace, of all where that is empty: each once, and of a key the one of
  // the recommendation that counts, by its name and UID. What cannot be read is kept as a copy
  // before somebody writes over it. An error: not all are known, nor may any be believed to be
  // missing.
  base::Result<void> Read(const std::string& name_space, const Restore& restore,
                          const std::stop_token& stop);

  // Checkpoints of which nothing was believed, as they are no recommendation's that counts.
  [[nodiscard]] std::size_t Ignored() const { return ignored_; }

 private:
  void Take(const kube::Object& listed, const Restore& restore, const std::stop_token& stop);
  void Judge(const kube::Object& listed, const Restore& restore, const std::stop_token& stop);
  void PutAside(const kube::Object& listed, const base::Error& why, const std::stop_token& stop);
  // Of a namespace one is told of, the others are counted.
  void LeaveOut(const kube::Identity& id, const char* why);
  void TellLeftOut();

  kube::Client& client_;
  const World& world_;
  const base::Logger& log_;
  exposition::OwnMetrics& metrics_;
  std::function<void()> alive_;
  wire::ObjectReader reader_;
  OwnAndShares records_;
  OwnAndShares texts_;
  Shares aside_;
  std::set<World::ObjectName> seen_;
  std::map<std::string, std::size_t> left_out_;  // by namespace
  std::size_t ignored_ = 0;
  bool lost_ = false;  // nobody answered when a copy was to be made
};

}  // namespace sparkfit::cluster
