// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/controller/pipeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <deque>
#include <unordered_set>

#include "job.h"
#include "run_index.h"
#include "sparkfit/base/text.h"
#include "sparkfit/model/driver_book.h"
#include "sparkfit/model/node_memory.h"
#include "sparkfit/recommend/judgement.h"
#include "timers.h"
#include "tracked_pods.h"

namespace sparkfit::controller {
namespace {

using base::Bytes;
using base::Time;
using model::EventType;
using model::Key;
using model::KeyHistory;
using model::PodFacts;

// Repeated events of a pod that is gone (two logs of one cluster, a relist) are ignored this long.
constexpr base::Duration kRemembered = std::chrono::minutes(10);
// What a checkpoint told is not forgotten before: our clock may be wrong, and people set it right.
constexpr base::Duration kKeptAtLeast = std::chrono::hours(6);
// Nodes' clocks differ from ours; what is told of a later time than this is told of now.
constexpr base::Duration kMostAhead = std::chrono::minutes(1);
constexpr std::size_t kMostProblemsOfOne = 100;  // namespace
constexpr std::size_t kMostProblems = 1000;
constexpr std::size_t kLongestProblem = 500;
// Drivers of a namespace that are over and remembered for their executors: three a second.
constexpr std::size_t kMostFormerDrivers = 2000;
// To find a target takes a look at every executor of the key. Of a key with more than these it is
// found once a second however many of them start: what admission goes by is about as old.
constexpr std::size_t kManyExecutors = 64;
constexpr base::Duration kTargetFor = std::chrono::seconds(1);

bool IsTerminal(const PodFacts& pod) {
  return pod.phase == model::PodPhase::kSucceeded || pod.phase == model::PodPhase::kFailed;
}

bool HasRun(const PodFacts& pod) {
  return pod.phase == model::PodPhase::kRunning || pod.ended || pod.last_restart;
}

// A container's end is one event however often it is shown; without an ID its time tells.
std::string EndId(const model::Termination& termination) {
  if (!termination.container_id.empty()) return termination.container_id;
  return termination.finished_at ? base::FormatTime(*termination.finished_at) : "";
}

// False where that end was counted already. What was unclear may turn out to be an OOM, which then
// counts; never the other way round.
bool NoteEnd(TrackedPod& pod, const std::string& id, bool oom) {
  auto& counted = pod.counted_ends;
  const auto is_counted = [&](const std::string& what) {
    return std::find(counted.begin(), counted.end(), what) != counted.end();
  };
  const auto unclear = "?" + id;
  if (is_counted(id) || (!oom && is_counted(unclear))) return false;
  if (counted.size() >= model::PodRecord::kMostEnds) counted.erase(counted.begin());
  counted.push_back(oom ? id : unclear);
  return true;
}

model::Executor MakeExecutor(const PodFacts& pod) {
  model::Executor executor;
  executor.application = pod.ApplicationId();
  executor.shape = pod.GetShape();
  executor.size = pod.size;
  executor.submitted = pod.submitted;
  executor.request = pod.request;
  executor.trial = pod.trial;
  executor.created = pod.created;
  return executor;
}

// A container of it ended before its driver wanted it to. A driver deletes an executor that it does
// not need any more.
bool WasLost(const PodFacts& pod, const model::Executor& executor) {
  const auto failed = [&](const base::Rare<model::Termination>& end) {
    return end && model::ClassifyEnd(pod, *end, std::nullopt) != model::EndCause::kDone;
  };
  return executor.oom.has_value() || executor.lost || pod.disrupted || failed(pod.ended) ||
         failed(pod.last_restart);
}

// How the driver ended, as far as its pod shows it.
model::Outcome OutcomeOf(const PodFacts& driver) {
  switch (driver.phase) {
    case model::PodPhase::kSucceeded:
      return model::Outcome::kSucceeded;
    case model::PodPhase::kFailed:
      return model::Outcome::kFailed;
    case model::PodPhase::kUnknown:
    case model::PodPhase::kPending:
    case model::PodPhase::kRunning:
      return model::Outcome::kInterrupted;
  }
  return model::Outcome::kInterrupted;
}

// When the latest executor of a key was there.
Time LastSeen(const KeyHistory& history, Time now) {
  if (history.Applications().empty()) return now;
  Time latest{};
  for (const auto& application : history.Applications()) {
    latest = std::max(latest, application.alive > 0 ? now : application.idle_since);
  }
  return latest;
}

// What may change on a running pod; the rest is as it was when first seen. Nearly always that makes
// what others know of it, too.
void Update(base::Shared<PodFacts>& known, const base::Shared<PodFacts>& seen) {
  auto now = *known;
  now.phase = seen->phase;
  now.deleted = seen->deleted;
  now.disrupted = seen->disrupted;
  now.size = seen->size;
  now.node = seen->node;
  now.address = seen->address;
  if (seen->ended) now.ended = seen->ended;
  if (seen->last_restart) now.last_restart = seen->last_restart;
  known = now == *seen ? seen : base::Shared(std::move(now));
}

// Where a key's latest executor may run.
void TakePlacement(const TrackedPod& pod, Entry& entry) {
  const auto& placement = pod.facts->placement;
  if (!entry.placement || !(*entry.placement == placement)) entry.placement = placement;
}

}  // namespace

std::string DescribeProblems(const std::vector<std::string>& problems) {
  constexpr std::size_t kLongest = 1000;
  auto text = fmt::format("Left out: {}", fmt::join(problems, "; "));
  if (text.size() > kLongest) text = std::string(base::Beginning(text, kLongest)) + "…";
  return text + (text.ends_with('?') ? "" : ".");
}

struct Pipeline::State {
  State(const PipelineOptions& given, Listener* told) : options(given), listener(told) {}

  PipelineOptions options;
  Listener* listener;
  base::VirtualClock clock;
  TrackedPods pods;
  std::map<Key, std::unique_ptr<Entry>> entries;
  std::map<Key, KeyObjects> objects;
  std::map<std::pair<std::string, std::string>, Key> object_keys;  // by namespace and name
  model::DriverBook drivers;
  std::map<std::string, std::deque<std::string>> former_drivers;  // UIDs, by namespace
  std::map<std::string, std::unordered_set<std::string>> gone;    // likewise
  model::NodeMemory nodes;
  Timers timers;
  Unused unused;
  std::set<std::string> problems;
  std::map<std::string, std::size_t> problems_of;  // by namespace
  std::map<FamilyKey, model::FamilyRuns> families;
  RunIndex open_runs;
  std::uint64_t targets_found = 0;
  std::vector<Key> changed;
  std::vector<Key> expired;
  std::map<std::string, std::size_t> keys_in;  // by namespace
  std::map<std::string, std::uint64_t> refused;

  [[nodiscard]] Time Now() const { return clock.Wall(); }
  // When that was, as a node's clock has it: one that is a year ahead would make all that was
  // learnt look a year old, and an executor not end before.
  [[nodiscard]] Time Believed(Time told) const { return told > Now() + kMostAhead ? Now() : told; }
  void AdvanceTo(Time now);
  void Fire(const Timer& timer);

  void On(const model::PodEvent& event);
  void On(const model::UsageSample& sample);
  void On(const model::DriverReading& reading);
  void On(const model::RecommendationEvent& event);
  void On(const model::NodeEvent& event);
  void On(const model::RestoreEvent& event);

  void OnExecutor(const model::PodEvent& event);
  void OnDriver(EventType event, const PodFacts& facts);
  TrackedPod& Track(const base::Shared<PodFacts>& seen);
  void Attach(TrackedPod& pod);
  void Start(TrackedPod& pod, Entry& entry);
  const Target& TargetInForce(Entry& entry);
  Entry& EntryFor(const Key& key, const model::JobRequest& job);
  void Refresh(Entry& entry);
  void LearnState(TrackedPod& pod);
  void LearnSample(TrackedPod& pod, Bytes working_set, Time timestamp);
  void LearnEnds(TrackedPod& pod);
  void EndPod(TrackedPod& pod, Time at);
  void EndExecutor(TrackedPod& pod);
  void SealPod(TrackedPod& pod);
  void Seal(Entry& entry, const std::string& uid);
  void JoinFamily(Entry& entry);
  void LeaveFamily(Entry& entry);
  void EndApplications(const std::string& name_space, const std::string& application,
                       model::Outcome outcome);
  void Purge(const Key& key);
  void Expire(const Key& key);
  [[nodiscard]] Time ForgottenAt(const Entry& entry) const;
  [[nodiscard]] bool HasRoomFor(const Key& key) const;
  bool Refuses(TrackedPod& pod, const Key& key);
  void ForgetDriver(const std::string& name_space, const std::string& uid);
  Entry& Keep(std::unique_ptr<Entry> entry);
  // Its history changed.
  void Mark(Entry& entry);
  void Forget(const std::string& uid, const Key& key);
  [[nodiscard]] bool IsGone(const std::string& name_space, const std::string& uid) const;
  void ForgetGone(const std::string& name_space, const std::string& uid);
  void RestorePod(Entry& entry, const model::PodRecord& record);
  void SealOrphans(Entry& entry);
  // `where` is a kind of thing, its namespace and its name.
  void Note(const char* kind, const std::string& name_space, const std::string& name,
            const std::vector<std::string>& what);

  [[nodiscard]] recommend::Context ContextOf(const Entry& entry) const;
  [[nodiscard]] KeyRecommendation Recommend(const Entry& entry) const;
};

void Pipeline::State::AdvanceTo(Time now) {
  while (const auto timer = timers.PopDue(now)) {
    clock.AdvanceTo(timer->due);
    Fire(*timer);
  }
  clock.AdvanceTo(now);
}

void Pipeline::State::Fire(const Timer& timer) {
  switch (timer.kind) {
    case TimerKind::kSeal:
      if (auto* pod = pods.Find(timer.key.name_space, timer.id); pod != nullptr) SealPod(*pod);
      return;
    case TimerKind::kApplicationIdle: {
      const auto entry = entries.find(timer.key);
      if (entry == entries.end()) return;
      const auto* application = entry->second->history.FindApplication(timer.id);
      if (application == nullptr || application->executors != timer.executors) return;
      if (application->alive > 0) return;
      entry->second->history.EndApplication(timer.id);
      Mark(*entry->second);
      return;
    }
    case TimerKind::kForgetPod:
      ForgetGone(timer.key.name_space, timer.id);
      if (const auto entry = entries.find(timer.key); entry != entries.end()) {
        entry->second->gone.erase(timer.id);
      }
      return;
    case TimerKind::kForgetDriver:
      ForgetDriver(timer.key.name_space, timer.id);
      return;
    case TimerKind::kRetention:
      Expire(timer.key);
      return;
  }
}

void Pipeline::State::On(const model::PodEvent& event) {
  switch (event.pod->role) {
    case model::PodRole::kExecutor:
      OnExecutor(event);
      return;
    case model::PodRole::kDriver:
      OnDriver(event.event, event.pod);
      return;
    case model::PodRole::kOther:
      return;
  }
}

void Pipeline::State::OnExecutor(const model::PodEvent& event) {
  const auto& facts = *event.pod;
  if (IsGone(facts.name_space, facts.uid)) return;
  auto* known = pods.Find(facts.name_space, facts.uid);
  auto& pod = known != nullptr ? *known : Track(event.pod);
  if (known == nullptr) {
    pod.unwatched = event.unwatched && facts.HasEnded();
  } else if (pod.restored && event.event != EventType::kDeleted && facts.name == pod.facts->name) {
    pods.Complete(pod, event.pod);
    if (pod.entry != nullptr) TakePlacement(pod, *pod.entry);
  } else {
    Update(pod.facts, event.pod);
  }
  if (pod.entry == nullptr && !pod.ignored && !pod.sealed) Attach(pod);
  if (pod.executor != nullptr) LearnState(pod);
  const bool deleted = event.event == EventType::kDeleted;
  if (deleted) pod.gone = true;
  if (deleted || pod.facts->HasEnded()) {
    const auto& termination = pod.facts->ended;
    EndPod(pod, Believed(termination ? termination->finished_at.value_or(Now()) : Now()));
  }
  if (pod.gone && pod.sealed) SealPod(pod);
}

TrackedPod& Pipeline::State::Track(const base::Shared<PodFacts>& seen) {
  const auto& facts = *seen;
  // A pod's name is free again only when its predecessor is gone, whether that was seen or not.
  while (auto* predecessor = pods.LiveNamesake(facts)) {
    predecessor->gone = true;
    EndPod(*predecessor, facts.created);
  }
  auto& pod = pods.Add(seen);
  pod.waiting = std::make_unique<model::Executor>(MakeExecutor(facts));
  ++unused.executors_unsigned;
  if (!facts.problems.empty()) {
    ++unused.pods_with_problems;
    Note("pod", facts.name_space, facts.name, facts.problems);
  }
  return pod;
}

void Pipeline::State::Attach(TrackedPod& pod) {
  const auto* driver = drivers.Of(pod.facts);
  std::vector<std::string> unfit;
  const auto signature = model::FindSignature(pod.facts->settings, driver, unfit);
  Note("pod", pod.facts->name_space, pod.facts->name, unfit);
  if (!signature) return;
  const Key key{pod.facts->name_space, *signature, pod.facts->profile};
  if (Refuses(pod, key)) return;
  const auto job = model::Understand(pod.facts->settings, driver);
  --unused.executors_unsigned;
  if (pod.unwatched) {
    const auto known = entries.find(key);
    pod.ignored = known == entries.end() || !known->second->restored;
    if (pod.ignored) return;
  }
  Start(pod, EntryFor(key, job));
}

// Who has few finds room always, and whoever comes later finds some, too.
bool Pipeline::State::HasRoomFor(const Key& key) const {
  const auto keys = keys_in.find(key.name_space);
  const auto own = keys == keys_in.end() ? 0 : keys->second;
  return own < options.max_keys_per_namespace && own + entries.size() < options.max_keys;
}

// A new key in a namespace that has as many as it may have. The executor is looked at again with
// its next event: a key may have been freed.
bool Pipeline::State::Refuses(TrackedPod& pod, const Key& key) {
  if (entries.contains(key) || HasRoomFor(key)) return false;
  if (!std::exchange(pod.refused, true)) ++refused[key.name_space];
  return true;
}

Entry& Pipeline::State::EntryFor(const Key& key, const model::JobRequest& job) {
  if (const auto known = entries.find(key); known != entries.end()) {
    known->second->job = job;
    Refresh(*known->second);
    return *known->second;
  }
  const auto object = objects.find(key);
  const auto* winner = object == objects.end() ? nullptr : object->second.Winner();
  auto entry = std::make_unique<Entry>(key, Resolve(job, winner, options.policy));
  entry->job = job;
  auto& kept = Keep(std::move(entry));
  Refresh(kept);
  return kept;
}

Time Pipeline::State::ForgottenAt(const Entry& entry) const {
  return std::max(LastSeen(entry.history, Now()) + options.retention, entry.kept_until);
}

// REQUIRES: no entry of that key.
Entry& Pipeline::State::Keep(std::unique_ptr<Entry> entry) {
  const Key key = entry->history.GetKey();
  ++keys_in[key.name_space];
  entry->retention =
      timers.Set({.due = ForgottenAt(*entry), .kind = TimerKind::kRetention, .id = {}, .key = key});
  return *(entries[key] = std::move(entry));
}

// Works out the settings in force anew.
void Pipeline::State::Refresh(Entry& entry) {
  const auto& key = entry.history.GetKey();
  const auto object = objects.find(key);
  auto effective = Resolve(entry.job, object == objects.end() ? nullptr : object->second.Winner(),
                           options.policy);
  if (effective != entry.effective) {
    entry.effective = std::move(effective);
    entry.target.found.reset();
    Mark(entry);
  }
  entry.history.SetHalfLife(entry.effective.policy.half_life);
  JoinFamily(entry);
  Note("job", key.name_space, key.signature, entry.effective.problems);
}

void Pipeline::State::Start(TrackedPod& pod, Entry& entry) {
  auto& history = entry.history;
  auto executor = MakeExecutor(pod.facts);
  const auto* known = history.FindApplication(executor.application);
  const bool first = known == nullptr;
  const bool begins = first || known->ended;
  TakePlacement(pod, entry);
  const auto& target = TargetInForce(entry);
  executor.advised = target.size;
  executor.target_request_at_start = target.request;
  pod.entry = &entry;
  entry.pods.insert(&pod);
  Mark(entry);
  pod.executor = &history.Start(pod.facts->uid, executor, Now());
  recommend::LearnRuns(history, entry.effective.policy);  // it ended those that were idle
  if (first && pod.executor->run != 0) history.NoteReference(executor.advised.limit);
  if (begins && pod.executor->run != 0) open_runs.Add(entry, executor.application);
  JoinFamily(entry);
  if (listener != nullptr) listener->Started(history, *pod.executor, Now());
  LearnState(pod);
  // The samples that waited for the signature: all that is kept of them is the highest.
  const auto waiting = std::move(pod.waiting);
  assert(waiting != nullptr);  // from Track until here
  for (std::size_t i = 0; i < waiting->samples; ++i) {
    LearnSample(pod, waiting->peak, waiting->seen[i]);
  }
  if (waiting->samples > 0) LearnSample(pod, waiting->peak, waiting->last_sample);
  if (pod.ended) EndExecutor(pod);
}

const Target& Pipeline::State::TargetInForce(Entry& entry) {
  auto& target = entry.target;
  const bool many = entry.history.Executors().size() > kManyExecutors;
  if (many && target.found && Now() - *target.found < kTargetFor) return target;
  ++targets_found;
  const auto recommended = recommend::Recommend(entry.history, ContextOf(entry));
  target = {.size = {.limit = recommended.target.value_or(Bytes{}), .heap = {}},
            .request = recommended.target_request.value_or(Bytes{}),
            .found = Now()};
  if (recommended.split) target.size.heap = recommended.split->heap;
  return target;
}

// Takes what the pod shows now into account: a resize, that it ran, how it died.
void Pipeline::State::LearnState(TrackedPod& pod) {
  assert(pod.entry != nullptr && pod.executor != nullptr);
  auto& history = pod.entry->history;
  history.Resize(*pod.executor, pod.facts->size, Now());
  if (HasRun(pod.facts)) history.Ran(*pod.executor);
  LearnEnds(pod);
}

void Pipeline::State::LearnSample(TrackedPod& pod, Bytes working_set, Time timestamp) {
  auto& history = pod.entry->history;
  history.AddSample(*pod.executor, working_set, timestamp);
  history.Ran(*pod.executor);
  if (listener != nullptr) listener->Sampled(history, *pod.executor, working_set, timestamp);
}

void Pipeline::State::LearnEnds(TrackedPod& pod) {
  // Samples that waited for the signature are not with the executor yet.
  const auto& sampled = pod.waiting != nullptr ? *pod.waiting : *pod.executor;
  for (const auto* termination : {&pod.facts->last_restart, &pod.facts->ended}) {
    if (!*termination) continue;
    const Time died = Believed((*termination)->finished_at.value_or(Now()));
    const auto cause = model::ClassifyEnd(pod.facts, **termination, sampled.LastUseBefore(died));
    const auto kind = model::OomOf(cause);
    // Only the latest of a container that is started again and again is shown when the pod ends.
    if (termination == &pod.facts->last_restart && cause != model::EndCause::kDone) {
      pod.executor->lost = true;
    }
    if (!kind && cause != model::EndCause::kUnknown) continue;
    if (!NoteEnd(pod, EndId(**termination), kind.has_value())) continue;
    Mark(*pod.entry);
    if (!kind) {
      pod.entry->history.AddUnknownEnd();
      continue;
    }
    recommend::LearnOom(pod.entry->history, *pod.executor, *kind, died, pod.entry->effective.policy,
                        options.safety);
    pod.entry->target.found.reset();
    if (listener != nullptr) listener->Killed(pod.entry->history, *pod.executor, *kind, died);
  }
}

void Pipeline::State::EndPod(TrackedPod& pod, Time at) {
  if (pod.ended) return;
  pod.ended = at;
  timers.Set({.due = at + options.late_samples,
              .kind = TimerKind::kSeal,
              .id = pod.facts->uid,
              .key = {pod.facts->name_space, "", 0}});
  if (pod.executor != nullptr) EndExecutor(pod);
}

void Pipeline::State::EndExecutor(TrackedPod& pod) {
  auto& history = pod.entry->history;
  history.End(*pod.executor, *pod.ended, WasLost(pod.facts, *pod.executor));
  Mark(*pod.entry);
  const auto* application = history.FindApplication(pod.executor->application);
  if (application == nullptr || application->alive > 0) return;
  timers.Set({.due = *pod.ended + options.application_idle,
              .kind = TimerKind::kApplicationIdle,
              .id = pod.executor->application,
              .key = history.GetKey(),
              .executors = application->executors});
}

// Late samples are over. The pod is remembered for as long as it exists, and a little longer, so
// that it is never taken for a new one.
void Pipeline::State::SealPod(TrackedPod& pod) {
  if (pod.executor != nullptr) {
    Seal(*pod.entry, pod.facts->uid);
    Mark(*pod.entry);
  }
  pod.executor = nullptr;
  pod.waiting.reset();
  pod.sealed = true;
  if (!pod.gone) return;
  Key key{pod.facts->name_space, "", 0};
  if (pod.entry != nullptr) {
    key = pod.entry->history.GetKey();
    pod.entry->pods.erase(&pod);
    pod.entry->gone.insert(pod.facts->uid);
  }
  Forget(pod.facts->uid, key);
  pods.Remove(pod);
}

void Pipeline::State::Seal(Entry& entry, const std::string& uid) {
  const auto* executor = entry.history.FindExecutor(uid);
  if (listener != nullptr && executor != nullptr) listener->Sealed(entry.history, *executor);
  const auto change = entry.history.Seal(uid);
  recommend::LearnRuns(entry.history, entry.effective.policy);
  if (change && entry.family) families[*entry.family].Apply(*change, entry.family_shape);
  JoinFamily(entry);
}

// Makes it a member of the family that it belongs to by now, if it has a run to contribute.
void Pipeline::State::JoinFamily(Entry& entry) {
  const auto* shape = entry.history.CurrentShape();
  const auto runs = entry.history.EndedRuns().Runs();
  std::optional<FamilyKey> wanted;
  if (entry.job.family && shape != nullptr &&
      std::any_of(runs.begin(), runs.end(),
                  [&](const model::Run& run) { return run.shape_id == shape->id; })) {
    const auto& key = entry.history.GetKey();
    wanted = FamilyKey{key.name_space, *entry.job.family, key.profile, shape->shape.cores,
                       shape->shape.overhead};
  }
  if (wanted == entry.family) return;
  LeaveFamily(entry);
  entry.family = std::move(wanted);
  if (!entry.family) return;
  entry.family_shape = shape->id;
  families[*entry.family].Join(runs, entry.family_shape);
}

void Pipeline::State::LeaveFamily(Entry& entry) {
  if (!entry.family) return;
  const auto family = families.find(*entry.family);
  family->second.Leave(entry.history.EndedRuns().Runs(), entry.family_shape);
  if (family->second.Members() == 0) families.erase(family);
  entry.family.reset();
}

bool Pipeline::State::IsGone(const std::string& name_space, const std::string& uid) const {
  const auto uids = gone.find(name_space);
  return uids != gone.end() && uids->second.contains(uid);
}

void Pipeline::State::ForgetGone(const std::string& name_space, const std::string& uid) {
  const auto uids = gone.find(name_space);
  if (uids == gone.end()) return;
  uids->second.erase(uid);
  if (uids->second.empty()) gone.erase(uids);
}

// Events of the pod are ignored from now on, for as long as they may be repeated.
void Pipeline::State::Forget(const std::string& uid, const Key& key) {
  gone[key.name_space].insert(uid);
  timers.Set({.due = Now() + kRemembered, .kind = TimerKind::kForgetPod, .id = uid, .key = key});
}

void Pipeline::State::OnDriver(EventType event, const PodFacts& facts) {
  const bool over = event == EventType::kDeleted || IsTerminal(facts);
  if (drivers.Put(facts, over)) {
    // Of several drivers with one selector none is believed.
    for (auto* pod : pods.MaybeOf(facts, !drivers.IsShared(facts))) {
      // Without a driver nothing is known of it that was not known before.
      const bool waits = pod->entry == nullptr && !pod->ignored && !pod->sealed;
      if (waits && drivers.Of(pod->facts) != nullptr) Attach(*pod);
    }
  }
  if (!over) return;
  const auto outcome = OutcomeOf(facts);
  EndApplications(facts.name_space, facts.uid, outcome);
  // Whose success it is nobody knows where another driver goes by the same name.
  const bool unclear = outcome == model::Outcome::kSucceeded && drivers.IsShared(facts);
  EndApplications(facts.name_space, facts.app_selector,
                  unclear ? model::Outcome::kInterrupted : outcome);
  auto& former = former_drivers[facts.name_space];
  if (std::find(former.begin(), former.end(), facts.uid) != former.end()) return;
  former.push_back(facts.uid);
  timers.Set({.due = Now() + kRemembered,
              .kind = TimerKind::kForgetDriver,
              .id = facts.uid,
              .key = {facts.name_space, "", 0}});
  if (former.size() > kMostFormerDrivers) {
    ForgetDriver(facts.name_space, std::string(former.front()));
  }
}

void Pipeline::State::ForgetDriver(const std::string& name_space, const std::string& uid) {
  drivers.Remove(uid);
  const auto former = former_drivers.find(name_space);
  if (former == former_drivers.end()) return;
  std::erase(former->second, uid);
  if (former->second.empty()) former_drivers.erase(former);
}

void Pipeline::State::EndApplications(const std::string& name_space, const std::string& application,
                                      model::Outcome outcome) {
  for (auto* entry : open_runs.Take(name_space, application)) {
    if (entry->history.FindApplication(application) == nullptr) continue;
    entry->history.EndApplication(application, outcome);
    Mark(*entry);
  }
}

void Pipeline::State::On(const model::UsageSample& sample) {
  const auto taken = Believed(sample.timestamp);
  auto* pod = pods.RunningAt(sample.name_space, sample.pod, taken);
  if (pod == nullptr || pod->sealed) {
    ++unused.usage_unknown_pod;
    return;
  }
  if (pod->ignored) return;
  const auto& containers = sample.containers;
  const auto usage = std::find_if(containers.begin(), containers.end(), [&](const auto& entry) {
    return pod->facts->container && entry.container == *pod->facts->container;
  });
  if (usage == containers.end()) {
    ++unused.usage_no_container;
  } else if (usage->working_set.value == 0) {
    ++unused.usage_zero;
  } else if (pod->executor != nullptr) {
    LearnSample(*pod, usage->working_set, taken);
    Mark(*pod->entry);
  } else if (pod->waiting != nullptr) {
    pod->waiting->AddSample(usage->working_set, taken);
  }
}

void Pipeline::State::On(const model::DriverReading& reading) {
  for (const auto& executor : reading.executors) {
    auto* pod = pods.OfApplication(reading.name_space, reading.application, executor.id);
    if (pod == nullptr || pod->executor == nullptr) continue;
    pod->entry->history.AddReading(*pod->executor, executor, Now());
    Mark(*pod->entry);
  }
}

void Pipeline::State::On(const model::RecommendationEvent& event) {
  const auto& object = event.object;
  const auto key = object.GetKey();
  const auto name = std::make_pair(object.name_space, object.name);
  if (const auto before = object_keys.find(name);
      before != object_keys.end() && before->second != key) {
    auto& others = objects[before->second];
    others.Remove(object.name);
    if (others.Empty()) objects.erase(before->second);
    object_keys.erase(before);
  }
  if (event.event == EventType::kDeleted) {
    auto& others = objects[key];
    const bool purge = others.Remove(object.name);
    if (others.Empty()) objects.erase(key);
    object_keys.erase(name);
    if (purge) Purge(key);
  } else {
    objects[key].Put(object);
    object_keys[name] = key;
  }
  if (const auto entry = entries.find(key); entry != entries.end()) {
    Refresh(*entry->second);
  } else {
    Note("recommendation", name.first, name.second, object.problems);
  }
}

void Pipeline::State::Purge(const Key& key) {
  const auto entry = entries.find(key);
  if (entry == entries.end()) return;
  for (auto* pod : entry->second->pods) {
    pod->entry = nullptr;
    pod->executor = nullptr;
    pod->ignored = true;
  }
  Mark(*entry->second);
  LeaveFamily(*entry->second);
  open_runs.Remove(*entry->second);
  if (listener != nullptr) listener->Forgotten(entry->second->history);
  timers.Cancel(entry->second->retention);
  entries.erase(entry);
  if (--keys_in[key.name_space] == 0) keys_in.erase(key.name_space);
}

void Pipeline::State::Expire(const Key& key) {
  const auto entry = entries.find(key);
  if (entry == entries.end()) return;
  const auto due = ForgottenAt(*entry->second);
  if (due > Now()) {
    entry->second->retention =
        timers.Set({.due = due, .kind = TimerKind::kRetention, .id = {}, .key = key});
    return;
  }
  Purge(key);
  expired.push_back(key);
}

void Pipeline::State::On(const model::NodeEvent& event) { nodes.Observe(event, Now()); }

// A checkpoint that contradicts itself is reported and left alone, as is one of a known key.
void Pipeline::State::On(const model::RestoreEvent& event) {
  const auto& checkpoint = *event.checkpoint;
  const auto& key = checkpoint.key;
  const auto refuse = [&](const std::string& why) {
    Note("checkpoint", key.name_space, key.signature, {why});
  };
  if (entries.contains(key)) return refuse("the key is known already");
  // What was there before is there again, whatever came first then: no share counts.
  const auto keys = keys_in.find(key.name_space);
  const auto own = keys == keys_in.end() ? 0 : keys->second;
  if (own >= options.max_keys_per_namespace || entries.size() >= options.max_keys) {
    return refuse("there are as many keys as there may be");
  }
  Effective settings;
  settings.policy.half_life = checkpoint.half_life;
  auto entry = std::make_unique<Entry>(key, settings);
  if (!entry->history.Load(checkpoint.history)) return refuse("it contradicts itself");
  entry->job = checkpoint.job;
  model::Cut(entry->job);
  entry->restored = true;
  entry->kept_until = Now() + kKeptAtLeast;
  for (const auto& record : checkpoint.pods) RestorePod(*entry, record);
  SealOrphans(*entry);
  auto& kept = Keep(std::move(entry));
  Refresh(kept);
  Mark(kept);
  open_runs.AddAll(kept);
  for (const auto& application : kept.history.Applications()) {
    if (application.ended || application.alive > 0) continue;
    timers.Set({.due = Believed(application.idle_since) + options.application_idle,
                .kind = TimerKind::kApplicationIdle,
                .id = application.id.Text(),
                .key = key,
                .executors = application.executors});
  }
}

void Pipeline::State::Note(const char* kind, const std::string& name_space, const std::string& name,
                           const std::vector<std::string>& what) {
  for (const auto& problem : what) {
    if (problems.size() >= kMostProblems) return;
    auto& of_one = problems_of[name_space];
    if (of_one >= kMostProblemsOfOne) return;
    auto text = fmt::format("{} {}/{}: {}", kind, name_space, name, problem);
    base::Cut(text, kLongestProblem);
    if (problems.insert(std::move(text)).second) ++of_one;
  }
}

recommend::Context Pipeline::State::ContextOf(const Entry& entry) const {
  const auto* placement = entry.placement ? &**entry.placement : nullptr;
  return {.policy = entry.effective.policy,
          .safety = options.safety,
          .bounds = entry.effective.bounds,
          .largest_node = nodes.LargestFor(placement, Now()),
          .family = entry.family ? &families.at(*entry.family) : nullptr,
          .explore = entry.effective.explore};
}

KeyRecommendation Pipeline::State::Recommend(const Entry& entry) const {
  const auto context = ContextOf(entry);
  auto recommendation = recommend::Recommend(entry.history, context);
  auto explanation = recommend::Explain(recommendation, entry.history, context);
  const auto& left_out = entry.effective.problems;
  if (!left_out.empty()) explanation += fmt::format(" {}", DescribeProblems(left_out));
  return {.history = &entry.history,
          .recommendation = std::move(recommendation),
          .mode = entry.effective.mode,
          .policy = entry.effective.policy,
          .bounds = entry.effective.bounds,
          .explore = entry.effective.explore,
          .wants_cpu = entry.job.wants_cpu,
          .low_confidence = recommend::LowConfidence(entry.history),
          .problems = left_out,
          .explanation = std::move(explanation)};
}

void Pipeline::State::Mark(Entry& entry) {
  recommend::LearnRuns(entry.history, entry.effective.policy);
  if (std::exchange(entry.changed, true)) return;
  changed.push_back(entry.history.GetKey());
}

void Pipeline::State::RestorePod(Entry& entry, const model::PodRecord& record) {
  const auto& key = entry.history.GetKey();
  if (pods.Find(key.name_space, record.uid) != nullptr) return;
  if (IsGone(key.name_space, record.uid)) return;
  if (record.gone && record.sealed) {
    entry.gone.insert(record.uid);
    Forget(record.uid, key);
    return;
  }
  PodFacts facts;
  facts.name_space = key.name_space;
  facts.name = record.name;
  facts.uid = record.uid;
  facts.created = record.created;
  facts.profile = key.profile;
  facts.role = model::PodRole::kExecutor;
  auto& pod = pods.Add(facts);
  pod.entry = &entry;
  entry.pods.insert(&pod);
  pod.restored = true;
  pod.counted_ends = record.counted_ends;
  if (record.ended) pod.ended = Believed(*record.ended);
  pod.gone = record.gone;
  pod.executor = entry.history.FindExecutor(record.uid);
  pod.sealed = pod.executor == nullptr;
  if (pod.executor == nullptr) return;
  pod.facts.Edit().size = pod.executor->size;
  if (!pod.ended) return;
  timers.Set({.due = *pod.ended + options.late_samples,
              .kind = TimerKind::kSeal,
              .id = record.uid,
              .key = key});
}

// Executors without a pod cannot go on; a checkpoint that we wrote has none.
void Pipeline::State::SealOrphans(Entry& entry) {
  std::vector<std::string> orphans;
  for (const auto& [uid, executor] : entry.history.Executors()) {
    const auto* pod = pods.Find(entry.history.GetKey().name_space, uid);
    if (pod == nullptr || pod->entry != &entry) orphans.push_back(uid);
  }
  std::sort(orphans.begin(), orphans.end());
  for (const auto& uid : orphans) {
    entry.history.End(*entry.history.FindExecutor(uid), Now());
    Seal(entry, uid);
  }
}

Pipeline::Pipeline(const PipelineOptions& options, Listener* listener)
    : state_(std::make_unique<State>(options, listener)) {}
Pipeline::~Pipeline() = default;
Pipeline::Pipeline(Pipeline&&) noexcept = default;
Pipeline& Pipeline::operator=(Pipeline&&) noexcept = default;

void Pipeline::Observe(const model::Observation& observation) {
  if (observation.t < state_->Now()) ++state_->unused.out_of_order;
  state_->AdvanceTo(observation.t);
  std::visit([&](const auto& what) { state_->On(what); }, observation.what);
}

void Pipeline::AdvanceTo(Time now) { state_->AdvanceTo(now); }

std::vector<KeyRecommendation> Pipeline::Recommend() const {
  std::vector<KeyRecommendation> all;
  all.reserve(state_->entries.size());
  for (const auto& [key, entry] : state_->entries) all.push_back(state_->Recommend(*entry));
  return all;
}

std::optional<KeyRecommendation> Pipeline::Recommend(const Key& key) const {
  const auto entry = state_->entries.find(key);
  if (entry == state_->entries.end()) return std::nullopt;
  return state_->Recommend(*entry->second);
}

std::vector<Key> Pipeline::TakeChanged() {
  auto changed = std::exchange(state_->changed, {});
  for (const auto& key : changed) {
    const auto entry = state_->entries.find(key);
    if (entry != state_->entries.end()) entry->second->changed = false;
  }
  return changed;
}

std::vector<Key> Pipeline::TakeExpired() { return std::exchange(state_->expired, {}); }
const std::map<std::string, std::uint64_t>& Pipeline::Refused() const { return state_->refused; }

model::KeyCheckpoint Pipeline::Save(const Key& key) const {
  const auto& entry = *state_->entries.at(key);
  model::KeyCheckpoint checkpoint{.key = key,
                                  .job = entry.job,
                                  .half_life = entry.history.HalfLife(),
                                  .history = entry.history.Save(),
                                  .pods = {}};
  for (const auto* pod : entry.pods) {
    checkpoint.pods.push_back({.uid = pod->facts->uid,
                               .name = pod->facts->name,
                               .created = pod->facts->created,
                               .ended = pod->ended,
                               .sealed = pod->sealed,
                               .gone = pod->gone,
                               .counted_ends = pod->counted_ends});
  }
  for (const auto& uid : entry.gone) {
    model::PodRecord record;
    record.uid = uid;
    record.sealed = record.gone = true;
    checkpoint.pods.push_back(std::move(record));
  }
  std::sort(checkpoint.pods.begin(), checkpoint.pods.end(),
            [](const auto& a, const auto& b) { return a.uid < b.uid; });
  return checkpoint;
}

std::size_t Pipeline::Kept() const {
  const auto& kept = *state_;
  std::size_t gone = 0;
  for (const auto& [name_space, uids] : kept.gone) gone += uids.size();
  return kept.pods.Size() + kept.entries.size() + kept.objects.size() + kept.object_keys.size() +
         kept.drivers.Size() + kept.former_drivers.size() + gone + kept.timers.Size() +
         kept.families.size() + kept.open_runs.Size() + kept.changed.size() + kept.expired.size() +
         kept.keys_in.size();
}

std::uint64_t Pipeline::TargetsFound() const { return state_->targets_found; }
Time Pipeline::Now() const { return state_->Now(); }
const Unused& Pipeline::GetUnused() const { return state_->unused; }
const std::set<std::string>& Pipeline::Problems() const { return state_->problems; }

}  // namespace sparkfit::controller
