// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/eventlog/codecs.h"

#include <fmt/format.h>
#include <lz4.h>
#include <snappy.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace sparkfit::eventlog {
namespace {

using base::Code;
using base::Result;
using replay::ByteSource;

constexpr std::string_view kZstd = "\x28\xb5\x2f\xfd";
constexpr std::string_view kLz4 = "LZ4Block";
constexpr std::string_view kSnappy("\x82SNAPPY\0", 8);
constexpr std::string_view kLzf = "ZV";
constexpr std::string_view kGzip = "\x1f\x8b";
constexpr std::size_t kChunk = std::size_t{1} << 17;
// Spark's blocks are of 32 KiB by default; a larger one than this nobody configures.
constexpr std::size_t kLargestBlock = std::size_t{32} << 20;
// Of a log that Spark wrote a window has 512 KiB; of one that somebody packed anew as much as zstd
// itself unpacks without being asked for more.
constexpr int kLargestWindow = 27;  // 2^27 bytes

tl::unexpected<base::Error> Damaged(std::string_view codec, std::string_view how) {
  return base::Fail(Code::kMalformed, fmt::format("damaged {} stream ({})", codec, how));
}
tl::unexpected<base::Error> Truncated(std::string_view codec) {
  return base::Fail(Code::kMalformed, fmt::format("the {} stream breaks off", codec));
}

// Bytes that were looked at already, and the rest.
class Resumed final : public ByteSource {
 public:
  Resumed(std::string first, std::unique_ptr<ByteSource> rest)
      : first_(std::move(first)), rest_(std::move(rest)) {}

  Result<std::size_t> Read(char* data, std::size_t size) override {
    if (at_ == first_.size()) return rest_->Read(data, size);
    const auto n = std::min(size, first_.size() - at_);
    std::memcpy(data, first_.data() + at_, n);
    at_ += n;
    return n;
  }

 private:
  std::string first_;
  std::unique_ptr<ByteSource> rest_;
  std::size_t at_ = 0;
};

// As many bytes as there are, up to `size`: fewer at the end alone.
Result<std::size_t> ReadAll(ByteSource& source, char* data, std::size_t size) {
  std::size_t have = 0;
  while (have < size) {
    const auto n = source.Read(data + have, size - have);
    if (!n) return n;
    if (*n == 0) break;
    have += *n;
  }
  return have;
}

// Spark ends a frame at each flush, so that there are many.
class ZstdSource final : public ByteSource {
 public:
  explicit ZstdSource(std::unique_ptr<ByteSource> inner)
      : inner_(std::move(inner)), stream_(ZSTD_createDStream(), ZSTD_freeDStream) {
    ZSTD_DCtx_setParameter(stream_.get(), ZSTD_d_windowLogMax, kLargestWindow);
  }

  Result<std::size_t> Read(char* data, std::size_t size) override {
    ZSTD_outBuffer out{data, size, 0};
    while (out.pos == 0) {
      if (in_.pos == in_.size && !full_) {
        const auto n = inner_->Read(input_.data(), input_.size());
        if (!n) return n;
        in_ = {input_.data(), *n, 0};
        if (*n == 0 && within_frame_) return Truncated("zstd");
        if (*n == 0) return 0;
      }
      const auto left = ZSTD_decompressStream(stream_.get(), &out, &in_);
      if (ZSTD_isError(left) != 0U) return Damaged("zstd", ZSTD_getErrorName(left));
      within_frame_ = left > 0;
      full_ = within_frame_ && out.pos == size;  // there may be more without more input
    }
    return out.pos;
  }

 private:
  std::unique_ptr<ByteSource> inner_;
  std::unique_ptr<ZSTD_DStream, decltype(&ZSTD_freeDStream)> stream_;
  std::string input_ = std::string(kChunk, '\0');
  ZSTD_inBuffer in_{nullptr, 0, 0};
  bool within_frame_ = false;
  bool full_ = false;
};

// Blocks with a head each, unpacked as a whole.
class BlockSource : public ByteSource {
 public:
  explicit BlockSource(std::unique_ptr<ByteSource> inner) : inner_(std::move(inner)) {}

  Result<std::size_t> Read(char* data, std::size_t size) override {
    while (at_ == block_.size()) {
      block_.clear();
      at_ = 0;
      const auto more = Next();
      if (!more) return tl::unexpected<base::Error>(more.error());
      if (!*more) return 0;
    }
    const auto n = std::min(size, block_.size() - at_);
    std::memcpy(data, block_.data() + at_, n);
    at_ += n;
    return n;
  }

 protected:
  // Puts the next block into block_, perhaps an empty one; false at the end.
  virtual Result<bool> Next() = 0;
  [[nodiscard]] ByteSource& Inner() { return *inner_; }

  std::string block_;
  std::string packed_;

 private:
  std::unique_ptr<ByteSource> inner_;
  std::size_t at_ = 0;
};

std::uint32_t LittleEndian(const char* bytes) {
  std::uint32_t number = 0;
  for (int i = 3; i >= 0; --i) number = number << 8 | static_cast<unsigned char>(bytes[i]);
  return number;
}
std::uint32_t BigEndian(const char* bytes) {
  std::uint32_t number = 0;
  for (int i = 0; i < 4; ++i) number = number << 8 | static_cast<unsigned char>(bytes[i]);
  return number;
}

// net.jpountz.lz4.LZ4BlockOutputStream: magic, a token (how it is packed, and how large a block may
// be), packed size, size, checksum. One without bytes ends a stream; another may follow.
class Lz4Source final : public BlockSource {
 public:
  using BlockSource::BlockSource;

 private:
  Result<bool> Next() override {
    std::array<char, 21> head{};
    const auto have = ReadAll(Inner(), head.data(), head.size());
    if (!have) return tl::unexpected<base::Error>(have.error());
    if (*have == 0) return false;
    if (*have < head.size()) return Truncated("lz4");
    if (!std::string_view(head.data(), head.size()).starts_with(kLz4)) {
      return Damaged("lz4", "no block where one begins");
    }
    const auto token = static_cast<unsigned char>(head[8]);
    const std::size_t packed = LittleEndian(&head[9]);
    const std::size_t size = LittleEndian(&head[13]);
    const std::size_t most = std::size_t{1} << (10 + (token & 0xFU));
    const auto method = token & 0xF0U;
    const bool raw = method == 0x10;
    if ((!raw && method != 0x20) || size > most || size > kLargestBlock || packed > size ||
        (raw && packed != size)) {
      return Damaged("lz4", "a block that cannot be");
    }
    if (size == 0) return true;
    packed_.resize(packed);
    const auto read = ReadAll(Inner(), packed_.data(), packed);
    if (!read) return tl::unexpected<base::Error>(read.error());
    if (*read < packed) return Truncated("lz4");
    if (raw) {
      block_.swap(packed_);
      return true;
    }
    block_.resize(size);
    const auto made = LZ4_decompress_safe(packed_.data(), block_.data(), static_cast<int>(packed),
                                          static_cast<int>(size));
    if (made != static_cast<int>(size)) {
      block_.clear();
      return Damaged("lz4", "a block that cannot be unpacked");
    }
    return true;
  }
};

// org.xerial.snappy.SnappyOutputStream: a head of 16 bytes, then the packed size of each block. The
// head of a stream that was put behind may stand where a size does.
class SnappySource final : public BlockSource {
 public:
  using BlockSource::BlockSource;

 private:
  Result<bool> Next() override {
    std::array<char, 16> head{};
    const auto have = ReadAll(Inner(), head.data(), 4);
    if (!have) return tl::unexpected<base::Error>(have.error());
    if (*have == 0) return false;
    if (*have < 4) return Truncated("snappy");
    if (std::string_view(head.data(), 4) == kSnappy.substr(0, 4)) {
      const auto rest = ReadAll(Inner(), head.data() + 4, 12);
      if (!rest) return tl::unexpected<base::Error>(rest.error());
      return *rest == 12 ? Result<bool>(true) : Truncated("snappy");
    }
    const std::size_t packed = BigEndian(head.data());
    if (packed > kLargestBlock) return Damaged("snappy", "a block that cannot be");
    packed_.resize(packed);
    const auto read = ReadAll(Inner(), packed_.data(), packed);
    if (!read) return tl::unexpected<base::Error>(read.error());
    if (*read < packed) return Truncated("snappy");
    std::size_t size = 0;
    if (!snappy::GetUncompressedLength(packed_.data(), packed, &size) || size > kLargestBlock) {
      return Damaged("snappy", "a block that cannot be");
    }
    block_.resize(size);
    if (!snappy::RawUncompress(packed_.data(), packed, block_.data())) {
      block_.clear();
      return Damaged("snappy", "a block that cannot be unpacked");
    }
    return true;
  }
};

class Lzf final : public ByteSource {
 public:
  Result<std::size_t> Read(char*, std::size_t) override {
    return base::Fail(Code::kInvalidArgument,
                      "is compressed with lzf, which sparkfit does not read; Spark's "
                      "spark.eventLog.compression.codec can be zstd, lz4 or snappy");
  }
};

// Looks at the first bytes when it is first read.
class Detected final : public ByteSource {
 public:
  explicit Detected(std::unique_ptr<ByteSource> inner) : inner_(std::move(inner)) {}

  Result<std::size_t> Read(char* data, std::size_t size) override {
    if (!looked_) {
      std::string first(kLz4.size(), '\0');
      const auto have = ReadAll(*inner_, first.data(), first.size());
      if (!have) return have;
      first.resize(*have);
      looked_ = true;
      const auto begins = [&](std::string_view magic) { return first.starts_with(magic); };
      const bool zstd = begins(kZstd);
      const bool lz4 = begins(kLz4);
      const bool snappy = begins(kSnappy);
      const bool gzip = begins(kGzip);
      const bool lzf = begins(kLzf);
      inner_ = std::make_unique<Resumed>(std::move(first), std::move(inner_));
      if (zstd) inner_ = std::make_unique<ZstdSource>(std::move(inner_));
      if (lz4) inner_ = std::make_unique<Lz4Source>(std::move(inner_));
      if (snappy) inner_ = std::make_unique<SnappySource>(std::move(inner_));
      if (gzip) inner_ = replay::MaybeGunzip(std::move(inner_));
      if (lzf) inner_ = std::make_unique<Lzf>();
    }
    return inner_->Read(data, size);
  }

 private:
  std::unique_ptr<ByteSource> inner_;
  bool looked_ = false;
};

}  // namespace

std::unique_ptr<ByteSource> Decompress(std::unique_ptr<ByteSource> inner) {
  return std::make_unique<Detected>(std::move(inner));
}

}  // namespace sparkfit::eventlog
