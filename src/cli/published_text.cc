// SPDX-License-Identifier: Apache-2.0
#include "published_text.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "job_table.h"
#include "named.h"
#include "sparkfit/base/quantity.h"
#include "sparkfit/base/text.h"
#include "sparkfit/recommend/spark_settings.h"
#include "sparkfit/replay/text_table.h"

namespace sparkfit::cli {
namespace {

using base::Bytes;
using base::Code;
using base::Printable;
using replay::Align;
using replay::ChangeCell;
using replay::MemoryCell;
using wire::Published;

constexpr std::size_t kWrapAt = 100;

constexpr std::array<std::pair<std::string_view, ConfForm>, 4> kForms{
    {{"spark-submit", ConfForm::kSparkSubmit},
     {"properties", ConfForm::kProperties},
     {"SparkApplication", ConfForm::kSparkApplication},
     {"emr", ConfForm::kEmr}}};

std::string OrDash(const std::string& text) { return text.empty() ? "-" : Printable(text); }

std::string Line(std::string_view label, const std::string& text) {
  return fmt::format("  {:<14}{}\n", label, text);
}

std::string Recommended(const Published& job) {
  if (!job.target) return "nothing yet";
  auto text = MemoryCell(job.target);
  if (job.heap && job.overhead) {
    text += fmt::format(" = heap {} + overhead {}", MemoryCell(job.heap), MemoryCell(job.overhead));
  }
  return text + fmt::format("   (between {} and {}; the policy alone says {})",
                            MemoryCell(job.lower), MemoryCell(job.upper), MemoryCell(job.uncapped));
}

std::string Requested(const Published& job) {
  if (!job.request) return "-";
  return fmt::format("{}   (to the recommendation: {})", MemoryCell(job.request),
                     ChangeCell(*job.request, RequestToBe(job)));
}

std::string PastAdvice(const std::optional<wire::PublishedAccuracy>& accuracy) {
  if (!accuracy) return "no run was judged yet";
  auto text = fmt::format(
      "covered {} of {} runs ({} of {} that were sized by it); waste {:.1f} GiB·h, missing {:.1f}, "
      "regret {:.1f}",
      accuracy->covered, accuracy->runs, accuracy->covered_sized, accuracy->sized,
      accuracy->waste_gib_hours, accuracy->missing_gib_hours, accuracy->regret_gib_hours);
  if (accuracy->lacking_heap + accuracy->lacking_outside == 0) return text;
  return text + fmt::format("; too little heap in {}, too little outside of it in {}",
                            accuracy->lacking_heap, accuracy->lacking_outside);
}

// REQUIRES: something is recommended.
recommend::Split SplitOf(const Published& job) { return {*job.heap, *job.overhead}; }

bool RequestIsApart(const Published& job) {
  return job.target_request.value_or(*job.target) < *job.target;
}

// Spark requests the heap and the overhead that it is told. The Spark operator's webhook can make
// the limit larger than that: for a request with room for the heap.
bool OperatorCanTellThemApart(const Published& job) {
  return RequestIsApart(job) && *job.target_request > job.heap->RoundedUpToMiB();
}

// The size that Spark is told, in this form.
recommend::Split ToldToSpark(const Published& job, ConfForm form) {
  if (form != ConfForm::kSparkApplication || !OperatorCanTellThemApart(job)) return SplitOf(job);
  return {*job.heap, *job.target_request - job.heap->RoundedUpToMiB()};
}

recommend::SparkSettings SettingsOf(const Published& job, ConfForm form) {
  auto settings = recommend::SettingsFor(ToldToSpark(job, form), job.overhead_class);
  if (form == ConfForm::kSparkApplication && OperatorCanTellThemApart(job)) {
    settings.emplace_back("memoryLimit", recommend::SparkSize(*job.target));
  }
  return settings;
}

std::string InForm(const recommend::SparkSettings& settings, ConfForm form) {
  std::string text;
  switch (form) {
    case ConfForm::kSparkSubmit:
      return recommend::OnCommandLine(settings, " \\\n") + '\n';
    case ConfForm::kProperties:
      for (const auto& [key, value] : settings) text += key + ' ' + value + '\n';
      return text;
    case ConfForm::kSparkApplication:
      text = "spec:\n  executor:\n";
      for (const auto& [key, value] : settings) {
        text += fmt::format("    {}: \"{}\"\n", key.substr(key.rfind('.') + 1), value);
      }
      return text;
    case ConfForm::kEmr: {
      const nlohmann::ordered_json parameters{
          {"sparkSubmitParameters", recommend::OnCommandLine(settings, " ")}};
      const nlohmann::ordered_json body{{"jobDriver", {{"sparkSubmitJobDriver", parameters}}}};
      return body.dump(2) + '\n';
    }
  }
  return text;
}

// Spark writes one amount over the memory request and the limit of a pod template
// (BasicExecutorFeatureStep), and has no setting for either.
std::vector<std::string> NotesOnRequest(const Published& job, ConfForm form) {
  if (!RequestIsApart(job)) return {};
  const auto limit = MemoryCell(job.target);
  const auto request = MemoryCell(job.target_request);
  if (form == ConfForm::kSparkApplication && OperatorCanTellThemApart(job)) {
    return {
        fmt::format("memoryLimit takes the Spark operator 2.2 or later, and its webhook; "
                    "without them the limit is the request, {}",
                    request)};
  }
  return {fmt::format("the recommended request is {}, but Spark cannot express it: with these "
                      "settings request and limit are {}, whatever a pod template says",
                      request, limit),
          fmt::format("a request of {} takes what changes a pod after Spark: sparkfit in autoscale "
                      "mode, or a mutating webhook of your own{}",
                      request,
                      OperatorCanTellThemApart(job)
                          ? "; with the Spark operator, memoryLimit (--for SparkApplication)"
                          : "")};
}

std::vector<std::string> NotesOn(const Published& job, ConfForm form) {
  auto notes = NotesOnRequest(job, form);
  if (job.Is("LowConfidence")) {
    notes.emplace_back("few executors were sampled so far: the size may still change much");
  }
  if (!recommend::OverheadFollows(ToldToSpark(job, form), job.overhead_class)) {
    notes.emplace_back(recommend::kExplicitOverheadNote);
  }
  if (job.mode == "Initial" || job.mode == "Auto") {
    notes.push_back("mode is " + job.mode +
                    ": in autoscale mode new executors get this size without these settings");
  }
  return notes;
}

}  // namespace

std::string ExplanationText(const Published& job) {
  std::string text = replay::QualifiedName(job.key) + "\n\n";
  text += Line("Recommended", Recommended(job));
  text += Line("Requested", Requested(job));
  text += Line("Peak", MemoryCell(job.peak));
  text += Line("Mode", OrDash(job.mode));
  text += Line("Policy", OrDash(job.policy));
  text += Line("Seen", fmt::format("{} executors ({} sampled) of {} applications; last sample {}",
                                   job.executors, job.sampled_executors, job.applications,
                                   OrDash(job.last_sample)));
  text += Line("OOMs", fmt::format("{} of containers, {} of heaps; last {}", job.container_ooms,
                                   job.heap_ooms, OrDash(job.last_oom)));
  if (job.unknown_ends > 0) {
    text += Line("Unknown ends", fmt::format("{} of containers; nothing tells why they ended, and "
                                             "they raise nothing",
                                             job.unknown_ends));
  }
  text += Line("Savings",
               fmt::format("possible {:.1f} GiB·h, realised {:.1f}, extra given {:.1f}",
                           job.possible_gib_hours, job.realised_gib_hours, job.extra_gib_hours));
  text += Line("Past advice", PastAdvice(job.accuracy));
  if (!job.explanation.empty()) {
    text += "\nWhy\n" + replay::Wrapped(Printable(job.explanation), "  ", kWrapAt);
  }
  if (!job.conditions.empty()) {
    text += "\nConditions\n";
    replay::TextTable table({{"  TYPE", Align::kLeft},
                             {"STATUS", Align::kLeft},
                             {"REASON", Align::kLeft},
                             {"MESSAGE", Align::kLeft}});
    for (const auto& condition : job.conditions) {
      table.Add({"  " + Printable(condition.type), Printable(condition.status),
                 Printable(condition.reason), Printable(condition.message)});
    }
    text += table.Format();
  }
  return text;
}

std::vector<std::string> ConfForms() { return NamesIn(kForms); }

base::Result<ConfForm> ParseConfForm(std::string_view name) {
  return FindNamed(kForms, "--for", name);
}

base::Result<ConfText> ConfOf(const Published& job, ConfForm form) {
  if (!job.target || !job.heap || !job.overhead) {
    return base::Fail(Code::kNotFound,
                      "nothing is recommended for " + replay::QualifiedName(job.key) + " yet");
  }
  return ConfText{InForm(SettingsOf(job, form), form), NotesOn(job, form)};
}

}  // namespace sparkfit::cli
