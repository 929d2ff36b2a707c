// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/eventlog/removal.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace sparkfit::eventlog {
namespace {

constexpr int kSigKill = 137;

bool Contains(std::string_view text, std::string_view what) {
  return text.find(what) != std::string_view::npos;
}

// The rest of the line behind `label`; nothing where it is not there.
std::optional<std::string_view> Behind(std::string_view text, std::string_view label) {
  const auto found = text.find(label);
  if (found == std::string_view::npos) return std::nullopt;
  const auto rest = text.substr(found + label.size());
  return rest.substr(0, rest.find('\n'));
}

std::optional<int> NumberBehind(std::string_view text, std::string_view label) {
  const auto rest = Behind(text, label);
  int number = 0;
  if (!rest) return std::nullopt;
  const auto [stop, error] = std::from_chars(rest->data(), rest->data() + rest->size(), number);
  return error == std::errc{} ? std::optional(number) : std::nullopt;
}

// What Kubernetes tells of the containers stands in blocks, each begun by its name. Before
// SPARK-49804 the first line is about whichever container came first.
std::string_view BlockOf(std::string_view text, std::string_view container) {
  constexpr std::string_view kName = "container name: ";
  for (auto at = text.find(kName); at != std::string_view::npos;) {
    const auto next = text.find(kName, at + kName.size());
    const auto block = text.substr(at, next == std::string_view::npos ? next : next - at);
    if (Behind(block, kName) == container) return block;
    at = next;
  }
  return {};
}

Removal OnKubernetes(std::string_view text, std::string_view container, int headline) {
  const auto block = BlockOf(text, container);
  Removal removal{RemovalKind::kEnded, NumberBehind(block, "exit code: ").value_or(headline)};
  const auto reason = Behind(block, "termination reason: ");
  if (reason && *reason != "N/A") removal.reason = reason->substr(0, 63);
  removal.disrupted = Contains(text, "brief reason: Evicted");
  // -1: the pod failed, and no container of it shows an end.
  if (removal.exit_code >= 0) return removal;
  return {removal.disrupted ? RemovalKind::kDisrupted : RemovalKind::kUnknown};
}

// Spark's standalone workers and YARN's node managers tell the code alone.
constexpr std::array<std::string_view, 2> kOtherCodes{"Command exited with code ", "Exit status: "};
constexpr std::array<std::string_view, 4> kWanted{"killed by driver", "Executor decommission",
                                                  "Finished decommissioning",
                                                  "exited from explicit termination request"};
constexpr std::array<std::string_view, 2> kDisrupted{"was deleted by a user or the framework",
                                                     "brief reason: Evicted"};

}  // namespace

Removal ReadRemoval(std::string_view text, std::string_view container) {
  if (const auto code = NumberBehind(text, "exited with exit code ")) {
    return OnKubernetes(text, container, *code);
  }
  const auto says = [&](std::string_view what) { return Contains(text, what); };
  if (says("killed by YARN for exceeding physical memory limits")) {
    return {RemovalKind::kEnded, kSigKill, "OOMKilled"};
  }
  for (const auto label : kOtherCodes) {
    const auto code = NumberBehind(text, label);
    if (code && *code >= 0) return {RemovalKind::kEnded, *code};
  }
  if (std::any_of(kWanted.begin(), kWanted.end(), says)) return {RemovalKind::kWanted};
  if (std::any_of(kDisrupted.begin(), kDisrupted.end(), says)) return {RemovalKind::kDisrupted};
  return {};
}

}  // namespace sparkfit::eventlog
