// SPDX-License-Identifier: Apache-2.0
#include "run.h"

#include <algorithm>
#include <cassert>

#include "sparkfit/simulation/jvm_constants.h"

namespace sparkfit::simulation {
namespace {

constexpr std::int32_t kPending = -1;
constexpr std::int32_t kRunning = -2;
constexpr std::int32_t kNobody = -1;

double Sum(const Executor& executor, double TaskNeed::*part, bool ripe_only) {
  double sum = 0;
  for (const auto& attempt : executor.cores) {
    if (attempt && (attempt->ripe || !ripe_only)) sum += attempt->need.*part;
  }
  return sum;
}

}  // namespace

std::uint32_t Executor::Running() const {
  return static_cast<std::uint32_t>(std::count_if(
      cores.begin(), cores.end(), [](const auto& attempt) { return attempt.has_value(); }));
}

Run::Run(const Profile& profile, std::uint32_t number, double factor, Surroundings& surroundings)
    : profile_(profile), number_(number), factor_(factor), surroundings_(surroundings) {
  for (const auto& stage : profile.stages) {
    Progress progress;
    progress.done_on.assign(stage.tasks, kPending);
    progress.failures.assign(stage.tasks, 0);
    for (std::uint32_t task = stage.tasks; task > 0; --task) progress.pending.push_back(task - 1);
    stages_.push_back(std::move(progress));
    if (stage.caches) block_owner_.assign(stage.tasks, kNobody);
  }
}

RunResult Run::Play() {
  StartStage();
  if (surroundings_.SampleEvery()) Plan(kAskFirst, Kind::kAsk);
  while (!Over()) {
    assert(!events_.empty());  // a task runs, or an executor is to come
    const Event event = events_.top();
    events_.pop();
    now_ = event.at;
    Happen(event);
  }
  for (std::uint32_t i = 0; i < executors_.size(); ++i) {
    if (executors_[i].Alive()) Dismiss(i);
  }
  result_.seconds = now_;
  return result_;
}

std::uint64_t Run::TasksDone() const {
  std::uint64_t done = 0;
  for (const auto& stage : stages_) done += stage.done;
  return done;
}

bool Run::Over() const { return result_.Failed() || stage_ == stages_.size(); }

void Run::Plan(double at, Kind kind, std::uint32_t executor, std::uint32_t core,
               std::uint64_t token) {
  events_.push({at, planned_++, kind, executor, core, token});
}

void Run::Happen(const Event& event) {
  if (event.kind == Kind::kCreate) return Create();
  if (event.kind == Kind::kAsk) {
    surroundings_.Asked(now_, executors_);
    return Plan(now_ + std::clamp(now_ / 20, kAskLeast, *surroundings_.SampleEvery()), Kind::kAsk);
  }
  auto& executor = executors_[event.executor];
  if (!executor.Alive()) return;
  switch (event.kind) {
    case Kind::kRegister:
      executor.registered = true;
      return Dispatch();
    case Kind::kSample:
      surroundings_.Sampled(now_, executor);
      return Plan(now_ + *surroundings_.SampleEvery(), Kind::kSample, event.executor);
    case Kind::kRipe:
      if (executor.tokens[event.core] == event.token) Ripen(event.executor, event.core);
      return;
    case Kind::kDone:
      if (executor.tokens[event.core] == event.token) Finish(event.executor, event.core);
      return;
    case Kind::kIdle:
      if (Useless(event.executor, now_ - kIdleTimeout)) Dismiss(event.executor);
      return;
    case Kind::kCreate:
    case Kind::kAsk:
      return;
  }
}

void Run::StartStage() {
  next_batch_ = 1;
  Request();
  Dispatch();
}

// As many executors as the tasks can use; without dynamic allocation always all.
std::uint32_t Run::Wanted() const {
  if (!profile_.dynamic) return profile_.executors;
  const auto& stage = stages_[stage_];
  const auto open = static_cast<std::uint32_t>(stage.done_on.size()) - stage.done;
  return std::clamp((open + profile_.cores - 1) / profile_.cores, 1U, profile_.executors);
}

// Plans what is missing. Dynamic allocation asks for one, then for twice as many each second.
void Run::Request() {
  const auto wanted = Wanted();
  double at = now_ + (executors_.empty() ? kBatchEvery : kReplacedAfter);
  std::uint32_t in_batch = 0;
  while (alive_ + requested_ < wanted) {
    Plan(at, Kind::kCreate);
    ++requested_;
    const auto most = profile_.dynamic ? std::min(next_batch_, kBatch) : kBatch;
    if (++in_batch < most) continue;
    at += kBatchEvery;
    in_batch = 0;
    next_batch_ = 2 * most;
  }
}

void Run::Create() {
  --requested_;
  ++alive_;
  Executor executor;
  executor.id = static_cast<std::uint32_t>(executors_.size()) + 1;
  executor.size = InMiB(surroundings_.Admit(now_, executor.id));
  executor.temper = TemperOf(profile_, number_, executor.id);
  executor.created = now_;
  executor.idle_since = now_;
  executor.cores.resize(profile_.cores);
  executor.tokens.resize(profile_.cores);
  executor.touched = std::min(kStartHeap, executor.size.heap);
  executor.outside = executor.outside_peak = kJvmOutside;
  const auto place = static_cast<std::uint32_t>(executors_.size());
  executors_.push_back(std::move(executor));
  surroundings_.Created(now_, executors_.back());
  Plan(now_ + kRegisteredAfter, Kind::kRegister, place);
  if (const auto every = surroundings_.SampleEvery()) {
    Plan(now_ + *every * executors_.back().temper.phase, Kind::kSample, place);
  }
}

// Gives tasks to cores that are free, to each executor in turn from one drawn at random, as Spark
// spreads them out. How long they take is worked out when all have been given.
void Run::Dispatch() {
  const auto given = Given();
  for (const auto& [executor, core] : given) Begin(executor, core);
}

std::vector<Run::Place> Run::Given() {
  std::vector<Place> given;
  const auto n = static_cast<std::uint32_t>(executors_.size());
  const std::uint32_t first = n > 1 ? FirstOffer(profile_, number_, offers_++, n) : 0;
  for (std::uint32_t core = 0; core < profile_.cores; ++core) {
    for (std::uint32_t i = 0; i < n; ++i) {
      const std::uint32_t place = (first + i) % n;
      const auto& executor = executors_[place];
      if (!executor.Alive() || !executor.registered || executor.cores[core]) continue;
      if (!Assign(place, core)) return given;
      given.emplace_back(place, core);
    }
  }
  return given;
}

// A stage waits while lost outputs of the one before are made again.
std::optional<std::pair<std::uint32_t, std::uint32_t>> Run::NextTask() {
  const bool waits = stage_ > 0 && stages_[stage_ - 1].done < stages_[stage_ - 1].done_on.size();
  const std::uint32_t stage = waits ? stage_ - 1 : stage_;
  auto& pending = stages_[stage].pending;
  if (pending.empty()) return std::nullopt;
  const auto task = pending.back();
  pending.pop_back();
  return std::pair(stage, task);
}

bool Run::Assign(std::uint32_t executor, std::uint32_t core) {
  const auto next = NextTask();
  if (!next) return false;
  Attempt attempt;
  attempt.stage = next->first;
  attempt.task = next->second;
  attempt.need = NeedOf(profile_, number_, factor_, attempt.stage, attempt.task);
  attempt.misses_block = MissesBlock(attempt);
  stages_[attempt.stage].done_on[attempt.task] = kRunning;
  executors_[executor].cores[core] = attempt;
  executors_[executor].tokens[core] = ++planned_;
  return true;
}

bool Run::MissesBlock(const Attempt& attempt) const {
  return profile_.stages[attempt.stage].reads_cached && block_owner_[attempt.task] == kNobody;
}

// How long it takes beside what runs there now.
void Run::Begin(std::uint32_t executor, std::uint32_t core) {
  auto& place = executors_[executor];
  auto& attempt = *place.cores[core];
  const auto asked = AskedBy(place, false);
  const auto held = Hold(asked, place.size);
  const double wanted = asked.execution + Sum(place, &TaskNeed::off_heap, false);
  const double missing = wanted > 0 ? 1 - (held.execution + OffHeapOf(place, false)) / wanted : 0;
  const double sorts = attempt.need.execution + attempt.need.off_heap;
  attempt.spilled = missing * sorts;
  double work = attempt.need.seconds * place.temper.time;
  if (sorts > 0) work *= 1 + profile_.spill_slowdown * missing;
  if (attempt.misses_block) work *= 1 + kRecompute;
  const double retained = std::min(held.retained, kFullHeap * place.size.heap);
  attempt.collecting =
      work * CollectionsPerWork(CollectingOf(place, attempt), retained, place.size.heap);
  attempt.seconds = work + attempt.collecting;
  const auto token = place.tokens[core];
  Plan(now_ + attempt.need.ripe * attempt.seconds, Kind::kRipe, executor, core, token);
  Plan(now_ + attempt.seconds, Kind::kDone, executor, core, token);
}

Collecting Run::CollectingOf(const Executor& executor, const Attempt& attempt) const {
  Collecting collecting;
  collecting.healthy = std::max(kHealthy.least, profile_.healthy + executor.temper.healthy);
  collecting.allocation = profile_.allocation * profile_.cores;
  if (profile_.stages[attempt.stage].reads_cached) {
    collecting.cached = blocks_held_ / static_cast<double>(block_owner_.size());
  }
  return collecting;
}

// Off-heap memory never exceeds its cap.
double Run::OffHeapOf(const Executor& executor, bool ripe_only) const {
  return std::min(profile_.off_heap_cap, Sum(executor, &TaskNeed::off_heap, ripe_only));
}

Asked Run::AskedBy(const Executor& executor, bool ripe_only) const {
  Asked asked;
  asked.live = profile_.base + Sum(executor, &TaskNeed::live, ripe_only);
  asked.execution = Sum(executor, &TaskNeed::execution, ripe_only);
  asked.cached = executor.cached;
  const double native = Sum(executor, &TaskNeed::native, ripe_only);
  asked.outside =
      profile_.outside + std::max(executor.native, native) + OffHeapOf(executor, ripe_only);
  asked.allocated = executor.allocated;
  asked.young = profile_.young;
  return asked;
}

void Run::Ripen(std::uint32_t executor, std::uint32_t core) {
  auto& place = executors_[executor];
  auto& attempt = *place.cores[core];
  attempt.ripe = true;
  place.allocated += profile_.allocation * attempt.need.seconds;
  place.native = std::max(place.native, Sum(place, &TaskNeed::native, true));
  Settle(executor);
}

// What the executor holds from now on; false where that killed it.
bool Run::Settle(std::uint32_t executor) {
  auto& place = executors_[executor];
  const auto asked = AskedBy(place, true);
  const auto held = Hold(asked, place.size);
  const double block = profile_.cached * factor_;
  while (place.cached > held.cached + 1e-6 && !place.blocks.empty()) {
    block_owner_[place.blocks.front()] = kNobody;
    place.blocks.erase(place.blocks.begin());
    place.cached -= block;
    --blocks_held_;
  }
  place.touched = std::max(place.touched, held.touched);
  place.outside = asked.outside;
  place.outside_peak = std::max(place.outside_peak, asked.outside);
  place.off_heap_peak = std::max(place.off_heap_peak, OffHeapOf(place, true));
  place.unified_peak = std::max(place.unified_peak, held.execution + held.cached);
  place.storage_peak = std::max(place.storage_peak, held.cached);
  result_.used = std::max(result_.used, place.touched + place.outside);
  if (held.kills == OomKind::kHeap) {
    Lose(executor, OomKind::kHeap);
  } else if (ExceedsLimit(place.touched, place.outside, place.size)) {
    Lose(executor, OomKind::kContainer);
  }
  return place.Alive();
}

void Run::Finish(std::uint32_t executor, std::uint32_t core) {
  auto& place = executors_[executor];
  const Attempt attempt = *place.cores[core];
  place.cores[core].reset();
  ++place.tasks_done;
  place.busy += attempt.seconds;
  place.collecting += attempt.collecting;
  place.spilled += attempt.spilled;
  (attempt.stage == 0 ? place.input : place.shuffle_read) += kInputPerSecond * attempt.need.seconds;
  auto& stage = stages_[attempt.stage];
  stage.done_on[attempt.task] = static_cast<std::int32_t>(executor);
  ++stage.done;
  place.outside = AskedBy(place, true).outside;
  Store(executor, attempt);
  while (!Over() && stages_[stage_].done == stages_[stage_].done_on.size()) {
    if (++stage_ < stages_.size()) StartStage();
  }
  if (Over()) return;
  Dispatch();
  if (!place.Alive() || place.Running() > 0) return;
  place.idle_since = now_;
  if (profile_.dynamic) Plan(now_ + kIdleTimeout, Kind::kIdle, executor);
}

// Caches the task's block where there is room for it; blocks of one table do not displace each
// other.
void Run::Store(std::uint32_t executor, const Attempt& attempt) {
  const auto& stage = profile_.stages[attempt.stage];
  if (!stage.caches && !attempt.misses_block) return;
  if (block_owner_[attempt.task] != kNobody) return;
  auto& place = executors_[executor];
  const double block = profile_.cached * factor_;
  auto asked = AskedBy(place, true);
  asked.cached += block;
  if (Hold(asked, place.size).cached < asked.cached - 1e-6) return;
  block_owner_[attempt.task] = static_cast<std::int32_t>(executor);
  place.blocks.push_back(attempt.task);
  place.cached += block;
  ++blocks_held_;
  Settle(executor);
}

void Run::Lose(std::uint32_t executor, OomKind kind) {
  auto& place = executors_[executor];
  place.ending = kind == OomKind::kHeap ? Ending::kHeapOom : Ending::kContainerOom;
  ++(kind == OomKind::kHeap ? result_.heap_ooms : result_.container_ooms);
  for (auto& attempt : place.cores) {
    if (!attempt) continue;
    ++place.tasks_failed;
    LoseTask(*attempt);
    attempt.reset();
  }
  Dismiss(executor);
  if (stage_ > 0) LoseOutputs(executor, stage_ - 1);
  if (stage_ + 1 < stages_.size()) LoseOutputs(executor, stage_);
  const auto most = std::max(kLeastFailures, kFailuresPerExecutor * profile_.executors);
  if (result_.Lost() > most) Fail(Failure::kLosses);
  if (Over()) return;
  Request();
  Dispatch();
}

// Every task that an executor takes with it counts as failed, whoever's memory it was.
void Run::LoseTask(const Attempt& attempt) {
  auto& stage = stages_[attempt.stage];
  stage.done_on[attempt.task] = kPending;
  stage.pending.push_back(attempt.task);
  if (++stage.failures[attempt.task] >= kTaskAttempts) Fail(Failure::kTask);
}

// What its tasks of a stage left there has to be made again. That is a new attempt of the stage
// under way where it reads it, unless it waits for such already.
void Run::LoseOutputs(std::uint32_t executor, std::uint32_t stage) {
  auto& progress = stages_[stage];
  const bool complete = progress.done == progress.done_on.size();
  for (std::uint32_t task = 0; task < progress.done_on.size(); ++task) {
    if (progress.done_on[task] != static_cast<std::int32_t>(executor)) continue;
    progress.done_on[task] = kPending;
    progress.pending.push_back(task);
    --progress.done;
  }
  if (stage == stage_ || !complete || progress.done == progress.done_on.size()) return;
  if (++stages_[stage_].attempts > kStageAttempts) Fail(Failure::kStage);
}

void Run::Fail(Failure failure) {
  if (!result_.Failed()) result_.failure = failure;
}

void Run::LoseBlocks(Executor& executor) {
  for (const auto block : executor.blocks) block_owner_[block] = kNobody;
  blocks_held_ -= static_cast<std::uint32_t>(executor.blocks.size());
  executor.blocks.clear();
}

// Its life is over, by whatever end.
void Run::Dismiss(std::uint32_t executor) {
  auto& place = executors_[executor];
  if (place.Alive()) place.ending = Ending::kDismissed;
  place.ended = now_;
  --alive_;
  LoseBlocks(place);
  const double lived = now_ - place.created;
  result_.executor_seconds += lived;
  result_.heap_seconds += lived * place.size.heap;
  result_.outside_seconds += lived * place.size.outside;
  surroundings_.Ended(now_, place);
}

// Idle since then, and nobody needs what it has.
bool Run::Useless(std::uint32_t executor, double since) const {
  const auto& place = executors_[executor];
  if (place.Running() > 0 || place.idle_since > since || !place.blocks.empty()) return false;
  if (alive_ <= 1) return false;
  const auto has = [&](const Progress& stage) {
    return std::find(stage.done_on.begin(), stage.done_on.end(),
                     static_cast<std::int32_t>(executor)) != stage.done_on.end();
  };
  return !has(stages_[stage_]) && (stage_ == 0 || !has(stages_[stage_ - 1]));
}

}  // namespace sparkfit::simulation
