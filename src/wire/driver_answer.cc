// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/wire/driver_answer.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

#include "driver_members.h"
#include "json.h"
#include "sparkfit/base/bytes.h"
#include "sparkfit/base/json.h"

namespace sparkfit::wire {
namespace {

using base::Code;
using base::Result;
using simdjson::error_code;
using simdjson::SUCCESS;
using simdjson::ondemand::json_type;

// What has another type than it should, and is not absent, is passed over and noted.
bool Is(JsonValue value, json_type wanted, bool& odd) {
  json_type type{};
  const bool known = value.type().get(type) == SUCCESS;
  odd |= !known || (type != wanted && type != json_type::null);
  return known && type == wanted;
}

// Absent: a number that cannot be, or none at all.
std::optional<std::int64_t> Amount(JsonValue value, bool& odd) {
  std::int64_t amount = 0;
  if (!Is(value, json_type::number, odd) || value.get_int64().get(amount) != SUCCESS) return {};
  if (amount < 0 || amount > base::kLargestPlausible.value) return {};
  return amount;
}

std::optional<base::Bytes> Memory(JsonValue value, bool& odd) {
  const auto amount = Amount(value, odd);
  return amount ? std::optional(base::Bytes{*amount}) : std::nullopt;
}

base::Duration Time(JsonValue value, bool& odd) {
  return std::chrono::milliseconds(Amount(value, odd).value_or(0));
}

// As Spark writes it: 2026-11-02T07:00:00.000GMT.
std::optional<base::Time> Date(JsonValue value, bool& odd) {
  std::string_view text;
  if (!Is(value, json_type::string, odd) || value.get_string().get(text) != SUCCESS) return {};
  constexpr std::string_view kZone = "GMT";
  if (!text.ends_with(kZone)) return {};
  const auto date = base::ParseTime(std::string(text.substr(0, text.size() - kZone.size())) + "Z");
  return date ? std::optional(*date) : std::nullopt;
}

// An executor while it is read.
struct Draft {
  ExecutorReading reading;
  bool odd = false;  // something has the wrong type
};

error_code ReadMemoryMetrics(JsonValue metrics, Draft& draft) {
  if (!Is(metrics, json_type::object, draft.odd)) return SUCCESS;
  return ForEachMember(metrics, [&](std::string_view key, JsonValue value) {
    if (key != "totalOnHeapStorageMemory") return SUCCESS;
    draft.reading.unified_room = Memory(value, draft.odd).value_or(base::Bytes{});
    return SUCCESS;
  });
}

error_code ReadPeaks(JsonValue peaks, Draft& draft) {
  if (!Is(peaks, json_type::object, draft.odd)) return SUCCESS;
  auto& reading = draft.reading;
  const auto peak = [&](JsonValue value) {
    return Memory(value, draft.odd).value_or(base::Bytes{});
  };
  return ForEachMember(peaks, [&](std::string_view key, JsonValue value) {
    if (key == "JVMHeapMemory") reading.heap_peak = peak(value);
    if (key == "OnHeapStorageMemory") reading.storage_peak = peak(value);
    if (key == "OnHeapUnifiedMemory") reading.unified_peak = peak(value);
    for (const auto& [name, member] : kExecutorPeaks) {
      if (key == name) reading.*member = Memory(value, draft.odd);
    }
    return SUCCESS;
  });
}

// A member that holds no others.
error_code ReadPlain(std::string_view key, JsonValue value, Draft& draft) {
  auto& [reading, odd] = draft;
  if (key == "totalDuration") reading.busy = Time(value, odd);
  if (key == "totalGCTime") reading.collecting = Time(value, odd);
  if (key == "isActive" && Is(value, json_type::boolean, odd)) {
    bool active = false;
    if (auto error = value.get_bool().get(active)) return error;
    reading.active = active;
  }
  for (const auto& [name, member] : kExecutorAmounts) {
    if (key == name) reading.*member = Memory(value, odd);
  }
  for (const auto& [name, member] : kExecutorCounts) {
    if (key == name) reading.*member = Amount(value, odd);
  }
  for (const auto& [name, member] : kExecutorTimes) {
    if (key == name) reading.*member = Date(value, odd);
  }
  return SUCCESS;
}

error_code ReadExecutor(JsonValue json, Draft& draft) {
  if (!Is(json, json_type::object, draft.odd)) return SUCCESS;
  return ForEachMember(json, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "id") {
      return Is(value, json_type::string, draft.odd) ? ReadString(value, draft.reading.id)
                                                     : SUCCESS;
    }
    if (key == "memoryMetrics") return ReadMemoryMetrics(value, draft);
    if (key == "peakMemoryMetrics") return ReadPeaks(value, draft);
    return ReadPlain(key, value, draft);
  });
}

bool IsExecutorId(std::string_view id) { return !id.empty() && id.size() <= kLongestExecutorId; }

constexpr std::string_view kDriverId = "driver";

// Of an executor Spark tells some 60 values in 1.3 KB, of one in a stage 20 in 500 bytes.
constexpr base::JsonBounds kBounds{.values = 500'000, .text = std::size_t{1} << 20, .depth = 32};

// A stage, or an executor in one, while it is read. Nothing is known of its figures before.
struct StageDraft {
  std::optional<std::int64_t> stage;
  std::optional<std::int64_t> attempt;
  std::optional<bool> active;
  std::optional<std::int64_t> spilled;
  std::optional<std::int64_t> spilled_disk;
  std::optional<std::int64_t> killed;
  bool odd = false;

  [[nodiscard]] std::optional<StageFigures> Figures() const {
    if (odd || !spilled || !spilled_disk || !killed) return std::nullopt;
    return StageFigures{{*spilled}, {*spilled_disk}, *killed};
  }
  [[nodiscard]] std::optional<StageAttempt> Attempt() const {
    const auto figures = Figures();
    if (!figures || !stage || !attempt || !active) return std::nullopt;
    return StageAttempt{*stage, *attempt, *active, *figures};
  }
};

error_code ReadStageMember(std::string_view key, JsonValue value, StageDraft& draft) {
  if (key == "stageId") draft.stage = Amount(value, draft.odd);
  if (key == "attemptId") draft.attempt = Amount(value, draft.odd);
  if (key == "memoryBytesSpilled") draft.spilled = Amount(value, draft.odd);
  if (key == "diskBytesSpilled") draft.spilled_disk = Amount(value, draft.odd);
  // The name within a stage's list of executors, and that of a stage.
  if (key == "killedTasks" || key == "numKilledTasks") draft.killed = Amount(value, draft.odd);
  if (key != "status" || !Is(value, json_type::string, draft.odd)) return SUCCESS;
  std::string_view status;
  if (auto error = value.get_string().get(status)) return error;
  draft.active = status == "ACTIVE";
  return SUCCESS;
}

error_code ReadStage(JsonValue json, StageDraft& draft) {
  if (!Is(json, json_type::object, draft.odd)) return SUCCESS;
  return ForEachMember(json, [&](std::string_view key, JsonValue value) {
    return ReadStageMember(key, value, draft);
  });
}

tl::unexpected<base::Error> TooMany(std::size_t most, const char* of_what) {
  return base::Fail(Code::kMalformed, fmt::format("more than {} {}", most, of_what));
}

Result<DriverAnswer> ReadExecutors(simdjson::ondemand::array array) {
  DriverAnswer answer;
  for (auto entry : array) {
    JsonValue json;
    Draft draft;
    if (auto error = entry.get(json)) return Malformed(error);
    if (auto error = ReadExecutor(json, draft)) return Malformed(error);
    if (answer.executors.size() + answer.left_out == kMostExecutors) {
      return TooMany(kMostExecutors, "executors");
    }
    auto& reading = draft.reading;
    if (draft.odd || !IsExecutorId(reading.id)) {
      ++answer.left_out;
    } else if (reading.id != kDriverId) {
      answer.executors.push_back(std::move(reading));
    }
  }
  return answer;
}

Result<StagesAnswer> ReadStages(simdjson::ondemand::array array) {
  StagesAnswer answer;
  for (auto entry : array) {
    JsonValue json;
    StageDraft draft;
    if (auto error = entry.get(json)) return Malformed(error);
    if (auto error = ReadStage(json, draft)) return Malformed(error);
    if (answer.stages.size() + answer.left_out == kMostStages) {
      return TooMany(kMostStages, "stages");
    }
    if (const auto attempt = draft.Attempt()) {
      answer.stages.push_back(*attempt);
    } else {
      ++answer.left_out;
    }
  }
  return answer;
}

// The executors of a stage, by their ids. An executor may be left unread: the pass goes on.
error_code ReadStageExecutor(std::string_view id, JsonValue json, StageAnswer& answer) {
  StageDraft draft;
  std::string name(id);
  if (auto error = ReadStage(json, draft)) return error;
  const auto figures = draft.Figures();
  if (!figures || !IsExecutorId(name)) {
    ++answer.left_out;
  } else if (name != kDriverId) {
    answer.executors.push_back({std::move(name), *figures});
  }
  return SUCCESS;
}

Result<StageAnswer> ReadStageExecutors(JsonObject object) {
  StageAnswer answer;
  bool seen = false;
  bool too_many = false;
  const auto error =
      ForEachMember(object, [&](std::string_view key, JsonValue value) -> error_code {
        if (key != "executorSummary") return SUCCESS;
        seen = true;
        return ForEachMember(value, [&](std::string_view id, JsonValue json) -> error_code {
          too_many = answer.executors.size() + answer.left_out == kMostExecutors;
          if (too_many) return simdjson::TAPE_ERROR;  // the pass ends
          return ReadStageExecutor(id, json, answer);
        });
      });
  if (too_many) return TooMany(kMostExecutors, "executors");
  if (error) return Malformed(error);
  if (!seen) return base::Fail(Code::kMalformed, "the stage does not tell of its executors");
  return answer;
}

// Reads a whole text, of which `read` takes what is its root: an array or an object.
template <typename Root, typename Answer>
Result<Answer> ParseWhole(std::string_view json, const char* root_name,
                          Result<Answer> (*read)(Root)) {
  if (json.size() > kLargestDriverAnswer) {
    return base::Fail(Code::kMalformed,
                      fmt::format("{} bytes are more than {}", json.size(), kLargestDriverAnswer));
  }
  // The parser keeps the place of each quote, brace and comma: of those there are many where there
  // is little else.
  if (!base::JsonGauge(kBounds).Feed(json)) {
    return base::Fail(Code::kMalformed, "the answer has too many values, or is nested too deep");
  }
  const simdjson::padded_string padded(json);
  simdjson::ondemand::parser parser;
  simdjson::ondemand::document document;
  Root root;
  if (auto error = parser.iterate(padded).get(document)) return Malformed(error);
  if (document.get(root) != SUCCESS) {
    return base::Fail(Code::kMalformed, fmt::format("the answer is no JSON {}", root_name));
  }
  auto answer = read(root);
  if (answer && document.current_location().error() != simdjson::OUT_OF_BOUNDS) {
    return Malformed(simdjson::TRAILING_CONTENT);
  }
  return answer;
}

}  // namespace

Result<DriverAnswer> ParseDriverAnswer(std::string_view json) {
  return ParseWhole(json, "array", ReadExecutors);
}

Result<StagesAnswer> ParseStages(std::string_view json) {
  return ParseWhole(json, "array", ReadStages);
}

Result<StageAnswer> ParseStage(std::string_view json) {
  return ParseWhole(json, "object", ReadStageExecutors);
}

base::Result<model::DriverReading> ReadDriverReading(JsonObject object) {
  model::DriverReading reading;
  DriverAnswer answer;
  std::optional<base::Error> failure;
  bool seen = false;
  const auto error =
      ForEachMember(object, [&](std::string_view key, JsonValue value) -> error_code {
        if (key == "metadata") {
          return ForEachMember(value, [&](std::string_view name, JsonValue text) -> error_code {
            return name == "namespace" ? ReadString(text, reading.name_space) : SUCCESS;
          });
        }
        if (key == "application") return ReadString(value, reading.application);
        if (key != "executors") return SUCCESS;
        simdjson::ondemand::array array;
        if (auto wrong = value.get_array().get(array)) return wrong;
        seen = true;
        auto read = ReadExecutors(array);
        if (!read) {
          failure = read.error();
          return simdjson::TAPE_ERROR;  // the pass ends
        }
        answer = *std::move(read);
        return SUCCESS;
      });
  if (failure) return tl::unexpected<base::Error>(*std::move(failure));
  if (error) return Malformed(error);
  if (reading.name_space.empty() || reading.application.empty() || !seen) {
    return base::Fail(Code::kMalformed, "driver without namespace, application or executors");
  }
  // What was recorded was understood.
  if (answer.left_out > 0) {
    return base::Fail(Code::kMalformed,
                      fmt::format("{} executors cannot be understood", answer.left_out));
  }
  reading.executors = std::move(answer.executors);
  return reading;
}

}  // namespace sparkfit::wire
