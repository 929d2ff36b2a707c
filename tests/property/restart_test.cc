// SPDX-License-Identifier: Apache-2.0
//
// A controller that is restarted again and again learns the same as one that runs through.
#include <catch2/catch.hpp>
#include <map>
#include <random>

#include "recorded_day.h"
#include "sparkfit/controller/pipeline.h"
#include "sparkfit/wire/checkpoint_json.h"
#include "sparkfit/wire/observation_log.h"

namespace sparkfit {
namespace {

using controller::Pipeline;
using model::Observation;
using test::RecordedDay;

// The checkpoint as it comes back from the cluster.
Observation Stored(const model::KeyCheckpoint& checkpoint, base::Time t) {
  auto read =
      wire::ReadCheckpoint(R"({"spec":)" + wire::SpecText(wire::WriteCheckpoint(checkpoint)) + "}");
  if (!read) throw std::runtime_error(read.error().message);
  return {t, model::RestoreEvent{std::make_shared<const model::KeyCheckpoint>(*std::move(read))}};
}

// What is in the cluster at a moment.
using Pods = std::map<std::string, model::PodFacts>;

void Follow(Pods& pods, const Observation& observation) {
  const auto* event = std::get_if<model::PodEvent>(&observation.what);
  if (event == nullptr) return;
  if (event->event == model::EventType::kDeleted) {
    pods.erase(event->pod->uid);
  } else {
    pods.insert_or_assign(event->pod->uid, event->pod);
  }
}

const controller::PipelineOptions& Options() {
  static const controller::PipelineOptions options{.policy = *recommend::ParsePolicy("adaptive"),
                                                   .safety = {}};
  return options;
}

Pipeline Restarted(const Pipeline& before, const Pods& pods) {
  Pipeline after(Options());
  const auto t = before.Now();
  for (const auto& row : before.Recommend()) {
    after.Observe(Stored(before.Save(row.history->GetKey()), t));
  }
  for (const auto role : {model::PodRole::kDriver, model::PodRole::kExecutor}) {
    for (const auto& [uid, pod] : pods) {
      if (pod.role == role) {
        after.Observe({t, model::PodEvent{model::EventType::kAdded, pod, true}});
      }
    }
  }
  return after;
}

std::string Text(const Pipeline& pipeline) {
  std::string text;
  for (const auto& row : pipeline.Recommend()) {
    auto checkpoint = pipeline.Save(row.history->GetKey());
    // How long a pod that is gone is remembered counts from the restart.
    std::erase_if(checkpoint.pods, [](const auto& pod) { return pod.gone; });
    text += row.explanation + "\n" + wire::WriteCheckpoint(checkpoint).data + "\n";
  }
  return text;
}

TEST_CASE("restarts at any moments change nothing that was learnt", "[restart]") {
  const auto day = RecordedDay();
  REQUIRE(day.size() > 1000);
  Pipeline through(Options());
  for (const auto& observation : day) through.Observe(observation);
  for (unsigned seed = 1; seed <= 5; ++seed) {
    std::mt19937 random(seed);
    Pipeline often(Options());
    Pods pods;
    for (const auto& observation : day) {
      if (random() % 200 == 0) often = Restarted(often, pods);
      often.Observe(observation);
      Follow(pods, observation);
    }
    INFO("seed " << seed);
    CHECK(Text(often) == Text(through));
  }
}

TEST_CASE("what a controller records is replayed to the same", "[restart]") {
  const auto day = RecordedDay();
  Pipeline direct(Options());
  Pipeline recorded(Options());
  wire::LogLineParser parser;
  for (const auto& observation : day) {
    direct.Observe(observation);
    auto line = wire::WriteLine(observation);
    line.pop_back();
    line.reserve(line.size() + wire::kLinePadding);
    const auto parsed = parser.Parse(line);
    REQUIRE(parsed);
    recorded.Observe(std::get<Observation>(*parsed));
  }
  CHECK(Text(recorded) == Text(direct));
}

}  // namespace
}  // namespace sparkfit
