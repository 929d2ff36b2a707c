// SPDX-License-Identifier: Apache-2.0
#include "cluster/key_metrics.h"

#include <catch2/catch.hpp>

#include "cluster_story.h"

namespace sparkfit::cluster {
namespace {

using base::MiB;
using Catch::Contains;
using std::chrono::hours;
using test::ClusterStory;

// An executor of 4505 MiB that lives for an hour.
void Hour(ClusterStory& story, const std::string& application, base::Bytes peak, bool sized) {
  auto pod = ClusterStory::Executor(application, application, "s");
  if (sized) pod.size.limit = pod.size.limit + MiB(100);
  story.Run(pod);
  story.Use(pod, peak);
  story.now = pod.created + hours(1);
  story.Terminate(pod, "Completed", 0);
  story.Delete(pod);
  story.Pass(hours(1));
}

TEST_CASE("past advice is counted by whether it covered a run and sized it", "[cluster]") {
  controller::PipelineOptions options;
  options.policy = *recommend::ParsePolicy("max:margin=1");
  ClusterStory story(options);
  Hour(story, "a", MiB(1024), false);  // nothing was advised
  Hour(story, "b", MiB(1536), false);  // of 2048: 0.5 GiB·h of waste and regret
  Hour(story, "c", MiB(2048), true);   // of 3072: 1 GiB·h
  // Of 4096: 0.25 missing, regret 4. At least 4352 − 409 of it was heap, of which 3712 were
  // advised.
  Hour(story, "d", MiB(4352), false);
  const auto row = story.Only();
  const auto text = [&](bool legacy_names) {
    return KeyMetrics({{row.history->GetKey(), row}}, {}, legacy_names);
  };
  const std::string key = R"({namespace="jobs",signature="s",profile="0")";
  for (const auto& line :
       {"sparkfit_advice_runs_total" + key + R"(,covered="true",sized="true"} 1)",
        "sparkfit_advice_runs_total" + key + R"(,covered="true",sized="false"} 1)",
        "sparkfit_advice_runs_total" + key + R"(,covered="false",sized="true"} 0)",
        "sparkfit_advice_runs_total" + key + R"(,covered="false",sized="false"} 1)",
        "sparkfit_advice_lacking_runs_total" + key + R"(,part="heap"} 1)",
        "sparkfit_advice_lacking_runs_total" + key + R"(,part="outside"} 0)",
        // Times 1024^3 * 3600.
        "sparkfit_advice_waste_byte_seconds_total" + key + "} 5798205849600",
        "sparkfit_advice_missing_byte_seconds_total" + key + "} 966367641600",
        "sparkfit_advice_regret_byte_seconds_total" + key + "} 21260088115200"}) {
    CHECK_THAT(text(false), Contains(line + "\n"));
    CHECK_THAT(text(true), Contains(line + "\n"));
  }
  for (const auto& line : {"sparkfit_advice_waste_gib_hours_total" + key + "} 1.5",
                           "sparkfit_advice_missing_gib_hours_total" + key + "} 0.25",
                           "sparkfit_advice_regret_gib_hours_total" + key + "} 5.5"}) {
    CHECK_THAT(text(true), Contains(line + "\n"));
  }
  CHECK_THAT(text(false), !Contains("gib_hours"));
}

TEST_CASE("the next trial is told by its part and the size of that", "[cluster]") {
  ClusterStory story({.policy = *recommend::ParsePolicy("adaptive"), .safety = {}});
  story.LiveTold();
  auto row = story.Only();
  const auto text = [&] { return KeyMetrics({{row.history->GetKey(), row}}, {}, false); };
  const std::string series =
      R"(sparkfit_trial_memory_bytes{namespace="jobs",signature="nightly",profile="0",part=)";
  // Half of 4096 MiB.
  CHECK_THAT(text(),
             Contains(series + "\"heap\"} 2147483648\n") && !Contains(series + "\"outside"));
  row.recommendation.next.trial =
      recommend::Trial{model::Part::kOutside, {MiB(4096 + 384), MiB(4096)}, 1};
  CHECK_THAT(text(), Contains(series + "\"outside\"} 402653184\n") && !Contains(series + "\"heap"));
  row.recommendation.next.trial.reset();
  CHECK_THAT(text(), !Contains(series));
}

}  // namespace
}  // namespace sparkfit::cluster
