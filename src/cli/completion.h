// SPDX-License-Identifier: Apache-2.0
//
// Shell completion. The shells' scripts are thin: at each TAB they ask `sparkfit __complete` for
// candidates, in the protocol of cobra, so that kubectl can ask the same for its plugin.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sparkfit/base/result.h"

namespace sparkfit::cli {

// What a flag or an argument takes.
struct Values {
  enum class Kind { kNothing, kFiles, kFolders, kWords, kSignatures, kNamespaces, kContexts };
  Kind kind = Kind::kNothing;  // kNothing: nothing that can be known before
  std::vector<std::string> words = {};
};

struct FlagSpec {
  std::vector<std::string> names;  // --output, -o
  std::string help;
  bool takes_value = true;
  bool repeatable = false;
  Values values;
};

struct ArgumentSpec {
  bool repeatable = false;
  Values values;
};

struct CommandSpec {
  std::string name;
  std::string help;
  std::vector<FlagSpec> flags;
  std::vector<ArgumentSpec> arguments;
};

struct Candidate {
  std::string text;
  std::string help;

  friend bool operator==(const Candidate&, const Candidate&) = default;
};

// What a cluster or a kubeconfig knows, given the words before; nothing where it cannot be asked.
using AskCluster =
    std::function<std::vector<Candidate>(Values::Kind kind, const std::vector<std::string>& words)>;

// Candidates for the last of the words behind the program's name, a line each, with its meaning
// behind a tab; last a line of ":" and whether files or folders are candidates, too: 0, 16, or 4
// for neither.
std::string Complete(const std::vector<CommandSpec>& commands,
                     const std::vector<std::string>& words, const AskCluster& ask);

// The value that follows one of the names; empty: none.
std::string ValueAmong(const std::vector<std::string>& words,
                       const std::vector<std::string>& names);

std::vector<std::string> CompletionShells();
// The script for bash, zsh, fish, or kubectl; kInvalidArgument for another shell.
base::Result<std::string> CompletionScript(std::string_view shell);

}  // namespace sparkfit::cli
