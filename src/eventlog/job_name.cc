// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/eventlog/job_name.h"

#include <array>
#include <regex>

#include "sparkfit/base/text.h"
#include "sparkfit/model/settings.h"

namespace sparkfit::eventlog {
namespace {

// In this order: a UUID; a date, with a time perhaps; a long number, also one to the base of 16.
constexpr std::array<const char*, 4> kOfRuns{
    "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
    "(19|20)[0-9]{2}[-_./]?(0[1-9]|1[0-2])[-_./]?(0[1-9]|[12][0-9]|3[01])"
    "([T _-]?[0-9]{2}[-_:.]?[0-9]{2}([-_:.]?[0-9]{2}([.][0-9]+)?)?Z?)?(?![0-9])",
    "[0-9]{6,}", "\\b(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\\b"};

constexpr std::string_view kBetween = " -_./:+,()[]";

}  // namespace

std::string JobName(std::string_view application) {
  std::string name(base::Beginning(application, model::kLongestSetting));
  for (const auto* pattern : kOfRuns) {
    name = std::regex_replace(name, std::regex(pattern, std::regex::optimize), "");
  }
  // What stood between two of them stands once.
  std::string joined;
  for (const char c : name) {
    const bool between = kBetween.find(c) != std::string_view::npos;
    if (between && (joined.empty() || kBetween.find(joined.back()) != std::string_view::npos)) {
      continue;
    }
    joined += c;
  }
  while (!joined.empty() && kBetween.find(joined.back()) != std::string_view::npos) {
    joined.pop_back();
  }
  return joined;
}

}  // namespace sparkfit::eventlog
