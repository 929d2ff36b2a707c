// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/base/log.h"

#include <fmt/format.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <array>
#include <nlohmann/json.hpp>

#include "sparkfit/base/meant.h"
#include "sparkfit/base/text.h"

namespace sparkfit::base {
namespace {

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::off;
}

// As a JSON string; bytes that are no UTF-8 are replaced.
std::string Quoted(std::string_view text) {
  using nlohmann::json;
  return json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

template <typename T, std::size_t N>
Result<T> ByName(std::string_view name,
                 const std::array<std::pair<std::string_view, T>, N>& table) {
  std::array<std::string_view, N> known;
  for (std::size_t i = 0; i < N; ++i) {
    if (table[i].first == name) return table[i].second;
    known[i] = table[i].first;
  }
  return Fail(Code::kInvalidArgument,
              fmt::format("\"{}\" is not one of {}{}", Beginning(name, 40), fmt::join(known, ", "),
                          Suggestion(Nearest(name, known))));
}

}  // namespace

Result<LogLevel> ParseLogLevel(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, LogLevel>, 4> kLevels{
      {{"debug", LogLevel::kDebug},
       {"info", LogLevel::kInfo},
       {"warning", LogLevel::kWarning},
       {"error", LogLevel::kError}}};
  return ByName(name, kLevels);
}

Result<LogFormat> ParseLogFormat(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, LogFormat>, 2> kFormats{
      {{"text", LogFormat::kText}, {"json", LogFormat::kJson}}};
  return ByName(name, kFormats);
}

Logger::Logger(std::ostream& out, LogLevel level, LogFormat format) : format_(format) {
  logger_ = std::make_shared<spdlog::logger>(
      "sparkfit", std::make_shared<spdlog::sinks::ostream_sink_mt>(out, /*force_flush=*/true));
  logger_->set_level(ToSpdlog(level));
  logger_->set_pattern(
      format == LogFormat::kJson ? R"({"ts":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l",%v})" : "%l: %v",
      spdlog::pattern_time_type::utc);
}

void Logger::Debug(std::string_view message, std::initializer_list<Field> fields) const {
  Write(LogLevel::kDebug, message, fields);
}
void Logger::Info(std::string_view message, std::initializer_list<Field> fields) const {
  Write(LogLevel::kInfo, message, fields);
}
void Logger::Warning(std::string_view message, std::initializer_list<Field> fields) const {
  Write(LogLevel::kWarning, message, fields);
}
void Logger::Error(std::string_view message, std::initializer_list<Field> fields) const {
  Write(LogLevel::kError, message, fields);
}

void Logger::Write(LogLevel level, std::string_view message,
                   std::initializer_list<Field> fields) const {
  if (!logger_->should_log(ToSpdlog(level))) return;
  const bool json = format_ == LogFormat::kJson;
  std::string line = json ? "\"msg\":" + Quoted(message) : Printable(message);
  for (const auto& field : fields) {
    line += json ? fmt::format(",{}:{}", Quoted(field.key), Quoted(field.value))
                 : fmt::format(" {}={}", field.key, Quoted(field.value));
  }
  logger_->log(ToSpdlog(level), "{}", line);
}

}  // namespace sparkfit::base
