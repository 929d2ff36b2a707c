// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "sparkfit/eventlog/observations.h"
#include "sparkfit/eventlog/reader.h"
#include "sparkfit/wire/observation_log.h"

// Any bytes as an event log, packed or not: what is made of them is an observation log in order of
// time.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sparkfit;
  const auto rules = model::SignatureRules::Parse("{team},{app-name}");
  const eventlog::Properties wanted(*rules);
  eventlog::LogReader reader(wanted);
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  auto applications = reader.Read(
      {"log", {"log"}, 0, false},
      [&](const std::string&) {
        return base::Result<std::unique_ptr<replay::ByteSource>>(replay::FromMemory(bytes));
      },
      [](std::uint64_t) { return true; });
  eventlog::Observations observations(std::move(applications), *rules);
  wire::LogLineParser parser;
  base::Time before{};
  const auto written = observations.Write([&](std::string_view text) {
    const auto padded = std::string(text) + std::string(wire::kLinePadding, ' ');
    const auto line = parser.Parse(std::string_view(padded).substr(0, text.size() - 1));
    if (!line) std::abort();
    const auto* observation = std::get_if<model::Observation>(&*line);
    if (observation == nullptr || observation->t < before) std::abort();
    before = observation->t;
  });
  if (!written) std::abort();
  return 0;
}
