// SPDX-License-Identifier: Apache-2.0
#include "wire/jvm_options.h"

#include <catch2/catch.hpp>

namespace sparkfit::wire {
namespace {

using Exits = std::vector<int>;

Exits ExitsOf(const std::string& text) {
  Exits exits;
  AddHeapOomExits(text, exits);
  return exits;
}

// Of -XX:OnOutOfMemoryError= with these commands, as Spark hands one option on.
Exits ExitsBy(const std::string& commands) { return ExitsOf("-XX:OnOutOfMemoryError=" + commands); }

TEST_CASE("the options that end a JVM whose heap is full are found wherever they stand",
          "[wire][jvm]") {
  CHECK(ExitsOf("-XX:+ExitOnOutOfMemoryError") == Exits{3});
  CHECK(ExitsOf("-XX:+CrashOnOutOfMemoryError") == Exits{134});
  CHECK(ExitsOf("-Xss4m -XX:+ExitOnOutOfMemoryError -Dx=y") == Exits{3});
  CHECK(ExitsOf("\"-XX:+ExitOnOutOfMemoryError\" '-XX:+CrashOnOutOfMemoryError'") == Exits{3, 134});
  CHECK(ExitsOf("-Da=b -XX:OnOutOfMemoryError='kill -9 %p' -XX:+UseG1GC") == Exits{137});
  CHECK(ExitsOf("\"-XX:OnOutOfMemoryError=kill -9 %p\" -XX:+ExitOnOutOfMemoryError") ==
        Exits{3, 137});
}

TEST_CASE("other options are none of these", "[wire][jvm]") {
  for (const auto* text :
       {"", "-XX:+UseG1GC", "-XX:-ExitOnOutOfMemoryError", "-XX:+ExitOnOutOfMemoryErrors",
        "-XX:+HeapDumpOnOutOfMemoryError", "-XX:OnOutOfMemoryError",
        "-XX:OnOutOfMemoryError=", "-XX:OnError=kill -9 %p", "kill -9 %p"}) {
    INFO(text);
    CHECK(ExitsOf(text).empty());
  }
}

TEST_CASE("what a kill does is told by its signal, however that is written", "[wire][jvm]") {
  for (const auto* commands : {"kill -9 %p",
                               "kill -KILL %p",
                               "kill -SIGKILL %p",
                               "kill -s KILL %p",
                               "kill -s 9 %p",
                               "kill -n 9 %p",
                               "/bin/kill -9 %p",
                               "'kill -9 %p'",
                               "\"kill -9 %p\"",
                               "pkill -9 java",
                               "pkill -9 -f Executor",
                               "pkill -f -9 Executor",
                               "pkill -9 -n java",
                               "pkill -9 -P 1 java",
                               "pkill --signal KILL java",
                               "pkill --signal=9 java",
                               "killall -9 java",
                               "/bin/sh -c 'sleep 1; kill -9 %p'",
                               "jmap -dump:file=/x %p; kill -9 %p",
                               "echo full && kill -9 %p",
                               "pgrep java | xargs kill -9"}) {
    INFO(commands);
    CHECK(ExitsBy(commands) == Exits{137});
  }
  for (const auto* commands : {"kill %p", "kill -15 %p", "kill -TERM %p", "kill -s TERM %p",
                               "kill -SIGTERM %p", "pkill java", "pkill -f java", "kill -- %p"}) {
    INFO(commands);
    CHECK(ExitsBy(commands) == Exits{143});
  }
  CHECK(ExitsBy("kill -HUP %p") == Exits{129});
  CHECK(ExitsBy("kill -2 %p") == Exits{130});
  CHECK(ExitsBy("kill -ABRT %p") == Exits{134});
  CHECK(ExitsBy("kill -11 %p") == Exits{134});  // HotSpot aborts
  CHECK(ExitsBy("kill %p; sleep 10; kill -9 %p") == Exits{137, 143});
}

TEST_CASE("what does not end a JVM, and a script of which nothing is known, are no exits",
          "[wire][jvm]") {
  for (const auto* commands : {"kill -3 %p", "kill -QUIT %p", "kill -0 %p", "kill -s USR1 %p",
                               "/opt/oom.sh %p", "/opt/kill.sh -9 %p", "jcmd %p Thread.print"}) {
    INFO(commands);
    CHECK(ExitsBy(commands).empty());
  }
}

TEST_CASE("exits of several variables add up, each once, however long the text is", "[wire][jvm]") {
  Exits exits{137};
  AddHeapOomExits("-XX:+ExitOnOutOfMemoryError", exits);
  AddHeapOomExits("-XX:OnOutOfMemoryError=kill -9 %p", exits);
  CHECK(exits == Exits{3, 137});
  std::string text;
  for (int signal = 0; signal < 10'000; ++signal) {
    text += "-XX:OnOutOfMemoryError=kill -" + std::to_string(signal) + " %p -Xss1m ";
  }
  CHECK(ExitsOf(text) == Exits{129, 130, 134, 137, 143});
}

TEST_CASE("an option is written so that it is read again", "[wire][jvm]") {
  for (const int exit_code : {3, 129, 130, 134, 137, 143}) {
    CHECK(ExitsOf(HeapOomOption(exit_code)) == Exits{exit_code});
  }
}

TEST_CASE("options that set the heap whatever Spark says, or might", "[wire][jvm]") {
  for (const auto* option :
       {"-XX:MaxHeapSize=2g", "-XX:InitialHeapSize=1g", "-XX:SoftMaxHeapSize=900m", "-XX:Flags=/f",
        "-XX:VMOptionsFile=/f", "-Dx=$(NAME)", "@/opt/args", "-Dx=y @args", "-Dx=y '@args'"}) {
    CAPTURE(option);
    for (const auto variable : kJvmVariables) CHECK(MaySetHeap(variable, option));
  }
  for (const auto* option :
       {"-Xmx1g", "-Xms1g", "-Xmn100m", "-XX:MaxRAMPercentage=70", "-XX:InitialRAMPercentage=10.0",
        "-XX:MaxRAM=4g", "-XX:MaxRAMFraction=2"}) {
    CAPTURE(option);
    CHECK(MaySetHeap("_JAVA_OPTIONS", option));  // read last
    CHECK_FALSE(MaySetHeap("JAVA_TOOL_OPTIONS", option));
    CHECK_FALSE(MaySetHeap("JDK_JAVA_OPTIONS", option));
  }
  for (const auto* option : {"", "-Dmail=a@b.c", "-XX:+UseG1GC -XX:G1HeapRegionSize=4m",
                             "-XX:OnOutOfMemoryError='kill -9 %p'", "-javaagent:/a.jar"}) {
    CAPTURE(option);
    for (const auto variable : kJvmVariables) CHECK_FALSE(MaySetHeap(variable, option));
  }
  // What Spark passes stands before its own -Xmx.
  CHECK_FALSE(MaySetHeap("SPARK_JAVA_OPT_1", "-XX:InitialHeapSize=1g"));
  CHECK_FALSE(MaySetHeap("MESSAGE", "-Xmx1g"));
  CHECK_FALSE(MaySetHeap("MESSAGE", "@all"));
  CHECK(MaySetHeap("SPARK_JAVA_OPT_1", "-XX:SoftMaxHeapSize=900m"));
}

TEST_CASE(
    "a file of options that Spark passes may hold a soft heap, of which no JVM starts with less",
    "[wire][jvm]") {
  // Spark's script makes an option of each line of such a variable, blanks and all.
  for (const auto* option : {"@/opt/jvm.args", "-XX:Flags=/opt/f", "-XX:VMOptionsFile=/opt/f",
                             "-Da=b\n@/opt/jvm.args"}) {
    CAPTURE(option);
    CHECK(MaySetHeap("SPARK_JAVA_OPT_12", option));
  }
  for (const auto* option :
       {"-Dlog.pattern=%d @%c", "-Dmail=a@b.c", "-Dmy.Flags=x", "-Dx=$(NAME)"}) {
    CAPTURE(option);
    CHECK_FALSE(MaySetHeap("SPARK_JAVA_OPT_12", option));
  }
}

TEST_CASE("a command line that sets the heap, or might", "[wire][jvm]") {
  for (const auto* word :
       {"-Xmx1g", "-Xms1g", "-XX:MaxHeapSize=2g", "-XX:SoftMaxHeapSize=1g", "-XX:Flags=/f",
        "-XX:VMOptionsFile=/f", "-XX:MaxRAMPercentage=70", "-XX:MaxRAM=4g", "@/opt/args",
        "$(JAVA_OPTS)", "exec java -Xmx1g org.apache.spark.Main", "/usr/bin/java @/opt/args Main",
        "exec java $(JAVA_OPTS) Main", "java -XX:InitialRAMPercentage=10 -cp x Main"}) {
    CAPTURE(word);
    CHECK(MaySetHeap(word));
  }
  // Spark's own, and what is put around it.
  for (const auto* word :
       {"executor", "/opt/entrypoint.sh", "/usr/bin/tini", "-s", "--", "", "user@host", "sh", "-c",
        "until curl -s -d @/ready localhost; do sleep $(interval); done; /opt/entrypoint.sh "
        "executor"}) {
    CAPTURE(word);
    CHECK_FALSE(MaySetHeap(word));
  }
}

}  // namespace
}  // namespace sparkfit::wire
