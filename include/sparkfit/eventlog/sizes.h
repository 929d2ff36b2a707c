// SPDX-License-Identifier: Apache-2.0
//
// How much memory an executor had, of what its event log says. The container's limit is nowhere in
// it: that is what Spark asks Kubernetes for with these settings
// (BasicExecutorFeatureStep, ResourceProfile).
#pragma once

#include "sparkfit/eventlog/application.h"
#include "sparkfit/model/shape.h"

namespace sparkfit::eventlog {

struct Sizes {
  model::ExecutorSize submitted;
  // As submitted; limit 0 where the executor registered another heap than it was submitted with:
  // then somebody changed its pod, and nobody wrote down what the limit became.
  model::ExecutorSize had;
};

// What cannot be read of a property counts as Spark's default.
Sizes SizesOf(const Application& application, const Executor& executor);

}  // namespace sparkfit::eventlog
