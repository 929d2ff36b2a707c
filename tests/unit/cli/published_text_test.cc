// SPDX-License-Identifier: Apache-2.0
#include "cli/published_text.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "cli/job_table.h"

namespace sparkfit::cli {
namespace {

using Catch::Contains;
using wire::Published;

constexpr std::int64_t kMiB = 1 << 20;

// 900 MiB of heap; 384 MiB is what Spark adds to it by default.
Published Job(const std::string& signature, std::int64_t overhead_mib,
              model::OverheadClass overhead_class) {
  Published job;
  job.key = {"etl", signature, 0};
  job.heap = base::Bytes{900 * kMiB};
  job.overhead = base::Bytes{overhead_mib * kMiB};
  job.target = base::Bytes{(900 + overhead_mib) * kMiB};
  job.overhead_class = overhead_class;
  return job;
}

std::string Settings(const Published& job, ConfForm form) {
  const auto conf = ConfOf(job, form);
  REQUIRE(conf);
  return conf->settings;
}

TEST_CASE("settings give exactly the recommended size", "[cli]") {
  const auto plain = Job("plain", 384, model::OverheadClass::kDefaultJvm);
  CHECK(Settings(plain, ConfForm::kSparkSubmit) == "--conf spark.executor.memory=900m\n");
  const auto explicit_ = Job("explicit", 384, model::OverheadClass::kExplicit);
  CHECK(Settings(explicit_, ConfForm::kSparkSubmit) ==
        "--conf spark.executor.memory=900m \\\n--conf spark.executor.memoryOverhead=384m\n");
  // An OOM asked for more than Spark would add.
  const auto raised = Job("raised", 600, model::OverheadClass::kDefaultJvm);
  CHECK(Settings(raised, ConfForm::kProperties) ==
        "spark.executor.memory 900m\nspark.executor.memoryOverhead 600m\n");
  CHECK(Settings(raised, ConfForm::kSparkApplication) ==
        "spec:\n  executor:\n    memory: \"900m\"\n    memoryOverhead: \"600m\"\n");
  const auto emr = nlohmann::json::parse(Settings(raised, ConfForm::kEmr));
  CHECK(emr["jobDriver"]["sparkSubmitJobDriver"]["sparkSubmitParameters"] ==
        "--conf spark.executor.memory=900m --conf spark.executor.memoryOverhead=600m");
}

// With a request below the limit.
Published Apart(std::int64_t request_mib) {
  auto job = Job("apart", 600, model::OverheadClass::kExplicit);
  job.target_request = base::Bytes{request_mib * kMiB};
  return job;
}

TEST_CASE("a request below the limit is told to the Spark operator, which can do it", "[cli]") {
  // 1000 − 900 of heap; the limit is 900 + 600.
  CHECK(Settings(Apart(1000), ConfForm::kSparkApplication) ==
        "spec:\n  executor:\n    memory: \"900m\"\n    memoryOverhead: \"100m\"\n"
        "    memoryLimit: \"1500m\"\n");
  const auto notes = ConfOf(Apart(1000), ConfForm::kSparkApplication)->notes;
  REQUIRE(notes.size() == 2);
  CHECK_THAT(notes[0], Contains("Spark operator 2.2") && Contains("the request, 1000Mi"));
  CHECK_THAT(notes[1], Contains("memoryOverhead"));
  // Spark makes just this overhead by itself.
  auto follows = Apart(900 + 384);
  follows.overhead_class = model::OverheadClass::kDefaultJvm;
  CHECK(Settings(follows, ConfForm::kSparkApplication) ==
        "spec:\n  executor:\n    memory: \"900m\"\n    memoryLimit: \"1500m\"\n");
}

TEST_CASE("a request below the limit is said to be more than Spark can express", "[cli]") {
  for (const auto form : {ConfForm::kSparkSubmit, ConfForm::kProperties, ConfForm::kEmr}) {
    const auto job = Apart(1000);
    CHECK_THAT(Settings(job, form), Contains("900m") && Contains("600m"));
    const auto notes = ConfOf(job, form)->notes;
    REQUIRE(notes.size() == 3);
    CHECK_THAT(notes[0], Contains("1000Mi") && Contains("request and limit are 1500Mi"));
    CHECK_THAT(notes[1], Contains("webhook") && Contains("memoryLimit"));
  }
  // The operator cannot either: Spark requests the heap at least, and something beside it.
  const auto small = ConfOf(Apart(900), ConfForm::kSparkApplication);
  CHECK_THAT(small->settings, Contains("600m") && !Contains("memoryLimit"));
  REQUIRE(small->notes.size() == 3);
  CHECK_THAT(small->notes[1], Contains("webhook") && !Contains("memoryLimit"));
}

TEST_CASE("a request that equals the limit needs no words", "[cli]") {
  CHECK(ConfOf(Apart(1500), ConfForm::kSparkSubmit)->notes.size() == 1);  // on the overhead
}

TEST_CASE("a change compares requests", "[cli]") {
  auto job = Apart(1000);
  job.request = base::Bytes{2000 * kMiB};
  CHECK_THAT(ExplanationText(job), Contains("to the recommendation: -50"));
  CHECK_THAT(JobTable({job}, {}), Contains("-50"));
}

TEST_CASE("a fraction of a MiB is rounded up, as Spark takes whole ones", "[cli]") {
  auto job = Job("odd", 384, model::OverheadClass::kExplicit);
  job.heap = base::Bytes{900 * kMiB + 1};
  CHECK_THAT(Settings(job, ConfForm::kSparkSubmit), Contains("memory=901m "));
}

TEST_CASE("without a recommendation there are no settings", "[cli]") {
  Published job;
  job.key = {"etl", "new", 0};
  const auto conf = ConfOf(job, ConfForm::kSparkSubmit);
  REQUIRE_FALSE(conf);
  CHECK_THAT(conf.error().message, Contains("etl/new"));
}

TEST_CASE("a person is told what to know before using settings", "[cli]") {
  auto job = Job("few", 384, model::OverheadClass::kDefaultJvm);
  CHECK(ConfOf(job, ConfForm::kSparkSubmit)->notes.empty());
  job.conditions = {{"LowConfidence", "True", "", ""}};
  job.mode = "Initial";
  CHECK(ConfOf(job, ConfForm::kSparkSubmit)->notes.size() == 2);
}

TEST_CASE("past advice is explained, or said not to be judged yet", "[cli]") {
  auto job = Job("nightly", 384, model::OverheadClass::kDefaultJvm);
  CHECK_THAT(ExplanationText(job), Contains("Past advice   no run was judged yet"));
  job.accuracy = wire::PublishedAccuracy{.runs = 12,
                                         .covered = 11,
                                         .sized = 8,
                                         .covered_sized = 8,
                                         .unknown = 1,
                                         .unadvised = 1,
                                         .waste_gib_hours = 3.21,
                                         .missing_gib_hours = 0.5,
                                         .regret_gib_hours = 2.04};
  CHECK_THAT(ExplanationText(job),
             Contains("Past advice   covered 11 of 12 runs (8 of 8 that were sized by it); waste "
                      "3.2 GiB·h, missing 0.5, regret 2.0"));
}

TEST_CASE("ends of unknown cause are told where there were any", "[cli]") {
  auto job = Job("a", 384, model::OverheadClass::kDefaultJvm);
  CHECK_THAT(ExplanationText(job), !Contains("Unknown ends"));
  job.unknown_ends = 3;
  CHECK_THAT(ExplanationText(job), Contains("Unknown ends  3 of containers; nothing tells why"));
}

TEST_CASE("lists come in the order that was asked for", "[cli]") {
  std::vector<Published> jobs;
  for (const auto& [signature, waste, ooms] :
       {std::tuple{"b", 1.0, 0}, std::tuple{"a", 3.0, 1}, std::tuple{"c", 2.0, 5}}) {
    auto job = Job(signature, 384, model::OverheadClass::kDefaultJvm);
    job.possible_gib_hours = waste;
    job.heap_ooms = ooms;
    jobs.push_back(job);
  }
  const auto order = [&](std::string_view by) {
    const auto sort = *ParseSortBy(by);
    std::sort(jobs.begin(), jobs.end(),
              [&](const Published& a, const Published& b) { return Before(a, b, sort); });
    return jobs[0].key.signature + jobs[1].key.signature + jobs[2].key.signature;
  };
  CHECK(order("name") == "abc");
  CHECK(order("waste") == "acb");
  CHECK(order("ooms") == "cab");
  CHECK_FALSE(ParseSortBy("size"));
}

TEST_CASE("what a tenant wrote cannot move the cursor", "[cli]") {
  auto job = Job("evil\033[2J", 384, model::OverheadClass::kDefaultJvm);
  job.explanation = "\033]0;x\a";
  job.conditions = {{"T\r", "True", "\b", "\033"}};
  for (const auto& text : {JobTable({job}, {}), ExplanationText(job)}) {
    for (const char c : {'\033', '\a', '\b', '\r'}) CHECK(text.find(c) == std::string::npos);
  }
}

}  // namespace
}  // namespace sparkfit::cli
