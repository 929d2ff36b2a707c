// SPDX-License-Identifier: Apache-2.0
//
// The one parser for pods, whether they come from a watch, a log or an admission review.
#pragma once

#include <string_view>

#include "sparkfit/base/result.h"
#include "sparkfit/model/pod.h"
#include "sparkfit/model/signature_rules.h"

namespace sparkfit::wire {

// The facts in a Pod object. kMalformed where it is no JSON object, has no namespace, name or UID,
// or a profile label that is no number. Parts that cannot be understood (a quantity, a time) are
// left out and named in PodFacts::problems. By `rules`, if given, a signature is derived from
// labels.
base::Result<model::PodFacts> ParsePod(std::string_view json,
                                       const model::SignatureRules* rules = nullptr);

}  // namespace sparkfit::wire
