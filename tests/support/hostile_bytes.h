// SPDX-License-Identifier: Apache-2.0
//
// Messages that never end, for readers that must not take all of them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace sparkfit::test {

struct Endless {
  std::string begin;
  std::string again;  // then this, for ever
};

// Where bytes of no use can go on for ever in a message, after its first line.
inline std::vector<Endless> EndlessParts() {
  const std::string chunked = "Transfer-Encoding: chunked\r\n\r\n";
  return {
      {"", "X-Y: zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz\r\n"},                 // header after header
      {"", "a:\r\n"},                                                    // the smallest
      {"X: ", "x"},                                                      // one header
      {"", "x"},                                                         // a name
      {"X: y\r\n", " folded\r\n"},                                       // one that is folded
      {chunked, "0"},                                                    // the size of a chunk
      {chunked, ";"},                                                    // no size
      {chunked + "1;a=", "x"},                                           // an extension
      {chunked + "1;a=\"", "\\\""},                                      // a quoted one
      {chunked, "1;extension=" + std::string(3000, 'x') + "\r\nx\r\n"},  // of each chunk
      {chunked, std::string(3000, '0') + "1\r\nx\r\n"},                  // zeros before each size
      {chunked + "1;a", ";a"},                                           // many extensions
      {chunked + "0\r\n", "X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n"},      // trailer after trailer
      {chunked + "0\r\nX: ", "y"},                                       // one trailer
      {chunked + "0;a=", "x"},  // the last chunk's extension
      {chunked + "0\r\n", "a:\r\n"},
  };
}

// `first` and some good headers, then one of these parts.
inline Endless DrawEndless(const std::vector<std::string>& first, std::mt19937& random) {
  const auto below = [&random](std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(random);
  };
  auto parts = EndlessParts();
  auto drawn = parts[below(parts.size())];
  auto begin = first[below(first.size())];
  for (auto good = below(5); good > 0; --good) {
    begin += "X-Good-" + std::to_string(below(1000)) + ": " + std::string(below(200), 'g') + "\r\n";
  }
  drawn.begin = begin + drawn.begin;
  return drawn;
}

// Gives an endless message in pieces, whole repetitions or cut anywhere, until `take` says that
// nobody takes any more, or `most` bytes were taken. How many were.
template <typename Take>
std::size_t Pour(const Endless& endless, std::size_t most, std::mt19937& random, Take take) {
  if (!take(std::string_view(endless.begin))) return 0;
  std::size_t taken = endless.begin.size();
  const auto repetitions = std::uniform_int_distribution<std::size_t>(1, 2000)(random);
  std::string piece;
  for (std::size_t i = 0; i < repetitions; ++i) piece += endless.again;
  const bool cuts = std::bernoulli_distribution(0.5)(random);
  while (taken < most) {
    const auto cut = cuts ? std::uniform_int_distribution<std::size_t>(0, piece.size())(random) : 0;
    for (const auto part :
         {std::string_view(piece).substr(0, cut), std::string_view(piece).substr(cut)}) {
      if (!part.empty() && !take(part)) return taken;
      taken += part.size();
    }
  }
  return taken;
}

}  // namespace sparkfit::test
