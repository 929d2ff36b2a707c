// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/wire/checkpoint_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <istream>
#include <limits>
#include <streambuf>
#include <utility>

#include "json.h"
#include "sparkfit/base/base64.h"
#include "sparkfit/base/gzip.h"
#include "sparkfit/base/hash.h"
#include "sparkfit/base/json.h"
#include "sparkfit/base/text.h"

namespace sparkfit::wire {
namespace {

using base::Bytes;
using base::Time;
using nlohmann::json;

// 9999-12-31T23:59:59Z, the last time that can be written.
constexpr std::int64_t kLatest = 253402300799'000;

constexpr const char* kPlain = "json";
constexpr const char* kGzip = "gzip+base64";
// Small ones stay readable. Of thousands of executors under one key gzip leaves about a tenth.
constexpr std::size_t kLargestPlain = std::size_t{64} << 10;
// So many pods, executors or counted ends fit into no object.
constexpr std::size_t kMostRecords = 40'000;
// No run has more executors.
constexpr std::int64_t kMostOfOne = std::numeric_limits<std::uint32_t>::max();
// Of one executor or pod; of all else, of which little grows with their number.
constexpr std::size_t kMostInRecord = 10'000;
constexpr std::size_t kMostElsewhere = 50'000;
// Of the data: ours are seven deep, and have names and ids.
constexpr base::JsonBounds kDataBounds{
    .values = kLargestInflated, .text = std::size_t{64} << 10, .depth = 16};

// What is wrong with a checkpoint; caught in ReadCheckpoint, as the library's own exceptions are.
struct Damaged : std::runtime_error {
  using runtime_error::runtime_error;
};

std::string Checksum(const std::string& data) { return fmt::format("{:016x}", base::Fnv1a(data)); }

json Of(Time time) { return time.time_since_epoch().count(); }
json Of(Bytes bytes) { return bytes.value; }
template <typename T>
json Of(const std::optional<T>& value) {
  return value ? Of(*value) : json();
}

std::int64_t Number(const json& value, std::int64_t high) {
  if (!value.is_number_integer()) throw Damaged("a number is none");
  const auto number = value.get<std::int64_t>();
  if (number < 0 || number > high) throw Damaged("a number is out of range: " + value.dump());
  return number;
}

void Read(const json& value, Time& time) { time = Time(base::Duration(Number(value, kLatest))); }
void Read(const json& value, base::Duration& duration) {
  duration = base::Duration(Number(value, kLatest));
}
void Read(const json& value, Bytes& bytes) {
  bytes = {Number(value, base::kLargestPlausible.value)};
}
std::string_view Short(const json& value) {
  return base::Beginning(value.get_ref<const std::string&>(), model::kLongestSetting);
}
void Read(const json& value, std::string& text) { text = Short(value); }
void Read(const json& value, model::ApplicationId& id) { id = model::ApplicationId(Short(value)); }
void Read(const json& value, bool& flag) { flag = value.get<bool>(); }
void Read(const json& value, std::uint32_t& number) {
  number = static_cast<std::uint32_t>(Number(value, std::numeric_limits<std::uint32_t>::max()));
}
void Read(const json& value, std::uint16_t& number) {
  number = static_cast<std::uint16_t>(Number(value, std::numeric_limits<std::uint16_t>::max()));
}
void Read(const json& value, std::uint64_t& number) {
  number = static_cast<std::uint64_t>(Number(value, std::numeric_limits<std::int64_t>::max()));
}
void Read(const json& value, double& number) {
  number = value.get<double>();
  if (!(number >= 0 && number < 1e300)) throw Damaged("a number is out of range: " + value.dump());
}
template <typename T>
void Read(const json& value, std::optional<T>& out) {
  out.reset();
  if (!value.is_null()) Read(value, out.emplace());
}

void Read(const json& value, model::ExecutorSize& size);
void Read(const json& value, model::Shape& shape);
void Read(const json& object, model::DecayingHistogram& histogram);
void Read(const json& value, float& number);
void Read(const json& value, std::chrono::duration<float>& duration);

template <typename T>
void Read(const json& object, const char* key, T& out) {
  Read(object.at(key), out);
}

template <typename Enum>
Enum ReadEnum(const json& value, Enum last) {
  return static_cast<Enum>(Number(value, static_cast<std::int64_t>(last)));
}

json Of(const model::ExecutorSize& size) { return {Of(size.limit), Of(size.heap)}; }
void Read(const json& value, model::ExecutorSize& size) {
  Read(value.at(0), size.limit);
  Read(value.at(1), size.heap);
  if (size.heap && *size.heap > size.limit) throw Damaged("a heap above its limit");
}

json Of(const model::Shape& shape) {
  return {shape.cores, static_cast<int>(shape.overhead), model::Format(shape.spark)};
}
void Read(const json& value, model::Shape& shape) {
  Read(value.at(0), shape.cores);
  shape.overhead = ReadEnum(value.at(1), model::OverheadClass::kExplicit);
  // One that was written before there were lines: any line.
  if (value.size() > 2) shape.spark = model::ParseSparkLine(value.at(2).get<std::string>());
}

json Of(const model::JobRequest& job) {
  json object{{"scaleMemory", job.scale_memory}, {"wantsCPU", job.wants_cpu}, {"emr", job.emr}};
  if (job.mode) object["mode"] = std::string(model::Name(*job.mode));
  if (job.policy) object["policy"] = *job.policy;
  if (job.family) object["family"] = *job.family;
  if (job.min_memory) object["min"] = Of(*job.min_memory);
  if (job.max_memory) object["max"] = Of(*job.max_memory);
  if (!job.problems.empty()) object["problems"] = job.problems;
  return object;
}
void Read(const json& object, model::JobRequest& job) {
  Read(object, "scaleMemory", job.scale_memory);
  Read(object, "wantsCPU", job.wants_cpu);
  if (object.contains("mode")) {
    if (const auto mode = model::ParseMode(object.at("mode").get<std::string>())) job.mode = *mode;
  }
  if (object.contains("policy")) Read(object, "policy", job.policy.emplace());
  if (object.contains("family")) Read(object, "family", job.family.emplace());
  // Before version 3 nobody asked. Then `percentile` was everybody's default.
  job.emr = true;
  if (object.contains("emr")) Read(object, "emr", job.emr);
  if (object.contains("min")) Read(object, "min", job.min_memory.emplace());
  if (object.contains("max")) Read(object, "max", job.max_memory.emplace());
  if (object.contains("problems")) object.at("problems").get_to(job.problems);
}

json Of(const model::ObservedTotals& totals) {
  return {{"applications", totals.applications},
          {"executors", totals.executors},
          {"coverage", totals.coverage},
          {"containerOOMs", totals.container_ooms},
          {"heapOOMs", totals.heap_ooms},
          {"unknownEnds", totals.unknown_ends},
          {"peak", Of(totals.peak)},
          {"lastSample", Of(totals.last_sample)},
          {"lastOOM", Of(totals.last_oom)},
          {"savings", {totals.savings.possible, totals.savings.realised, totals.savings.extra}}};
}
void Read(const json& object, model::ObservedTotals& totals) {
  Read(object, "applications", totals.applications);
  Read(object, "executors", totals.executors);
  for (std::size_t i = 0; i < totals.coverage.size(); ++i) {
    Read(object.at("coverage").at(i), totals.coverage.at(i));
  }
  Read(object, "containerOOMs", totals.container_ooms);
  Read(object, "heapOOMs", totals.heap_ooms);
  if (object.contains("unknownEnds")) Read(object, "unknownEnds", totals.unknown_ends);
  Read(object, "peak", totals.peak);
  Read(object, "lastSample", totals.last_sample);
  Read(object, "lastOOM", totals.last_oom);
  const auto& savings = object.at("savings");
  Read(savings.at(0), totals.savings.possible);
  Read(savings.at(1), totals.savings.realised);
  Read(savings.at(2), totals.savings.extra);
}

void Read(const json& value, float& number) {
  double wide = 0;
  Read(value, wide);
  number = static_cast<float>(std::min(wide, 1e18));
}
void Read(const json& value, std::chrono::duration<float>& duration) {
  float seconds = 0;
  Read(value, seconds);
  duration = std::chrono::duration<float>(seconds);
}

json Of(const model::ApplicationSummary& application) {
  return {{"id", application.id.Text()},
          {"started", Of(application.started)},
          {"idleSince", Of(application.idle_since)},
          {"peak", Of(application.peak)},
          {"used", Of(application.used)},
          {"size", Of(application.size)},
          {"secondsAtSize", application.at_size.count()},
          {"secondsElsewhere", application.elsewhere.count()},
          {"shape", application.shape_id},
          {"executors", application.executors},
          {"sampled", application.sampled},
          {"ooms", application.ooms},
          {"lost", application.lost},
          {"oomSteps", application.oom_steps},
          {"outcome", static_cast<int>(application.outcome)},
          {"ended", application.ended},
          {"counted", application.counted},
          {"finished", application.finished},
          {"often", application.often}};
}
void ReadParts(const json& object, model::ApplicationSummary& application) {
  Read(object, "used", application.used);
  Read(object, "size", application.size);
  if (object.contains("atSize")) {  // version 2 had milliseconds
    base::Duration at_size{};
    base::Duration elsewhere{};
    Read(object, "atSize", at_size);
    Read(object, "elsewhere", elsewhere);
    application.at_size = at_size;
    application.elsewhere = elsewhere;
  } else {
    Read(object, "secondsAtSize", application.at_size);
    Read(object, "secondsElsewhere", application.elsewhere);
  }
  Read(object, "lost", application.lost);
  application.outcome = ReadEnum(object.at("outcome"), model::Outcome::kInterrupted);
  Read(object, "finished", application.finished);
  Read(object, "often", application.often);
}
void Read(const json& object, model::ApplicationSummary& application) {
  Read(object, "id", application.id);
  Read(object, "started", application.started);
  Read(object, "idleSince", application.idle_since);
  Read(object, "peak", application.peak);
  Read(object, "shape", application.shape_id);
  Read(object, "executors", application.executors);
  // Before version 3 their number.
  const auto& sampled = object.at("sampled");
  application.sampled =
      sampled.is_boolean() ? sampled.get<bool>() : Number(sampled, kMostOfOne) > 0;
  Read(object, "ooms", application.ooms);
  application.oom_steps = static_cast<std::uint8_t>(Number(object.at("oomSteps"), 0xff));
  Read(object, "ended", application.ended);
  Read(object, "counted", application.counted);
  if (object.contains("finished")) {
    ReadParts(object, application);
  } else {
    application.finished = application.ended;  // version 1 knew nothing of parts
  }
}

// An empty histogram has the earliest time there is, which is no time of a sample.
json OrNull(Time time) { return time < Time{} ? json() : Of(time); }

json Of(const model::DecayingHistogram& histogram) {
  const auto state = histogram.Save();
  return {{"reference", OrNull(state.reference)},
          {"newest", OrNull(state.newest)},
          {"first", state.first},
          {"weights", state.weights},
          {"total", state.total}};
}
void Read(const json& object, model::DecayingHistogram& histogram) {
  model::DecayingHistogram::State state;
  state.reference = state.newest = Time::min();
  if (!object.at("reference").is_null()) Read(object, "reference", state.reference);
  if (!object.at("newest").is_null()) Read(object, "newest", state.newest);
  state.first = static_cast<std::size_t>(Number(object.at("first"), 1'000'000));
  state.weights = object.at("weights").get<std::vector<double>>();
  Read(object, "total", state.total);
  if (!histogram.Load(state)) throw Damaged("a histogram contradicts itself");
}

json Of(const model::Bracket& bracket) {
  return {Of(bracket.too_small), Of(bracket.enough), Of(bracket.use), Of(bracket.well),
          Of(bracket.roomiest),  bracket.refuted,    bracket.killed,  bracket.forgotten};
}
void Read(const json& value, model::Bracket& bracket) {
  Read(value.at(0), bracket.too_small);
  Read(value.at(1), bracket.enough);
  Read(value.at(2), bracket.use);
  Read(value.at(3), bracket.well);
  Read(value.at(4), bracket.roomiest);
  bracket.refuted = static_cast<std::uint8_t>(Number(value.at(5), 255));
  Read(value.at(6), bracket.killed);
  // Version 2 had none.
  if (value.size() > 7) {
    bracket.forgotten =
        static_cast<std::uint8_t>(Number(value.at(7), model::Bracket::kMostForgotten));
  }
  if (bracket.use < bracket.too_small) throw Damaged("a part above its use");
}

json Of(const model::Work& work) { return {work.input, work.shuffle, work.tasks}; }
void Read(const json& value, model::Work& work) {
  Read(value.at(0), work.input);
  Read(value.at(1), work.shuffle);
  Read(value.at(2), work.tasks);
}

json Of(const model::ShapeHistory& shape) {
  return {{"id", shape.id},
          {"shape", Of(shape.shape)},
          {"peaks", Of(shape.peaks)},
          {"sealed", shape.sealed},
          {"proven", shape.proven},
          {"largestLimit", Of(shape.largest_limit)},
          {"submitted", Of(shape.submitted)},
          {"request", Of(shape.request)},
          {"well", Of(shape.well)},
          {"before", Of(shape.before)},
          {"tried", shape.tried},
          {"beforeTried", shape.before_tried},
          {"candidate", Of(shape.candidate)},
          {"exposure", shape.exposure},
          {"work", Of(shape.work)},
          {"heap", Of(shape.Of(model::Part::kHeap))},
          {"outside", Of(shape.Of(model::Part::kOutside))}};
}
void Read(const json& object, model::ShapeHistory& shape) {
  Read(object, "id", shape.id);
  Read(object, "shape", shape.shape);
  Read(object, "peaks", shape.peaks);
  Read(object, "sealed", shape.sealed);
  Read(object, "proven", shape.proven);
  Read(object, "largestLimit", shape.largest_limit);
  Read(object, "submitted", shape.submitted);
  Read(object, "request", shape.request);
  if (!object.contains("well")) return;  // version 1
  Read(object, "well", shape.well);
  Read(object, "before", shape.before);
  Read(object, "tried", shape.tried);
  if (object.contains("beforeTried")) Read(object, "beforeTried", shape.before_tried);
  Read(object, "candidate", shape.candidate);
  Read(object, "exposure", shape.exposure);
  Read(object.at("work"), shape.work);
  Read(object.at("heap"), shape.Of(model::Part::kHeap));
  Read(object.at("outside"), shape.Of(model::Part::kOutside));
}

json Of(const model::Run& run) {
  return {run.application, run.shape_id,          run.executors, run.record,
          Of(run.peak),    run.lifetimes.count(), Of(run.used),  run.often};
}
void Read(const json& value, model::Run& run) {
  Read(value.at(0), run.application);
  Read(value.at(1), run.shape_id);
  Read(value.at(2), run.executors);
  Read(value.at(3), run.record);
  Read(value.at(4), run.peak);
  Read(value.at(5), run.lifetimes);
  // Version 1 did not tell a peak of executors that were sampled often from others.
  run.used = run.peak;
  run.often = true;
  if (value.size() == 6) return;
  Read(value.at(6), run.used);
  Read(value.at(7), run.often);
}

json Of(const model::RunConduct& run) {
  return {run.application,  run.shape_id,  run.heap,       run.outside,
          run.collecting,   run.fullest,   run.stored,     run.spilled,
          run.used_outside, run.busy,      run.work.input, run.work.shuffle,
          run.work.tasks,   run.executors, run.whole,      run.pressed};
}
void Read(const json& value, model::RunConduct& run) {
  std::size_t i = 0;
  Read(value.at(i++), run.application);
  Read(value.at(i++), run.shape_id);
  for (auto* number :
       {&run.heap, &run.outside, &run.collecting, &run.fullest, &run.stored, &run.spilled,
        &run.used_outside, &run.busy, &run.work.input, &run.work.shuffle, &run.work.tasks}) {
    Read(value.at(i++), *number);
  }
  Read(value.at(i++), run.executors);
  Read(value.at(i++), run.whole);
  // Version 2 had none.
  if (value.size() > i) run.pressed = static_cast<std::uint8_t>(Number(value.at(i), 100));
}

template <typename T, std::size_t N>
void ReadEach(const json& values, std::array<T, N>& out) {
  for (std::size_t i = 0; i < N; ++i) Read(values.at(i), out.at(i));
}

// Beside a limit that was read.
void ReadHeap(const json& object, const char* key, model::ExecutorSize& size) {
  Read(object, key, size.heap);
  if (size.heap && *size.heap > size.limit) throw Damaged("a heap above its limit");
}

json Of(const model::Accuracy::Runs& runs) { return {runs.covered, runs.lacking}; }
void Read(const json& value, model::Accuracy::Runs& runs) {
  Read(value.at(0), runs.covered);
  Read(value.at(1), runs.lacking);
}

json Of(const model::AdviceBook::OpenRun& run) {
  const auto& advice = run.advice;
  return {{"application", run.application},
          {"target", Of(advice.advised.limit)},
          {"heap", Of(advice.advised.heap)},
          {"need", Of(advice.need)},
          {"sized", advice.sized},
          {"unknown", advice.unknown},
          {"lacking", advice.lacking},
          {"hours", advice.hours},
          {"lackingHours", advice.lacking_hours},
          {"over", advice.over},
          {"under", advice.under},
          {"lacks", advice.lacks},
          {"partOver", advice.part_over}};
}
void Read(const json& object, model::AdviceBook::OpenRun& run) {
  auto& advice = run.advice;
  Read(object, "application", run.application);
  Read(object, "target", advice.advised.limit);
  Read(object, "need", advice.need);
  Read(object, "sized", advice.sized);
  Read(object, "unknown", advice.unknown);
  Read(object, "lacking", advice.lacking);
  Read(object, "hours", advice.hours);
  Read(object, "lackingHours", advice.lacking_hours);
  Read(object, "over", advice.over);
  Read(object, "under", advice.under);
  if (!object.contains("heap")) return;  // version 2 judged by what there is in all
  ReadHeap(object, "heap", advice.advised);
  ReadEach(object.at("lacks"), advice.lacks);
  ReadEach(object.at("partOver"), advice.part_over);
}

json Of(const model::AdviceBook& book) {
  const auto& sums = book.Sums();
  json open = json::array();
  for (const auto& run : book.Open()) open.push_back(Of(run));
  return {
      {"submitted", Of(sums.submitted)}, {"sized", Of(sums.sized)}, {"unknown", sums.unknown},
      {"unadvised", sums.unadvised},     {"waste", sums.waste},     {"missing", sums.missing},
      {"regret", sums.regret},           {"lacking", sums.lacking}, {"partWaste", sums.part_waste},
      {"open", std::move(open)}};
}
void Read(const json& object, model::AdviceBook& book) {
  model::Accuracy sums;
  std::forward_list<model::AdviceBook::OpenRun> open;
  Read(object.at("submitted"), sums.submitted);
  Read(object.at("sized"), sums.sized);
  Read(object, "unknown", sums.unknown);
  Read(object, "unadvised", sums.unadvised);
  Read(object, "waste", sums.waste);
  Read(object, "missing", sums.missing);
  Read(object, "regret", sums.regret);
  if (object.contains("lacking")) {
    ReadEach(object.at("lacking"), sums.lacking);
    ReadEach(object.at("partWaste"), sums.part_waste);
  }
  auto last = open.before_begin();
  for (const auto& run : object.at("open")) {
    last = open.emplace_after(last);
    Read(run, *last);
  }
  book.Load(sums, std::move(open));
}

json Of(const model::Executor& executor) {
  json seen = json::array();
  for (std::size_t i = 0; i < executor.samples; ++i) seen.push_back(Of(executor.seen.at(i)));
  json object{{"application", executor.application},
              {"shape", Of(executor.shape)},
              {"size", Of(executor.size)},
              {"submitted", Of(executor.submitted)},
              {"request", Of(executor.request)},
              {"created", Of(executor.created)},
              {"resized", Of(executor.resized)},
              {"ran", executor.ran},
              {"comparable", executor.comparable},
              {"oom", executor.oom ? json(static_cast<int>(*executor.oom)) : json()},
              {"lost", executor.lost},
              {"trial", executor.trial ? json(static_cast<int>(*executor.trial)) : json()},
              {"ended", Of(executor.ended)},
              {"target", Of(executor.advised.limit)},
              {"targetHeap", Of(executor.advised.heap)},
              {"targetRequest", Of(executor.target_request_at_start)},
              {"peak", Of(executor.peak)},
              {"used", Of(executor.used)},
              {"lastUsed", Of(executor.last_used)},
              {"lastSample", Of(executor.last_sample)},
              {"seen", seen},
              {"shapeID", executor.shape_id}};
  return object;
}
// Versions 1 and 2 tell only whether there was one. A container that was killed counts with at
// least its limit.
std::optional<model::OomKind> ReadOom(const json& value, const model::Executor& executor) {
  if (value.is_null() || value == false) return std::nullopt;
  if (!value.is_boolean()) return ReadEnum(value, model::OomKind::kHeap);
  return executor.peak < executor.size.limit ? model::OomKind::kHeap : model::OomKind::kContainer;
}

void Read(const json& object, model::Executor& executor) {
  Read(object, "application", executor.application);
  Read(object, "shape", executor.shape);
  Read(object, "size", executor.size);
  Read(object, "submitted", executor.submitted);
  Read(object, "request", executor.request);
  Read(object, "created", executor.created);
  if (object.contains("resized")) Read(object, "resized", executor.resized);
  Read(object, "ran", executor.ran);
  Read(object, "comparable", executor.comparable);
  Read(object, "ended", executor.ended);
  Read(object, "target", executor.advised.limit);
  Read(object, "peak", executor.peak);
  Read(object, "lastUsed", executor.last_used);
  Read(object, "lastSample", executor.last_sample);
  const auto& seen = object.at("seen");
  if (seen.size() > executor.seen.size()) throw Damaged("too many samples");
  executor.samples = static_cast<std::uint8_t>(seen.size());
  for (std::size_t i = 0; i < seen.size(); ++i) Read(seen.at(i), executor.seen.at(i));
  Read(object, "shapeID", executor.shape_id);
  executor.oom = ReadOom(object.at("oom"), executor);
  if (object.contains("targetHeap")) ReadHeap(object, "targetHeap", executor.advised);
  executor.used = executor.peak;
  executor.target_request_at_start = executor.advised.limit;
  if (!object.contains("used")) return;  // version 1
  Read(object, "used", executor.used);
  Read(object, "lost", executor.lost);
  if (const auto& trial = object.at("trial"); !trial.is_null()) {
    executor.trial = ReadEnum(trial, model::Part::kOutside);
  }
  Read(object, "targetRequest", executor.target_request_at_start);
}

// Version 1 had one floor for a key, in place of brackets: what the OOM of the latest executors
// asked for, until three later runs of that size or ten of any size went well.
void ReadFloor(const json& floor, std::vector<model::ShapeHistory>& shapes) {
  if (floor.is_null() || shapes.empty()) return;
  const bool holds =
      Number(floor.at("clean"), std::numeric_limits<std::uint32_t>::max()) < 3 &&
      Number(floor.at("cleanAnySize"), std::numeric_limits<std::uint32_t>::max()) < 10;
  if (!holds) return;
  model::ExecutorSize dead;
  Bytes heap;
  Bytes overhead;
  Read(floor, "dead", dead);
  Read(floor, "heap", heap);
  Read(floor, "overhead", overhead);
  const auto kind = ReadEnum(floor.at("kind"), model::OomKind::kHeap);
  const bool of_heap = kind == model::OomKind::kHeap && dead.heap;
  shapes.back().Killed(of_heap ? model::Part::kHeap : model::Part::kOutside, dead,
                       of_heap ? heap : overhead);
}

json Of(const model::PodRecord& pod) {
  json object{{"uid", pod.uid}, {"state", (pod.sealed ? 1 : 0) + (pod.gone ? 2 : 0)}};
  if (!pod.name.empty()) object["name"] = pod.name;
  if (pod.created != Time{}) object["created"] = Of(pod.created);
  if (pod.ended) object["ended"] = Of(*pod.ended);
  if (!pod.counted_ends.empty()) object["ooms"] = pod.counted_ends;
  return object;
}
void Read(const json& object, model::PodRecord& pod) {
  Read(object, "uid", pod.uid);
  const auto state = Number(object.at("state"), 3);
  pod.sealed = (state & 1) != 0;
  pod.gone = (state & 2) != 0;
  if (object.contains("name")) Read(object, "name", pod.name);
  if (object.contains("created")) Read(object, "created", pod.created);
  if (object.contains("ended")) Read(object, "ended", pod.ended.emplace());
  if (!object.contains("ooms")) return;
  const auto& ends = object.at("ooms").get_ref<const json::array_t&>();
  const auto latest = std::min(ends.size(), model::PodRecord::kMostEnds);
  for (auto end = ends.end() - static_cast<std::ptrdiff_t>(latest); end != ends.end(); ++end) {
    Read(*end, pod.counted_ends.emplace_back());
  }
}

template <typename Range>
json ListOf(const Range& range) {
  json list = json::array();
  for (const auto& element : range) list.push_back(Of(element));
  return list;
}

// Labels are valid UTF-8; whatever else there might be must not stop a checkpoint.
std::string TextOf(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// The same checkpoint gives the same text: objects of this library are sorted by key. Of executors
// and pods there may be thousands, of which a tree would take ten times as much.
std::string Data(const model::KeyCheckpoint& checkpoint) {
  json rest{{"namespace", checkpoint.key.name_space},
            {"signature", checkpoint.key.signature},
            {"resourceProfile", checkpoint.key.profile},
            {"job", Of(checkpoint.job)},
            {"halfLife", checkpoint.half_life.count()},
            {"totals", Of(checkpoint.history.totals)},
            {"applications", ListOf(checkpoint.history.applications)},
            {"shapes", ListOf(checkpoint.history.shapes)},
            {"runs", ListOf(checkpoint.history.runs)},
            {"advice", Of(checkpoint.history.advice)},
            {"nextShapeID", checkpoint.history.next_shape_id},
            {"reference", Of(checkpoint.history.reference)}};
  // Most jobs have none.
  if (!checkpoint.history.conducts.empty()) {
    rest["conducts"] = ListOf(checkpoint.history.conducts);
  }
  auto text = TextOf(rest);
  text.pop_back();  // its brace
  text += R"(,"executors":{)";
  const char* comma = "";
  for (const auto& [uid, executor] : checkpoint.history.executors) {
    text.append(std::exchange(comma, ",")).append(TextOf(uid)).append(":");
    text += TextOf(Of(executor));
  }
  text += R"(},"pods":[)";
  comma = "";
  for (const auto& pod : checkpoint.pods) {
    text.append(std::exchange(comma, ",")).append(TextOf(Of(pod)));
  }
  return text + "]}";
}

// All but executors and pods.
void ReadRest(const json& data, model::KeyCheckpoint& checkpoint) {
  Read(data, "namespace", checkpoint.key.name_space);
  Read(data, "signature", checkpoint.key.signature);
  checkpoint.key.profile = static_cast<int>(
      Number(data.at("resourceProfile"), std::numeric_limits<std::int32_t>::max()));
  Read(data.at("job"), checkpoint.job);
  checkpoint.half_life = base::Duration(Number(data.at("halfLife"), kLatest));
  if (checkpoint.half_life.count() == 0) throw Damaged("no half-life");
  auto& history = checkpoint.history;
  Read(data.at("totals"), history.totals);
  for (const auto& entry : data.at("applications")) {
    Read(entry, history.applications.emplace_back());
  }
  for (const auto& entry : data.at("shapes")) {
    history.shapes.push_back(
        {.id = 0,
         .shape = {},
         .peaks = model::DecayingHistogram(model::MemoryBuckets(), checkpoint.half_life)});
    Read(entry, history.shapes.back());
  }
  // Before there was `adaptive` a checkpoint had no runs.
  if (data.contains("runs")) {
    for (const auto& entry : data.at("runs")) Read(entry, history.runs.emplace_back());
  } else {
    history.runs = model::RunsOf(history.applications);
  }
  // Before past advice was judged there was nothing of it.
  if (data.contains("advice")) Read(data.at("advice"), history.advice);
  Read(data, "nextShapeID", history.next_shape_id);
  // Before version 3 each application had its own.
  const auto& applications = data.at("applications");
  if (data.contains("reference")) {
    Read(data, "reference", history.reference);
  } else if (!applications.empty()) {
    Read(applications.back(), "reference", history.reference);
  }
  if (data.contains("conducts")) {
    for (const auto& entry : data.at("conducts")) Read(entry, history.conducts.emplace_back());
  }
  if (data.contains("floor")) ReadFloor(data.at("floor"), history.shapes);
}

// How much may be read; `inflated` grows by what is.
struct Reading {
  std::size_t most;
  std::size_t& inflated;
};

// The JSON text in a spec's data, inflated as it is read.
class DataText final : public std::streambuf {
 public:
  DataText(std::string data, bool gzip, const Reading& reading)
      : data_(std::move(data)), rest_(data_), gzip_(gzip), reading_(reading) {}

 protected:
  int_type underflow() override {
    constexpr std::size_t kPiece = 256;  // inflates to at most 1032 times as much
    buffer_.clear();
    while (buffer_.empty() && !rest_.empty()) {
      Take(rest_.substr(0, kPiece));
      rest_.remove_prefix(std::min(kPiece, rest_.size()));
    }
    read_ += buffer_.size();
    reading_.inflated += buffer_.size();
    if (read_ > reading_.most) throw Damaged("more data than may be read");
    if (!gauge_.Feed(buffer_)) throw Damaged("a text is too long, or lists are too deep");
    setg(buffer_.data(), buffer_.data(), buffer_.data() + buffer_.size());
    if (!buffer_.empty()) return traits_type::to_int_type(buffer_.front());
    if (!inflater_.Complete()) throw Damaged("gzip that ends too early");
    return traits_type::eof();
  }

 private:
  void Take(std::string_view piece) {
    const auto keep = [this](std::string_view bytes) {
      buffer_ += bytes;
      return true;
    };
    if (!gzip_) {
      keep(piece);
    } else if (const auto fed = inflater_.Feed(piece, keep); !fed) {
      throw Damaged(fed.error().message);
    }
  }

  std::string data_;
  std::string_view rest_;
  bool gzip_;
  Reading reading_;
  std::size_t read_ = 0;
  std::string buffer_;
  base::Inflater inflater_{kLargestInflated};
  base::JsonGauge gauge_{kDataBounds};
};

// Takes executors and pods out of the tree while it grows: there may be thousands.
class Records {
 public:
  explicit Records(model::KeyCheckpoint& checkpoint) : checkpoint_(checkpoint) {}

  // Called by the parser. False: the value is not to be kept.
  bool operator()(int depth, json::parse_event_t event, json& value) {
    using Event = json::parse_event_t;
    if (event == Event::key && depth == 1) collection_ = value.get<std::string>();
    if (event == Event::key && depth == 2) uid_ = Short(value);
    const bool inside = depth >= 2 && (collection_ == "executors" || collection_ == "pods");
    if (++(inside ? inside_ : elsewhere_) > (inside ? kMostInRecord : kMostElsewhere)) {
      throw Damaged("too many values");
    }
    if (!inside || depth != 2 || event != Event::object_end) return true;
    inside_ = 0;
    Take(value);
    return false;
  }

 private:
  void Take(const json& record) {
    auto& executors = checkpoint_.history.executors;
    auto& pods = checkpoint_.pods;
    if (collection_ == "executors") {
      Read(record, executors[uid_]);
    } else {
      Read(record, pods.emplace_back());
      ends_ += pods.back().counted_ends.size();
    }
    if (std::max({executors.size(), pods.size(), ends_}) > kMostRecords) {
      throw Damaged("more executors, pods or ends than an object can have");
    }
  }

  model::KeyCheckpoint& checkpoint_;
  std::string collection_;
  std::string uid_;
  std::size_t inside_ = 0;  // values since the last record
  std::size_t elsewhere_ = 0;
  std::size_t ends_ = 0;
};

model::KeyCheckpoint FromText(DataText&& text) {
  model::KeyCheckpoint checkpoint;
  Records records(checkpoint);
  std::istream stream(&text);
  const auto data = json::parse(stream, std::ref(records));
  // What is left is no record.
  if (data.at("executors") != json::object() || data.at("pods") != json::array()) {
    throw Damaged("executors or pods that are none");
  }
  ReadRest(data, checkpoint);
  return checkpoint;
}

base::Result<model::KeyCheckpoint> ReadSpec(const json& spec, const Reading& reading) {
  const auto version = Number(spec.at("version"), std::numeric_limits<std::int32_t>::max());
  if (version < kOldestCheckpointVersion || version > kCheckpointVersion) {
    return base::Fail(base::Code::kInvalidArgument,
                      fmt::format("checkpoint version {}; this sparkfit reads versions {} to {}",
                                  version, kOldestCheckpointVersion, kCheckpointVersion));
  }
  const auto& data = spec.at("data").get_ref<const std::string&>();
  if (spec.at("checksum").get_ref<const std::string&>() != Checksum(data))
    throw Damaged("the checksum does not fit");
  const auto encoding = spec.value("encoding", kPlain);
  if (encoding == kPlain) return FromText({data, false, reading});
  if (encoding != kGzip) {
    return base::Fail(base::Code::kInvalidArgument,
                      fmt::format("checkpoint encoding \"{}\"; this sparkfit reads {} and {}",
                                  base::Beginning(encoding, 40), kPlain, kGzip));
  }
  auto packed = base::DecodeBase64(data);
  if (!packed) return base::Fail("checkpoint data", packed.error());
  return FromText({*std::move(packed), true, reading});
}

// Calls read() and makes a result of what it throws.
template <typename Read>
auto Guarded(Read&& read) -> decltype(read()) try {
  return read();
} catch (const std::exception& error) {
  return base::Fail(base::Code::kMalformed, fmt::format("checkpoint: {}", error.what()));
}

json ParseObject(std::string_view text) {
  auto object = base::ParseJson(text, {.text = kLargestCheckpoint});
  if (object.is_discarded()) throw Damaged("it is no JSON, or more than an object may have");
  return object;
}

}  // namespace

CheckpointSpec WriteCheckpoint(const model::KeyCheckpoint& checkpoint) {
  CheckpointSpec spec;
  spec.encoding = kPlain;
  spec.data = Data(checkpoint);
  if (spec.data.size() > kLargestPlain) {
    spec.encoding = kGzip;
    spec.data = base::EncodeBase64(base::Gzip(spec.data));
  }
  return Sealed(std::move(spec));
}

CheckpointSpec Sealed(CheckpointSpec spec) {
  spec.checksum = Checksum(spec.data);
  return spec;
}

std::string SpecText(const CheckpointSpec& spec) {
  return TextOf({{"version", kCheckpointVersion},
                 {"encoding", spec.encoding},
                 {"checksum", spec.checksum},
                 {"data", spec.data}});
}

base::Result<model::KeyCheckpoint> ReadCheckpoint(std::string_view object, std::size_t* inflated,
                                                  std::size_t most) {
  std::size_t nobody_asks = 0;
  const Reading reading{most, inflated != nullptr ? *inflated : nobody_asks};
  return Guarded([&] { return ReadSpec(ParseObject(object).at("spec"), reading); });
}

base::Result<CheckpointHead> ReadCheckpointHead(JsonObject object) {
  CheckpointHead head;
  const auto read_owner = [&](JsonValue owner) {
    return ForEachMember(owner, [&](std::string_view key, JsonValue value) {
      const bool first = key == "uid" && head.owner_uid.empty();
      return first ? ReadString(value, head.owner_uid) : simdjson::SUCCESS;
    });
  };
  const auto read = [&](std::string_view key, JsonValue value) {
    if (key == "name") return ReadString(value, head.name);
    if (key == "namespace") return ReadString(value, head.name_space);
    if (key == "resourceVersion") return ReadString(value, head.version);
    return key == "ownerReferences" ? ForEachElement(value, read_owner) : simdjson::SUCCESS;
  };
  const auto error = ForEachMember(object, [&](std::string_view key, JsonValue value) {
    return key == "metadata" ? ForEachMember(value, read) : simdjson::SUCCESS;
  });
  if (error) return Malformed(error);
  return head;
}

base::Result<std::string> SetAside(std::string_view text) {
  return Guarded([&]() -> base::Result<std::string> {
    const auto object = ParseObject(text);
    const auto& metadata = object.at("metadata");
    const auto name = fmt::format("{}.aside-{}", metadata.at("name").get<std::string>(),
                                  metadata.at("resourceVersion").get<std::string>());
    return json{{"apiVersion", object.at("apiVersion")},
                {"kind", object.at("kind")},
                {"metadata", {{"name", name}, {"namespace", metadata.at("namespace")}}},
                {"spec", object.at("spec")}}
        .dump();
  });
}

}  // namespace sparkfit::wire
