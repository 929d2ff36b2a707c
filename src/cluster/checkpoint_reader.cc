// SPDX-License-Identifier: Apache-2.0
#include "checkpoint_reader.h"

#include <algorithm>
#include <utility>

#include "sparkfit/wire/checkpoint_json.h"

namespace sparkfit::cluster {
namespace {

using base::Code;
using base::Fail;
using base::Result;

const kube::Collection& Collection() {
  static const kube::Collection collection{
      "executorrecommendationcheckpoints",
      "/apis/sparkfit.io/v1alpha1/executorrecommendationcheckpoints", ""};
  return collection;
}

}  // namespace

CheckpointReader::CheckpointReader(kube::Client& client, const World& world,
                                   const base::Logger& log, exposition::OwnMetrics& metrics,
                                   std::function<void()> alive, const CheckpointShares& shares)
    : client_(client),
      world_(world),
      log_(log),
      metrics_(metrics),
      alive_(std::move(alive)),
      records_(shares.records_of_one, shares.records),
      texts_(shares.text_of_one, shares.text),
      aside_(shares.aside_of_one, shares.aside) {
  for (const auto& pod : world.Pods()) {
    if (pod->role != model::PodRole::kExecutor) continue;
    records_.Grant(pod->name_space, shares.records_of_pod);
    texts_.Grant(pod->name_space, shares.text_of_pod);
  }
  for (const auto& [name, object] : world.Recommendations()) {
    if (world.ObjectOf(object.GetKey()) == &object) texts_.Grant(name.first, shares.text_of_key);
  }
}

Result<void> CheckpointReader::Read(const std::string& name_space, const Restore& restore,
                                    const std::stop_token& stop) {
  const auto take = [&](const kube::Object& listed) {
    alive_();
    Take(listed, restore, stop);
  };
  const auto listed =
      kube::List(client_, kube::Within(Collection(), name_space), take, stop, {}, alive_);
  TellLeftOut();
  if (!listed) return tl::unexpected<base::Error>(listed.error());
  if (!lost_) return {};
  return Fail(Code::kUnavailable, "nobody answered when a checkpoint was to be set aside");
}

void CheckpointReader::Take(const kube::Object& listed, const Restore& restore,
                            const std::stop_token& stop) {
  const World::ObjectName name{listed.id.name_space, listed.id.name};
  // One of another name is none of ours, or a copy.
  if (!world_.Recommendations().contains(name) || !seen_.insert(name).second) return;
  if (listed.json.empty()) {  // none of ours, which have a most
    metrics_.CountUnreadable(Collection().resource);
    return LeaveOut(listed.id, "it is too large to be read");
  }
  Judge(listed, restore, stop);
}

void CheckpointReader::Judge(const kube::Object& listed, const Restore& restore,
                             const std::stop_token& stop) {
  const auto& id = listed.id;
  const auto head = reader_.Checkpoint(listed.json);
  if (!head) return PutAside(listed, head.error(), stop);
  // Its recommendation was deleted, or is another one by now: purged. One of a recommendation that
  // does not count is none that we wrote.
  const auto& owner = world_.Recommendations().at({id.name_space, id.name});
  const auto key = owner.GetKey();
  if (head->owner_uid != owner.uid || world_.ObjectOf(key) != &owner) {
    ++ignored_;
    return;
  }
  const auto most = std::min(wire::kLargestInflated, texts_.Room(id.name_space));
  std::size_t inflated = 0;
  auto checkpoint = wire::ReadCheckpoint(listed.json, &inflated, most);
  texts_.Take(id.name_space, std::min(inflated, most));
  if (inflated > most) {
    return LeaveOut(id, "those of its namespace, or all, have too much data");
  }
  if (!checkpoint) return PutAside(listed, checkpoint.error(), stop);
  if (checkpoint->key != key) {
    ++ignored_;
    return;
  }
  if (!records_.Take(id.name_space,
                     checkpoint->history.executors.size() + checkpoint->pods.size())) {
    return LeaveOut(id, "those of its namespace, or all, hold too many executors");
  }
  metrics_.CountCheckpointRestore("ok");
  restore({.version = head->version, .checkpoint = *std::move(checkpoint)});
}

// A copy that is refused will be refused again.
void CheckpointReader::PutAside(const kube::Object& listed, const base::Error& why,
                                const std::stop_token& stop) {
  const auto& id = listed.id;
  if (!aside_.Take(id.name_space)) return LeaveOut(id, "it cannot be read, as too many others");
  metrics_.CountCheckpointRestore("set_aside");
  log_.Error("checkpoint cannot be read; a copy is set aside",
             {{"namespace", id.name_space}, {"name", id.name}, {"why", why.message}});
  const auto copy = wire::SetAside(listed.json);
  if (!copy) return;  // no object at all: there is nothing to keep
  kube::Call call{.verb = "create", .resource = Collection().resource, .method = "POST"};
  call.target = kube::Within(Collection(), id.name_space).path;
  call.body = *copy;
  const auto reply = client_.Send(call, stop);
  lost_ |= !reply.has_value();
  if (reply && !reply->Ok() && reply->status != 409) {
    log_.Error("the copy of a checkpoint was refused",
               {{"namespace", id.name_space}, {"name", id.name}, {"why", reply->Why()}});
  }
}

void CheckpointReader::LeaveOut(const kube::Identity& id, const char* why) {
  metrics_.CountCheckpointRestore("left_out");
  if (left_out_[id.name_space]++ > 0) return;
  log_.Error("checkpoint is left out",
             {{"namespace", id.name_space}, {"name", id.name}, {"why", why}});
}

void CheckpointReader::TellLeftOut() {
  for (const auto& [name_space, count] : std::exchange(left_out_, {})) {
    if (count == 1) continue;
    log_.Error("more checkpoints are left out",
               {{"namespace", name_space}, {"all", std::to_string(count)}});
  }
}

}  // namespace sparkfit::cluster
