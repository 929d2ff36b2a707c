// SPDX-License-Identifier: Apache-2.0
//
// Series of a Prometheus as lines of an observation log: what somebody would have recorded who had
// watched them. Docs/import.md says what can be known in this way.
//
// The importer moves along a grid of times, `step` apart, and decides at each from what it saw up
// to then and from nothing later. So the lines are the same however the past is cut into windows,
// and what it has to remember are the pods that are there, not the past.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sparkfit/base/bytes.h"
#include "sparkfit/base/result.h"
#include "sparkfit/base/time.h"
#include "sparkfit/model/observation.h"
#include "sparkfit/model/signature_rules.h"
#include "sparkfit/wire/prometheus_answer.h"

namespace sparkfit::replay {

// What is asked for.
struct ImportSelection {
  std::vector<std::string> namespaces;  // empty: all
  // Names of executor containers; not empty, all names in Kubernetes.
  std::vector<std::string> containers{"spark-kubernetes-executor"};
  std::vector<std::string> matchers;  // further ones, as cluster="prod"
  // By which series of several clusters are told apart; empty: by those that are usual.
  std::string cluster_label;
  base::Duration step = std::chrono::seconds(30);
};

// In PromQL, also for metrics of kube-state-metrics whose labels were renamed by the scrape
// (exported_namespace, …): the highest usage in each step, so that no peak between two times is
// missed, and for the rest the last value. Neither looks back beyond the step, as a bare selector
// would, for five minutes after a pod is gone.
std::vector<std::string> ImportQueries(const ImportSelection& selection);

struct ImportCounts {
  // In the log:
  std::uint64_t executors = 0;
  std::uint64_t drivers = 0;
  std::uint64_t samples = 0;
  std::uint64_t ooms = 0;
  // Of these executors:
  std::uint64_t no_labels = 0;
  std::uint64_t no_signature = 0;  // neither of their own nor derived; their driver may have one
  std::uint64_t no_memory = 0;     // neither limit nor request
  // Pods of which one of several labels was taken that have one name in Prometheus.
  std::uint64_t conflicts = 0;
  // Left out:
  std::uint64_t never_used = 0;        // executors without any usage
  std::uint64_t unreadable_pods = 0;   // whose labels make no sense
  std::uint64_t other_containers = 0;  // series of containers that are no executor's
  std::uint64_t implausible = 0;       // values that are no amount of memory
  std::uint64_t outside = 0;           // points that nobody asked for

  friend bool operator==(const ImportCounts&, const ImportCounts&) = default;
};

class Importer {
 public:
  // Executors and drivers that show nothing for longer are gone; a pod of that name later on is
  // another one.
  static constexpr base::Duration kPatience = std::chrono::minutes(5);
  // A label for rules of derived signatures that no pod has: the pod's name as far as it is the
  // same in every run of its job.
  static constexpr std::string_view kPodName = "pod-name";

  // REQUIRES: `rules` outlives the importer; step > 0.
  Importer(const ImportSelection& selection, const model::SignatureRules& rules);

  // Labels of series that are of use to Take.
  [[nodiscard]] bool Wants(std::string_view label) const;

  // All that was answered about the times from, from + step, … to. The next window begins one step
  // later. Lines that are complete by then are given, in order of time.
  using Sink = std::function<void(std::string_view line)>;
  void Take(std::vector<wire::PrometheusSeries> series, base::Time from, base::Time to,
            const Sink& sink);
  // Nothing more comes: the lines that waited for what would come. Pods that are there stay so.
  void Finish(const Sink& sink);

  [[nodiscard]] const ImportCounts& Counts() const { return counts_; }
  // The first pods and values that could not be used, for a person.
  [[nodiscard]] const std::vector<std::string>& Problems() const { return problems_; }

  // What is wrong where the series that were taken are of several clusters; empty: nothing.
  [[nodiscard]] std::string SeveralClusters() const;
  // Whether any series had a label of a cluster.
  [[nodiscard]] bool KnowsCluster() const { return !clusters_.empty(); }

  // All that it knows, to go on from in another process. kMalformed where the text is none.
  [[nodiscard]] std::string Save() const;
  base::Result<void> Restore(const std::string& text);

 private:
  using Name = std::pair<std::string, std::string>;  // namespace and pod
  struct Ending {
    base::Time t{};
    std::string reason;
  };
  struct Pod {
    std::string uid;       // as far as it was shown
    std::string previous;  // of the pod that had this name before; what still shows it is late
    std::string log_uid;   // in the log; empty: not in it yet
    std::string container;
    std::map<std::string, std::string> labels;  // by their names in Kubernetes
    bool driver = false;
    bool unreadable = false;
    base::Time first{};
    base::Time last{};
    std::optional<base::Time> used;  // first usage, or end by memory
    base::Bytes limit;
    base::Bytes request;
    std::vector<std::pair<base::Time, base::Bytes>> waiting;  // usage, until it is in the log
    std::optional<Ending> ended;
    std::optional<Ending> restarted;  // by an OOM
    bool oom = false;                 // is in the log
    bool conflict = false;            // is counted

    [[nodiscard]] std::string Label(std::string_view label) const;  // empty: none
  };
  enum class Kind { kLabels, kLimit, kRequest, kUsage, kRestarted, kEnded };
  struct Track {
    Name name;
    Kind kind;
    wire::PrometheusSeries series;
    std::size_t next = 0;
  };
  struct Driver {
    std::string uid;
    base::Time t{};  // of its line
    bool signature = false;
  };
  struct Codec;

  [[nodiscard]] bool IsClusterLabel(std::string_view label) const;
  void SeeCluster(const wire::PrometheusSeries& series);
  void SeeCutName(const Name& name, const Pod& pod);
  std::optional<Track> Classify(wire::PrometheusSeries series);
  std::vector<Track> Prepare(std::vector<wire::PrometheusSeries> series, base::Time from,
                             base::Time to);
  void See(const Track& track, const wire::PrometheusPoint& point);
  void SeeUsage(const Name& name, Pod& pod, const Track& track, const wire::PrometheusPoint& point);
  void SeeEnd(const Name& name, Pod& pod, const Track& track, base::Time t);
  void SeeLabels(Pod& pod, const Track& track);
  Pod& Find(const Name& name, std::string_view uid, base::Time t);
  void Settle(base::Time now);
  [[nodiscard]] bool Ready(const Name& name, const Pod& pod, base::Time now) const;
  void Add(const Name& name, Pod& pod);
  void Close(const Name& name, Pod& pod);
  [[nodiscard]] const Driver* DriverOf(const Name& name, const Pod& pod) const;
  [[nodiscard]] std::string ObjectOf(const Name& name, const Pod& pod) const;
  void WritePod(const Name& name, Pod& pod, model::EventType event, base::Time t);
  void WriteUsage(const Name& name, const Pod& pod, base::Time t, base::Bytes amount);
  [[nodiscard]] base::Time Learnt(base::Time t) const;
  void Hold(base::Time t, std::string line);
  void Flush(base::Time until, const Sink& sink);
  void Problem(const Name& name, std::string_view what);

  ImportSelection selection_;
  const model::SignatureRules& rules_;
  std::map<std::string, std::string, std::less<>> names_;  // of a series' label, in Kubernetes
  std::map<Name, Pod> pods_;
  std::map<Name, Driver> drivers_;          // by namespace and application, those in the log
  std::map<std::string, base::Time> gone_;  // UIDs in the log, until the log has forgotten them
  std::map<std::string, std::set<std::string>> clusters_;  // values by label
  // Applications' whole names by namespace and label, where that was cut; empty: several.
  std::map<Name, std::string> cut_names_;
  base::Time now_{};
  std::multimap<base::Time, std::string> held_;  // lines, until none can come before them
  ImportCounts counts_;
  std::vector<std::string> problems_;
};

}  // namespace sparkfit::replay
