// SPDX-License-Identifier: Apache-2.0
//
// JSON of others as a tree, which takes up to a hundred times the text: so what may become one is
// bounded.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string_view>

#include "sparkfit/base/json_scan.h"

namespace sparkfit::base {

struct JsonBounds {
  std::size_t values = 50'000;  // members and elements; a tree takes about 150 bytes for one
  std::size_t text = std::size_t{1} << 20;  // the longest string
  int depth = 64;                           // Kubernetes objects are about 20 deep
};

// Looks whether a text keeps to the bounds, be it JSON or not, as it comes.
class JsonGauge {
 public:
  explicit JsonGauge(const JsonBounds& bounds) : bounds_(bounds) {}

  // False where it does not, or did not before.
  bool Feed(std::string_view bytes);

 private:
  void TakeOutside(char c);

  JsonBounds bounds_;
  JsonScan scan_;
  std::size_t values_ = 0;
  std::size_t text_ = 0;  // bytes of the string that it is in
  int depth_ = 0;
  bool kept_ = true;
};

// Discarded, as of a text that is no JSON, where it does not keep to the bounds.
template <typename Json = nlohmann::json>
Json ParseJson(std::string_view text, const JsonBounds& bounds = {}) {
  if (!JsonGauge(bounds).Feed(text)) return Json(nlohmann::json::value_t::discarded);
  return Json::parse(text, nullptr, false);
}

}  // namespace sparkfit::base
