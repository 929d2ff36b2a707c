// SPDX-License-Identifier: Apache-2.0
#include "session.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "sparkfit/admission/admission.h"
#include "sparkfit/base/hash.h"
#include "sparkfit/base/quantity.h"
#include "sparkfit/wire/checkpoint_json.h"

namespace sparkfit::cluster {
namespace {

using base::Bytes;
using base::Time;
using model::EventType;
using model::Observation;

constexpr base::Duration kFirstRetry = std::chrono::seconds(1);
constexpr base::Duration kLongestRetry = std::chrono::seconds(60);
constexpr double kMove = 0.01;  // a smaller change of a bound is not worth a write
constexpr int kMostNames = 5;
constexpr base::Duration kSweep = std::chrono::milliseconds(500);
constexpr base::Duration kTellAgain = std::chrono::hours(1);
constexpr base::Duration kTryAgain = std::chrono::minutes(1);
constexpr base::Duration kPendingFor = std::chrono::minutes(1);
constexpr base::Duration kLeap = std::chrono::hours(24);
constexpr base::Duration kPutRight = std::chrono::seconds(10);
// More writes would wait in the writer's queue while what they hold grows old. At 50 requests a
// second, two for a write, they are through in little more than a second.
constexpr std::size_t kMostUnderWay = 32;

wire::ObjectRef RefOf(const model::RecommendationObject& object) {
  return {object.name_space, object.name, object.uid, object.generation};
}

bool Moved(const std::optional<Bytes>& before, const std::optional<Bytes>& now) {
  if (before.has_value() != now.has_value()) return true;
  if (!now) return false;
  const auto difference = std::abs(static_cast<double>((*now - *before).value));
  return difference >= kMove * static_cast<double>(before->value);
}

std::uint64_t Ooms(const controller::KeyRecommendation& row) {
  const auto& totals = row.history->Totals();
  return totals.container_ooms + totals.heap_ooms;
}

// What makes a status due at once: settings, OOMs, ended applications, conditions.
std::uint64_t Digest(const controller::KeyRecommendation& row,
                     const std::vector<wire::Condition>& conditions, std::int64_t generation) {
  const auto& totals = row.history->Totals();
  const auto& applications = row.history->Applications();
  const auto running = std::count_if(applications.begin(), applications.end(),
                                     [](const auto& application) { return !application.ended; });
  auto digest =
      fmt::format("{}|{}|{}|{}|{}|{}|{}|{}", model::Name(row.mode), recommend::Format(row.policy),
                  row.bounds.min.value_or(Bytes{}).value, row.bounds.max.value_or(Bytes{}).value,
                  Ooms(row), totals.applications, running, generation);
  for (const auto& condition : conditions) {
    digest +=
        fmt::format("|{}{}{}", condition.type, condition.status ? '+' : '-', condition.message);
  }
  return base::Fnv1a(digest);
}

}  // namespace

Session::Session(const SessionOptions& options, const World& world, const Checkpoints& checkpoints,
                 const std::vector<Observation>& recent, Time now)
    : options_(options), world_(world), pipeline_(options.pipeline) {
  pipeline_.AdvanceTo(recent.empty() ? now : std::min(now, recent.front().t));
  const auto t = pipeline_.Now();
  for (const auto& node : world.RememberedNodes(now)) Observe({t, node});
  for (const auto& [name, node] : world.Nodes()) Observe({t, node});
  for (const auto& [name, object] : world.Recommendations()) {
    Observe({t, model::RecommendationEvent{EventType::kAdded, object}});
  }
  Uids moving;
  for (const auto& observation : recent) {
    moving.insert(std::get<model::PodEvent>(observation.what).pod->uid);
  }
  if (checkpoints)
    checkpoints([&](StoredCheckpoint stored) { Take(std::move(stored), moving, t); });
  // Drivers first: executors inherit their settings.
  for (const auto role : {model::PodRole::kDriver, model::PodRole::kExecutor}) {
    for (const auto& pod : world.Pods()) {
      if (pod->role != role || moving.contains(pod->uid)) continue;
      Observe({t, model::PodEvent{EventType::kAdded, pod, true}});
    }
  }
  for (const auto& observation : recent) Observe(observation);
  EndMissingPods(now);
  pipeline_.AdvanceTo(now);
}

void Session::Observe(const Observation& observation) {
  if (Leaps(observation.t)) return;
  if (options_.record) options_.record(observation);
  pipeline_.Observe(observation);
}

void Session::Take(StoredCheckpoint stored, const Uids& moving, Time now) {
  auto& checkpoint = stored.checkpoint;
  const auto& key =
      checkpoint_versions_.insert_or_assign(checkpoint.key, std::move(stored.version)).first->first;
  for (auto& record : checkpoint.pods) {
    if (record.gone) continue;
    const auto* pod = world_.FindPod(record.uid);
    if (pod != nullptr && pod->name_space == key.name_space) continue;
    if (!moving.contains(record.uid) && !checkpoint.history.executors.contains(record.uid)) {
      record.sealed = record.gone = true;  // nothing more can come of it
    } else {
      missing_pods_.push_back({&key, record.uid, record.name, record.created});
    }
  }
  Observe({now, model::RestoreEvent{
                    std::make_shared<const model::KeyCheckpoint>(std::move(checkpoint))}});
  ++restored_;
}

// Executors that a checkpoint knows and that are gone ended while nobody watched.
void Session::EndMissingPods(Time now) {
  for (auto& missing : std::exchange(missing_pods_, {})) {
    model::PodFacts facts;
    facts.name_space = missing.key->name_space;
    facts.name = std::move(missing.name);
    facts.uid = std::move(missing.uid);
    facts.created = missing.created;
    facts.profile = missing.key->profile;
    facts.role = model::PodRole::kExecutor;
    Observe({now, model::PodEvent{EventType::kDeleted, std::move(facts)}});
  }
}

bool Session::Leaps(Time t) {
  const auto before = pipeline_.Now();
  leapt_ = leapt_ || t > before + kLeap || t + kLeap < before;
  return leapt_;
}

Time Session::Scheduled(Time wall) {
  if (wall + set_back_ < scheduled_) set_back_ = scheduled_ - wall;
  scheduled_ = wall + set_back_;
  return scheduled_;
}

void Session::OnWritten(const Written& written, Time wall) {
  // Of the others nothing depends.
  if (written.what != Written::What::kCreate && written.what != Written::What::kPublish) return;
  if (const auto under_way = under_way_.find(written.key); under_way != under_way_.end()) {
    bytes_under_way_ -= under_way->second;
    under_way_.erase(under_way);
    due_.Finish(written.key.name_space);
  }
  const auto found = published_.find(written.key);
  if (found == published_.end()) return;
  const auto now = Scheduled(wall);
  auto& state = found->second;
  if (!written.version.empty()) state.checkpoint_version = written.version;
  if (written.checkpoint_gone) state.checkpoint_version.clear();
  if (written.outcome == Written::Outcome::kDone) {
    if (!written.object_version.empty()) state.object_version = written.object_version;
    state.failures = 0;
    state.news = false;
    return;
  }
  // The name is taken by an object of another key: try another name.
  if (written.what == Written::What::kCreate && written.outcome == Written::Outcome::kGone) {
    const auto name = wire::ObjectName(written.key, state.create_attempt);
    if (world_.Recommendations().contains({written.key.name_space, name}) &&
        state.create_attempt < kMostNames) {
      ++state.create_attempt;
    }
  }
  state.dirty = state.status_stale = true;
  state.status_at.reset();
  const auto pause = std::min(kFirstRetry * (1 << std::min(state.failures++, 6)), kLongestRetry);
  state.not_before = now + pause;
}

void Session::Tick(Time wall) {
  if (Leaps(wall)) return;
  pipeline_.AdvanceTo(wall);
  const auto now = Scheduled(wall);
  const auto changed = Refresh();
  if (!options_.submit) return;
  for (const auto& key : changed) {
    const auto found = published_.find(key);
    if (found == published_.end()) continue;
    if (HasNews(rows_.at(key), found->second)) Want(key, found->second, true);
    TellOfSizing(key, found->second, now);
  }
  // Under load ticks are many: what is not news is looked at now and then.
  if (!swept_ || now - *swept_ >= kSweep) {
    swept_ = now;
    DeleteExpired(now);
    MarkDuplicates(now);
    TellOfRefusals(now);
    TellOfPending(now);
    WantWhatIsDue(now);
  }
  PublishDue(now);
}

bool Session::HasNews(const controller::KeyRecommendation& row, const Published& state) {
  return Ooms(row) > state.ooms_shown || state.news;
}

void Session::Want(const model::Key& key, Published& state, bool urgent) {
  if (!state.waits) {
    due_.Push(key.name_space, urgent, key);
  } else if (urgent && !state.waits_urgently) {
    due_.Raise(key.name_space, [&](const model::Key& other) { return other == key; });
  }
  state.waits_urgently = urgent || (state.waits && state.waits_urgently);
  state.waits = true;
}

void Session::WantWhatIsDue(Time now) {
  for (auto& [key, state] : published_) {
    if (state.waits) continue;
    if (const auto plan = PlanOf(key, state, now)) Want(key, state, HasNews(*plan->row, state));
  }
}

void Session::PublishDue(Time now) {
  while (MayPublish()) {
    const auto turn = due_.Pop();
    if (!turn) return;
    const auto found = published_.find(turn->item);
    bool begun = false;
    if (found != published_.end()) {
      found->second.waits = false;
      begun = PublishKey(found->first, found->second, now);
    }
    if (!begun) due_.Finish(turn->name_space);
  }
}

bool Session::HasRoom(const std::string& name_space) const {
  return !options_.has_room || options_.has_room(name_space);
}

bool Session::MayPublish() const {
  return under_way_.size() < kMostUnderWay && bytes_under_way_ < options_.most_bytes_under_way;
}

void Session::Submit(Write write) {
  bytes_under_way_ += write.Bytes();
  under_way_.emplace(write.key, write.Bytes());
  options_.submit(std::move(write));
}

// Its checkpoint belongs to the object, and goes with it.
void Session::DeleteExpired(Time now) {
  for (const auto& key : pipeline_.TakeExpired()) expired_[key] = now;
  std::erase_if(expired_, [&](const auto& entry) {
    return rows_.contains(entry.first) || world_.ObjectOf(entry.first) == nullptr;
  });
  for (auto& [key, due] : expired_) {
    if (due > now || !HasRoom(key.name_space)) continue;
    due = now + kTryAgain;
    const auto* object = world_.ObjectOf(key);
    options_.submit({.key = key,
                     .what = Written::What::kDelete,
                     .body = wire::DeleteOptions(object->uid),
                     .object = RefOf(*object)});
  }
}

void Session::MarkDuplicates(Time now) {
  std::erase_if(marked_, [&](const auto& mark) { return now - mark.second >= kTryAgain; });
  for (const auto* object : world_.Duplicates()) {
    const auto known = object->conditions.find("Duplicate");
    if (known != object->conditions.end() && known->second.first == "True") continue;
    if (marked_.contains(object->uid) || !HasRoom(object->name_space)) continue;
    marked_.emplace(object->uid, now);
    const auto key = object->GetKey();
    const auto ref = RefOf(*object);
    options_.submit(
        {.key = key,
         .what = Written::What::kMarkDuplicate,
         .object = ref,
         .status = wire::DuplicatePatch(ref, world_.ObjectOf(key)->name, now - set_back_)});
  }
}

void Session::Tell(model::Key key, const wire::EventFacts& event, Time now) {
  options_.submit({.key = std::move(key),
                   .what = Written::What::kEvent,
                   .body = wire::NewEvent(event, now - set_back_)});
}

void Session::TellOfRefusals(Time now) {
  for (const auto& [name_space, refused] : pipeline_.Refused()) {
    auto& told = told_[name_space];
    if (refused == told.refused || (told.refused > 0 && now - told.at < kTellAgain)) continue;
    if (!HasRoom(name_space)) continue;
    told = {refused, now};
    wire::EventFacts event;
    event.kind = "Namespace";
    event.api_version = "v1";
    event.object = {name_space, name_space, "", 0};
    event.reason = "TooManySignatures";
    event.message = fmt::format(
        "{} executors with new signatures are not observed: the namespace has {} already "
        "(maxKeysPerNamespace), or as many as are free of {} in all (maxKeys).",
        refused, options_.pipeline.max_keys_per_namespace, options_.pipeline.max_keys);
    Tell({name_space, "", 0}, event, now);
  }
}

// Called when a status is written, which is at once after an OOM: a burst is one Event.
void Session::TellOfOoms(const controller::KeyRecommendation& row, const wire::ObjectRef& object,
                         Published& state, Time now) {
  const auto ooms = Ooms(row);
  if (ooms <= state.ooms_told || !HasRoom(object.name_space)) return;
  const auto before = std::exchange(state.ooms_told, ooms);
  const auto& target = row.recommendation.target;
  wire::EventFacts event;
  event.object = object;
  event.reason = "OutOfMemory";
  event.message = fmt::format("{} more {} out of memory ({} in all); the target is {}.",
                              ooms - before, ooms - before == 1 ? "executor ran" : "executors ran",
                              ooms, target ? base::FormatMiB(*target) : "not known");
  Tell(row.history->GetKey(), event, now);
}

// The first executor of an application that has another size than it was submitted with, and
// each further size.
void Session::TellOfSizing(const model::Key& key, Published& state, Time now) {
  const auto* object = world_.ObjectOf(key);
  const auto row = rows_.find(key);
  if (object == nullptr || object->uid.empty() || row == rows_.end()) return;
  const model::Executor* latest = nullptr;
  for (const auto& [uid, executor] : row->second.history->Executors()) {
    if (executor.ended || executor.size == executor.submitted) continue;
    if (latest == nullptr || executor.created > latest->created) latest = &executor;
  }
  if (latest == nullptr) return;
  if (!HasRoom(key.name_space)) return;
  auto told = fmt::format("{}|{}", latest->application, latest->size.limit.value);
  if (told == std::exchange(state.sizing_told, told)) return;
  wire::EventFacts event;
  event.object = RefOf(*object);
  event.reason = "Sized";
  event.normal = true;
  event.message = fmt::format("Executors of {} are created with {} instead of {}.",
                              latest->application, base::FormatQuantity(latest->size.limit),
                              base::FormatQuantity(latest->submitted.limit));
  Tell(key, event, now);
}

// Executors that we made larger and that no node was found for.
void Session::TellOfPending(Time now) {
  unschedulable_ = 0;
  std::map<model::Key, std::size_t> pending;
  for (const auto& uid : world_.RaisedAndPending()) {
    const auto& pod = *world_.FindPod(uid);
    if (now - set_back_ - pod.created < kPendingFor) continue;
    ++unschedulable_;
    const auto key = admission::KeyOf(pod, world_.DriverOf(pod));
    if (key) ++pending[*key];
  }
  std::erase_if(pending_told_, [&](const auto& told) { return now - told.second >= kTellAgain; });
  for (const auto& [key, count] : pending) {
    const auto* object = world_.ObjectOf(key);
    if (object == nullptr || !HasRoom(key.name_space)) continue;
    if (!pending_told_.try_emplace(key, now).second) continue;
    wire::EventFacts event;
    event.object = RefOf(*object);
    event.reason = "PendingAfterSizing";
    event.message = fmt::format(
        "{} {} larger than submitted and no node was found for {} for a minute; maxMemory or "
        "shrinkOnly keep sizes within what the cluster has.",
        count, count == 1 ? "executor is" : "executors are", count == 1 ? "it" : "them");
    Tell(key, event, now);
  }
}

std::vector<model::Key> Session::Refresh() {
  auto changed = pipeline_.TakeChanged();
  if (!changed.empty()) ++revision_;
  for (const auto& key : changed) {
    auto row = pipeline_.Recommend(key);
    if (options_.advise) options_.advise(key, row ? &*row : nullptr);
    if (!row) {  // purged
      rows_.erase(key);
      published_.erase(key);
      checkpoint_versions_.erase(key);
      continue;
    }
    rows_.insert_or_assign(key, *std::move(row));
    auto [entry, is_new] = published_.try_emplace(key);
    entry->second.dirty = entry->second.status_stale = true;
    if (!is_new) continue;
    if (const auto version = checkpoint_versions_.find(key);
        version != checkpoint_versions_.end()) {
      entry->second.checkpoint_version = version->second;
      entry->second.ooms_told = entry->second.ooms_shown = Ooms(rows_.at(key));
    }
  }
  return changed;
}

std::vector<wire::Condition> Session::ConditionsOf(const controller::KeyRecommendation& row,
                                                   const Published& state) const {
  std::vector<wire::Condition> conditions;
  const bool provided = row.recommendation.target.has_value();
  const bool unsampled = row.history->Totals().executors > 0;
  conditions.push_back(
      {"RecommendationProvided", provided,
       provided ? "Observed" : (unsampled ? "NoUsage" : "NoHistory"),
       provided ? "The target comes from what executors used."
       : unsampled
           ? "Executors were seen, but none with a usage sample; is there a source of usage, "
             "and do they live longer than its interval?"
           : "No executor was seen yet."});
  conditions.push_back(
      {"LowConfidence", row.low_confidence, row.low_confidence ? "FewSamples" : "Enough",
       row.low_confidence ? "Fewer than two executors were sampled three times or more."
                          : "At least two executors were sampled three times or more."});
  if (row.history->LatestFailed()) {
    conditions.push_back({"LatestRunFailed", true, "DriverFailed",
                          "The latest run failed; the next one is created as submitted."});
  }
  if (const auto inflation = row.recommendation.heap; inflation != recommend::Inflation::kUnknown) {
    conditions.push_back({"HeapInflated", inflation == recommend::Inflation::kPossible,
                          std::string(recommend::Name(inflation)),
                          std::string(recommend::Describe(inflation))});
  }
  if (row.mode == model::Mode::kAuto) {
    conditions.push_back({"AutoNotAvailable", true, "ActsAsInitial",
                          "Running executors are not resized; Auto acts as Initial."});
  }
  if (row.wants_cpu) {
    conditions.push_back({"CPUNotSized", true, "MemoryOnly", "CPU is not sized, memory is."});
  }
  if (state.too_large) {
    conditions.push_back({"CheckpointTooLarge", true, "TooManyExecutors",
                          "What was learnt is not saved: it is larger than an object may be."});
  }
  if (!row.problems.empty()) {
    conditions.push_back(
        {"InvalidSpec", true, "Ignored", controller::DescribeProblems(row.problems)});
  }
  return conditions;
}

bool Session::StatusDue(const Published& state, const controller::KeyRecommendation& row,
                        std::uint64_t digest, Time now) const {
  if (!state.status_at || digest != state.status_digest) return true;
  const auto& before = state.recommendation;
  const auto& after = row.recommendation;
  if (Moved(before.target, after.target) || Moved(before.lower, after.lower) ||
      Moved(before.upper, after.upper)) {
    return true;
  }
  return state.status_stale && now - *state.status_at >= options_.status_interval;
}

std::optional<Session::Plan> Session::PlanOf(const model::Key& key, Published& state, Time now) {
  if (under_way_.contains(key) || state.not_before > now) return std::nullopt;
  const auto found = rows_.find(key);
  if (found == rows_.end()) return std::nullopt;
  Plan plan{.row = &found->second};
  const auto* object = world_.ObjectOf(key);
  if (object == nullptr || object->uid.empty()) return plan;
  plan.object = object;
  if (state.object_uid != object->uid) {
    state.object_uid = object->uid;
    state.object_version.clear();
    state.conditions = object->conditions;
    state.status_at.reset();
    state.checkpoint_at.reset();
  }
  // Somebody overwrote the status, or touched something else: written again, it is right, or
  // nothing changes.
  const bool overwritten = state.status_at && now - *state.status_at > kPutRight &&
                           !state.object_version.empty() && object->version != state.object_version;
  const bool touched = overwritten || !state.status_at || object->generation != state.generation;
  if (!touched && !state.dirty && !state.status_stale) return std::nullopt;
  plan.conditions = ConditionsOf(*plan.row, state);
  plan.digest = Digest(*plan.row, plan.conditions, object->generation);
  plan.status = overwritten || StatusDue(state, *plan.row, plan.digest, now);
  plan.checkpoint = state.dirty && (plan.status || !state.checkpoint_at ||
                                    now - *state.checkpoint_at >= options_.checkpoint_interval);
  if (!plan.status && !plan.checkpoint) return std::nullopt;
  return plan;
}

bool Session::PublishKey(const model::Key& key, Published& state, Time now) {
  auto plan = PlanOf(key, state, now);
  if (!plan) return false;
  if (plan->object != nullptr) {
    PublishObject(key, state, *std::move(plan), now);
    return true;
  }
  // The watch may be a little behind: an object that was just created is not created again.
  state.not_before = now + kFirstRetry;
  Submit({.key = key,
          .what = Written::What::kCreate,
          .body = wire::NewRecommendation(key, state.create_attempt),
          .urgent = HasNews(*plan->row, state)});
  return true;
}

void Session::PublishObject(const model::Key& key, Published& state, Plan plan, Time now) {
  const auto& row = *plan.row;
  const auto& object = *plan.object;
  const auto ref = RefOf(object);
  state.news = HasNews(row, state);
  Write write{.key = key, .what = Written::What::kPublish, .object = ref, .urgent = state.news};
  if (plan.checkpoint) {
    auto spec = wire::WriteCheckpoint(pipeline_.Save(key));
    state.too_large = spec.data.size() > wire::kLargestCheckpoint;
    if (!state.too_large) {
      write.checkpoint = wire::CheckpointPatch(ref, key, spec, state.checkpoint_version);
      write.data = std::move(spec.data);
    }
    state.checkpoint_at = now;
    state.dirty = false;
  }
  if (plan.status) {
    write.status = wire::StatusPatch(ref,
                                     {*row.history, row.recommendation, row.mode, row.policy,
                                      row.bounds, row.explore, row.explanation, plan.conditions},
                                     state.conditions, now - set_back_);
    state.status_at = now;
    state.status_stale = false;
    state.generation = object.generation;
    state.status_digest = plan.digest;
    state.recommendation = row.recommendation;
    state.ooms_shown = Ooms(row);
  }
  Submit(std::move(write));
  if (plan.status) TellOfOoms(row, ref, state, now);
}

}  // namespace sparkfit::cluster
