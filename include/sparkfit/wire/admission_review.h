// SPDX-License-Identifier: Apache-2.0
//
// AdmissionReview of admission.k8s.io/v1: what an API server asks a webhook, and the answer.
// https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sparkfit/base/result.h"
#include "sparkfit/model/patch.h"
#include "sparkfit/model/pod.h"
#include "sparkfit/model/signature_rules.h"

namespace sparkfit::wire {

// A question about a pod that is to be created.
struct Review {
  std::string uid;       // of the question; to be answered with
  bool dry_run = false;  // nothing will be created: nothing may come of the question
  model::PodFacts pod;   // without a name where what is given is none
  model::PodPlaces places;
};

// Total: what cannot be read is a kMalformed pod, with the question's UID as far as it could be.
// Only the creation of a pod is a question that has an answer. By `rules`, if given, a signature is
// derived from labels.
struct ReadReviewResult {
  std::string uid;
  base::Result<Review> review;
};
ReadReviewResult ReadReview(std::string_view body, const model::SignatureRules* rules = nullptr);

// RFC 6902. Every operation makes what is there or is added, so that it holds for the pod that was
// read and no other container.
std::string JsonPatch(const model::PodPatch& patch);

// Allowed, always; with a patch where there is one. `decision` goes into the API server's audit
// log. Valid JSON whatever the UID.
std::string WriteReview(const std::string& uid, const std::optional<model::PodPatch>& patch,
                        std::string_view decision);

}  // namespace sparkfit::wire
