// SPDX-License-Identifier: Apache-2.0
#include "man.h"

#include <fmt/format.h>

#include <string_view>

#include "sparkfit/base/version.h"

namespace sparkfit::cli {
namespace {

// Text as roff takes it: nothing in it is a request or an escape, and a minus can be copied.
std::string Roff(std::string_view text) {
  std::string out;
  bool line_begins = true;
  for (const char c : text) {
    if (line_begins && (c == '.' || c == '\'')) out += "\\&";
    line_begins = c == '\n';
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out;
}

std::string Head(const std::string& name) {
  return fmt::format(
      ".\\\" Made by sparkfit man. SPDX\\-License\\-Identifier: Apache\\-2.0\n"
      ".TH {} 1 \"\" \"sparkfit {}\" \"User Commands\"\n.ad l\n",
      Roff(name), Roff(base::kVersion));
}

std::string Section(std::string_view title, const std::string& text) {
  return fmt::format(".SH {}\n{}\n", title, text);
}

std::vector<const CLI::App*> CommandsOf(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* command) { return !command->get_group().empty(); });
}

std::string Names(const CLI::Option& option) {
  std::string text;
  const auto add = [&](const std::string& name) {
    text += (text.empty() ? "\\fB" : ", \\fB") + Roff(name) + "\\fR";
  };
  for (const auto& name : option.get_snames()) add("-" + name);
  for (const auto& name : option.get_lnames()) add("--" + name);
  if (text.empty()) return "\\fI" + Roff(option.get_name(true)) + "\\fR";
  const bool valued = option.get_items_expected_max() > 0 && !option.get_type_name().empty();
  return valued ? text + " \\fI" + Roff(option.get_type_name()) + "\\fR" : text;
}

std::string Entries(const CLI::App& command, bool positional) {
  std::string text;
  for (const auto* option : command.get_options()) {
    if (option->get_group().empty() || option->get_positional() != positional) continue;
    if (!text.empty()) text += '\n';
    text += fmt::format(".TP\n{}\n{}", Names(*option), Roff(option->get_description()));
    if (option->get_required()) text += " (required)";
  }
  return text;
}

std::string Synopsis(const CLI::App& command) {
  std::string text = fmt::format("\\fBsparkfit {}\\fR [\\fIoptions\\fR]", Roff(command.get_name()));
  for (const auto* option : command.get_options()) {
    if (!option->get_positional()) continue;
    const auto name = "\\fI" + Roff(option->get_name(true)) + "\\fR";
    text += option->get_required() ? " " + name : " [" + name + "]";
    if (option->get_expected_max() >= CLI::detail::expected_max_vector_size) text += "...";
  }
  return text;
}

// Examples and remarks as they are wrapped.
std::string Verbatim(const std::string& text) { return ".nf\n" + Roff(text) + "\n.fi"; }

ManPage PageOf(const CLI::App& command) {
  const auto name = "sparkfit-" + command.get_name();
  auto text = Head(name) + Section("NAME", Roff(name) + " \\- " + Roff(command.get_description())) +
              Section("SYNOPSIS", Synopsis(command));
  if (const auto arguments = Entries(command, true); !arguments.empty()) {
    text += Section("ARGUMENTS", arguments);
  }
  text += Section("OPTIONS", Entries(command, false));
  if (!command.get_footer().empty()) text += Section("NOTES", Verbatim(command.get_footer()));
  return {name + ".1", text + Section("SEE ALSO", "\\fBsparkfit\\fR(1)")};
}

ManPage Overview(const CLI::App& app) {
  std::string commands;
  std::string others;
  for (const auto* command : CommandsOf(app)) {
    const auto name = Roff("sparkfit-" + command->get_name());
    commands += fmt::format("{}.TP\n\\fB{}\\fR(1)\n{}", commands.empty() ? "" : "\n", name,
                            Roff(command->get_description()));
    others += fmt::format("{}\\fB{}\\fR(1)", others.empty() ? "" : ",\n", name);
  }
  return {"sparkfit.1",
          Head("sparkfit") +
              Section("NAME", "sparkfit \\- right\\-sizes Spark executors on Kubernetes") +
              Section("SYNOPSIS", "\\fBsparkfit\\fR \\fIcommand\\fR [\\fIoptions\\fR]") +
              Section("DESCRIPTION", Roff(app.get_description())) + Section("COMMANDS", commands) +
              Section("NOTES", Verbatim(app.get_footer())) + Section("SEE ALSO", others)};
}

}  // namespace

std::vector<ManPage> ManPages(const CLI::App& app) {
  std::vector<ManPage> pages{Overview(app)};
  for (const auto* command : CommandsOf(app)) pages.push_back(PageOf(*command));
  return pages;
}

}  // namespace sparkfit::cli
