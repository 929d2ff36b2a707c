// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/wire/checkpoint_json.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "cluster_story.h"
#include "sparkfit/base/base64.h"
#include "sparkfit/base/gzip.h"
#include "sparkfit/base/hash.h"
#include "sparkfit/wire/object_reader.h"

namespace sparkfit::wire {
namespace {

using base::MiB;
using nlohmann::json;
using test::ClusterStory;

const model::Key kKey{"jobs", "nightly", 0};

// A day's worth of one key: ended, dead and running executors.
model::KeyCheckpoint Checkpoint(int running = 1) {
  ClusterStory story;
  story.Live(ClusterStory::Executor("e1", "app-1", "nightly"), MiB(2000));
  auto dead = ClusterStory::Executor("e2", "app-2", "nightly");
  story.Run(dead);
  story.Terminate(dead, "OOMKilled", 137);
  for (int i = 0; i < running; ++i) {
    auto pod = ClusterStory::Executor(
        fmt::format("{:08x}-b2c4-4d5e-9f6a-{:012x}", base::Fnv1a(std::to_string(i)) >> 32, i),
        "app-3", "nightly");
    pod.name = fmt::format("nightly-etl-run-9f1c2d3e4a5b6c7d-exec-{}", i);
    story.Run(pod);
    story.Use(pod, MiB(1000 + i * 37 % 1500));
  }
  return story.pipeline.Save(kKey);
}

json Object(const CheckpointSpec& spec) {
  return {{"metadata",
           {{"namespace", "jobs"},
            {"name", "nightly-1"},
            {"resourceVersion", "5"},
            {"ownerReferences", json::array({{{"uid", "owner"}}})}}},
          {"spec", json::parse(SpecText(spec))}};
}

base::Result<model::KeyCheckpoint> Read(const CheckpointSpec& spec) {
  return ReadCheckpoint(Object(spec).dump());
}

TEST_CASE("a checkpoint remembers ends of unknown cause, an older one has none",
          "[wire][checkpoint]") {
  ClusterStory story;
  auto pod = ClusterStory::Executor("e1", "app-1", "nightly");
  story.Run(pod);
  story.Terminate(pod, "ContainerStatusUnknown", 137);
  const auto spec = WriteCheckpoint(story.pipeline.Save(kKey));
  const auto read = Read(spec);
  REQUIRE(read);
  CHECK(read->history.totals.unknown_ends == 1);
  controller::Pipeline restored({});
  restored.Observe({story.now, model::RestoreEvent{std::make_shared<model::KeyCheckpoint>(*read)}});
  restored.Observe({story.now, model::PodEvent{model::EventType::kModified, pod}});
  CHECK(restored.Recommend(kKey)->history->Totals().unknown_ends == 1);
  auto data = json::parse(spec.data);
  data["totals"].erase("unknownEnds");
  const auto old = Read(Sealed({spec.encoding, "", data.dump()}));
  REQUIRE(old);
  CHECK(old->history.totals.unknown_ends == 0);
}

TEST_CASE("a checkpoint is read back as it was written", "[wire][checkpoint]") {
  const auto spec = WriteCheckpoint(Checkpoint());
  CHECK(spec.encoding == "json");
  const auto read = Read(spec);
  REQUIRE(read);
  CHECK(read->key == kKey);
  CHECK(read->history.shapes.at(0).AsksForMore());
  CHECK(WriteCheckpoint(*read).data == spec.data);
}

TEST_CASE("whose a checkpoint is is known without its data", "[wire][checkpoint]") {
  const auto head = [](const json& object) {
    const simdjson::padded_string text(object.dump());
    return ObjectReader().Checkpoint(text);
  };
  auto object = Object({.encoding = "gzip+base64", .checksum = "wrong", .data = "damaged"});
  object["metadata"]["ownerReferences"].push_back({{"uid", "another"}});
  const auto read = head(object);
  REQUIRE(read);
  CHECK(read->name_space == "jobs");
  CHECK(read->name == "nightly-1");
  CHECK(read->version == "5");
  CHECK(read->owner_uid == "owner");
  object["metadata"].erase("ownerReferences");
  CHECK(head(object)->owner_uid.empty());
  object["metadata"]["ownerReferences"] = nullptr;
  CHECK(head(object)->owner_uid.empty());
  object["metadata"]["ownerReferences"] = 7;
  CHECK_FALSE(head(object));
}

TEST_CASE("of a checkpoint's texts no more is kept than Kubernetes' names have",
          "[wire][checkpoint]") {
  const std::string longer(20'000, 'x');
  const auto kept = longer.substr(0, 253);
  auto spec = WriteCheckpoint(Checkpoint());
  auto data = json::parse(spec.data);
  auto executor = data["executors"].begin().value();
  executor["application"] = longer;
  data["executors"][longer] = executor;
  data["applications"][0]["id"] = longer;
  data["advice"]["open"][0]["application"] = longer;
  auto& pod = data["pods"][0];
  pod["uid"] = pod["name"] = longer;
  pod["ooms"] = json::array();
  for (int i = 0; i < 20; ++i) pod["ooms"].push_back(std::to_string(i) + longer);
  spec.data = data.dump();
  const auto read = Read(Sealed(spec));
  REQUIRE(read);
  CHECK(read->history.executors.at(kept).application == kept);
  CHECK(read->history.applications.at(0).id == kept);
  CHECK(read->history.advice.Open().front().application == kept);
  CHECK(read->pods.at(0).uid == kept);
  CHECK(read->pods.at(0).name == kept);
  // The latest ends, as of a pod that is known.
  const auto& ends = read->pods.at(0).counted_ends;
  REQUIRE(ends.size() == 16);
  CHECK(ends.front() == ("4" + longer).substr(0, 253));
  CHECK(ends.back() == ("19" + longer).substr(0, 253));
}

TEST_CASE("how much data of a checkpoint was read is told, good or bad", "[wire][checkpoint]") {
  const auto whole = WriteCheckpoint(Checkpoint());
  std::size_t inflated = 100;
  CHECK(ReadCheckpoint(Object(whole).dump(), &inflated));
  CHECK(inflated == 100 + whole.data.size());
  const auto bomb = Sealed(
      {"gzip+base64", "", base::EncodeBase64(base::Gzip(std::string(std::size_t{17} << 20, ' ')))});
  inflated = 0;
  CHECK_FALSE(ReadCheckpoint(Object(bomb).dump(), &inflated));
  CHECK(inflated > kLargestInflated / 2);
  CHECK(inflated <= kLargestInflated);
  // The checksum is wrong: its data is not looked at.
  inflated = 0;
  CHECK_FALSE(ReadCheckpoint(Object({whole.encoding, "0", whole.data}).dump(), &inflated));
  CHECK(inflated == 0);
}

TEST_CASE("a checkpoint remembers the release line of Spark, an older one knows of none",
          "[wire][checkpoint]") {
  ClusterStory story;
  auto pod = ClusterStory::Executor("e1", "app-1", "nightly");
  pod.spark = {3, 5};
  story.Live(pod, MiB(2000));
  const auto spec = WriteCheckpoint(story.pipeline.Save(kKey));
  const auto read = Read(spec);
  REQUIRE(read);
  CHECK(read->history.shapes.at(0).shape.spark == model::SparkLine{3, 5});
  auto data = json::parse(spec.data);
  data["shapes"][0]["shape"].erase(2);
  const auto old = Read(Sealed({spec.encoding, "", data.dump()}));
  REQUIRE(old);
  CHECK_FALSE(old->history.shapes.at(0).shape.spark.IsKnown());
}

TEST_CASE("the checkpoint of ten thousand executors fits into an object", "[wire][checkpoint]") {
  const auto spec = WriteCheckpoint(Checkpoint(10000));
  CHECK(spec.encoding == "gzip+base64");
  CHECK(spec.data.size() < kLargestCheckpoint);
  const auto read = Read(spec);
  REQUIRE(read);
  CHECK(read->history.executors.size() == 10000);  // the ended ones are sealed
  CHECK(WriteCheckpoint(*read).data == spec.data);
}

TEST_CASE("a checkpoint that is damaged anywhere is refused, and never a smaller one",
          "[wire][checkpoint]") {
  const auto whole = WriteCheckpoint(Checkpoint());
  for (std::size_t i = 0; i < whole.data.size(); i += 7) {
    auto damaged = whole;
    damaged.data[i] = damaged.data[i] == '0' ? '1' : '0';
    CHECK_FALSE(Read(damaged));
    damaged.data.resize(i);
    CHECK_FALSE(Read(damaged));
  }
  auto object = Object(whole);
  for (const auto* member : {"version", "checksum", "data"}) {
    auto lacking = object;
    lacking["spec"].erase(member);
    CHECK_FALSE(ReadCheckpoint(lacking.dump()));
    lacking["spec"][member] = json::array();
    CHECK_FALSE(ReadCheckpoint(lacking.dump()));
  }
}

TEST_CASE("a checkpoint of a later sparkfit is known as such", "[wire][checkpoint]") {
  auto object = Object(WriteCheckpoint(Checkpoint()));
  object["spec"]["version"] = kCheckpointVersion + 1;
  CHECK(ReadCheckpoint(object.dump()).error().code == base::Code::kInvalidArgument);
  object["spec"]["version"] = kCheckpointVersion;
  object["spec"]["encoding"] = "zstd";
  CHECK(ReadCheckpoint(object.dump()).error().code == base::Code::kInvalidArgument);
  // One written before there were encodings.
  object["spec"].erase("encoding");
  CHECK(ReadCheckpoint(object.dump()));
}

TEST_CASE("a checkpoint from before there were runs is read with those its applications tell of",
          "[wire][checkpoint]") {
  const auto spec = WriteCheckpoint(Checkpoint());
  auto data = json::parse(spec.data);
  data.erase("runs");
  const auto old = Read(Sealed({spec.encoding, "", data.dump()}));
  REQUIRE(old);
  const auto& runs = old->history.runs;
  REQUIRE(runs.size() == 3);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    CHECK(runs[i].peak == old->history.applications[i].peak);
    CHECK(runs[i].executors == 1);
  }
  model::KeyHistory history(kKey, old->half_life);
  CHECK(history.Load(old->history));
}

TEST_CASE("runs that cannot be are refused", "[wire][checkpoint]") {
  auto spec = WriteCheckpoint(Checkpoint());
  auto data = json::parse(spec.data);
  const auto bad = GENERATE(json(-1), json("x"), json::array(), json::array({1, 1, 1, 0, -5, 0}),
                            json::array({1.5, 1, 1, 0, 5, 0}), json::array({1, 1, 1, 0, 5}));
  data["runs"].push_back(bad);
  spec.data = data.dump();
  CHECK_FALSE(Read(Sealed(spec)));
}

TEST_CASE("a checkpoint from before past advice was judged begins with none, and judges its runs",
          "[wire][checkpoint]") {
  const auto spec = WriteCheckpoint(Checkpoint());
  auto data = json::parse(spec.data);
  REQUIRE(data.contains("advice"));
  REQUIRE(data["advice"]["open"].size() > 0);
  data.erase("advice");
  const auto old = Read(Sealed({spec.encoding, "", data.dump()}));
  REQUIRE(old);
  model::KeyHistory history(kKey, old->half_life);
  REQUIRE(history.Load(old->history));
  CHECK(history.PastAdvice().Sums().Judged() == 0);
  // Those of executors that are not sealed yet, with the target that was in force at their start.
  const auto& open = history.PastAdvice().Open();
  REQUIRE_FALSE(open.empty());
  for (const auto& [uid, executor] : history.Executors()) {
    CHECK(std::any_of(open.begin(), open.end(), [&executor = executor](const auto& run) {
      return run.application == executor.application && run.advice.advised == executor.advised;
    }));
  }
}

std::string FileText(const std::string& name) {
  std::ifstream file(std::string(SPARKFIT_SOURCE_DIR "/tests/unit/wire/data/") + name);
  REQUIRE(file);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Written by the last sparkfit that had an OOM floor for each key: the recorded job `ml-scoring`,
// whose eight executors of 970 MiB died with 900 MiB of heap, and which then ran twice with 1,320.
TEST_CASE("a checkpoint of version 1 is read, and its floor becomes a bracket",
          "[wire][checkpoint]") {
  const auto read = ReadCheckpoint(FileText("checkpoint-v1-floor.json"));
  REQUIRE(read);
  const auto& shape = read->history.shapes.at(0);
  const auto& outside = shape.Of(model::Part::kOutside);
  CHECK(outside.too_small == base::MiB(70));
  CHECK(outside.enough == base::MiB(264));  // max(1.2 × 970, 970 + 100) − 900
  CHECK(outside.use == base::MiB(970));
  CHECK(shape.largest_limit == base::MiB(1320));
  model::KeyHistory history(read->key, read->half_life);
  REQUIRE(history.Load(read->history));
  // Which peaks were sampled often is not known of old runs: all count.
  CHECK(history.ProvenPeak() > base::MiB(1000));
  CHECK(WriteCheckpoint(*read).data.find("floor") == std::string::npos);
}

TEST_CASE("a floor of version 1 that had ended, and overhead that lasted, leave nothing",
          "[wire][checkpoint]") {
  const auto read = ReadCheckpoint(FileText("checkpoint-v1-ended.json"));
  REQUIRE(read);
  for (const auto& shape : read->history.shapes) CHECK_FALSE(shape.AsksForMore());
}

// Written by the last sparkfit that judged past advice in all alone: two runs, judged, and one with
// an executor that runs, one that the kernel killed and one that ran out of heap.
TEST_CASE("a checkpoint of version 2 is read, and goes on in parts", "[wire][checkpoint]") {
  const auto read = ReadCheckpoint(FileText("checkpoint-v2.json"));
  REQUIRE(read);
  CHECK(read->job.emr);  // percentile, as before, until an executor tells who asks
  const auto& executors = read->history.executors;
  CHECK_FALSE(executors.at("e3").oom);
  CHECK(executors.at("e4").oom == model::OomKind::kContainer);
  CHECK(executors.at("e5").oom == model::OomKind::kHeap);
  const auto& shape = read->history.shapes.at(0);
  CHECK(shape.Of(model::Part::kHeap).too_small == MiB(4096));
  CHECK(shape.Of(model::Part::kOutside).too_small == MiB(409));
  CHECK(read->history.conducts.size() == 1);
  CHECK(read->history.reference == base::Bytes{4701814784});  // of app-3
  CHECK(read->history.applications.at(0).at_size == std::chrono::seconds(606));
  const auto again = Read(WriteCheckpoint(*read));
  REQUIRE(again);
  CHECK(WriteCheckpoint(*again).data == WriteCheckpoint(*read).data);
  // It is restored, and its run is judged by what was advised in all, 4,484 MiB.
  controller::Pipeline restored({});
  const base::Time then{std::chrono::milliseconds(1728008128000)};
  restored.Observe({then, model::RestoreEvent{std::make_shared<model::KeyCheckpoint>(*read)}});
  CHECK(restored.Recommend(kKey)->history->PastAdvice().Sums().submitted.covered == 1);
  auto running = ClusterStory::Executor("e3", "app-3", "nightly");
  running.ended = model::Termination{"", "Completed", 0, then};
  restored.Observe({then, model::PodEvent{model::EventType::kModified, running}});
  restored.AdvanceTo(then + std::chrono::hours(1));
  const auto& sums = restored.Recommend(kKey)->history->PastAdvice().Sums();
  CHECK(sums.submitted.lacking == 1);  // it was submitted with 4,505, and died
  CHECK(sums.lacking == std::array<std::uint32_t, 2>{0, 0});
}

TEST_CASE("a bracket that cannot be is refused", "[wire][checkpoint]") {
  auto spec = WriteCheckpoint(Checkpoint());
  auto data = json::parse(spec.data);
  auto& outside = data["shapes"][0]["outside"];
  REQUIRE(outside[0] > 0);
  outside[2] = outside[0].get<std::int64_t>() - 1;  // used less in all than of the part
  spec.data = data.dump();
  CHECK_FALSE(Read(Sealed(spec)));
}

TEST_CASE("accuracy that cannot be is refused", "[wire][checkpoint]") {
  auto spec = WriteCheckpoint(Checkpoint());
  auto data = json::parse(spec.data);
  const auto bad = GENERATE(json(-1), json("x"), json::array(), json(1e300));
  const auto* member =
      GENERATE("waste", "missing", "regret", "unknown", "open", "sized", "lacking", "partWaste");
  if (bad.is_array() && member == std::string("open")) return;  // none is open
  data["advice"][member] = bad;
  spec.data = data.dump();
  CHECK_FALSE(Read(Sealed(spec)));
}

TEST_CASE("a checkpoint that inflates without end is refused", "[wire][checkpoint]") {
  const auto bomb = Sealed(
      {"gzip+base64", "", base::EncodeBase64(base::Gzip(std::string(std::size_t{17} << 20, ' ')))});
  REQUIRE(bomb.data.size() < kLargestCheckpoint);
  const auto read = Read(bomb);
  REQUIRE_FALSE(read);
  CHECK_THAT(read.error().message, Catch::Contains("inflates"));
}

// What a forger makes of an object of some hundred KiB.
TEST_CASE("a checkpoint of more than an object of ours can have is refused while it is read",
          "[wire][checkpoint]") {
  const auto text = [](const std::string& begin, const std::string& unit, std::size_t times,
                       const std::string& end) {
    auto whole = begin;
    for (std::size_t i = 0; i < times; ++i) whole += unit;
    return whole + end;
  };
  const auto forged = GENERATE_COPY(
      text(R"({"job":[)", "{},", 60'000, "0]}"), text(R"({"job":)", "[", 17, ""),
      text(R"({"job":")", "aaaaaaaaaa", 7'000, "\"}"), text(R"({"pods":[)", "0,", 60'000, "0]}"),
      text(R"({"pods":[{"uid":"","state":0,"ooms":[)", R"("",)", 12'000, R"(""]}]})"),
      text(R"({"pods":[)", R"({"uid":"","state":0},)", 41'000, "0]}"),
      text(R"({"executors":{"u":{"a":[)", "[],", 11'000, "0]}}}"),
      text("{", R"("a":0,)", 60'000, R"("b":0})"));
  const auto spec = Sealed({"gzip+base64", "", base::EncodeBase64(base::Gzip(forged))});
  const auto read = Read(spec);
  REQUIRE_FALSE(read);
  INFO(forged.substr(0, 40));
  CHECK_THAT(read.error().message, Catch::Contains("too many values") ||
                                       Catch::Contains("too long") ||
                                       Catch::Contains("more executors"));
}

TEST_CASE("numbers that cannot be are refused though the checksum fits", "[wire][checkpoint]") {
  auto spec = WriteCheckpoint(Checkpoint());
  auto data = json::parse(spec.data);
  const auto bad = GENERATE(json(-1), json(1e300), json("many"), json(), json::array(),
                            json(std::numeric_limits<std::uint64_t>::max()));
  data["totals"]["executors"] = bad;
  spec.data = data.dump();
  CHECK_FALSE(Read(Sealed(spec)));
}

TEST_CASE("what cannot be read is set aside under a name of its own", "[wire][checkpoint]") {
  auto object = Object(WriteCheckpoint(Checkpoint()));
  object["apiVersion"] = "sparkfit.io/v1alpha1";
  object["kind"] = "ExecutorRecommendationCheckpoint";
  object["spec"]["data"] = "damaged";
  const auto copy = json::parse(*SetAside(object.dump()));
  CHECK(copy["metadata"]["name"] == "nightly-1.aside-5");
  CHECK(copy["spec"] == object["spec"]);
  CHECK_FALSE(copy["metadata"].contains("ownerReferences"));  // it outlives a purge
  CHECK_FALSE(SetAside("{}"));
}

TEST_CASE("a checkpoint knows when an executor was resized, an older one does not",
          "[wire][checkpoint]") {
  ClusterStory story;
  auto pod = ClusterStory::Executor("e1", "app-1", "nightly");
  story.Run(pod);
  story.Pass(std::chrono::hours(9));
  const auto resized = story.now;
  pod.size = {MiB(3000), MiB(2000)};
  story.Pod(model::EventType::kModified, pod);
  const auto spec = WriteCheckpoint(story.pipeline.Save(kKey));
  const auto read = Read(spec);
  REQUIRE(read);
  CHECK(read->history.executors.at("e1").resized == resized);
  auto data = json::parse(spec.data);
  data["executors"]["e1"].erase("resized");
  const auto old = Read(Sealed({spec.encoding, "", data.dump()}));
  REQUIRE(old);
  CHECK(old->history.executors.at("e1").resized == base::Time{});
}

}  // namespace
}  // namespace sparkfit::wire
