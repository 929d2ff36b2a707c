// SPDX-License-Identifier: Apache-2.0
#include "writer.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "sparkfit/base/json.h"

namespace sparkfit::cluster {
namespace {

using nlohmann::json;
using Outcome = Written::Outcome;

constexpr const char* kCheckpoints = "executorrecommendationcheckpoints";
constexpr const char* kRecommendations = "executorrecommendations";

std::string PathOf(const std::string& resource, const std::string& name_space) {
  return fmt::format("/apis/{}/namespaces/{}/{}", wire::kApiVersion, kube::Encode(name_space),
                     resource);
}

std::string PathOf(const std::string& resource, const wire::ObjectRef& object) {
  return PathOf(resource, object.name_space) + "/" + kube::Encode(object.name);
}

Written Failed(const Write& write, const base::Result<kube::Reply>& reply) {
  Written written{write.key, write.what, Outcome::kFailed, "", ""};
  written.why = reply ? reply->Why() : reply.error().message;
  // The object that was meant is not there, or it is another one of that name.
  // Of a JSON Patch whose test failed the server says only that it rejects it; of a value that it
  // does not accept it says which object "is invalid".
  const bool other_uid =
      reply && reply->status == 422 && written.why.find("is invalid") == std::string::npos;
  if (reply && (reply->status == 404 || reply->status == 409 || other_uid)) {
    written.outcome = Outcome::kGone;
  }
  return written;
}

}  // namespace

void Writer::Submit(Write write) {
  const std::scoped_lock lock(mutex_);
  if (write.urgent) {
    // It must not overtake what came before it.
    queue_.Raise(write.key.name_space, [&](const Write& other) { return other.key == write.key; });
  }
  const auto name_space = write.key.name_space;
  const bool urgent = write.urgent;
  queue_.Push(name_space, urgent, std::move(write));
  changed_.notify_all();
}

bool Writer::HasRoom(const std::string& name_space) const {
  const std::scoped_lock lock(mutex_);
  return queue_.HasRoom(name_space);
}

void Writer::Run(const std::stop_token& stop) {
  for (;;) {
    Write write;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, stop, [&] { return queue_.Size() > 0; });
      if (stop.stop_requested()) return;  // what waits is left: it can be worked out again
      auto turn = *queue_.Pop();
      queue_.Finish(turn.name_space);  // one thread: it is over before the next begins
      write = std::move(turn.item);
    }
    Written written{write.key, write.what, Outcome::kFailed, "", "does not lead"};
    // An Event says what this replica did, whoever leads.
    if (write.what == Written::What::kEvent || may_write_(write.term)) written = Carry(write, stop);
    written.term = write.term;
    if (!inbox_.Push(std::move(written), stop)) return;
  }
}

Written Writer::Carry(const Write& write, const std::stop_token& stop) {
  using What = Written::What;
  const auto& name_space = write.key.name_space;
  switch (write.what) {
    case What::kPublish:
    case What::kMarkDuplicate:
      return Publish(write, stop);
    case What::kCreate:
      return Ask(write,
                 {.verb = "create",
                  .resource = kRecommendations,
                  .method = "POST",
                  .target = PathOf(kRecommendations, name_space) + "?fieldManager=sparkfit"},
                 stop);
    case What::kDelete:
      return Ask(
          write,
          {.verb = "delete",
           .resource = kRecommendations,
           .method = "DELETE",
           .target = PathOf(kRecommendations, name_space) + "/" + kube::Encode(write.object.name)},
          stop);
    case What::kEvent:
      return Ask(write,
                 {.verb = "create",
                  .resource = "events",
                  .method = "POST",
                  .target = "/api/v1/namespaces/" + kube::Encode(name_space) + "/events"},
                 stop);
  }
  return Failed(write, base::Fail(base::Code::kInvalidArgument, "no such write"));
}

// One request with the write's body.
Written Writer::Ask(const Write& write, const kube::Call& call, const std::stop_token& stop) {
  auto request = call;
  request.body = write.body;
  const auto reply = client_.Send(request, stop);
  if (reply && reply->Ok()) return {write.key, write.what, Outcome::kDone, "", ""};
  return Failed(write, reply);
}

Written Writer::Publish(const Write& write, const std::stop_token& stop) {
  Written written{write.key, write.what, Outcome::kDone, "", ""};
  if (!write.checkpoint.empty()) {
    const auto reply = ApplyCheckpoint(write, stop);
    if (reply && reply->Ok()) {
      written.version = reply->Version();
    } else if (reply && reply->status == 409) {
      const auto there = LookAtCheckpoint(write, written.version, stop);
      if (there != Outcome::kDone) {
        Written lost{write.key, write.what, there, "", reply->Why()};
        lost.checkpoint_gone = there == Outcome::kGone;
        return lost;
      }
    } else {
      auto failed = Failed(write, reply);
      failed.checkpoint_gone = reply && reply->status == 404;
      return failed;
    }
  }
  if (write.status.empty()) return written;
  if (!may_write_(write.term)) {
    written.outcome = Outcome::kFailed;
    written.why = "does not lead";
    return written;
  }
  const auto reply = PatchStatus(write, stop);
  if (reply && reply->Ok()) {
    written.object_version = reply->Version();
    return written;
  }
  auto failed = Failed(write, reply);
  failed.version = written.version;
  return failed;
}

base::Result<kube::Reply> Writer::ApplyCheckpoint(const Write& write, const std::stop_token& stop) {
  kube::Call call{.verb = "apply", .resource = kCheckpoints, .method = "PATCH"};
  call.target = PathOf(kCheckpoints, write.object) + "?fieldManager=sparkfit&force=true";
  call.body = write.checkpoint;
  call.content_type = kube::kApplyPatch;
  return client_.Send(call, stop);
}

base::Result<kube::Reply> Writer::PatchStatus(const Write& write, const std::stop_token& stop) {
  kube::Call call{.verb = "patch", .resource = kRecommendations, .method = "PATCH"};
  call.target = PathOf(kRecommendations, write.object) + "/status?fieldManager=sparkfit";
  call.body = write.status;
  call.content_type = kube::kJsonPatch;
  return client_.Send(call, stop);
}

// What is there instead of what was to be replaced. A request may arrive twice, the second time
// with a version that the first has replaced: kDone.
Outcome Writer::LookAtCheckpoint(const Write& write, std::string& version,
                                 const std::stop_token& stop) {
  kube::Call call{.verb = "get", .resource = kCheckpoints};
  call.target = PathOf(kCheckpoints, write.object);
  const auto reply = client_.Send(call, stop);
  if (reply && reply->status == 404) return Outcome::kGone;
  if (!reply || !reply->Ok()) return Outcome::kFailed;
  const auto object = base::ParseJson(reply->body);
  static const json::json_pointer kData("/spec/data");
  if (!object.is_object() || !object.contains(kData) || object[kData] != write.data) {
    return Outcome::kForeign;
  }
  version = reply->Version();
  return Outcome::kDone;
}

}  // namespace sparkfit::cluster
