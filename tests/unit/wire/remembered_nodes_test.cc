// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/wire/remembered_nodes.h"

#include <catch2/catch.hpp>

namespace sparkfit::wire {
namespace {

using base::GiB;

constexpr base::Time kNow{std::chrono::hours(24 * 20000)};

model::NodeEvent Node(std::int64_t gib) {
  model::NodeEvent node;
  node.event = model::EventType::kDeleted;
  node.name = "remembered";
  node.allocatable = GiB(gib);
  node.last_seen = kNow;
  return node;
}

TEST_CASE("remembered nodes are read back as they were written", "[wire][nodes]") {
  CHECK(WriteRemembered({}) == "[]");
  CHECK(ReadRemembered("[]").empty());
  auto first = Node(64);
  first.labels = {{"pool", "spark"}};
  first.taints = {{"spark", "yes", model::TaintEffect::kNoExecute}};
  const auto nodes = ReadRemembered(WriteRemembered({first, Node(32)}));
  REQUIRE(nodes.size() == 2);
  CHECK(nodes[0].event == model::EventType::kDeleted);
  CHECK(nodes[0].allocatable == GiB(64));
  CHECK(nodes[0].labels == first.labels);
  CHECK(nodes[0].taints == first.taints);
  CHECK(nodes[0].last_seen == kNow);
  CHECK(nodes[1].allocatable == GiB(32));
}

TEST_CASE("what is too much is left out, the last first", "[wire][nodes]") {
  std::vector<model::NodeEvent> many;
  for (int i = 0; i < 100; ++i) {
    many.push_back(Node(1000 - i));
    many.back().labels["long"] = std::string(300, 'x');
  }
  const auto text = WriteRemembered(many);
  CHECK(text.size() <= kLongestRemembered);
  const auto nodes = ReadRemembered(text);
  // 8 KiB of about 430 bytes each.
  CHECK(nodes.size() >= 15);
  CHECK(nodes[0].allocatable == GiB(1000));
}

TEST_CASE("a note that makes no sense is read as far as it does", "[wire][nodes]") {
  const auto good = WriteRemembered({Node(64)});
  const auto inner = good.substr(1, good.size() - 2);
  for (const std::string& text :
       {std::string(), std::string("{"), std::string("null"), std::string("7"), std::string("{}"),
        std::string("[7]"), std::string("[{}]"), std::string(R"([{"metadata":{"name":"n"}}])"),
        std::string(R"([{"metadata":{"name":"n"},"lastSeen":"yesterday"}])"),
        std::string(kLongestRemembered, '['), std::string(kLongestRemembered, ' ') + good}) {
    INFO(text.substr(0, 60));
    CHECK(ReadRemembered(text).empty());
  }
  CHECK(ReadRemembered("[{}," + inner + "]").size() == 1);
  CHECK(ReadRemembered("[7,[{}],null," + inner + "]").size() == 1);
  for (std::size_t n = 0; n < good.size(); ++n) CHECK(ReadRemembered(good.substr(0, n)).size() < 2);
  std::string many = "[" + inner;
  while (many.size() + inner.size() + 2 < kLongestRemembered) many += "," + inner;
  CHECK(ReadRemembered(many + "]").size() == kMostRemembered);
}

}  // namespace
}  // namespace sparkfit::wire
