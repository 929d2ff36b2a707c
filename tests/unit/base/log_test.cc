// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/base/log.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <sstream>

namespace sparkfit::base {
namespace {

TEST_CASE("JSON lines stay JSON whatever the values hold", "[base][log]") {
  std::ostringstream out;
  const Logger log(out, LogLevel::kInfo, LogFormat::kJson);
  const std::string hostile = "a \"quote\", a \\ and\nnew lines\t{}\x01 %v";
  log.Warning(hostile, {{"signature", hostile}});
  const auto line = nlohmann::json::parse(out.str());
  CHECK(line["msg"] == hostile);
  CHECK(line["signature"] == hostile);
  CHECK(line["level"] == "warning");
}

TEST_CASE("JSON lines are UTF-8 whatever the values hold", "[base][log]") {
  for (int byte = 0; byte < 256; ++byte) {
    INFO(byte);
    std::ostringstream out;
    const Logger log(out, LogLevel::kInfo, LogFormat::kJson);
    const std::string hostile{'a', static_cast<char>(byte), 'b'};
    log.Info("m", {{"why", hostile}, {"cut", "\xe2\x82"}, {"after", "z\u2028\u00fc"}});
    const auto text = out.str();
    CHECK(std::count(text.begin(), text.end(), '\n') == 1);  // one line
    const auto line = nlohmann::json::parse(text, nullptr, false);
    REQUIRE(line.is_object());
    CHECK(line["why"] == (byte < 0x80 ? hostile : "a\ufffdb"));
    CHECK(line["cut"] == "\ufffd");
    CHECK(line["after"] == "z\u2028\u00fc");
  }
}

TEST_CASE("foreign text in a message reaches no terminal as it is", "[base][log]") {
  std::ostringstream out;
  const Logger log(out, LogLevel::kWarning, LogFormat::kText);
  log.Warning("line 3: \"\033]0;x\a\nerror: forged\" is no signature");
  CHECK(out.str() == "warning: line 3: \"?]0;x??error: forged\" is no signature\n");
}

TEST_CASE("levels below the chosen one are left out", "[base][log]") {
  std::ostringstream out;
  const Logger log(out, LogLevel::kWarning, LogFormat::kText);
  log.Debug("debug");
  log.Info("info");
  CHECK(out.str().empty());
  log.Error("failed", {{"file", "a.ndjson"}});
  CHECK(out.str() == "error: failed file=\"a.ndjson\"\n");
}

TEST_CASE("levels and formats are read by name", "[base][log]") {
  CHECK(ParseLogLevel("debug") == LogLevel::kDebug);
  CHECK(ParseLogFormat("json") == LogFormat::kJson);
  const auto wrong = ParseLogLevel("loud");
  REQUIRE_FALSE(wrong.has_value());
  CHECK_THAT(wrong.error().message, Catch::Contains("debug, info, warning, error"));
}

}  // namespace
}  // namespace sparkfit::base
