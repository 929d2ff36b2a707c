// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <iostream>

#include "sparkfit/cli/app.h"

namespace {

// Without the destructors of statics: cpprestsdk's wait for the threads of its pool, and one of
// them may wait for a task that nobody runs any more. For LeakSanitizer they have to run.
int Leave(int code) {
#if !defined(__SANITIZE_ADDRESS__)
  ::_exit(code);
#endif
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  const sparkfit::base::SystemClock clock;
  const sparkfit::cli::Process process{
      std::cout, std::cerr, ::isatty(STDERR_FILENO) == 1,
      [](const std::string& name) -> const char* { return std::getenv(name.c_str()); }, clock};
  try {
    const int code = sparkfit::cli::Run({argv + 1, argv + argc}, process);
    if (std::cout.flush()) return Leave(code);
    std::cerr << "error: the output could not be written\n";
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << '\n';
  } catch (...) {
    std::cerr << "error: an unknown failure\n";
  }
  return sparkfit::cli::kExitFailed;
}
