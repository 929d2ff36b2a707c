// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/replay/replay.h"

namespace sparkfit::replay {
namespace {

constexpr std::uint64_t kProgressEvery = 4096;

}  // namespace

ReplayRow MakeRow(const controller::KeyRecommendation& result) {
  const auto& history = *result.history;
  const auto* shape = history.CurrentShape();
  return {.key = history.GetKey(),
          .totals = history.Totals(),
          .accuracy = history.PastAdvice().Sums(),
          .peak = history.Totals().peak,
          .request = shape != nullptr ? shape->request : base::Bytes{},
          .recommendation = result.recommendation,
          .policy = result.policy,
          .explanation = result.explanation};
}

base::Result<std::vector<ReplayRow>> Replay(ObservationReader& reader,
                                            controller::Pipeline& pipeline,
                                            std::optional<base::Time> at,
                                            const std::function<void(std::uint64_t)>& progress) {
  for (;;) {
    auto observation = reader.Next();
    if (!observation) return tl::unexpected<base::Error>(observation.error());
    if (!*observation) break;
    // Lines out of order may follow that were learnt in time: read on.
    if (at && (*observation)->t > *at) continue;
    pipeline.Observe(**observation);
    if (reader.Counts().observations % kProgressEvery == 0) progress(reader.Counts().lines);
  }
  if (at) pipeline.AdvanceTo(*at);
  std::vector<ReplayRow> rows;
  for (const auto& result : pipeline.Recommend()) rows.push_back(MakeRow(result));
  return rows;
}

}  // namespace sparkfit::replay
