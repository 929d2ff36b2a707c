// SPDX-License-Identifier: Apache-2.0
//
// Every metric, as it is exported; docs/metrics.md is made of these files (tools/reference).
// UPDATE_GOLDEN=1 rewrites them.
#include <catch2/catch.hpp>
#include <string>

#include "cluster/key_metrics.h"
#include "fake_proc.h"
#include "golden.h"
#include "history_builder.h"
#include "sparkfit/base/version.h"
#include "sparkfit/exposition/own_metrics.h"
#include "sparkfit/exposition/process_metrics.h"

using namespace sparkfit;

TEST_CASE("the metrics of a job are the same as ever", "[golden]") {
  test::HistoryBuilder builder;
  builder.Run("first", test::DefaultSize(1024), base::MiB(900));
  builder.Oom(builder.Start("second", test::DefaultSize(1024)), model::OomKind::kContainer);
  builder.Sample(builder.Start("second", test::DefaultSize(2048)), base::MiB(1500));
  controller::KeyRecommendation row;
  row.history = &builder.history;
  row.recommendation = recommend::Recommend(builder.history, builder.ContextWith());
  row.recommendation.next.trial = recommend::Trial{model::Part::kHeap, test::DefaultSize(512), 1};
  test::CheckGolden(cluster::KeyMetrics({{builder.history.GetKey(), row}}, {{"crowded", 3}}, false),
                    "metrics-recommendations.txt");
}

TEST_CASE("the controller's own metrics are the same as ever", "[golden]") {
  exposition::OwnMetrics metrics;
  metrics.CountRequest("get", "pods", 200);
  metrics.CountWatchRestart("pods");
  metrics.CountUnreadable("pods");
  metrics.CountDriverRequest("ok");
  metrics.CountCheckpointWrite("ok");
  metrics.CountCheckpointRestore("ok");
  metrics.ObserveStep("publish", 0.002);
  metrics.SetLeader(true);
  metrics.SetSourceUp("pods", true);
  metrics.SetUsageStaleness(12);
  metrics.CountAdmission("patched", "Sized", 0.0002);
  metrics.SetPendingAfterSizing(0);
  metrics.SetCertificateExpiry("serving", 1.8e9);
  metrics.CountCertificateReload(true);
  auto text = metrics.Text();
  // What it was built of is no change.
  for (const std::string built : {base::kVersion, base::kGitDescribe}) {
    text.replace(text.find('"' + built + '"') + 1, built.size(), "");
  }
  test::CheckGolden(text, "metrics-controller.txt");
}

TEST_CASE("the metrics of the process are the same as ever", "[golden]") {
  const test::FakeProc proc;
  test::CheckGolden(exposition::ProcessMetrics(proc.Path()).Text(), "metrics-process.txt");
}
