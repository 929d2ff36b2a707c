// SPDX-License-Identifier: Apache-2.0
//
// What tenants make and delete leaves nothing behind, and what they write of themselves has a size.
#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <limits>
#include <nlohmann/json.hpp>

#include "cluster/session.h"
#include "cluster_story.h"
#include "sparkfit/base/bytes.h"
#include "sparkfit/base/text.h"

namespace sparkfit::cluster {
namespace {

using model::EventType;
using nlohmann::json;

constexpr base::Duration kRetention = std::chrono::hours(2);

// A cluster in which anything may be made, changed and deleted, and its controller.
class Cluster {
 public:
  Cluster() {
    controller::PipelineOptions pipeline;
    pipeline.retention = kRetention;
    pipeline.max_keys_per_namespace = 6;
    pipeline.max_keys = 16;
    session_.emplace(SessionOptions{.pipeline = pipeline,
                                    .record = {},
                                    .submit = [this](Write write) { writes_.push_back(write); }},
                     world_, Checkpoints(), std::vector<model::Observation>{}, now_);
  }

  void Step() {
    const auto choice = *rc::gen::inRange(0, 10);
    if (choice < 3) return AddPod();
    if (choice < 5) return ChangePod();
    if (choice == 5) return DeletePod();
    if (choice == 6) return AddObject();
    if (choice == 7) return DeleteObject();
    if (choice == 8) return ChangeNode();
    Pass(std::chrono::seconds(*rc::gen::inRange(1, 600)));
  }

  void Pass(base::Duration passed) {
    now_ += passed;
    session_->Tick(now_);
    CarryOut();
  }

  void DeleteAll() {
    while (!pods_.empty()) DeletePod();
    while (!world_.Recommendations().empty()) DeleteObject();
    const auto nodes = world_.Nodes();
    for (auto [name, node] : nodes) {
      node.event = EventType::kDeleted;
      Observe(node);
    }
  }

  [[nodiscard]] std::size_t Kept() const {
    return world_.Kept() + session_->Kept() + session_->GetPipeline().Kept();
  }
  [[nodiscard]] const controller::Pipeline& GetPipeline() const { return session_->GetPipeline(); }

 private:
  template <typename What>
  void Observe(What what) {
    const model::Observation observation{now_, std::move(what)};
    if (world_.Take(observation)) session_->Observe(observation);
  }

  // Of a few texts, so that things meet; sometimes as long as anybody can make it.
  static std::string Text(const std::string& what) {
    const auto text = what + std::to_string(*rc::gen::inRange(0, 4));
    return *rc::gen::weightedElement<bool>({{9, false}, {1, true}}) ? text + std::string(9000, 'x')
                                                                    : text;
  }

  void AddPod() {
    const auto id = std::to_string(++made_);
    auto pod = test::ClusterStory::Executor("uid-" + id, Text("app-"), Text("signature-"));
    pod.name = "pod-" + std::to_string(*rc::gen::inRange(0, 8));  // names are used again
    pod.name_space = "ns-" + std::to_string(*rc::gen::inRange(0, 3));
    if (*rc::gen::inRange(0, 4) == 0) pod.role = model::PodRole::kDriver;
    pod.owner_uid = Text("uid-");
    pod.executor_id = Text("");
    pod.cores = Text("");
    pod.created = now_;
    pod.restarts = *rc::gen::arbitrary<bool>();
    pod.phase = model::PodPhase::kRunning;
    pod.node = Text("node-");
    pod.placement.Edit().selector[Text("label-")] = Text("value-");
    pod.problems.assign(20, Text("odd-"));
    for (const auto* key : {"family", "policy", "max-memory", "mode", "min-memory"}) {
      test::ClusterStory::Set(pod, std::string("sparkfit.io/") + key, Text("value-"));
    }
    model::Cut(pod);
    pods_.push_back(pod);
    Observe(model::PodEvent{EventType::kAdded, pod});
  }

  void ChangePod() {
    if (pods_.empty()) return;
    auto& pod = pods_[*rc::gen::inRange<std::size_t>(0, pods_.size())];
    model::Termination end{"c-" + std::to_string(++made_), "OOMKilled", 137, now_};
    (pod.restarts ? pod.last_restart : pod.ended) = end;
    if (pod.role == model::PodRole::kDriver) pod.phase = model::PodPhase::kSucceeded;
    Observe(model::PodEvent{EventType::kModified, pod});
    Observe(model::UsageSample{pod.name_space, pod.name, now_, {{*pod.container, base::MiB(9)}}});
  }

  void DeletePod() {
    if (pods_.empty()) return;
    const auto which = *rc::gen::inRange<std::size_t>(0, pods_.size());
    const auto pod = pods_[which];
    pods_.erase(pods_.begin() + static_cast<std::ptrdiff_t>(which));
    Observe(model::PodEvent{EventType::kDeleted, pod});
  }

  void AddObject() {
    model::RecommendationObject object;
    object.name_space = "ns-" + std::to_string(*rc::gen::inRange(0, 3));
    object.name = "object-" + std::to_string(*rc::gen::inRange(0, 8));
    object.signature = "signature-" + std::to_string(*rc::gen::inRange(0, 4));
    object.uid = "object-uid-" + std::to_string(++made_);
    object.created = now_;
    object.policy = Text("policy-");
    object.problems.assign(20, Text("odd-"));
    for (int i = 0; i < 40; ++i) object.conditions[Text("C") + std::to_string(i)] = {"True", now_};
    model::Cut(object);
    Observe(model::RecommendationEvent{EventType::kAdded, object});
  }

  void DeleteObject() {
    const auto& objects = world_.Recommendations();
    if (objects.empty()) return;
    const auto which = *rc::gen::inRange<std::size_t>(0, objects.size());
    const auto object = std::next(objects.begin(), static_cast<std::ptrdiff_t>(which))->second;
    Observe(model::RecommendationEvent{EventType::kDeleted, object});
  }

  void ChangeNode() {
    model::NodeEvent node{*rc::gen::element(EventType::kAdded, EventType::kDeleted), Text("node-"),
                          base::GiB(64)};
    Observe(node);
  }

  // What the API server would do.
  void CarryOut() {
    for (const auto& write : std::exchange(writes_, {})) {
      if (write.what == Written::What::kCreate) {
        const auto body = json::parse(write.body);
        model::RecommendationObject object;
        object.name_space = body["metadata"]["namespace"];
        object.name = body["metadata"]["name"];
        object.signature = body["spec"]["signature"];
        object.profile = body["spec"].value("resourceProfile", 0);
        object.uid = "object-uid-" + std::to_string(++made_);
        object.created = now_;
        Observe(model::RecommendationEvent{EventType::kAdded, object});
      }
      const auto known =
          world_.Recommendations().find({write.object.name_space, write.object.name});
      if (write.what == Written::What::kDelete && known != world_.Recommendations().end()) {
        const auto object = known->second;
        Observe(model::RecommendationEvent{EventType::kDeleted, object});
      }
      session_->OnWritten({write.key, write.what, Written::Outcome::kDone, "", ""}, now_);
    }
  }

  World world_{12};
  std::optional<Session> session_;
  std::vector<Write> writes_;
  std::vector<model::PodFacts> pods_;
  int made_ = 0;
  base::Time now_{std::chrono::hours(24 * 20000)};
};

TEST_CASE("whatever was made and deleted, nothing is kept of it", "[property]") {
  REQUIRE(rc::check([] {
    Cluster cluster;
    for (int steps = *rc::gen::inRange(1, 120); steps > 0; --steps) {
      cluster.Step();
      RC_ASSERT(cluster.GetPipeline().Problems().size() <= 1000U);
      for (const auto& problem : cluster.GetPipeline().Problems()) {
        RC_ASSERT(problem.size() <= 500U);
      }
    }
    cluster.DeleteAll();
    // Late samples, repeated events, idle applications; then what is kept for runs to come.
    cluster.Pass(std::chrono::minutes(2));
    cluster.Pass(std::chrono::minutes(11));
    cluster.DeleteAll();
    for (int i = 0; i < 4; ++i) cluster.Pass(kRetention);
    // Of what was refused each namespace was told, and that is remembered.
    RC_ASSERT(cluster.Kept() <= 3U);
  }));
}

TEST_CASE("a cut text is a beginning of whole characters, and short", "[property]") {
  REQUIRE(rc::check([] {
    const auto parts = *rc::gen::container<std::vector<std::string>>(
        rc::gen::element<std::string>("a", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"));
    std::string text;
    for (const auto& part : parts) text += part;
    const auto most = *rc::gen::inRange<std::size_t>(0, 20);
    auto cut = text;
    base::Cut(cut, most);
    RC_ASSERT(cut.size() <= most);
    RC_ASSERT(text.starts_with(cut));
    RC_ASSERT(cut.size() == text.size() || cut.size() + 4 > most);
    std::size_t whole = 0;
    for (const auto& part : parts) {
      if (whole < cut.size()) whole += part.size();
    }
    RC_ASSERT(whole == cut.size());
  }));
}

TEST_CASE("sums and differences of amounts saturate", "[property]") {
  using Limits = std::numeric_limits<std::int64_t>;
  REQUIRE(rc::check([] {
    const auto amount = [] {
      const auto near = *rc::gen::element(Limits::max(), Limits::min(), std::int64_t{0});
      const auto by = *rc::gen::inRange<std::int64_t>(0, 1000);
      return base::Bytes{near == Limits::max() ? near - by : near + by};
    };
    const auto a = amount();
    const auto b = amount();
    const auto saturated = [](long double exact) {
      const long double most = Limits::max();
      const long double least = Limits::min();
      return base::Bytes{static_cast<std::int64_t>(std::clamp(exact, least, most))};
    };
    const long double wide_a = a.value;
    const long double wide_b = b.value;
    RC_ASSERT(a + b == saturated(wide_a + wide_b));
    RC_ASSERT(a - b == saturated(wide_a - wide_b));
    RC_ASSERT(base::MiB(a.value) == saturated(wide_a * (1 << 20)));
    RC_ASSERT(base::GiB(a.value) == saturated(wide_a * (1 << 30)));
    RC_ASSERT(a.RoundedUpToMiB().value >= std::min(a.value, Limits::max() - (1 * (1 << 20))));
  }));
}

}  // namespace
}  // namespace sparkfit::cluster
