// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/wire/observation_log.h"

#include <fmt/format.h>

#include <optional>

#include "json.h"
#include "sparkfit/base/text.h"
#include "sparkfit/wire/checkpoint_json.h"

namespace sparkfit::wire {
namespace {

using base::Code;
using base::Result;
using model::EventType;
using model::Observation;
using simdjson::error_code;
using simdjson::SUCCESS;

static_assert(kLinePadding >= simdjson::SIMDJSON_PADDING);

// The envelope of a line. The object is read where it stands, as type and event come before it in
// every log we write; a foreign log may order its members otherwise and is read a second time.
struct Envelope {
  std::string_view t{};
  std::string_view type{};
  std::string_view event{};
  std::int64_t version = 0;
  bool unwatched = false;
  std::map<std::string, std::string> options{};
  bool object_seen = false;
  bool object_read = false;
  std::optional<base::Error> failure{};
  Observation observation{};
  const model::SignatureRules* rules = nullptr;
};

std::optional<EventType> ParseEvent(std::string_view name) {
  if (name == "ADDED") return EventType::kAdded;
  if (name == "MODIFIED") return EventType::kModified;
  if (name == "DELETED") return EventType::kDeleted;
  return std::nullopt;
}

template <typename T, typename Wrap>
void Take(Result<T> result, Envelope& envelope, Wrap&& wrap) {
  if (result) {
    envelope.observation.what = wrap(*std::move(result));
  } else {
    // Of a line alone, whatever it is: a header that is another version's says so of the log.
    envelope.failure = base::Error{Code::kMalformed, result.error().message};
  }
}

void ReadRestored(JsonObject object, Envelope& envelope) {
  std::string_view text;
  if (object.raw_json().get(text) != SUCCESS) text = {};
  Take(ReadCheckpoint(text), envelope, [](auto checkpoint) {
    return model::RestoreEvent{std::make_shared<const model::KeyCheckpoint>(std::move(checkpoint))};
  });
}

void ReadKnownObject(JsonObject object, Envelope& envelope) {
  if (envelope.type == "checkpoint") return ReadRestored(object, envelope);
  if (envelope.type == "usage") {
    Take(ReadPodMetrics(object), envelope, [](auto sample) { return sample; });
    return;
  }
  if (envelope.type == "driver") {
    Take(ReadDriverReading(object), envelope, [](auto reading) { return reading; });
    return;
  }
  const auto event = ParseEvent(envelope.event);
  if (!event) {
    envelope.failure =
        base::Error{Code::kMalformed, fmt::format("event \"{}\" is not ADDED, MODIFIED or DELETED",
                                                  base::Beginning(envelope.event, 40))};
    return;
  }
  if (envelope.type == "pod") {
    Take(ReadPod(object, envelope.rules), envelope, [&](auto pod) {
      return model::PodEvent{*event, std::move(pod), envelope.unwatched};
    });
  } else if (envelope.type == "recommendation") {
    Take(ReadRecommendation(object), envelope, [&](auto facts) {
      return model::RecommendationEvent{*event, std::move(facts)};
    });
  } else {
    Take(ReadNode(object), envelope, [&](auto node) {
      node.event = *event;
      return node;
    });
  }
}

// Types that are told apart by an event.
bool HasEvent(std::string_view type) {
  return type == "pod" || type == "recommendation" || type == "node";
}

bool HasObject(std::string_view type) {
  return HasEvent(type) || type == "usage" || type == "driver" || type == "checkpoint";
}

error_code ReadOptions(JsonValue value, Envelope& envelope) {
  return ForEachMember(value, [&](std::string_view key, JsonValue option) -> error_code {
    return ReadString(option, envelope.options[std::string(key)]);
  });
}

error_code ReadMember(std::string_view key, JsonValue value, Envelope& envelope) {
  if (key == "t") return value.get_string().get(envelope.t);
  if (key == "type") return value.get_string().get(envelope.type);
  if (key == "event") return value.get_string().get(envelope.event);
  if (key == "version") return value.get_int64().get(envelope.version);
  if (key == "unwatched") return value.get_bool().get(envelope.unwatched);
  if (key == "options") return ReadOptions(value, envelope);
  if (key != "object") return SUCCESS;
  envelope.object_seen = true;
  const bool can_read =
      HasObject(envelope.type) && (!HasEvent(envelope.type) || !envelope.event.empty());
  if (!can_read) return SUCCESS;
  JsonObject object;
  if (auto error = value.get_object().get(object)) return error;
  envelope.object_read = true;
  ReadKnownObject(object, envelope);
  return SUCCESS;
}

Result<LogLine> Header(Envelope envelope) {
  if (envelope.version != kLogVersion) {
    return base::Fail(Code::kInvalidArgument,
                      fmt::format("observation log version {}; this sparkfit reads version {}",
                                  envelope.version, kLogVersion));
  }
  return LogHeader{static_cast<int>(envelope.version), std::move(envelope.options)};
}

Result<LogLine> Finish(Envelope envelope) {
  if (envelope.type == "header") return Header(std::move(envelope));
  if (envelope.type.empty()) return base::Fail(Code::kMalformed, "a line without a type");
  if (!HasObject(envelope.type)) return UnknownLine{std::string(envelope.type)};
  if (envelope.failure) return tl::unexpected<base::Error>(*std::move(envelope.failure));
  if (!envelope.object_read) {
    return base::Fail(Code::kMalformed, fmt::format("a {} line without an object", envelope.type));
  }
  const auto t = base::ParseTime(envelope.t);
  if (!t) return base::Fail("t", t.error());
  envelope.observation.t = *t;
  return std::move(envelope.observation);
}

}  // namespace

struct LogLineParser::Impl {
  simdjson::ondemand::parser parser;
  const model::SignatureRules* rules = nullptr;

  error_code Read(std::string_view line, Envelope& envelope) {
    envelope.rules = rules;
    simdjson::ondemand::document document;
    JsonObject object;
    const auto capacity = line.size() + simdjson::SIMDJSON_PADDING;
    if (auto error = parser.iterate(line.data(), line.size(), capacity).get(document)) return error;
    if (auto error = document.get_object().get(object)) return error;
    if (auto error = ForEachMember(object, [&](std::string_view key, JsonValue value) {
          return ReadMember(key, value, envelope);
        })) {
      return error;
    }
    return document.current_location().error() == simdjson::OUT_OF_BOUNDS
               ? SUCCESS
               : simdjson::TRAILING_CONTENT;
  }
};

LogLineParser::LogLineParser() : impl_(std::make_unique<Impl>()) {}
LogLineParser::~LogLineParser() = default;

void LogLineParser::SetRules(const model::SignatureRules* rules) { impl_->rules = rules; }

Result<LogLine> LogLineParser::Parse(std::string_view line) {
  Envelope envelope;
  if (auto error = impl_->Read(line, envelope)) return Malformed(error);
  // The views into the parser die with a second pass.
  const std::string type(envelope.type);
  const std::string event(envelope.event.empty() ? "?" : envelope.event);
  if (envelope.object_seen && !envelope.object_read && HasObject(type)) {
    const bool unwatched = envelope.unwatched;
    envelope = {.type = type, .event = event};
    envelope.unwatched = unwatched;
    if (auto error = impl_->Read(line, envelope)) return Malformed(error);
  }
  return Finish(std::move(envelope));
}

}  // namespace sparkfit::wire
