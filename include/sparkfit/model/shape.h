// SPDX-License-Identifier: Apache-2.0
//
// How Spark composes an executor's memory, and what makes two executors' sizes comparable.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sparkfit/base/bytes.h"

namespace sparkfit::model {

// How much an executor may use: the container's limit, and the JVM heap (SPARK_EXECUTOR_MEMORY)
// inside it. What is left is overhead, off-heap and PySpark memory together.
struct ExecutorSize {
  base::Bytes limit;
  std::optional<base::Bytes> heap;  // absent where the pod does not show it, or shows more than
                                    // the limit

  // Absent with the heap.
  [[nodiscard]] std::optional<base::Bytes> Overhead() const;

  friend bool operator==(const ExecutorSize&, const ExecutorSize&) = default;
};

// The two parts of an executor's memory.
enum class Part : std::uint8_t { kHeap, kOutside };

std::string_view Name(Part part);  // "heap", "outside"
std::optional<Part> ParsePart(std::string_view name);

// The part's size. An executor that does not show its heap is all outside.
base::Bytes SizeOf(const ExecutorSize& size, Part part);

// Spark's spark.executor.memoryOverheadFactor: 0.1, or 0.4 where a Python or R driver of cluster
// mode pushed it (BasicDriverFeatureStep). Explicit: anything else, kept absolute.
enum class OverheadClass { kDefaultJvm, kDefaultPython, kExplicit };

// The least that Spark gives by default (ResourceProfile, MEMORY_OVERHEAD_MIN_MIB).
inline constexpr base::Bytes kLeastDefaultOverhead = base::MiB(384);

// max(⌊factor × heap⌋, kLeastDefaultOverhead) in whole MiB, as Spark computes it. 384 MiB for
// kExplicit, which has no factor: REQUIRES not kExplicit.
base::Bytes DefaultOverhead(OverheadClass overhead, base::Bytes heap);

// Default where the overhead is what Spark computes for this heap (the JVM's factor where both
// fit), else explicit; explicit too where the heap is unknown.
OverheadClass ClassifyOverhead(const ExecutorSize& size);

std::string_view Name(OverheadClass overhead);  // "default 0.1", "default 0.4", "explicit"
std::optional<OverheadClass> ParseOverheadClass(std::string_view name);

// A line of Spark's releases, such as 3.5. What a job needs may change from one line to the next.
struct SparkLine {
  std::uint16_t major = 0;  // 0: not known
  std::uint16_t minor = 0;

  [[nodiscard]] bool IsKnown() const { return major > 0; }
  friend auto operator<=>(const SparkLine&, const SparkLine&) = default;
};

// Of a version as the label spark-version has it ("3.5.8", "4.2.0-preview1"), or of a line; not
// known where the text is none.
SparkLine ParseSparkLine(std::string_view version);
std::string Format(SparkLine line);  // "3.5"; "" where it is not known

// Sizes are compared only between executors of one shape.
struct Shape {
  std::string cores;  // SPARK_EXECUTOR_CORES as the pod shows it; "" where it does not
  OverheadClass overhead = OverheadClass::kExplicit;
  SparkLine spark{};

  // Whether sizes of the two are compared: a line that is not known may be any.
  [[nodiscard]] bool IsLike(const Shape& other) const;

  friend bool operator==(const Shape&, const Shape&) = default;
};

// Whether executors of this shape, submitted with that size, need no more than others: they were
// submitted with the same memory for fewer cores, and all else is alike.
bool NeedsNoMore(const Shape& shape, const ExecutorSize& submitted, const Shape& others,
                 const ExecutorSize& others_submitted);

}  // namespace sparkfit::model
