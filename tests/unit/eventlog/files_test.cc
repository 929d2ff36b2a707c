// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/eventlog/files.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "temp_file.h"

namespace sparkfit::eventlog {
namespace {

namespace fs = std::filesystem;

class Folder {
 public:
  Folder() : unique_(""), path_(unique_.Path() + ".d") { fs::create_directories(path_); }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  void Put(const std::string& name, const std::string& text = "x") const {
    fs::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name) << text;
  }
  [[nodiscard]] std::string Path(const std::string& name = "") const {
    return name.empty() ? path_.string() : (path_ / name).string();
  }
  // The names of a log's parts.
  static std::vector<std::string> Parts(const LogFiles& log) {
    std::vector<std::string> names;
    for (const auto& part : log.parts) names.push_back(fs::path(part).filename());
    return names;
  }

 private:
  test::TempFile unique_;
  fs::path path_;
};

using Names = std::vector<std::string>;

TEST_CASE("a folder of logs has single ones and rolling ones", "[eventlog]") {
  const Folder folder;
  folder.Put("spark-2.zstd", "123");
  folder.Put("spark-1.inprogress");
  folder.Put(".spark-1.inprogress.crc");
  folder.Put("eventlog_v2_spark-3/appstatus_spark-3");
  for (const auto* part : {"1", "2", "10"}) {
    folder.Put(std::string("eventlog_v2_spark-3/events_") + part + "_spark-3.zstd", "12");
  }
  folder.Put("older/spark-0");
  replay::Problems problems;
  const auto logs = FindLogs({folder.Path()}, problems);
  REQUIRE(logs);
  REQUIRE(logs->size() == 4);
  CHECK(logs->at(0).name == folder.Path("eventlog_v2_spark-3"));
  // By number, not by text; 3 to 9 are missing.
  CHECK(Folder::Parts(logs->at(0)) ==
        Names{"events_1_spark-3.zstd", "events_2_spark-3.zstd", "events_10_spark-3.zstd"});
  CHECK(logs->at(0).bytes == 6);
  CHECK(logs->at(0).BaseName() == "spark-3");
  CHECK(logs->at(1).name == folder.Path("older/spark-0"));
  CHECK(logs->at(2).BaseName() == "spark-1");
  CHECK(logs->at(3).bytes == 3);
  REQUIRE(problems.Count() == 1);
  CHECK_THAT(problems.Shown()[0], Catch::Contains("part 3 is missing"));
}

TEST_CASE("what was compacted replaces what came before", "[eventlog]") {
  const Folder folder;
  for (const auto* part : {"1_a", "2_a.compact", "2_a", "4_a.compact", "5_a", "6_a"}) {
    folder.Put(std::string("eventlog_v2_a/events_") + part);
  }
  replay::Problems problems;
  const auto logs = FindLogs({folder.Path("eventlog_v2_a")}, problems);
  REQUIRE(logs);
  REQUIRE(logs->size() == 1);
  CHECK(Folder::Parts(logs->at(0)) == Names{"events_4_a.compact", "events_5_a", "events_6_a"});
  CHECK(logs->at(0).partial);
  CHECK(problems.Count() == 0);
}

TEST_CASE("a rollover with dates has its latest part last", "[eventlog]") {
  const Folder folder;
  for (const auto* part :
       {"eventlog", "eventlog-2021-06-14--20-00.gz", "eventlog-2021-06-14--18-00.gz"}) {
    folder.Put(part);
  }
  replay::Problems problems;
  const auto logs = FindLogs({folder.Path()}, problems);
  REQUIRE(logs);
  REQUIRE(logs->size() == 1);
  CHECK(Folder::Parts(logs->at(0)) ==
        Names{"eventlog-2021-06-14--18-00.gz", "eventlog-2021-06-14--20-00.gz", "eventlog"});
}

TEST_CASE("what is missing or leads in a circle is said and stops nothing", "[eventlog]") {
  const Folder folder;
  folder.Put("eventlog_v2_empty/appstatus_empty");
  folder.Put("one");
  fs::create_directory_symlink(folder.Path(), folder.Path("circle"));
  replay::Problems problems;
  const auto logs = FindLogs({folder.Path(), "-"}, problems);
  REQUIRE(logs);
  REQUIRE(logs->size() == 2);
  CHECK(logs->at(1).name == "-");
  REQUIRE(problems.Count() == 1);
  CHECK_THAT(problems.Shown()[0], Catch::Contains("without a part"));
  const auto none = FindLogs({folder.Path("none")}, problems);
  REQUIRE_FALSE(none);
  CHECK(none.error().code == base::Code::kNotFound);
}

}  // namespace
}  // namespace sparkfit::eventlog
