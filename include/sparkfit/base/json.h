// SPDX-License-Identifier: Apache-2.0
//
// JSON of others as a tree, which takes up to a hundred times the text: so what may become one is
// bounded.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string_view>

namespace sparkfit::base {

struct JsonBounds {
  std::size_t values = 50'000;  // members and elements; a tree takes about 150 bytes for one
  std::size_t text = std::size_t{1} << 20;  // the longest string
  int depth = 64;                           // Kubernetes objects are about 20 deep
};

// Whether a text keeps to the bounds, be it JSON or not.
bool IsWithin(std::string_view json, const JsonBounds& bounds);

// Discarded, as of a text that is no JSON, where it does not keep to the bounds.
template <typename Json = nlohmann::json>
Json ParseJson(std::string_view text, const JsonBounds& bounds = {}) {
  if (!IsWithin(text, bounds)) return Json(nlohmann::json::value_t::discarded);
  return Json::parse(text, nullptr, false);
}

}  // namespace sparkfit::base
