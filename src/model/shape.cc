// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/model/shape.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <charconv>

#include "sparkfit/base/number.h"

namespace sparkfit::model {
namespace {

constexpr int kMostCores = 1'000'000;

}  // namespace

std::string_view Name(Part part) {
  switch (part) {
    case Part::kHeap:
      return "heap";
    case Part::kOutside:
      return "outside";
  }
  return "";
}

base::Bytes SizeOf(const ExecutorSize& size, Part part) {
  const base::Bytes heap = size.heap.value_or(base::Bytes{});
  return part == Part::kHeap ? heap : size.limit - heap;
}

std::optional<Part> ParsePart(std::string_view name) {
  for (const auto part : {Part::kHeap, Part::kOutside}) {
    if (name == Name(part)) return part;
  }
  return std::nullopt;
}

std::optional<base::Bytes> ExecutorSize::Overhead() const {
  if (!heap) return std::nullopt;
  return limit - *heap;
}

base::Bytes DefaultOverhead(OverheadClass overhead, base::Bytes heap) {
  assert(overhead != OverheadClass::kExplicit);
  // Tenths, so that the floor is exact: Spark's (0.1 × MiB).toInt gives the same for every heap
  // below 2^31 MiB, because 0.1 and 0.4 are rounded up in binary.
  const std::int64_t tenths = overhead == OverheadClass::kDefaultPython ? 4 : 1;
  return std::max(base::MiB(heap.WholeMiB() * tenths / 10), kLeastDefaultOverhead);
}

OverheadClass ClassifyOverhead(const ExecutorSize& size) {
  const auto overhead = size.Overhead();
  if (!overhead) return OverheadClass::kExplicit;
  for (const auto candidate : {OverheadClass::kDefaultJvm, OverheadClass::kDefaultPython}) {
    if (*overhead == DefaultOverhead(candidate, *size.heap)) return candidate;
  }
  return OverheadClass::kExplicit;
}

std::string_view Name(OverheadClass overhead) {
  switch (overhead) {
    case OverheadClass::kDefaultJvm:
      return "default 0.1";
    case OverheadClass::kDefaultPython:
      return "default 0.4";
    case OverheadClass::kExplicit:
      return "explicit";
  }
  return "";
}

SparkLine ParseSparkLine(std::string_view version) {
  SparkLine line;
  const auto* end = version.data() + version.size();
  const auto major = std::from_chars(version.data(), end, line.major);
  if (major.ec != std::errc{} || major.ptr == end || *major.ptr != '.') return {};
  const auto minor = std::from_chars(major.ptr + 1, end, line.minor);
  return minor.ec == std::errc{} ? line : SparkLine{};
}

std::string Format(SparkLine line) {
  return line.IsKnown() ? fmt::format("{}.{}", line.major, line.minor) : "";
}

bool Shape::IsLike(const Shape& other) const {
  if (cores != other.cores || overhead != other.overhead) return false;
  return spark == other.spark || !spark.IsKnown() || !other.spark.IsKnown();
}

bool NeedsNoMore(const Shape& shape, const ExecutorSize& submitted, const Shape& others,
                 const ExecutorSize& others_submitted) {
  const auto cores = base::ParseNumber(shape.cores, 1, kMostCores);
  const auto others_cores = base::ParseNumber(others.cores, 1, kMostCores);
  const Shape with_theirs{others.cores, shape.overhead, shape.spark};
  return cores && others_cores && *cores <= *others_cores && submitted == others_submitted &&
         with_theirs.IsLike(others);
}

std::optional<OverheadClass> ParseOverheadClass(std::string_view name) {
  for (const auto candidate :
       {OverheadClass::kDefaultJvm, OverheadClass::kDefaultPython, OverheadClass::kExplicit}) {
    if (name == Name(candidate)) return candidate;
  }
  return std::nullopt;
}

}  // namespace sparkfit::model
