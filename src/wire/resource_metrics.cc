// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/wire/resource_metrics.h"

#include <optional>
#include <string>

#include "sparkfit/base/number.h"

namespace sparkfit::wire {
namespace {

constexpr std::string_view kFamily = "container_memory_working_set_bytes{";

// From the front of `text` up to the separator, which is taken away too; nothing where there is
// none.
std::optional<std::string_view> TakeUntil(std::string_view& text, char separator) {
  const auto at = text.find(separator);
  if (at == std::string_view::npos) return std::nullopt;
  const auto taken = text.substr(0, at);
  text.remove_prefix(at + 1);
  return taken;
}

std::string_view TakeWord(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r"), text.size()));
  const auto word = text.substr(0, text.find_first_of(" \t\r"));
  text.remove_prefix(word.size());
  return word;
}

// container="a",namespace="b",pod="c"}, whose end is taken away too.
bool TakeLabels(std::string_view& text, model::UsageSample& sample, std::string& container) {
  while (!text.starts_with('}')) {
    const auto name = TakeUntil(text, '=');
    if (!name || !text.starts_with('"')) return false;
    text.remove_prefix(1);
    const auto value = TakeUntil(text, '"');
    if (!value || value->find('\\') != std::string_view::npos) return false;
    if (*name == "container") container = *value;
    if (*name == "namespace") sample.name_space = *value;
    if (*name == "pod") sample.pod = *value;
    if (text.starts_with(',')) text.remove_prefix(1);
  }
  text.remove_prefix(1);
  return !container.empty() && !sample.name_space.empty() && !sample.pod.empty();
}

std::optional<model::UsageSample> ReadLine(std::string_view line, base::Time now) {
  constexpr auto kMost = static_cast<double>(base::kLargestPlausible.value);
  // Until the year 2262, the end of nanoseconds in 64 bits.
  constexpr std::int64_t kLatest = 9'223'372'036'854;
  model::UsageSample sample;
  std::string container;
  line.remove_prefix(kFamily.size());
  if (!TakeLabels(line, sample, container)) return std::nullopt;
  const auto bytes = base::ParseNumber(TakeWord(line), 0.0, kMost);
  if (!bytes) return std::nullopt;
  sample.timestamp = now;
  if (const auto stamp = TakeWord(line); !stamp.empty()) {
    const auto milliseconds = base::ParseNumber<std::int64_t>(stamp, 0, kLatest);
    if (!milliseconds) return std::nullopt;
    sample.timestamp = base::Time(std::chrono::milliseconds(*milliseconds));
  }
  sample.containers.push_back({std::move(container), {static_cast<std::int64_t>(*bytes)}});
  return sample;
}

}  // namespace

ResourceMetrics ReadResourceMetrics(std::string_view text, base::Time now) {
  ResourceMetrics metrics;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (!line.starts_with(kFamily)) continue;
    if (auto sample = ReadLine(line, now)) {
      metrics.samples.push_back(*std::move(sample));
    } else {
      ++metrics.unreadable;
    }
  }
  return metrics;
}

}  // namespace sparkfit::wire
