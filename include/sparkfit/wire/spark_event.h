// SPDX-License-Identifier: Apache-2.0
//
// Events of a Spark event log, one JSON object a line, as Spark's JsonProtocol writes them: those
// that tell of executors and their memory. Whatever Spark writes as -1 or 0 where it knows nothing
// is absent here.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "sparkfit/base/bytes.h"
#include "sparkfit/base/result.h"
#include "sparkfit/base/time.h"
#include "sparkfit/model/driver_reading.h"

namespace sparkfit::wire {

struct SparkLogStart {
  std::string version;  // "3.5.3"
};

struct SparkApplicationStart {
  std::string id;  // what pods have as spark-app-selector; empty: not told
  std::string name;
  std::string attempt;  // of YARN; else empty
  base::Time t{};
};

struct SparkApplicationEnd {
  base::Time t{};
  std::optional<std::int64_t> exit_code;  // told by 4.0 and later, and not always
};

struct SparkJobEnd {
  base::Time t{};
  bool succeeded = false;
};

struct SparkEnvironment {
  std::map<std::string, std::string> properties;  // those that were wanted
};

// What executors of a resource profile ask for, as far as it says so itself.
struct SparkProfile {
  std::int64_t id = 0;
  std::optional<base::Bytes> heap;
  std::optional<base::Bytes> overhead;
  std::optional<base::Bytes> off_heap;
  std::optional<base::Bytes> python;
};

struct SparkExecutorAdded {
  std::string id;
  base::Time t{};
  std::optional<base::Time> requested;
  std::int64_t cores = 0;  // 0: not told
  std::int64_t profile = 0;
};

struct SparkExecutorRemoved {
  std::string id;
  base::Time t{};
  std::string reason;
};

// An executor registered its memory. A driver has a block manager, too, with the id "driver".
struct SparkBlockManager {
  std::string id;
  base::Bytes unified_room;  // for execution and storage on the heap; 0: not told
};

// Peaks of an executor, as it polled them while a task or a stage ran; its own, not the task's.
struct SparkPeaks {
  base::Bytes heap;
  base::Bytes unified;
  base::Bytes storage;
  base::Bytes off_heap;  // execution and storage memory outside of the heap
  base::Bytes direct;
  base::Bytes resident;  // of the executor's processes: the JVM, Python's, others
};

enum class TaskOutcome {
  kDone,
  kFailed,
  kKilled,    // or not allowed to commit
  kRepeated,  // a task that was done before is told of again, as its results were lost
};

struct SparkTaskEnd {
  std::string_view executor;  // valid until the next line is parsed
  base::Time finished{};
  TaskOutcome outcome = TaskOutcome::kFailed;
  bool heap_oom = false;  // java.lang.OutOfMemoryError, of the heap
  base::Duration busy{};
  base::Duration collecting{};
  base::Bytes input;
  base::Bytes shuffle_read;
  base::Bytes spilled;
  base::Bytes spilled_disk;
  SparkPeaks peaks;
};

struct SparkStageMetrics {
  std::string id;
  SparkPeaks peaks;
};

// Any other event: nothing.
using SparkEvent =
    std::variant<std::monostate, SparkLogStart, SparkApplicationStart, SparkApplicationEnd,
                 SparkJobEnd, SparkEnvironment, SparkProfile, SparkExecutorAdded,
                 SparkExecutorRemoved, SparkBlockManager, SparkTaskEnd, SparkStageMetrics>;

// Which of Spark's properties are of use.
class PropertyFilter {
 public:
  virtual ~PropertyFilter() = default;
  [[nodiscard]] virtual bool Wants(std::string_view property) const = 0;
};

// Whether the line begins like an event of the log, of whatever kind: every event of Spark does.
bool IsSparkEvent(std::string_view line);
// … and like one that the parser reads. The beginning of a line is enough.
bool IsReadSparkEvent(std::string_view line);

// Not safe for concurrent use; reuse one for many lines.
class SparkEventParser {
 public:
  // REQUIRES: the filter outlives the parser.
  explicit SparkEventParser(const PropertyFilter& wanted);
  ~SparkEventParser();

  // Events that are not read cost a look at their beginning. kMalformed where one that is read is
  // no JSON or names no executor that it is about.
  // REQUIRES: kLinePadding readable bytes behind the line.
  base::Result<SparkEvent> Parse(std::string_view line);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sparkfit::wire
