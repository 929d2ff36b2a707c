// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/model/signature_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "sparkfit/base/text.h"

namespace sparkfit::model {
namespace {

using base::Code;

struct Known {
  std::string_view name;
  std::string_view rule;
};

constexpr std::array<Known, 2> kKnown{
    {{"scheduled-app-name", "{sparkoperator.k8s.io/scheduled-app-name}"},
     {"airflow", "{dag_id}.{task_id}"}}};

std::string_view Trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

}  // namespace

base::Result<SignatureRules> SignatureRules::Parse(std::string_view text) {
  SignatureRules rules;
  rules.text_ = text;
  while (!Trimmed(text).empty()) {
    auto rule = Trimmed(text.substr(0, text.find(',')));
    text.remove_prefix(std::min(text.find(','), text.size() - 1) + 1);
    for (const auto& known : kKnown) {
      if (rule == known.name) rule = known.rule;
    }
    auto parts = ParseTemplate(rule);
    if (!parts) return tl::unexpected<base::Error>(parts.error());
    rules.templates_.push_back(*std::move(parts));
  }
  return rules;
}

base::Result<SignatureRules::Template> SignatureRules::ParseTemplate(std::string_view text) {
  const auto wrong = [&](std::string_view why) {
    return base::Fail(Code::kInvalidArgument,
                      fmt::format("\"{}\" {}; a rule is scheduled-app-name, airflow or a template "
                                  "such as {{team}}-{{app}}",
                                  base::Beginning(text, 60), why));
  };
  Template parts;
  bool has_label = false;
  auto rest = text;
  while (!rest.empty()) {
    const auto open = rest.find('{');
    const auto literal = rest.substr(0, open);
    if (literal.find('}') != std::string_view::npos) return wrong("closes what it did not open");
    if (!literal.empty()) parts.push_back({false, std::string(literal)});
    if (open == std::string_view::npos) break;
    const auto close = rest.find('}', open);
    if (close == std::string_view::npos) return wrong("does not close a label");
    const auto label = rest.substr(open + 1, close - open - 1);
    if (label.empty() || label.find('{') != std::string_view::npos) return wrong("names no label");
    parts.push_back({true, std::string(label)});
    has_label = true;
    rest.remove_prefix(close + 1);
  }
  if (!has_label) return wrong("has no label in it");
  return parts;
}

bool SignatureRules::Wants(std::string_view label) const {
  return std::any_of(templates_.begin(), templates_.end(), [&](const Template& parts) {
    return std::any_of(parts.begin(), parts.end(),
                       [&](const Part& part) { return part.label && part.text == label; });
  });
}

std::vector<std::string> SignatureRules::WantedLabels() const {
  std::vector<std::string> labels;
  for (const auto& parts : templates_) {
    for (const auto& part : parts) {
      if (part.label) labels.push_back(part.text);
    }
  }
  return labels;
}

std::string SignatureRules::Derive(const Labels& labels) const {
  for (const auto& parts : templates_) {
    if (auto signature = Fill(parts, labels); !signature.empty()) return signature;
  }
  return "";
}

std::string SignatureRules::Fill(const Template& parts, const Labels& labels) {
  std::string signature;
  for (const auto& part : parts) {
    if (!part.label) {
      signature += part.text;
      continue;
    }
    const auto found = std::find_if(labels.begin(), labels.end(),
                                    [&](const auto& label) { return label.first == part.text; });
    if (found == labels.end() || found->second.empty()) return "";
    signature += found->second;
  }
  return signature;
}

}  // namespace sparkfit::model
