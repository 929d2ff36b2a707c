// SPDX-License-Identifier: Apache-2.0
//
// One recommendation as text, for people and for what submits jobs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sparkfit/base/result.h"
#include "sparkfit/wire/published.h"

namespace sparkfit::cli {

std::string ExplanationText(const wire::Published& job);

// Where the settings go: a command line, spark-defaults.conf, a SparkApplication, EMR's
// StartJobRun.
enum class ConfForm { kSparkSubmit, kProperties, kSparkApplication, kEmr };
std::vector<std::string> ConfForms();
base::Result<ConfForm> ParseConfForm(std::string_view name);

struct ConfText {
  std::string settings;
  std::vector<std::string> notes;  // what a person should know before using them
};
// The settings that give executors the recommended size. kNotFound where nothing is recommended.
base::Result<ConfText> ConfOf(const wire::Published& job, ConfForm form);

}  // namespace sparkfit::cli
