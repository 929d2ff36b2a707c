// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/replay/import.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <tuple>

#include "sparkfit/base/quantity.h"
#include "sparkfit/base/text.h"
#include "sparkfit/wire/observation_log.h"
#include "sparkfit/wire/pod_json.h"

namespace sparkfit::replay {
namespace {

using base::Bytes;
using base::Time;
using nlohmann::json;

constexpr std::size_t kMostProblems = 10;
// Usage of a pod whose labels are not there yet: of more samples pairs are joined, the higher one
// counts.
constexpr std::size_t kMostWaiting = 128;
// At least as long as a replay remembers pods that were deleted.
constexpr base::Duration kRemembered = std::chrono::hours(1);
constexpr std::string_view kSelector = "spark-app-selector";
constexpr std::string_view kRole = "spark-role";
constexpr std::string_view kOomKilled = "OOMKilled";
constexpr std::string_view kExported = "exported_";
// What stores of several clusters usually call them.
constexpr std::array<std::string_view, 6> kClusterLabels{"cluster",          "cluster_id",
                                                         "cluster_name",     "k8s_cluster",
                                                         "k8s_cluster_name", "kubernetes_cluster"};
constexpr std::size_t kMostClusters = 10;
// As long as Spark makes it: longer names are cut (KubernetesConf.getAppNameLabel), and a '-' at
// the end goes.
constexpr std::string_view kAppName = "spark-app-name";
constexpr std::size_t kLongestAppName = 63;
constexpr std::size_t kMostCutNames = 1000;

// As kube-state-metrics spells a label's name, in snake case.
std::string SeriesLabel(std::string_view name) {
  const auto lower = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  std::string out = "label_";
  char before = '_';
  for (const char c : name) {
    if (upper(c) && (lower(before) || digit(before))) out += '_';
    out += upper(c) ? static_cast<char>(c - 'A' + 'a') : lower(c) || digit(c) ? c : '_';
    before = c;
  }
  return out;
}

// <job>-<number of the run>-exec-<n>, as Spark makes it up: everything before -exec-, which is one
// for each run, and what is the same in all.
struct SparkName {
  std::string run;
  std::string job;
};
std::optional<SparkName> ParsePodName(const std::string& name) {
  const auto exec = name.rfind("-exec-");
  if (exec == std::string::npos || exec == 0) return std::nullopt;
  const auto number = name.find_first_not_of("0123456789", exec + 6);
  if (number != std::string::npos || name.size() == exec + 6) return std::nullopt;
  SparkName spark{name.substr(0, exec), name.substr(0, exec)};
  const auto dash = spark.run.rfind('-');
  constexpr std::size_t kShortestHash = 8;
  if (dash == std::string::npos || dash == 0 || spark.run.size() - dash <= kShortestHash) {
    return spark;
  }
  if (spark.run.find_first_not_of("0123456789abcdef", dash + 1) == std::string::npos) {
    spark.job.resize(dash);
  }
  return spark;
}

// What the metric itself says, where a scrape's label has taken its name.
std::string_view OwnLabel(const wire::PrometheusSeries& series, std::string_view name) {
  const auto own = series.Label(std::string(kExported) + std::string(name));
  return own.empty() ? series.Label(name) : own;
}

// Labels of one pod that Prometheus would call the same have _conflict1, _conflict2, … behind their
// names, by the order of their names in Kubernetes. Those that we look for, with '-', '.' and '/',
// come before those with '_' or capitals: the first is meant.
std::string_view WithoutConflict(std::string_view label) {
  constexpr std::string_view kFirst = "_conflict1";
  if (label.ends_with(kFirst)) label.remove_suffix(kFirst.size());
  return label;
}

std::string Alternatives(const std::vector<std::string>& names) {
  return fmt::format("{}", fmt::join(names, "|"));
}

std::optional<Bytes> Memory(double value) {
  if (!(value >= 0 && value <= static_cast<double>(base::kLargestPlausible.value))) {
    return std::nullopt;
  }
  return Bytes{static_cast<std::int64_t>(value)};
}

// The points of both; of two at one time the higher one.
void Merge(std::vector<wire::PrometheusPoint>& points,
           const std::vector<wire::PrometheusPoint>& more) {
  points.insert(points.end(), more.begin(), more.end());
  std::sort(points.begin(), points.end(), [](const auto& a, const auto& b) {
    return a.t != b.t ? a.t < b.t : a.value > b.value;
  });
  const auto same = [](const auto& a, const auto& b) { return a.t == b.t; };
  points.erase(std::unique(points.begin(), points.end(), same), points.end());
}

json Terminated(std::string_view reason, Time t, const std::string& id) {
  // Prometheus has no exit code; of what is not OOMKilled it is only known whether it failed.
  const int code = reason == kOomKilled ? 137 : reason == "Completed" ? 0 : 1;
  return {{"terminated",
           {{"exitCode", code},
            {"reason", reason},
            {"containerID", id},
            {"finishedAt", base::FormatTime(t)}}}};
}

}  // namespace

std::string Importer::Pod::Label(std::string_view label) const {
  const auto found = labels.find(std::string(label));
  return found == labels.end() ? "" : found->second;
}

std::vector<std::string> ImportQueries(const ImportSelection& selection) {
  // Prometheus 2 counts a sample at the far end of a range, too; 3 does not.
  const auto range = base::FormatDuration(selection.step - base::Duration(1));
  // Labels of a metric's own are called exported_… where the scrape's won (honor_labels: false).
  const auto either = [](auto&& query) {
    return fmt::format("{} or {}", query(std::string()), query(std::string(kExported)));
  };
  const auto common = [&](const std::string& prefix) {
    std::string text;
    if (!selection.namespaces.empty()) {
      text += fmt::format(",{}namespace=~\"{}\"", prefix, Alternatives(selection.namespaces));
    }
    for (const auto& matcher : selection.matchers) text += "," + matcher;
    return text;
  };
  const auto container = [&](const std::string& prefix) {
    return fmt::format("{}container=~\"{}\"{}", prefix, Alternatives(selection.containers),
                       common(prefix));
  };
  const auto labels = [&](const std::string& prefix) {
    return fmt::format(
        "last_over_time(kube_pod_labels{{label_spark_role=~\"executor|driver\"{}}}[{}])",
        common(prefix), range);
  };
  return {either([&](const auto& prefix) {
            return fmt::format("max_over_time(container_memory_working_set_bytes{{{}}}[{}])",
                               container(prefix), range);
          }),
          selection.namespaces.empty() ? labels("") : either(labels),
          either([&](const auto& prefix) {
            return fmt::format(
                "last_over_time({{__name__=~\"kube_pod_container_resource_(limits|requests)\","
                "resource=\"memory\",{}}}[{}])",
                container(prefix), range);
          }),
          either([&](const auto& prefix) {
            return fmt::format(
                "last_over_time({{__name__=~\"kube_pod_container_status_(last_)?terminated_"
                "reason\",{}}}[{}]) > 0",
                container(prefix), range);
          })};
}

Importer::Importer(const ImportSelection& selection, const model::SignatureRules& rules)
    : selection_(selection), rules_(rules) {
  const auto want = [&](std::string_view name) { names_[SeriesLabel(name)] = name; };
  for (const auto& name : rules.WantedLabels()) want(name);
  for (const auto& name : model::SettingKeys()) want(name);
  for (const auto name : {kRole, kSelector, std::string_view("spark-exec-resourceprofile-id")}) {
    want(name);
  }
}

bool Importer::Wants(std::string_view label) const {
  constexpr std::array<std::string_view, 7> kOwn{"__name__",  "namespace", "pod",   "uid",
                                                 "container", "resource",  "reason"};
  if (IsClusterLabel(label) || names_.contains(WithoutConflict(label))) return true;
  if (label.starts_with(kExported)) label.remove_prefix(kExported.size());
  return std::find(kOwn.begin(), kOwn.end(), label) != kOwn.end();
}

bool Importer::IsClusterLabel(std::string_view label) const {
  if (!selection_.cluster_label.empty()) return label == selection_.cluster_label;
  return std::find(kClusterLabels.begin(), kClusterLabels.end(), label) != kClusterLabels.end();
}

void Importer::SeeCluster(const wire::PrometheusSeries& series) {
  for (const auto& [label, value] : series.labels) {
    if (value.empty() || !IsClusterLabel(label)) continue;
    auto& values = clusters_[label];
    if (values.size() < kMostClusters) values.insert(value);
  }
}

std::string Importer::SeveralClusters() const {
  for (const auto& [label, values] : clusters_) {
    if (values.size() < 2) continue;
    std::vector<std::string> named;
    for (const auto& value : values) named.push_back(fmt::format("\"{}\"", base::Printable(value)));
    return fmt::format(
        "the series are of several clusters: {} is {}{}; pods of one name would be taken for one, "
        "so "
        "choose: --matcher '{}=\"{}\"'",
        label, fmt::join(named, ", "), values.size() == kMostClusters ? ", …" : "", label,
        base::Printable(*values.begin()));
  }
  return "";
}

// Nothing where the series is of no use. max_over_time takes the name of its metric away, so a
// series without one is usage.
std::optional<Importer::Track> Importer::Classify(wire::PrometheusSeries series) {
  const auto name = series.Label("__name__");
  Track track{Name(OwnLabel(series, "namespace"), OwnLabel(series, "pod")), Kind::kUsage, {}};
  if (track.name.first.empty() || track.name.second.empty()) return std::nullopt;
  if (name == "kube_pod_labels") {
    track.kind = Kind::kLabels;
    const auto role = series.Label(SeriesLabel(kRole));
    if (role != "executor" && role != "driver") return std::nullopt;
  } else if (name == "kube_pod_container_resource_limits") {
    track.kind = Kind::kLimit;
  } else if (name == "kube_pod_container_resource_requests") {
    track.kind = Kind::kRequest;
  } else if (name == "kube_pod_container_status_terminated_reason") {
    track.kind = Kind::kEnded;
  } else if (name == "kube_pod_container_status_last_terminated_reason") {
    track.kind = Kind::kRestarted;
  } else if (!name.empty() && name != "container_memory_working_set_bytes") {
    return std::nullopt;
  }
  const bool amount = track.kind == Kind::kLimit || track.kind == Kind::kRequest;
  if (amount && series.Label("resource") != "memory") return std::nullopt;
  const auto& containers = selection_.containers;
  if (track.kind != Kind::kLabels && std::find(containers.begin(), containers.end(),
                                               OwnLabel(series, "container")) == containers.end()) {
    ++counts_.other_containers;
    return std::nullopt;
  }
  SeeCluster(series);
  track.series = std::move(series);
  return track;
}

// Whatever order the server has, and however many replicas: what is seen at one time is seen in one
// order, and once.
std::vector<Importer::Track> Importer::Prepare(std::vector<wire::PrometheusSeries> series,
                                               Time from, Time to) {
  std::vector<Track> tracks;
  for (auto& one : series) {
    counts_.outside += std::erase_if(one.points, [&](const auto& point) {
      return point.t <= from - selection_.step || point.t > to;
    });
    std::sort(one.labels.begin(), one.labels.end());
    if (auto track = Classify(std::move(one))) tracks.push_back(*std::move(track));
  }
  const auto key = [](const Track& track) {
    return std::tie(track.name, track.kind, track.series.labels);
  };
  std::stable_sort(tracks.begin(), tracks.end(),
                   [&](const Track& a, const Track& b) { return key(a) < key(b); });
  std::vector<Track> merged;
  for (auto& track : tracks) {
    if (!merged.empty() && key(merged.back()) == key(track)) {
      Merge(merged.back().series.points, track.series.points);
    } else {
      merged.push_back(std::move(track));
    }
  }
  return merged;
}

void Importer::Take(std::vector<wire::PrometheusSeries> series, Time from, Time to,
                    const Sink& sink) {
  auto tracks = Prepare(std::move(series), from, to);
  for (now_ = from; now_ <= to; now_ += selection_.step) {
    for (auto& track : tracks) {
      const auto& points = track.series.points;
      for (; track.next < points.size() && points[track.next].t <= now_; ++track.next) {
        See(track, points[track.next]);
      }
    }
    Settle(now_);
    Flush(now_ - kPatience, sink);
  }
}

void Importer::Finish(const Sink& sink) {
  for (auto& [name, pod] : pods_) {
    if (!pod.log_uid.empty()) continue;
    if (pod.used || pod.driver) {
      Add(name, pod);
    } else {
      ++counts_.never_used;
    }
  }
  Flush(Time::max(), sink);
}

void Importer::See(const Track& track, const wire::PrometheusPoint& point) {
  const auto uid = OwnLabel(track.series, "uid");
  if (const auto known = pods_.find(track.name);
      known != pods_.end() && !uid.empty() && uid == known->second.previous) {
    return;
  }
  // Older kube-state-metrics name every reason, and 0 where it is another one.
  const bool flag = track.kind == Kind::kEnded || track.kind == Kind::kRestarted;
  if (flag && point.value <= 0) return;
  auto& pod = Find(track.name, uid, point.t);
  if (track.kind == Kind::kLabels) {
    SeeLabels(pod, track);
    return;
  }
  const auto container = OwnLabel(track.series, "container");
  if (pod.container.empty()) pod.container = container;
  if (pod.container != container || pod.driver) return;
  if (flag) {
    SeeEnd(track.name, pod, track, point.t);
  } else {
    SeeUsage(track.name, pod, track, point);
  }
}

// The pod as of now: the one that is known by that name, or a new one.
Importer::Pod& Importer::Find(const Name& name, std::string_view uid, Time t) {
  auto [place, added] = pods_.try_emplace(name);
  auto& pod = place->second;
  const bool other = !uid.empty() && !pod.uid.empty() && pod.uid != uid;
  if (!added && (other || t - pod.last > kPatience)) {
    Close(name, pod);
    const auto previous = pod.uid;
    pod = {};
    pod.previous = previous == uid ? "" : previous;
    added = true;
  }
  if (added) pod.first = t;
  if (pod.uid.empty()) pod.uid = uid;
  pod.last = std::max(pod.last, t);
  return pod;
}

void Importer::SeeLabels(Pod& pod, const Track& track) {
  for (const auto& [label, value] : track.series.labels) {
    const auto plain = WithoutConflict(label);
    const auto known = names_.find(plain);
    if (known == names_.end()) continue;
    pod.labels[known->second] = value;
    if (plain != label && !std::exchange(pod.conflict, true)) ++counts_.conflicts;
  }
  pod.driver = pod.Label(kRole) == "driver";
}

void Importer::SeeUsage(const Name& name, Pod& pod, const Track& track,
                        const wire::PrometheusPoint& point) {
  const auto amount = Memory(point.value);
  if (!amount) {
    if (counts_.implausible++ == 0) Problem(name, fmt::format("{} bytes", point.value));
    return;
  }
  if (track.kind == Kind::kLimit) pod.limit = *amount;
  if (track.kind == Kind::kRequest) pod.request = *amount;
  if (track.kind != Kind::kUsage || pod.unreadable) return;
  if (!pod.used) pod.used = point.t;
  if (!pod.log_uid.empty()) {
    WriteUsage(name, pod, point.t, *amount);
    return;
  }
  auto& waiting = pod.waiting;
  waiting.emplace_back(point.t, *amount);
  if (waiting.size() < kMostWaiting) return;
  for (std::size_t i = 0; i < waiting.size() / 2; ++i) {
    waiting[i] = std::max(waiting[2 * i], waiting[2 * i + 1],
                          [](const auto& a, const auto& b) { return a.second < b.second; });
  }
  waiting.resize(waiting.size() / 2);
}

void Importer::SeeEnd(const Name& name, Pod& pod, const Track& track, Time t) {
  const auto reason = track.series.Label("reason");
  const bool oom = reason == kOomKilled;
  if (track.kind == Kind::kRestarted && !oom) return;
  auto& end = track.kind == Kind::kEnded ? pod.ended : pod.restarted;
  if (end) return;
  end = {t, std::string(reason)};
  if (oom && !pod.used) pod.used = t;
  if (!pod.log_uid.empty()) WritePod(name, pod, model::EventType::kModified, t);
}

// What follows from the time alone: who is gone, and of whom enough is known.
void Importer::Settle(Time now) {
  for (auto place = pods_.begin(); place != pods_.end();) {
    auto& [name, pod] = *place;
    if (now - pod.last > kPatience) {
      Close(name, pod);
      place = pods_.erase(place);
      continue;
    }
    if (pod.log_uid.empty() && Ready(name, pod, now)) Add(name, pod);
    ++place;
  }
  std::erase_if(gone_, [&](const auto& entry) { return now - entry.second > kRemembered; });
}

// An executor waits for its first usage, and then a little for its size. For its labels it waits as
// long as it is there: without them it has no signature; unless its name gives it one.
bool Importer::Ready(const Name& name, const Pod& pod, Time now) const {
  if (pod.driver) return true;
  if (!pod.used) return false;
  const bool waited = now - *pod.used >= kPatience;
  if (pod.labels.empty()) {
    return waited && rules_.Wants(kPodName) && ParsePodName(name.second).has_value();
  }
  return waited || pod.limit.value > 0;
}

const Importer::Driver* Importer::DriverOf(const Name& name, const Pod& pod) const {
  const auto selector = pod.Label(kSelector);
  if (pod.driver || selector.empty()) return nullptr;
  const auto driver = drivers_.find({name.first, selector});
  return driver == drivers_.end() ? nullptr : &driver->second;
}

void Importer::Add(const Name& name, Pod& pod) {
  // A pod that was gone for the log, while nobody scraped it, cannot come back under its UID.
  pod.log_uid = pod.uid;
  if (pod.uid.empty() || gone_.contains(pod.uid)) {
    pod.log_uid = fmt::format("{}-{}", pod.uid.empty() ? name.second : pod.uid,
                              pod.first.time_since_epoch().count());
  }
  const auto* driver = DriverOf(name, pod);
  const auto t = driver == nullptr ? pod.first : std::max(pod.first, driver->t);
  const auto ended = std::exchange(pod.ended, std::nullopt);
  const auto restarted = std::exchange(pod.restarted, std::nullopt);
  WritePod(name, pod, model::EventType::kAdded, t);
  for (const auto& [at, amount] : pod.waiting) WriteUsage(name, pod, at, amount);
  pod.waiting = {};
  for (const auto& [part, end] : {std::pair(&pod.restarted, restarted), {&pod.ended, ended}}) {
    *part = end;
    if (end) WritePod(name, pod, model::EventType::kModified, end->t);
  }
  if (pod.unreadable || pod.driver) return;
  SeeCutName(name, pod);
  ++counts_.executors;
  if (pod.Label(kRole).empty()) ++counts_.no_labels;
  if (pod.limit.value == 0 && pod.request.value == 0) ++counts_.no_memory;
}

// The name of a pod has the whole name of its application, which tells whether a label of that
// length was cut.
void Importer::SeeCutName(const Name& name, const Pod& pod) {
  const auto label = pod.Label(kAppName);
  const auto spark = ParsePodName(name.second);
  if (label.size() + 1 < kLongestAppName || !spark || spark->job.size() <= label.size() ||
      !spark->job.starts_with(label)) {
    return;
  }
  const Name key(name.first, label);
  if (cut_names_.size() == kMostCutNames && !cut_names_.contains(key)) return;
  const auto [known, added] = cut_names_.try_emplace(key, spark->job);
  if (added || known->second == spark->job || known->second.empty()) return;
  known->second.clear();  // two: no more has to be known
  Problem(name, fmt::format("its application's name is \"{}\", of which Spark keeps the first {} "
                            "characters in the label {}, and others begin alike: by a signature of "
                            "that label they are one job; --derived-signatures '{{{}}}' tells them "
                            "apart",
                            spark->job, label.size(), kAppName, kPodName));
}

void Importer::Close(const Name& name, Pod& pod) {
  if (pod.log_uid.empty()) {
    if (!pod.used && !pod.driver) {
      ++counts_.never_used;
      return;
    }
    Add(name, pod);
  }
  WritePod(name, pod, model::EventType::kDeleted, pod.last + selection_.step);
  gone_[pod.log_uid] = now_;
  const auto driver = drivers_.find({name.first, pod.Label(kSelector)});
  if (pod.driver && driver != drivers_.end() && driver->second.uid == pod.log_uid) {
    drivers_.erase(driver);
  }
}

// As the API would have shown it.
std::string Importer::ObjectOf(const Name& name, const Pod& pod) const {
  auto labels = pod.labels;
  if (!pod.driver) labels[std::string(kRole)] = "executor";
  if (const auto spark = ParsePodName(name.second); spark && !pod.driver) {
    if (pod.Label(kSelector).empty()) labels[std::string(kSelector)] = spark->run;
    labels.emplace(kPodName, spark->job);
  }
  json object{{"metadata",
               {{"namespace", name.first},
                {"name", name.second},
                {"uid", pod.log_uid},
                {"creationTimestamp", base::FormatTime(pod.first)},
                {"labels", labels}}},
              {"status", {{"phase", pod.ended ? "Failed" : "Running"}}}};
  if (const auto* driver = DriverOf(name, pod)) {
    object["metadata"]["ownerReferences"] = json::array({{{"uid", driver->uid}}});
  }
  if (!pod.driver) {
    json resources = json::object();
    if (pod.limit.value > 0) resources["limits"]["memory"] = pod.limit.value;
    if (pod.request.value > 0) resources["requests"]["memory"] = pod.request.value;
    json status{{"name", pod.container}};
    // One end by memory, whichever metric shows it.
    if (pod.ended) status["state"] = Terminated(pod.ended->reason, pod.ended->t, pod.log_uid);
    if (pod.restarted) {
      status["lastState"] = Terminated(pod.restarted->reason, pod.restarted->t, pod.log_uid);
    }
    if (pod.ended && pod.ended->reason == "Completed") object["status"]["phase"] = "Succeeded";
    const auto args = json::array({"executor"});
    object["spec"]["containers"] =
        json::array({{{"name", pod.container}, {"args", args}, {"resources", resources}}});
    object["status"]["containerStatuses"] = json::array({std::move(status)});
  }
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

// Through the one parser for pods, so that labels mean what they mean elsewhere.
void Importer::WritePod(const Name& name, Pod& pod, model::EventType event, Time t) {
  if (pod.unreadable) return;
  auto facts = wire::ParsePod(ObjectOf(name, pod), &rules_);
  if (!facts) {
    pod.unreadable = true;
    ++counts_.unreadable_pods;
    Problem(name, facts.error().message);
    return;
  }
  if (event == model::EventType::kAdded) {
    const auto* driver = DriverOf(name, pod);
    std::vector<std::string> unfit;
    const bool signature = model::FindSignature(facts->settings, nullptr, unfit).has_value();
    if (!pod.driver && !signature && (driver == nullptr || !driver->signature)) {
      ++counts_.no_signature;
    }
    if (pod.driver) {
      ++counts_.drivers;
      const auto selector = pod.Label(kSelector);
      if (!selector.empty()) drivers_[{name.first, selector}] = {pod.log_uid, t, signature};
    }
  }
  const bool oom = pod.restarted || (pod.ended && pod.ended->reason == kOomKilled);
  if (oom && !std::exchange(pod.oom, true)) ++counts_.ooms;
  const model::PodEvent what{event, *std::move(facts)};
  Hold(t, wire::WriteLine({Learnt(t), what}));
}

void Importer::WriteUsage(const Name& name, const Pod& pod, Time t, Bytes amount) {
  if (pod.unreadable) return;
  ++counts_.samples;
  model::UsageSample sample{name.first, name.second, t, {{pod.container, amount}}};
  Hold(t, wire::WriteLine({Learnt(t), std::move(sample)}));
}

// What was decided late is learnt late: lines of before are out already.
Time Importer::Learnt(Time t) const { return std::max(t, now_ - kPatience); }

void Importer::Hold(Time t, std::string line) { held_.emplace(Learnt(t), std::move(line)); }

void Importer::Flush(Time until, const Sink& sink) {
  const auto end = held_.upper_bound(until);
  for (auto line = held_.begin(); line != end; ++line) sink(line->second);
  held_.erase(held_.begin(), end);
}

void Importer::Problem(const Name& name, std::string_view what) {
  if (problems_.size() == kMostProblems) return;
  problems_.push_back(fmt::format("pod {}/{}: {}", name.first, name.second, what));
}

}  // namespace sparkfit::replay
