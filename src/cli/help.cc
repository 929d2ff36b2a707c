// SPDX-License-Identifier: Apache-2.0
#include "help.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "sparkfit/base/meant.h"
#include "sparkfit/base/text.h"
#include "sparkfit/replay/text_table.h"

namespace sparkfit::cli {
namespace {

constexpr std::size_t kNames = 30;  // columns of an option's name and type
constexpr std::size_t kShown = 60;  // bytes of what somebody typed

// A name, and what it means beside it.
std::string Entry(const std::string& name, const std::string& meaning) {
  auto text = "  " + name;
  if (meaning.empty()) return text + '\n';
  const auto lines = replay::Wrapped(meaning, std::string(kNames, ' '), kHelpWidth);
  if (text.size() >= kNames) return text + '\n' + lines;
  text.resize(kNames, ' ');
  return text + lines.substr(kNames);
}

class Formatter final : public CLI::Formatter {
 public:
  std::string make_option(const CLI::Option* option, bool is_positional) const override {
    return Entry(make_option_name(option, is_positional) + make_option_opts(option),
                 make_option_desc(option));
  }

  std::string make_subcommand(const CLI::App* command) const override {
    return Entry(command->get_name(), command->get_description());
  }

  std::string make_description(const CLI::App* app) const override {
    return replay::Wrapped(app->get_description(), "", kHelpWidth);
  }
};

bool IsFlag(std::string_view word) { return word.size() > 1 && word.starts_with('-'); }

// Without a value behind "=".
std::string NameIn(const std::string& word) { return word.substr(0, word.find('=')); }

std::vector<std::string> LongFlags(const CLI::App& command) {
  std::vector<std::string> flags;
  for (const auto* option : command.get_options()) {
    for (const auto& name : option->get_lnames()) flags.push_back("--" + name);
  }
  return flags;
}

std::vector<const CLI::App*> CommandsOf(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

// The known name that is nearest, or else the only one that begins so.
std::string Meant(const std::string& word, const std::vector<std::string>& known) {
  const std::vector<std::string_view> names(known.begin(), known.end());
  if (const auto nearest = base::Nearest(word, names); !nearest.empty()) {
    return std::string(nearest);
  }
  constexpr std::size_t kTelling = 3;
  std::vector<std::string> longer;
  if (word.size() - std::min(word.find_first_not_of('-'), word.size()) >= kTelling) {
    std::copy_if(known.begin(), known.end(), std::back_inserter(longer),
                 [&](const std::string& name) { return name.starts_with(word); });
  }
  return longer.size() == 1 ? longer.front() : "";
}

std::string Unknown(std::string_view what, const std::string& word, const std::string& meant) {
  return fmt::format("unknown {} \"{}\"{}", what, base::Printable(base::Beginning(word, kShown)),
                     base::Suggestion(meant));
}

// As kubectl takes flags before its commands, people write them there.
std::string UnknownBeforeCommand(const CLI::App& app, const std::string& flag) {
  for (const auto* command : CommandsOf(app)) {
    const auto flags = LongFlags(*command);
    if (std::find(flags.begin(), flags.end(), flag) == flags.end()) continue;
    return fmt::format("{} stands behind the command, as in sparkfit {} {}", flag,
                       command->get_name(), flag);
  }
  return Unknown("flag", flag, Meant(flag, LongFlags(app)));
}

std::string UnknownWord(const CLI::App& app, const CLI::App& asked, const std::string& word) {
  const auto name = NameIn(word);
  const bool top = &asked == &app;
  if (IsFlag(word)) {
    return top ? UnknownBeforeCommand(app, name)
               : Unknown("flag", name, Meant(name, LongFlags(asked)));
  }
  if (!top)
    return fmt::format("what is \"{}\"? it is one argument too many",
                       base::Printable(base::Beginning(word, kShown)));
  std::vector<std::string> commands;
  for (const auto* command : CommandsOf(app)) commands.push_back(command->get_name());
  return Unknown("command", word, Meant(word, commands));
}

}  // namespace

std::shared_ptr<CLI::FormatterBase> HelpFormatter() {
  auto formatter = std::make_shared<Formatter>();
  formatter->column_width(kNames);
  return formatter;
}

std::string WrongUsage(const CLI::App& app, const CLI::ParseError& error) {
  const auto parsed = app.get_subcommands();
  // What stands before a command is not the command's.
  const bool before = parsed.empty() || !app.remaining().empty();
  const auto& asked = before ? app : *parsed.front();
  auto unknown = asked.remaining();
  // A flag that is unknown explains why its value is one argument too many, and what is missing.
  std::stable_partition(unknown.begin(), unknown.end(),
                        [](const std::string& word) { return IsFlag(word); });
  std::string text;
  if (unknown.empty()) {
    text = fmt::format("error: {}\n", error.what());
  } else {
    text = fmt::format("error: {}\n", UnknownWord(app, asked, unknown.front()));
  }
  return text +
         fmt::format("Try 'sparkfit {}--help'.\n", &asked == &app ? "" : asked.get_name() + " ");
}

}  // namespace sparkfit::cli
