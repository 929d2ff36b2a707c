// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/base/file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "temp_file.h"

namespace sparkfit::base {
namespace {

namespace fs = std::filesystem;

std::string Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A link to a file with "theirs" in it.
struct Link {
  test::TempFile target{"theirs"};
  std::string path = target.Path() + ".link";
  Link() { fs::create_symlink(target.Path(), path); }
  ~Link() { fs::remove(path); }
};

TEST_CASE("a file that is there is replaced only where that was asked for", "[base][file]") {
  const test::TempFile file("old");
  const auto refused = ReplaceFile(file.Path(), "new", false);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::kInvalidArgument);
  CHECK_THAT(refused.error().message, Catch::Contains("--force"));
  CHECK(Read(file.Path()) == "old");
  REQUIRE(ReplaceFile(file.Path(), "new", true));
  CHECK(Read(file.Path()) == "new");
  fs::remove(file.Path());
  REQUIRE(ReplaceFile(file.Path(), "fresh", false));
  CHECK(Read(file.Path()) == "fresh");
}

TEST_CASE("what a process left that was ended while it wrote is no obstacle", "[base][file]") {
  const test::TempFile file("old");
  std::ofstream(file.Path() + ".new") << "half";
  REQUIRE(ReplaceFile(file.Path(), "new", true));
  CHECK(Read(file.Path()) == "new");
  CHECK_FALSE(fs::exists(file.Path() + ".new"));
}

TEST_CASE("a file that cannot be written is an error", "[base][file]") {
  const test::TempFile folder("");
  fs::remove(folder.Path());
  fs::create_directory(folder.Path());
  fs::create_directory(folder.Path() + "/page.new");  // in the way
  const auto failed = ReplaceFile(folder.Path() + "/page", "new", true);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == Code::kUnavailable);
  CHECK_FALSE(fs::exists(folder.Path() + "/page"));
  fs::remove_all(folder.Path());
}

TEST_CASE("a disk that is full is an error, at every write", "[base][file]") {
  const Descriptor full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  REQUIRE(full.Get() >= 0);
  for (int i = 0; i < 3; ++i) CHECK_FALSE(WriteAll(full.Get(), "line\n", ""));
}

TEST_CASE("what is no plain file is never replaced", "[base][file]") {
  for (const auto* path : {"/dev/null", "/dev/stdout", "/tmp"}) {
    INFO(path);
    CHECK_FALSE(CheckFree(path, true));
    CHECK_FALSE(ReplaceFile(path, "page", true));
  }
}

TEST_CASE("no link is followed", "[base][file]") {
  const Link link;
  CHECK_FALSE(CheckFree(link.path, false));
  CHECK_FALSE(ContinueFile(link.path, "theirs"));
  CHECK_FALSE(ReplaceFile(link.path, "ours", true));
  CHECK(Read(link.target.Path()) == "theirs");
  const Link beside;
  fs::rename(beside.path, link.target.Path() + ".new");
  REQUIRE(ReplaceFile(link.target.Path(), "ours", true));
  CHECK(Read(beside.target.Path()) == "theirs");
}

TEST_CASE("a dangling link is somebody's, too", "[base][file]") {
  Link link;
  fs::remove(link.target.Path());
  CHECK_FALSE(CheckFree(link.path, false));
  CHECK_FALSE(ContinueFile(link.path, ""));
  CHECK_FALSE(fs::exists(link.target.Path()));
}

TEST_CASE("a file is continued where it begins as ours do", "[base][file]") {
  const test::TempFile log("{\"type\":\"header\"}\n");
  {
    auto file = ContinueFile(log.Path(), R"({"type":"header")");
    REQUIRE(file);
    REQUIRE(WriteAll(file->Get(), "cut off", log.Path()));
  }
  auto again = ContinueFile(log.Path(), R"({"type":"header")");
  REQUIRE(again);
  REQUIRE(WriteAll(again->Get(), "next\n", log.Path()));
  CHECK(Read(log.Path()) == "{\"type\":\"header\"}\ncut off\nnext\n");
  const test::TempFile theirs("alias ll='ls -l'\n");
  CHECK_FALSE(ContinueFile(theirs.Path(), R"({"type":"header")"));
  CHECK(Read(theirs.Path()) == "alias ll='ls -l'\n");
}

}  // namespace
}  // namespace sparkfit::base
