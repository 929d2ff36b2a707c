// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/wire/object_reader.h"

#include "json.h"

namespace sparkfit::wire {

namespace {
constexpr std::size_t kLarge = std::size_t{256} << 10;
}

struct ObjectReader::Impl {
  simdjson::ondemand::parser usual;
  const model::SignatureRules* rules;

  template <typename Read>
  auto Parse(std::string_view json, Read&& read) -> decltype(read(JsonObject())) {
    // What a parser took for a large text it keeps.
    simdjson::ondemand::parser for_large;
    auto& parser = json.size() > kLarge ? for_large : usual;
    simdjson::ondemand::document document;
    JsonObject object;
    const auto capacity = json.size() + simdjson::SIMDJSON_PADDING;
    if (auto error = parser.iterate(json.data(), json.size(), capacity).get(document)) {
      return Malformed(error);
    }
    if (auto error = document.get_object().get(object)) return Malformed(error);
    return read(object);
  }
};

ObjectReader::ObjectReader(const model::SignatureRules* rules) : impl_(std::make_unique<Impl>()) {
  impl_->rules = rules;
}
ObjectReader::~ObjectReader() = default;

base::Result<model::PodFacts> ObjectReader::Pod(std::string_view json) {
  return impl_->Parse(json, [&](JsonObject object) { return ReadPod(object, impl_->rules); });
}
base::Result<model::UsageSample> ObjectReader::PodMetrics(std::string_view json) {
  return impl_->Parse(json, [](JsonObject object) { return ReadPodMetrics(object); });
}
base::Result<model::RecommendationObject> ObjectReader::Recommendation(std::string_view json) {
  return impl_->Parse(json, [](JsonObject object) { return ReadRecommendation(object); });
}
base::Result<model::NodeEvent> ObjectReader::Node(std::string_view json) {
  return impl_->Parse(json, [](JsonObject object) { return ReadNode(object); });
}
base::Result<CheckpointHead> ObjectReader::Checkpoint(std::string_view json) {
  return impl_->Parse(json, [](JsonObject object) { return ReadCheckpointHead(object); });
}
base::Result<model::Constraints> ObjectReader::LimitRange(std::string_view json) {
  return impl_->Parse(json, [](JsonObject object) { return ReadLimitRange(object); });
}
base::Result<model::Constraints> ObjectReader::ResourceQuota(std::string_view json) {
  return impl_->Parse(json, [](JsonObject object) { return ReadResourceQuota(object); });
}

}  // namespace sparkfit::wire
