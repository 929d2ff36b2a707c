// SPDX-License-Identifier: Apache-2.0
//
// Turns for namespaces: what one of them wants, however much, delays another by one turn.
//
//   what is urgent comes first, but for every fifth turn, which is of a namespace that has nothing
//   urgent, so that what is urgent to some never stops the rest
//   of the namespaces that wait, the one with the fewest turns under way is served, of equals the
//   one after the latest: what others do not use may be used
//   within a namespace, and of its urgent items among themselves, first come, first served
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

namespace sparkfit::cluster {

// Not safe for concurrent use.
template <typename Item>
class FairQueue {
 public:
  static constexpr int kUrgentTurns = 4;  // in a row, where something else waits

  struct Bounds {
    std::size_t of_one = SIZE_MAX;  // items of one namespace that wait
    std::size_t in_all = SIZE_MAX;
  };
  struct Turn {
    std::string name_space;
    Item item;
  };

  explicit FairQueue(Bounds bounds = {}) : bounds_(bounds) {}

  // False where so much waits that what can wait has to be offered again later. A namespace of
  // which nothing waits has room always, so that others cannot keep it out.
  [[nodiscard]] bool HasRoom(const std::string& name_space) const {
    const auto known = lines_.find(name_space);
    const auto waiting = known == lines_.end() ? 0 : known->second.Size();
    return waiting == 0 || (waiting < bounds_.of_one && size_ < bounds_.in_all);
  }

  // Taken whether there is room or not.
  void Push(const std::string& name_space, bool urgent, Item item) {
    lines_[name_space].waiting.at(urgent ? 0 : 1).push_back(std::move(item));
    ++size_;
  }

  // What waits of a namespace and `is` so becomes urgent, in the order in which it was pushed.
  template <typename Is>
  void Raise(const std::string& name_space, const Is& is) {
    const auto known = lines_.find(name_space);
    if (known == lines_.end()) return;
    auto& [urgent, others] = known->second.waiting;
    std::deque<Item> left;
    for (auto& item : others) (is(item) ? urgent : left).push_back(std::move(item));
    others = std::move(left);
  }

  // The next turn, under way from now on; nothing where nothing waits.
  std::optional<Turn> Pop() {
    const bool others_first = urgent_turns_ >= kUrgentTurns;
    auto turn = PopFrom(others_first ? 1 : 0);
    return turn ? std::move(turn) : PopFrom(others_first ? 0 : 1);
  }

  // A turn is over. REQUIRES: it was popped.
  void Finish(const std::string& name_space) {
    const auto line = lines_.find(name_space);
    --line->second.under_way;
    if (line->second.Idle()) lines_.erase(line);
  }

  [[nodiscard]] std::size_t Size() const { return size_; }
  // Of which something waits or is under way.
  [[nodiscard]] std::size_t NameSpaces() const { return lines_.size(); }

 private:
  struct Line {
    std::array<std::deque<Item>, 2> waiting;  // what is urgent, and the rest
    std::size_t under_way = 0;

    [[nodiscard]] std::size_t Size() const { return waiting[0].size() + waiting[1].size(); }
    [[nodiscard]] bool Idle() const { return Size() == 0 && under_way == 0; }
  };

  std::optional<Turn> PopFrom(std::size_t lane) {
    const auto waits = [&](const Line& line) {
      return !line.waiting.at(lane).empty() && (lane == 0 || line.waiting[0].empty());
    };
    const auto rank = [&](const auto& entry) {
      const bool before_latest = entry.first <= latest_.at(lane);
      return std::make_tuple(!waits(entry.second), entry.second.under_way, before_latest);
    };
    const auto next =
        std::min_element(lines_.begin(), lines_.end(),
                         [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
    if (next == lines_.end() || !waits(next->second)) return std::nullopt;
    auto& waiting = next->second.waiting.at(lane);
    Turn turn{next->first, std::move(waiting.front())};
    waiting.pop_front();
    --size_;
    ++next->second.under_way;
    latest_.at(lane) = next->first;
    urgent_turns_ = lane == 0 ? urgent_turns_ + 1 : 0;
    return turn;
  }

  Bounds bounds_;
  std::map<std::string, Line> lines_;  // by namespace
  std::array<std::string, 2> latest_;  // that had a turn
  std::size_t size_ = 0;
  int urgent_turns_ = 0;  // since the latest other one
};

}  // namespace sparkfit::cluster
