// SPDX-License-Identifier: Apache-2.0
//
// What an API server is asked about somebody who wants to read from us: whose a token is
// (TokenReview of authentication.k8s.io/v1), and what that user may do (SubjectAccessReview of
// authorization.k8s.io/v1).
// https://kubernetes.io/docs/reference/access-authn-authz/webhook/
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sparkfit/base/result.h"

namespace sparkfit::wire {

// A user, as the API server knows it.
struct Caller {
  std::string name;
  std::string uid;
  std::vector<std::string> groups;
  std::map<std::string, std::vector<std::string>> extra;

  friend bool operator==(const Caller&, const Caller&) = default;
};

std::string WriteTokenReview(std::string_view token);
// Whose the token is; nothing: nobody's. kMalformed for what is no answer.
base::Result<std::optional<Caller>> ReadTokenReview(std::string_view answer);

// Whether a caller may get this path, which belongs to no resource. Valid JSON whatever the path.
std::string WriteAccessReview(const Caller& caller, std::string_view path);
// kMalformed for what is no answer.
base::Result<bool> ReadAccessReview(std::string_view answer);

}  // namespace sparkfit::wire
