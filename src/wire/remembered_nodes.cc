// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/wire/remembered_nodes.h"

#include "json.h"
#include "placement_json.h"

namespace sparkfit::wire {

std::string WriteRemembered(const std::vector<model::NodeEvent>& nodes) {
  std::string text = "[";
  for (const auto& node : nodes) {
    const auto next =
        NodeObject(node).dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    if (text.size() + next.size() + 2 > kLongestRemembered) break;
    if (text.size() > 1) text += ',';
    text += next;
  }
  return text + "]";
}

std::vector<model::NodeEvent> ReadRemembered(std::string_view text) {
  std::vector<model::NodeEvent> nodes;
  if (text.size() > kLongestRemembered) return nodes;
  const simdjson::padded_string padded(text);
  simdjson::ondemand::parser parser;
  simdjson::ondemand::document document;
  simdjson::ondemand::array array;
  if (parser.iterate(padded).get(document) != simdjson::SUCCESS) return nodes;
  if (document.get_array().get(array) != simdjson::SUCCESS) return nodes;
  for (auto element : array) {
    JsonObject object;
    const auto odd = element.get_object().get(object);
    if (IsMerelyOdd(odd)) continue;
    if (odd) break;
    auto node = ReadNode(object);
    if (!node || !node->last_seen) continue;
    node->event = model::EventType::kDeleted;
    if (nodes.size() < kMostRemembered) nodes.push_back(*std::move(node));
  }
  return nodes;
}

}  // namespace sparkfit::wire
