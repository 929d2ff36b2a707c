// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/model/shape.h"

#include <catch2/catch.hpp>

namespace sparkfit::model {
namespace {

using base::MiB;

TEST_CASE("the default overhead is Spark's: a share of the heap, at least 384 MiB",
          "[model][shape]") {
  CHECK(DefaultOverhead(OverheadClass::kDefaultJvm, MiB(1024)) == MiB(384));
  CHECK(DefaultOverhead(OverheadClass::kDefaultJvm, MiB(3840)) == MiB(384));
  CHECK(DefaultOverhead(OverheadClass::kDefaultJvm, MiB(8192)) == MiB(819));  // 819.2 cut off
  CHECK(DefaultOverhead(OverheadClass::kDefaultPython, MiB(8192)) == MiB(3276));
  CHECK(DefaultOverhead(OverheadClass::kDefaultPython, MiB(959)) == MiB(384));
}

TEST_CASE("an overhead is default only where Spark would have computed it", "[model][shape]") {
  struct Case {
    std::int64_t limit;
    std::int64_t heap;
    OverheadClass expected;
  };
  const Case cases[] = {{1408, 1024, OverheadClass::kDefaultJvm},  // Spark's own default executor
                        {2432, 2048, OverheadClass::kDefaultJvm},  // fits both factors: the JVM's
                        {11468, 8192, OverheadClass::kDefaultPython},  // 8192 + 3276
                        {9011, 8192, OverheadClass::kDefaultJvm},      // 8192 + 819
                        {9012, 8192, OverheadClass::kExplicit},  // one MiB more than the default
                        {970, 900, OverheadClass::kExplicit},
                        {1024, 1024, OverheadClass::kExplicit}};
  for (const auto& c : cases) {
    INFO(c.limit << " with heap " << c.heap);
    CHECK(ClassifyOverhead({MiB(c.limit), MiB(c.heap)}) == c.expected);
  }
  CHECK(ClassifyOverhead({MiB(1408), std::nullopt}) == OverheadClass::kExplicit);
}

TEST_CASE("a release line is the first two numbers of a version", "[model][shape]") {
  CHECK(ParseSparkLine("3.5.8") == SparkLine{3, 5});
  CHECK(ParseSparkLine("4.2.0-preview1") == SparkLine{4, 2});
  CHECK(ParseSparkLine("3.5") == SparkLine{3, 5});
  CHECK(Format({4, 10}) == "4.10");
  for (const auto* none : {"", "3", "3.", ".5", "v3.5", "-3.5", "70000.1", "3.x"}) {
    INFO(none);
    CHECK_FALSE(ParseSparkLine(none).IsKnown());
    CHECK(Format(ParseSparkLine(none)).empty());
  }
  CHECK(SparkLine{4, 10} > SparkLine{4, 2});
}

TEST_CASE("sizes are compared within a release line; one that is not known is any",
          "[model][shape]") {
  const Shape known{"4", OverheadClass::kDefaultJvm, {3, 5}};
  CHECK(known.IsLike({"4", OverheadClass::kDefaultJvm, {}}));
  CHECK(Shape{"4", OverheadClass::kDefaultJvm, {}}.IsLike(known));
  CHECK_FALSE(known.IsLike({"4", OverheadClass::kDefaultJvm, {4, 0}}));
  CHECK_FALSE(known.IsLike({"2", OverheadClass::kDefaultJvm, {3, 5}}));
  CHECK_FALSE(known.IsLike({"4", OverheadClass::kExplicit, {3, 5}}));
}

TEST_CASE("who was submitted with the same memory for fewer cores needs no more",
          "[model][shape]") {
  const Shape four{"4", OverheadClass::kDefaultJvm, {4, 2}};
  const ExecutorSize size{MiB(4480), MiB(4096)};
  CHECK(NeedsNoMore({"1", OverheadClass::kDefaultJvm, {4, 2}}, size, four, size));
  CHECK(NeedsNoMore(four, size, four, size));
  CHECK_FALSE(NeedsNoMore({"8", OverheadClass::kDefaultJvm, {4, 2}}, size, four, size));
  CHECK_FALSE(NeedsNoMore({"", OverheadClass::kDefaultJvm, {4, 2}}, size, four, size));
  CHECK_FALSE(NeedsNoMore({"1", OverheadClass::kExplicit, {4, 2}}, size, four, size));
  CHECK_FALSE(NeedsNoMore({"1", OverheadClass::kDefaultJvm, {4, 1}}, size, four, size));
  const ExecutorSize smaller{MiB(2432), MiB(2048)};
  CHECK_FALSE(NeedsNoMore({"1", OverheadClass::kDefaultJvm, {4, 2}}, smaller, four, size));
}

}  // namespace
}  // namespace sparkfit::model
