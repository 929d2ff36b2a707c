// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/eventlog/removal.h"

#include <catch2/catch.hpp>

namespace sparkfit::eventlog {
namespace {

constexpr std::string_view kContainer = "spark-kubernetes-executor";

Removal Read(std::string_view text) { return ReadRemoval(text, kContainer); }

std::string Block(const std::string& name, const std::string& code, const std::string& reason) {
  return "\n\t container name: " + name + "\n\t container image: spark:3.5.3" +
         "\n\t container state: terminated\n\t exit code: " + code +
         "\n\t termination reason: " + reason + "\n";
}

TEST_CASE("the executor's own container says how it ended", "[eventlog]") {
  // Before SPARK-49804 the first line is about the first container.
  const auto text =
      "\nThe executor with id 3 exited with exit code 0(success).\n\n\n\nThe API gave the "
      "following container statuses:\n\n" +
      Block("proxy", "0", "Completed") + Block("spark-kubernetes-executor", "52", "Error");
  CHECK(Read(text) == Removal{RemovalKind::kEnded, 52, "Error"});
  CHECK(ReadRemoval(text, "proxy") == Removal{RemovalKind::kEnded, 0, "Completed"});
  // Nobody knows its container: the first line counts.
  CHECK(ReadRemoval(text, "main") == Removal{RemovalKind::kEnded, 0, ""});
}

TEST_CASE("an OOM kill is one by its reason, 137 alone is none", "[eventlog]") {
  const std::string head =
      "\nThe executor with id 3 exited with exit code 137(SIGKILL, possible container OOM).\n";
  CHECK(Read(head + Block("spark-kubernetes-executor", "137", "OOMKilled")) ==
        Removal{RemovalKind::kEnded, 137, "OOMKilled"});
  CHECK(Read(head) == Removal{RemovalKind::kEnded, 137, ""});
  CHECK(Read(head + Block("spark-kubernetes-executor", "137", "N/A")) ==
        Removal{RemovalKind::kEnded, 137, ""});
}

TEST_CASE("an evicted pod was taken down, however its container ended", "[eventlog]") {
  const auto text =
      "\nThe executor with id 3 exited with exit code 137(…).\nThe API gave the following brief "
      "reason: Evicted\n" +
      Block("spark-kubernetes-executor", "137", "Error");
  CHECK(Read(text) == Removal{RemovalKind::kEnded, 137, "Error", true});
  CHECK(Read("\nThe executor with id 3 exited with exit code -1(unexpected).\nThe API gave the "
             "following "
             "brief reason: Evicted\n") == Removal{RemovalKind::kDisrupted});
}

TEST_CASE("every other text of Spark has its meaning", "[eventlog]") {
  for (const auto* wanted : {"Executor killed by driver.", "Executor decommission.",
                             "Executor decommission: spot loss", "Finished decommissioning",
                             "Container container_1_2 exited from explicit termination request."}) {
    INFO(wanted);
    CHECK(Read(wanted).kind == RemovalKind::kWanted);
  }
  CHECK(Read("The executor with id 3 was deleted by a user or the framework.").kind ==
        RemovalKind::kDisrupted);
  for (const auto* unknown :
       {"Executor heartbeat timed out after 130000 ms", "worker lost: 10.0.0.1:7078",
        "Remote RPC client disassociated. Likely due to containers exceeding thresholds, or "
        "network "
        "issues. Check driver logs for WARN messages.",
        "The executor with ID 3 (registered at 1 ms) was not found in the cluster at the polling "
        "time",
        "\nThe executor with id 3 exited with exit code -1(unexpected).\n", "", "<b>"}) {
    INFO(unknown);
    CHECK(Read(unknown) == Removal{});
  }
  CHECK(Read("Command exited with code 137") == Removal{RemovalKind::kEnded, 137, ""});
  CHECK(
      Read("Container from a bad node: container_1 on host: h. Exit status: 143. Diagnostics: …") ==
      Removal{RemovalKind::kEnded, 143, ""});
  CHECK(Read("Container killed by YARN for exceeding physical memory limits. 5.5 GB of 5.5 GB "
             "physical "
             "memory used.") == Removal{RemovalKind::kEnded, 137, "OOMKilled"});
}

}  // namespace
}  // namespace sparkfit::eventlog
