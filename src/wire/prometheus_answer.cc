// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/wire/prometheus_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "json.h"
#include "sparkfit/base/text.h"

namespace sparkfit::wire {
namespace {

using base::Code;
using simdjson::error_code;
using simdjson::SUCCESS;

constexpr std::size_t kMostWarnings = 5;
constexpr std::size_t kShown = 300;
// The year 9999, as base::ParseTime.
constexpr double kLatestSecond = 253'402'300'799.0;

using Wanted = std::function<bool(std::string_view)>;

struct Draft {
  PrometheusAnswer answer;
  std::string status;
  std::string error_type;
  std::string error;
  std::string result_type;
};

// Prometheus writes values as text, so that NaN and infinities have a place in JSON.
std::optional<double> Finite(std::string_view text) {
  double value = 0;
  const auto* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end || !std::isfinite(value)) return std::nullopt;
  return value;
}

// [1730000000.123, "17"]
error_code ReadPoint(JsonValue json, PrometheusSeries& series, std::size_t& unusable) {
  double seconds = -1;
  std::string_view text;
  std::size_t place = 0;
  const auto error = ForEachElement(json, [&](JsonValue value) -> error_code {
    switch (place++) {
      case 0:
        return value.get_double().get(seconds);
      case 1:
        return value.get_string().get(text);
    }
    return SUCCESS;
  });
  if (error) return error;
  const auto value = Finite(text);
  if (!value || !(seconds >= 0 && seconds <= kLatestSecond)) {
    ++unusable;
    return SUCCESS;
  }
  const base::Time t{base::Duration(std::llround(seconds * 1000))};
  if (!series.points.empty() && t <= series.points.back().t) {
    ++unusable;
    return SUCCESS;
  }
  series.points.push_back({t, *value});
  return SUCCESS;
}

error_code ReadSeries(JsonValue json, const Wanted& wanted, PrometheusAnswer& answer) {
  PrometheusSeries series;
  std::string too_long;
  const auto error = ForEachMember(json, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "metric") {
      return ForEachMember(value, [&](std::string_view name, JsonValue text) -> error_code {
        if (!wanted(name)) return SUCCESS;
        std::string label(name);
        std::string_view content;
        if (auto failed = text.get_string().get(content)) return failed;
        if (content.size() > kLongestLabelValue) too_long = label;
        series.labels.emplace_back(std::move(label), content.substr(0, kLongestLabelValue));
        return SUCCESS;
      });
    }
    if (key != "values") return SUCCESS;
    return ForEachElement(value, [&](JsonValue point) {
      const auto odd = ReadPoint(point, series, answer.unusable_points);
      if (!IsMerelyOdd(odd)) return odd;
      ++answer.unusable_points;
      return SUCCESS;
    });
  });
  if (error) return error;
  if (too_long.empty()) {
    series.points.shrink_to_fit();
    answer.series.push_back(std::move(series));
  } else if (answer.unusable_series++ == 0) {
    answer.first_unusable =
        fmt::format("{}/{}: label {} is longer than {} bytes", series.Label("namespace"),
                    series.Label("pod"), too_long.substr(0, 80), kLongestLabelValue);
  }
  return SUCCESS;
}

error_code ReadData(JsonValue json, const Wanted& wanted, Draft& draft) {
  return ForEachMember(json, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "resultType") return ReadString(value, draft.result_type);
    if (key != "result") return SUCCESS;
    return ForEachElement(value, [&](JsonValue series) -> error_code {
      // Of a vector or a scalar, which resultType says only here or later.
      simdjson::ondemand::json_type type{};
      if (auto error = series.type().get(type)) return error;
      if (type != simdjson::ondemand::json_type::object) return SUCCESS;
      const auto odd = ReadSeries(series, wanted, draft.answer);
      if (!IsMerelyOdd(odd)) return odd;
      if (draft.answer.unusable_series++ == 0) {
        draft.answer.first_unusable = "a series that is not of the form it should have";
      }
      return SUCCESS;
    });
  });
}

error_code ReadAnswer(JsonObject object, const Wanted& wanted, Draft& draft) {
  return ForEachMember(object, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "status") return ReadString(value, draft.status);
    if (key == "errorType") return ReadString(value, draft.error_type);
    if (key == "error") return ReadString(value, draft.error);
    if (key == "data") return ReadData(value, wanted, draft);
    if (key != "warnings") return SUCCESS;
    return ForEachElement(value, [&](JsonValue warning) -> error_code {
      std::string_view text;
      if (auto error = warning.get_string().get(text)) return error;
      auto& kept = draft.answer.warnings;
      if (kept.size() < kMostWarnings) kept.emplace_back(base::Beginning(text, kShown));
      return SUCCESS;
    });
  });
}

}  // namespace

std::string_view PrometheusSeries::Label(std::string_view name) const {
  const auto found = std::find_if(labels.begin(), labels.end(),
                                  [&](const auto& label) { return label.first == name; });
  return found == labels.end() ? std::string_view{} : found->second;
}

base::Result<PrometheusAnswer> ReadPrometheusAnswer(std::string body, const Wanted& wanted) {
  const auto size = body.size();
  body.resize(size + simdjson::SIMDJSON_PADDING);
  simdjson::ondemand::parser parser;
  simdjson::ondemand::document document;
  JsonObject object;
  Draft draft;
  if (auto error = parser.iterate(body.data(), size, body.size()).get(document)) {
    return Malformed(error);
  }
  if (auto error = document.get_object().get(object)) return Malformed(error);
  if (auto error = ReadAnswer(object, wanted, draft)) return Malformed(error);
  if (draft.status == "error") {
    const bool query = draft.error_type == "bad_data";
    return base::Fail(query ? Code::kInvalidArgument : Code::kUnavailable,
                      fmt::format("{}: {}", base::Beginning(draft.error_type, kShown),
                                  base::Beginning(draft.error, kShown)));
  }
  if (draft.status != "success" || draft.result_type != "matrix") {
    return base::Fail(Code::kMalformed, "it is no answer to a range query");
  }
  return std::move(draft.answer);
}

}  // namespace sparkfit::wire
