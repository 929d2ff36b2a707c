// SPDX-License-Identifier: Apache-2.0
//
// How an executor ended is decided for every combination of facts, and never against the pod's.
#include "sparkfit/model/ending.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>

namespace sparkfit::model {
namespace {

struct End {
  PodFacts pod;
  Termination termination;
  std::optional<LastUse> last;
};

End AnyEnd() {
  End end;
  end.pod.deleted = *rc::gen::arbitrary<bool>();
  end.pod.disrupted = *rc::gen::arbitrary<bool>();
  end.pod.size.limit = base::Bytes{
      *rc::gen::oneOf(rc::gen::arbitrary<std::int64_t>(), rc::gen::just<std::int64_t>(0))};
  end.pod.heap_oom_exits = *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 256));
  end.termination.exit_code =
      *rc::gen::oneOf(rc::gen::inRange(-1, 257), rc::gen::element(0, 3, 52, 134, 137, 143),
                      rc::gen::arbitrary<int>());
  end.termination.reason = *rc::gen::oneOf(
      rc::gen::element<std::string>("", "Error", "Completed", "OOMKilled", "ContainerStatusUnknown",
                                    "StartError", "ContainerCannotRun", "DeadlineExceeded"),
      rc::gen::arbitrary<std::string>());
  if (*rc::gen::arbitrary<bool>()) {
    end.last = LastUse{base::Bytes{*rc::gen::arbitrary<std::int64_t>()},
                       base::Duration(*rc::gen::arbitrary<std::int64_t>())};
  }
  return end;
}

EndCause Of(const End& end) { return ClassifyEnd(end.pod, end.termination, end.last); }

TEST_CASE("every end has one of the causes, and the same one each time", "[model][ending]") {
  CHECK(rc::check("total", [] {
    const auto end = AnyEnd();
    const auto cause = Of(end);
    RC_ASSERT(cause >= EndCause::kDone);
    RC_ASSERT(cause <= EndCause::kUnknown);
    RC_ASSERT(Of(end) == cause);
  }));
}

TEST_CASE("without the kernel's word no pod that was taken down counts as a container OOM",
          "[model][ending]") {
  CHECK(rc::check("taken down", [] {
    auto end = AnyEnd();
    if (end.termination.reason == "OOMKilled") end.termination.reason = "Error";
    (*rc::gen::arbitrary<bool>() ? end.pod.deleted : end.pod.disrupted) = true;
    RC_ASSERT(Of(end) != EndCause::kContainerOom);
    RC_ASSERT(Of(end) != EndCause::kUnknown);
  }));
}

TEST_CASE("a container that was lost is never an OOM", "[model][ending]") {
  CHECK(rc::check("lost", [] {
    auto end = AnyEnd();
    end.termination.reason = "ContainerStatusUnknown";
    RC_ASSERT(!OomOf(Of(end)));
  }));
}

TEST_CASE("more use, and later use, before the end never makes a container OOM less likely",
          "[model][ending]") {
  CHECK(rc::check("monotonous", [] {
    PodFacts pod;
    pod.size.limit = base::MiB(*rc::gen::inRange(1, 10'000));
    const LastUse last{base::MiB(*rc::gen::inRange(0, 10'000)),
                       std::chrono::seconds(*rc::gen::inRange(-120, 120))};
    const LastUse more{last.working_set + base::MiB(*rc::gen::inRange(0, 100)),
                       last.age - std::chrono::seconds(*rc::gen::inRange(0, 100))};
    const Termination killed{"", "Error", 137, {}};
    if (OomOf(ClassifyEnd(pod, killed, last))) RC_ASSERT(OomOf(ClassifyEnd(pod, killed, more)));
  }));
}

}  // namespace
}  // namespace sparkfit::model
