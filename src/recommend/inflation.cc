// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/recommend/inflation.h"

#include <algorithm>
#include <cmath>

#include "sparkfit/recommend/split.h"

namespace sparkfit::recommend {
namespace {

using base::Bytes;
using model::ApplicationSummary;

// A JVM that has touched all of G1's young generation, 60 % of the heap, and next to nothing else.
constexpr double kTouchedAnyway = 0.55;
// Heaps are of different sizes from here on.
constexpr double kDifferent = 1.1;
// 0.6 with G1, a third with the parallel collector. Less is chance, more is not the heap's doing,
// or a heap that is full.
constexpr double kLeastSlope = 0.25;
constexpr double kMostSlope = 0.9;
// How far peaks may be off the line, as a share of their mean.
constexpr double kOffTheLine = 0.1;
// Never down to less than this share of the latest size at once.
constexpr double kDeepest = 0.5;

struct Point {
  const ApplicationSummary* application;
  Bytes heap;
};

// What SplitTotal would give, near enough for a slope and without a search.
Bytes HeapOf(Bytes limit, const SplitRule& rule) {
  if (rule.overhead == model::OverheadClass::kExplicit) {
    return limit - std::max(rule.explicit_overhead, rule.bounds.least);
  }
  const double factor = rule.overhead == model::OverheadClass::kDefaultPython ? 0.4 : 0.1;
  return std::min(base::Scaled(limit, 1 / (1 + factor)), limit - OverheadFor(rule, Bytes{}));
}

// The runs that tell what a heap led to, oldest first.
std::vector<Point> PointsOf(const model::KeyHistory& history) {
  std::vector<Point> points;
  const auto* shape = history.CurrentShape();
  if (shape == nullptr) return points;
  const auto rule = RuleFor(shape->submitted, {.least = shape->least_overhead, .most = {}});
  if (!rule) return points;
  points.reserve(history.Applications().size());
  for (const auto& application : history.Applications()) {
    const bool counts = application.shape_id == shape->id && application.alive == 0 &&
                        application.ooms == 0 && application.peak.value > 0;
    if (!counts) continue;
    const Bytes heap = HeapOf(application.smallest_limit, *rule);
    if (heap.value > 0) points.push_back({&application, heap});
  }
  return points;
}

double Value(Bytes bytes) { return static_cast<double>(bytes.value); }

// Least squares; nothing where the points are on no line that a heap explains.
std::optional<double> SlopeOf(const std::vector<Point>& points) {
  const auto count = static_cast<double>(points.size());
  double heap = 0;
  double peak = 0;
  for (const auto& point : points) {
    heap += Value(point.heap) / count;
    peak += Value(point.application->peak) / count;
  }
  double together = 0;
  double spread = 0;
  for (const auto& point : points) {
    together += (Value(point.heap) - heap) * (Value(point.application->peak) - peak);
    spread += (Value(point.heap) - heap) * (Value(point.heap) - heap);
  }
  const double slope = together / spread;
  if (slope < kLeastSlope || slope > kMostSlope) return std::nullopt;
  double off = 0;
  for (const auto& point : points) {
    const double line = peak + slope * (Value(point.heap) - heap);
    off += std::pow(Value(point.application->peak) - line, 2) / count;
  }
  if (std::sqrt(off) > kOffTheLine * peak) return std::nullopt;
  return slope;
}

bool Different(const std::vector<Point>& points) {
  const auto [least, most] = std::minmax_element(
      points.begin(), points.end(), [](const auto& a, const auto& b) { return a.heap < b.heap; });
  return Value(most->heap) >= kDifferent * Value(least->heap);
}

bool Below(const std::vector<Point>& points) {
  return std::all_of(points.begin(), points.end(), [](const auto& point) {
    return Value(point.application->peak) < kTouchedAnyway * Value(point.heap);
  });
}

}  // namespace

std::string_view Name(Inflation inflation) {
  switch (inflation) {
    case Inflation::kUnknown:
      return "NotKnown";
    case Inflation::kBelow:
      return "BelowHeap";
    case Inflation::kPossible:
      return "OneHeapSize";
    case Inflation::kFollows:
      return "PeaksFollowHeap";
    case Inflation::kIndependent:
      return "PeaksDoNotFollowHeap";
    case Inflation::kDriverTells:
      return "DriverTells";
  }
  return "";
}

std::string_view Describe(Inflation inflation) {
  switch (inflation) {
    case Inflation::kUnknown:
      return "No run has shown its heap and a peak yet.";
    case Inflation::kBelow:
      return "Executors use less than 55 % of their heap, which a JVM touches whatever it needs.";
    case Inflation::kPossible:
      return "Executors use at least 55 % of their heap. With -Xms = -Xmx a JVM does so "
             "whatever it needs, and no run had another size to compare with.";
    case Inflation::kFollows:
      return "In heaps of different sizes the peaks followed the heap: the job may need much less.";
    case Inflation::kIndependent:
      return "In heaps of different sizes the peaks did not follow the heap.";
    case Inflation::kDriverTells:
      return "Drivers told how full the heap is; the recommendation follows from that.";
  }
  return "";
}

bool IsInflated(Inflation inflation) {
  return inflation == Inflation::kPossible || inflation == Inflation::kFollows;
}

HeapTrend FindHeapTrend(const model::KeyHistory& history) {
  HeapTrend trend;
  const auto points = PointsOf(history);
  if (points.empty()) return trend;
  trend.heap = points.back().heap;
  trend.limit = points.back().application->smallest_limit;
  if (!Different(points)) {
    trend.inflation = Below(points) ? Inflation::kBelow : Inflation::kPossible;
    return trend;
  }
  const auto slope = SlopeOf(points);
  trend.inflation = slope ? Inflation::kFollows : Inflation::kIndependent;
  trend.slope = slope.value_or(0);
  return trend;
}

std::vector<model::Run> RunsInLatestHeap(const model::KeyHistory& history, const HeapTrend& trend) {
  std::vector<ApplicationSummary> moved;
  for (const auto& point : PointsOf(history)) {
    moved.push_back(*point.application);
    auto& peak = moved.back().peak;
    peak = std::max(base::MiB(1), peak - base::Scaled(point.heap - trend.heap, trend.slope));
  }
  return model::RunsOf(moved);
}

// What is x too large at this heap is x × slope too large in the peaks, too, and so on.
Bytes FollowedDown(Bytes size, Bytes peak, const HeapTrend& trend) {
  if (size >= trend.limit || peak.value <= 0) return size;
  const double of_limit = trend.slope * Value(trend.heap) / Value(trend.limit);
  const double again = std::min(0.9, Value(size) / Value(peak) * of_limit);
  const Bytes less = base::Scaled(trend.limit - size, 1 / (1 - again));
  return std::max(trend.limit - less, base::Scaled(trend.limit, kDeepest));
}

}  // namespace sparkfit::recommend
