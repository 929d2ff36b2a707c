// SPDX-License-Identifier: Apache-2.0
#include "pod_pool.h"

namespace sparkfit::cluster {
namespace {

std::size_t BytesOf(const model::Placement& placement) {
  return sizeof(placement) + model::SizeOf(placement);
}
std::size_t BytesOf(const model::PodSettings& settings) {
  return sizeof(settings) + settings.Bytes();
}

}  // namespace

template <typename T>
bool PodPool::ShareOne(const std::string& name_space, base::Shared<T>& part, Known<T>& known) {
  if (part.IsDefault()) return true;
  if (const auto found = known.find(part); found != known.end()) {
    part = *found;
    return true;
  }
  ++since_sweep_;
  if (!shares_.Take(name_space, BytesOf(*part))) return false;
  known.insert(part);
  ++kept_;
  return true;
}

void PodPool::Share(model::PodFacts& pod) {
  if (since_sweep_ > kept_) Sweep();
  auto& own = of_[pod.name_space];
  ShareOne(pod.name_space, pod.settings, own.settings);
  if (ShareOne(pod.name_space, pod.placement, own.placements)) return;
  pod.placement = {};
  pod.problems.push_back(
      "pods of its namespace have too many different nodeSelectors, affinities and tolerations: "
      "any node counts");
}

template <typename T>
void PodPool::Sweep(const std::string& name_space, Known<T>& known) {
  for (auto part = known.begin(); part != known.end();) {
    if (part->IsHeldByOthers()) {
      ++part;
      continue;
    }
    shares_.GiveBack(name_space, BytesOf(**part));
    --kept_;
    part = known.erase(part);
  }
}

void PodPool::Sweep() {
  since_sweep_ = 0;
  for (auto& [name_space, own] : of_) {
    Sweep(name_space, own.placements);
    Sweep(name_space, own.settings);
  }
  std::erase_if(of_, [](const auto& entry) {
    return entry.second.placements.empty() && entry.second.settings.empty();
  });
}

}  // namespace sparkfit::cluster
