// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/wire/access_review.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

namespace sparkfit::wire {
namespace {

using nlohmann::json;

const Caller kCaller{"system:serviceaccount:monitoring:prometheus",
                     "u-1",
                     {"system:serviceaccounts", "system:authenticated"},
                     {{"authentication.kubernetes.io/pod-name", {"prometheus-0"}}}};

TEST_CASE("a token is shown to the API server as it asks for", "[wire]") {
  CHECK(json::parse(WriteTokenReview("abc")) ==
        json::parse(R"({"apiVersion":"authentication.k8s.io/v1","kind":"TokenReview",
                        "spec":{"token":"abc"}})"));
}

TEST_CASE("a user is read with all that rights may depend on", "[wire]") {
  const auto caller = ReadTokenReview(R"({"kind":"TokenReview","spec":{"token":"abc"},"status":{
      "authenticated":true,"user":{"username":"system:serviceaccount:monitoring:prometheus",
      "uid":"u-1","groups":["system:serviceaccounts","system:authenticated"],
      "extra":{"authentication.kubernetes.io/pod-name":["prometheus-0"]}},"audiences":["x"]}})");
  REQUIRE(caller.has_value());
  CHECK(*caller == kCaller);
  const auto plain = ReadTokenReview(
      R"({"kind":"TokenReview","status":{"authenticated":true,"user":{"username":"a"}}})");
  REQUIRE(plain.has_value());
  CHECK(*plain == Caller{"a", "", {}, {}});
}

TEST_CASE("a token may be nobody's", "[wire]") {
  for (const auto* status : {R"({})", R"({"authenticated":false})", R"({"user":{}})",
                             R"({"error":"invalid bearer token","user":{"username":"a"}})"}) {
    INFO(status);
    const auto caller =
        ReadTokenReview(std::string(R"({"kind":"TokenReview","status":)") + status + "}");
    REQUIRE(caller.has_value());
    CHECK(!*caller);
  }
}

TEST_CASE("what is no answer about a token is malformed, and grants nothing", "[wire]") {
  for (
      const auto* text :
      {"", "nonsense", "[]", R"({"status":{"authenticated":true,"user":{"username":"a"}}})",
       R"({"kind":"Status","status":"Failure"})", R"({"kind":"TokenReview"})",
       R"({"kind":"TokenReview","status":{"authenticated":"true","user":{"username":"a"}}})",
       R"({"kind":"TokenReview","status":{"authenticated":true}})",
       R"({"kind":"TokenReview","status":{"authenticated":true,"user":[]}})",
       R"({"kind":"TokenReview","status":{"authenticated":true,"user":{"username":""}}})",
       R"({"kind":"TokenReview","status":{"authenticated":true,"user":{"username":"a","groups":"b"}}})",
       R"({"kind":"TokenReview","status":{"authenticated":true,"user":{"username":"a","groups":[1]}}})",
       R"({"kind":"TokenReview","status":{"authenticated":true,"user":{"username":"a","extra":{"b":"c"}}}})"}) {
    INFO(text);
    const auto caller = ReadTokenReview(text);
    REQUIRE(!caller);
    CHECK(caller.error().code == base::Code::kMalformed);
  }
}

TEST_CASE("whether a user may get a path is asked with all that is known of the user", "[wire]") {
  CHECK(json::parse(WriteAccessReview(kCaller, "/metrics")) ==
        json::parse(R"({"apiVersion":"authorization.k8s.io/v1","kind":"SubjectAccessReview",
            "spec":{"user":"system:serviceaccount:monitoring:prometheus","uid":"u-1",
            "groups":["system:serviceaccounts","system:authenticated"],
            "extra":{"authentication.kubernetes.io/pod-name":["prometheus-0"]},
            "nonResourceAttributes":{"path":"/metrics","verb":"get"}}})"));
  CHECK(json::accept(WriteAccessReview(kCaller, "/\xff\"\n")));
}

TEST_CASE("only a plain yes allows", "[wire]") {
  const auto answer = [](const std::string& status) {
    return ReadAccessReview(R"({"kind":"SubjectAccessReview","status":)" + status + "}");
  };
  CHECK(answer(R"({"allowed":true})") == true);
  CHECK(answer(R"({"allowed":false,"denied":true,"reason":"no"})") == false);
  CHECK(answer(R"({"allowed":false,"evaluationError":"webhook is down"})") == false);
  for (const auto* status : {"{}", R"({"allowed":"true"})", R"({"allowed":1})", "true"}) {
    INFO(status);
    CHECK(!answer(status));
  }
  CHECK(!ReadAccessReview(R"({"kind":"TokenReview","status":{"allowed":true}})"));
}

}  // namespace
}  // namespace sparkfit::wire
