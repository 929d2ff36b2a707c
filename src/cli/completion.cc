// SPDX-License-Identifier: Apache-2.0
#include "completion.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "named.h"

namespace sparkfit::cli {
namespace {

constexpr std::string_view kBash =
    R"(# bash completion for sparkfit: source <(sparkfit completion bash)
_sparkfit() {
  local line directive="" current="${COMP_WORDS[COMP_CWORD]}"
  COMPREPLY=()
  while IFS= read -r line; do
    case "$line" in
      :*) directive="${line#:}" ;;
      *) COMPREPLY+=("${line%%$'\t'*}") ;;
    esac
  done < <("${COMP_WORDS[0]}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  case "$directive" in
    0) while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$current") ;;
    16) while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -d -- "$current") ;;
    *) return ;;
  esac
  compopt -o filenames 2>/dev/null || true
}
complete -F _sparkfit sparkfit kubectl-sparkfit
)";

constexpr std::string_view kZsh =
    R"(#compdef sparkfit kubectl-sparkfit
# zsh completion: source <(sparkfit completion zsh)
_sparkfit() {
  local line directive=4
  local -a described
  for line in "${(@f)$(${words[1]} __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    if [[ $line == :* ]]; then
      directive=${line#:}
    elif [[ $line == *$'\t'* ]]; then
      described+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
    elif [[ -n $line ]]; then
      described+=("${line//:/\\:}")
    fi
  done
  (( $#described )) && _describe value described
  case $directive in
    0) _files ;;
    16) _files -/ ;;
  esac
}
compdef _sparkfit sparkfit kubectl-sparkfit
)";

constexpr std::string_view kFish =
    R"(# fish completion: sparkfit completion fish | source
function __sparkfit_complete
  set -l words (commandline -opc) (commandline -ct)
  for line in ($words[1] __complete $words[2..-1] 2>/dev/null)
    switch $line
      case ':0'
        __fish_complete_path (commandline -ct)
      case ':16'
        __fish_complete_directories (commandline -ct)
      case ':*'
      case '*'
        echo $line
    end
  end
end
complete -c sparkfit -f -a '(__sparkfit_complete)'
complete -c kubectl-sparkfit -f -a '(__sparkfit_complete)'
)";

// kubectl 1.26 and later looks for a program of this name.
constexpr std::string_view kKubectl =
    R"(#!/bin/sh
# Completion of `kubectl sparkfit`: as kubectl_complete-sparkfit on the PATH, executable, made by
# sparkfit completion kubectl
exec kubectl-sparkfit __complete "$@"
)";

constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kScripts{
    {{"bash", kBash}, {"zsh", kZsh}, {"fish", kFish}, {"kubectl", kKubectl}}};

constexpr int kFilesToo = 0;
constexpr int kNoFiles = 4;
constexpr int kFoldersToo = 16;

struct Completion {
  std::vector<Candidate> candidates;
  int directive = kNoFiles;
};

const FlagSpec* FlagNamed(const CommandSpec& command, std::string_view name) {
  for (const auto& flag : command.flags) {
    if (std::find(flag.names.begin(), flag.names.end(), name) != flag.names.end()) return &flag;
  }
  return nullptr;
}

// The words as the user meant them: bash hands over "--output=json" in three.
std::vector<std::string> Rejoined(const std::vector<std::string>& words) {
  std::vector<std::string> joined;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool assigns = words[i] == "=" && !joined.empty() && joined.back().starts_with("--");
    if (!assigns) {
      joined.push_back(words[i]);
    } else if (i + 1 == words.size()) {
      joined.emplace_back();
    }
  }
  return joined;
}

Completion Offer(const Values& values, const std::vector<std::string>& words,
                 const AskCluster& ask) {
  Completion completion;
  switch (values.kind) {
    case Values::Kind::kNothing:
      break;
    case Values::Kind::kFiles:
      completion.directive = kFilesToo;
      break;
    case Values::Kind::kFolders:
      completion.directive = kFoldersToo;
      break;
    case Values::Kind::kWords:
      for (const auto& word : values.words) completion.candidates.push_back({word, ""});
      break;
    case Values::Kind::kSignatures:
    case Values::Kind::kNamespaces:
    case Values::Kind::kContexts:
      completion.candidates = ask(values.kind, words);
      break;
  }
  return completion;
}

// Flags that can still be given.
Completion OfferFlags(const CommandSpec& command, const std::vector<std::string>& before) {
  Completion completion;
  for (const auto& flag : command.flags) {
    const bool given = std::any_of(before.begin(), before.end(), [&](const std::string& word) {
      const auto name = word.substr(0, word.find('='));
      return std::find(flag.names.begin(), flag.names.end(), name) != flag.names.end();
    });
    if (given && !flag.repeatable) continue;
    completion.candidates.push_back({flag.names.front(), flag.help});
  }
  return completion;
}

// How many arguments stand before, flags and their values not counted.
std::size_t CountArguments(const CommandSpec& command, const std::vector<std::string>& before) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (before[i].size() < 2 || before[i].front() != '-') {
      ++count;
    } else if (const auto* flag = FlagNamed(command, before[i]); flag && flag->takes_value) {
      ++i;
    }
  }
  return count;
}

Completion OfferArgument(const CommandSpec& command, const std::vector<std::string>& before,
                         const AskCluster& ask) {
  const auto& arguments = command.arguments;
  const auto count = CountArguments(command, before);
  if (count < arguments.size()) return Offer(arguments[count].values, before, ask);
  if (!arguments.empty() && arguments.back().repeatable) {
    auto completion = Offer(arguments.back().values, before, ask);
    std::erase_if(completion.candidates, [&](const Candidate& candidate) {
      return std::find(before.begin(), before.end(), candidate.text) != before.end();
    });
    return completion;
  }
  return {};
}

// `before` are the words between the command and the one that is completed.
Completion CompleteIn(const CommandSpec& command, const std::vector<std::string>& before,
                      const std::string& current, const AskCluster& ask) {
  if (const auto equals = current.find('='); equals != std::string::npos) {
    const auto name = current.substr(0, equals);
    if (const auto* flag = FlagNamed(command, name)) {
      auto completion = Offer(flag->values, before, ask);
      for (auto& candidate : completion.candidates) candidate.text.insert(0, name + "=");
      return completion;
    }
  }
  if (!before.empty()) {
    const auto* flag = FlagNamed(command, before.back());
    if (flag != nullptr && flag->takes_value) return Offer(flag->values, before, ask);
  }
  if (current.starts_with('-')) return OfferFlags(command, before);
  return OfferArgument(command, before, ask);
}

Completion CompleteCommand(const std::vector<CommandSpec>& commands, const std::string& current) {
  Completion completion;
  for (const auto& command : commands)
    completion.candidates.push_back({command.name, command.help});
  if (current.starts_with('-')) completion.candidates = {{"--help", ""}, {"--version", ""}};
  return completion;
}

}  // namespace

std::string Complete(const std::vector<CommandSpec>& commands,
                     const std::vector<std::string>& words, const AskCluster& ask) {
  auto rest = Rejoined(words);
  const auto current = rest.empty() ? std::string() : rest.back();
  if (!rest.empty()) rest.pop_back();
  const auto named = std::find_if(rest.begin(), rest.end(),
                                  [](const std::string& word) { return !word.starts_with('-'); });
  Completion completion;
  if (named == rest.end()) {
    completion = CompleteCommand(commands, current);
  } else {
    const auto command = std::find_if(commands.begin(), commands.end(),
                                      [&](const auto& one) { return one.name == *named; });
    if (command != commands.end()) {
      completion = CompleteIn(*command, {named + 1, rest.end()}, current, ask);
    }
  }
  std::string text;
  for (const auto& [candidate, help] : completion.candidates) {
    if (!candidate.starts_with(current)) continue;
    text += candidate + (help.empty() ? "" : "\t" + help) + '\n';
  }
  return text + fmt::format(":{}\n", completion.directive);
}

std::string ValueAmong(const std::vector<std::string>& words,
                       const std::vector<std::string>& names) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    for (const auto& name : names) {
      if (words[i] == name && i + 1 < words.size()) return words[i + 1];
      if (words[i].starts_with(name + "=")) return words[i].substr(name.size() + 1);
    }
  }
  return "";
}

std::vector<std::string> CompletionShells() { return NamesIn(kScripts); }

base::Result<std::string> CompletionScript(std::string_view shell) {
  const auto script = FindNamed(kScripts, "completion", shell);
  if (!script) return tl::unexpected<base::Error>(script.error());
  return std::string(*script);
}

}  // namespace sparkfit::cli
