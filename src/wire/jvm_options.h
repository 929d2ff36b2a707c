// SPDX-License-Identifier: Apache-2.0
//
// What JVM options in the environment and on the command line say. How a JVM ends when its heap is
// full:
//
//   -XX:+ExitOnOutOfMemoryError       exit 3
//   -XX:+CrashOnOutOfMemoryError      exit 134
//   -XX:OnOutOfMemoryError=COMMANDS   what their kill, pkill or killall makes of it: 137 of
//                                     `kill -9 %p`, 143 of `kill %p`, …
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace sparkfit::wire {

// Adds the exit codes of the options in the text of one environment variable, to those of others;
// they are in order, each once, and at most six however long the text is. Quotes are of no
// account, and the target of a kill is taken to be the JVM. What other commands and scripts do is
// not known: they add none.
void AddHeapOomExits(std::string_view text, std::vector<int>& exits);

// Whether a variable's text sets the heap whatever SPARK_EXECUTOR_MEMORY says, or might: by an
// option that wins, by a file of options, or by what Kubernetes puts in for `$(NAME)`. Options that
// Spark passes itself lose, as its script writes the heap behind them; but no JVM starts whose heap
// is smaller than its SoftMaxHeapSize, which files of options may hold.
bool MaySetHeap(std::string_view variable, std::string_view text);

// Likewise of one word of the container's command or arguments, which may be a script. Whose own
// command writes a heap does not start by Spark's script.
bool MaySetHeap(std::string_view word);

// The variables that a JVM reads itself: where somebody else than the pod sets them, nobody knows
// what they say.
inline constexpr std::array<std::string_view, 3> kJvmVariables{"_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS",
                                                               "JDK_JAVA_OPTIONS"};

// An option that AddHeapOomExits understands as this exit code.
std::string HeapOomOption(int exit_code);

}  // namespace sparkfit::wire
