// SPDX-License-Identifier: Apache-2.0
//
// Whatever drivers tell, true or not: what follows is an amount.
#include "sparkfit/recommend/heap_need.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <cmath>

#include "history_builder.h"
#include "sparkfit/recommend/recommendation.h"

namespace sparkfit::recommend {
namespace {

using base::Bytes;
using base::MiB;

Bytes AnyAmount() {
  return {*rc::gen::element<std::int64_t>(0, 1, MiB(300).value, MiB(1000).value, MiB(4000).value,
                                          base::kLargestPlausible.value)};
}

model::ExecutorReading AnyReading() {
  return {.id = "1",
          .heap_peak = AnyAmount(),
          .unified_peak = AnyAmount(),
          .storage_peak = AnyAmount(),
          .unified_room = AnyAmount(),
          .busy = base::Duration(*rc::gen::element<std::int64_t>(0, 10'001, 600'000, 1LL << 60)),
          .collecting = base::Duration(*rc::gen::element<std::int64_t>(0, 1, 10'000, 1LL << 60))};
}

TEST_CASE("whatever drivers tell, what is needed is an amount", "[recommend][heap-need]") {
  CHECK(rc::check([] {
    test::HistoryBuilder b(*ParsePolicy("adaptive"));
    const int runs = *rc::gen::inRange(1, 10);
    for (int run = 0; run < runs; ++run) {
      const auto application = std::to_string(run);
      const auto heap = *rc::gen::element<std::int64_t>(1, 512, 600, 1900, 4000, 200'000);
      const auto uid = b.Start(application, test::DefaultSize(heap));
      b.Sample(uid, {std::max<std::int64_t>(1, AnyAmount().value)});
      b.Find(uid).AddReading(AnyReading());
      b.End(uid);
      b.history.EndApplication(application);
    }
    const auto evidence = FindHeapEvidence(b.history);
    RC_CLASSIFY(evidence.has_value());
    if (!evidence) return;
    RC_ASSERT(std::isfinite(evidence->scale) && evidence->scale > 0);
    RC_ASSERT(evidence->cached.value >= 0 && evidence->cached <= base::kLargestPlausible);
    for (const auto& point : evidence->points) {
      RC_ASSERT(point.retained.value >= 0);
      RC_ASSERT(point.needed.value > 0 && point.needed <= base::kLargestPlausible);
    }
    const auto result = Recommend(b.history, b.ContextWith({}, base::GiB(64)));
    RC_ASSERT(result.target.has_value());
    RC_ASSERT(result.target->value > 0 && *result.target <= base::GiB(64));
  }));
}

}  // namespace
}  // namespace sparkfit::recommend
