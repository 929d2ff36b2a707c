// SPDX-License-Identifier: Apache-2.0
//
// Streams cut into pieces of bounded size, so that a list of any length needs the memory of one
// item: the items of a Kubernetes list, the events of a watch, lines of text. What is too large is
// passed over as it streams by, and is known by its identity all the same.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "json_walk.h"
#include "sparkfit/kube/object.h"

namespace sparkfit::kube {

// Cuts one object out of a walk.
class ObjectCutter {
 public:
  // The walk has met its opening.
  void Begin(const JsonWalk& walk);
  // What the walk has met since.
  void Meet(JsonWalk::Met what, const JsonWalk& walk);
  // More of its bytes.
  void Add(std::string_view bytes);
  [[nodiscard]] bool Begun() const { return depth_ > 0; }
  // The walk has met its end.
  [[nodiscard]] bool Ended(const JsonWalk& walk) const { return walk.Depth() < depth_; }
  // Valid until the next begins.
  [[nodiscard]] Object Take();
  // Of one that has no end yet.
  [[nodiscard]] const Identity& Id() const { return id_; }
  void Reset();

 private:
  int depth_ = 0;  // within it; 0: there is none
  bool in_metadata_ = false;
  bool too_large_ = false;
  std::string json_;
  Identity id_;
};

// {"metadata":{…},"items":[{…},{…}]}: every item, and what the list says of itself.
class ListSplitter {
 public:
  explicit ListSplitter(OnObject on_item) : on_item_(std::move(on_item)) {}

  // False for what is no list.
  bool Feed(std::string_view bytes);

  // Whether the list has ended; else it was cut off.
  [[nodiscard]] bool Complete() const { return complete_; }
  // metadata.resourceVersion and .continue; empty where they are not there.
  [[nodiscard]] const std::string& Version() const { return version_; }
  [[nodiscard]] const std::string& Next() const { return next_; }

 private:
  void Meet(JsonWalk::Met what);

  OnObject on_item_;
  JsonWalk walk_;
  ObjectCutter item_;
  bool in_items_ = false;
  bool in_metadata_ = false;
  bool complete_ = false;
  bool stray_ = false;
  std::string version_;
  std::string next_;
};

// {"type":"ADDED","object":{…}}, one a line.
struct Event {
  std::string type;
  Object object;          // without JSON also where the line is damaged
  std::string beginning;  // of the line, and its length: tells a line from others
};

class EventSplitter {
 public:
  explicit EventSplitter(std::function<void(const Event&)> on_event)
      : on_event_(std::move(on_event)) {}

  void Feed(std::string_view bytes);

 private:
  void Part(std::string_view bytes);
  void End();

  std::function<void(const Event&)> on_event_;
  JsonWalk walk_;
  ObjectCutter object_;
  bool ended_ = false;  // the object
  std::string type_;
  std::string beginning_;
  std::size_t length_ = 0;
};

}  // namespace sparkfit::kube
