// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/wire/resource_metrics.h"

#include <catch2/catch.hpp>

namespace sparkfit::wire {
namespace {

constexpr base::Time kNow{std::chrono::seconds(1'800'000'000)};

// As a kubelet 1.36 prints it.
constexpr std::string_view kPage = R"(# HELP container_cpu_usage_seconds_total [STABLE] Cumulative
# TYPE container_cpu_usage_seconds_total counter
container_cpu_usage_seconds_total{container="a",namespace="jobs",pod="exec-1"} 0.1 1799999990000
# HELP container_memory_working_set_bytes [STABLE] Current working set of the container in bytes
# TYPE container_memory_working_set_bytes gauge
container_memory_working_set_bytes{container="spark-kubernetes-executor",namespace="jobs",pod="exec-1"} 1.23731968e+08 1799999990123
container_memory_working_set_bytes{container="side",namespace="jobs",pod="exec-1"} 4096
node_memory_working_set_bytes 1.0e+09 1799999990000
resource_scrape_error 0
)";

TEST_CASE("The kubelet's figures: every container with its time") {
  const auto metrics = ReadResourceMetrics(kPage, kNow);
  REQUIRE(metrics.samples.size() == 2);
  CHECK(metrics.unreadable == 0);
  const auto& executor = metrics.samples[0];
  CHECK(executor.name_space == "jobs");
  CHECK(executor.pod == "exec-1");
  CHECK(executor.timestamp == base::Time(std::chrono::milliseconds(1'799'999'990'123)));
  REQUIRE(executor.containers.size() == 1);
  CHECK(executor.containers[0].container == "spark-kubernetes-executor");
  CHECK(executor.containers[0].working_set == base::Bytes{123'731'968});
  CHECK(metrics.samples[1].timestamp == kNow);  // no time of its own
}

TEST_CASE("A damaged line of the kubelet hides no other line") {
  const auto damaged = GENERATE(as<std::string>{},                                   //
                                R"({container="c",namespace="n",pod="p"} NaN)",      //
                                R"({container="c",namespace="n",pod="p"} -1)",       //
                                R"({container="c",namespace="n",pod="p"} +Inf)",     //
                                R"({container="c",namespace="n",pod="p"} 1e300)",    //
                                R"({container="c",namespace="n",pod="p"} 0x10)",     //
                                R"({container="c",namespace="n",pod="p"})",          //
                                R"({container="c",namespace="n",pod="p"} 1 -5)",     //
                                R"({container="c",namespace="n",pod="p"} 1 1e999)",  //
                                R"({container="c",namespace="n",pod="p\"q"} 1)",     //
                                R"({container="c",namespace="n"} 1)",                //
                                R"({container="c",namespace="n",pod="p")",           //
                                R"({container=c,namespace="n",pod="p"} 1)",          //
                                R"({container="c)",                                  //
                                R"({)");
  const std::string good =
      "\ncontainer_memory_working_set_bytes{container=\"c\",namespace=\"n\",pod=\"p\"} 7 8\n";
  const auto metrics =
      ReadResourceMetrics("container_memory_working_set_bytes" + damaged + good, kNow);
  CHECK(metrics.unreadable == 1);
  REQUIRE(metrics.samples.size() == 1);
  CHECK(metrics.samples[0].containers[0].working_set == base::Bytes{7});
}

TEST_CASE("A page of the kubelet that was cut off is read up to there") {
  for (std::size_t size = 0; size < kPage.size(); ++size) {
    CHECK(ReadResourceMetrics(kPage.substr(0, size), kNow).samples.size() <= 2);
  }
}

}  // namespace
}  // namespace sparkfit::wire
