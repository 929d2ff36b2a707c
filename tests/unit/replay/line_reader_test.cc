// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/replay/line_reader.h"

#include <catch2/catch.hpp>
#include <vector>

#include "sources.h"

namespace sparkfit::replay {
namespace {

using test::Drops;
using test::Gzip;

struct Reading {
  std::vector<std::string> lines;
  std::vector<std::uint64_t> too_long;
  std::vector<std::string> errors;
};

Reading ReadAll(LineReader& reader) {
  Reading reading;
  for (;;) {
    const auto line = reader.Next();
    if (!line) {
      reading.errors.push_back(line.error().message);
      continue;
    }
    if (!*line) return reading;
    if ((*line)->too_long) {
      reading.too_long.push_back((*line)->number);
    } else {
      reading.lines.emplace_back((*line)->text);
    }
  }
}

Reading ReadAll(const std::string& bytes, std::size_t drop = 1 << 20) {
  LineReader reader(MaybeGunzip(std::make_unique<Drops>(bytes, drop)));
  return ReadAll(reader);
}

using Lines = std::vector<std::string>;

TEST_CASE("lines are what stands between line ends", "[replay][lines]") {
  CHECK(ReadAll("").lines.empty());
  CHECK(ReadAll("a\nb\n").lines == Lines{"a", "b"});
  CHECK(ReadAll("a\nb").lines == Lines{"a", "b"});
  CHECK(ReadAll("a\r\n\r\nb\r\n").lines == Lines{"a", "", "b"});
  CHECK(ReadAll("\n\n").lines == Lines{"", ""});
  CHECK(ReadAll("\xef\xbb\xbf{}\n{}\n").lines == Lines{"{}", "{}"});
}

TEST_CASE("gzip is recognised by its bytes, member after member", "[replay][lines]") {
  CHECK(ReadAll(Gzip("a\nb\n")).lines == Lines{"a", "b"});
  CHECK(ReadAll(Gzip("a\n") + Gzip("b\n")).lines == Lines{"a", "b"});
  CHECK(ReadAll(Gzip("a\nb") + Gzip("c\n")).lines == Lines{"a", "bc"});
  CHECK(ReadAll(Gzip("a\n") + std::string(512, '\0')).lines == Lines{"a"});
  CHECK(ReadAll("\x1f").lines == Lines{"\x1f"});
}

TEST_CASE("a truncated or damaged stream gives what it had, and one error", "[replay][lines]") {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "line " + std::to_string(i * 7919) + "\n";
  const auto whole = Gzip(text);
  const auto half = ReadAll(whole.substr(0, whole.size() / 2));
  CHECK(half.lines.size() > 1000);
  CHECK(half.lines.front() == "line 0");
  REQUIRE(half.errors.size() == 1);
  CHECK_THAT(half.errors[0], Catch::Contains("truncated"));
  auto damaged = whole;
  for (std::size_t i = whole.size() / 2; i < whole.size() / 2 + 64; ++i) damaged[i] = '\x55';
  const auto broken = ReadAll(damaged);
  CHECK(broken.lines.front() == "line 0");
  CHECK(broken.errors.size() == 1);
}

TEST_CASE("bytes may come in drops of any size", "[replay][lines]") {
  const std::string text = "first\r\nsecond\n\nlast";
  for (std::size_t drop = 1; drop <= text.size(); ++drop) {
    INFO("drops of " << drop);
    CHECK(ReadAll(text, drop).lines == Lines{"first", "second", "", "last"});
    CHECK(ReadAll(Gzip(text), drop).lines == Lines{"first", "second", "", "last"});
  }
}

TEST_CASE("a line of 50 MB is passed over in little memory", "[replay][lines]") {
  LineReader reader(std::make_unique<test::LongLine>(50'000'000, "\nshort\n"));
  const auto reading = ReadAll(reader);
  CHECK(reading.lines == Lines{"short"});
  CHECK(reading.too_long == std::vector<std::uint64_t>{1});
}

TEST_CASE("of a line that is too long its beginning is told", "[replay][lines]") {
  for (const std::size_t drop : {std::size_t{1}, std::size_t{100}}) {
    LineReader reader(std::make_unique<Drops>("head" + std::string(1000, 'x') + "\nnext\n", drop),
                      100);
    const auto line = reader.Next().value();
    REQUIRE(line);
    CHECK(line->too_long);
    CHECK(line->text.starts_with("headx"));
    CHECK(reader.Next().value()->text == "next");
  }
}

TEST_CASE("a line is too long by its length, however its bytes come", "[replay][lines]") {
  for (const std::size_t drop : {std::size_t{1}, std::size_t{7}, std::size_t{100}}) {
    LineReader reader(std::make_unique<Drops>("12345678\n123456789\n1\n", drop), 8);
    const auto reading = ReadAll(reader);
    CHECK(reading.lines == Lines{"12345678", "1"});
    CHECK(reading.too_long == std::vector<std::uint64_t>{2});
  }
}

TEST_CASE("what is no file says so", "[replay][lines]") {
  CHECK(OpenFile("/nonexistent/file").error().code == base::Code::kNotFound);
  CHECK(OpenFile("/").error().code == base::Code::kInvalidArgument);
}

}  // namespace
}  // namespace sparkfit::replay
