// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/exposition/writer.h"

#include <catch2/catch.hpp>
#include <limits>

#include "sparkfit/exposition/own_metrics.h"

namespace sparkfit::exposition {
namespace {

TEST_CASE("families and samples in the text format", "[exposition]") {
  Writer writer;
  writer.Family("a_bytes", "An amount.", "gauge");
  writer.Sample({{"x", "1"}, {"y", ""}}, 1409286144);
  writer.Sample({}, 0.5);
  CHECK(writer.Text() ==
        "# HELP a_bytes An amount.\n# TYPE a_bytes gauge\n"
        "a_bytes{x=\"1\",y=\"\"} 1409286144\na_bytes 0.5\n");
}

TEST_CASE("no label value breaks out of its quotes", "[exposition]") {
  Writer writer;
  writer.Family("a", "one\nline \\", "gauge");
  writer.Sample({{"x", "\"} evil 1\n\\"}}, 1);
  CHECK(writer.Text() ==
        "# HELP a one\\nline \\\\\n# TYPE a gauge\na{x=\"\\\"} evil 1\\n\\\\\"} 1\n");
}

TEST_CASE("numbers that are none are spelt as Prometheus does", "[exposition]") {
  Writer writer;
  writer.Family("a", "", "gauge");
  writer.Sample({}, std::numeric_limits<double>::quiet_NaN());
  writer.Sample({}, std::numeric_limits<double>::infinity());
  writer.Sample({}, -std::numeric_limits<double>::infinity());
  CHECK(writer.Text() == "# HELP a \n# TYPE a gauge\na NaN\na +Inf\na -Inf\n");
}

TEST_CASE("the controller's own metrics", "[exposition]") {
  OwnMetrics metrics;
  metrics.CountRequest("list", "pods", 200);
  metrics.CountRequest("list", "pods", 200);
  metrics.SetLeader(true);
  metrics.SetSourceUp("pods", false);
  const auto text = metrics.Text();
  CHECK_THAT(text, Catch::Contains("sparkfit_api_requests_total{code=\"200\",resource=\"pods\","
                                   "verb=\"list\"} 2"));
  CHECK_THAT(text, Catch::Contains("sparkfit_leader 1\n"));
  CHECK_THAT(text, Catch::Contains("sparkfit_source_up{source=\"pods\"} 0\n"));
}

}  // namespace
}  // namespace sparkfit::exposition
