// SPDX-License-Identifier: Apache-2.0
//
// JVM options that decide how a JVM ends when its heap is full:
//
//   -XX:+ExitOnOutOfMemoryError       exit 3
//   -XX:+CrashOnOutOfMemoryError      exit 134
//   -XX:OnOutOfMemoryError=COMMANDS   what their kill, pkill or killall makes of it: 137 of
//                                     `kill -9 %p`, 143 of `kill %p`, …
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sparkfit::wire {

// Adds the exit codes of the options in the text of one environment variable, to those of others;
// they are in order, each once, and at most six however long the text is. Quotes are of no
// account, and the target of a kill is taken to be the JVM. What other commands and scripts do is
// not known: they add none.
void AddHeapOomExits(std::string_view text, std::vector<int>& exits);

// An option that AddHeapOomExits understands as this exit code.
std::string HeapOomOption(int exit_code);

}  // namespace sparkfit::wire
