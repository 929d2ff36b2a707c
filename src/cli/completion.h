// SPDX-License-Identifier: Apache-2.0
//
// Shell completion, generated from what the commands and their flags are.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sparkfit/base/result.h"

namespace sparkfit::cli {

struct FlagSpec {
  std::string name;  // --output
  std::string help;
  bool takes_value = true;
  std::vector<std::string> values;  // that it can have, where they are few
};

struct CommandSpec {
  std::string name;
  std::string help;
  std::vector<FlagSpec> flags;
  std::vector<std::string> words;  // that may follow; files where there are none
};

// The script for bash, zsh or fish; kInvalidArgument for another shell.
base::Result<std::string> CompletionScript(std::string_view shell,
                                           const std::vector<CommandSpec>& commands);

}  // namespace sparkfit::cli
