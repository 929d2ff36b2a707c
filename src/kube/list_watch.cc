// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/kube/list_watch.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "splitter.h"

namespace sparkfit::kube {
namespace {

using base::Code;
using base::Duration;
using base::Fail;
using base::Result;

constexpr int kPage = 500;
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

struct ListMetadata {
  std::string version;
  std::string next;
};

ListMetadata ReadMetadata(const std::string& text) {
  ListMetadata metadata;
  const auto json = nlohmann::json::parse(text, nullptr, false);
  const auto read = [&](const char* key) -> std::string {
    return json.is_object() && json.contains(key) && json[key].is_string()
               ? json[key].get<std::string>()
               : "";
  };
  return {read("resourceVersion"), read("continue")};
}

// A watch event, as far as it matters here; views into the line.
struct Event {
  std::string_view type;
  std::string_view object;
  std::string version;
  std::int64_t code = 0;  // of an ERROR's Status
};

simdjson::error_code Parse(simdjson::ondemand::parser& parser, std::string_view line,
                           Event& event) {
  simdjson::ondemand::document document;
  const auto capacity = line.size() + kPadding;
  if (auto error = parser.iterate(line.data(), line.size(), capacity).get(document)) return error;
  simdjson::ondemand::object object;
  if (auto error = document["object"].get_object().get(object)) return error;
  if (auto error = object.raw_json().get(event.object)) return error;
  // A second pass, as an object is read once.
  if (auto error = parser.iterate(line.data(), line.size(), capacity).get(document)) return error;
  if (auto error = document["object"].get_object().get(object)) return error;
  std::string_view version;
  if (object["metadata"]["resourceVersion"].get_string().get(version) == simdjson::SUCCESS) {
    event.version = version;
  }
  if (auto error = parser.iterate(line.data(), line.size(), capacity).get(document)) return error;
  std::string_view type;
  if (auto error = document["type"].get_string().get(type)) return error;
  for (const auto known : {"ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"}) {
    if (type == known) event.type = known;
  }
  if (event.type != "ERROR") return simdjson::SUCCESS;
  if (auto error = parser.iterate(line.data(), line.size(), capacity).get(document)) return error;
  return document["object"]["code"].get_int64().get(event.code);
}

Result<ListMetadata> ListPage(Client& client, const Call& call,
                              const std::function<void(std::string_view)>& on_item,
                              const std::stop_token& stop) {
  ListSplitter splitter(on_item);
  std::string malformed;
  const auto reply = client.Stream(
      call,
      [&](std::string_view bytes) {
        auto fed = splitter.Feed(bytes);
        if (!fed) malformed = fed.error().message;
        return fed.has_value();
      },
      stop);
  if (!malformed.empty()) return Fail(Code::kMalformed, malformed);
  if (!reply) return tl::unexpected<base::Error>(reply.error());
  if (reply->status == 410) return Fail(Code::kNotFound, "");
  if (!reply->Ok()) return Fail(Code::kUnavailable, "listing: " + reply->Why());
  if (!splitter.Complete()) return Fail(Code::kUnavailable, "the list was cut off");
  return ReadMetadata(splitter.Metadata());
}

}  // namespace

Collection Within(Collection collection, const std::string& name_space) {
  if (name_space.empty()) return collection;
  collection.path.insert(collection.path.rfind('/'), "/namespaces/" + Encode(name_space));
  return collection;
}

Result<std::string> List(Client& client, const Collection& collection,
                         const std::function<void(std::string_view)>& on_item,
                         const std::stop_token& stop) {
  ListMetadata metadata;
  do {
    Call call{.verb = "list", .resource = collection.resource};
    call.target = collection.path + Query(collection) + fmt::format("limit={}", kPage);
    if (!metadata.next.empty()) call.target += "&continue=" + Encode(metadata.next);
    call.deadline = std::chrono::seconds(60);
    call.idle = std::chrono::seconds(30);
    call.accept_gzip = true;
    auto page = ListPage(client, call, on_item, stop);
    if (!page) return tl::unexpected<base::Error>(page.error());
    metadata = *std::move(page);
  } while (!metadata.next.empty());
  return metadata.version;
}

Reflector::Reflector(Client& client, base::Waiter& waiter, Collection collection,
                     CollectionHandler& handler)
    : client_(client),
      waiter_(waiter),
      collection_(std::move(collection)),
      handler_(handler),
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
        Pause(stop);
        break;
    }
  }
}

bool Reflector::ListAll(const std::stop_token& stop) {
  handler_.OnListBegin();
  const auto version = List(
      client_, collection_, [&](std::string_view object) { handler_.OnListed(object); }, stop);
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
  LineSplitter lines([&](std::string_view line) {
    if (ended != Ended::kNormally) return;
    ended = OnEvent(line);
    any = true;
    if (ended == Ended::kNormally) Fine();
  });
  const auto reply = client_.Stream(
      call,
      [&](std::string_view bytes) {
        if (const auto fed = lines.Feed(bytes); !fed) {
          Trouble("watching: " + fed.error().message);
          ended = Ended::kExpired;
        }
        return ended == Ended::kNormally;
      },
      stop);
  if (stop.stop_requested() || ended != Ended::kNormally) return ended;
  if (reply && reply->status == 410) return Ended::kExpired;
  if (reply && reply->Ok()) {
    // One that ends at once, time after time, must not become a busy loop.
    return any ? Ended::kNormally : (Fine(), Ended::kBroken);
  }
  Trouble(reply ? "watching: " + reply->Why() : reply.error().message);
  return Ended::kBroken;
}

Reflector::Ended Reflector::OnEvent(std::string_view line) {
  simdjson::ondemand::parser parser;
  Event event;
  if (Parse(parser, line, event) != simdjson::SUCCESS || event.type.empty()) {
    // Nothing tells what was missed: list anew.
    Trouble("an event that cannot be read");
    return Ended::kExpired;
  }
  if (event.type == "ERROR") {
    if (event.code == 410) return Ended::kExpired;
    Trouble(fmt::format("watching: error {}", event.code));
    return Ended::kBroken;
  }
  if (event.type == "ADDED") handler_.OnChange(Change::kAdded, event.object);
  if (event.type == "MODIFIED") handler_.OnChange(Change::kModified, event.object);
  if (event.type == "DELETED") handler_.OnChange(Change::kDeleted, event.object);
  if (!event.version.empty()) version_ = event.version;
  return Ended::kNormally;
}

void Reflector::Trouble(const std::string& why) {
  in_trouble_ = true;
  handler_.OnTrouble(why);
}

void Reflector::Fine() {
  pause_ = kFirstPause;
  if (!in_trouble_) return;
  in_trouble_ = false;
  handler_.OnTrouble("");
}

void Reflector::Pause(const std::stop_token& stop) {
  waiter_.Wait(client_.Jittered(pause_ / 2, pause_), stop);
  pause_ = std::min(pause_ * 2, kLongestPause);
}

}  // namespace sparkfit::kube
