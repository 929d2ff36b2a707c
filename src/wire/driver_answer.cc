// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/wire/driver_answer.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <optional>

#include "json.h"
#include "sparkfit/base/bytes.h"

namespace sparkfit::wire {
namespace {

using base::Code;
using model::ExecutorReading;
using simdjson::error_code;
using simdjson::SUCCESS;
using simdjson::ondemand::json_type;

// An executor while it is read.
struct Draft {
  ExecutorReading reading;
  bool odd = false;  // something has the wrong type
};

// What has another type than it should, and is not absent, is passed over and noted.
bool Is(JsonValue value, json_type wanted, Draft& draft) {
  json_type type{};
  const bool known = value.type().get(type) == SUCCESS;
  draft.odd |= !known || (type != wanted && type != json_type::null);
  return known && type == wanted;
}

// A number that cannot be is 0: not told.
std::int64_t Amount(JsonValue value, Draft& draft) {
  std::int64_t amount = 0;
  if (!Is(value, json_type::number, draft) || value.get_int64().get(amount) != SUCCESS) return 0;
  return amount >= 0 && amount <= base::kLargestPlausible.value ? amount : 0;
}

base::Bytes Memory(JsonValue value, Draft& draft) { return {Amount(value, draft)}; }

base::Duration Time(JsonValue value, Draft& draft) {
  return std::chrono::milliseconds(Amount(value, draft));
}

error_code ReadMemoryMetrics(JsonValue metrics, Draft& draft) {
  if (!Is(metrics, json_type::object, draft)) return SUCCESS;
  return ForEachMember(metrics, [&](std::string_view key, JsonValue value) {
    if (key == "totalOnHeapStorageMemory") draft.reading.unified_room = Memory(value, draft);
    return SUCCESS;
  });
}

error_code ReadPeaks(JsonValue peaks, Draft& draft) {
  if (!Is(peaks, json_type::object, draft)) return SUCCESS;
  return ForEachMember(peaks, [&](std::string_view key, JsonValue value) {
    if (key == "JVMHeapMemory") draft.reading.heap_peak = Memory(value, draft);
    if (key == "OnHeapStorageMemory") draft.reading.storage_peak = Memory(value, draft);
    if (key == "OnHeapUnifiedMemory") draft.reading.unified_peak = Memory(value, draft);
    return SUCCESS;
  });
}

error_code ReadExecutor(JsonValue json, Draft& draft) {
  if (!Is(json, json_type::object, draft)) return SUCCESS;
  return ForEachMember(json, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "id") {
      return Is(value, json_type::string, draft) ? ReadString(value, draft.reading.id) : SUCCESS;
    }
    if (key == "totalDuration") draft.reading.busy = Time(value, draft);
    if (key == "totalGCTime") draft.reading.collecting = Time(value, draft);
    if (key == "memoryMetrics") return ReadMemoryMetrics(value, draft);
    if (key == "peakMemoryMetrics") return ReadPeaks(value, draft);
    return SUCCESS;
  });
}

}  // namespace

base::Result<DriverAnswer> ReadExecutors(simdjson::ondemand::array array) {
  DriverAnswer answer;
  for (auto entry : array) {
    JsonValue json;
    Draft draft;
    if (auto error = entry.get(json)) return Malformed(error);
    if (auto error = ReadExecutor(json, draft)) return Malformed(error);
    if (answer.executors.size() + answer.left_out == kMostExecutors) {
      return base::Fail(Code::kMalformed, fmt::format("more than {} executors", kMostExecutors));
    }
    auto& reading = draft.reading;
    if (draft.odd || reading.id.empty() || reading.id.size() > kLongestExecutorId) {
      ++answer.left_out;
    } else if (reading.id != "driver") {
      answer.executors.push_back(std::move(reading));
    }
  }
  return answer;
}

base::Result<DriverAnswer> ParseDriverAnswer(std::string_view json) {
  if (json.size() > kLargestDriverAnswer) {
    return base::Fail(Code::kMalformed,
                      fmt::format("{} bytes are more than {}", json.size(), kLargestDriverAnswer));
  }
  const simdjson::padded_string padded(json);
  simdjson::ondemand::parser parser;
  simdjson::ondemand::document document;
  simdjson::ondemand::array array;
  if (auto error = parser.iterate(padded).get(document)) return Malformed(error);
  if (document.get_array().get(array) != SUCCESS) {
    return base::Fail(Code::kMalformed, "the answer is no JSON array");
  }
  auto answer = ReadExecutors(array);
  if (answer && document.current_location().error() != simdjson::OUT_OF_BOUNDS) {
    return Malformed(simdjson::TRAILING_CONTENT);
  }
  return answer;
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
