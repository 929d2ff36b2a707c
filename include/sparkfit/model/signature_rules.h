// SPDX-License-Identifier: Apache-2.0
//
// Signatures derived from labels that other tools put on pods, for jobs that have no signature of
// their own. Only where somebody configured it: unrelated jobs under one signature are worse than
// no history.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sparkfit/base/result.h"

namespace sparkfit::model {

class SignatureRules {
 public:
  // A list, separated by commas, of templates such as "{team}-{app}" and the names of known ones:
  // scheduled-app-name (the Spark operator's) and airflow (DAG and task). Empty: no rules.
  // kInvalidArgument for a template without a label, which would join all jobs.
  static base::Result<SignatureRules> Parse(std::string_view text);
  // As it was written.
  [[nodiscard]] const std::string& Text() const { return text_; }

  // Whether a label is of use to some rule.
  [[nodiscard]] bool Wants(std::string_view label) const;
  // All that are, some perhaps twice.
  [[nodiscard]] std::vector<std::string> WantedLabels() const;

  using Labels = std::vector<std::pair<std::string_view, std::string_view>>;
  // By the first rule whose labels are all there and not empty; empty: by none.
  [[nodiscard]] std::string Derive(const Labels& labels) const;

 private:
  struct Part {
    bool label = false;  // else as it stands
    std::string text;
  };
  using Template = std::vector<Part>;
  static base::Result<Template> ParseTemplate(std::string_view text);
  static std::string Fill(const Template& parts, const Labels& labels);

  std::string text_;
  std::vector<Template> templates_;
};

}  // namespace sparkfit::model
