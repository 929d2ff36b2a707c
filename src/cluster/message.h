// SPDX-License-Identifier: Apache-2.0
//
// What the threads tell the main loop.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <unordered_set>
#include <variant>
#include <vector>

#include "sparkfit/admission/admission.h"
#include "sparkfit/base/time.h"
#include "sparkfit/model/constraints.h"
#include "sparkfit/model/observation.h"

namespace sparkfit::cluster {

enum class Kind { kPods, kNodes, kRecommendations, kLimitRanges, kResourceQuotas };

// What admission has to know besides the observations.
inline bool ConstrainsPods(Kind kind) {
  return kind == Kind::kLimitRanges || kind == Kind::kResourceQuotas;
}

// A collection was listed, of one namespace or, where that is empty, of all: what is not among
// these (UIDs; names of nodes; namespace/name of the others) is gone. Or these are gone, of which
// nothing else could be read.
struct Listed {
  Kind kind;
  std::unordered_set<std::string> ids;
  std::string name_space = {};
  bool are_gone = false;

  [[nodiscard]] bool IsGone(const std::string& of_name_space, const std::string& id) const {
    const bool covered = name_space.empty() || name_space == of_name_space;
    return covered && ids.contains(id) == are_gone;
  }
};

struct Usage {
  base::Time t;
  std::vector<model::UsageSample> samples;
};

// A driver that may be asked.
struct Driver {
  std::string uid;
  std::string name_space;
  std::string pod;
  std::string application;    // of letters, digits, and - _ . within
  std::string address;        // of the pod, as text: IPv4 or IPv6
  std::uint16_t port = 0;     // of Spark's UI
  bool has_executors = true;  // that run now
  bool watched = false;       // closely: more is asked, and more often
  bool allowed = false;       // by its job, which expects answers to be had
};

// A LimitRange or a ResourceQuota is there, has changed or is gone.
struct ConstraintEvent {
  Kind kind;
  model::EventType event;
  std::string name_space;
  std::string name;
  model::Constraints constraints;
};

// Admission left a pod alone that wanted to be sized.
struct Refused {
  model::Key key;
  admission::Reason reason;
  std::string pod;
};

struct Leading {
  bool leading;
};

// What another leader left for us with the lease: foreign text.
struct Noted {
  std::string note;
};

// What became of a write.
struct Written {
  enum class What {
    kCreate,
    kPublish,
    kMarkDuplicate,
    kDelete,  // a recommendation that nobody needs any more
    kEvent,
  };
  enum class Outcome {
    kDone,
    kFailed,   // may work later
    kGone,     // the object is not the one that was meant
    kForeign,  // somebody else wrote the checkpoint
  };
  model::Key key;
  What what;
  Outcome outcome;
  std::string version;  // of the checkpoint, where it was written
  std::string why;
  std::string object_version = {};  // of the recommendation, where its status was written
  std::uint64_t term = 0;           // of the write
  bool checkpoint_gone = false;     // the one that was to be replaced: somebody deleted it
};

using Message = std::variant<model::Observation, Listed, Usage, ConstraintEvent, Refused, Leading,
                             Noted, Written>;

// How many bytes it takes, about; of those of which there may be many.
inline std::size_t SizeOf(const Message& message) {
  if (const auto* usage = std::get_if<Usage>(&message)) {
    constexpr std::size_t kTexts = 160;  // names of a pod and its container
    return sizeof(Message) + usage->samples.size() * (sizeof(model::UsageSample) + kTexts);
  }
  const auto* observation = std::get_if<model::Observation>(&message);
  if (observation == nullptr) return sizeof(Message);
  if (const auto* event = std::get_if<model::PodEvent>(&observation->what)) {
    return model::SizeOf(*event->pod);
  }
  const auto* reading = std::get_if<model::DriverReading>(&observation->what);
  return sizeof(Message) +
         (reading != nullptr ? reading->executors.size() * sizeof(model::ExecutorReading) : 0);
}

// Bounded: who is faster than the main loop waits.
class Inbox {
 public:
  static constexpr std::size_t kMost = 4096;
  static constexpr std::size_t kMostBytes = std::size_t{16} << 20;  // and one message

  // False where it was asked to stop while it waited.
  bool Push(Message message, const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait(lock, stop, [&] { return HasRoom(); })) return false;
    Put(std::move(message));
    return true;
  }

  // False where it would have to wait.
  bool TryPush(Message message) {
    const std::scoped_lock lock(mutex_);
    if (!HasRoom()) return false;
    Put(std::move(message));
    return true;
  }

  // All that is there; waits at most this long for something.
  std::deque<Message> TakeAll(base::Duration longest, const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, stop, longest, [&] { return !messages_.empty(); });
    std::deque<Message> taken;
    taken.swap(messages_);
    bytes_ = 0;
    changed_.notify_all();
    return taken;
  }

 private:
  [[nodiscard]] bool HasRoom() const { return messages_.size() < kMost && bytes_ < kMostBytes; }
  void Put(Message message) {
    bytes_ += SizeOf(message);
    messages_.push_back(std::move(message));
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<Message> messages_;
  std::size_t bytes_ = 0;
};

}  // namespace sparkfit::cluster
