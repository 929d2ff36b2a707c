// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/model/settings.h"

#include <fmt/format.h>

#include "sparkfit/base/quantity.h"

namespace sparkfit::model {
namespace {

constexpr std::string_view kOwnPrefix = "sparkfit.io/";
constexpr std::string_view kEmrPrefix = "emr-containers.amazonaws.com/dynamic.sizing";

struct KnownKey {
  std::string_view suffix;
  Setting setting;
  std::uint8_t alias = 0;  // EMR's documentation writes some keys in two ways
};

constexpr std::array<KnownKey, 8> kOwnKeys{{{"signature", Setting::kSignature},
                                            {"family", Setting::kFamily},
                                            {"mode", Setting::kMode},
                                            {"policy", Setting::kPolicy},
                                            {"min-memory", Setting::kMinMemory},
                                            {"max-memory", Setting::kMaxMemory},
                                            {"driver-metrics", Setting::kDriverMetrics},
                                            // in observation logs, in place of the labels
                                            {"derived-signature", Setting::kDerivedSignature}}};

constexpr std::array<KnownKey, 9> kEmrKeys{{{"", Setting::kEmrToggle},
                                            {".signature", Setting::kSignature},
                                            {".mode", Setting::kEmrMode},
                                            {".scale.memory", Setting::kScaleMemory},
                                            {".scale.cpu", Setting::kScaleCpu},
                                            {".scale.memory.min", Setting::kMinMemory},
                                            {".scale.memory.max", Setting::kMaxMemory},
                                            {".memory.min", Setting::kMinMemory, 1},
                                            {".memory.max", Setting::kMaxMemory, 1}}};

std::size_t Index(Setting setting) { return static_cast<std::size_t>(setting); }

template <std::size_t N>
const KnownKey* FindSuffix(const std::array<KnownKey, N>& keys, std::string_view suffix) {
  for (const auto& key : keys) {
    if (key.suffix == suffix) return &key;
  }
  return nullptr;
}

// One setting of a job, executor before driver.
const std::optional<std::string>& LookUp(Setting setting, const PodSettings& executor,
                                         const PodSettings* driver) {
  const auto& own = executor.Get(setting);
  return own || driver == nullptr ? own : driver->Get(setting);
}

// The mode of one pod: its own key, else EMR's where that counts.
const std::optional<std::string>& ModeOf(const PodSettings& pod, bool emr_counts) {
  const auto& own = pod.Get(Setting::kMode);
  static const std::optional<std::string> none;
  if (own) return own;
  return emr_counts ? pod.Get(Setting::kEmrMode) : none;
}

std::optional<base::Bytes> Memory(const std::optional<std::string>& text, std::string_view what,
                                  std::vector<std::string>& problems) {
  if (!text) return std::nullopt;
  const auto amount = base::ParseMemory(*text);
  if (!amount) {
    problems.push_back(fmt::format("{} memory: {}", what, amount.error().message));
    return std::nullopt;
  }
  if (amount->value == 0) {
    problems.push_back(fmt::format("{} memory: 0 is no bound", what));
    return std::nullopt;
  }
  return *amount;
}

bool IsTrue(const std::optional<std::string>& text, bool fallback, std::string_view what,
            std::vector<std::string>& problems) {
  if (!text) return fallback;
  if (*text != "true" && *text != "false") {
    problems.push_back(
        fmt::format("{}: \"{}\" is neither true nor false", what, text->substr(0, 40)));
    return fallback;
  }
  return *text == "true";
}

}  // namespace

std::vector<std::string> SettingKeys() {
  std::vector<std::string> keys;
  for (const auto& key : kOwnKeys) {
    keys.push_back(std::string(kOwnPrefix) + std::string(key.suffix));
  }
  for (const auto& key : kEmrKeys) {
    keys.push_back(std::string(kEmrPrefix) + std::string(key.suffix));
  }
  return keys;
}

std::string AnnotationOf(Setting setting) {
  for (const auto& key : kOwnKeys) {
    if (key.setting == setting) return std::string(kOwnPrefix) + std::string(key.suffix);
  }
  for (const auto& key : kEmrKeys) {
    if (key.setting == setting) return std::string(kEmrPrefix) + std::string(key.suffix);
  }
  return "";
}

std::string_view Name(Mode mode) {
  switch (mode) {
    case Mode::kOff:
      return "Off";
    case Mode::kInitial:
      return "Initial";
    case Mode::kAuto:
      return "Auto";
  }
  return "";
}

std::optional<Mode> ParseMode(std::string_view text) {
  for (const auto mode : {Mode::kOff, Mode::kInitial, Mode::kAuto}) {
    if (text == Name(mode)) return mode;
  }
  return std::nullopt;
}

std::optional<SettingSource> FindSetting(std::string_view key, bool annotation) {
  const std::uint8_t label = annotation ? 0 : 1;
  if (key.starts_with(kOwnPrefix)) {
    const auto* own = FindSuffix(kOwnKeys, key.substr(kOwnPrefix.size()));
    if (own != nullptr) return SettingSource{own->setting, label};
  } else if (key.starts_with(kEmrPrefix)) {
    const auto* emr = FindSuffix(kEmrKeys, key.substr(kEmrPrefix.size()));
    if (emr != nullptr) {
      return SettingSource{emr->setting, static_cast<std::uint8_t>(2 + 2 * emr->alias + label)};
    }
  }
  return std::nullopt;
}

void PodSettings::Offer(SettingSource source, std::string_view value) {
  const auto i = Index(source.setting);
  if (value.empty() || (values_[i] && ranks_[i] <= source.rank)) return;
  values_[i] = value;
  ranks_[i] = source.rank;
}

const std::optional<std::string>& PodSettings::Get(Setting setting) const {
  return values_[Index(setting)];
}

std::optional<std::string> FindSignature(const PodSettings& executor, const PodSettings* driver,
                                         std::vector<std::string>& problems) {
  const auto& given = LookUp(Setting::kSignature, executor, driver);
  const auto& signature = given ? given : LookUp(Setting::kDerivedSignature, executor, driver);
  if (!signature || signature->size() <= kLongestSignature) return signature;
  problems.push_back(fmt::format("signature: {} bytes are more than {}; it is not observed",
                                 signature->size(), kLongestSignature));
  return std::nullopt;
}

JobRequest Understand(const PodSettings& executor, const PodSettings* driver) {
  const auto look_up = [&](Setting setting) { return LookUp(setting, executor, driver); };
  JobRequest job;
  job.policy = look_up(Setting::kPolicy);
  job.family = look_up(Setting::kFamily);
  job.min_memory = Memory(look_up(Setting::kMinMemory), "min", job.problems);
  job.max_memory = Memory(look_up(Setting::kMaxMemory), "max", job.problems);
  job.scale_memory = IsTrue(look_up(Setting::kScaleMemory), true, "scale.memory", job.problems);
  job.wants_cpu = IsTrue(look_up(Setting::kScaleCpu), false, "scale.cpu", job.problems);
  job.driver_metrics =
      IsTrue(look_up(Setting::kDriverMetrics), false, "driver-metrics", job.problems);
  const bool emr_counts = look_up(Setting::kEmrToggle) == "true";
  auto mode = ModeOf(executor, emr_counts);
  if (!mode && driver != nullptr) mode = ModeOf(*driver, emr_counts);
  if (mode) {
    job.mode = ParseMode(*mode);
    if (!job.mode) {
      job.problems.push_back(
          fmt::format("mode: \"{}\" is not Off, Initial or Auto", mode->substr(0, 40)));
    }
  }
  return job;
}

Mode ModeInForce(const JobRequest& job, const std::optional<Mode>& user) {
  if (user) return *user;
  return job.scale_memory ? job.mode.value_or(Mode::kOff) : Mode::kOff;
}

}  // namespace sparkfit::model
