// SPDX-License-Identifier: Apache-2.0
#include "completion.h"

#include <fmt/format.h>

namespace sparkfit::cli {
namespace {

template <typename T, typename Name>
std::string Joined(const std::vector<T>& entries, std::string_view separator, Name&& name) {
  std::string text;
  for (const auto& entry : entries) {
    text += (text.empty() ? "" : std::string(separator)) + std::string(name(entry));
  }
  return text;
}

std::string Words(const std::vector<std::string>& words) {
  return Joined(words, " ", [](const auto& word) { return word; });
}

std::string FlagNames(const CommandSpec& command) {
  return Joined(command.flags, " ", [](const auto& flag) { return flag.name; });
}

std::string CommandNames(const std::vector<CommandSpec>& commands, std::string_view separator) {
  return Joined(commands, separator, [](const auto& command) { return command.name; });
}

// Help inside single quotes; none of it holds anything a shell would expand there.
std::string Quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + '\'';
}

std::string Bash(const std::vector<CommandSpec>& commands) {
  std::string script = R"(# bash completion for sparkfit: source <(sparkfit completion bash)
_sparkfit() {
  local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}" command="" word
  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in
)";
  script += fmt::format("      {}) command=\"$word\"; break ;;\n", CommandNames(commands, "|"));
  script += "    esac\n  done\n  case \"$command $previous\" in\n";
  for (const auto& command : commands) {
    for (const auto& flag : command.flags) {
      if (flag.values.empty()) continue;
      script += fmt::format(
          "    \"{} {}\") COMPREPLY=($(compgen -W \"{}\" -- \"$current\")); return ;;\n",
          command.name, flag.name, Words(flag.values));
    }
  }
  script += "  esac\n  case \"$command\" in\n";
  script += fmt::format(
      "    \"\") COMPREPLY=($(compgen -W \"{} --help --version\" -- \"$current\")) ;;\n",
      CommandNames(commands, " "));
  for (const auto& command : commands) {
    const auto rest = command.words.empty()
                          ? std::string("compgen -f -- \"$current\"")
                          : fmt::format("compgen -W \"{}\" -- \"$current\"", Words(command.words));
    script += fmt::format(
        "    {}) if [[ $current == -* ]]; then COMPREPLY=($(compgen -W \"{}\" -- \"$current\")); "
        "else COMPREPLY=($({})); fi ;;\n",
        command.name, FlagNames(command), rest);
  }
  return script + "  esac\n}\ncomplete -o filenames -F _sparkfit sparkfit\n";
}

// _arguments reads ':' and '[' in a description as its own.
std::string ZshText(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == ':' || c == '[' || c == ']') out += '\\';
    out += c;
  }
  return out;
}

std::string ZshArguments(const CommandSpec& command) {
  std::string text;
  for (const auto& flag : command.flags) {
    auto spec = fmt::format("*{}[{}]", flag.name, ZshText(flag.help));
    if (flag.takes_value) {
      spec +=
          flag.values.empty() ? ":value:_files" : fmt::format(":value:({})", Words(flag.values));
    }
    text += " " + Quoted(spec);
  }
  return text + (command.words.empty() ? " '*:file:_files'"
                                       : fmt::format(" '*:word:({})'", Words(command.words)));
}

std::string Zsh(const std::vector<CommandSpec>& commands) {
  std::string script = "#compdef sparkfit\n# zsh completion: source <(sparkfit completion zsh)\n";
  script += "_sparkfit() {\n  local -a commands=(\n";
  for (const auto& command : commands) {
    script += "    " + Quoted(command.name + ":" + ZshText(command.help)) + "\n";
  }
  script +=
      "  )\n  if (( CURRENT == 2 )); then _describe command commands; return; fi\n"
      "  local command=$words[2]\n  shift words; (( CURRENT-- ))\n  case $command in\n";
  for (const auto& command : commands) {
    script += fmt::format("    {}) _arguments{} ;;\n", command.name, ZshArguments(command));
  }
  return script + "  esac\n}\ncompdef _sparkfit sparkfit\n";
}

std::string Fish(const std::vector<CommandSpec>& commands) {
  std::string script = "# fish completion: sparkfit completion fish | source\n";
  for (const auto& command : commands) {
    script += fmt::format("complete -c sparkfit -n __fish_use_subcommand -f -a {} -d {}\n",
                          command.name, Quoted(command.help));
    const auto seen = fmt::format("'__fish_seen_subcommand_from {}'", command.name);
    for (const auto& flag : command.flags) {
      script += fmt::format("complete -c sparkfit -n {} -l {} -d {}", seen, flag.name.substr(2),
                            Quoted(flag.help));
      if (flag.takes_value) script += " -r";
      if (!flag.values.empty()) script += " -f -a " + Quoted(Words(flag.values));
      script += '\n';
    }
    if (!command.words.empty()) {
      script +=
          fmt::format("complete -c sparkfit -n {} -f -a {}\n", seen, Quoted(Words(command.words)));
    }
  }
  return script;
}

}  // namespace

base::Result<std::string> CompletionScript(std::string_view shell,
                                           const std::vector<CommandSpec>& commands) {
  if (shell == "bash") return Bash(commands);
  if (shell == "zsh") return Zsh(commands);
  if (shell == "fish") return Fish(commands);
  return base::Fail(base::Code::kInvalidArgument,
                    fmt::format("no completion for \"{}\" (known: bash, zsh, fish)", shell));
}

}  // namespace sparkfit::cli
