// SPDX-License-Identifier: Apache-2.0
//
// Writes objects, one after another, on a thread of its own: what is urgent first, else in turns of
// namespaces (fair_queue.h), and what is written about one key in the order in which it came. Every
// write names the object by UID or version, so that it cannot hit another one, and may safely
// arrive twice.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>

#include "fair_queue.h"
#include "message.h"
#include "sparkfit/kube/client.h"
#include "sparkfit/wire/objects.h"

namespace sparkfit::cluster {

// What is written about one key. The checkpoint is written before the status: what was published is
// never newer than what would be restored.
struct Write {
  model::Key key;
  Written::What what;
  std::string body = {};        // kCreate, kEvent, kDelete
  wire::ObjectRef object = {};  // kPublish, kMarkDuplicate, kDelete
  std::string checkpoint = {};  // a patch; empty: not
  std::string data = {};        // of the checkpoint, to know it again
  std::string status = {};      // a patch; empty: not
  bool urgent = false;          // an OOM waits for it
  std::uint64_t term = 0;       // of the session that wants it; of an Event it does not matter

  // Of all its texts.
  [[nodiscard]] std::size_t Bytes() const {
    return body.size() + checkpoint.size() + data.size() + status.size();
  }
};

class Writer {
 public:
  // Asked with a write's term before every request but those of Events: it may have ended.
  using MayWrite = std::function<bool(std::uint64_t term)>;
  Writer(kube::Client& client, Inbox& inbox, MayWrite may_write)
      : client_(client), inbox_(inbox), may_write_(std::move(may_write)) {}

  // REQUIRES: of each term at most one kCreate or kPublish for each key is not yet reported as
  // Written.
  void Submit(Write write);
  // False where so much waits of this namespace, or of all, that what can wait is to be submitted
  // later. Safe for concurrent use.
  [[nodiscard]] bool HasRoom(const std::string& name_space) const;
  void Run(const std::stop_token& stop);

 private:
  // What is within its room is written in seconds if nothing else is: at 20 ms for a write 64 take
  // little more than one. An Event is about 1 KB, so that all together take a few MB.
  static constexpr std::size_t kMostOfOne = 64;
  static constexpr std::size_t kMostInAll = 2048;

  Written Carry(const Write& write, const std::stop_token& stop);
  Written Ask(const Write& write, const kube::Call& call, const std::stop_token& stop);
  Written Publish(const Write& write, const std::stop_token& stop);
  base::Result<kube::Reply> ApplyCheckpoint(const Write& write, const std::stop_token& stop);
  base::Result<kube::Reply> PatchStatus(const Write& write, const std::stop_token& stop);
  Written::Outcome LookAtCheckpoint(const Write& write, std::string& version,
                                    const std::stop_token& stop);

  kube::Client& client_;
  Inbox& inbox_;
  MayWrite may_write_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  FairQueue<Write> queue_{{.of_one = kMostOfOne, .in_all = kMostInAll}};
};

}  // namespace sparkfit::cluster
