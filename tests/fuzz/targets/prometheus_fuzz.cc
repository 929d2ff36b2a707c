// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "sparkfit/replay/import.h"
#include "sparkfit/wire/observation_log.h"

// Any answer of a server: what is read of it is finite and in order, and the log that is made of it
// is a log, in order of time, the same in one window or in two.
namespace {

using namespace sparkfit;

constexpr base::Time kFrom{std::chrono::seconds(1'700'000'000)};
constexpr base::Duration kStep = std::chrono::seconds(30);
constexpr base::Time kTo = kFrom + 40 * kStep;

std::string LogOf(const wire::PrometheusAnswer& answer, base::Time middle) {
  const auto rules = model::SignatureRules::Parse("{team},{pod-name}");
  std::string log;
  const auto sink = [&](std::string_view line) { log += line; };
  replay::Importer first({}, *rules);
  auto series = answer.series;
  for (auto& one : series) {
    std::erase_if(one.points, [&](const auto& p) { return p.t > middle || p.t <= kFrom - kStep; });
  }
  first.Take(std::move(series), kFrom, middle, sink);
  replay::Importer second({}, *rules);
  if (!second.Restore(first.Save())) std::abort();
  if (middle < kTo) {
    series = answer.series;
    for (auto& one : series) {
      std::erase_if(one.points, [&](const auto& p) { return p.t <= middle; });
    }
    second.Take(std::move(series), middle + kStep, kTo, sink);
  }
  second.Finish(sink);
  return log;
}

void CheckLog(const std::string& log) {
  wire::LogLineParser parser;
  std::string padded = log + std::string(wire::kLinePadding, ' ');
  base::Time before{};
  for (std::size_t at = 0; at < log.size();) {
    const auto end = log.find('\n', at);
    const auto line = parser.Parse(std::string_view(padded).substr(at, end - at));
    if (!line) std::abort();
    const auto* observation = std::get_if<model::Observation>(&*line);
    if (observation == nullptr || observation->t < before) std::abort();
    before = observation->t;
    at = end + 1;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto rules = model::SignatureRules::Parse("{team}");
  const replay::Importer importer({}, *rules);
  const auto answer = wire::ReadPrometheusAnswer({reinterpret_cast<const char*>(data), size},
                                                 [&](auto label) { return importer.Wants(label); });
  if (!answer) return 0;
  for (const auto& series : answer->series) {
    base::Time before{base::Duration(-1)};
    for (const auto& point : series.points) {
      if (!std::isfinite(point.value) || point.t <= before) std::abort();
      before = point.t;
    }
  }
  const auto log = LogOf(*answer, kTo);
  CheckLog(log);
  if (LogOf(*answer, kFrom + 20 * kStep) != log) std::abort();
  return 0;
}
