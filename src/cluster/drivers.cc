// SPDX-License-Identifier: Apache-2.0
#include "drivers.h"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include "sparkfit/wire/driver_answer.h"

namespace sparkfit::cluster {
namespace {

constexpr const char* kSource = "drivers";
constexpr std::uint16_t kPort = 4040;
constexpr base::Duration kLook = std::chrono::seconds(1);
constexpr base::Duration kDeadline = std::chrono::seconds(2);
// Until then executors have told their driver nothing of their heaps, and it may be starting
// itself.
constexpr base::Duration kHeartbeat = std::chrono::seconds(10);
// A driver that starts or ends may fail once.
constexpr int kPatience = 2;
constexpr base::Duration kLongestPause = std::chrono::minutes(5);
constexpr std::size_t kAtOnce = 8;

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
    if (const auto known = entries_.find(driver.uid); known != entries_.end()) {
      entry = std::move(known->second);
    }
    entry.driver = driver;
    if (!driver.has_executors || entry.owes) continue;
    entry.owes = true;
    entry.not_before = std::max(entry.not_before, now + kHeartbeat);
  }
  entries_ = std::move(kept);
}

// Those that failed come last, and few: a thousand that hang delay no other for long.
std::vector<Drivers::Entry*> Drivers::Due() {
  const auto now = around_.clock.SteadyNow();
  std::vector<Entry*> fine;
  std::vector<Entry*> failing;
  for (auto& [uid, entry] : entries_) {
    if (!entry.owes || entry.not_before > now) continue;
    (entry.failures == 0 ? fine : failing).push_back(&entry);
  }
  failing.resize(std::min(failing.size(), kAtOnce));
  fine.insert(fine.end(), failing.begin(), failing.end());
  return fine;
}

void Drivers::Run(base::Duration interval, const std::function<bool()>& wanted,
                  const std::stop_token& stop) {
  Rounds(std::min(kLook, interval), wanted, around_, stop, [&] {
    TakeDrivers();
    const auto due = Due();
    AtOnce(kAtOnce, due.size(), stop, [&](std::size_t i) { Ask(*due[i], interval, stop); });
  });
}

void Drivers::Ask(Entry& entry, base::Duration interval, const std::stop_token& stop) {
  const auto& driver = entry.driver;
  const auto begun = around_.clock.SteadyNow();
  const auto answer =
      get_({.address = driver.address,
            .port = kPort,
            .target = "/api/v1/applications/" + driver.application + "/allexecutors",
            .deadline = kDeadline,
            .largest_body = wire::kLargestDriverAnswer},
           stop);
  if (stop.stop_requested()) return;
  const auto heard = Hear(driver, answer, stop);
  around_.metrics.CountDriverRequest(heard.result);
  if (heard.why.empty()) {
    if (std::exchange(entry.failures, 0) >= kPatience) {
      around_.log.Info("driver answers again",
                       {{"namespace", driver.name_space}, {"pod", driver.pod}});
    }
    entry.owes = driver.has_executors;
    entry.not_before = begun + interval;
    return;
  }
  const auto pause = interval * (1 << std::min(entry.failures, 10));
  entry.not_before = begun + std::min<base::Duration>(pause, kLongestPause);
  if (++entry.failures != kPatience) return;
  around_.log.Warning("driver does not tell of its executors", {{"namespace", driver.name_space},
                                                                {"pod", driver.pod},
                                                                {"result", heard.result},
                                                                {"why", heard.why}});
}

Drivers::Heard Drivers::Hear(const Driver& driver, const kube::PlainAnswer& answer,
                             const std::stop_token& stop) {
  const std::string result(ResultOf(answer));
  if (answer.end != kube::PlainAnswer::End::kAnswered) return {result, answer.why};
  if (answer.status != 200) return {result, "status " + std::to_string(answer.status)};
  auto read = [&] {
    const std::scoped_lock lock(reading_);
    return wire::ParseDriverAnswer(answer.body);
  }();
  if (!read) return {"malformed", read.error().message};
  for (std::size_t i = 0; i < read->left_out; ++i) around_.metrics.CountUnreadable(kSource);
  model::DriverReading reading{driver.name_space, driver.application, std::move(read->executors)};
  around_.inbox.Push(model::Observation{around_.clock.Wall(), std::move(reading)}, stop);
  return {result, ""};
}

}  // namespace sparkfit::cluster
