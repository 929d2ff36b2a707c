// SPDX-License-Identifier: Apache-2.0
//
// AdmissionReviews of executor pods as an API server sends them, cut to what matters, and a way to
// do to the pod what the answer says.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "sparkfit/base/base64.h"
#include "sparkfit/wire/admission_review.h"

namespace sparkfit::test {

// 1408Mi: heap 1 GiB and Spark's default overhead of 384 MiB. Not created yet: no UID, no status.
inline nlohmann::json ReviewedPod() {
  return nlohmann::json::parse(R"({
    "apiVersion": "v1", "kind": "Pod",
    "metadata": {
      "name": "nightly-1-exec-1", "namespace": "jobs", "creationTimestamp": null,
      "labels": {"spark-role": "executor", "spark-app-selector": "spark-1", "spark-exec-id": "1",
                 "spark-exec-resourceprofile-id": "0"},
      "annotations": {"sparkfit.io/signature": "nightly", "sparkfit.io/mode": "Initial"}
    },
    "spec": {
      "restartPolicy": "Never",
      "containers": [
        {"name": "spark-kubernetes-executor", "args": ["executor"],
         "resources": {"requests": {"cpu": "1", "memory": "1408Mi"}, "limits": {"memory": "1408Mi"}},
         "env": [{"name": "SPARK_EXECUTOR_CORES", "value": "1"},
                 {"name": "SPARK_EXECUTOR_MEMORY", "value": "1024m"},
                 {"name": "SPARK_EXECUTOR_POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]}
      ]
    }
  })");
}

inline nlohmann::json ReviewOf(const nlohmann::json& pod) {
  return {{"kind", "AdmissionReview"},
          {"apiVersion", "admission.k8s.io/v1"},
          {"request",
           {{"uid", "7f0b2891-916f-4ed6-b7cd-27bff1815a8c"},
            {"kind", {{"group", ""}, {"version", "v1"}, {"kind", "Pod"}}},
            {"resource", {{"group", ""}, {"version", "v1"}, {"resource", "pods"}}},
            {"namespace", "jobs"},
            {"operation", "CREATE"},
            {"object", pod},
            {"oldObject", nullptr},
            {"dryRun", false}}}};
}

// The pod with the answer's patch applied; itself where there is none. Throws where the answer is
// none, or its patch does not fit.
inline nlohmann::json Patched(const nlohmann::json& pod, const std::string& answer) {
  const auto response = nlohmann::json::parse(answer).at("response");
  if (!response.at("allowed").get<bool>()) throw std::runtime_error("not allowed");
  if (!response.contains("patch")) return pod;
  return pod.patch(
      nlohmann::json::parse(*base::DecodeBase64(response.at("patch").get<std::string>())));
}

}  // namespace sparkfit::test
