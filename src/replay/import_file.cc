// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/replay/import_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "sparkfit/base/gzip.h"
#include "sparkfit/base/hash.h"

namespace sparkfit::replay {
namespace {

using base::Code;
using base::Result;
using nlohmann::json;

constexpr int kVersion = 2;
// A gzip member each; cut by the text alone, so that it does not matter how that came.
constexpr std::size_t kPiece = std::size_t{1} << 20;

tl::unexpected<base::Error> Errno(const std::string& path) {
  return base::Fail(Code::kUnavailable, path + ": " + std::strerror(errno));
}

}  // namespace

ImportFile::ImportFile(std::string path, Arguments arguments)
    : path_(std::move(path)),
      arguments_(std::move(arguments)),
      gzip_(path_.ends_with(".gz")),
      hash_(base::Fnv1a("")) {}

ImportFile::~ImportFile() {
  if (ours_ && state_.empty()) Abandon();
}

Result<std::unique_ptr<ImportFile>> ImportFile::Open(const std::string& path,
                                                     const Arguments& arguments) {
  std::unique_ptr<ImportFile> file(new ImportFile(path, arguments));
  if (auto taken = file->Take(); !taken) return tl::unexpected<base::Error>(taken.error());
  return file;
}

// The resume file comes first and goes last: without one an existing file is somebody else's.
Result<void> ImportFile::Take() {
  if (path_ == "-") {
    return base::Fail(Code::kInvalidArgument, "an import goes to a file, not to standard output");
  }
  std::ifstream resume(ResumePath(), std::ios::binary);
  if (resume) {
    const std::string text{std::istreambuf_iterator<char>(resume), {}};
    if (auto fine = Check(text); !fine) return base::Fail(ResumePath(), fine.error());
  } else {
    if (auto free = base::CheckFree(path_, true); !free) return free;
    if (!base::CheckFree(path_, false)) {
      return base::Fail(Code::kInvalidArgument,
                        path_ + ": is there already, and complete; give another name");
    }
    if (auto written = WriteResume(); !written) return written;
  }
  auto opened = base::OpenFile(path_, O_RDWR | O_CREAT);
  if (!opened) return tl::unexpected<base::Error>(opened.error());
  file_ = *std::move(opened);
  if (::flock(file_.Get(), LOCK_EX | LOCK_NB) != 0) {
    return base::Fail(Code::kUnavailable, path_ + ": another process writes it");
  }
  std::uint64_t hash = base::Fnv1a("");
  std::array<char, 65536> buffer{};
  for (std::uint64_t left = bytes_; left > 0;) {
    const auto n = ::read(file_.Get(), buffer.data(), std::min<std::uint64_t>(left, buffer.size()));
    if (n <= 0) break;
    hash = base::Fnv1a({buffer.data(), static_cast<std::size_t>(n)}, hash);
    left -= static_cast<std::uint64_t>(n);
  }
  if (hash != hash_) {
    return base::Fail(Code::kInvalidArgument,
                      fmt::format("{}: is not as it was left; remove it and {} to begin anew",
                                  path_, ResumePath()));
  }
  ours_ = true;
  const auto end = static_cast<off_t>(bytes_);
  if (::ftruncate(file_.Get(), end) != 0 || ::lseek(file_.Get(), end, SEEK_SET) != end) {
    return Errno(path_);
  }
  return {};
}

// A line with the checksum of the rest, which is JSON.
Result<void> ImportFile::Check(const std::string& text) try {
  const auto end = std::min(text.find('\n'), text.size());
  const auto rest = text.substr(std::min(end + 1, text.size()));
  if (text.substr(0, end) != fmt::format("{:016x}", base::Fnv1a(rest))) {
    return base::Fail(Code::kInvalidArgument,
                      "is damaged; remove it and the log that it is of, to begin anew");
  }
  const auto value = json::parse(rest);
  if (value.at("version") != kVersion) {
    return base::Fail(Code::kInvalidArgument, "was written by another version of sparkfit");
  }
  const auto begun = value.at("arguments").get<Arguments>();
  for (const auto& [name, given] : arguments_) {
    const auto before = begun.find(name);
    const auto was = before == begun.end() ? std::string() : before->second;
    if (was == given) continue;
    return base::Fail(
        Code::kInvalidArgument,
        fmt::format("was begun with {} \"{}\", now it is \"{}\"; give the same, or another output",
                    name, was, given));
  }
  bytes_ = value.at("bytes").get<std::uint64_t>();
  hash_ = value.at("hash").get<std::uint64_t>();
  state_ = value.at("state").get<std::string>();
  return {};
} catch (const json::exception& error) {
  return base::Fail(Code::kInvalidArgument, error.what());
}

// Replaced as a whole, so that there is always one.
Result<void> ImportFile::WriteResume() {
  const auto rest = json{
      {"version", kVersion},
      {"arguments", arguments_},
      {"bytes", bytes_},
      {"hash", hash_},
      {"state", state_}}.dump(-1, ' ', false, json::error_handler_t::replace);
  return base::ReplaceFile(ResumePath(), fmt::format("{:016x}\n{}", base::Fnv1a(rest), rest), true);
}

Result<void> ImportFile::WritePiece(std::string_view text) {
  if (text.empty()) return {};
  const auto packed = gzip_ ? base::Gzip(text) : std::string();
  const std::string_view bytes = gzip_ ? std::string_view(packed) : text;
  bytes_ += bytes.size();
  hash_ = base::Fnv1a(bytes, hash_);
  return base::WriteAll(file_.Get(), bytes, path_);
}

Result<void> ImportFile::Append(std::string_view text) {
  piece_ += text;
  std::size_t done = 0;
  for (; piece_.size() - done >= kPiece; done += kPiece) {
    const auto written = WritePiece(std::string_view(piece_).substr(done, kPiece));
    if (!written) return written;
  }
  piece_.erase(0, done);
  return {};
}

Result<void> ImportFile::Commit(const std::string& state) {
  if (auto written = WritePiece(std::exchange(piece_, {})); !written) return written;
  if (::fdatasync(file_.Get()) != 0) return Errno(path_);
  state_ = state;
  return WriteResume();
}

Result<void> ImportFile::Finish() {
  if (auto written = WritePiece(std::exchange(piece_, {})); !written) return written;
  if (::fdatasync(file_.Get()) != 0) return Errno(path_);
  if (::unlink(ResumePath().c_str()) != 0) return Errno(ResumePath());
  ours_ = false;
  return {};
}

void ImportFile::Abandon() {
  ours_ = false;
  ::unlink(path_.c_str());
  ::unlink(ResumePath().c_str());
}

}  // namespace sparkfit::replay
