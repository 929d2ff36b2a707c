// SPDX-License-Identifier: Apache-2.0
//
// What one event log tells of an application and its executors. Memory: some KiB for each executor,
// however many tasks it ran.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "sparkfit/base/bytes.h"
#include "sparkfit/base/time.h"
#include "sparkfit/eventlog/removal.h"
#include "sparkfit/eventlog/samples.h"
#include "sparkfit/model/driver_reading.h"
#include "sparkfit/model/signature_rules.h"
#include "sparkfit/wire/spark_event.h"

namespace sparkfit::eventlog {

// Properties that sizes, names and signatures come from: Spark's own, labels and annotations that
// are settings, and what the rules of derived signatures name.
class Properties : public wire::PropertyFilter {
 public:
  // REQUIRES: the rules outlive it.
  explicit Properties(const model::SignatureRules& rules) : rules_(rules) {}
  [[nodiscard]] bool Wants(std::string_view property) const override;

 private:
  const model::SignatureRules& rules_;
};

struct Executor {
  std::int64_t profile = 0;
  std::int64_t cores = 0;  // 0: not told
  base::Time created{};    // when it was asked for, else when it registered
  std::optional<base::Time> ended;
  Removal removal;           // where it ended before its application
  bool registered = true;    // false: it ended before its driver met it
  bool heap_oom = false;     // a task of it met a full heap
  bool measured = false;     // another log tells of its use of memory
  base::Bytes unified_room;  // as it registered it; 0: not told
  Samples samples;           // of the memory that its processes had
  model::ExecutorReading told;
};

struct Application {
  std::string id;
  std::string name;
  std::string spark_version;
  std::map<std::string, std::string, std::less<>> properties;
  std::map<std::int64_t, wire::SparkProfile> profiles;
  std::map<std::string, Executor> executors;  // by Spark's id
  base::Time started{};
  base::Time ended{};     // what is known of it last
  bool complete = false;  // it said that it ended
  bool failed = false;    // by its exit code; where it told none, by its last job
  bool partial = false;   // a History Server took what it thought unimportant out of the log

  [[nodiscard]] std::string_view Property(std::string_view key) const;  // empty: it is not set
};

// Puts events together, of one log after the other.
class ApplicationBuilder {
 public:
  // Of one log; a run has hundreds. What comes beyond them is left out.
  static constexpr std::size_t kMostExecutors = 100'000;
  using Sink = std::function<void(Application application)>;
  using Problem = std::function<void(const std::string& what)>;

  // A complete application goes to `sink`, what makes no sense is told to `problem`.
  ApplicationBuilder(Sink sink, Problem problem)
      : sink_(std::move(sink)), problem_(std::move(problem)) {}

  void Take(const wire::SparkEvent& event);
  // The log is over. `partial`: it was compacted. `fallback_id` is for an application without one.
  void Finish(bool partial, const std::string& fallback_id);

 private:
  void On(std::monostate) {}
  void On(const wire::SparkLogStart& event);
  void On(const wire::SparkApplicationStart& event);
  void On(const wire::SparkApplicationEnd& event);
  void On(const wire::SparkJobEnd& event);
  void On(const wire::SparkEnvironment& event);
  void On(const wire::SparkProfile& event);
  void On(const wire::SparkExecutorAdded& event);
  void On(const wire::SparkExecutorRemoved& event);
  void On(const wire::SparkBlockManager& event);
  void On(const wire::SparkTaskEnd& event);
  void On(const wire::SparkStageMetrics& event);

  void Close();
  void See(base::Time t);
  Executor* Find(std::string_view id);
  Executor* Add(const std::string& id);
  [[nodiscard]] std::string_view ExecutorContainer() const;

  Sink sink_;
  Problem problem_;
  Application application_;
  bool begun_ = false;            // something was told of it
  bool exit_code_known_ = false;  // no job decides about its success any more
  bool too_many_ = false;
  std::uint64_t strays_ = 0;                  // tasks of executors that nothing else tells of
  std::map<std::string, base::Bytes> rooms_;  // of executors that are not added yet
  std::string latest_id_;                     // whom the latest task was of, and its executor
  Executor* latest_ = nullptr;
};

}  // namespace sparkfit::eventlog
