// SPDX-License-Identifier: Apache-2.0
//
// What a job asks for by labels and annotations, its own (sparkfit.io/…) or EMR's
// (emr-containers.amazonaws.com/dynamic.sizing…), on the executor pod or on its driver.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sparkfit/base/bytes.h"
#include "sparkfit/base/result.h"

namespace sparkfit::model {

enum class Mode { kOff, kInitial, kAuto };

std::string_view Name(Mode mode);  // "Off", "Initial", "Auto"
// Exactly these; kInvalidArgument, with the one that was probably meant, else.
base::Result<Mode> ParseMode(std::string_view text);

// EMR's mode is a setting of its own because it counts only with dynamic.sizing: "true".
enum class Setting : std::uint8_t {
  kSignature,
  kFamily,
  kMode,
  kPolicy,
  kMinMemory,
  kMaxMemory,
  kEmrToggle,
  kEmrMode,
  kScaleMemory,
  kScaleCpu,
  kDerivedSignature,  // made of labels by configured rules; only where there is no signature
  kDriverMetrics,
};
inline constexpr std::size_t kSettingCount = 12;

// A key in metadata that carries a setting. Of several on one pod the lowest rank counts: own key
// before EMR's, there annotation before label.
struct SettingSource {
  Setting setting;
  std::uint8_t rank;

  friend auto operator<=>(const SettingSource&, const SettingSource&) = default;
};

// Nothing where the key is none of ours or EMR's.
std::optional<SettingSource> FindSetting(std::string_view key, bool annotation);

// Every key that FindSetting knows.
std::vector<std::string> SettingKeys();

// The annotation that carries a setting with the highest rank; FindSetting's counterpart.
std::string AnnotationOf(Setting setting);

// Longer values are refused, signatures and all others, so that a hostile annotation cannot fill
// memory and objects. A name of Kubernetes has at most as many bytes.
inline constexpr std::size_t kLongestSetting = 253;
// Of what was left out of a pod, a job or an object so many are told, each cut to kLongestSetting.
inline constexpr std::size_t kMostProblems = 8;
void CutProblems(std::vector<std::string>& problems);

// The settings of one pod, as written. Small: every pod that is known has them, and few of them.
class PodSettings {
 public:
  // Keeps the value if nothing of a lower rank is there. Empty values count as absent. Of a value
  // that is longer than kLongestSetting no more is kept than shows that it is.
  void Offer(SettingSource source, std::string_view value);
  // Remembers a key that FindSetting does not know if it is nearly one that it does; few of them,
  // of the first few that are offered.
  void OfferUnknown(std::string_view key);
  [[nodiscard]] std::optional<std::string_view> Get(Setting setting) const;
  // The key that the setting was written under. REQUIRES: Get(setting).
  [[nodiscard]] std::string KeyOf(Setting setting) const;
  [[nodiscard]] const std::vector<std::string>& Misspelt() const { return misspelt_; }
  // Some setting is written under a key of sparkfit's own.
  [[nodiscard]] bool Own() const;
  // What it takes besides itself, about.
  [[nodiscard]] std::size_t Bytes() const;

  friend auto operator<=>(const PodSettings&, const PodSettings&) = default;

 private:
  struct Value {
    SettingSource source;
    std::string text;
    friend auto operator<=>(const Value&, const Value&) = default;
  };
  [[nodiscard]] const Value* Find(Setting setting) const;

  std::vector<Value> values_;  // by setting
  std::vector<std::string> misspelt_;
  std::uint8_t looked_at_ = 0;  // keys that might have been meant
};

// Bounds of an executor's memory: those of a job, of a user, or those in force.
struct Bounds {
  std::optional<base::Bytes> min;
  std::optional<base::Bytes> max;

  friend bool operator==(const Bounds&, const Bounds&) = default;
};

// What the job asked for, understood. Values that cannot be understood, or that nobody can mean
// (a bound below base::kSmallestBound, min above max), are left out and named in `problems`.
struct JobRequest {
  std::optional<Mode> mode;
  std::optional<std::string> policy;  // as on a command line: NAME[:option=value,…]
  std::optional<std::string> family;
  std::optional<base::Bytes> min_memory;
  std::optional<base::Bytes> max_memory;
  bool scale_memory = true;
  bool wants_cpu = false;              // understood, but CPU is not sized
  std::optional<bool> driver_metrics;  // the driver may, or may not, be asked for heaps
  bool emr = false;                    // it asks by EMR's keys alone
  std::vector<std::string> problems;
};

// Leaves out what is too long or too much: a checkpoint is anybody's to write.
void Cut(JobRequest& job);

// Whose drivers are asked for their executors' heaps.
enum class DriverMetrics {
  kOff,
  kOptIn,     // of jobs that say driver-metrics: "true"
  kObserved,  // of jobs that have a signature, unless they say driver-metrics: "false"
};

std::string_view Name(DriverMetrics whose);  // "off", "optIn", "observed"
// Takes "false" and "true", too, as the first two were called once.
base::Result<DriverMetrics> ParseDriverMetrics(std::string_view text);

// The signature: on the executor, else on the driver; else one that was derived, likewise. `driver`
// may be null. Nothing where neither has one, or it is too long, which `problems` then says.
std::optional<std::string> FindSignature(const PodSettings& executor, const PodSettings* driver,
                                         std::vector<std::string>& problems);

// Every setting looked up alone: executor before driver.
JobRequest Understand(const PodSettings& executor, const PodSettings* driver);

// Leaves both bounds out where min is above max, and says so. `min_name` and `max_name` are those
// that their source has for them.
void LeaveOutContradiction(std::optional<base::Bytes>& min, std::string_view min_name,
                           std::optional<base::Bytes>& max, std::string_view max_name,
                           std::vector<std::string>& problems);

// The bounds in force, at least base::kSmallestBound and min ≤ max, whatever is given: a user's win
// over the job's, each alone. A bound of the job that contradicts one of the user's is left out and
// named in `problems`. Bounds that no reader of settings lets through (they come from a checkpoint
// of an earlier version) are left out without a word.
Bounds BoundsInForce(const JobRequest& job, const Bounds& user, std::vector<std::string>& problems);

// The user's mode wins over the job's in both directions; a job that does not want its memory
// scaled asks for none.
Mode ModeInForce(const JobRequest& job, const std::optional<Mode>& user);

}  // namespace sparkfit::model
