// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/base/time.h"

#include <catch2/catch.hpp>

#include "sparkfit/base/clock.h"

namespace sparkfit::base {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

TEST_CASE("times of RFC 3339 are read to the millisecond", "[base][time]") {
  struct Case {
    const char* text;
    std::int64_t since_epoch_ms;
  };
  const Case cases[] = {{"1970-01-01T00:00:00Z", 0},
                        {"2001-09-09T01:46:40Z", 1000000000000},
                        {"2001-09-09T01:46:40.5Z", 1000000000500},
                        {"2001-09-09T01:46:40.123456789Z", 1000000000123},
                        {"2001-09-09T01:46:40.1239Z", 1000000000123},
                        {"2001-09-09T03:46:40+02:00", 1000000000000},
                        {"2001-09-08T20:16:40-05:30", 1000000000000},
                        {"2001-09-09t01:46:40z", 1000000000000},
                        {"2024-02-29T00:00:00Z", 1709164800000},
                        {"2016-12-31T23:59:60Z", 1483228800000}};  // a leap second
  for (const auto& c : cases) {
    INFO(c.text);
    const auto time = ParseTime(c.text);
    REQUIRE(time.has_value());
    CHECK(time->time_since_epoch().count() == c.since_epoch_ms);
  }
}

TEST_CASE("what is no time is refused", "[base][time]") {
  for (const auto* text :
       {"", "now", "2026-11-23", "2026-11-23T10:08:20", "2026-11-23 10:08:20Z",
        "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2023-02-29T00:00:00Z",
        "2026-11-23T24:00:00Z", "2026-11-23T10:60:00Z", "2026-11-23T10:08:61Z",
        "2026-11-23T10:08:20.Z", "2026-11-23T10:08:20+2:00", "2026-11-23T10:08:20+02:00x",
        "1969-12-31T23:59:59Z", "26-11-23T10:08:20ZZZ", "-026-11-23T10:08:20Z"}) {
    INFO(text);
    CHECK_FALSE(ParseTime(text).has_value());
  }
}

TEST_CASE("times are written with milliseconds only where there are some", "[base][time]") {
  CHECK(FormatTime(Time(milliseconds(1000000000000))) == "2001-09-09T01:46:40Z");
  CHECK(FormatTime(Time(milliseconds(1000000000005))) == "2001-09-09T01:46:40.005Z");
}

TEST_CASE("durations are read as Go and Prometheus write them", "[base][time]") {
  CHECK(ParseDuration("24h") == hours(24));
  CHECK(ParseDuration("1h30m") == minutes(90));
  CHECK(ParseDuration("1.5h") == minutes(90));
  CHECK(ParseDuration("7d") == hours(168));
  CHECK(ParseDuration("250ms") == milliseconds(250));
  CHECK(ParseDuration("0") == Duration(0));
  for (const auto* text :
       {"", "h", "24", "-1h", "1y", "1h30", "1 h", "1.1.1h", "1000000d", "nan"}) {
    INFO(text);
    CHECK_FALSE(ParseDuration(text).has_value());
  }
}

TEST_CASE("durations are written in hours, minutes and seconds", "[base][time]") {
  CHECK(FormatDuration(hours(24)) == "24h");
  CHECK(FormatDuration(minutes(90)) == "1h30m");
  CHECK(FormatDuration(milliseconds(61001)) == "1m1s1ms");
  CHECK(FormatDuration(Duration(0)) == "0s");
}

TEST_CASE("a virtual clock moves only when told, and never back", "[base][clock]") {
  VirtualClock clock(Time(seconds(100)));
  const auto steady = clock.SteadyNow();
  clock.AdvanceTo(Time(seconds(90)));
  CHECK(clock.Wall() == Time(seconds(100)));
  clock.AdvanceTo(Time(seconds(107)));
  CHECK(clock.Wall() == Time(seconds(107)));
  CHECK(clock.SteadyNow() - steady == seconds(7));
}

// Found by fuzzing: the leap overflowed the steady clock's nanoseconds.
TEST_CASE("a virtual clock survives a leap to the end of time", "[base][clock]") {
  VirtualClock clock;
  clock.AdvanceTo(*ParseTime("9999-12-31T23:59:59Z"));
  CHECK(clock.SteadyNow().time_since_epoch() == hours(24 * 365 * 290));
  CHECK(FormatTime(clock.Wall()) == "9999-12-31T23:59:59Z");
}

}  // namespace
}  // namespace sparkfit::base
