// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/replay/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "html.h"
#include "sparkfit/base/hash.h"
#include "sparkfit/base/version.h"
#include "sparkfit/recommend/spark_settings.h"
#include "sparkfit/replay/report.h"

namespace sparkfit::replay {
namespace {

using base::Bytes;
using Json = nlohmann::ordered_json;

// Over all jobs of a page; of each at least and at most.
constexpr std::size_t kIntervals = 200'000;
constexpr std::size_t kFewestIntervals = 48;
constexpr std::size_t kRuns = 36'000;
constexpr std::size_t kFewestRuns = 10;
constexpr std::size_t kWorstKeys = 15;  // by waste and by OOMs, of each policy

constexpr std::string_view kDataStart = R"(<script type="application/json" id="data">)";
constexpr std::string_view kDataEnd = "</script>";

// A label can hold any text: without a '<' nothing in it ends the script element.
std::string Inert(const Json& json) {
  const auto text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  std::string inert;
  inert.reserve(text.size() + text.size() / 16);
  for (const char c : text) {
    if (c == '<') {
      inert += "\\u003c";
    } else {
      inert += c;
    }
  }
  return inert;
}

// Never −0.
double Rounded(double number) { return std::round(number * 1e4) / 1e4 + 0.0; }
// To seven digits, however small: shares of small amounts stay shares.
double Significant(double number) {
  if (number == 0) return 0;
  const double scale = std::pow(10.0, 6 - std::floor(std::log10(std::abs(number))));
  return std::round(number * scale) / scale;
}
std::int64_t InMiB(Bytes amount) { return amount.RoundedUpToMiB().WholeMiB(); }
std::int64_t InSeconds(base::Time time) {
  return time.time_since_epoch() / std::chrono::seconds(1);
}
Json OrNull(const std::optional<Bytes>& amount) { return amount ? Json(amount->value) : Json(); }

// `{{name}}` in the template becomes what `text` says of the name, which is not looked at again.
template <typename Text>
std::string Fill(std::string_view pattern, Text&& text) {
  std::string page;
  for (;;) {
    const auto start = pattern.find("{{");
    const auto end = pattern.find("}}", start);
    if (start == std::string_view::npos || end == std::string_view::npos) break;
    page += pattern.substr(0, start);
    page += text(pattern.substr(start + 2, end - start - 2));
    pattern.remove_prefix(end + 2);
  }
  return page += pattern;
}

std::string MakePage(std::string_view title, std::string_view script, const std::string& data) {
  // Only what carries the nonce runs; nobody who may choose a label knows the hash of all of them.
  const auto nonce = fmt::format("{:016x}", base::Fnv1a(data));
  return Fill(html::kPage, [&](std::string_view name) -> std::string {
    if (name == "title") return std::string(title);
    if (name == "nonce") return nonce;
    if (name == "style") return std::string(html::kStyle);
    if (name == "script") return std::string(html::kCommon) + std::string(script);
    return std::string(kDataStart) + data + std::string(kDataEnd);
  });
}

// [index, value] where the value is another than before; 0 is none.
template <typename Get>
Json Changes(const std::vector<Timeline::Interval>& intervals, Get&& get) {
  Json changes = Json::array();
  Bytes last;
  for (std::size_t i = 0; i < intervals.size(); ++i) {
    const Bytes value = get(intervals[i].what);
    if (value.value == 0 || value == last) continue;
    last = value;
    changes.push_back({i, InMiB(value)});
  }
  return changes;
}

Json ToJson(const Timeline& timeline) {
  Json steps = Json::array();
  Json used = Json::array();
  Json ooms = Json::array();
  std::int64_t before = 0;
  const auto& intervals = timeline.Intervals();
  for (std::size_t i = 0; i < intervals.size(); ++i) {
    const auto& what = intervals[i].what;
    steps.push_back(intervals[i].index - before);
    before = intervals[i].index;
    used.push_back(InMiB(what.used));
    if (what.container_ooms + what.heap_ooms > 0) {
      ooms.push_back({i, what.container_ooms, what.heap_ooms});
    }
  }
  return {{"width", timeline.Width() / std::chrono::seconds(1)},
          {"steps", std::move(steps)},
          {"used", std::move(used)},
          {"size", Changes(intervals, [](const Moment& moment) { return moment.size; })},
          {"target", Changes(intervals, [](const Moment& moment) { return moment.target; })},
          {"ooms", std::move(ooms)}};
}

// Null of a run that is not over.
Json VerdictOf(const RunReport& run) {
  if (!run.over) return {};
  switch (run.advice.GetVerdict()) {
    case model::Verdict::kUnadvised:
      return "unadvised";
    case model::Verdict::kUnknown:
      return "unknown";
    case model::Verdict::kCovered:
      return "covered";
    case model::Verdict::kLacking:
      return "lacking";
  }
  return {};
}

Json ToJson(const std::vector<RunReport>& runs, std::size_t most) {
  Json list = Json::array();
  for (std::size_t i = runs.size() - std::min(most, runs.size()); i < runs.size(); ++i) {
    const auto& run = runs[i];
    list.push_back({InSeconds(run.started), run.executors, InMiB(run.request),
                    InMiB(run.advice.advised.limit), InMiB(run.peak), run.ooms, VerdictOf(run),
                    run.advice.lacking});
  }
  return list;
}

Json ToJson(const model::Savings& savings) {
  return {{"possible", Significant(savings.possible)},
          {"realised", Significant(savings.realised)},
          {"extra", Significant(savings.extra)}};
}

Json ToJson(const model::DecayingHistogram::State& peaks) {
  Json shares = Json::array();
  for (const double weight : peaks.weights) {
    shares.push_back(peaks.total > 0 ? Rounded(weight / peaks.total) : 0);
  }
  return {{"first", peaks.first}, {"shares", std::move(shares)}};
}

std::string_view Name(recommend::Stage stage) {
  switch (stage) {
    case recommend::Stage::kPolicy:
      return "policy";
    case recommend::Stage::kStep:
      return "step";
    case recommend::Stage::kProof:
      return "proof";
    case recommend::Stage::kTried:
      return "tried";
    case recommend::Stage::kGuard:
      return "guard";
    case recommend::Stage::kSmallest:
      return "smallest";
    case recommend::Stage::kShape:
      return "shape";
    case recommend::Stage::kOom:
      return "oom";
    case recommend::Stage::kMin:
      return "min";
    case recommend::Stage::kCeiling:
      return "ceiling";
  }
  return "";
}

Json StagesOf(const recommend::Recommendation& recommendation) {
  Json stages = Json::array();
  for (const auto& applied : recommendation.applied) stages.push_back(Name(applied.stage));
  return stages;
}

Json ToJson(const FleetSummary& summary) {
  return {{"signatures", summary.signatures},
          {"executors", summary.executors},
          {"applications", summary.applications},
          {"containerOOMs", summary.container_ooms},
          {"heapOOMs", summary.heap_ooms},
          {"unadvisedOOMs", summary.unadvised_ooms},
          {"withOOMs", summary.with_ooms},
          {"atRisk", summary.at_risk},
          {"lowConfidence", summary.low_confidence},
          {"withoutTarget", summary.without_target},
          {"savings", ToJson(summary.savings)},
          {"requestedGibHours", Significant(summary.requested)},
          {"usedGibHours", Significant(summary.used)},
          {"lessGibHours", Significant(summary.less)},
          {"moreGibHours", Significant(summary.more)},
          {"accuracy", replay::ToJson(summary.accuracy)}};
}

Json BucketStarts() {
  Json starts = Json::array();
  const auto& buckets = model::MemoryBuckets();
  for (std::size_t i = 0; i < buckets.Count(); ++i)
    starts.push_back(std::llround(buckets.Start(i)));
  return starts;
}

Json ToJson(const GroupCost& cost) {
  return {cost.executions, cost.ooms, Significant(cost.used), Significant(cost.waste)};
}

template <typename Costs>
Json ToList(const Costs& costs) {
  Json list = Json::array();
  for (const auto& cost : costs) list.push_back(ToJson(cost));
  return list;
}

Json ToJson(const PolicyReport& report) {
  Json progress = Json::array();
  for (const auto& point : report.progress) {
    progress.push_back({point.executions, point.ooms, Significant(point.waste)});
  }
  return {{"result", ToJson(report.result)},
          {"options", recommend::Format(report.policy)},
          {"workflows", ToList(report.workflows)},
          {"progress", std::move(progress)},
          {"ordinals", ToList(report.ordinals)}};
}

Json ToList(const std::vector<PolicyReport>& reports) {
  Json list = Json::array();
  for (const auto& report : reports) list.push_back(ToJson(report));
  return list;
}

// The keys that cost some policy most, by waste or by OOMs.
std::vector<std::uint32_t> WorstKeys(const std::vector<PolicyReport>& policies) {
  std::vector<std::uint32_t> worst;
  const auto take = [&](const std::vector<GroupCost>& keys, auto&& cost) {
    std::vector<std::uint32_t> order(keys.size());
    for (std::uint32_t key = 0; key < order.size(); ++key) order[key] = key;
    const auto most = static_cast<std::ptrdiff_t>(std::min(kWorstKeys, order.size()));
    std::partial_sort(order.begin(), order.begin() + most, order.end(),
                      [&](std::uint32_t a, std::uint32_t b) {
                        const double cost_a = cost(keys[a]);
                        const double cost_b = cost(keys[b]);
                        return cost_a != cost_b ? cost_a > cost_b : a < b;
                      });
    std::copy_if(order.begin(), order.begin() + most, std::back_inserter(worst),
                 [&](std::uint32_t key) { return cost(keys[key]) > 0; });
  };
  for (const auto& policy : policies) {
    take(policy.keys, [](const GroupCost& key) { return key.waste; });
    take(policy.keys, [](const GroupCost& key) { return static_cast<double>(key.ooms); });
  }
  std::sort(worst.begin(), worst.end());
  worst.erase(std::unique(worst.begin(), worst.end()), worst.end());
  return worst;
}

Json KeysToJson(const ExecutionTable& table, const std::vector<PolicyReport>& policies) {
  Json list = Json::array();
  for (const auto key : WorstKeys(policies)) {
    const auto [workflow, signature] = table.NameOf(key);
    Json costs = Json::array();
    for (const auto& policy : policies) costs.push_back(ToJson(policy.keys[key]));
    list.push_back({{"workflow", workflow}, {"signature", signature}, {"costs", std::move(costs)}});
  }
  return list;
}

// What keeps a smaller size from being tried.
std::string_view Lacking(recommend::NoTrial reason) {
  switch (reason) {
    case recommend::NoTrial::kNone:
      return "nothing";
    case recommend::NoTrial::kNotWanted:
      return "leave";
    case recommend::NoTrial::kPolicy:
      return "policy";
    case recommend::NoTrial::kNotConfident:
      return "samples";
    case recommend::NoTrial::kLatestFailed:
      return "success";
    case recommend::NoTrial::kDriverSilent:
      return "driver";
    case recommend::NoTrial::kCeiling:
    case recommend::NoTrial::kNothingSmaller:
      return "room";
  }
  return "";
}

// Null where nothing is tried.
Json ToJson(const recommend::NextTrial& next) {
  if (!next.trial) return {};
  const auto& trial = *next.trial;
  return {{"part", model::Name(trial.part)},
          {"bytes", model::SizeOf(trial.size, trial.part).value},
          {"executors", trial.executors}};
}

Json EvidenceOf(const JobReport& job) {
  return {{"lacks", Lacking(job.further.reason)},
          {"told", job.told},
          {"further", ToJson(job.further)},
          {"peaks", recommend::Describe(job.row.recommendation.heap)}};
}

}  // namespace

FleetPage::FleetPage(std::size_t jobs)
    : most_intervals_(std::clamp(kIntervals / std::max<std::size_t>(1, jobs), kFewestIntervals,
                                 KeyReport::kIntervals)),
      most_runs_(
          std::clamp(kRuns / std::max<std::size_t>(1, jobs), kFewestRuns, KeyReport::kRuns)) {}

std::size_t FleetPage::PolicyIndex(const recommend::Policy& policy) {
  auto text = recommend::Format(policy);
  const auto known = std::find(policies_.begin(), policies_.end(), text);
  const auto index = static_cast<std::size_t>(known - policies_.begin());
  if (known == policies_.end()) policies_.push_back(std::move(text));
  return index;
}

void FleetPage::Add(const JobReport& job) {
  summary_.Add(job);
  const auto timeline = job.seen.timeline.Cut(most_intervals_);
  if (!timeline.Intervals().empty()) {
    const base::Time first{timeline.Intervals().front().index * timeline.Width()};
    from_ = std::min(from_.value_or(first), first);
  }
  const auto& recommendation = job.row.recommendation;
  const auto& split = recommendation.split;
  const auto& last_oom = job.row.totals.last_oom;
  const auto& last_sample = job.row.totals.last_sample;
  const Json json{
      {"row", ToJson(job.row)},
      {"lowConfidence", job.low_confidence},
      {"atRisk", job.at_risk},
      {"mode", model::Name(job.mode)},
      {"policy", PolicyIndex(job.policy)},
      {"settings",
       split ? Json(recommend::OnCommandLine(recommend::SettingsFor(*split, job.overhead), " \\\n"))
             : Json()},
      {"overheadFollows", split && recommend::OverheadFollows(*split, job.overhead)},
      {"next", ToJson(recommendation.next)},
      {"evidence", EvidenceOf(job)},
      {"submittedLimitBytes",
       job.submitted_limit.value > 0 ? Json(job.submitted_limit.value) : Json()},
      {"unadvisedOOMs", job.seen.unadvised_ooms},
      {"uncappedBytes", OrNull(recommendation.uncapped)},
      {"basisBytes", recommendation.estimate ? Json(recommendation.estimate->basis.value) : Json()},
      {"stages", StagesOf(recommendation)},
      {"sampled", job.row.totals.coverage},
      {"lastSample", last_sample ? Json(InSeconds(*last_sample)) : Json()},
      {"lastOOM", last_oom ? Json(InSeconds(*last_oom)) : Json()},
      {"savings", ToJson(job.row.totals.savings)},
      {"requestedGibHours", Significant(job.seen.hours.requested)},
      {"savedGibHours", Significant(job.saved)},
      {"peaks", ToJson(job.peaks)},
      {"runs", ToJson(job.seen.runs, most_runs_)},
      {"timeline", ToJson(timeline)}};
  jobs_ += (jobs_.empty() ? "" : ",\n") + Inert(json);
}

std::string FleetPage::Html(base::Time until, const std::vector<std::string>& notes) const {
  const Json meta{{"version", base::kVersion},
                  {"from", from_ ? Json(InSeconds(*from_)) : Json()},
                  {"until", InSeconds(until)},
                  {"policies", policies_},
                  {"notes", notes},
                  {"mostIntervals", most_intervals_},
                  {"mostRuns", most_runs_},
                  {"overheadNote", recommend::kExplicitOverheadNote},
                  {"buckets", BucketStarts()}};
  return MakePage("Executor memory report", html::kFleet,
                  fmt::format("{{\"meta\":{},\n\"summary\":{},\n\"jobs\":[{}]}}", Inert(meta),
                              Inert(ToJson(summary_)), jobs_));
}

std::string BacktestPage(const ExecutionTable& table, const Workflows& workflows,
                         const std::vector<PolicyReport>& policies,
                         const std::vector<PolicyReport>& dial,
                         const std::vector<std::string>& notes) {
  const Json json{
      {"meta", {{"version", base::kVersion}, {"notes", notes}, {"ordinals", kOrdinals}}},
      {"workflows", workflows.names},
      {"policies", ToList(policies)},
      {"dial", ToList(dial)},
      {"keys", KeysToJson(table, policies)}};
  return MakePage("Policy backtest", html::kBacktest, Inert(json));
}

std::string LoopPage(const Json& policies) {
  const Json json{{"meta", {{"version", base::kVersion}}}, {"policies", policies}};
  return MakePage("Closed loop", html::kLoop, Inert(json));
}

std::string_view DataIn(std::string_view page) {
  const auto start = page.find(kDataStart);
  if (start == std::string_view::npos) return {};
  page.remove_prefix(start + kDataStart.size());
  return page.substr(0, page.find(kDataEnd));
}

}  // namespace sparkfit::replay
