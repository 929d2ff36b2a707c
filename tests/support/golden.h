// SPDX-License-Identifier: Apache-2.0
//
// Files of tests/golden/data: what a text was before. UPDATE_GOLDEN=1 rewrites them.
#pragma once

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

namespace sparkfit::test {

inline void CheckGolden(const std::string& text, const std::string& name) {
  const std::string path = SPARKFIT_SOURCE_DIR "/tests/golden/data/" + name;
  if (std::getenv("UPDATE_GOLDEN") != nullptr) std::ofstream(path) << text;
  std::ifstream file(path);
  const std::string expected{std::istreambuf_iterator<char>(file), {}};
  INFO(name);
  CHECK(text == expected);
}

}  // namespace sparkfit::test
