// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/base/json.h"

namespace sparkfit::base {

bool IsWithin(std::string_view json, const JsonBounds& bounds) {
  std::size_t values = 0;
  int depth = 0;
  for (std::size_t i = 0; i < json.size(); ++i) {
    switch (json[i]) {
      case '"': {
        const auto begin = i++;
        for (; i < json.size() && json[i] != '"'; ++i) i += json[i] == '\\' ? 1 : 0;
        if (i - begin > bounds.text) return false;
        break;
      }
      case '[':
      case '{':
        // Each may hold one that no comma tells of.
        if (++depth > bounds.depth || ++values > bounds.values) return false;
        break;
      case ']':
      case '}':
        --depth;
        break;
      case ',':
        if (++values > bounds.values) return false;
        break;
      default:
        break;
    }
  }
  return true;
}

}  // namespace sparkfit::base
