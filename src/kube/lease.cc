// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/kube/lease.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sparkfit/base/json.h"

namespace sparkfit::kube {
namespace {

using nlohmann::json;

// Kubernetes' MicroTime has exactly six digits after the point.
std::string MicroTime(base::Time time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  auto text = base::FormatTime(base::Time(seconds));
  text.pop_back();
  return fmt::format("{}.{:03}000Z", text, (time - seconds).count());
}

std::string Text(const json& object, const char* key) {
  return object.is_object() && object.contains(key) && object[key].is_string()
             ? object[key].get<std::string>()
             : "";
}

// Whatever the server sent: a part of it that is an object, else an empty one.
json Part(const json& object, const char* key) {
  return object.is_object() && object.contains(key) && object[key].is_object() ? object[key]
                                                                               : json::object();
}

}  // namespace

LeaseElector::LeaseElector(Client& client, const base::Clock& clock, base::Waiter& waiter,
                           LeaseOptions options)
    : client_(client),
      clock_(clock),
      waiter_(waiter),
      options_(std::move(options)),
      path_(fmt::format("/apis/coordination.k8s.io/v1/namespaces/{}/leases", options_.name_space)) {
}

bool LeaseElector::Holds() const {
  return clock_.SteadyNow().time_since_epoch().count() < held_until_.load();
}

void LeaseElector::SetHeld(base::Clock::Steady when) {
  renewed_at_ = when;
  held_until_ = (when + options_.renew_deadline).time_since_epoch().count();
}

void LeaseElector::Run(const std::stop_token& stop, const std::function<void(bool)>& on_change,
                       const std::function<void(const std::string&)>& on_trouble,
                       const std::function<void(const std::string&)>& on_note) {
  on_note_ = on_note;
  while (!stop.stop_requested()) {
    const auto begun = clock_.SteadyNow();
    const auto outcome = TryOnce(stop);
    if (outcome == Outcome::kHeld) {
      SetHeld(begun);
      if (!std::exchange(leading_, true)) on_change(true);
    } else {
      if (outcome == Outcome::kFailed) on_trouble(trouble_);
      const bool late = clock_.SteadyNow() - renewed_at_ >= options_.renew_deadline;
      if (leading_ && (outcome == Outcome::kOthers || late)) {
        leading_ = false;
        held_until_ = 0;
        on_change(false);
      }
    }
    waiter_.Wait(client_.Jittered(options_.retry, options_.retry * 5 / 4), stop);
  }
  if (!leading_) return;
  leading_ = false;
  held_until_ = 0;
  on_change(false);
  Release();
}

LeaseElector::Outcome LeaseElector::TryOnce(const std::stop_token& stop) {
  if (leading_) {
    // We know the version: one request instead of two.
    const auto outcome = Update(stop);
    if (outcome != Outcome::kOthers) return outcome;
  }
  Call call{.verb = "get", .resource = "leases", .target = path_ + "/" + options_.name};
  call.deadline = options_.renew_deadline / 2;
  const auto reply = client_.Send(call, stop);
  if (!reply || (!reply->Ok() && reply->status != 404)) {
    trouble_ = "lease: " + (reply ? reply->Why() : reply.error().message);
    return Outcome::kFailed;
  }
  if (reply->status == 404) return Create(stop);
  const auto lease = base::ParseJson(reply->body);
  const auto spec = Part(lease, "spec");
  holder_ = Text(spec, "holderIdentity");
  version_ = reply->Version();
  // What we left ourselves may be newer than what is there.
  if (holder_ != options_.identity && !options_.note.empty()) {
    ReadNote(Text(Part(Part(lease, "metadata"), "annotations"), options_.note.c_str()));
  }
  acquired_ = Text(spec, "acquireTime");
  if (spec.contains("leaseTransitions") && spec["leaseTransitions"].is_number_integer()) {
    transitions_ = spec["leaseTransitions"].get<std::int64_t>();
  }
  const auto renewed = Text(spec, "renewTime");
  const auto now = clock_.SteadyNow();
  if (!observed_ || renewed != renewed_) {
    renewed_ = renewed;
    observed_ = now;
  }
  const bool free =
      holder_.empty() || holder_ == options_.identity || now - *observed_ >= options_.duration;
  return free ? Update(stop) : Outcome::kOthers;
}

void LeaseElector::ReadNote(const std::string& found) {
  {
    const std::scoped_lock lock(note_mutex_);
    if (found == note_) return;
    note_ = found;
  }
  if (on_note_) on_note_(found);
}

void LeaseElector::SetNote(std::string note) {
  const std::scoped_lock lock(note_mutex_);
  note_ = std::move(note);
}

std::string LeaseElector::Note() const {
  const std::scoped_lock lock(note_mutex_);
  return note_;
}

LeaseElector::Outcome LeaseElector::Create(const std::stop_token& stop) {
  version_.clear();
  holder_.clear();
  Call call{.verb = "create", .resource = "leases", .method = "POST", .target = path_};
  call.body = Body(false);
  call.deadline = options_.renew_deadline / 2;
  const auto reply = client_.Send(call, stop);
  if (reply && reply->Ok()) {
    version_ = reply->Version();
    holder_ = options_.identity;
    return Outcome::kHeld;
  }
  if (reply && reply->status == 409) return Outcome::kOthers;
  trouble_ = "lease: " + (reply ? reply->Why() : reply.error().message);
  return Outcome::kFailed;
}

LeaseElector::Outcome LeaseElector::Update(const std::stop_token& stop) {
  if (holder_ != options_.identity) {
    ++transitions_;
    acquired_.clear();
  }
  Call call{.verb = "update", .resource = "leases", .method = "PUT"};
  call.target = path_ + "/" + options_.name;
  call.body = Body(false);
  call.deadline = options_.renew_deadline / 2;
  const auto reply = client_.Send(call, stop);
  if (!reply || (!reply->Ok() && reply->status != 409 && reply->status != 404)) {
    trouble_ = "lease: " + (reply ? reply->Why() : reply.error().message);
    return Outcome::kFailed;
  }
  // Somebody was faster; the next round shows who.
  if (!reply->Ok()) return Outcome::kOthers;
  version_ = reply->Version();
  holder_ = options_.identity;
  return Outcome::kHeld;
}

// Others need not wait for it to run out. At most a second of a process that ends.
void LeaseElector::Release() {
  Call call{.verb = "update", .resource = "leases", .method = "PUT"};
  call.target = path_ + "/" + options_.name;
  call.body = Body(true);
  call.deadline = std::chrono::seconds(1);
  (void)client_.Send(call, std::stop_token());
}

std::string LeaseElector::Body(bool release) const {
  const auto now = MicroTime(clock_.Wall());
  json metadata{{"name", options_.name}, {"namespace", options_.name_space}};
  if (!version_.empty()) metadata["resourceVersion"] = version_;
  // An update replaces the whole object.
  if (auto note = Note(); !note.empty()) metadata["annotations"] = {{options_.note, note}};
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(options_.duration).count();
  return json{{"apiVersion", "coordination.k8s.io/v1"},
              {"kind", "Lease"},
              {"metadata", metadata},
              {"spec",
               {{"holderIdentity", release ? "" : options_.identity},
                {"leaseDurationSeconds", release ? 1 : seconds},
                {"acquireTime", acquired_.empty() ? now : acquired_},
                {"renewTime", now},
                {"leaseTransitions", transitions_}}}}
      .dump();
}

}  // namespace sparkfit::kube
