// SPDX-License-Identifier: Apache-2.0
//
// A collection of objects, followed: listed by pages, then watched, for ever.
//
// No event is lost: a watch goes on from the last version that was seen, whatever cut it off.
// Where the server no longer knows that version, or half a minute of watches failed, everything is
// listed anew. No event is given twice between two lists, unless the server goes back to an older
// version.
#pragma once

#include <cstddef>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

#include "sparkfit/base/result.h"
#include "sparkfit/base/wait.h"
#include "sparkfit/kube/client.h"
#include "sparkfit/kube/object.h"

namespace sparkfit::kube {

struct Collection {
  std::string resource;        // for metrics: pods
  std::string path;            // /api/v1/pods
  std::string label_selector;  // as kubectl takes it; empty: all
};

// The collection in one namespace only; as it is where that is empty.
Collection Within(Collection collection, const std::string& name_space);

enum class Change { kAdded, kModified, kDeleted };

// Takes what happens, on the thread that follows. An object that is too large, or cannot be
// understood, is the handler's to count; it is there until it is deleted.
class CollectionHandler {
 public:
  virtual ~CollectionHandler() = default;
  // A list begins; what it does not name is gone. Also where an unfinished list begins anew.
  virtual void OnListBegin() = 0;
  // Some twice, where an answer broke off.
  virtual void OnListed(const Object& object) = 0;
  virtual void OnListEnd() = 0;
  virtual void OnChange(Change change, const Object& object) = 0;
  // The server cannot be reached or refuses; it is tried again. Empty: all is well again.
  virtual void OnTrouble(const std::string& why) = 0;
};

// A list that is more than this is no cluster's, but one without end: it fails, and what is known
// stays as it is. Kubernetes is made for 150,000 pods, and an API server remembers the version that
// a list is of for five minutes.
struct ListBounds {
  std::size_t objects = 300'000;
  std::size_t pages = 10'000;
  base::Duration time = std::chrono::minutes(10);
};

// Every object, some twice where an answer broke off; by pages of at most 500, smaller ones where
// they are more, or take longer, than an answer may. The list's resourceVersion. kNotFound with an
// empty message where the list expired between two pages (410): begin anew. `on_page`, if given, is
// called before each page is asked for.
base::Result<std::string> List(Client& client, const Collection& collection,
                               const OnObject& on_item, const std::stop_token& stop,
                               const ListBounds& bounds = {},
                               const std::function<void()>& on_page = {});

struct Event;

class Reflector {
 public:
  // REQUIRES: what is referred to outlives the reflector.
  Reflector(Client& client, base::Waiter& waiter, Collection collection, CollectionHandler& handler,
            const ListBounds& bounds = {});

  // Follows the collection until asked to stop.
  void Run(const std::stop_token& stop);

 private:
  enum class Ended { kNormally, kExpired, kBroken };

  // True where the collection was listed.
  bool ListAll(const std::stop_token& stop);
  Ended Watch(const std::stop_token& stop);
  Ended OnEvent(const Event& event);
  Ended OnUnreadable(const Event& event);
  void Trouble(const std::string& why);
  void Fine();
  void Pause(const std::stop_token& stop);

  Client& client_;
  base::Waiter& waiter_;
  Collection collection_;
  CollectionHandler& handler_;
  ListBounds bounds_;
  std::string version_;     // the last that was seen; empty: list anew
  std::string unreadable_;  // the event for which everything was listed anew
  base::Duration pause_;
  bool in_trouble_ = false;
};

}  // namespace sparkfit::kube
