// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/model/history.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "sparkfit/base/hash.h"

namespace sparkfit::model {
namespace {

constexpr std::uint8_t kManySamples = 3;
// Before, what tasks ran is mostly the loading of classes.
constexpr base::Duration kLongEnough = std::chrono::seconds(10);

// Sealing follows a hash map's order only one executor at a time, but merging the overlay must not
// depend on it: floating-point sums do depend on order.
std::vector<const Executor*> InStableOrder(const std::unordered_map<std::string, Executor>& map) {
  std::vector<std::pair<const std::string*, const Executor*>> sorted;
  sorted.reserve(map.size());
  for (const auto& [uid, executor] : map) sorted.emplace_back(&uid, &executor);
  std::sort(sorted.begin(), sorted.end(),
            [](const auto& a, const auto& b) { return *a.first < *b.first; });
  std::vector<const Executor*> executors;
  executors.reserve(sorted.size());
  for (const auto& entry : sorted) executors.push_back(entry.second);
  return executors;
}

// A live executor has lived until its latest sample.
RunChange AddTo(RunRing& runs, const Executor& executor) {
  const auto lifetime = executor.created == base::Time{}
                            ? base::Duration{}
                            : std::max(executor.PeakTime() - executor.created, base::Duration{});
  return runs.Add(RunId(executor.application), executor.shape_id, executor.peak, lifetime);
}

// Forgets the oldest. Applications that still run are kept beyond `most`: their number is bounded
// by their pods.
void Trim(std::vector<ApplicationSummary>& ring, std::size_t most) {
  while (ring.size() > most) {
    const auto oldest = std::find_if(ring.begin(), ring.end() - 1, [](const auto& application) {
      return application.ended && application.alive == 0;
    });
    if (oldest == ring.end() - 1) return;
    ring.erase(oldest);
  }
}

}  // namespace

std::uint32_t RunId(std::string_view application) {
  const auto hash = base::Fnv1a(application);
  return static_cast<std::uint32_t>(hash ^ (hash >> 32U));
}

void Executor::AddReading(const ExecutorReading& reading) {
  if (!size.heap || reading.busy < kLongEnough || reading.collecting >= reading.busy) return;
  // Before a heartbeat told what is in use of the heap, all of the working set would be outside.
  if (reading.heap_peak.value == 0 && heap_use.heap.value == 0) return;
  heap_use.heap = *size.heap;
  heap_use.heap_peak = std::max(heap_use.heap_peak, reading.heap_peak);
  heap_use.unified_peak = std::max(heap_use.unified_peak, reading.unified_peak);
  heap_use.storage_peak = std::max(heap_use.storage_peak, reading.storage_peak);
  heap_use.unified_room = reading.unified_room;
  heap_use.outside = std::max(peak - heap_use.heap_peak, base::Bytes{});
  heap_use.collecting = std::chrono::duration<double>(reading.collecting) /
                        std::chrono::duration<double>(reading.busy - reading.collecting);
}

bool Executor::AddSample(base::Bytes working_set, base::Time timestamp) {
  peak = std::max(peak, working_set);
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
  if (samples == 0) return std::nullopt;
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

KeyHistory::KeyHistory(Key key, base::Duration half_life)
    : key_(std::move(key)), half_life_(half_life) {}

Executor& KeyHistory::Start(const std::string& uid, Executor executor, base::Time now) {
  auto* application = Find(executor.application);
  if (application == nullptr) application = &StartApplication(executor, now);
  application->ended = false;  // it goes on after a pause
  ++application->executors;
  ++application->alive;
  ++totals_.executors;
  const auto* shape = FindShape(application->shape_id);
  executor.shape_id = application->shape_id;
  executor.comparable = shape != nullptr && shape->shape == executor.shape;
  ++totals_.coverage[static_cast<std::size_t>(Coverage::kNone)];
  if (auto* current = FindShape(executor.shape_id); current != nullptr && executor.comparable) {
    current->submitted = executor.submitted;
    current->request = executor.request;
  }
  advice_.Start(executor.application, executor.target_at_start);
  const auto [entry, inserted] = executors_.emplace(uid, std::move(executor));
  assert(inserted);
  return entry->second;
}

ApplicationSummary& KeyHistory::StartApplication(const Executor& executor, base::Time now) {
  ApplicationSummary application;
  application.id = ApplicationId(executor.application);
  application.started = now;
  application.shape_id = UseShape(executor);
  ++totals_.applications;
  // Room for those that are kept, no doubling: thousands of keys rest in memory.
  Trim(ring_, kApplications - 1);
  if (ring_.size() < kApplications) ring_.reserve(kApplications);
  ring_.push_back(std::move(application));
  EndIdleApplications();
  TrimRing();
  return ring_.back();
}

std::uint32_t KeyHistory::UseShape(const Executor& executor) {
  const auto known = std::find_if(shapes_.begin(), shapes_.end(), [&](const ShapeHistory& entry) {
    return entry.shape == executor.shape;
  });
  if (known != shapes_.end()) {
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
  if (executor.ran) return;
  executor.ran = true;
  if (auto* shape = FindShape(executor.shape_id); shape != nullptr && executor.comparable) {
    shape->largest_limit = std::max(shape->largest_limit, executor.size.limit);
  }
  auto* application = Find(executor.application);
  if (application == nullptr || executor.size.limit.value == 0) return;
  application->smallest_limit = application->smallest_limit.value == 0
                                    ? executor.size.limit
                                    : std::min(application->smallest_limit, executor.size.limit);
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
  if (!first && executor.peak == peak_before) return;
  auto* application = Find(executor.application);
  NotePeak(executor, application);
  if (application == nullptr) return;
  if (first) ++application->sampled;
  CountIfDone(*application);
}

void KeyHistory::NotePeak(const Executor& executor, ApplicationSummary* application) {
  totals_.peak = std::max(totals_.peak, executor.peak);
  if (application != nullptr) application->peak = std::max(application->peak, executor.peak);
}

void KeyHistory::AddOom(Executor& executor, OomKind kind, base::Time at) {
  executor.oom = true;
  ++(kind == OomKind::kContainer ? totals_.container_ooms : totals_.heap_ooms);
  totals_.last_oom = std::max(totals_.last_oom.value_or(at), at);
  if (kind == OomKind::kContainer && executor.comparable) {
    executor.peak = std::max(executor.peak, executor.size.limit);
    // An overlay entry without a sample needs a time for its weight.
    executor.last_sample = std::max(executor.last_sample, at);
  }
  auto* application = Find(executor.application);
  NotePeak(executor, application);
  if (application != nullptr) ++application->ooms;
}

void KeyHistory::End(Executor& executor, base::Time at) {
  if (executor.ended) return;
  executor.ended = at;
  if (auto* application = Find(executor.application); application != nullptr) {
    --application->alive;
    application->idle_since = std::max(application->idle_since, at);
  }
  CountSavings(executor);
  EndIdleApplications();
}

void KeyHistory::CountSavings(const Executor& executor) {
  if (executor.target_at_start.value == 0 || executor.request.value == 0) return;
  const double saved = InGiB(executor.request - executor.target_at_start) * executor.HoursLived();
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
  if (shape != nullptr && executor.heap_use.heap.value > 0 && executor.comparable &&
      !executor.oom) {
    heap_runs_.Add(RunId(executor.application), executor.shape_id, executor.heap_use);
  }
  advice_.Seal(executor);
  const auto application = std::move(entry->second.application);
  executors_.erase(entry);
  JudgeIfOver(application);
  // A key at rest needs no table.
  if (executors_.empty()) executors_ = decltype(executors_)();
  return change;
}

void KeyHistory::EndApplication(std::string_view id) {
  auto* application = Find(id);
  if (application == nullptr || application->ended) return;
  application->ended = true;
  CountIfDone(*application);
  JudgeIfOver(id);
}

void KeyHistory::JudgeIfOver(std::string_view id) {
  // One that the ring forgot is over.
  const auto* application = FindApplication(id);
  if (application == nullptr || application->ended) advice_.Judge(id);
}

void KeyHistory::EndIdleApplications() {
  for (std::size_t i = 0; i + 1 < ring_.size(); ++i) {
    if (ring_[i].alive == 0) EndApplication(ring_[i].id.Text());
  }
}

// An application that ended with a sampled executor proves its shape and counts for the floor.
// Late samples may make it so after its end.
void KeyHistory::CountIfDone(ApplicationSummary& application) {
  if (!application.ended || application.sampled == 0 || application.counted) return;
  application.counted = true;
  if (auto* shape = FindShape(application.shape_id); shape != nullptr) shape->proven = true;
  if (!floor || application.ooms > 0 || application.started <= floor->at) return;
  ++floor->clean_any_size;
  if (application.smallest_limit >= floor->Total()) ++floor->clean;
}

void KeyHistory::TrimRing() { Trim(ring_, kApplications); }

ApplicationSummary* KeyHistory::Find(std::string_view id) {
  return const_cast<ApplicationSummary*>(std::as_const(*this).FindApplication(id));
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
  for (const auto* executor : InStableOrder(executors_)) {
    if (Counts(executor->shape_id) && executor->peak.value > 0) {
      peaks.Add(static_cast<double>(executor->peak.value), 1.0, executor->PeakTime());
    }
  }
  return peaks;
}

std::vector<Run> KeyHistory::Runs() const {
  auto runs = runs_;
  for (const auto* executor : InStableOrder(executors_)) {
    if (executor->peak.value > 0) AddTo(runs, *executor);
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

void KeyHistory::NoteReference(const std::string& application, base::Bytes target) {
  if (auto* found = Find(application); found != nullptr) found->reference = target;
}

void KeyHistory::NoteOomStep(const std::string& application) {
  if (auto* found = Find(application); found != nullptr) ++found->oom_steps;
}

KeyHistory::State KeyHistory::Save() const {
  return {totals_,    ring_,          shapes_, runs_.Runs(),
          executors_, next_shape_id_, advice_, heap_runs_.Runs()};
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
  for (const auto& run : state.heap_runs) {
    if (run.shape_id >= state.next_shape_id) return false;
  }
  auto heap_runs = heap_runs_;
  if (!heap_runs.Load(state.heap_runs) || !runs_.Load(state.runs)) return false;
  heap_runs_ = std::move(heap_runs);
  // What follows from the executors is not believed but counted.
  for (auto& application : state.applications) application.alive = 0;
  totals_ = state.totals;
  ring_ = std::move(state.applications);
  shapes_ = std::move(state.shapes);
  executors_ = std::move(state.executors);
  next_shape_id_ = state.next_shape_id;
  LoadAdvice(state.advice);
  for (const auto& [uid, executor] : executors_) {
    if (executor.ended) continue;
    if (auto* application = Find(executor.application); application != nullptr) {
      ++application->alive;
    }
  }
  return true;
}

// A checkpoint from before there was a book of advice has executors without a run in it.
void KeyHistory::LoadAdvice(const AdviceBook& saved) {
  advice_.Load(saved.Sums(), saved.Open());
  for (const auto* executor : InStableOrder(executors_)) {
    const auto* application = FindApplication(executor->application);
    advice_.Start(executor->application,
                  application != nullptr ? application->reference : executor->target_at_start);
  }
  for (const auto& run : saved.Open()) JudgeIfOver(run.application);
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
