// SPDX-License-Identifier: Apache-2.0
//
// Values of flags that have a name: tables of {name, value}.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

#include "sparkfit/base/meant.h"
#include "sparkfit/base/result.h"
#include "sparkfit/base/text.h"

namespace sparkfit::cli {

template <typename Table>
std::vector<std::string> NamesIn(const Table& table) {
  std::vector<std::string> names;
  for (const auto& [name, value] : table) names.emplace_back(name);
  return names;
}

// kInvalidArgument with all names, and the one that was probably meant, where it is none of them.
// `what` is the flag.
template <typename Table>
auto FindNamed(const Table& table, std::string_view what, std::string_view name)
    -> base::Result<decltype(table.front().second)> {
  std::vector<std::string_view> known;
  for (const auto& [text, value] : table) {
    if (text == name) return value;
    known.push_back(text);
  }
  return base::Fail(
      base::Code::kInvalidArgument,
      fmt::format("{}: \"{}\" is none of {}{}", what, base::Beginning(name, 40),
                  fmt::join(known, ", "), base::Suggestion(base::Nearest(name, known))));
}

}  // namespace sparkfit::cli
