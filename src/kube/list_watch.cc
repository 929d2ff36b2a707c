// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/kube/list_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "sparkfit/base/json.h"
#include "splitter.h"

namespace sparkfit::kube {
namespace {

using base::Code;
using base::Duration;
using base::Fail;
using base::Result;

constexpr int kLargestPage = 500;
constexpr int kSmallestPage = 8;
constexpr Duration kFirstPause = std::chrono::seconds(1);
constexpr Duration kLongestPause = std::chrono::seconds(30);
// The server is asked to end a watch after 4 to 5 minutes, drawn, so that watches do not all end at
// once. It sends a bookmark about once a minute: longer silence is a dead connection.
constexpr Duration kShortestWatch = std::chrono::seconds(240);
constexpr Duration kLongestWatch = std::chrono::seconds(300);
constexpr Duration kLongestSilence = std::chrono::seconds(150);

std::string Query(const Collection& collection) {
  return collection.label_selector.empty()
             ? "?"
             : "?labelSelector=" + Encode(collection.label_selector) + "&";
}

// What a page says of the list.
struct Page {
  std::string version;
  std::string next;
};

// One list, page by page.
class Paging {
 public:
  Paging(Client& client, const Collection& collection, const ListBounds& bounds,
         const OnObject& on_item)
      : client_(client), collection_(collection), bounds_(bounds), on_item_(on_item) {}

  Result<std::string> All(const std::stop_token& stop, const std::function<void()>& on_page) {
    for (;;) {
      if (on_page) on_page();
      auto page = Next(stop);
      if (page && page->next.empty()) return std::move(page->version);
      if (page && page->next == next_)
        return Fail(Code::kUnavailable, "a page names itself as the next");
      if (page) {
        next_ = std::move(page->next);
        most_ = std::min(most_ * 2, kLargestPage);
        continue;
      }
      // A page of very large objects takes longer, or is more, than an answer may: where one broke
      // off, less is asked for. What it gave is given again.
      const bool broke = page.error().code == Code::kMalformed;
      if (!broke || most_ == kSmallestPage || stop.stop_requested()) {
        return tl::unexpected<base::Error>(page.error());
      }
      most_ = std::max(most_ / 4, kSmallestPage);
    }
  }

 private:
  Result<Page> Next(const std::stop_token& stop) {
    Call call{.verb = "list", .resource = collection_.resource};
    call.target = collection_.path + Query(collection_) + fmt::format("limit={}", most_);
    if (!next_.empty()) call.target += "&continue=" + Encode(next_);
    call.deadline = std::chrono::seconds(60);
    call.idle = std::chrono::seconds(30);
    call.accept_gzip = true;
    ++pages_;
    if (IsEndless()) return Endless();
    return Ask(call, stop);
  }

  // kMalformed where the answer began and broke off.
  Result<Page> Ask(const Call& call, const std::stop_token& stop) {
    ListSplitter splitter([this](const Object& object) {
      ++objects_;
      on_item_(object);
    });
    bool began = false;
    bool is_list = true;
    const auto reply = client_.Stream(
        call,
        [&](std::string_view bytes) {
          began = true;
          is_list = splitter.Feed(bytes);
          return is_list && !IsEndless();
        },
        stop);
    if (!is_list) return Fail(Code::kUnavailable, "the answer is no list");
    if (IsEndless()) return Endless();
    if (!reply) return Fail(began ? Code::kMalformed : reply.error().code, reply.error().message);
    if (reply->status == 410) return Fail(Code::kNotFound, "");
    if (!reply->Ok()) return Fail(Code::kUnavailable, "listing: " + reply->Why());
    if (!splitter.Complete()) return Fail(Code::kMalformed, "the list was cut off");
    return Page{splitter.Version(), splitter.Next()};
  }

  [[nodiscard]] bool IsEndless() const {
    return objects_ > bounds_.objects || pages_ > bounds_.pages ||
           client_.GetClock().SteadyNow() - begun_ > bounds_.time;
  }

  [[nodiscard]] tl::unexpected<base::Error> Endless() const {
    return Fail(Code::kUnavailable,
                fmt::format("the list has no end: {} objects on {} pages", objects_, pages_));
  }

  Client& client_;
  const Collection& collection_;
  const ListBounds& bounds_;
  const OnObject& on_item_;
  const base::Clock::Steady begun_ = client_.GetClock().SteadyNow();
  int most_ = kLargestPage;
  std::string next_;
  std::size_t pages_ = 0;
  std::size_t objects_ = 0;
};

// Of an ERROR's Status; 0 where it has none.
std::int64_t CodeOf(const Object& status) {
  const auto json = base::ParseJson(status.json);
  const auto code = json.is_object() ? json.find("code") : json.end();
  return json.is_object() && code != json.end() && code->is_number_integer()
             ? code->get<std::int64_t>()
             : 0;
}

std::optional<Change> ChangeOf(const std::string& type) {
  if (type == "ADDED") return Change::kAdded;
  if (type == "MODIFIED") return Change::kModified;
  if (type == "DELETED") return Change::kDeleted;
  return std::nullopt;
}

}  // namespace

Collection Within(Collection collection, const std::string& name_space) {
  if (name_space.empty()) return collection;
  collection.path.insert(collection.path.rfind('/'), "/namespaces/" + Encode(name_space));
  return collection;
}

Result<std::string> List(Client& client, const Collection& collection, const OnObject& on_item,
                         const std::stop_token& stop, const ListBounds& bounds,
                         const std::function<void()>& on_page) {
  return Paging(client, collection, bounds, on_item).All(stop, on_page);
}

Reflector::Reflector(Client& client, base::Waiter& waiter, Collection collection,
                     CollectionHandler& handler, const ListBounds& bounds)
    : client_(client),
      waiter_(waiter),
      collection_(std::move(collection)),
      handler_(handler),
      bounds_(bounds),
      pause_(kFirstPause) {}

void Reflector::Run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    if (version_.empty() && !ListAll(stop)) {
      Pause(stop);
      continue;
    }
    switch (Watch(stop)) {
      case Ended::kNormally:
        break;
      case Ended::kExpired:
        // A server that always says so must not be listed in a busy loop.
        version_.clear();
        Pause(stop);
        break;
      case Ended::kBroken:
        // A version that only ever fails may be none of this server: of an etcd that was restored
        // it is in the future, and nothing would come for ever.
        if (pause_ == kLongestPause) version_.clear();
        Pause(stop);
        break;
    }
  }
}

bool Reflector::ListAll(const std::stop_token& stop) {
  handler_.OnListBegin();
  const auto version = List(
      client_, collection_, [&](const Object& object) { handler_.OnListed(object); }, stop,
      bounds_);
  if (stop.stop_requested()) return false;
  if (!version) {
    // An expired list is no trouble, just one to begin again.
    if (!version.error().message.empty()) Trouble(version.error().message);
    return false;
  }
  if (version->empty()) {
    Trouble("the list has no resourceVersion");
    return false;
  }
  version_ = *version;
  handler_.OnListEnd();
  Fine();
  return true;
}

Reflector::Ended Reflector::Watch(const std::stop_token& stop) {
  const auto length = client_.Jittered(kShortestWatch, kLongestWatch);
  Call call{.verb = "watch", .resource = collection_.resource};
  call.target =
      collection_.path + Query(collection_) +
      fmt::format("watch=1&allowWatchBookmarks=true&resourceVersion={}&timeoutSeconds={}",
                  Encode(version_), std::chrono::floor<std::chrono::seconds>(length).count());
  call.deadline = length + std::chrono::seconds(30);
  call.idle = kLongestSilence;
  Ended ended = Ended::kNormally;
  bool any = false;
  EventSplitter events([&](const Event& event) {
    if (ended != Ended::kNormally) return;
    ended = OnEvent(event);
    any = true;
  });
  const auto reply = client_.Stream(
      call,
      [&](std::string_view bytes) {
        events.Feed(bytes);
        return ended == Ended::kNormally;
      },
      stop);
  if (stop.stop_requested() || ended != Ended::kNormally) return ended;
  if (reply && reply->status == 410) return Ended::kExpired;
  if (reply && reply->Ok()) {
    // One that ends at once, time after time, must not become a busy loop.
    if (any) return Ended::kNormally;
    pause_ = kFirstPause;
    Fine();
    return Ended::kBroken;
  }
  Trouble(reply ? "watching: " + reply->Why() : reply.error().message);
  return Ended::kBroken;
}

Reflector::Ended Reflector::OnEvent(const Event& event) {
  const auto& object = event.object;
  if (event.type == "ERROR") {
    const auto code = CodeOf(object);
    if (code == 410) return Ended::kExpired;
    Trouble(fmt::format("watching: error {}", code));
    return Ended::kBroken;
  }
  const auto change = ChangeOf(event.type);
  const bool known = !object.id.name.empty();
  const bool bookmark = event.type == "BOOKMARK";
  // A change of nobody knows whom changes nothing that is known; a deletion does.
  if (!bookmark && (!change || (change == Change::kDeleted && !known))) return OnUnreadable(event);
  if (change) handler_.OnChange(*change, object);
  if (!object.id.version.empty()) version_ = object.id.version;
  pause_ = kFirstPause;
  Fine();
  return Ended::kNormally;
}

// Nothing tells what was missed, so everything is listed anew: once. Where it comes again, it does
// so whatever is done.
Reflector::Ended Reflector::OnUnreadable(const Event& event) {
  if (std::exchange(unreadable_, event.beginning) == event.beginning) return Ended::kNormally;
  Trouble("an event that cannot be read");
  return Ended::kExpired;
}

void Reflector::Trouble(const std::string& why) {
  in_trouble_ = true;
  handler_.OnTrouble(why);
}

void Reflector::Fine() {
  if (!in_trouble_) return;
  in_trouble_ = false;
  handler_.OnTrouble("");
}

void Reflector::Pause(const std::stop_token& stop) {
  waiter_.Wait(client_.Jittered(pause_ / 2, pause_), stop);
  pause_ = std::min(pause_ * 2, kLongestPause);
}

}  // namespace sparkfit::kube
