// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/wire/prometheus_answer.h"

#include <catch2/catch.hpp>

namespace sparkfit::wire {
namespace {

base::Result<PrometheusAnswer> Read(const std::string& body) {
  return ReadPrometheusAnswer(body, [](std::string_view label) { return label != "image"; });
}

base::Time At(std::int64_t milliseconds) { return base::Time(base::Duration(milliseconds)); }

// As Prometheus 2.42 answers.
const std::string kAnswer =
    R"({"status":"success","data":{"resultType":"matrix","result":[)"
    R"({"metric":{"container":"c","image":"registry/spark:1","namespace":"jobs","pod":"p"},)"
    R"("values":[[1700000000,"1024"],[1700000030.5,"2.5e3"]]}]}})";

TEST_CASE("An answer to a range query: wanted labels, and points to the millisecond") {
  const auto answer = Read(kAnswer);
  REQUIRE(answer);
  REQUIRE(answer->series.size() == 1);
  const auto& series = answer->series[0];
  CHECK(series.Label("pod") == "p");
  CHECK(series.Label("image").empty());
  CHECK(series.labels.size() == 3);
  REQUIRE(series.points.size() == 2);
  CHECK(series.points[0].t == At(1'700'000'000'000));
  CHECK(series.points[0].value == 1024);
  CHECK(series.points[1].t == At(1'700'000'030'500));
  CHECK(series.points[1].value == 2500);
  CHECK(answer->unusable_points == 0);
}

TEST_CASE("The type of an answer may stand behind its series, and the values before the labels") {
  const auto answer = Read(
      R"({"data":{"result":[{"values":[[1,"2"]],"metric":{"pod":"p"}}],"resultType":"matrix"},)"
      R"("warnings":["partial"],"status":"success","more":{"a":[{}]}})");
  REQUIRE(answer);
  CHECK(answer->series.at(0).Label("pod") == "p");
  CHECK(answer->series.at(0).points.size() == 1);
  CHECK(answer->warnings == std::vector<std::string>{"partial"});
}

TEST_CASE("Points that are no finite number or not in order are counted, the others stay") {
  const auto [point, fine] = GENERATE(table<std::string, bool>({{R"([2,"NaN"])", false},
                                                                {R"([2,"+Inf"])", false},
                                                                {R"([2,"-Inf"])", false},
                                                                {R"([2,""])", false},
                                                                {R"([2,"1x"])", false},
                                                                {R"([2,"1e999"])", false},
                                                                {R"([1,"5"])", false},
                                                                {R"([0.5,"5"])", false},
                                                                {R"([-2,"5"])", false},
                                                                {R"([1e300,"5"])", false},
                                                                {R"([])", false},
                                                                {R"([2,"-5"])", true},
                                                                {R"([2,"5",7])", true}}));
  CAPTURE(point);
  const auto answer =
      Read(R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":)"
           R"([[1,"1"],)" +
           point + R"(,[3,"3"]]}]}})");
  REQUIRE(answer);
  CHECK(answer->unusable_points == (fine ? 0 : 1));
  CHECK(answer->series.at(0).points.size() == (fine ? 3 : 2));
}

TEST_CASE("A series with a label that no Kubernetes has is left out and named, the others stay") {
  const std::string longest(kLongestLabelValue, 'x');
  const auto series = [](const std::string& pod) {
    return R"({"metric":{"namespace":"jobs","pod":")" + pod + R"("},"values":[[1,"1"]]})";
  };
  const auto answer = Read(R"({"status":"success","data":{"resultType":"matrix","result":[)" +
                           series(longest + "x") + "," + series(longest) + "]}}");
  REQUIRE(answer);
  CHECK(answer->unusable_series == 1);
  CHECK(answer->first_unusable.starts_with("jobs/xxx"));
  REQUIRE(answer->series.size() == 1);
  CHECK(answer->series[0].Label("pod") == longest);
}

TEST_CASE("A series or a point of another form than it should have is left out, the others stay") {
  const auto odd = GENERATE(R"({"metric":{"pod":7},"values":[]})", R"({"metric":[],"values":[]})",
                            R"({"metric":{"pod":"q"},"values":7})");
  const auto answer =
      Read(std::string(R"({"status":"success","data":{"resultType":"matrix","result":[)") + odd +
           R"(,{"metric":{"pod":"p"},"values":[7,[1,2],["1","2"],{"a":[1]},[3,"4"]]}]}})");
  REQUIRE(answer);
  CHECK(answer->unusable_series == 1);
  CHECK_FALSE(answer->first_unusable.empty());
  REQUIRE(answer->series.size() == 1);
  CHECK(answer->series[0].Label("pod") == "p");
  CHECK(answer->series[0].points.size() == 1);
  CHECK(answer->unusable_points == 4);
}

TEST_CASE("What the server says is wrong is passed on, with whether the query is at fault") {
  const auto query = Read(R"({"status":"error","errorType":"bad_data","error":"parse error"})");
  REQUIRE(!query);
  CHECK(query.error().code == base::Code::kInvalidArgument);
  CHECK(query.error().message == "bad_data: parse error");
  const auto busy = Read(R"({"status":"error","errorType":"timeout","error":"took too long"})");
  REQUIRE(!busy);
  CHECK(busy.error().code == base::Code::kUnavailable);
  CHECK(busy.error().message == "timeout: took too long");
}

TEST_CASE("What is no answer to a range query is refused") {
  const auto body =
      GENERATE(as<std::string>{}, "", "<html>", "[]", "{}", R"({"status":"success"})",
               R"({"status":"success","data":null})",
               R"({"status":"success","data":{"resultType":"vector","result":[]}})",
               R"({"status":"success","data":{"resultType":"scalar","result":[1,"2"]}})",
               R"({"status":"success","data":{"resultType":"matrix","result":7}})");
  CAPTURE(body);
  const auto answer = Read(body);
  REQUIRE(!answer);
  CHECK(answer.error().code == base::Code::kMalformed);
}

TEST_CASE("An answer that was cut off is no answer") {
  for (std::size_t size = 0; size < kAnswer.size(); ++size) {
    CHECK(!Read(kAnswer.substr(0, size)));
  }
}

}  // namespace
}  // namespace sparkfit::wire
