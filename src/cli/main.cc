// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <iostream>

#include "sparkfit/cli/app.h"

int main(int argc, char** argv) {
  const sparkfit::base::SystemClock clock;
  const sparkfit::cli::Process process{
      std::cout,
      std::cerr,
      ::isatty(STDERR_FILENO) == 1,
      [](const std::string& name) -> const char* { return std::getenv(name.c_str()); },
      clock,
      ::isatty(STDOUT_FILENO) == 1};
  try {
    const int code = sparkfit::cli::Run({argv + 1, argv + argc}, process);
    if (std::cout.flush()) return code;
    std::cerr << "error: the output could not be written\n";
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << '\n';
  } catch (...) {
    std::cerr << "error: an unknown failure\n";
  }
  return sparkfit::cli::kExitFailed;
}
