// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/wire/spark_event.h"

#include <fmt/format.h>

#include <array>

#include "json.h"
#include "sparkfit/base/text.h"
#include "sparkfit/wire/observation_log.h"

namespace sparkfit::wire {
namespace {

using base::Bytes;
using simdjson::error_code;
using simdjson::SUCCESS;
using simdjson::ondemand::json_type;

static_assert(kLinePadding >= simdjson::SIMDJSON_PADDING);

// Spark writes the kind of an event first, and nothing before it.
constexpr std::string_view kBeginning = R"({"Event":")";
// The last second of the year 9999: later times are none.
constexpr std::int64_t kLastTime = 253'402'300'799'000;
// Longer texts are no names, and reasons of this length say all.
constexpr std::size_t kLongestText = 8192;
// Properties hold class paths and options of JVMs.
constexpr std::size_t kLongestProperty = 65'536;

bool Is(JsonValue value, json_type wanted) {
  json_type type{};
  return value.type().get(type) == SUCCESS && type == wanted;
}

// What is no whole number is not told.
std::optional<std::int64_t> Number(JsonValue value) {
  std::int64_t number = 0;
  if (!Is(value, json_type::number) || value.get_int64().get(number) != SUCCESS) return {};
  return number;
}

// -1 and 0 stand for what Spark does not know.
std::int64_t Positive(JsonValue value) {
  const auto number = Number(value).value_or(0);
  return number > 0 && number <= base::kLargestPlausible.value ? number : 0;
}

Bytes Amount(JsonValue value) { return {Positive(value)}; }
base::Duration Millis(JsonValue value) { return base::Duration(Positive(value)); }

std::optional<base::Time> MaybeTime(JsonValue value) {
  const auto number = Number(value);
  if (!number || *number <= 0 || *number > kLastTime) return std::nullopt;
  return base::Time(base::Duration(*number));
}
base::Time Time(JsonValue value) { return MaybeTime(value).value_or(base::Time{}); }

// As the text stands in the parser's buffer; empty where it is none.
error_code View(JsonValue value, std::string_view& out) {
  return Is(value, json_type::string) ? value.get_string().get(out) : SUCCESS;
}
error_code Text(JsonValue value, std::string& out) {
  std::string_view text;
  if (auto error = View(value, text)) return error;
  out = base::Beginning(text, kLongestText);
  return SUCCESS;
}

// Members of what must be an object; anything else has none.
template <typename Visit>
error_code Members(JsonValue value, Visit&& visit) {
  return Is(value, json_type::object) ? ForEachMember(value, visit) : SUCCESS;
}

error_code ReadLogStart(JsonObject object, SparkEvent& out) {
  auto& event = out.emplace<SparkLogStart>();
  return ForEachMember(object, [&](std::string_view key, JsonValue value) -> error_code {
    return key == "Spark Version" ? Text(value, event.version) : SUCCESS;
  });
}

error_code ReadApplicationStart(JsonObject object, SparkEvent& out) {
  auto& event = out.emplace<SparkApplicationStart>();
  return ForEachMember(object, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "App ID") return Text(value, event.id);
    if (key == "App Name") return Text(value, event.name);
    if (key == "App Attempt ID") return Text(value, event.attempt);
    if (key == "Timestamp") event.t = Time(value);
    return SUCCESS;
  });
}

error_code ReadApplicationEnd(JsonObject object, SparkEvent& out) {
  auto& event = out.emplace<SparkApplicationEnd>();
  return ForEachMember(object, [&](std::string_view key, JsonValue value) {
    if (key == "Timestamp") event.t = Time(value);
    if (key == "ExitCode") event.exit_code = Number(value);
    return SUCCESS;
  });
}

error_code ReadJobEnd(JsonObject object, SparkEvent& out) {
  auto& event = out.emplace<SparkJobEnd>();
  return ForEachMember(object, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "Completion Time") event.t = Time(value);
    if (key != "Job Result") return SUCCESS;
    return Members(value, [&](std::string_view name, JsonValue result) -> error_code {
      std::string_view text;
      if (name != "Result") return SUCCESS;
      const auto error = View(result, text);
      event.succeeded = text == "JobSucceeded";
      return error;
    });
  });
}

error_code ReadEnvironment(JsonObject object, const PropertyFilter& wanted, SparkEvent& out) {
  auto& event = out.emplace<SparkEnvironment>();
  return ForEachMember(object, [&](std::string_view key, JsonValue value) -> error_code {
    if (key != "Spark Properties") return SUCCESS;
    return Members(value, [&](std::string_view name, JsonValue property) -> error_code {
      std::string_view text;
      if (!wanted.Wants(name)) return SUCCESS;
      const std::string kept(name);
      if (auto error = View(property, text)) return error;
      event.properties[kept] = base::Beginning(text, kLongestProperty);
      return SUCCESS;
    });
  });
}

// Amounts of memory in MiB.
error_code ReadRequests(JsonValue requests, SparkProfile& profile) {
  return Members(requests, [&](std::string_view name, JsonValue request) -> error_code {
    const auto amount = name == "memory"           ? &SparkProfile::heap
                        : name == "memoryOverhead" ? &SparkProfile::overhead
                        : name == "offHeap"        ? &SparkProfile::off_heap
                        : name == "pyspark.memory" ? &SparkProfile::python
                                                   : nullptr;
    if (amount == nullptr) return SUCCESS;
    return Members(request, [&](std::string_view key, JsonValue value) {
      if (key != "Amount") return SUCCESS;
      const auto mib = Number(value).value_or(-1);
      const bool plausible = mib >= 0 && base::MiB(mib) <= base::kLargestPlausible;
      if (plausible) profile.*amount = base::MiB(mib);
      return SUCCESS;
    });
  });
}

error_code ReadProfile(JsonObject object, SparkEvent& out) {
  auto& event = out.emplace<SparkProfile>();
  return ForEachMember(object, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "Resource Profile Id") event.id = Positive(value);
    return key == "Executor Resource Requests" ? ReadRequests(value, event) : SUCCESS;
  });
}

error_code ReadExecutorAdded(JsonObject object, SparkEvent& out) {
  auto& event = out.emplace<SparkExecutorAdded>();
  return ForEachMember(object, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "Executor ID") return Text(value, event.id);
    if (key == "Timestamp") event.t = Time(value);
    if (key != "Executor Info") return SUCCESS;
    return Members(value, [&](std::string_view name, JsonValue info) {
      if (name == "Total Cores") event.cores = Positive(info);
      if (name == "Resource Profile Id") event.profile = Positive(info);
      if (name == "Request Time") event.requested = MaybeTime(info);
      return SUCCESS;
    });
  });
}

error_code ReadExecutorRemoved(JsonObject object, SparkEvent& out) {
  auto& event = out.emplace<SparkExecutorRemoved>();
  return ForEachMember(object, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "Executor ID") return Text(value, event.id);
    if (key == "Removed Reason") return Text(value, event.reason);
    if (key == "Timestamp") event.t = Time(value);
    return SUCCESS;
  });
}

error_code ReadBlockManager(JsonObject object, SparkEvent& out) {
  auto& event = out.emplace<SparkBlockManager>();
  return ForEachMember(object, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "Maximum Onheap Memory") event.unified_room = Amount(value);
    if (key != "Block Manager ID") return SUCCESS;
    return Members(value, [&](std::string_view name, JsonValue id) {
      return name == "Executor ID" ? Text(id, event.id) : SUCCESS;
    });
  });
}

struct PeakMember {
  std::string_view name;
  Bytes SparkPeaks::*member;
};
constexpr std::array<PeakMember, 5> kPeaks{{{"JVMHeapMemory", &SparkPeaks::heap},
                                            {"OnHeapUnifiedMemory", &SparkPeaks::unified},
                                            {"OnHeapStorageMemory", &SparkPeaks::storage},
                                            {"OffHeapUnifiedMemory", &SparkPeaks::off_heap},
                                            {"DirectPoolMemory", &SparkPeaks::direct}}};

error_code ReadPeaks(JsonValue metrics, SparkPeaks& peaks) {
  return Members(metrics, [&](std::string_view key, JsonValue value) {
    if (key.ends_with("RSSMemory")) peaks.resident = peaks.resident + Amount(value);
    for (const auto& [name, member] : kPeaks) {
      if (key == name) peaks.*member = Amount(value);
    }
    return SUCCESS;
  });
}

// Classes are compared as a whole: errors of GPUs have OOM in their names, too.
bool IsHeapOom(std::string_view error_class, std::string_view description) {
  return error_class == "java.lang.OutOfMemoryError" &&
         (description.starts_with("Java heap space") ||
          description.starts_with("GC overhead limit exceeded"));
}

TaskOutcome OutcomeOf(std::string_view reason) {
  if (reason == "Success") return TaskOutcome::kDone;
  if (reason == "TaskKilled" || reason == "TaskCommitDenied") return TaskOutcome::kKilled;
  return reason == "Resubmitted" ? TaskOutcome::kRepeated : TaskOutcome::kFailed;
}

error_code ReadTaskReason(JsonValue json, SparkTaskEnd& task) {
  std::string_view reason;
  std::string_view error_class;
  std::string_view description;
  const auto error = Members(json, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "Reason") return View(value, reason);
    if (key == "Class Name") return View(value, error_class);
    return key == "Description" ? View(value, description) : SUCCESS;
  });
  task.outcome = OutcomeOf(reason);
  task.heap_oom = IsHeapOom(error_class, description);
  return error;
}

error_code ReadTaskInfo(JsonValue json, SparkTaskEnd& task) {
  base::Time launched{};
  const auto error = Members(json, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "Executor ID") return View(value, task.executor);
    if (key == "Launch Time") launched = Time(value);
    if (key == "Finish Time") task.finished = Time(value);
    return SUCCESS;
  });
  if (launched != base::Time{} && task.finished > launched) task.busy = task.finished - launched;
  return error;
}

error_code ReadTaskMetrics(JsonValue json, SparkTaskEnd& task) {
  return Members(json, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "JVM GC Time") task.collecting = Millis(value);
    if (key == "Memory Bytes Spilled") task.spilled = Amount(value);
    if (key == "Disk Bytes Spilled") task.spilled_disk = Amount(value);
    if (key == "Input Metrics") {
      return Members(value, [&](std::string_view name, JsonValue input) {
        if (name == "Bytes Read") task.input = Amount(input);
        return SUCCESS;
      });
    }
    if (key != "Shuffle Read Metrics") return SUCCESS;
    return Members(value, [&](std::string_view name, JsonValue read) {
      const bool counts = name == "Remote Bytes Read" || name == "Local Bytes Read";
      if (counts) task.shuffle_read = task.shuffle_read + Amount(read);
      return SUCCESS;
    });
  });
}

error_code ReadTaskEnd(JsonObject object, SparkEvent& out) {
  auto& event = out.emplace<SparkTaskEnd>();
  return ForEachMember(object, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "Task End Reason") return ReadTaskReason(value, event);
    if (key == "Task Info") return ReadTaskInfo(value, event);
    if (key == "Task Executor Metrics") return ReadPeaks(value, event.peaks);
    return key == "Task Metrics" ? ReadTaskMetrics(value, event) : SUCCESS;
  });
}

error_code ReadStageMetrics(JsonObject object, SparkEvent& out) {
  auto& event = out.emplace<SparkStageMetrics>();
  return ForEachMember(object, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "Executor ID") return Text(value, event.id);
    return key == "Executor Metrics" ? ReadPeaks(value, event.peaks) : SUCCESS;
  });
}

using ReadEvent = error_code (*)(JsonObject object, SparkEvent& out);
struct Kind {
  std::string_view name;
  ReadEvent read;  // null: with the filter
};
constexpr std::array<Kind, 11> kKinds{{{"SparkListenerTaskEnd", ReadTaskEnd},
                                       {"SparkListenerStageExecutorMetrics", ReadStageMetrics},
                                       {"SparkListenerExecutorAdded", ReadExecutorAdded},
                                       {"SparkListenerExecutorRemoved", ReadExecutorRemoved},
                                       {"SparkListenerBlockManagerAdded", ReadBlockManager},
                                       {"SparkListenerJobEnd", ReadJobEnd},
                                       {"SparkListenerLogStart", ReadLogStart},
                                       {"SparkListenerResourceProfileAdded", ReadProfile},
                                       {"SparkListenerEnvironmentUpdate", nullptr},
                                       {"SparkListenerApplicationStart", ReadApplicationStart},
                                       {"SparkListenerApplicationEnd", ReadApplicationEnd}}};

const Kind* KindOf(std::string_view line) {
  if (!line.starts_with(kBeginning)) return nullptr;
  const auto rest = line.substr(kBeginning.size());
  for (const auto& kind : kKinds) {
    if (rest.starts_with(kind.name) && rest.substr(kind.name.size()).starts_with('"')) {
      return &kind;
    }
  }
  return nullptr;
}

// What an event is about must have a name.
std::optional<std::string_view> Subject(const SparkEvent& event) {
  if (const auto* added = std::get_if<SparkExecutorAdded>(&event)) return added->id;
  if (const auto* removed = std::get_if<SparkExecutorRemoved>(&event)) return removed->id;
  if (const auto* block = std::get_if<SparkBlockManager>(&event)) return block->id;
  if (const auto* task = std::get_if<SparkTaskEnd>(&event)) return task->executor;
  if (const auto* stage = std::get_if<SparkStageMetrics>(&event)) return stage->id;
  return std::nullopt;
}

}  // namespace

bool IsSparkEvent(std::string_view line) { return line.starts_with(kBeginning); }
bool IsReadSparkEvent(std::string_view line) { return KindOf(line) != nullptr; }

struct SparkEventParser::Impl {
  const PropertyFilter& wanted;
  simdjson::ondemand::parser parser{};

  error_code Read(std::string_view line, const Kind& kind, SparkEvent& out) {
    simdjson::ondemand::document document;
    JsonObject object;
    const auto capacity = line.size() + simdjson::SIMDJSON_PADDING;
    if (auto error = parser.iterate(line.data(), line.size(), capacity).get(document)) return error;
    if (auto error = document.get_object().get(object)) return error;
    const auto error =
        kind.read != nullptr ? kind.read(object, out) : ReadEnvironment(object, wanted, out);
    if (error) return error;
    return document.current_location().error() == simdjson::OUT_OF_BOUNDS
               ? SUCCESS
               : simdjson::TRAILING_CONTENT;
  }
};

SparkEventParser::SparkEventParser(const PropertyFilter& wanted)
    : impl_(std::make_unique<Impl>(Impl{wanted})) {}
SparkEventParser::~SparkEventParser() = default;

base::Result<SparkEvent> SparkEventParser::Parse(std::string_view line) {
  SparkEvent event;
  const auto* kind = KindOf(line);
  if (kind == nullptr) return event;
  if (auto error = impl_->Read(line, *kind, event)) {
    return base::Fail(base::Code::kMalformed,
                      fmt::format("{}: {}", kind->name, simdjson::error_message(error)));
  }
  const auto subject = Subject(event);
  if (subject && (subject->empty() || subject->size() > kLongestExecutorId)) {
    return base::Fail(base::Code::kMalformed, fmt::format("{}: it names no executor", kind->name));
  }
  return event;
}

}  // namespace sparkfit::wire
