// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

namespace sparkfit::base {
namespace {

tl::unexpected<Error> Errno(const std::string& path) {
  if (errno == ELOOP) return Fail(Code::kInvalidArgument, path + ": is a link; name the file");
  return Fail(Code::kUnavailable, path + ": " + std::strerror(errno));
}

}  // namespace

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}
Descriptor::Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  std::swap(number_, other.number_);
  return *this;
}

Result<Descriptor> OpenFile(const std::string& path, int flags) {
  const int number = ::open(path.c_str(), flags | O_NOFOLLOW | O_CLOEXEC, 0644);
  if (number < 0) return Errno(path);
  return Descriptor(number);
}

Result<void> WriteAll(int descriptor, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const auto n = ::write(descriptor, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Errno(path);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

Result<void> CheckFree(const std::string& path, bool force) {
  struct stat about {};
  if (::lstat(path.c_str(), &about) != 0) return {};
  if (!S_ISREG(about.st_mode)) return Fail(Code::kInvalidArgument, path + ": is no plain file");
  if (force) return {};
  return Fail(Code::kInvalidArgument, path + ": is there already; --force replaces it");
}

Result<void> ReplaceFile(const std::string& path, std::string_view bytes, bool force) {
  if (auto free = CheckFree(path, force); !free) return free;
  const auto fresh = path + ".new";
  ::unlink(fresh.c_str());  // of a process that was ended
  auto file = OpenFile(fresh, O_WRONLY | O_CREAT | O_EXCL);
  if (!file) return tl::unexpected<Error>(file.error());
  auto written = WriteAll(file->Get(), bytes, fresh);
  if (written && ::fdatasync(file->Get()) != 0) written = Errno(fresh);
  if (written && std::rename(fresh.c_str(), path.c_str()) != 0) written = Errno(path);
  if (!written) ::unlink(fresh.c_str());
  return written;
}

Result<Descriptor> ContinueFile(const std::string& path, std::string_view beginning) {
  auto file = OpenFile(path, O_RDWR | O_CREAT | O_APPEND);
  if (!file) return file;
  const auto size = ::lseek(file->Get(), 0, SEEK_END);
  if (size <= 0) return file;  // new, or nothing that has an end
  std::string start(beginning.size(), '\0');
  char last = 0;
  if (::pread(file->Get(), start.data(), start.size(), 0) < 0 ||
      ::pread(file->Get(), &last, 1, size - 1) < 0) {
    return Errno(path);
  }
  if (start != beginning) {
    return Fail(Code::kInvalidArgument, path + ": is there already, and is something else");
  }
  if (last == '\n') return file;
  if (auto ended = WriteAll(file->Get(), "\n", path); !ended) {
    return tl::unexpected<Error>(ended.error());
  }
  return file;
}

}  // namespace sparkfit::base
