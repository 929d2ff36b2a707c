// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace sparkfit::test {

// A procfs with one process in it, gone with the object: named `a) b (c`, 250 + 50 ticks of CPU, 7
// threads, started 12345 ticks after the boot at 1700000000, 64 MiB of addresses, 1000 pages in
// RAM, 3 open files of at most 1024.
class FakeProc {
 public:
  FakeProc() {
    path_ = (std::filesystem::temp_directory_path() / "sparkfit-proc-XXXXXX").string();
    path_ = ::mkdtemp(path_.data());
    std::filesystem::create_directories(path_ + "/self/fd");
    for (const char* number : {"0", "1", "17"}) Write("self/fd/" + std::string(number), "");
    Write("stat", "cpu  1 2 3\nintr 5 6 7\nbtime 1700000000\nprocesses 9\n");
    Write("self/stat",
          "42 (a) b (c) S 1 42 42 0 -1 4194304 100 0 2 0 250 50 11 12 20 0 7 0 12345 67108864 1000 "
          "18446744073709551615 1 1 0\n");
    Write("self/limits",
          "Limit                     Soft Limit           Hard Limit           Units     \n"
          "Max open files            1024                 524288               files     \n");
  }
  ~FakeProc() { std::filesystem::remove_all(path_); }
  FakeProc(const FakeProc&) = delete;
  FakeProc& operator=(const FakeProc&) = delete;

  void Write(const std::string& file, const std::string& content) const {
    std::ofstream(path_ + "/" + file) << content;
  }

  [[nodiscard]] const std::string& Path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace sparkfit::test
