// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/eventlog/codecs.h"

#include <lz4.h>
#include <snappy.h>
#include <zstd.h>

#include <catch2/catch.hpp>
#include <optional>
#include <string>

#include "sparkfit/base/gzip.h"

namespace sparkfit::eventlog {
namespace {

struct Unpacked {
  std::string text;
  std::optional<base::Error> error;
};

Unpacked Unpack(std::string_view packed, std::size_t piece = 1000) {
  const auto source = Decompress(replay::FromMemory(packed));
  Unpacked unpacked;
  std::string buffer(piece, '\0');
  for (;;) {
    const auto n = source->Read(buffer.data(), buffer.size());
    if (!n) unpacked.error = n.error();
    if (!n || *n == 0) return unpacked;
    unpacked.text.append(buffer, 0, *n);
  }
}

std::string Text(std::size_t lines) {
  std::string text;
  for (std::size_t i = 0; i < lines; ++i) text += "line " + std::to_string(i * 7919) + "\n";
  return text;
}

std::string Zstd(std::string_view text) {
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 1));
  return packed;
}

std::string Little(std::uint32_t number) {
  std::string bytes;
  for (int i = 0; i < 4; ++i) bytes += static_cast<char>(number >> (8 * i));
  return bytes;
}
std::string Big(std::uint32_t number) {
  const auto bytes = Little(number);
  return {bytes.rbegin(), bytes.rend()};
}

// As LZ4BlockOutputStream writes it; the checksum is not looked at. Blocks of 1 KiB (token's low
// nibble 0).
std::string Lz4Block(std::string_view text, bool raw = false) {
  std::string packed(static_cast<std::size_t>(LZ4_compressBound(static_cast<int>(text.size()))),
                     '\0');
  packed.resize(static_cast<std::size_t>(LZ4_compress_default(
      text.data(), packed.data(), static_cast<int>(text.size()), static_cast<int>(packed.size()))));
  if (raw) packed = text;
  return std::string("LZ4Block") + static_cast<char>(raw ? 0x10 : 0x20) +
         Little(static_cast<std::uint32_t>(packed.size())) +
         Little(static_cast<std::uint32_t>(text.size())) + "sums" + packed;
}
std::string Lz4(std::string_view text) {
  std::string packed;
  for (; !text.empty(); text.remove_prefix(std::min<std::size_t>(1024, text.size()))) {
    packed += Lz4Block(text.substr(0, 1024), text.size() < 100);
  }
  return packed + std::string("LZ4Block\x10", 9) + Little(0) + Little(0) + Little(0);
}

std::string SnappyHead() { return std::string("\x82SNAPPY\0", 8) + Big(1) + Big(1); }
std::string Snappy(std::string_view text) {
  auto packed = SnappyHead();
  for (; !text.empty(); text.remove_prefix(std::min<std::size_t>(1000, text.size()))) {
    std::string block;
    snappy::Compress(text.data(), std::min<std::size_t>(1000, text.size()), &block);
    packed += Big(static_cast<std::uint32_t>(block.size())) + block;
  }
  return packed;
}

TEST_CASE("every codec gives the text back, streams put behind each other too", "[eventlog]") {
  const auto text = Text(20'000);
  const auto twice = text + text;
  for (const std::size_t piece : {1U, 1000U, 1'000'000U}) {
    INFO(piece);
    const auto few = piece == 1 ? Text(300) : text;
    CHECK(Unpack(few, piece).text == few);
    CHECK(Unpack(Zstd(few), piece).text == few);
    CHECK(Unpack(Lz4(few), piece).text == few);
    CHECK(Unpack(Snappy(few), piece).text == few);
    CHECK(Unpack(base::Gzip(few), piece).text == few);
  }
  for (const auto& packed : {Zstd(text), Lz4(text), Snappy(text), base::Gzip(text)}) {
    const auto both = Unpack(packed + packed);
    CHECK(both.text == twice);
    CHECK_FALSE(both.error);
  }
}

TEST_CASE("a stream that breaks off gives what came before, and says so", "[eventlog]") {
  const auto text = Text(50'000);
  for (const auto& packed : {Zstd(text), Lz4(text), Snappy(text), base::Gzip(text)}) {
    const auto cut = Unpack(std::string_view(packed).substr(0, packed.size() * 2 / 3));
    REQUIRE(cut.error);
    CHECK(cut.error->code == base::Code::kMalformed);
    CHECK_FALSE(cut.text.empty());
    CHECK(text.starts_with(cut.text));
  }
  CHECK_FALSE(Unpack("").error);
  CHECK(Unpack("Z").text == "Z");  // shorter than what tells codecs apart
}

TEST_CASE("bytes that lie about their size are refused before room is made", "[eventlog]") {
  const auto error = [](const std::string& packed) {
    const auto unpacked = Unpack(packed);
    REQUIRE(unpacked.error);
    return unpacked.error->message;
  };
  const std::string lz4 = "LZ4Block\x2f";
  CHECK_THAT(error(lz4 + Little(10) + Little(0x7fffffff) + "sums"), Catch::Contains("cannot be"));
  CHECK_THAT(error(lz4 + Little(0xffffffff) + Little(1000) + "sums"), Catch::Contains("cannot be"));
  CHECK_THAT(error(lz4 + Little(4) + Little(1000) + "sums" + "abcd"),
             Catch::Contains("cannot be unpacked"));
  CHECK_THAT(error(SnappyHead() + Big(0x70000000)), Catch::Contains("cannot be"));
  // 4 GiB by its own word, of five bytes.
  CHECK_THAT(error(SnappyHead() + Big(5) + "\xff\xff\xff\xff\x0f"), Catch::Contains("cannot be"));
  CHECK_THAT(error("\x28\xb5\x2f\xfd" + std::string(60, '\xff')), Catch::Contains("zstd"));
}

TEST_CASE("lzf is named, with what to do", "[eventlog]") {
  const auto lzf = Unpack("ZV\x01…");
  REQUIRE(lzf.error);
  CHECK_THAT(lzf.error->message, Catch::Contains("lzf") && Catch::Contains("compression.codec"));
}

}  // namespace
}  // namespace sparkfit::eventlog
