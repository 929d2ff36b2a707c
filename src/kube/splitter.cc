// SPDX-License-Identifier: Apache-2.0
#include "splitter.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sparkfit::kube {
namespace {

using Met = JsonWalk::Met;

// Readable bytes behind a piece: simdjson reads ahead.
constexpr std::size_t kPadding = 64;
// Room that is kept for the next piece.
constexpr std::size_t kUsual = std::size_t{256} << 10;
constexpr std::size_t kBeginning = 256;

void Free(std::string& text) { std::string().swap(text); }

}  // namespace

void ObjectCutter::Begin(const JsonWalk& walk) {
  Reset();
  depth_ = walk.Depth();
}

void ObjectCutter::Reset() {
  if (json_.capacity() > kUsual) Free(json_);
  json_.clear();
  id_ = {};
  depth_ = 0;
  in_metadata_ = too_large_ = false;
}

void ObjectCutter::Meet(Met what, const JsonWalk& walk) {
  if (what == Met::kOpen && walk.Depth() == depth_ + 1) in_metadata_ = walk.Key() == "metadata";
  if (what == Met::kClose && walk.Depth() == depth_) in_metadata_ = false;
  if (what != Met::kText || !in_metadata_ || walk.Depth() != depth_ + 1) return;
  if (walk.Key() == "name") id_.name = walk.Text();
  if (walk.Key() == "namespace") id_.name_space = walk.Text();
  if (walk.Key() == "uid") id_.uid = walk.Text();
  if (walk.Key() == "resourceVersion") id_.version = walk.Text();
}

void ObjectCutter::Add(std::string_view bytes) {
  if (too_large_) return;
  too_large_ = json_.size() + bytes.size() > kLargestObject;
  if (too_large_) {
    Free(json_);
  } else {
    json_ += bytes;
  }
}

Object ObjectCutter::Take() {
  json_.reserve(json_.size() + kPadding);
  return {json_, std::move(id_)};
}

bool ListSplitter::Feed(std::string_view bytes) {
  std::size_t from = 0;  // of what is not given to the item yet
  walk_.Feed(bytes, [&](Met what, std::size_t place) {
    if (item_.Begun()) {
      item_.Meet(what, walk_);
      if (!item_.Ended(walk_)) return;
      item_.Add(bytes.substr(from, place + 1 - from));
      on_item_(item_.Take());
      item_.Reset();
    } else if (what == Met::kOpen && in_items_ && walk_.Depth() == 3 && bytes[place] == '{') {
      item_.Begin(walk_);
      from = place;
    } else {
      Meet(what);
    }
    stray_ |=
        what == Met::kStray || walk_.Depth() < 0 || (walk_.Depth() == 1 && bytes[place] == '[');
  });
  if (item_.Begun()) item_.Add(bytes.substr(from));
  return !stray_;
}

void ListSplitter::Meet(Met what) {
  const int depth = walk_.Depth();
  if (what == Met::kOpen) {
    stray_ |= complete_;
    if (depth == 2) in_items_ = walk_.Key() == "items";
    if (depth == 2) in_metadata_ = walk_.Key() == "metadata";
  } else if (what == Met::kClose) {
    if (depth <= 1) in_items_ = in_metadata_ = false;
    complete_ |= depth == 0;
  } else if (what == Met::kText && in_metadata_ && depth == 2) {
    if (walk_.Key() == "resourceVersion") version_ = walk_.Text();
    if (walk_.Key() == "continue") {
      next_ = walk_.Text();
      stray_ |= !walk_.IsPlain();  // without it the list would seem to end here
    }
  }
}

void EventSplitter::Feed(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    Part(bytes.substr(0, end));
    if (end == std::string_view::npos) return;
    End();
    bytes.remove_prefix(end + 1);
  }
}

void EventSplitter::Part(std::string_view bytes) {
  beginning_ += bytes.substr(0, kBeginning - std::min(kBeginning, beginning_.size()));
  length_ += bytes.size();
  std::size_t from = 0;
  walk_.Feed(bytes, [&](Met what, std::size_t place) {
    if (object_.Begun() && !ended_) {
      object_.Meet(what, walk_);
      ended_ = object_.Ended(walk_);
      if (ended_) object_.Add(bytes.substr(from, place + 1 - from));
    } else if (what == Met::kOpen && walk_.Depth() == 2 && walk_.Key() == "object") {
      object_.Begin(walk_);
      from = place;
    } else if (what == Met::kText && walk_.Depth() == 1 && walk_.Key() == "type" && type_.empty()) {
      type_ = walk_.Text();  // a later one is of an object that is damaged
    }
  });
  if (object_.Begun() && !ended_) object_.Add(bytes.substr(from));
}

void EventSplitter::End() {
  if (length_ > 0) {
    Event event{std::move(type_), object_.Take(), fmt::format("{} {}", length_, beginning_)};
    // It has no end, or the line goes on behind its own.
    if (!ended_ || walk_.Depth() != 0) event.object.json = {};
    on_event_(event);
  }
  object_.Reset();
  walk_ = {};
  type_.clear();
  beginning_.clear();
  length_ = 0;
  ended_ = false;
}

Identity Identify(std::string_view json) {
  JsonWalk walk;
  ObjectCutter object;
  walk.Feed(json, [&](Met what, std::size_t) {
    if (object.Begun()) {
      object.Meet(what, walk);
    } else if (what == Met::kOpen) {
      object.Begin(walk);
    }
  });
  return object.Id();
}

}  // namespace sparkfit::kube
