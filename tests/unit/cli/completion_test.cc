// SPDX-License-Identifier: Apache-2.0
#include "cli/completion.h"

#include <catch2/catch.hpp>

namespace sparkfit::cli {
namespace {

using Kind = Values::Kind;

const std::vector<CommandSpec> kCommands{
    {"list",
     "a line each",
     {{{"--output", "-o"}, "format", true, false, {Kind::kWords, {"table", "json"}}},
      {{"--namespace", "-n"}, "namespace", true, false, {Kind::kNamespaces}},
      {{"--all"}, "all", false, false, {}},
      {{"--count"}, "count", true, false, {Kind::kNothing}},
      {{"--file"}, "file", true, true, {Kind::kFiles}}},
     {}},
    {"explain", "why", {}, {{false, {Kind::kSignatures}}}},
    {"purge", "forget", {}, {{true, {Kind::kSignatures}}}},
    {"replay", "again", {}, {{true, {Kind::kFiles}}}},
    {"man", "pages", {}, {{false, {Kind::kFolders}}}}};

std::string Of(const std::vector<std::string>& words) {
  return Complete(kCommands, words, [](Kind kind, const std::vector<std::string>&) {
    return kind == Kind::kSignatures
               ? std::vector<Candidate>{{"nightly", "4 executors"}, {"hourly", ""}}
               : std::vector<Candidate>{{"etl", ""}};
  });
}

TEST_CASE("commands and flags are completed with what they mean", "[cli][completion]") {
  CHECK(Of({}) == Of({""}));
  CHECK(Of({"ex"}) == "explain\twhy\n:4\n");
  CHECK(Of({"--v"}) == "--version\n:4\n");
  CHECK(Of({"nosuch", ""}) == ":4\n");
  CHECK(Of({"list", "--o"}) == "--output\tformat\n:4\n");
  // Given already; those that are repeatable are not.
  CHECK(Of({"list", "-o", "json", "--o"}) == ":4\n");
  CHECK(Of({"list", "--file", "a", "--f"}) == "--file\tfile\n:4\n");
}

TEST_CASE("values are those of the flag in this command", "[cli][completion]") {
  CHECK(Of({"list", "-o", ""}) == "table\njson\n:4\n");
  CHECK(Of({"list", "--output=j"}) == "--output=json\n:4\n");
  CHECK(Of({"list", "--output", "=", "j"}) == "json\n:4\n");  // as bash splits it
  CHECK(Of({"list", "--output", "="}) == "table\njson\n:4\n");
  CHECK(Of({"list", "--count", ""}) == ":4\n");
  CHECK(Of({"list", "--file", ""}) == ":0\n");
  CHECK(Of({"list", "--namespace", "e"}) == "etl\n:4\n");
  CHECK(Of({"list", "--all", ""}) == ":4\n");
}

TEST_CASE("arguments are completed as many as there may be", "[cli][completion]") {
  CHECK(Of({"explain", ""}) == "nightly\t4 executors\nhourly\n:4\n");
  CHECK(Of({"explain", "nightly", ""}) == ":4\n");
  CHECK(Of({"purge", "nightly", ""}) == "hourly\n:4\n");
  CHECK(Of({"replay", "a", "b", "c"}) == ":0\n");
  CHECK(Of({"man", ""}) == ":16\n");
}

TEST_CASE("a value is found among words", "[cli][completion]") {
  const std::vector<std::string> words{"-n", "etl", "--context=prod", "--kubeconfig"};
  CHECK(ValueAmong(words, {"--namespace", "-n"}) == "etl");
  CHECK(ValueAmong(words, {"--context"}) == "prod");
  CHECK(ValueAmong(words, {"--kubeconfig"}).empty());
}

}  // namespace
}  // namespace sparkfit::cli
