// SPDX-License-Identifier: Apache-2.0
//
// What an importer knows between two windows, as JSON, for a process that goes on later.
#include <array>
#include <nlohmann/json.hpp>

#include "sparkfit/replay/import.h"

namespace sparkfit::replay {
namespace {

using base::Time;
using nlohmann::json;

std::int64_t Milliseconds(Time t) { return t.time_since_epoch().count(); }
Time TimeOf(const json& value) { return Time(base::Duration(value.get<std::int64_t>())); }

constexpr std::array kCounts{&ImportCounts::executors,       &ImportCounts::drivers,
                             &ImportCounts::samples,         &ImportCounts::ooms,
                             &ImportCounts::no_labels,       &ImportCounts::no_signature,
                             &ImportCounts::no_memory,       &ImportCounts::never_used,
                             &ImportCounts::unreadable_pods, &ImportCounts::other_containers,
                             &ImportCounts::implausible,     &ImportCounts::outside,
                             &ImportCounts::conflicts};

}  // namespace

struct Importer::Codec {
  static json Write(const std::optional<Ending>& end) {
    return end ? json{Milliseconds(end->t), end->reason} : json();
  }
  static std::optional<Ending> ReadEnd(const json& value) {
    if (value.is_null()) return std::nullopt;
    return Ending{TimeOf(value.at(0)), value.at(1).get<std::string>()};
  }

  static json Write(const Name& name, const Pod& pod) {
    json waiting = json::array();
    for (const auto& [t, amount] : pod.waiting) waiting.push_back({Milliseconds(t), amount.value});
    return {{"name", name},
            {"uids", {pod.uid, pod.previous, pod.log_uid}},
            {"container", pod.container},
            {"labels", pod.labels},
            {"flags", {pod.driver, pod.unreadable, pod.oom, pod.conflict}},
            {"seen", {Milliseconds(pod.first), Milliseconds(pod.last)}},
            {"used", pod.used ? json(Milliseconds(*pod.used)) : json()},
            {"memory", {pod.limit.value, pod.request.value}},
            {"waiting", std::move(waiting)},
            {"ended", Write(pod.ended)},
            {"restarted", Write(pod.restarted)}};
  }
  static std::pair<Name, Pod> ReadPod(const json& value) {
    Pod pod;
    const auto& uids = value.at("uids");
    pod.uid = uids.at(0).get<std::string>();
    pod.previous = uids.at(1).get<std::string>();
    pod.log_uid = uids.at(2).get<std::string>();
    pod.container = value.at("container").get<std::string>();
    pod.labels = value.at("labels").get<std::map<std::string, std::string>>();
    const auto& flags = value.at("flags");
    pod.driver = flags.at(0).get<bool>();
    pod.unreadable = flags.at(1).get<bool>();
    pod.oom = flags.at(2).get<bool>();
    pod.conflict = flags.at(3).get<bool>();
    pod.first = TimeOf(value.at("seen").at(0));
    pod.last = TimeOf(value.at("seen").at(1));
    if (!value.at("used").is_null()) pod.used = TimeOf(value.at("used"));
    pod.limit.value = value.at("memory").at(0).get<std::int64_t>();
    pod.request.value = value.at("memory").at(1).get<std::int64_t>();
    for (const auto& sample : value.at("waiting")) {
      pod.waiting.emplace_back(TimeOf(sample.at(0)), base::Bytes{sample.at(1).get<std::int64_t>()});
    }
    pod.ended = ReadEnd(value.at("ended"));
    pod.restarted = ReadEnd(value.at("restarted"));
    return {value.at("name").get<Name>(), std::move(pod)};
  }

  static json Write(const Importer& importer) {
    json pods = json::array();
    for (const auto& [name, pod] : importer.pods_) pods.push_back(Write(name, pod));
    json drivers = json::array();
    for (const auto& [name, driver] : importer.drivers_) {
      drivers.push_back({name, driver.uid, Milliseconds(driver.t), driver.signature});
    }
    json gone = json::object();
    for (const auto& [uid, t] : importer.gone_) gone[uid] = Milliseconds(t);
    json held = json::array();
    for (const auto& [t, line] : importer.held_) held.push_back({Milliseconds(t), line});
    json cut_names = json::array();
    for (const auto& [name, job] : importer.cut_names_) cut_names.push_back({name, job});
    json counts = json::array();
    for (const auto count : kCounts) counts.push_back(importer.counts_.*count);
    return {{"now", Milliseconds(importer.now_)},
            {"pods", std::move(pods)},
            {"drivers", std::move(drivers)},
            {"gone", std::move(gone)},
            {"held", std::move(held)},
            {"clusters", importer.clusters_},
            {"cutNames", std::move(cut_names)},
            {"counts", std::move(counts)}};
  }
  static void Read(const json& value, Importer& importer) {
    importer.now_ = TimeOf(value.at("now"));
    for (const auto& pod : value.at("pods")) importer.pods_.insert(ReadPod(pod));
    for (const auto& driver : value.at("drivers")) {
      importer.drivers_[driver.at(0).get<Name>()] = {
          driver.at(1).get<std::string>(), TimeOf(driver.at(2)), driver.at(3).get<bool>()};
    }
    for (const auto& [uid, t] : value.at("gone").items()) importer.gone_[uid] = TimeOf(t);
    for (const auto& line : value.at("held")) {
      importer.held_.emplace(TimeOf(line.at(0)), line.at(1).get<std::string>());
    }
    importer.clusters_ = value.at("clusters").get<std::map<std::string, std::set<std::string>>>();
    for (const auto& cut : value.at("cutNames")) {
      importer.cut_names_[cut.at(0).get<Name>()] = cut.at(1).get<std::string>();
    }
    for (std::size_t i = 0; i < kCounts.size(); ++i) {
      importer.counts_.*kCounts[i] = value.at("counts").at(i).get<std::uint64_t>();
    }
  }
};

std::string Importer::Save() const {
  return Codec::Write(*this).dump(-1, ' ', false, json::error_handler_t::replace);
}

base::Result<void> Importer::Restore(const std::string& text) try {
  Importer fresh(selection_, rules_);
  Codec::Read(json::parse(text), fresh);
  pods_ = std::move(fresh.pods_);
  drivers_ = std::move(fresh.drivers_);
  gone_ = std::move(fresh.gone_);
  held_ = std::move(fresh.held_);
  clusters_ = std::move(fresh.clusters_);
  cut_names_ = std::move(fresh.cut_names_);
  counts_ = fresh.counts_;
  now_ = fresh.now_;
  return {};
} catch (const json::exception& error) {
  return base::Fail(base::Code::kMalformed, error.what());
}

}  // namespace sparkfit::replay
