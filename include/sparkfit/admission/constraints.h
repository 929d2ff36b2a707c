// SPDX-License-Identifier: Apache-2.0
//
// Which sizes of an executor the API server accepts, after Kubernetes' own plugins: LimitRanger
// (plugin/pkg/admission/limitranger) and ResourceQuota. Both look at the pod as webhooks left it.
#pragma once

#include <optional>

#include "sparkfit/base/bytes.h"
#include "sparkfit/model/constraints.h"
#include "sparkfit/model/patch.h"

namespace sparkfit::admission {

class Acceptance {
 public:
  // For the executor of a pod with `others`, that was submitted with this. REQUIRES: what is known
  // of the constraints is all of them; amounts are at most kLargestPlausible.
  Acceptance(const model::Constraints& constraints, const model::OtherContainers& others,
             const model::Amounts& submitted)
      : constraints_(constraints), others_(others), submitted_(submitted) {}

  // A quota takes the submitted size, as nobody knows better: it may have changed since it was
  // seen.
  [[nodiscard]] bool Accepts(const model::Amounts& size) const;

  // The size with this limit and a request as near as possible to the one that is wanted; without
  // one the request is as the limit. Nothing where none is accepted.
  [[nodiscard]] std::optional<model::Amounts> With(base::Bytes limit,
                                                   std::optional<base::Bytes> request) const;

  // The same with a limit as near as may be to this one, in whole MiB, between it and the submitted
  // one. Nothing where only the submitted one is left. REQUIRES: the submitted size is accepted.
  [[nodiscard]] std::optional<model::Amounts> Nearest(base::Bytes limit,
                                                      std::optional<base::Bytes> request) const;

 private:
  [[nodiscard]] model::Amounts PodWith(const model::Amounts& size) const;
  [[nodiscard]] base::Bytes LeastRequest(base::Bytes limit) const;
  [[nodiscard]] base::Bytes MostRequest(base::Bytes limit) const;

  const model::Constraints& constraints_;
  const model::OtherContainers& others_;
  const model::Amounts submitted_;
};

}  // namespace sparkfit::admission
