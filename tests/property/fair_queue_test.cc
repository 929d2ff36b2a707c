// SPDX-License-Identifier: Apache-2.0
#include "cluster/fair_queue.h"

#include <rapidcheck.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

namespace sparkfit::cluster {
namespace {

constexpr std::size_t kNameSpaces = 5;

struct Item {
  int key;
  int number;
  bool urgent;
};

struct Waiting {
  Item item;
  std::size_t first_since = 0;  // turns, when it became the next one of its namespace
};

// What a queue must do, told by lists that are searched.
class Model {
 public:
  void Push(const std::string& owner, Item item, std::size_t turns) {
    auto& list = lists_[owner];
    if (item.urgent) {
      const auto raised =
          std::stable_partition(list.begin(), list.end(), [&](const Waiting& waiting) {
            return waiting.item.urgent || waiting.item.key != item.key;
          });
      for (auto waiting = raised; waiting != list.end(); ++waiting) waiting->item.urgent = true;
    }
    list.push_back({item, turns});
    Note(turns);
  }

  // Takes what the queue gave; how many turns it had been the next one of its namespace.
  std::size_t Take(const std::string& owner, const Item& item, std::size_t turns) {
    auto& list = lists_[owner];
    const auto found = std::find_if(list.begin(), list.end(), [&](const Waiting& waiting) {
      return waiting.item.number == item.number;
    });
    RC_ASSERT(found != list.end());
    for (auto before = list.begin(); before != found; ++before) {
      // Whatever came earlier of the same key went first.
      RC_ASSERT(before->item.key != item.key);
    }
    const auto since = found->first_since;
    list.erase(found);
    Note(turns);
    return turns - since;
  }

  [[nodiscard]] bool Urgent(const std::string& owner, int number) const {
    for (const auto& waiting : lists_.at(owner)) {
      if (waiting.item.number == number) return waiting.item.urgent;
    }
    return false;
  }

  [[nodiscard]] std::size_t Size(const std::string& owner) { return lists_[owner].size(); }

 private:
  // Who is the next one of its namespace, or urgent, since now begins to wait.
  void Note(std::size_t turns) {
    for (auto& [owner, list] : lists_) {
      auto next = std::find_if(list.begin(), list.end(),
                               [](const Waiting& waiting) { return waiting.item.urgent; });
      if (next == list.end()) next = list.begin();
      const auto known = std::exchange(
          nexts_[owner], next == list.end()
                             ? std::nullopt
                             : std::optional(std::pair(next->item.number, next->item.urgent)));
      if (next != list.end() && nexts_[owner] != known) next->first_since = turns;
    }
  }

  std::map<std::string, std::vector<Waiting>> lists_;
  std::map<std::string, std::optional<std::pair<int, bool>>> nexts_;
};

TEST_CASE("whatever others want, a namespace that waits is served within a turn of each",
          "[property]") {
  REQUIRE(rc::check([] {
    FairQueue<Item> queue;
    Model model;
    std::size_t turns = 0;
    std::size_t waiting = 0;
    const int steps = *rc::gen::inRange(1, 400);
    for (int number = 0; number < steps; ++number) {
      // Arrivals in floods: one namespace wants most of it.
      const bool push = *rc::gen::weightedElement<bool>({{3, true}, {2, false}});
      if (push) {
        const auto owner = std::to_string(
            *rc::gen::weightedElement<int>({{9, 0}, {1, 1}, {1, 2}, {1, 3}, {1, 4}}));
        const Item item{*rc::gen::inRange(0, 3), number,
                        *rc::gen::weightedElement<bool>({{2, true}, {3, false}})};
        if (item.urgent) queue.Raise(owner, [&](const Item& it) { return it.key == item.key; });
        queue.Push(owner, item.urgent, item);
        model.Push(owner, item, turns);
        RC_ASSERT(queue.Size() == ++waiting);
        continue;
      }
      const auto turn = queue.Pop();
      RC_ASSERT(turn.has_value() == (waiting > 0));
      if (!turn) continue;
      --waiting;
      queue.Finish(turn->name_space);
      ++turns;
      const bool urgent = model.Urgent(turn->name_space, turn->item.number);
      const auto waited = model.Take(turn->name_space, turn->item, turns);
      // Of five turns four are for what is urgent and one for the rest, where both wait.
      RC_ASSERT(waited <= (urgent ? kNameSpaces + kNameSpaces / 4 + 2 : kNameSpaces * 5 + 5));
    }
    while (const auto turn = queue.Pop()) queue.Finish(turn->name_space);
    RC_ASSERT(queue.Size() == 0U);
    RC_ASSERT(queue.NameSpaces() == 0U);
  }));
}

TEST_CASE("of slots that are held for long each namespace that waits gets its share",
          "[property]") {
  REQUIRE(rc::check([] {
    constexpr std::size_t kSlots = 8;
    FairQueue<int> queue;
    // One namespace holds all slots, and wants more.
    for (int i = 0; i < 200; ++i) queue.Push("greedy", false, i);
    std::vector<std::string> held;
    for (std::size_t i = 0; i < kSlots; ++i) held.push_back(queue.Pop()->name_space);
    const auto others = *rc::gen::inRange<std::size_t>(1, kSlots);
    for (std::size_t other = 0; other < others; ++other) {
      for (int i = 0; i < 200; ++i) queue.Push("other-" + std::to_string(other), false, i);
    }
    // They become free in any order.
    for (int i = 0; i < 100; ++i) {
      const auto slot = *rc::gen::inRange<std::size_t>(0, kSlots);
      queue.Finish(held[slot]);
      held[slot] = queue.Pop()->name_space;
    }
    for (std::size_t turn = 0; turn < kSlots; ++turn) {
      queue.Finish(held[turn]);
      held[turn] = queue.Pop()->name_space;
    }
    std::map<std::string, std::size_t> shares;
    for (const auto& name : held) ++shares[name];
    RC_ASSERT(shares.size() == others + 1);
    for (const auto& [name, share] : shares) RC_ASSERT(share <= kSlots / (others + 1) + 1);
  }));
}

TEST_CASE("who offers only where there is room leaves the queue within its bounds", "[property]") {
  REQUIRE(rc::check([] {
    FairQueue<int> queue({.of_one = 4, .in_all = 10});
    std::map<std::string, std::size_t> waiting;
    for (int i = *rc::gen::inRange(0, 300); i > 0; --i) {
      const auto owner = std::to_string(*rc::gen::inRange(0, 8));
      // Others cannot keep it out.
      if (waiting[owner] == 0) RC_ASSERT(queue.HasRoom(owner));
      if (queue.HasRoom(owner)) {
        queue.Push(owner, *rc::gen::arbitrary<bool>(), i);
        ++waiting[owner];
      }
      RC_ASSERT(waiting[owner] <= 4U);
      RC_ASSERT(queue.Size() <= 10U + 8U);
      if (*rc::gen::inRange(0, 4) > 0) continue;
      const auto turn = queue.Pop();
      if (!turn) continue;
      --waiting[turn->name_space];
      queue.Finish(turn->name_space);
    }
  }));
}

}  // namespace
}  // namespace sparkfit::cluster
