// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/model/history.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "sparkfit/base/hash.h"

namespace sparkfit::model {
namespace {

constexpr std::uint8_t kManySamples = 3;

// A live executor has lived until its latest sample.
RunChange AddTo(RunRing& runs, const Executor& executor) {
  const auto lifetime = executor.created == base::Time{}
                            ? base::Duration{}
                            : std::max(executor.PeakTime() - executor.created, base::Duration{});
  return runs.Add(RunId(executor.application), executor.shape_id,
                  {executor.peak, executor.used, executor.GetCoverage() == Coverage::kMany},
                  lifetime);
}

// What went well with as little as is now known to be too small goes back to what was before.
template <typename TooSmall>
void DropWell(ShapeHistory& shape, TooSmall is_too_small) {
  if (is_too_small(shape.candidate)) shape.candidate = {};
  if (!is_too_small(shape.well)) return;
  const bool back = !is_too_small(shape.before);
  shape.well = back ? shape.before : ExecutorSize{};
  shape.tried = back && shape.before_tried;
  shape.before = {};
}

void DropWell(ShapeHistory& shape, Part part) {
  const auto too_small = [&, least = shape.Of(part).too_small](const ExecutorSize& size) {
    return SizeOf(size, part) <= least;
  };
  // Less outside of the heap speaks against nothing in it.
  if (part == Part::kOutside && too_small(shape.well) && !too_small(shape.before)) {
    const auto heap = SizeOf(shape.well, Part::kHeap);
    shape.before = {heap + SizeOf(shape.before, Part::kOutside), heap};
  }
  DropWell(shape, too_small);
}

}  // namespace

std::uint32_t RunId(std::string_view application) {
  const auto hash = base::Fnv1a(application);
  return static_cast<std::uint32_t>(hash ^ (hash >> 32U));
}

bool Executor::AddSample(base::Bytes working_set, base::Time timestamp) {
  peak = std::max(peak, working_set);
  used = std::max(used, working_set);
  if (timestamp >= last_sample) last_used = working_set;
  last_sample = std::max(last_sample, timestamp);
  if (samples == kManySamples) return false;
  for (std::uint8_t i = 0; i < samples; ++i) {
    if (seen[i] == timestamp) return false;
  }
  seen[samples++] = timestamp;
  return true;
}

std::optional<LastUse> Executor::LastUseBefore(base::Time end) const {
  // The API's times are whole seconds, cut off. What is later is of a container that was started
  // since.
  if (samples == 0 || last_sample >= end + std::chrono::seconds(1)) return std::nullopt;
  return LastUse{last_used, end - last_sample};
}

double Executor::HoursLived() const {
  if (created == base::Time{}) return 0;
  const std::chrono::duration<double, std::ratio<3600>> lived =
      std::max(*ended - created, base::Duration{});
  return lived.count();
}

Coverage Executor::GetCoverage() const {
  if (samples == 0) return Coverage::kNone;
  return samples < kManySamples ? Coverage::kFew : Coverage::kMany;
}

bool ApplicationSummary::WentWell() const {
  const bool failed = outcome == Outcome::kFailed || outcome == Outcome::kInterrupted;
  return ended && !failed && ooms == 0 && lost == 0 && often && size.limit.value > 0 &&
         used <= size.limit && at_size >= 9 * elsewhere;
}

bool ShapeHistory::AsksForMore() const {
  return std::any_of(brackets.begin(), brackets.end(),
                     [](const Bracket& bracket) { return bracket.enough.value > 0; });
}

void ShapeHistory::Killed(Part part, const ExecutorSize& dead, base::Bytes next) {
  // What a heap must hold is less than what its executor uses in all. Siblings of an executor on
  // trial refute nothing by their use: they had more.
  const bool on_trial = next.value == 0;
  const auto in_all = part == Part::kHeap || on_trial ? SizeOf(dead, part) : dead.limit;
  Of(part).Killed(SizeOf(dead, part), next, in_all);
  DropWell(*this, part);
}

void ShapeHistory::KilledBelowHeap(base::Bytes limit, const ExecutorSize& as_submitted) {
  for (const auto part : {Part::kHeap, Part::kOutside}) {
    Of(part).AskFor(SizeOf(as_submitted, part));
  }
  DropWell(*this, [&](const ExecutorSize& size) { return size.limit <= limit; });
}

void ShapeHistory::WentWell(const ExecutorSize& size, base::Bytes used) {
  bool enough = true;
  for (const auto part : {Part::kHeap, Part::kOutside}) {
    Of(part).WentWell(SizeOf(size, part), used);
    enough = enough && (SizeOf(size, part) > Of(part).too_small || Of(part).too_small.value == 0);
  }
  if (!enough || (well.limit.value > 0 && size.limit >= well.limit)) return;
  well = size;
  before = {};
  tried = false;
  if (candidate.limit >= well.limit) candidate = {};
}

void ShapeHistory::TriedWell(Part part, const ExecutorSize& size, const ExecutorSize& next,
                             double share) {
  Of(part).TriedWell(SizeOf(size, part));
  candidate = next;
  exposure = share;
}

void ShapeHistory::PutInForce() {
  const auto& reached = well.limit.value > 0 ? well : submitted;
  const auto roomier = [&](Part part) {
    const auto now = SizeOf(reached, part);
    return SizeOf(candidate, part) < now ? now : std::max(now, SizeOf(before, part));
  };
  const auto heap = roomier(Part::kHeap);
  before = {heap + roomier(Part::kOutside), heap};
  before_tried = tried;
  well = std::exchange(candidate, {});
  tried = true;
}

void ShapeHistory::Grow(double times) {
  const auto grow = [&](ExecutorSize& size, const ExecutorSize& most) {
    const auto part = [&](Part of) {
      const auto grown = base::Scaled(SizeOf(size, of), times).RoundedUpToMiB();
      return std::max(SizeOf(size, of), std::min(grown, SizeOf(most, of)));
    };
    const auto heap = part(Part::kHeap);
    size = {heap + part(Part::kOutside), heap};
  };
  if (tried && well.heap) grow(well, before);
  if (candidate.heap) grow(candidate, well.limit.value > 0 ? well : submitted);
}

void ShapeHistory::TriedTooSmall(Part part, const ExecutorSize& size) {
  Of(part).TooSmall(SizeOf(size, part));
  DropWell(*this, part);
}

void ShapeHistory::ForgetTooSmall() {
  for (auto& bracket : brackets) bracket.ForgetTooSmall();
}

void ShapeHistory::ForgetSizes() {
  well = before = candidate = {};
  tried = false;
  for (auto& bracket : brackets) bracket.ForgetSizes();
}

KeyHistory::KeyHistory(Key key, base::Duration half_life)
    : key_(std::move(key)), half_life_(half_life) {}

Executor& KeyHistory::Start(const std::string& uid, Executor executor, base::Time now) {
  auto* application = Find(executor.application);
  if (application == nullptr) application = StartApplication(executor, now);
  if (application != nullptr) {
    application->ended = false;  // it goes on after a pause
    ++application->executors;
    ++application->alive;
    ++application->unsealed;
  }
  ++totals_.executors;
  executor.run = application != nullptr ? application->number : 0;
  // Of a run that is not remembered nobody knows the first executor.
  const bool follows = application == nullptr && !shapes_.empty();
  executor.shape_id = application != nullptr ? application->shape_id
                      : follows              ? shapes_.back().id
                                             : UseShape(executor);
  const auto* shape = FindShape(executor.shape_id);
  executor.comparable = shape != nullptr && shape->shape.IsLike(executor.shape);
  ++totals_.coverage[static_cast<std::size_t>(Coverage::kNone)];
  if (auto* current = FindShape(executor.shape_id); current != nullptr && executor.comparable) {
    // Who submits another size knows something of the job: what went well before says nothing.
    if (current->submitted != executor.submitted) current->ForgetSizes();
    current->submitted = executor.submitted;
    current->request = executor.request;
  }
  advice_.Start(executor.application, executor.advised);
  const auto [entry, inserted] = executors_.emplace(uid, std::move(executor));
  assert(inserted);
  return entry->second;
}

ApplicationSummary* KeyHistory::StartApplication(const Executor& executor, base::Time now) {
  TrimRing(kApplications - 1);
  if (ring_.size() >= kMostApplications) return nullptr;
  ApplicationSummary application;
  application.id = ApplicationId(executor.application);
  application.number = next_run_++;
  application.started = now;
  application.shape_id = UseShape(executor);
  ++totals_.applications;
  // No doubling: thousands of keys rest in memory, many of them with few runs.
  constexpr std::size_t kMoreRuns = 4;
  if (ring_.size() == ring_.capacity()) ring_.reserve(ring_.size() + kMoreRuns);
  ring_.push_back(std::move(application));
  EndIdleApplications();
  TrimRing(kApplications);
  return &ring_.back();
}

std::uint32_t KeyHistory::UseShape(const Executor& executor) {
  const auto known = std::find_if(shapes_.begin(), shapes_.end(), [&](const ShapeHistory& entry) {
    return entry.shape.IsLike(executor.shape);
  });
  if (known != shapes_.end()) {
    if (executor.shape.spark.IsKnown()) known->shape.spark = executor.shape.spark;
    std::rotate(known, known + 1, shapes_.end());
  } else {
    if (shapes_.size() == kShapes) shapes_.erase(shapes_.begin());
    shapes_.push_back({.id = next_shape_id_++,
                       .shape = executor.shape,
                       .peaks = DecayingHistogram(MemoryBuckets(), half_life_)});
  }
  return shapes_.back().id;
}

void KeyHistory::Ran(Executor& executor) {
  const bool first = !std::exchange(executor.ran, true);
  if (!executor.comparable) return;
  // A limit may be raised while the executor runs.
  if (auto* shape = FindShape(executor.shape_id); shape != nullptr) {
    shape->largest_limit = std::max(shape->largest_limit, executor.size.limit);
  }
  auto* application = first && !executor.trial ? RunOf(executor) : nullptr;
  if (application != nullptr && application->size.limit.value == 0) {
    application->size = executor.size;
  }
}

void KeyHistory::Resize(Executor& executor, const ExecutorSize& size, base::Time now) {
  if (executor.ended || size == executor.size) return;
  if (executor.ran) {
    NoteLived(executor, now);
    executor.resized = now;
  }
  executor.size = size;
}

// The time that it had its present size. One whose creation is not known counts a little, too.
void KeyHistory::NoteLived(const Executor& executor, base::Time until) {
  auto* application = RunOf(executor);
  if (application == nullptr || !executor.ran || executor.trial || !executor.comparable) return;
  const auto since = executor.resized == base::Time{} ? executor.created : executor.resized;
  const auto lived = since == base::Time{} ? base::Duration{} : until - since;
  auto& sum = executor.size == application->size ? application->at_size : application->elsewhere;
  sum += std::max(lived, base::Duration{1});
}

void KeyHistory::AddSample(Executor& executor, base::Bytes working_set, base::Time timestamp) {
  if (!executor.comparable) return;
  const auto peak_before = executor.peak;
  const auto coverage_before = executor.GetCoverage();
  const bool fresh = executor.AddSample(working_set, timestamp);
  if (fresh) {
    --totals_.coverage[static_cast<std::size_t>(coverage_before)];
    ++totals_.coverage[static_cast<std::size_t>(executor.GetCoverage())];
  }
  if (!totals_.last_sample || timestamp > *totals_.last_sample) totals_.last_sample = timestamp;
  const bool first = fresh && executor.samples == 1;
  const bool enough = fresh && executor.samples == kManySamples;
  if (!first && !enough && executor.peak == peak_before) return;
  auto* application = RunOf(executor);
  NotePeak(executor, application);
  if (application == nullptr) return;
  application->sampled = true;
  CountIfDone(*application);
}

void KeyHistory::NotePeak(const Executor& executor, ApplicationSummary* application) {
  totals_.peak = std::max(totals_.peak, executor.peak);
  if (application == nullptr) return;
  application->peak = std::max(application->peak, executor.peak);
  application->used = std::max(application->used, executor.used);
  application->often = application->often || executor.GetCoverage() == Coverage::kMany;
}

void KeyHistory::AddOom(Executor& executor, OomKind kind, base::Time at) {
  executor.oom = kind;
  ++(kind == OomKind::kContainer ? totals_.container_ooms : totals_.heap_ooms);
  totals_.last_oom = std::max(totals_.last_oom.value_or(at), at);
  if (kind == OomKind::kContainer && executor.comparable) {
    executor.peak = std::max(executor.peak, executor.size.limit);
    // An overlay entry without a sample needs a time for its weight.
    executor.last_sample = std::max(executor.last_sample, at);
  }
  auto* application = RunOf(executor);
  NotePeak(executor, application);
  if (application != nullptr) ++application->ooms;
}

void KeyHistory::End(Executor& executor, base::Time at, bool lost) {
  if (executor.ended) return;
  executor.ended = at;
  executor.lost = lost;
  NoteLived(executor, at);
  if (auto* application = RunOf(executor); application != nullptr) {
    --application->alive;
    application->idle_since = std::max(application->idle_since, at);
    application->lost += lost ? 1 : 0;
  }
  CountSavings(executor);
  EndIdleApplications();
  FinishIfOver(executor.application);
}

void KeyHistory::CountSavings(const Executor& executor) {
  if (executor.target_request_at_start.value == 0 || executor.request.value == 0) return;
  const double saved =
      InGiB(executor.request - executor.target_request_at_start) * executor.HoursLived();
  auto& savings = totals_.savings;
  if (saved < 0) {
    savings.extra -= saved;
  } else {
    (executor.size == executor.submitted ? savings.possible : savings.realised) += saved;
  }
}

std::optional<RunChange> KeyHistory::Seal(const std::string& uid) {
  const auto entry = executors_.find(uid);
  if (entry == executors_.end()) return std::nullopt;
  std::optional<RunChange> change;
  const auto& executor = entry->second;
  auto* shape = FindShape(executor.shape_id);
  if (shape != nullptr && executor.peak.value > 0) {
    shape->peaks.Add(static_cast<double>(executor.peak.value), 1.0, executor.PeakTime());
    ++shape->sealed;
    change = AddTo(runs_, executor);
  }
  advice_.Seal(executor);
  auto* application = RunOf(executor);
  if (application != nullptr && !application->finished) NoteConduct(executor);
  if (application != nullptr) --application->unsealed;
  const auto id = std::move(entry->second.application);
  executors_.erase(entry);
  FinishIfOver(id);
  // A key at rest needs no table.
  if (executors_.empty()) executors_ = decltype(executors_)();
  return change;
}

void KeyHistory::EndApplication(std::string_view id, Outcome outcome) {
  auto* application = Find(id);
  if (application == nullptr) return;
  if (application->outcome == Outcome::kUnseen) application->outcome = outcome;
  if (!std::exchange(application->ended, true)) CountIfDone(*application);
  FinishIfOver(id);
}

// Past advice is judged once nothing more can come of a run. Sizes are learnt as soon as its driver
// was seen to end, as the next run may start at once; what late samples tell counts for all else.
void KeyHistory::FinishIfOver(std::string_view id) {
  auto* application = Find(id);
  // One that the ring forgot is over.
  if (application == nullptr || application->ended) advice_.Judge(id);
  if (application == nullptr || !application->ended) return;
  const bool seen = application->outcome != Outcome::kUnseen && application->often;
  if (application->unsealed > 0 && (application->alive > 0 || !seen)) return;
  if (std::exchange(application->finished, true)) return;
  auto unsealed = application->unsealed;
  for (auto entry = executors_.begin(); unsealed > 0 && entry != executors_.end(); ++entry) {
    if (entry->second.run != application->number) continue;
    NoteConduct(entry->second);
    --unsealed;
  }
  auto open = open_.extract(std::string(id));
  auto& run = finished_.emplace_back();
  if (open) run = std::move(open.mapped());
  run.summary = *application;
}

// Only where a driver told something, or an executor was on trial: of most runs there is nothing.
void KeyHistory::NoteConduct(const Executor& executor) {
  if (!executor.ran || !executor.comparable) return;
  const auto known = open_.find(executor.application);
  if (!executor.told && !executor.trial && known == open_.end()) return;
  auto& run = known != open_.end() ? known->second : open_[executor.application];
  auto& conduct = executor.trial ? run.tried : run.others;
  if (executor.trial) {
    run.part = executor.trial;
    run.tried_size = executor.size;
    run.tried_lost = run.tried_lost || executor.lost;
    run.tried_resized = run.tried_resized || executor.resized != base::Time{};
  }
  const Conduct::Life life{executor.created, *executor.ended, executor.told_at, executor.used,
                           executor.lost};
  if (executor.told) {
    conduct.Add(*executor.told, life);
  } else {
    conduct.AddUntold(std::max(life.ended - life.created, base::Duration{}));
  }
}

void KeyHistory::AddReading(Executor& executor, const ExecutorReading& reading, base::Time now) {
  executor.told = std::make_shared<const ExecutorReading>(reading);
  executor.told_at = now;
}

void KeyHistory::AddConduct(const RunConduct& conduct) {
  if (conducts_.size() == kConducts) conducts_.erase(conducts_.begin());
  if (conducts_.empty()) conducts_.reserve(kConducts);
  conducts_.push_back(conduct);
}

void KeyHistory::EndIdleApplications() {
  for (std::size_t i = 0; i + 1 < ring_.size(); ++i) {
    if (ring_[i].alive == 0 && !ring_[i].ended) EndApplication(ring_[i].id.Text());
  }
}

// An application that ended with a sampled executor proves its shape. Late samples may make it so
// after its end.
void KeyHistory::CountIfDone(ApplicationSummary& application) {
  if (!application.ended || !application.sampled || application.counted) return;
  application.counted = true;
  if (auto* shape = FindShape(application.shape_id); shape != nullptr) shape->proven = true;
}

// Those of which more may come are kept as long as there is room.
void KeyHistory::TrimRing(std::size_t most) {
  while (ring_.size() > most) {
    const bool full = ring_.size() >= kMostApplications;
    const auto oldest = std::find_if(ring_.begin(), ring_.end() - 1, [&](const auto& application) {
      return application.ended && (full ? application.alive : application.unsealed) == 0;
    });
    if (oldest == ring_.end() - 1) return;
    if (!open_.empty()) open_.erase(oldest->id.Text());
    ring_.erase(oldest);
  }
}

ApplicationSummary* KeyHistory::Find(std::string_view id) {
  return const_cast<ApplicationSummary*>(std::as_const(*this).FindApplication(id));
}

ApplicationSummary* KeyHistory::RunOf(const Executor& executor) {
  if (executor.run == 0) return nullptr;
  const auto entry = std::find_if(ring_.rbegin(), ring_.rend(), [&](const auto& application) {
    return application.number == executor.run;
  });
  return entry == ring_.rend() ? nullptr : &*entry;
}

const ApplicationSummary* KeyHistory::FindApplication(std::string_view id) const {
  // From the back: the latest is asked for nearly always.
  const auto entry = std::find_if(ring_.rbegin(), ring_.rend(),
                                  [&](const auto& application) { return application.id == id; });
  return entry == ring_.rend() ? nullptr : &*entry;
}

const ShapeHistory* KeyHistory::CurrentShape() const {
  return shapes_.empty() ? nullptr : &shapes_.back();
}

ShapeHistory* KeyHistory::FindShape(std::uint32_t id) {
  const auto entry = std::find_if(shapes_.begin(), shapes_.end(),
                                  [&](const auto& shape) { return shape.id == id; });
  return entry == shapes_.end() ? nullptr : &*entry;
}

bool KeyHistory::Counts(std::uint32_t shape_id) const {
  return !shapes_.empty() && (!shapes_.back().proven || shapes_.back().id == shape_id);
}

DecayingHistogram KeyHistory::Peaks() const {
  DecayingHistogram peaks(MemoryBuckets(), half_life_);
  for (const auto& shape : shapes_) {
    if (Counts(shape.id)) peaks.Merge(shape.peaks);
  }
  for (const auto& [uid, executor] : executors_) {
    if (Counts(executor.shape_id) && executor.peak.value > 0) {
      peaks.Add(static_cast<double>(executor.peak.value), 1.0, executor.PeakTime());
    }
  }
  return peaks;
}

std::vector<Run> KeyHistory::Runs() const {
  auto runs = runs_;
  for (const auto& [uid, executor] : executors_) {
    if (executor.peak.value > 0) AddTo(runs, executor);
  }
  auto counted = runs.Runs();
  std::erase_if(counted, [&](const Run& run) { return !Counts(run.shape_id); });
  return counted;
}

std::vector<Run> RunsOf(const std::vector<ApplicationSummary>& applications) {
  std::vector<Run> runs;
  for (const auto& application : applications) {
    if (application.peak.value == 0) continue;
    Run run{.application = RunId(application.id.Text()),
            .shape_id = application.shape_id,
            .executors = 1,
            .peak = application.peak,
            .used = application.peak,
            .often = true,
            .lifetimes = std::max(application.idle_since - application.started, base::Duration{})};
    runs.push_back(run);
  }
  if (runs.size() > RunRing::kRuns) runs.erase(runs.begin(), runs.end() - RunRing::kRuns);
  return runs;
}

std::uint64_t KeyHistory::PeakCount() const {
  std::uint64_t count = 0;
  for (const auto& shape : shapes_) count += Counts(shape.id) ? shape.sealed : 0;
  for (const auto& [uid, executor] : executors_) {
    count += Counts(executor.shape_id) && executor.peak.value > 0 ? 1 : 0;
  }
  return count;
}

base::Bytes KeyHistory::LargestPeak() const {
  base::Bytes largest;
  for (const auto& application : ring_) {
    if (Counts(application.shape_id)) largest = std::max(largest, application.peak);
  }
  return largest;
}

base::Bytes KeyHistory::ProvenPeak() const {
  base::Bytes most;
  bool often = false;
  const auto take = [&](base::Bytes used, bool sampled_often) {
    most = std::max(most, used);
    often = often || sampled_often;
  };
  for (std::size_t age = 0; age < runs_.Size(); ++age) {
    const auto run = runs_.Aged(age);
    if (Counts(run.shape_id)) take(run.used, run.often);
  }
  for (const auto& [uid, executor] : executors_) {
    if (Counts(executor.shape_id)) take(executor.used, executor.GetCoverage() == Coverage::kMany);
  }
  return often ? most : base::Bytes{};
}

const ApplicationSummary* KeyHistory::LatestEnded() const {
  const auto latest = std::find_if(ring_.rbegin(), ring_.rend(),
                                   [](const auto& application) { return application.ended; });
  return latest == ring_.rend() ? nullptr : &*latest;
}

bool KeyHistory::LatestFailed() const {
  const auto* latest = LatestEnded();
  return latest != nullptr && latest->outcome == Outcome::kFailed;
}

void KeyHistory::NoteOomStep(const std::string& application) {
  auto* found = Find(application);
  if (found != nullptr && found->oom_steps < 0xff) ++found->oom_steps;
}

KeyHistory::State KeyHistory::Save() const {
  return {totals_,        ring_,   shapes_,   runs_.Runs(), executors_,
          next_shape_id_, advice_, conducts_, reference_};
}

bool KeyHistory::Load(State state) {
  if (state.shapes.size() > kShapes) return false;
  for (std::size_t i = 0; i < state.shapes.size(); ++i) {
    const auto id = state.shapes[i].id;
    if (id == 0 || id >= state.next_shape_id) return false;
    for (std::size_t j = 0; j < i; ++j) {
      if (state.shapes[j].id == id || state.shapes[j].shape == state.shapes[i].shape) return false;
    }
  }
  for (const auto& run : state.runs) {
    if (run.shape_id >= state.next_shape_id) return false;
  }
  for (const auto& run : state.conducts) {
    if (run.shape_id >= state.next_shape_id) return false;
  }
  if (state.conducts.size() > kConducts || !runs_.Load(state.runs)) return false;
  conducts_ = std::move(state.conducts);
  reference_ = state.reference;
  // What follows from the executors is not believed but counted.
  auto& loaded = state.applications;
  const auto too_many = loaded.size() - std::min(loaded.size(), kMostApplications);
  loaded.erase(loaded.begin(), loaded.begin() + static_cast<std::ptrdiff_t>(too_many));
  for (auto& application : loaded) {
    application.alive = application.unsealed = 0;
    application.number = next_run_++;
  }
  totals_ = state.totals;
  ring_ = std::move(state.applications);
  shapes_ = std::move(state.shapes);
  executors_ = std::move(state.executors);
  next_shape_id_ = state.next_shape_id;
  // Thousands of executors may belong to thousands of applications.
  std::unordered_map<std::string, ApplicationSummary*> applications;
  for (auto& application : ring_) applications[application.id.Text()] = &application;
  advice_.Load(state.advice.Sums(), state.advice.Open());
  for (auto& [uid, executor] : executors_) {
    const auto found = applications.find(executor.application);
    auto* application = found == applications.end() ? nullptr : found->second;
    executor.run = application != nullptr ? application->number : 0;
    // A checkpoint from before there was a book of advice has executors without a run in it.
    advice_.Start(executor.application, executor.advised);
    if (application == nullptr) continue;
    ++application->unsealed;
    if (!executor.ended) ++application->alive;
  }
  for (const auto& run : state.advice.Open()) {
    const auto found = applications.find(run.application);
    if (found == applications.end() || found->second->ended) advice_.Judge(run.application);
  }
  return true;
}

Executor* KeyHistory::FindExecutor(const std::string& uid) {
  const auto found = executors_.find(uid);
  return found == executors_.end() ? nullptr : &found->second;
}

void KeyHistory::SetHalfLife(base::Duration half_life) {
  half_life_ = half_life;
  for (auto& shape : shapes_) shape.peaks.SetHalfLife(half_life);
}

}  // namespace sparkfit::model
