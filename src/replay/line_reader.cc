// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/replay/line_reader.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace sparkfit::replay {
namespace {

using base::Code;
using base::Result;

constexpr std::size_t kChunk = std::size_t{1} << 18;
constexpr std::size_t kPadding = 64;  // wire::kLinePadding
constexpr std::size_t kHead = 256;    // kept of a line that is too long, where there is so much

class FileSource final : public ByteSource {
 public:
  explicit FileSource(int descriptor) : descriptor_(descriptor) {}
  ~FileSource() override {
    if (descriptor_ != STDIN_FILENO) ::close(descriptor_);
  }
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;

  Result<std::size_t> Read(char* data, std::size_t size) override {
    for (;;) {
      const auto n = ::read(descriptor_, data, size);
      if (n >= 0) return static_cast<std::size_t>(n);
      if (errno != EINTR) return base::Fail(Code::kUnavailable, std::strerror(errno));
    }
  }

 private:
  int descriptor_;
};

class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::string_view bytes) : rest_(bytes) {}

  Result<std::size_t> Read(char* data, std::size_t size) override {
    const auto n = std::min(size, rest_.size());
    std::copy_n(rest_.begin(), n, data);
    rest_.remove_prefix(n);
    return n;
  }

 private:
  std::string_view rest_;
};

class GunzipSource final : public ByteSource {
 public:
  explicit GunzipSource(std::unique_ptr<ByteSource> inner)
      : inner_(std::move(inner)), input_(kChunk, '\0') {}
  ~GunzipSource() override {
    if (kind_ == Kind::kGzip) inflateEnd(&stream_);
  }
  GunzipSource(const GunzipSource&) = delete;
  GunzipSource& operator=(const GunzipSource&) = delete;

  Result<std::size_t> Read(char* data, std::size_t size) override {
    if (kind_ == Kind::kUnknown) {
      if (auto looked = LookAtStart(); !looked) return tl::unexpected<base::Error>(looked.error());
    }
    return kind_ == Kind::kPlain ? ReadPlain(data, size) : ReadGzip(data, size);
  }

 private:
  enum class Kind { kUnknown, kPlain, kGzip };

  Result<void> Refill() {
    const auto n = inner_->Read(input_.data(), input_.size());
    if (!n) return tl::unexpected<base::Error>(n.error());
    stream_.next_in = reinterpret_cast<Bytef*>(input_.data());
    stream_.avail_in = static_cast<uInt>(*n);
    return {};
  }

  // A pipe may give its first bytes one by one; two tell gzip from plain text.
  Result<void> LookAtStart() {
    std::size_t have = 0;
    while (have < 2) {
      const auto n = inner_->Read(input_.data() + have, input_.size() - have);
      if (!n) return tl::unexpected<base::Error>(n.error());
      if (*n == 0) break;
      have += *n;
    }
    stream_.next_in = reinterpret_cast<Bytef*>(input_.data());
    stream_.avail_in = static_cast<uInt>(have);
    const bool gzip = have >= 2 && stream_.next_in[0] == 0x1f && stream_.next_in[1] == 0x8b;
    kind_ = Kind::kPlain;
    if (!gzip) return {};
    if (inflateInit2(&stream_, 15 + 16) != Z_OK)
      return base::Fail(Code::kUnavailable, "zlib failed");
    kind_ = Kind::kGzip;
    return {};
  }

  Result<std::size_t> ReadPlain(char* data, std::size_t size) {
    if (stream_.avail_in == 0) return inner_->Read(data, size);
    const auto n = std::min<std::size_t>(size, stream_.avail_in);
    std::memcpy(data, stream_.next_in, n);
    stream_.next_in += n;
    stream_.avail_in -= static_cast<uInt>(n);
    return n;
  }

  Result<std::size_t> ReadGzip(char* data, std::size_t size) {
    stream_.next_out = reinterpret_cast<Bytef*>(data);
    stream_.avail_out = static_cast<uInt>(size);
    while (stream_.avail_out > 0) {
      if (stream_.avail_in == 0) {
        if (auto filled = Refill(); !filled) return tl::unexpected<base::Error>(filled.error());
      }
      const auto produced = size - stream_.avail_out;
      if (stream_.avail_in == 0) {
        if (between_members_ || produced > 0) return produced;
        return base::Fail(Code::kMalformed, "truncated gzip stream");
      }
      if (between_members_) {
        // Another member, or padding that some writers leave behind the last one.
        if (*stream_.next_in == 0) {
          ++stream_.next_in;
          --stream_.avail_in;
          continue;
        }
        inflateReset(&stream_);
        between_members_ = false;
      }
      const int status = inflate(&stream_, Z_NO_FLUSH);
      between_members_ = status == Z_STREAM_END;
      if (status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR) continue;
      if (const auto good = size - stream_.avail_out; good > 0) return good;
      return base::Fail(Code::kMalformed, fmt::format("damaged gzip stream ({})",
                                                      stream_.msg != nullptr ? stream_.msg : "?"));
    }
    return size;
  }

  std::unique_ptr<ByteSource> inner_;
  std::string input_;
  z_stream stream_{};
  Kind kind_ = Kind::kUnknown;
  bool between_members_ = false;
};

}  // namespace

Result<std::unique_ptr<ByteSource>> OpenFile(const std::string& path) {
  if (path == "-") return std::make_unique<FileSource>(STDIN_FILENO);
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    return base::Fail(errno == ENOENT ? Code::kNotFound : Code::kUnavailable, std::strerror(errno));
  }
  if (S_ISDIR(status.st_mode)) return base::Fail(Code::kInvalidArgument, "is a directory");
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return base::Fail(Code::kUnavailable, std::strerror(errno));
  return std::make_unique<FileSource>(descriptor);
}

std::unique_ptr<ByteSource> MaybeGunzip(std::unique_ptr<ByteSource> inner) {
  return std::make_unique<GunzipSource>(std::move(inner));
}

std::unique_ptr<ByteSource> FromMemory(std::string_view bytes) {
  return std::make_unique<MemorySource>(bytes);
}

LineReader::LineReader(std::unique_ptr<ByteSource> source, std::size_t longest)
    : source_(std::move(source)), longest_(longest), buffer_(kChunk + kPadding, '\0') {}

void LineReader::Fill() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    searched_ -= begin_;
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ + kPadding >= buffer_.size()) buffer_.resize(buffer_.size() * 2);
  const auto n = source_->Read(buffer_.data() + end_, buffer_.size() - kPadding - end_);
  if (!n) failure_ = n.error();
  finished_ = !n || *n == 0;
  end_ += n ? *n : 0;
}

std::optional<std::string_view> LineReader::TakeLine() {
  const auto* from = buffer_.data() + searched_;
  const auto* stop = static_cast<const char*>(std::memchr(from, '\n', end_ - searched_));
  if (stop == nullptr) {
    searched_ = end_;
    return std::nullopt;
  }
  auto length = static_cast<std::size_t>(stop - buffer_.data()) - begin_;
  const char* start = buffer_.data() + begin_;
  begin_ += length + 1;
  searched_ = begin_;
  if (length > 0 && start[length - 1] == '\r') --length;
  return std::string_view(start, length);
}

// Passes over the rest of a line that is too long without keeping it.
void LineReader::SkipLine() {
  for (;;) {
    if (TakeLine()) return;
    begin_ = searched_ = end_;
    if (finished_) return;
    Fill();
  }
}

Result<std::optional<Line>> LineReader::Next() {
  for (;;) {
    if (auto text = TakeLine()) {
      // A byte order mark, which some editors leave before the first line.
      if (number_ == 0 && text->starts_with("\xef\xbb\xbf")) text->remove_prefix(3);
      return Line{*text, ++number_, text->size() > longest_};
    }
    if (end_ - begin_ > longest_) {
      head_.assign(buffer_, begin_, kHead);
      SkipLine();
      return Line{head_, ++number_, true};
    }
    if (finished_) break;
    Fill();
  }
  if (end_ > begin_) {  // a last line without an end
    const std::string_view text(buffer_.data() + begin_, end_ - begin_);
    begin_ = searched_ = end_;
    return Line{text, ++number_};
  }
  if (failure_) {
    auto failure = *std::exchange(failure_, std::nullopt);
    return tl::unexpected<base::Error>(std::move(failure));
  }
  return std::nullopt;
}

}  // namespace sparkfit::replay
