// SPDX-License-Identifier: Apache-2.0
#include "drivers.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "sparkfit/wire/driver_answer.h"

namespace sparkfit::cluster {
namespace {

constexpr const char* kSource = "drivers";
constexpr base::Duration kLook = std::chrono::seconds(1);
// In a round nobody's turn begins after this: who became due meanwhile has its own in the next one.
constexpr base::Duration kRound = std::chrono::seconds(1);
// A turn that takes longer counts as slow. A driver of this cluster answers in milliseconds.
constexpr base::Duration kSlow = std::chrono::milliseconds(500);
// Of all that a driver is asked in a turn: so long a driver that hangs holds up others.
constexpr base::Duration kDeadline = std::chrono::seconds(2);
// With less time left nothing more is asked in a turn: it would be cut off.
constexpr base::Duration kShortest = std::chrono::milliseconds(500);
// Until then executors have told their driver nothing of their heaps, and it may be starting
// itself.
constexpr base::Duration kHeartbeat = std::chrono::seconds(10);
// A driver that starts or ends may fail once.
constexpr int kPatience = 2;
constexpr base::Duration kLongestPause = std::chrono::minutes(5);
constexpr std::size_t kAtOnce = 8;
// Of attempts at stages that spilled, in a turn. A driver that is met late has many of them.
constexpr std::size_t kMostAttempts = 32;
// SKIPPED and PENDING ones have no figures.
constexpr const char* kStages = "/stages?status=active&status=complete&status=failed";

// Others' answers took the room: nothing that the driver did.
constexpr std::string_view kCrowded = "crowded";

// What of one answer is held at a time, given back at its end.
class HeldAnswer {
 public:
  HeldAnswer(std::mutex& mutex, Shares& shares, const std::string& name_space)
      : mutex_(mutex), shares_(shares), name_space_(name_space) {}
  ~HeldAnswer() {
    const std::scoped_lock lock(mutex_);
    if (held_ > 0) shares_.GiveBack(name_space_, held_);
  }
  HeldAnswer(const HeldAnswer&) = delete;
  HeldAnswer& operator=(const HeldAnswer&) = delete;

  bool More(std::size_t bytes) {
    const std::scoped_lock lock(mutex_);
    if (!shares_.Take(name_space_, bytes)) return false;
    held_ += bytes;
    return true;
  }

 private:
  std::mutex& mutex_;
  Shares& shares_;
  const std::string& name_space_;
  std::size_t held_ = 0;
};

std::string_view ResultOf(const kube::PlainAnswer& answer) {
  using End = kube::PlainAnswer::End;
  switch (answer.end) {
    case End::kAnswered:
      return answer.status == 200 ? "ok" : "refused";
    case End::kFailed:
      return "error";
    case End::kTimedOut:
      return "timeout";
    case End::kTooLarge:
      return "too_large";
    case End::kNoRoom:
      return kCrowded;
  }
  return "error";
}

}  // namespace

void Drivers::SetDrivers(std::vector<Driver> drivers) {
  const std::scoped_lock lock(mutex_);
  wanted_drivers_ = std::move(drivers);
}

void Drivers::TakeDrivers() {
  const auto now = around_.clock.SteadyNow();
  std::map<std::string, Entry> kept;
  const std::scoped_lock lock(mutex_);
  for (const auto& driver : wanted_drivers_) {
    auto& entry = kept[driver.uid];
    if (auto known = entries_.extract(driver.uid)) entry = std::move(known.mapped());
    entry.driver = driver;
    if (!driver.has_executors || entry.owes) continue;
    entry.owes = true;
    entry.not_before = now + kHeartbeat;
    if (!entry.begun) entry.begun = now;
  }
  for (const auto& [uid, gone] : std::exchange(entries_, std::move(kept))) {
    if (gone.spills.Size() > 0) shares_.GiveBack(gone.driver.name_space, gone.spills.Size());
  }
}

bool Drivers::Turns::Due(Steady now, base::Duration interval) const {
  const auto pause = interval * (1 << std::clamp(failures - 1, 0, 10));
  return !latest || now >= *latest + std::min<base::Duration>(pause, kLongestPause);
}

// A twentieth of how long the run has lasted: of a run of whatever length at most that much is not
// told, and a size can be judged by it.
base::Duration Drivers::IntervalOf(const Entry& entry, const Intervals& intervals, Steady now) {
  const auto longest = entry.driver.watched ? intervals.watched : intervals.usual;
  if (entry.executors.failures > 0) return longest;
  const auto lasted = std::chrono::duration_cast<base::Duration>(now - entry.begun.value_or(now));
  return std::clamp(lasted / 20, intervals.least, longest);
}

FairQueue<Drivers::Entry*> Drivers::Due(const Intervals& intervals) {
  const auto now = around_.clock.SteadyNow();
  std::vector<Entry*> due;
  for (auto& [uid, entry] : entries_) {
    if (!entry.owes || now < entry.not_before) continue;
    if (entry.executors.Due(now, IntervalOf(entry, intervals, now))) due.push_back(&entry);
  }
  // Within a namespace who was not asked for longest is first.
  std::stable_sort(due.begin(), due.end(), [](const Entry* a, const Entry* b) {
    return a->executors.latest < b->executors.latest;
  });
  FairQueue<Entry*> queue;
  for (auto* entry : due) {
    const bool well = entry->executors.failures == 0 && !entry->slow;
    queue.Push(entry->driver.name_space, well, entry);
  }
  return queue;
}

// A thousand that hang, or answer just in time, hold up another for a round at most: some of the
// slots, for as long as one turn takes.
void Drivers::AskDue(const Intervals& intervals, const std::stop_token& stop) {
  auto due = Due(intervals);
  const auto end = around_.clock.SteadyNow() + kRound;
  const auto goes_on = [&] { return !stop.stop_requested() && around_.clock.SteadyNow() < end; };
  std::mutex mutex;
  AtOnce(kAtOnce, due.Size(), goes_on, [&](std::size_t) {
    std::unique_lock lock(mutex);
    const auto turn = due.Pop();
    lock.unlock();
    const auto begun = around_.clock.SteadyNow();
    Ask(*turn->item, intervals, stop);
    lock.lock();
    turn->item->slow = around_.clock.SteadyNow() - begun > kSlow;
    due.Finish(turn->name_space);
  });
}

void Drivers::Run(Intervals intervals, const std::function<bool()>& wanted,
                  const std::stop_token& stop) {
  Rounds(std::min(kLook, intervals.least), wanted, around_, stop, [&] {
    TakeDrivers();
    AskDue(intervals, stop);
  });
}

void Drivers::Ask(Entry& entry, const Intervals& intervals, const std::stop_token& stop) {
  const auto& driver = entry.driver;
  const auto begun = around_.clock.SteadyNow();
  const auto end = begun + kDeadline;
  entry.executors.latest = begun;
  auto answer = Request(driver, "/allexecutors", end, wire::ParseDriverAnswer, stop);
  if (stop.stop_requested()) return;
  Note(entry.executors, driver, "executors", answer ? nullptr : &answer.error());
  if (!answer) return;
  entry.owes = driver.has_executors;
  model::DriverReading reading{driver.name_space, driver.application, std::move(answer->executors)};
  if (driver.watched && entry.stages.Due(begun, intervals.watched)) {
    AskStages(entry, end, reading, stop);
  }
  if (stop.stop_requested()) return;
  around_.inbox.Push(model::Observation{around_.clock.Wall(), std::move(reading)}, stop);
}

void Drivers::AskStages(Entry& entry, Steady end, model::DriverReading& reading,
                        const std::stop_token& stop) {
  entry.stages.latest = around_.clock.SteadyNow();
  const auto learnt = LearnStages(entry, end, stop);
  if (stop.stop_requested()) return;
  Note(entry.stages, entry.driver, "stages", learnt ? nullptr : &learnt.error());
  if (learnt && *learnt) entry.spills.AddTo(reading);
}

Drivers::Heard<bool> Drivers::LearnStages(Entry& entry, Steady end, const std::stop_token& stop) {
  const auto has_time = [&] { return end - around_.clock.SteadyNow() >= kShortest; };
  if (!has_time()) return false;
  const auto listed = Request(entry.driver, kStages, end, wire::ParseStages, stop);
  if (!listed) return tl::unexpected<Failure>(listed.error());
  const auto attempts = entry.spills.ToAsk(listed->stages);
  for (std::size_t i = 0; i < attempts.size(); ++i) {
    if (i == kMostAttempts || !has_time()) return false;
    // Of no task the state is unknown. With another state the tasks that have it come along, and
    // without one all tasks; a list of stages would leave out those that have no such task.
    const auto path = fmt::format("/stages/{}/{}?details=true&taskStatus=UNKNOWN",
                                  attempts[i].stage, attempts[i].attempt);
    auto told = Request(entry.driver, path, end, wire::ParseStage, stop);
    if (!told) return tl::unexpected<Failure>(told.error());
    if (!Learn(entry, attempts[i], std::move(told->executors))) {
      return tl::unexpected<Failure>(
          {"too_large", "too many executors spilled in too many stages"});
    }
  }
  return true;
}

bool Drivers::Learn(Entry& entry, const wire::StageAttempt& attempt,
                    std::vector<wire::ExecutorInStage> executors) {
  const auto& name_space = entry.driver.name_space;
  const std::scoped_lock lock(learning_);
  const auto most = executors.size() + 1;
  if (!shares_.Take(name_space, most)) return false;
  const auto before = entry.spills.Size();
  const bool learnt = entry.spills.Learn(attempt, std::move(executors));
  shares_.GiveBack(name_space, most + before - entry.spills.Size());
  return learnt;
}

template <typename Answer>
Drivers::Heard<Answer> Drivers::Request(const Driver& driver, const std::string& path, Steady end,
                                        base::Result<Answer> (*parse)(std::string_view),
                                        const std::stop_token& stop) {
  const auto fail = [&](std::string_view result, std::string why) {
    if (!stop.stop_requested()) around_.metrics.CountDriverRequest(std::string(result));
    return tl::unexpected<Failure>({std::string(result), std::move(why)});
  };
  const auto left = std::chrono::floor<base::Duration>(end - around_.clock.SteadyNow());
  HeldAnswer held(learning_, answers_, driver.name_space);
  const auto answer = get_({.address = driver.address,
                            .port = driver.port,
                            .target = "/api/v1/applications/" + driver.application + path,
                            .deadline = left,
                            .largest_body = wire::kLargestDriverAnswer,
                            .may_hold = [&](std::size_t bytes) { return held.More(bytes); }},
                           stop);
  const auto result = ResultOf(answer);
  if (answer.end != kube::PlainAnswer::End::kAnswered) return fail(result, answer.why);
  if (answer.status != 200) return fail(result, "status " + std::to_string(answer.status));
  auto read = [&] {
    const std::scoped_lock lock(reading_);
    return parse(answer.body);
  }();
  if (!read) return fail("malformed", read.error().message);
  around_.metrics.CountDriverRequest(std::string(result));
  for (std::size_t i = 0; i < read->left_out; ++i) around_.metrics.CountUnreadable(kSource);
  return *std::move(read);
}

// Tells of a driver that has begun not to answer, or to answer again.
void Drivers::Note(Turns& turns, const Driver& driver, const char* of_what,
                   const Failure* failure) const {
  if (failure != nullptr && failure->result == kCrowded) return;
  if (failure == nullptr) {
    if (std::exchange(turns.failures, 0) < kPatience) return;
    around_.log.Info("driver answers again",
                     {{"namespace", driver.name_space}, {"pod", driver.pod}, {"about", of_what}});
    return;
  }
  if (++turns.failures != kPatience) return;
  // Of jobs that did not ask for it most may have no UI: a metric counts what came of that.
  const auto tell = driver.allowed ? &base::Logger::Warning : &base::Logger::Debug;
  (around_.log.*tell)(fmt::format("driver does not tell of its {}", of_what),
                      {{"namespace", driver.name_space},
                       {"pod", driver.pod},
                       {"result", failure->result},
                       {"why", failure->why}});
}

}  // namespace sparkfit::cluster
