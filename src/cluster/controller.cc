// SPDX-License-Identifier: Apache-2.0
#include "sparkfit/cluster/controller.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "advisor.h"
#include "certificates.h"
#include "checkpoint_reader.h"
#include "drivers.h"
#include "key_metrics.h"
#include "kubelets.h"
#include "message.h"
#include "pod_pool.h"
#include "readers.h"
#include "recent.h"
#include "session.h"
#include "sources.h"
#include "sparkfit/wire/admission_review.h"
#include "sparkfit/wire/observation_log.h"
#include "sparkfit/wire/remembered_nodes.h"
#include "world.h"
#include "writer.h"

namespace sparkfit::cluster {
namespace {

using base::Code;
using base::Result;
using base::Time;
using model::Observation;

constexpr base::Duration kTick = std::chrono::milliseconds(500);
// A standby keeps what it saw of pods for this long: longer than any takeover, shorter than ended
// executors are named by a checkpoint (60 s).
constexpr base::Duration kRecent = std::chrono::seconds(45);
constexpr base::Duration kTryAgain = std::chrono::seconds(10);
// Executors tell their driver of themselves every 10 s, and of each task when it ends. What is told
// within the last interval of a run is missed; a trial has to be seen to its end.
constexpr Drivers::Intervals kDriverIntervals{.least = std::chrono::seconds(1),
                                              .usual = std::chrono::seconds(15),
                                              .watched = std::chrono::seconds(3)};
constexpr base::Duration kShowAgain = std::chrono::seconds(2);
// What is remembered of nodes is put together for the next leader this often.
constexpr base::Duration kNoteAgain = std::chrono::minutes(1);
constexpr const char* kNodesAnnotation = "sparkfit.io/remembered-nodes";
// The same refusal of the same job is told again after this long.
constexpr base::Duration kTellAgain = std::chrono::hours(1);
constexpr int kReviewsAtOnce = 2;
// A main loop that did not come round for this long hangs.
constexpr base::Duration kHangs = std::chrono::seconds(60);

kube::LeaseOptions WithNote(kube::LeaseOptions lease) {
  lease.note = kNodesAnnotation;
  return lease;
}

}  // namespace

struct Controller::Impl {
  Impl(kube::Client& client_, kube::Client& lease_client_, const base::Clock& clock_,
       base::Waiter& waiter_, const base::Logger& log_, exposition::OwnMetrics& metrics_,
       ControllerOptions options_)
      : client(client_),
        clock(clock_),
        log(log_),
        metrics(metrics_),
        options(std::move(options_)),
        scopes(options.namespaces.empty() ? std::vector<std::string>{""} : options.namespaces),
        around{clock_, waiter_, log_, metrics_, inbox, &options.derived_signatures},
        elector(lease_client_, clock_, waiter_, WithNote(options.lease)),
        writer(client_, inbox, [this](std::uint64_t of_term) {
          return of_term == term && (!options.elect || elector.Holds());
        }) {
    world = World(2 * options.pipeline.max_keys_per_namespace, options.driver_metrics);
    if (options.kubelets) kubelets.emplace(*options.kubelets, around);
    if (options.driver_metrics != model::DriverMetrics::kOff)
      drivers.emplace(kube::PlainGet, around);
    if (options.admission) {
      advisor.emplace(options.pipeline.safety.max_memory, options.admission->shrink_only);
    }
    if (options.review_client != nullptr) readers.emplace(*options.review_client, clock_, log_);
  }

  void Run(const std::stop_token& stop);
  void StartThreads(std::vector<std::jthread>& threads);
  void Take(Message message);
  void TakeObservation(Observation observation);
  void TakeListed(const Listed& listed);
  void TakeWritten(const Written& written);
  void TakeUsage(const Usage& usage);
  void TakeRefused(const Refused& refused);
  void TakeNote(const Noted& noted);
  void LeaveNote();
  void LookAfterCertificates(const std::stop_token& stop);
  SessionOptions NewSession();
  void BeginWatching();
  std::string Admit(std::string_view body);
  void SetLeading(bool now_leads);
  void BeginSession(const std::stop_token& stop);
  void EndSession(const char* why);
  void ComeRound() { came_round = clock.SteadyNow().time_since_epoch().count(); }
  void Tick(const std::stop_token& stop);
  void TellWhomToAsk();
  void TellProblems();
  void ShowRows();
  void Show(Served now);

  kube::Client& client;
  const base::Clock& clock;
  const base::Logger& log;
  exposition::OwnMetrics& metrics;
  const ControllerOptions options;
  const std::vector<std::string> scopes;  // namespaces; one that is empty: all
  Inbox inbox;
  Surroundings around;
  kube::LeaseElector elector;
  Writer writer;
  std::optional<Kubelets> kubelets;
  std::optional<Drivers> drivers;

  // Of the main loop alone.
  World world;
  PodPool pool;
  Recent recent{kRecent};
  std::optional<Session> session;
  // Where we do not lead but answer admissions: what OOMs ask for that were not published yet. It
  // knows pods alone, and publishes nothing.
  std::optional<Session> watching;
  std::map<std::pair<model::Key, admission::Reason>, base::Clock::Steady> refusals_told;
  std::optional<std::uint64_t> shown;  // the session's revision that is served
  base::Clock::Steady show_after{};
  std::optional<std::uint64_t> asked_of;  // the world's revision that says whom to ask for usage
  base::Clock::Steady ask_after{};
  base::Clock::Steady note_after{};
  Time latest_usage{};
  base::Clock::Steady not_before{};
  std::set<std::string> problems_told;  // of this session
  std::set<std::string> crowded_told;   // namespaces with too many recommendations

  // Read by other threads.
  std::optional<Advisor> advisor;      // with admission
  std::optional<Readers> readers;      // where not anybody may read
  std::atomic<std::uint64_t> term{0};  // grows where a session ends
  std::atomic<bool> leading{false};
  std::atomic<bool> certified{false};
  std::atomic<bool> stopping{false};
  std::atomic<bool> in_session{false};
  std::atomic<bool> synced{false};
  std::atomic<base::Clock::Steady::rep> came_round{0};
  mutable std::mutex served_mutex;
  std::shared_ptr<const Served> served = std::make_shared<const Served>();
};

void Controller::Impl::Run(const std::stop_token& stop) {
  ComeRound();
  std::vector<std::jthread> threads;
  StartThreads(threads);
  if (!options.elect) SetLeading(true);
  while (!stop.stop_requested()) {
    for (auto& message : inbox.TakeAll(kTick, stop)) Take(std::move(message));
    if (stop.stop_requested()) break;
    Tick(stop);
    ComeRound();
  }
  stopping = true;
  // All are asked before one is waited for.
  for (auto& thread : threads) thread.request_stop();
  if (readers) readers->Close();
}

void Controller::Impl::StartThreads(std::vector<std::jthread>& threads) {
  const auto follow = [&](Kind kind, const std::string& name_space) {
    // Who sizes nobody needs to know what pods may have.
    if (!ConstrainsPods(kind)) world.Expect(kind, name_space);
    threads.emplace_back([this, kind, name_space](const std::stop_token& stop) {
      Source(kind, around, name_space).Run(client, stop);
    });
  };
  for (const auto& name_space : scopes) {
    follow(Kind::kPods, name_space);
    // Who only records needs none of our objects.
    if (options.publish) follow(Kind::kRecommendations, name_space);
    if (!options.admission) continue;
    follow(Kind::kLimitRanges, name_space);
    follow(Kind::kResourceQuotas, name_space);
  }
  if (options.namespaces.empty()) follow(Kind::kNodes, "");
  if (options.https) {
    threads.emplace_back([this](const std::stop_token& stop) { LookAfterCertificates(stop); });
  }
  for (int i = 0; readers && i < kReviewsAtOnce; ++i) {
    threads.emplace_back([this](const std::stop_token& stop) { readers->Run(stop); });
  }
  const auto wanted = [this] { return in_session.load(); };
  if (drivers) {
    threads.emplace_back([this, wanted](const std::stop_token& stop) {
      drivers->Run(kDriverIntervals, wanted, stop);
    });
  }
  threads.emplace_back([this, wanted](const std::stop_token& stop) {
    if (kubelets) {
      kubelets->Run(options.usage_interval, wanted, stop);
    } else {
      PollUsage(client, scopes, options.usage_interval, wanted, around, stop);
    }
  });
  threads.emplace_back([this](const std::stop_token& stop) { writer.Run(stop); });
  if (!options.elect) return;
  threads.emplace_back([this](const std::stop_token& stop) {
    elector.Run(
        stop, [this, &stop](bool leads) { inbox.Push(Leading{leads}, stop); },
        [this](const std::string& why) {
          log.Warning("cannot lead", {{"why", why}});
        },
        [this, &stop](const std::string& note) { inbox.Push(Noted{note}, stop); });
  });
}

void Controller::Impl::Take(Message message) {
  struct Visitor {
    Impl& impl;
    void operator()(Observation& observation) const {
      impl.TakeObservation(std::move(observation));
    }
    void operator()(const Listed& listed) const { impl.TakeListed(listed); }
    void operator()(const Usage& usage) const { impl.TakeUsage(usage); }
    void operator()(const ConstraintEvent& event) const { impl.advisor->Take(event); }
    void operator()(const Refused& refused) const { impl.TakeRefused(refused); }
    void operator()(const Leading& now) const { impl.SetLeading(now.leading); }
    void operator()(const Noted& noted) const { impl.TakeNote(noted); }
    void operator()(const Written& written) const { impl.TakeWritten(written); }
  };
  std::visit(Visitor{*this}, message);
}

void Controller::Impl::TakeObservation(Observation observation) {
  if (auto* event = std::get_if<model::PodEvent>(&observation.what)) pool.Share(event->pod.Edit());
  if (!world.Take(observation)) {
    metrics.CountUnreadable(Source::CollectionOf(Kind::kRecommendations).resource);
    const auto& name_space =
        std::get<model::RecommendationEvent>(observation.what).object.name_space;
    if (crowded_told.insert(name_space).second) {
      log.Warning("namespace has more recommendations than it may have",
                  {{"namespace", name_space}});
    }
    return;
  }
  if (advisor) advisor->Take(observation, world);
  if (session) {
    session->Observe(observation);
    return;
  }
  if (watching) watching->Observe(observation);
  if (!std::holds_alternative<model::PodEvent>(observation.what)) return;
  // What was there before anybody watched is in the world, and is no news.
  if (std::get<model::PodEvent>(observation.what).unwatched) return;
  recent.Push(observation);
}

void Controller::Impl::TakeListed(const Listed& listed) {
  for (auto& observation : world.Missing(listed, clock.Wall())) {
    TakeObservation(std::move(observation));
  }
  if (ConstrainsPods(listed.kind)) advisor->SetListed(listed);
  if (!listed.are_gone) world.SetListed(listed);
}

void Controller::Impl::TakeUsage(const Usage& usage) {
  if (!session) return;
  const auto begun = clock.SteadyNow();
  for (const auto& sample : usage.samples) {
    // A kubelet tells of every pod.
    if (kubelets && !world.MayHaveExecutor(sample.name_space, sample.pod)) continue;
    latest_usage = std::max(latest_usage, sample.timestamp);
    session->Observe({usage.t, sample});
  }
  metrics.ObserveStep("usage", std::chrono::duration<double>(clock.SteadyNow() - begun).count());
}

void Controller::Impl::TakeRefused(const Refused& refused) {
  const auto now = clock.SteadyNow();
  std::erase_if(refusals_told, [&](const auto& told) { return now - told.second >= kTellAgain; });
  const auto* object = world.ObjectOf(refused.key);
  if (object == nullptr || !options.publish || !writer.HasRoom(refused.key.name_space)) return;
  if (!refusals_told.try_emplace({refused.key, refused.reason}, now).second) return;
  wire::EventFacts event;
  event.object = {refused.key.name_space, object->name, object->uid, object->generation};
  event.reason = "NotSized";
  event.message =
      std::string(refused.pod.empty() ? "An executor" : "Executor " + refused.pod) +
      " was created as it was submitted: " + std::string(admission::Describe(refused.reason));
  log.Warning("executor is not sized", {{"namespace", refused.key.name_space},
                                        {"signature", refused.key.signature},
                                        {"pod", refused.pod},
                                        {"reason", std::string(admission::Name(refused.reason))}});
  writer.Submit({.key = refused.key,
                 .what = Written::What::kEvent,
                 .body = wire::NewEvent(event, clock.Wall())});
}

// Who may not read nodes has no use for what others remember of them.
void Controller::Impl::TakeNote(const Noted& noted) {
  if (!options.namespaces.empty()) return;
  const auto now = clock.Wall();
  for (const auto& node : wire::ReadRemembered(noted.note)) TakeObservation({now, node});
}

void Controller::Impl::LeaveNote() {
  const auto now = clock.SteadyNow();
  if (!options.namespaces.empty() || now < note_after) return;
  note_after = now + kNoteAgain;
  elector.SetNote(wire::WriteRemembered(world.RememberedNodes(clock.Wall())));
}

// Runs on a thread of its own.
void Controller::Impl::LookAfterCertificates(const std::stop_token& stop) {
  const auto& certificates = options.https->certificates;
  const Install install = [&](const tls::Pair& pair) {
    auto installed = options.https->install(pair);
    if (installed) certified = true;
    return installed;
  };
  if (certificates.certificate_file.empty()) {
    OwnCertificates(
        certificates, client, around, [this] { return leading.load(); }, install)
        .Run(stop);
  } else {
    FileCertificates(certificates, around, install).Run(stop);
  }
}

// Runs on the listener's thread.
std::string Controller::Impl::Admit(std::string_view body) {
  const auto begun = clock.SteadyNow();
  auto [uid, review] = wire::ReadReview(body, &options.derived_signatures);
  Advisor::Answer answer;
  if (review) answer = advisor->Decide(review->pod, review->places, clock.Wall());
  const auto reason = answer.decision.reason;
  const auto outcome = admission::OutcomeOf(reason);
  if (outcome == admission::Outcome::kRefused && answer.key && !review->dry_run) {
    // News that are not told are in the metrics all the same.
    inbox.TryPush(Refused{*answer.key, reason, review->pod.name});
  }
  auto text = wire::WriteReview(uid, answer.decision.patch, admission::Name(reason));
  metrics.CountAdmission(std::string(admission::Name(outcome)),
                         std::string(admission::Name(reason)),
                         std::chrono::duration<double>(clock.SteadyNow() - begun).count());
  return text;
}

void Controller::Impl::TakeWritten(const Written& written) {
  using Outcome = Written::Outcome;
  if (written.what == Written::What::kPublish) {
    if (!written.version.empty()) metrics.CountCheckpointWrite("ok");
    if (written.outcome != Outcome::kDone) metrics.CountCheckpointWrite("failed");
  }
  // The present session did not ask for it, and may be writing the same key.
  if (written.what != Written::What::kEvent && written.term != term) return;
  if (written.outcome == Outcome::kFailed) {
    log.Warning("cannot write", {{"namespace", written.key.name_space},
                                 {"signature", written.key.signature},
                                 {"why", written.why}});
  }
  if (written.outcome == Outcome::kForeign) {
    log.Error("another controller writes our checkpoints; is there a second installation?",
              {{"namespace", written.key.name_space}, {"signature", written.key.signature}});
    EndSession("foreign write");
    not_before = clock.SteadyNow() + kTryAgain;
    return;
  }
  if (session) session->OnWritten(written, clock.Wall());
}

void Controller::Impl::SetLeading(bool now_leads) {
  leading = now_leads;
  metrics.SetLeader(now_leads);
  log.Info(now_leads ? "leads" : "does not lead any more");
  if (!now_leads) EndSession("leadership lost");
}

void Controller::Impl::EndSession(const char* why) {
  if (!session) return;
  log.Info("session ends", {{"why", why}});
  session.reset();
  ++term;  // what it left waiting is not written
  if (advisor) advisor->BeginRows(false);
  problems_told.clear();
  in_session = false;
  Show({});
  shown.reset();
  show_after = {};
}

void Controller::Impl::Tick(const std::stop_token& stop) {
  if (world.Complete()) synced = true;
  const bool may_begin = leading && synced && clock.SteadyNow() >= not_before;
  if (!session && may_begin) BeginSession(stop);
  if (!session) {
    recent.ForgetBefore(clock.Wall());
    if (advisor && synced && !watching) BeginWatching();
    if (watching) watching->Tick(clock.Wall());
    if (watching && watching->Leapt()) watching.reset();
    return;
  }
  const auto begun = clock.SteadyNow();
  const auto now = clock.Wall();
  TellWhomToAsk();
  if (latest_usage > Time{}) {
    metrics.SetUsageStaleness(std::chrono::duration<double>(now - latest_usage).count());
  }
  session->Tick(now);
  if (session->Leapt()) {
    log.Error("the clock leapt; what was learnt is read again");
    return EndSession("the clock leapt");
  }
  LeaveNote();
  if (advisor) metrics.SetPendingAfterSizing(session->Unschedulable());
  TellProblems();
  ShowRows();
  metrics.ObserveStep("publish", std::chrono::duration<double>(clock.SteadyNow() - begun).count());
}

// With thousands of nodes or drivers a list of them is dear: it is made where something changed,
// and not for every message.
void Controller::Impl::TellWhomToAsk() {
  const auto now = clock.SteadyNow();
  if (asked_of == world.Revision() || now < ask_after) return;
  asked_of = world.Revision();
  ask_after = now + kTick;
  if (kubelets) kubelets->SetNodes(world.ExecutorNodes());
  if (drivers) drivers->SetDrivers(world.DriversToAsk());
}

// What was left out, each once: there are no more than the pipeline notes.
void Controller::Impl::TellProblems() {
  const auto& problems = session->GetPipeline().Problems();
  if (problems.size() == problems_told.size()) return;
  for (const auto& problem : problems) {
    if (problems_told.insert(problem).second) log.Warning("left out", {{"what", problem}});
  }
}

// What is served is made anew where something changed, and not too often: with thousands of keys it
// is the dearest part of a tick.
void Controller::Impl::ShowRows() {
  const auto now = clock.SteadyNow();
  if (shown == session->Revision() || now < show_after) return;
  shown = session->Revision();
  show_after = now + kShowAgain;
  const auto& rows = session->Rows();
  Show({KeyMetrics(rows, session->GetPipeline().Refused(), options.legacy_metric_names,
                   served->metrics.size()),
        options.bulk ? options.bulk(rows) : ""});
}

// What every session has: it tells the advisor, if there is one, and publishes nothing.
SessionOptions Controller::Impl::NewSession() {
  SessionOptions session_options;
  session_options.pipeline = options.pipeline;
  if (advisor) {
    session_options.advise = [this](const auto& key, const auto* row) {
      advisor->SetRow(key, row);
    };
  }
  return session_options;
}

void Controller::Impl::BeginWatching() {
  advisor->BeginRows(false);
  watching.emplace(NewSession(), world, Checkpoints(), recent.All(), clock.Wall());
}

void Controller::Impl::BeginSession(const std::stop_token& stop) {
  auto session_options = NewSession();
  if (options.record) {
    session_options.record = [this](const Observation& observation) {
      options.record(wire::WriteLine(observation));
    };
  }
  if (options.publish) {
    session_options.submit = [this](Write write) {
      write.term = term;
      writer.Submit(std::move(write));
    };
    session_options.has_room = [this](const auto& name_space) {
      return writer.HasRoom(name_space);
    };
  }
  CheckpointReader reader(client, world, log, metrics, [this] { ComeRound(); });
  Result<void> read;
  const Checkpoints checkpoints = [&](const Restore& restore) {
    if (!options.publish) return;
    for (const auto& name_space : scopes) {
      if (read) read = reader.Read(name_space, restore, stop);
    }
  };
  session.emplace(session_options, world, checkpoints, recent.All(), clock.Wall());
  if (!read) {
    session.reset();
    log.Warning("cannot read the checkpoints", {{"why", read.error().message}});
    not_before = clock.SteadyNow() + kTryAgain;
    return;
  }
  watching.reset();
  if (advisor) advisor->BeginRows(true);
  recent.Clear();
  in_session = true;
  log.Info("session begins", {{"restored", std::to_string(session->RestoredKeys())},
                              {"ignored", std::to_string(reader.Ignored())},
                              {"pods", std::to_string(world.Pods().size())}});
}

void Controller::Impl::Show(Served now) {
  auto shared = std::make_shared<const Served>(std::move(now));
  const std::scoped_lock lock(served_mutex);
  served = std::move(shared);
}

Controller::Controller(kube::Client& client, kube::Client& lease_client, const base::Clock& clock,
                       base::Waiter& waiter, const base::Logger& log,
                       exposition::OwnMetrics& metrics, ControllerOptions options)
    : impl_(std::make_unique<Impl>(client, lease_client, clock, waiter, log, metrics,
                                   std::move(options))) {}
Controller::~Controller() = default;

void Controller::Run(const std::stop_token& stop) { impl_->Run(stop); }

std::shared_ptr<const Served> Controller::Serves() const {
  const std::scoped_lock lock(impl_->served_mutex);
  return impl_->served;
}

std::vector<Check> Controller::Live() const {
  const auto now = impl_->clock.SteadyNow().time_since_epoch();
  const auto silent = now - base::Clock::Steady::duration(impl_->came_round.load());
  return {{"main-loop", silent < kHangs}};
}

std::vector<Check> Controller::Ready() const {
  std::vector<Check> checks{{"sources-synced", impl_->synced.load()},
                            {"not-stopping", !impl_->stopping.load()}};
  if (impl_->options.https) checks.push_back({"certificate", impl_->certified.load()});
  return checks;
}

std::string Controller::Admit(std::string_view body) { return impl_->Admit(body); }

void Controller::AskAccess(const Reader& reader, const OnAccess& tell) {
  impl_->readers->Ask(reader, tell);
}

}  // namespace sparkfit::cluster
