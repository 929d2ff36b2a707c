// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/wire/access_review.h"

#include <nlohmann/json.hpp>

#include "sparkfit/base/json.h"

namespace sparkfit::wire {
namespace {

using base::Code;
using base::Result;
using nlohmann::json;

std::string Written(const char* group, const char* kind, json spec) {
  const json review{
      {"apiVersion", std::string(group) + "/v1"}, {"kind", kind}, {"spec", std::move(spec)}};
  return review.dump(-1, ' ', false, json::error_handler_t::replace);
}

// The status of an answer of this kind.
Result<json> StatusIn(std::string_view answer, const char* kind) {
  const auto review = base::ParseJson(answer);
  if (!review.is_object() || !review.contains("kind") || review["kind"] != kind ||
      !review.contains("status") || !review["status"].is_object()) {
    return base::Fail(Code::kMalformed, std::string("no ") + kind + " with a status");
  }
  return review["status"];
}

// A member that may be left out.
template <typename T>
T Member(const json& object, const char* name) {
  const auto member = object.find(name);
  return member == object.end() || member->is_null() ? T() : member->get<T>();
}

}  // namespace

std::string WriteTokenReview(std::string_view token) {
  return Written("authentication.k8s.io", "TokenReview", {{"token", token}});
}

Result<std::optional<Caller>> ReadTokenReview(std::string_view answer) try {
  const auto status = StatusIn(answer, "TokenReview");
  if (!status) return tl::unexpected<base::Error>(status.error());
  // False is left out.
  if (!Member<bool>(*status, "authenticated")) return std::nullopt;
  const auto& user = status->at("user");
  Caller caller{user.at("username").get<std::string>(), Member<std::string>(user, "uid"),
                Member<decltype(Caller::groups)>(user, "groups"),
                Member<decltype(Caller::extra)>(user, "extra")};
  if (caller.name.empty()) return base::Fail(Code::kMalformed, "a user without a name");
  return caller;
} catch (const json::exception& error) {
  return base::Fail(Code::kMalformed, std::string("TokenReview: ") + error.what());
}

std::string WriteAccessReview(const Caller& caller, std::string_view path) {
  return Written("authorization.k8s.io", "SubjectAccessReview",
                 {{"user", caller.name},
                  {"uid", caller.uid},
                  {"groups", caller.groups},
                  {"extra", caller.extra},
                  {"nonResourceAttributes", {{"path", path}, {"verb", "get"}}}});
}

Result<bool> ReadAccessReview(std::string_view answer) {
  const auto status = StatusIn(answer, "SubjectAccessReview");
  if (!status) return tl::unexpected<base::Error>(status.error());
  const auto allowed = status->find("allowed");
  if (allowed == status->end() || !allowed->is_boolean()) {
    return base::Fail(Code::kMalformed,
                      "SubjectAccessReview: it does not say whether it is allowed");
  }
  return allowed->get<bool>();
}

}  // namespace sparkfit::wire
