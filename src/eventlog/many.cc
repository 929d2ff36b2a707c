// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/eventlog/many.h"

#include <algorithm>
#include <atomic>
#include <iterator>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace sparkfit::eventlog {
namespace {

class Work {
 public:
  Work(const std::vector<LogFiles>& logs, const wire::PropertyFilter& wanted,
       const LogReader::Open& open, const OnProgress& progress)
      : logs_(logs), wanted_(wanted), open_(open), progress_(progress), done_(logs.size()) {}

  void Run(std::size_t threads) {
    std::vector<std::thread> others;
    for (std::size_t i = 1; i < std::min(threads, logs_.size()); ++i) {
      others.emplace_back([this] { Loop(); });
    }
    Loop();
    for (auto& thread : others) thread.join();
  }

  ManyLogs Take() {
    ManyLogs all;
    all.stopped = stopped_;
    if (all.stopped) return all;
    for (auto& log : done_) {
      all.counts += log.counts;
      all.problems.Add(log.problems);
      std::move(log.applications.begin(), log.applications.end(),
                std::back_inserter(all.applications));
    }
    return all;
  }

 private:
  struct Done {
    std::vector<Application> applications;
    ReadCounts counts;
    replay::Problems problems;
  };

  void Loop() {
    for (auto next = next_++; next < logs_.size() && !stopped_; next = next_++) {
      LogReader reader(wanted_);
      std::uint64_t before = 0;
      auto& done = done_[next];
      done.applications = reader.Read(logs_[next], open_, [&](std::uint64_t bytes) {
        return Tell(bytes - std::exchange(before, bytes), 0);
      });
      done.counts = reader.Counts();
      done.problems = reader.GetProblems();
      Tell(reader.Counts().bytes - before, 1);
    }
  }

  bool Tell(std::uint64_t bytes, std::size_t logs) {
    const std::lock_guard lock(mutex_);
    so_far_.bytes += bytes;
    so_far_.logs += logs;
    if (!progress_(so_far_)) stopped_ = true;
    return !stopped_;
  }

  const std::vector<LogFiles>& logs_;
  const wire::PropertyFilter& wanted_;
  const LogReader::Open& open_;
  const OnProgress& progress_;
  std::vector<Done> done_;  // each is one thread's
  std::atomic<std::size_t> next_ = 0;
  std::atomic<bool> stopped_ = false;
  std::mutex mutex_;
  HowFar so_far_;
};

}  // namespace

ManyLogs ReadLogs(const std::vector<LogFiles>& logs, const wire::PropertyFilter& wanted,
                  std::size_t threads, const LogReader::Open& open, const OnProgress& progress) {
  Work work(logs, wanted, open, progress);
  work.Run(threads);
  return work.Take();
}

}  // namespace sparkfit::eventlog
