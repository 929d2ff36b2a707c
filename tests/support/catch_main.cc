// SPDX-License-Identifier: Apache-2.0
//
// Ends without the destructors of statics: cpprestsdk's wait for its pool's threads, and one of
// them may wait for a task that nobody runs any more (src/cli/main.cc does likewise).
#define CATCH_CONFIG_RUNNER
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <iostream>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
#endif

int main(int count, char** arguments) {
  const int failed = Catch::Session().run(count, arguments);
  std::cout.flush();
  std::fflush(nullptr);
#if defined(__SANITIZE_ADDRESS__)
  __lsan_do_leak_check();
#endif
  ::_exit(failed == 0 ? 0 : 1);
}
