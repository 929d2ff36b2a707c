// SPDX-License-Identifier: Apache-2.0
#include "jvm_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace sparkfit::wire {
namespace {

constexpr std::string_view kExit = "-XX:+ExitOnOutOfMemoryError";
constexpr std::string_view kCrash = "-XX:+CrashOnOutOfMemoryError";
constexpr std::string_view kCommands = "-XX:OnOutOfMemoryError=";
constexpr std::string_view kCommon = "OnOutOfMemoryError";  // to most variables the one question
constexpr int kExitCode = 3;
constexpr int kAborted = 134;
constexpr int kSignals = 128;

struct Signal {
  std::string_view name;
  std::string_view number;
  int exit_code;  // of a JVM that gets it
};
// Those that end a JVM: QUIT prints its threads, and others are ignored or stop it. After SEGV
// HotSpot reports a crash and aborts.
constexpr std::array<Signal, 6> kEnding{{{"HUP", "1", kSignals + 1},
                                         {"INT", "2", kSignals + 2},
                                         {"ABRT", "6", kAborted},
                                         {"KILL", "9", kSignals + 9},
                                         {"SEGV", "11", kAborted},
                                         {"TERM", "15", kSignals + 15}}};
constexpr int kTerminated = kSignals + 15;

constexpr std::string_view kSoftMost = "SoftMaxHeapSize";
// Sizes that are not to be found by -Xmx.
constexpr std::string_view kExact = "HeapSize";
constexpr std::array<std::string_view, 2> kFiles{"-XX:Flags=", "-XX:VMOptionsFile="};
constexpr std::string_view kPutIn = "$(";  // by Kubernetes
// -Xmx, -Xms and -Xmn, and shares of the machine: these lose but in the variable that is read last.
constexpr std::string_view kReadLast = "_JAVA_OPTIONS";
constexpr std::array<std::string_view, 4> kSizes{"-Xm",
                                                 "MaxRAM=", "RAMPercentage=", "RAMFraction="};

// The variables of which Spark's script makes one option for each of their lines.
constexpr std::string_view kOfSpark = "SPARK_JAVA_OPT_";

constexpr std::string_view kBlanks = " \t\r\n'\"\\";
constexpr std::string_view kJava = "java";
constexpr std::string_view kNames = "ABCDEFGHIJKLMNOPQRSTUVWXYZ12";
constexpr std::string_view kDigits = "0123456789";
constexpr std::string_view kCommandEnds = ";|&(){}`\n";

bool Is(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }

void Add(int exit_code, std::vector<int>& exits) {
  const auto place = std::lower_bound(exits.begin(), exits.end(), exit_code);
  if (place == exits.end() || *place != exit_code) exits.insert(place, exit_code);
}

// The flag is there, and not merely the beginning of another word.
bool Has(std::string_view text, std::string_view flag) {
  const auto at = text.find(flag);
  if (at == std::string_view::npos) return false;
  const auto end = at + flag.size();
  return end == text.size() || Is(text[end], kBlanks);
}

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

template <std::size_t kCount>
bool HasAny(std::string_view text, const std::array<std::string_view, kCount>& parts) {
  return std::any_of(parts.begin(), parts.end(),
                     [&](std::string_view part) { return Contains(text, part); });
}

// @FILE, at the beginning or behind one of `before`.
bool HasArgumentFile(std::string_view text, std::string_view before) {
  for (std::size_t at = text.find('@'); at != std::string_view::npos; at = text.find('@', at + 1)) {
    if (at == 0 || Is(text[at - 1], before)) return true;
  }
  return false;
}

// Spark and the JVM take quotes off, so that a value may hold blanks. It ends where another option
// begins.
std::string_view ValueAt(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!Is(text[i], kBlanks)) continue;
    const auto next = text.substr(i + 1, 2);
    if (next == "-X" || next == "-D") return text.substr(0, i);
  }
  return text;
}

// Nothing for what is no signal, 0 for one that does not end a JVM.
std::optional<int> ExitBySignal(std::string_view word) {
  if (word.starts_with("SIG")) word.remove_prefix(3);
  const auto known = std::find_if(kEnding.begin(), kEnding.end(), [&](const Signal& signal) {
    return word == signal.name || word == signal.number;
  });
  if (known != kEnding.end()) return known->exit_code;
  // Single capitals are options of pkill.
  const bool a_name = word.size() > 1 && word.find_first_not_of(kNames) == std::string_view::npos;
  const bool a_number = !word.empty() && word.find_first_not_of(kDigits) == std::string_view::npos;
  return a_name || a_number ? std::optional(0) : std::nullopt;
}

// One command after the other, word by word.
class Kills {
 public:
  explicit Kills(std::vector<int>& exits) : exits_(exits) {}

  void Word(std::string_view word) {
    const auto name = word.substr(word.rfind('/') + 1);
    if (name == "kill" || name == "pkill" || name == "killall") {
      EndCommand();
      exit_code_ = kTerminated;
    } else if (std::exchange(signal_follows_, false)) {
      exit_code_ = ExitBySignal(word).value_or(exit_code_);
    } else if (exit_code_ > 0 && word.starts_with('-')) {
      Option(word);
    }
  }

  void EndCommand() {
    if (exit_code_ > 0) Add(exit_code_, exits_);
    exit_code_ = 0;
    signal_follows_ = false;
  }

 private:
  // -9, -KILL, -s KILL, -n 9, --signal KILL, --signal=KILL; others, as -f of pkill, say nothing.
  void Option(std::string_view word) {
    signal_follows_ = word == "-s" || word == "-n" || word == "--signal";
    const auto equals = word.find('=');
    word.remove_prefix(equals == std::string_view::npos ? 1 : equals + 1);
    exit_code_ = ExitBySignal(word).value_or(exit_code_);
  }

  std::vector<int>& exits_;
  int exit_code_ = 0;  // of the kill that is being read; 0: none, or one that does not end a JVM
  bool signal_follows_ = false;
};

void AddKills(std::string_view commands, std::vector<int>& exits) {
  Kills kills(exits);
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= commands.size(); ++i) {
    const bool over = i == commands.size();
    const bool ends = over || Is(commands[i], kCommandEnds);
    if (!ends && !Is(commands[i], kBlanks)) continue;
    if (i > begin) kills.Word(commands.substr(begin, i - begin));
    if (ends) kills.EndCommand();
    begin = i + 1;
  }
}

}  // namespace

void AddHeapOomExits(std::string_view text, std::vector<int>& exits) {
  if (text.find(kCommon) == std::string_view::npos) return;
  if (Has(text, kExit)) Add(kExitCode, exits);
  if (Has(text, kCrash)) Add(kAborted, exits);
  for (auto at = text.find(kCommands); at != std::string_view::npos; at = text.find(kCommands)) {
    text.remove_prefix(at + kCommands.size());
    const auto commands = ValueAt(text);
    AddKills(commands, exits);
    text.remove_prefix(commands.size());
  }
}

bool MaySetHeap(std::string_view variable, std::string_view text) {
  if (variable.starts_with(kOfSpark)) {
    return Contains(text, kSoftMost) || HasAny(text, kFiles) || HasArgumentFile(text, "\n");
  }
  if (std::find(kJvmVariables.begin(), kJvmVariables.end(), variable) == kJvmVariables.end()) {
    return Contains(text, kSoftMost);
  }
  if (Contains(text, kExact) || HasAny(text, kFiles) || Contains(text, kPutIn)) return true;
  if (variable == kReadLast && HasAny(text, kSizes)) return true;
  return HasArgumentFile(text, kBlanks);
}

bool MaySetHeap(std::string_view word) {
  if (Contains(word, kExact) || HasAny(word, kFiles) || HasAny(word, kSizes)) return true;
  // `$(…)` and `@` mean other things in a script, but behind the JVM's name.
  if (word.find_first_of(kBlanks) == std::string_view::npos) {
    return Contains(word, kPutIn) || word.starts_with('@');
  }
  const auto java = word.find(kJava);
  if (java == std::string_view::npos) return false;
  const auto options = word.substr(java + kJava.size());
  return Contains(options, kPutIn) || HasArgumentFile(options, kBlanks);
}

std::string HeapOomOption(int exit_code) {
  if (exit_code == kExitCode) return std::string(kExit);
  if (exit_code == kAborted) return std::string(kCrash);
  return fmt::format("{}kill -{} %p", kCommands, exit_code - kSignals);
}

}  // namespace sparkfit::wire
