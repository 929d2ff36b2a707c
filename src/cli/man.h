// SPDX-License-Identifier: Apache-2.0
//
// Manual pages, made of what the commands say of themselves.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <utility>
#include <vector>

namespace sparkfit::cli {

struct ManPage {
  std::string file;  // sparkfit-replay.1
  std::string text;  // man(7)
};

// sparkfit(1), and one for each command. REQUIRES: what was parsed is not parsed again.
std::vector<ManPage> ManPages(const CLI::App& app);

}  // namespace sparkfit::cli
