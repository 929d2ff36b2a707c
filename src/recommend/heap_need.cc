// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/recommend/heap_need.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <tuple>
#include <utility>

namespace sparkfit::recommend {
namespace {

using base::Bytes;
using model::HeapUse;

// Where one of so many of the latest runs has a driver that told, drivers count.
constexpr std::size_t kLately = 4;

// A fuller heap than this is an OutOfMemoryError away.
constexpr double kFull = 0.9;
// Spark's reserve: the rest of the heap is shared out (UnifiedMemoryManager).
constexpr Bytes kReserved = base::MiB(300);
// Execution and storage that fill this share of their room may have been refused more …
constexpr double kRefused = 0.97;
// … and are given so much more to see.
constexpr double kMoreRoom = 1.1;

// This share of the highest is worth its room: the rest is spilled or evicted at worst for a
// moment.
constexpr double kWorthRoom = 0.8;

// The scale of the law before two heaps were seen: 0.04 ms for each MiB at 150 MiB/s, the middle of
// what was measured (simulation/jvm_constants.h), and how far off (ln) it may be.
constexpr double kUsualScale = 0.077;
constexpr double kScaleSpread = 1;
// Scales to look at: an eighth to eight times the usual one, in steps of two.
constexpr std::size_t kScales = 7;
constexpr std::size_t kUsual = 3;
// How far (ln) a run's need is from that of others of the same job, and √collecting from the law.
constexpr double kRunSpread = 0.05;
constexpr double kRunVariance = kRunSpread * kRunSpread;
constexpr double kCrowdSpread = 0.15;
// … and by how much at least, as collections are told in whole ms.
constexpr double kCrowdStep = 0.005;
// What else there is to collect is known (ln √collecting) to a factor of two; …
constexpr double kElseVariance = 0.5;
// … this share of it is in every run, as runs with so many times its heap show it.
constexpr double kElseSure = 0.7;
constexpr double kRoomier = 1.5;
// How far the law may be off (ln) in a heap e times as large as the latest.
constexpr double kAway = 0.15;
// What is in use outside of heaps up to so many times the latest one counts: in roomier limits the
// page cache is larger.
constexpr double kAlike = 2;
// … and so much of it is enough, as a run's need is not quite that of the others: this, and a share
// that the fewer runs are known the larger is.
constexpr double kOutside = 1.05;
constexpr double kOutsideUnsure = 0.2;
// Without an OOM never to more than so many times the latest size.
constexpr double kMostRaised = 1.5;
// … and to so many times what was submitted …
constexpr double kMostOfSubmitted = 2;
// … and no further where a run collected too much in a heap smaller by this factor …
constexpr double kClearlySmaller = 1 / 1.3;
// … and did so for at most so many times as long.
constexpr double kNoHelp = 1.2;
// Never to less than this share of the latest heap at once.
constexpr double kDeepest = 1.0 / 3;
// So much more than the neediest run's heap keeps runs from being slow, at a dial of 1 …
constexpr double kRoom = 0.11;
// … and this much, however high it is.
constexpr double kMostRoom = 0.5;
// What is foretold of smaller heaps is to err on their being crowded: by so many standard
// deviations.
constexpr double kCautious = 0.5;
// So many times the noise and it is no noise.
constexpr double kNoNoise = 2;

// A heap that was too small is not gone back to, nor to less than so many times as much, while the
// run that died of it is among those remembered.
constexpr double kOutgrown = 1.2;

constexpr double kSmallestCrowd = 1e-4;

double Value(Bytes bytes) { return static_cast<double>(bytes.value); }
// A driver may tell anything: nothing overflows.
Bytes FromValue(double bytes) { return base::Scaled({1}, bytes); }

double Square(double value) { return value * value; }

// ln²(a / b) of amounts that are near, and a little more of others.
double Apart(double a, double b) { return Square(a - b) / (a * b); }

double ScaleAt(double steps) { return kUsualScale * std::exp2(steps - kUsual); }

struct Scale {
  double value;
  double unlikely;  // −2 ln of how likely it is before anything was seen
};
const std::array<Scale, kScales>& Scales() {
  static const auto scales = [] {
    std::array<Scale, kScales> all{};
    for (std::size_t step = 0; step < kScales; ++step) {
      const double scale = ScaleAt(static_cast<double>(step));
      const double off = std::log(scale / kUsualScale) / kScaleSpread;
      all[step] = {scale, Square(off)};
    }
    return all;
  }();
  return scales;
}

// Of ln crowd, where `crowd` is the root of what is left of so many times as much: the less, the
// less sure.
double NoiseOf(double crowd, double times) { return kCrowdSpread * times + kCrowdStep / crowd; }

// What of a run is the same at every scale.
struct Seen {
  double heap;
  double crowd;    // √collecting, which grows with retained / free
  double unified;  // what execution and storage held: at least that is retained …
  double most;     // … and at most what was ever in use
  double noise;    // of ln crowd
  double away;     // variance: how far its heap is from the latest one
};

Seen SeenIn(const HeapUse& use, Bytes latest) {
  const double crowd = std::max(kSmallestCrowd, std::sqrt(use.collecting));
  const double heap = Value(use.heap);
  return {.heap = heap,
          .crowd = crowd,
          .unified = Value(use.unified_peak),
          .most = use.heap_peak.value > 0 ? Value(use.heap_peak) : heap,
          .noise = NoiseOf(crowd, 1),
          .away = Square(kAway) * Apart(heap, Value(latest))};
}

// The share of the heap that is retained, by the law.
double ShareByLaw(const Seen& seen, double scale) { return seen.crowd / (seen.crowd + scale); }

// False where the law would have a run retain more than it had in use.
bool IsExplained(const Seen& seen) {
  return seen.heap * seen.crowd <= seen.most * (seen.crowd + kUsualScale);
}

// Some jobs collect for longer than what they retain explains, in however large a heap: classes are
// loaded, pages touched for the first time, what is cached is copied until it is old. So much of
// it.
double ElseOf(const Seen& seen) {
  if (IsExplained(seen)) return 0;
  return Square(seen.crowd) - Square(kUsualScale * seen.most / (seen.heap - seen.most));
}

// The least of that in any run with a roomier heap; 0 where there is none.
double ElseInRoomier(std::span<const Seen> runs, std::span<const double> elses, double heap) {
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (runs[i].heap >= kRoomier * heap) least = std::min(least, elses[i]);
  }
  return std::isfinite(least) ? least : 0;
}

// What runs in roomier heaps collect for anyway is not for want of room here. As it is not the same
// in all runs, most of it is taken away, and what is left is less sure.
void TakeElseAway(std::span<Seen> runs) {
  const auto [least, most] = std::minmax_element(
      runs.begin(), runs.end(), [](const Seen& a, const Seen& b) { return a.heap < b.heap; });
  if (most->heap < kRoomier * least->heap) return;
  std::array<double, model::HeapRunRing::kRuns> elses{};
  std::transform(runs.begin(), runs.end(), elses.begin(), ElseOf);
  for (auto& seen : runs) {
    const double collecting = Square(seen.crowd);
    const double other = std::min(collecting, ElseInRoomier(runs, elses, seen.heap));
    if (other <= 0) continue;
    seen.crowd = std::max(kSmallestCrowd, std::sqrt(collecting - kElseSure * other));
    seen.noise = NoiseOf(seen.crowd, collecting / Square(seen.crowd));
  }
}

// Where collections do not tell what is retained, no more is known of it than what was in use,
// mostly garbage, which fills a heap in proportion to its size: in the smaller heaps of other runs
// there was less room for it.
void TakeGarbageAway(std::span<Seen> runs) {
  std::array<double, model::HeapRunRing::kRuns> bounds{};
  for (std::size_t i = 0; i < runs.size(); ++i) bounds[i] = runs[i].most - runs[i].unified;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    auto& seen = runs[i];
    if (IsExplained(seen)) continue;
    const double filled = bounds[i] / seen.heap;
    double least = bounds[i];
    for (std::size_t j = 0; j < runs.size(); ++j) {
      if (runs[j].heap >= seen.heap) continue;
      least = std::min(least, std::max(bounds[j], filled * runs[j].heap));
    }
    seen.most = seen.unified + std::max(0.0, least);
  }
}

// A run as the law sees it at some scale.
struct Look {
  double retained;
  bool capped;      // … by what was in use: the law would have it retain more
  double beside;    // of it, beside execution and storage memory
  double variance;  // of ln retained: in a roomy heap collections say little
  double slope;     // d ln retained / d ln crowd, negated
  double weight;    // how well it can tell what is retained: 1 / variance
};

Look LookAt(const Seen& seen, double scale) {
  const double share = ShareByLaw(seen, scale);
  const double by_law = seen.heap * share;
  const double retained = std::max(std::min(by_law, seen.most), seen.unified);
  const double slope = 1 - share;
  const double variance = Square(seen.noise * slope) + seen.away;
  return {.retained = retained,
          .capped = by_law > seen.most,
          .beside = retained - seen.unified,
          .variance = variance,
          .slope = slope,
          .weight = 1 / (Square(retained) * (kRunVariance + variance))};
}

// What the job holds beside execution and storage memory: the mean, weighted by how well each run
// can tell.
double BesideOf(std::span<const Look> looks) {
  double sum = 0;
  double weights = 0;
  for (const auto& look : looks) {
    sum += look.weight * look.beside;
    weights += look.weight;
  }
  return sum / weights;
}

double Expected(const Look& look, double beside) { return look.retained - look.beside + beside; }

// −2 ln of how likely what was seen is at a scale: normal in ln crowd; where the law would have a
// run retain more than it had in use, any crowd is as likely.
double Misfit(std::span<const Look> looks, const Scale& scale) {
  const double beside = BesideOf(looks);
  double misfit = scale.unlikely;
  double variances = 1;
  double slopes = 1;
  for (const auto& look : looks) {
    const double off = look.retained / Expected(look, beside) - 1;
    misfit += Square(off * look.retained) * look.weight;
    variances *= look.capped ? kElseVariance : kRunVariance + look.variance;
    if (!look.capped) slopes *= look.slope;
  }
  return misfit + std::log(variances / Square(slopes));
}

// What is retained, with the noise taken out: the run's own deviation as far as it is to be
// believed.
double Smoothed(const Look& look, double beside) {
  const double expected = Expected(look, beside);
  const double off = std::abs(look.retained - expected);
  const double credit = kRunVariance / (kRunVariance + look.variance);
  const double beyond = off - kNoNoise * std::sqrt(look.variance) * expected;
  return expected + std::copysign(std::max(off * credit, beyond), look.retained - expected);
}

// The runs of a key, looked at together.
class Runs {
 public:
  explicit Runs(const std::vector<HeapPoint>& runs) : count_(runs.size()) {
    misfits_.fill(std::numeric_limits<double>::quiet_NaN());
    const Bytes latest = runs.back().use.heap;
    for (std::size_t i = 0; i < count_; ++i) seen_[i] = SeenIn(runs[i].use, latest);
    TakeElseAway({seen_.data(), count_});
    TakeGarbageAway({seen_.data(), count_});
  }

  // Valid until the next call.
  std::span<const Look> At(double scale) {
    for (std::size_t i = 0; i < count_; ++i) looks_[i] = LookAt(seen_[i], scale);
    return {looks_.data(), count_};
  }

  // The likeliest scale, downhill from the usual one, and from there towards crowded heaps. Between
  // the scales that were looked at, the misfit is a parabola.
  double CautiousScale() {
    std::size_t best = kUsual;
    while (best + 1 < kScales && MisfitAt(best + 1) < MisfitAt(best)) ++best;
    while (best > 0 && MisfitAt(best - 1) < MisfitAt(best)) --best;
    const auto steps = static_cast<double>(best);
    if (best == 0 || best + 1 == kScales) return ScaleAt(steps);
    const double below = MisfitAt(best - 1) - MisfitAt(best);
    const double above = MisfitAt(best + 1) - MisfitAt(best);
    const double bend = (below + above) / 2;
    if (bend <= 0) return ScaleAt(steps - 1);  // all three are as likely
    const double likeliest = steps + (below - above) / (4 * bend);
    return ScaleAt(std::max(steps - 1, likeliest - kCautious / std::sqrt(bend)));
  }

 private:
  double MisfitAt(std::size_t step) {
    auto& misfit = misfits_[step];
    if (std::isnan(misfit)) {
      const auto& scale = Scales()[step];
      misfit = Misfit(At(scale.value), scale);
    }
    return misfit;
  }

  std::size_t count_;
  std::array<Seen, model::HeapRunRing::kRuns> seen_;
  std::array<Look, model::HeapRunRing::kRuns> looks_;
  std::array<double, kScales> misfits_;  // NaN: not known yet
};

// The heap that gives execution and storage this much room. Their share of it,
// spark.memory.fraction, is what it was.
double HeapForRoom(const HeapUse& use, double room) {
  if (use.unified_room.value <= 0 || use.heap <= kReserved) return 0;
  const bool refused = Value(use.unified_peak) >= kRefused * Value(use.unified_room);
  return room * (refused ? kMoreRoom : 1) * Value(use.heap - kReserved) / Value(use.unified_room) +
         Value(kReserved);
}

// In units of what is retained: the heap that it does not fill, and in which collecting takes
// kCollecting.
double HeapPerRetained(double scale) {
  return std::max(1 + scale / std::sqrt(kCollecting), 1 / kFull);
}

std::vector<std::uint32_t> UnderWay(const model::KeyHistory& history) {
  std::vector<std::uint32_t> applications;
  for (const auto& application : history.Applications()) {
    if (application.alive > 0) applications.push_back(model::RunId(application.id.Text()));
  }
  return applications;
}

// The runs that count, without what they needed yet; none where drivers did not tell lately. Each
// is unpacked in its place: reading back what was only just written takes longer than unpacking it.
std::vector<HeapPoint> CountingRuns(const model::KeyHistory& history) {
  const auto* shape = history.CurrentShape();
  const auto& told = history.HeapRuns();
  const auto& runs = history.EndedRuns();
  if (shape == nullptr || told.Size() == 0) return {};
  const auto under_way = UnderWay(history);
  std::vector<HeapPoint> points(told.Size());
  auto point = points.rbegin();
  std::size_t looked_at = 0;
  for (std::size_t age = 0; age < runs.Size() && point != points.rend(); ++age) {
    const auto run = runs.Aged(age);
    if (run.shape_id != shape->id) continue;
    if (std::count(under_way.begin(), under_way.end(), run.application) > 0) continue;
    if (point == points.rbegin() && looked_at++ == kLately) break;
    const auto* use = told.Find(run.application, shape->id);
    if (use == nullptr) continue;
    point->run = run;
    point->use = use->Use();
    ++point;
  }
  points.erase(points.begin(), point.base());
  return points;
}

// By the highest of what runs with about the latest heap used outside of it.
OverheadBounds OverheadOf(const std::vector<HeapPoint>& runs) {
  Bytes outside;
  double alike = 0;
  for (const auto& run : runs) {
    if (Value(run.use.heap) > kAlike * Value(runs.back().use.heap)) continue;
    outside = std::max(outside, run.use.outside);
    ++alike;
  }
  const Bytes enough = base::Scaled(outside, kOutside + kOutsideUnsure / alike).RoundedUpToMiB();
  return {.least = enough, .most = std::max(model::kLeastDefaultOverhead, enough)};
}

Bytes OutgrownBy(const model::KeyHistory& history) {
  const auto& floor = history.floor;
  const bool of_heap = floor && floor->kind == model::OomKind::kHeap && floor->dead.heap;
  const auto* died = of_heap ? history.FindApplication(floor->application.Text()) : nullptr;
  const auto* shape = history.CurrentShape();
  if (died == nullptr || shape == nullptr || died->shape_id != shape->id) return {};
  return base::Scaled(*floor->dead.heap, kOutgrown);
}

// Whether a run collected for too long in a clearly smaller heap than the latest, and for hardly
// longer: it caches or loads what it always will.
bool NoHelpOfLargerHeap(const HeapEvidence& evidence) {
  const auto& latest = evidence.points.back().use;
  return std::any_of(evidence.points.begin(), evidence.points.end(), [&](const HeapPoint& point) {
    return point.use.collecting > kCollecting &&
           point.use.collecting <= kNoHelp * latest.collecting &&
           point.use.heap <= base::Scaled(latest.heap, kClearlySmaller);
  });
}

}  // namespace

std::optional<HeapEvidence> FindHeapEvidence(const model::KeyHistory& history) {
  HeapEvidence evidence;
  auto& points = evidence.points;
  points = CountingRuns(history);
  if (points.empty()) return std::nullopt;
  Runs together(points);
  evidence.scale = together.CautiousScale();
  const auto looks = together.At(evidence.scale);
  const double beside = BesideOf(looks);
  const double per_retained = HeapPerRetained(evidence.scale);
  double cached = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    auto& point = points[i];
    const double retained = Smoothed(looks[i], beside);
    point.retained = FromValue(retained);
    point.needed = FromValue(
        std::ceil(std::max(retained * per_retained,
                           HeapForRoom(point.use, kWorthRoom * Value(point.use.unified_peak)))));
    evidence.neediest = std::max(evidence.neediest, point.needed);
    cached = std::max(cached, HeapForRoom(point.use, Value(point.use.storage_peak) / kRefused));
  }
  evidence.cached = FromValue(cached);
  evidence.overhead = OverheadOf(points);
  evidence.outgrown = OutgrownBy(history);
  return evidence;
}

std::vector<model::Run> RunsAsNeeded(const HeapEvidence& evidence, const SplitRule& rule) {
  std::vector<model::Run> needed;
  needed.reserve(evidence.points.size());
  Bytes largest;
  for (const auto& point : evidence.points) {
    auto& run = needed.emplace_back(point.run);
    const Bytes heap = base::Scaled(point.retained, 1 / kFull);
    run.peak = heap + OverheadFor(rule, heap);
    run.record = 0;
    if (largest.value > 0 && run.peak > largest) {
      run.record = static_cast<std::uint32_t>(1e6 * std::log(Value(run.peak) / Value(largest)));
    }
    largest = std::max(largest, run.peak);
  }
  return needed;
}

double RoomAt(double risk) { return std::min(kMostRoom, kRoom * std::sqrt(risk)); }

Roomy WithRoom(Bytes size, const HeapEvidence& evidence, const SplitRule& rule, double risk) {
  Bytes heap;
  auto reason = RoomFor::kLife;
  const auto offer = [&](Bytes offered, RoomFor offered_for) {
    if (offered > heap) std::tie(heap, reason) = std::pair(offered, offered_for);
  };
  offer(base::Scaled(evidence.neediest, 1 + RoomAt(risk)), RoomFor::kNeediest);
  offer(evidence.cached, RoomFor::kCached);
  offer(evidence.outgrown, RoomFor::kOutgrown);
  offer(base::Scaled(evidence.points.back().use.heap, kDeepest), RoomFor::kDepth);
  const Bytes total = heap + OverheadFor(rule, heap);
  return total > size ? Roomy{total, heap, reason} : Roomy{size, {}, RoomFor::kLife};
}

Bytes HeapFirst(const HeapEvidence& evidence) {
  const Bytes latest = evidence.points.back().use.heap;
  const Bytes kept = std::min(evidence.neediest, latest);
  return std::max(kept, base::Scaled(latest, kDeepest)).RoundedUpToMiB();
}

Bytes RaisedByCrowding(const HeapEvidence& evidence, const SplitRule& rule, Bytes submitted) {
  const auto& latest = evidence.points.back();
  if (latest.use.collecting <= kCollecting || NoHelpOfLargerHeap(evidence)) return {};
  const Bytes heap = std::min(latest.needed, base::Scaled(latest.use.heap, kMostRaised));
  return std::min(heap + OverheadFor(rule, heap), base::Scaled(submitted, kMostOfSubmitted))
      .RoundedUpToMiB();
}

}  // namespace sparkfit::recommend
