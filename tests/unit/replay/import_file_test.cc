// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/replay/import_file.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "sparkfit/base/gzip.h"

namespace sparkfit::replay {
namespace {

namespace fs = std::filesystem;

// A folder of our own, gone with the test.
struct Folder {
  Folder() {
    std::string name = (fs::temp_directory_path() / "sparkfit-import-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  fs::path path;
};

std::string Read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

const ImportFile::Arguments kArguments{{"--step", "30s"}, {"--url", "http://p"}};

// Three commits of a few MiB, as a writer would go on from the state that it finds; ended after
// `appended` of the six pieces.
bool WriteAll(const std::string& path, int appended) {
  const auto file = ImportFile::Open(path, kArguments);
  REQUIRE(file);
  int next = (*file)->State().empty() ? 0 : std::stoi((*file)->State());
  for (; next < 6; ++next) {
    if (appended-- == 0) return false;
    REQUIRE((*file)->Append(std::string(1'300'000, static_cast<char>('a' + next))));
    if (next % 2 == 1) REQUIRE((*file)->Commit(std::to_string(next + 1)));
  }
  REQUIRE((*file)->Finish());
  return true;
}

TEST_CASE("A log that was left at any moment and gone on with has the bytes of one run") {
  const std::string name = GENERATE("log.ndjson", "log.ndjson.gz");
  const Folder folder;
  const auto whole = (folder.path / ("whole-" + name)).string();
  REQUIRE(WriteAll(whole, 6));
  CHECK(!fs::exists(whole + ".resume"));
  const auto text = name.ends_with(".gz") ? *base::Gunzip(Read(whole), 1 << 24) : Read(whole);
  CHECK(text.size() == 6 * 1'300'000);
  for (int left = 0; left < 6; ++left) {
    const auto path = (folder.path / (std::to_string(left) + name)).string();
    CHECK(!WriteAll(path, left));
    // With nothing to go on with there is nothing to stand in the way of other arguments.
    const bool committed = left >= 2;
    CHECK(fs::exists(path + ".resume") == committed);
    CHECK(fs::exists(path) == committed);
    if (left % 2 == 1) CHECK(!WriteAll(path, 1));
    CHECK(WriteAll(path, 6));
    CHECK((Read(path) == Read(whole)));
  }
}

TEST_CASE("What is no log to go on with is refused, and left alone") {
  const Folder folder;
  const auto path = (folder.path / "log").string();

  SECTION("a complete one") {
    std::ofstream(path) << "precious";
    const auto file = ImportFile::Open(path, kArguments);
    REQUIRE(!file);
    CHECK(file.error().code == base::Code::kInvalidArgument);
    CHECK(Read(path) == "precious");
  }
  SECTION("one of other arguments, which are named") {
    WriteAll(path, 3);
    auto other = kArguments;
    other["--step"] = "60s";
    const auto file = ImportFile::Open(path, other);
    REQUIRE(!file);
    CHECK(file.error().code == base::Code::kInvalidArgument);
    CHECK(file.error().message.find("--step \"30s\", now it is \"60s\"") != std::string::npos);
  }
  SECTION("one that somebody changed") {
    WriteAll(path, 3);
    std::fstream(path, std::ios::in | std::ios::out) << "x";
    const auto file = ImportFile::Open(path, kArguments);
    REQUIRE(!file);
    CHECK(file.error().message.find("not as it was left") != std::string::npos);
  }
  SECTION("one that is shorter than it was") {
    WriteAll(path, 3);
    fs::resize_file(path, 1000);
    CHECK(!ImportFile::Open(path, kArguments));
  }
  SECTION("one whose resume file is damaged, wherever") {
    WriteAll(path, 3);
    const auto good = Read(path + ".resume");
    for (std::size_t at = 0; at < good.size(); ++at) {
      auto bad = good;
      bad[at] = static_cast<char>(bad[at] ^ 1);
      std::ofstream(path + ".resume", std::ios::trunc) << bad;
      CHECK(!ImportFile::Open(path, kArguments));
    }
  }
  SECTION("one that somebody else writes") {
    const auto first = ImportFile::Open(path, kArguments);
    REQUIRE(first);
    const auto second = ImportFile::Open(path, kArguments);
    REQUIRE(!second);
    CHECK(second.error().message.find("another process") != std::string::npos);
  }
  SECTION("a folder that is not there") {
    CHECK(!ImportFile::Open((folder.path / "none" / "log").string(), kArguments));
  }
}

}  // namespace
}  // namespace sparkfit::replay
