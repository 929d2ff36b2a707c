// SPDX-License-Identifier: Apache-2.0
//
// How the command line speaks of itself: its help, and what is wrong with arguments.
#pragma once

#include <CLI/CLI.hpp>
#include <cstddef>
#include <memory>
#include <string>

namespace sparkfit::cli {

inline constexpr std::size_t kHelpWidth = 100;  // characters

// CLI11's layout, in lines of at most kHelpWidth. Footers are wrapped by whoever writes them.
std::shared_ptr<CLI::FormatterBase> HelpFormatter();

// What is wrong with the arguments that `app` could not parse, with the command or flag that was
// probably meant, and whose help to ask for. Lines end with a line end.
std::string WrongUsage(const CLI::App& app, const CLI::ParseError& error);

}  // namespace sparkfit::cli
