// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/wire/admission_review.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "json.h"
#include "sparkfit/base/base64.h"
#include "sparkfit/base/quantity.h"
#include "sparkfit/base/text.h"

namespace sparkfit::wire {
namespace {

using base::Code;
using nlohmann::ordered_json;
using simdjson::error_code;
using simdjson::SUCCESS;

// The question without its object.
struct Envelope {
  std::string_view api_version;
  std::string_view kind;
  std::string_view operation;
  std::string uid;
  std::string name_space;
  std::string resource;     // group/version/resource
  std::string object_kind;  // group/version/kind
  std::string subresource;
  bool dry_run = false;
};

// A resource or a kind, in full.
error_code ReadFull(JsonValue json, std::string_view name, std::string& full) {
  std::string_view group;
  std::string_view version;
  std::string_view last;
  const auto error = ForEachMember(json, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "group") return value.get_string().get(group);
    if (key == "version") return value.get_string().get(version);
    return key == name ? value.get_string().get(last) : SUCCESS;
  });
  full = fmt::format("{}/{}/{}", group, version, last);
  return error;
}

error_code ReadRequest(JsonValue json, Envelope& envelope) {
  return ForEachMember(json, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "uid") return ReadString(value, envelope.uid);
    if (key == "namespace") return ReadString(value, envelope.name_space);
    if (key == "operation") return value.get_string().get(envelope.operation);
    if (key == "resource") return ReadFull(value, "resource", envelope.resource);
    if (key == "kind") return ReadFull(value, "kind", envelope.object_kind);
    if (key == "subResource") return ReadString(value, envelope.subresource);
    if (key == "dryRun") return ReadFlag(value, envelope.dry_run);
    return SUCCESS;
  });
}

error_code ReadEnvelope(JsonObject object, Envelope& envelope) {
  return ForEachMember(object, [&](std::string_view key, JsonValue value) -> error_code {
    if (key == "apiVersion") return value.get_string().get(envelope.api_version);
    if (key == "kind") return value.get_string().get(envelope.kind);
    return key == "request" ? ReadRequest(value, envelope) : SUCCESS;
  });
}

base::Result<void> IsQuestion(const Envelope& envelope) {
  const auto other = [](std::string_view what, std::string_view text) {
    return base::Fail(Code::kMalformed, fmt::format("{} \"{}\"", what, base::Beginning(text, 60)));
  };
  if (envelope.kind != "AdmissionReview") return other("kind", envelope.kind);
  if (envelope.api_version != "admission.k8s.io/v1") {
    return other("apiVersion", envelope.api_version);
  }
  if (envelope.uid.empty()) return base::Fail(Code::kMalformed, "no request with a uid");
  if (envelope.resource != "/v1/pods") return other("resource", envelope.resource);
  if (envelope.object_kind != "/v1/Pod") return other("kind of object", envelope.object_kind);
  if (!envelope.subresource.empty()) return other("subResource", envelope.subresource);
  if (envelope.operation != "CREATE") return other("operation", envelope.operation);
  return {};
}

// The pod in request.object; the rest was read before.
base::Result<Review> ReadObject(JsonObject root, const Envelope& envelope,
                                const model::SignatureRules* rules) {
  std::optional<base::Result<Review>> result;
  const auto error = ForEachMember(root, [&](std::string_view key, JsonValue value) -> error_code {
    if (key != "request") return SUCCESS;
    return ForEachMember(value, [&](std::string_view member, JsonValue object) -> error_code {
      if (member != "object" || result) return SUCCESS;
      JsonObject pod;
      if (auto bad = object.get_object().get(pod)) return bad;
      Review review;
      review.uid = envelope.uid;
      review.dry_run = envelope.dry_run;
      auto facts = ReadPodToPatch(pod, rules, &review.places);
      if (!facts) {
        result = tl::unexpected<base::Error>(facts.error());
        return simdjson::INCORRECT_TYPE;  // ends the pass; `result` says why
      }
      review.pod = *std::move(facts);
      result = std::move(review);
      return SUCCESS;
    });
  });
  if (!result) {
    if (error) return Malformed(error);
    return base::Fail(Code::kMalformed, "no request.object");
  }
  if (*result) {
    if (error) return Malformed(error);
    // The object of a creation need not name its namespace; the question does.
    if (!envelope.name_space.empty()) (*result)->pod.name_space = envelope.name_space;
    if ((*result)->pod.name_space.empty()) return base::Fail(Code::kMalformed, "no namespace");
    // It is told in Events and logs, and a caller may be anybody.
    if (auto& name = (*result)->pod.name; !base::IsSubdomain(name)) name.clear();
  }
  return *std::move(result);
}

void Add(ordered_json& operations, std::string path, ordered_json value) {
  operations.push_back({{"op", "add"}, {"path", std::move(path)}, {"value", std::move(value)}});
}

// A key as a step of a JSON Pointer (RFC 6901).
std::string Escaped(std::string_view key) {
  std::string out;
  for (const char c : key) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

ReadReviewResult ReadReview(std::string_view body, const model::SignatureRules* rules) {
  const simdjson::padded_string padded(body);
  simdjson::ondemand::parser parser;
  simdjson::ondemand::document document;
  JsonObject root;
  const auto begin = [&]() -> error_code {
    if (auto error = parser.iterate(padded).get(document)) return error;
    return document.get_object().get(root);
  };
  // Twice over the text: what is asked may stand behind the object.
  Envelope envelope;
  auto error = begin();
  if (!error) error = ReadEnvelope(root, envelope);
  if (error) return {envelope.uid, Malformed(error)};
  if (const auto question = IsQuestion(envelope); !question) {
    return {envelope.uid, tl::unexpected<base::Error>(question.error())};
  }
  if (begin()) return {envelope.uid, base::Fail(Code::kMalformed, "cannot be read again")};
  return {envelope.uid, ReadObject(root, envelope, rules)};
}

std::string JsonPatch(const model::PodPatch& patch) {
  ordered_json operations = ordered_json::array();
  const auto container = fmt::format("/spec/containers/{}", patch.container);
  Add(operations, container + "/resources/limits/memory", base::FormatQuantity(patch.limit));
  if (patch.request) {
    Add(operations, container + "/resources/requests/memory", base::FormatQuantity(*patch.request));
  }
  operations.push_back({{"op", "replace"},
                        {"path", fmt::format("{}/env/{}/value", container, patch.heap_variable)},
                        {"value", fmt::format("{}m", patch.heap.WholeMiB())}});
  if (!patch.has_annotations) Add(operations, "/metadata/annotations", ordered_json::object());
  for (const auto& [key, value] : patch.annotations) {
    Add(operations, "/metadata/annotations/" + Escaped(key), value);
  }
  return operations.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::string WriteReview(const std::string& uid, const std::optional<model::PodPatch>& patch,
                        std::string_view decision) {
  ordered_json response{{"uid", uid}, {"allowed", true}};
  if (patch) {
    response["patchType"] = "JSONPatch";
    response["patch"] = base::EncodeBase64(JsonPatch(*patch));
  }
  response["auditAnnotations"] = {{"decision", std::string(decision)}};
  return ordered_json{{"apiVersion", "admission.k8s.io/v1"},
                      {"kind", "AdmissionReview"},
                      {"response", std::move(response)}}
      .dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

}  // namespace sparkfit::wire
