// SPDX-License-Identifier: Apache-2.0
//
// The command line: subcommands, flags, exit codes.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>
#include <vector>

#include "sparkfit/base/clock.h"

namespace sparkfit::cli {

inline constexpr int kExitFine = 0;
inline constexpr int kExitFailed = 1;  // it could not be done, or --strict found something
inline constexpr int kExitUsage = 2;   // wrong usage or configuration

// What a process has, so that tests can give their own.
struct Process {
  std::ostream& out;
  std::ostream& err;
  bool err_is_terminal;  // then long work shows its progress there
  std::function<const char*(const std::string&)> environment;  // nullptr: not set
  const base::Clock& clock;
  bool out_is_terminal = false;  // then tables have colours, unless NO_COLOR is set
};

// Runs one command; the arguments without the program's name. Returns the exit code.
int Run(std::vector<std::string> arguments, const Process& process);

}  // namespace sparkfit::cli
