// SPDX-License-Identifier: Apache-2.0
//
// Structured logging: a constant lower-case message and key/value fields, to standard error, as
// text for people or one JSON object a line for machines. Only the edges log (cli and adapters);
// the pure rooms return reasons instead.
#pragma once

#include <initializer_list>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>

#include "sparkfit/base/result.h"

namespace spdlog {
class logger;
}

namespace sparkfit::base {

enum class LogLevel { kDebug, kInfo, kWarning, kError };
enum class LogFormat { kText, kJson };

Result<LogLevel> ParseLogLevel(std::string_view name);    // debug, info, warning, error
Result<LogFormat> ParseLogFormat(std::string_view name);  // text, json

struct Field {
  std::string_view key;
  std::string value;
};

// Safe for concurrent use.
class Logger {
 public:
  // REQUIRES: `out` outlives the logger.
  Logger(std::ostream& out, LogLevel level, LogFormat format);

  void Debug(std::string_view message, std::initializer_list<Field> fields = {}) const;
  void Info(std::string_view message, std::initializer_list<Field> fields = {}) const;
  void Warning(std::string_view message, std::initializer_list<Field> fields = {}) const;
  void Error(std::string_view message, std::initializer_list<Field> fields = {}) const;

 private:
  void Write(LogLevel level, std::string_view message, std::initializer_list<Field> fields) const;

  LogFormat format_;
  std::shared_ptr<spdlog::logger> logger_;
};

}  // namespace sparkfit::base
