// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/model/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <type_traits>

#include "sparkfit/base/meant.h"
#include "sparkfit/base/quantity.h"
#include "sparkfit/base/text.h"

namespace sparkfit::model {
namespace {

constexpr std::string_view kOwnPrefix = "sparkfit.io/";
constexpr int kFirstEmrRank = 2;  // after our annotation and our label
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

template <std::size_t N>
const KnownKey* FindSuffix(const std::array<KnownKey, N>& keys, std::string_view suffix) {
  for (const auto& key : keys) {
    if (key.suffix == suffix) return &key;
  }
  return nullptr;
}

template <std::size_t N>
std::string_view NearestSuffix(const std::array<KnownKey, N>& keys, std::string_view suffix) {
  std::array<std::string_view, N> known;
  std::transform(keys.begin(), keys.end(), known.begin(), [](const auto& key) {
    return key.setting == Setting::kDerivedSignature ? std::string_view() : key.suffix;
  });
  return base::Nearest(suffix, known);
}

// The whole key that was probably meant by one that is not known; empty: none is near.
std::string MeantKey(std::string_view key) {
  const auto whole = [&](std::string_view prefix, const auto& keys) {
    const auto suffix = NearestSuffix(keys, key.substr(prefix.size()));
    return suffix.empty() ? "" : std::string(prefix) + std::string(suffix);
  };
  if (key.starts_with(kOwnPrefix)) return whole(kOwnPrefix, kOwnKeys);
  return key.starts_with(kEmrPrefix) ? whole(kEmrPrefix, kEmrKeys) : "";
}

// The pod that has a setting of a job, executor before driver; null where neither has.
const PodSettings* Holder(Setting setting, const PodSettings& executor, const PodSettings* driver) {
  if (executor.Get(setting)) return &executor;
  return driver != nullptr && driver->Get(setting) ? driver : nullptr;
}

std::optional<std::string> LookUp(Setting setting, const PodSettings& executor,
                                  const PodSettings* driver) {
  const auto* holder = Holder(setting, executor, driver);
  if (holder == nullptr) return std::nullopt;
  return std::string(*holder->Get(setting));
}

std::string TooLong(std::string_view what) {
  return fmt::format("{} has more than {} bytes", what, kLongestSetting);
}

// Reads the settings of a job; those that cannot be used are absent and named.
class Reader {
 public:
  Reader(const PodSettings& executor, const PodSettings* driver, std::vector<std::string>& problems)
      : executor_(executor), driver_(driver), problems_(problems) {}

  std::optional<std::string> Text(Setting setting) {
    return Read(setting, Holder(setting, executor_, driver_),
                [](std::string_view text) { return base::Result<std::string>(std::string(text)); });
  }

  [[nodiscard]] std::string KeyOf(Setting setting) const {
    const auto* holder = Holder(setting, executor_, driver_);
    return holder != nullptr ? holder->KeyOf(setting) : "";
  }

  std::optional<base::Bytes> Bound(Setting setting) {
    return Read(setting, Holder(setting, executor_, driver_),
                [](std::string_view text) { return base::ParseBound(text); });
  }

  std::optional<bool> Flag(Setting setting) {
    return Read(setting, Holder(setting, executor_, driver_), base::ParseBoolean);
  }

  // Of one pod: its own key, else EMR's where that counts; executor before driver.
  std::optional<Mode> GetMode(bool emr_counts) {
    for (const auto* pod : {&executor_, driver_}) {
      if (pod == nullptr) continue;
      const bool own = pod->Get(Setting::kMode).has_value();
      if (!own && !(emr_counts && pod->Get(Setting::kEmrMode))) continue;
      return Read(own ? Setting::kMode : Setting::kEmrMode, pod, ParseMode);
    }
    return std::nullopt;
  }

  void NameMisspelt() {
    for (const auto* pod : {&executor_, driver_}) {
      if (pod == nullptr) continue;
      for (const auto& key : pod->Misspelt()) {
        problems_.push_back(
            fmt::format("{} is no setting{}", key, base::Suggestion(MeantKey(key))));
      }
    }
  }

 private:
  template <typename Parse>
  auto Read(Setting setting, const PodSettings* holder, const Parse& parse)
      -> std::optional<typename std::invoke_result_t<Parse, std::string_view>::value_type> {
    if (holder == nullptr) return std::nullopt;
    const auto text = *holder->Get(setting);
    if (text.size() > kLongestSetting) {
      problems_.push_back(TooLong(holder->KeyOf(setting)));
      return std::nullopt;
    }
    const auto value = parse(text);
    if (value) return *value;
    problems_.push_back(fmt::format("{}: {}", holder->KeyOf(setting), value.error().message));
    return std::nullopt;
  }

  const PodSettings& executor_;
  const PodSettings* driver_;
  std::vector<std::string>& problems_;
};

// What is left of bounds of one source.
Bounds Sound(Bounds bounds) {
  for (auto* bound : {&bounds.min, &bounds.max}) {
    if (*bound && **bound < base::kSmallestBound) bound->reset();
  }
  if (bounds.min && bounds.max && *bounds.min > *bounds.max) return {};
  return bounds;
}

// The value of that name; `names` tells people what there is.
template <typename Enum, std::size_t kCount>
base::Result<Enum> ParseNamed(std::string_view text, const std::array<Enum, kCount>& values,
                              std::string_view names) {
  std::array<std::string_view, kCount> known;
  std::transform(values.begin(), values.end(), known.begin(),
                 [](Enum value) { return Name(value); });
  const auto found = std::find(known.begin(), known.end(), text);
  if (found != known.end()) return values.at(static_cast<std::size_t>(found - known.begin()));
  return base::Fail(base::Code::kInvalidArgument,
                    fmt::format("\"{}\" is not {}{}", base::Beginning(text, 40), names,
                                base::Suggestion(base::Nearest(text, known))));
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

base::Result<Mode> ParseMode(std::string_view text) {
  return ParseNamed(text, std::array{Mode::kOff, Mode::kInitial, Mode::kAuto},
                    "Off, Initial or Auto");
}

std::optional<SettingSource> FindSetting(std::string_view key, bool annotation) {
  const std::uint8_t label = annotation ? 0 : 1;
  if (key.starts_with(kOwnPrefix)) {
    const auto* own = FindSuffix(kOwnKeys, key.substr(kOwnPrefix.size()));
    if (own != nullptr) return SettingSource{own->setting, label};
  } else if (key.starts_with(kEmrPrefix)) {
    const auto* emr = FindSuffix(kEmrKeys, key.substr(kEmrPrefix.size()));
    if (emr != nullptr) {
      return SettingSource{emr->setting,
                           static_cast<std::uint8_t>(kFirstEmrRank + 2 * emr->alias + label)};
    }
  }
  return std::nullopt;
}

void PodSettings::Offer(SettingSource source, std::string_view value) {
  if (value.empty()) return;
  value = value.substr(0, kLongestSetting + 1);
  const auto at = std::lower_bound(
      values_.begin(), values_.end(), source.setting,
      [](const Value& known, Setting setting) { return known.source.setting < setting; });
  if (at == values_.end() || at->source.setting != source.setting) {
    values_.insert(at, {source, std::string(value)});
  } else if (source.rank < at->source.rank) {
    *at = {source, std::string(value)};
  }
}

void PodSettings::OfferUnknown(std::string_view key) {
  constexpr std::size_t kMostMisspelt = 4;
  constexpr std::uint8_t kMostLookedAt = 32;  // a look costs some microseconds
  const bool of_ours = key.starts_with(kOwnPrefix) || key.starts_with(kEmrPrefix);
  if (!of_ours || looked_at_ == kMostLookedAt) return;
  ++looked_at_;
  if (misspelt_.size() < kMostMisspelt && !MeantKey(key).empty()) misspelt_.emplace_back(key);
}

const PodSettings::Value* PodSettings::Find(Setting setting) const {
  for (const auto& value : values_) {
    if (value.source.setting == setting) return &value;
  }
  return nullptr;
}

std::optional<std::string_view> PodSettings::Get(Setting setting) const {
  const auto* value = Find(setting);
  if (value == nullptr) return std::nullopt;
  return value->text;
}

std::size_t PodSettings::Bytes() const {
  std::size_t bytes = 0;
  for (const auto& value : values_) bytes += sizeof(Value) + value.text.size();
  for (const auto& key : misspelt_) bytes += sizeof(std::string) + key.size();
  return bytes;
}

bool PodSettings::Own() const {
  return std::any_of(values_.begin(), values_.end(), [](const Value& value) {
    return value.source.rank < kFirstEmrRank && value.source.setting != Setting::kDerivedSignature;
  });
}

std::string PodSettings::KeyOf(Setting setting) const {
  const auto rank = Find(setting)->source.rank;
  for (const auto& key : kEmrKeys) {
    if (key.setting == setting && rank >= kFirstEmrRank &&
        key.alias == (rank - kFirstEmrRank) / 2) {
      return std::string(kEmrPrefix) + std::string(key.suffix);
    }
  }
  return AnnotationOf(setting);
}

std::string_view Name(DriverMetrics whose) {
  switch (whose) {
    case DriverMetrics::kOff:
      return "off";
    case DriverMetrics::kOptIn:
      return "optIn";
    case DriverMetrics::kObserved:
      return "observed";
  }
  return "";
}

base::Result<DriverMetrics> ParseDriverMetrics(std::string_view text) {
  if (text == "false") return DriverMetrics::kOff;
  if (text == "true") return DriverMetrics::kOptIn;
  return ParseNamed(
      text, std::array{DriverMetrics::kOff, DriverMetrics::kOptIn, DriverMetrics::kObserved},
      "off, optIn or observed");
}

std::optional<std::string> FindSignature(const PodSettings& executor, const PodSettings* driver,
                                         std::vector<std::string>& problems) {
  auto signature = LookUp(Setting::kSignature, executor, driver);
  if (!signature) signature = LookUp(Setting::kDerivedSignature, executor, driver);
  if (!signature || signature->size() <= kLongestSetting) return signature;
  problems.push_back(TooLong("signature") + "; it is not observed");
  return std::nullopt;
}

void CutProblems(std::vector<std::string>& problems) {
  if (problems.size() > kMostProblems) problems.resize(kMostProblems);
  for (auto& problem : problems) base::Cut(problem, kLongestSetting);
  problems.shrink_to_fit();
}

void Cut(JobRequest& job) {
  for (auto* text : {&job.policy, &job.family}) {
    if (*text && (*text)->size() > kLongestSetting) text->reset();
  }
  CutProblems(job.problems);
}

JobRequest Understand(const PodSettings& executor, const PodSettings* driver) {
  JobRequest job;
  Reader reader(executor, driver, job.problems);
  job.policy = reader.Text(Setting::kPolicy);
  job.family = reader.Text(Setting::kFamily);
  job.min_memory = reader.Bound(Setting::kMinMemory);
  job.max_memory = reader.Bound(Setting::kMaxMemory);
  LeaveOutContradiction(job.min_memory, reader.KeyOf(Setting::kMinMemory), job.max_memory,
                        reader.KeyOf(Setting::kMaxMemory), job.problems);
  job.scale_memory = reader.Flag(Setting::kScaleMemory).value_or(true);
  job.wants_cpu = reader.Flag(Setting::kScaleCpu).value_or(false);
  job.driver_metrics = reader.Flag(Setting::kDriverMetrics);
  // Whoever wrote something else may have meant no.
  if (!job.driver_metrics && LookUp(Setting::kDriverMetrics, executor, driver)) {
    job.driver_metrics = false;
  }
  job.mode = reader.GetMode(reader.Flag(Setting::kEmrToggle).value_or(false));
  job.emr = LookUp(Setting::kSignature, executor, driver) && !executor.Own() &&
            (driver == nullptr || !driver->Own());
  reader.NameMisspelt();
  CutProblems(job.problems);
  return job;
}

void LeaveOutContradiction(std::optional<base::Bytes>& min, std::string_view min_name,
                           std::optional<base::Bytes>& max, std::string_view max_name,
                           std::vector<std::string>& problems) {
  if (!min || !max || *min <= *max) return;
  problems.push_back(fmt::format("{}: {} is above {}: {}", min_name, base::FormatQuantity(*min),
                                 max_name, base::FormatQuantity(*max)));
  min.reset();
  max.reset();
}

Bounds BoundsInForce(const JobRequest& job, const Bounds& user,
                     std::vector<std::string>& problems) {
  const auto of_user = Sound(user);
  auto of_job = Sound({job.min_memory, job.max_memory});
  if (of_user.min && of_job.max && *of_user.min > *of_job.max) {
    problems.push_back(fmt::format("max-memory: {} is below spec.memory.min: {}",
                                   base::FormatQuantity(*of_job.max),
                                   base::FormatQuantity(*of_user.min)));
    of_job.max.reset();
  }
  if (of_user.max && of_job.min && *of_user.max < *of_job.min) {
    problems.push_back(fmt::format("min-memory: {} is above spec.memory.max: {}",
                                   base::FormatQuantity(*of_job.min),
                                   base::FormatQuantity(*of_user.max)));
    of_job.min.reset();
  }
  return {of_user.min ? of_user.min : of_job.min, of_user.max ? of_user.max : of_job.max};
}

Mode ModeInForce(const JobRequest& job, const std::optional<Mode>& user) {
  if (user) return *user;
  return job.scale_memory ? job.mode.value_or(Mode::kOff) : Mode::kOff;
}

}  // namespace sparkfit::model
