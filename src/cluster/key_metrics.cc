// SPDX-License-Identifier: Apache-2.0
#include "key_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <vector>

#include "sparkfit/exposition/writer.h"

namespace sparkfit::cluster {
namespace {

using base::Bytes;
using controller::KeyRecommendation;
using exposition::Label;
using exposition::Writer;
using Rows = std::map<model::Key, KeyRecommendation>;
using Value = std::optional<double>;

Value Of(const std::optional<Bytes>& amount) {
  return amount ? Value(static_cast<double>(amount->value)) : std::nullopt;
}

Value Positive(Bytes amount) {
  return amount.value > 0 ? Value(static_cast<double>(amount.value)) : std::nullopt;
}

// One series of every key that has a value; `more` tells the series of a family apart.
void Series(Writer& writer, const Rows& rows, const std::vector<Label>& more,
            const std::function<Value(const KeyRecommendation&)>& value) {
  std::vector<Label> labels{{"namespace", {}}, {"signature", {}}, {"profile", {}}};
  labels.insert(labels.end(), more.begin(), more.end());
  for (const auto& [key, row] : rows) {
    const auto number = value(row);
    if (!number) continue;
    const auto profile = std::to_string(key.profile);
    labels[0].value = key.name_space;
    labels[1].value = key.signature;
    labels[2].value = profile;
    writer.Sample(labels, *number);
  }
}

void Recommendations(Writer& writer, const Rows& rows) {
  using recommend::Recommendation;
  struct Bound {
    const char* name;
    std::optional<Bytes> Recommendation::*amount;
  };
  static constexpr std::array<Bound, 4> kBounds{{{"target", &Recommendation::target},
                                                 {"lower", &Recommendation::lower},
                                                 {"upper", &Recommendation::upper},
                                                 {"uncapped", &Recommendation::uncapped}}};
  writer.Family(
      "sparkfit_recommendation_memory_bytes",
      "Recommended memory of an executor; bound: target, lower, upper, uncapped (what the policy "
      "said before bounds and safety).",
      "gauge");
  for (const auto& bound : kBounds) {
    Series(writer, rows, {Label{"bound", bound.name}},
           [&](const auto& row) { return Of(row.recommendation.*bound.amount); });
  }
  writer.Family("sparkfit_recommendation_heap_bytes", "The target's heap.", "gauge");
  Series(writer, rows, {}, [](const auto& row) {
    return row.recommendation.split ? Positive(row.recommendation.split->heap) : std::nullopt;
  });
  writer.Family("sparkfit_recommendation_overhead_bytes", "The target's overhead.", "gauge");
  Series(writer, rows, {}, [](const auto& row) {
    return row.recommendation.split ? Positive(row.recommendation.split->overhead) : std::nullopt;
  });
}

void Trials(Writer& writer, const Rows& rows) {
  writer.Family("sparkfit_trial_memory_bytes",
                "What the next run tries of a part of an executor, in mode Initial; part: heap, "
                "outside. No series: nothing is tried.",
                "gauge");
  for (const auto part : {model::Part::kHeap, model::Part::kOutside}) {
    Series(writer, rows, {Label{"part", model::Name(part)}}, [part](const auto& row) {
      const auto& trial = row.recommendation.next.trial;
      return trial && trial->part == part ? Positive(model::SizeOf(trial->size, part))
                                          : std::nullopt;
    });
  }
}

// Over the executors that run now.
Value LargestRunning(const KeyRecommendation& row, Bytes model::Executor::*amount) {
  Bytes largest;
  for (const auto& [uid, executor] : row.history->Executors()) {
    if (!executor.ended) largest = std::max(largest, executor.*amount);
  }
  return Positive(largest);
}

void Executors(Writer& writer, const Rows& rows) {
  writer.Family("sparkfit_executor_memory_requested_bytes",
                "Largest memory request among running executors.", "gauge");
  Series(writer, rows, {},
         [](const auto& row) { return LargestRunning(row, &model::Executor::request); });
  writer.Family("sparkfit_executor_memory_used_bytes",
                "Largest working set among running executors.", "gauge");
  Series(writer, rows, {},
         [](const auto& row) { return LargestRunning(row, &model::Executor::last_used); });
  writer.Family("sparkfit_executors", "Running executors.", "gauge");
  Series(writer, rows, {}, [](const auto& row) {
    const auto& all = row.history->Executors();
    return static_cast<double>(std::count_if(
        all.begin(), all.end(), [](const auto& entry) { return !entry.second.ended; }));
  });
}

// Executors that may still be sampled: their coverage is not final, and a counter must not fall.
std::uint64_t Unfinished(const KeyRecommendation& row, std::size_t coverage) {
  const auto& all = row.history->Executors();
  return static_cast<std::uint64_t>(std::count_if(all.begin(), all.end(), [&](const auto& entry) {
    return static_cast<std::size_t>(entry.second.GetCoverage()) == coverage;
  }));
}

void Totals(Writer& writer, const Rows& rows) {
  writer.Family(
      "sparkfit_executors_observed_total",
      "Executors, a minute after their end, by distinct usage samples; coverage: none, few (1-2), "
      "many (3 or more).",
      "counter");
  static constexpr std::array<const char*, 3> kCoverage{"none", "few", "many"};
  for (std::size_t i = 0; i < kCoverage.size(); ++i) {
    Series(writer, rows, {Label{"coverage", kCoverage.at(i)}}, [i](const auto& row) {
      return static_cast<double>(row.history->Totals().coverage.at(i) - Unfinished(row, i));
    });
  }
  writer.Family("sparkfit_executor_ooms_total",
                "Executors that died of an OOM; kind: container, heap.", "counter");
  Series(writer, rows, {Label{"kind", "container"}},
         [](const auto& row) { return static_cast<double>(row.history->Totals().container_ooms); });
  Series(writer, rows, {Label{"kind", "heap"}},
         [](const auto& row) { return static_cast<double>(row.history->Totals().heap_ooms); });
  writer.Family("sparkfit_executor_unknown_ends_total",
                "Executors whose container ended and nothing tells why; they raise nothing.",
                "counter");
  Series(writer, rows, {},
         [](const auto& row) { return static_cast<double>(row.history->Totals().unknown_ends); });
}

// Two names of a family of amounts that are known in GiB-hours. Byte-seconds are made of
// Prometheus' base units; the other goes with the next release.
struct AmountNames {
  const char* byte_seconds;
  const char* gib_hours;
};

constexpr double kByteSeconds = 3600.0 * (1 << 30);  // of a GiB-hour

// `series` writes all samples, each times `unit`.
void Amounts(Writer& writer, const AmountNames& names, std::string_view help, bool legacy_names,
             const std::function<void(double unit)>& series) {
  writer.Family(names.byte_seconds, help, "counter");
  series(kByteSeconds);
  if (!legacy_names) return;
  writer.Family(names.gib_hours, fmt::format("Deprecated: {} in GiB-hours.", names.byte_seconds),
                "counter");
  series(1);
}

void Savings(Writer& writer, const Rows& rows, bool legacy_names) {
  using model::Savings;
  Amounts(writer, {"sparkfit_savings_byte_seconds_total", "sparkfit_savings_gib_hours_total"},
          "Executor lifetime times (request - target at its start); kind: possible, realised, "
          "extra (the target was larger).",
          legacy_names, [&](double unit) {
            const auto kind = [&](const char* name, double Savings::*amount) {
              Series(writer, rows, {Label{"kind", name}},
                     [=](const auto& row) { return row.history->Totals().savings.*amount * unit; });
            };
            kind("possible", &Savings::possible);
            kind("realised", &Savings::realised);
            kind("extra", &Savings::extra);
          });
}

void PastAdvice(Writer& writer, const Rows& rows, bool legacy_names) {
  using model::Accuracy;
  const auto counted = [&](const char* covered, const char* sized, Accuracy::Runs Accuracy::*runs,
                           std::uint32_t Accuracy::Runs::*number) {
    Series(writer, rows, {{"covered", covered}, {"sized", sized}}, [=](const auto& row) {
      return static_cast<double>(row.history->PastAdvice().Sums().*runs.*number);
    });
  };
  writer.Family(
      "sparkfit_advice_runs_total",
      "Runs that are over and judged; covered: true where no executor needed more than the "
      "target in force when it started; sized: true where it ran with it, else it was "
      "judged by what the target would have done.",
      "counter");
  counted("true", "true", &Accuracy::sized, &Accuracy::Runs::covered);
  counted("false", "true", &Accuracy::sized, &Accuracy::Runs::lacking);
  counted("true", "false", &Accuracy::submitted, &Accuracy::Runs::covered);
  counted("false", "false", &Accuracy::submitted, &Accuracy::Runs::lacking);
  writer.Family("sparkfit_advice_lacking_runs_total",
                "Runs that are over and in which an executor needed more of a part than was "
                "advised; part: heap, outside (of it).",
                "counter");
  for (const auto part : {model::Part::kHeap, model::Part::kOutside}) {
    Series(writer, rows, {{"part", model::Name(part)}}, [=](const auto& row) {
      const auto& lacking = row.history->PastAdvice().Sums().lacking;
      return static_cast<double>(lacking.at(static_cast<std::size_t>(part)));
    });
  }
  const auto amount = [&](const AmountNames& names, const char* help, double Accuracy::*sum) {
    Amounts(writer, names, help, legacy_names, [&](double unit) {
      Series(writer, rows, {},
             [=](const auto& row) { return row.history->PastAdvice().Sums().*sum * unit; });
    });
  };
  amount({"sparkfit_advice_waste_byte_seconds_total", "sparkfit_advice_waste_gib_hours_total"},
         "Advised and not used, of covered runs.", &Accuracy::waste);
  amount({"sparkfit_advice_missing_byte_seconds_total", "sparkfit_advice_missing_gib_hours_total"},
         "Needed above what was advised, of runs that were not covered.", &Accuracy::missing);
  amount({"sparkfit_advice_regret_byte_seconds_total", "sparkfit_advice_regret_gib_hours_total"},
         "What past advice cost above the best size of each run, known afterwards.",
         &Accuracy::regret);
}

// The names that EMR on EKS documents for its dashboards; the largest of a signature's profiles.
void Compatibility(Writer& writer, const Rows& rows) {
  struct Bound {
    const char* name;
    std::optional<Bytes> recommend::Recommendation::*amount;
  };
  for (const auto& bound :
       {Bound{"kube_customresource_vpa_spark_rec_memory_target",
              &recommend::Recommendation::target},
        Bound{"kube_customresource_vpa_spark_rec_memory_lower", &recommend::Recommendation::lower},
        Bound{"kube_customresource_vpa_spark_rec_memory_upper",
              &recommend::Recommendation::upper}}) {
    writer.Family(bound.name, "Recommended memory of an executor, largest over profiles.", "gauge");
    for (auto row = rows.begin(); row != rows.end();) {
      const auto& key = row->first;
      std::optional<Bytes> largest;
      for (; row != rows.end() && row->first.name_space == key.name_space &&
             row->first.signature == key.signature;
           ++row) {
        largest = std::max(largest, row->second.recommendation.*bound.amount);
      }
      if (!largest) continue;
      writer.Sample({{"namespace", key.name_space}, {"signature", key.signature}},
                    static_cast<double>(largest->value));
    }
  }
}

}  // namespace

std::string KeyMetrics(const Rows& rows, const std::map<std::string, std::uint64_t>& refused,
                       bool legacy_names, std::size_t expected) {
  Writer writer(expected);
  Recommendations(writer, rows);
  Trials(writer, rows);
  Executors(writer, rows);
  Totals(writer, rows);
  Savings(writer, rows, legacy_names);
  PastAdvice(writer, rows, legacy_names);
  Compatibility(writer, rows);
  writer.Family("sparkfit_executors_refused_total",
                "Executors that are not observed because their namespace has too many signatures.",
                "counter");
  for (const auto& [name_space, executors] : refused) {
    writer.Sample({{"namespace", name_space}}, static_cast<double>(executors));
  }
  return std::move(writer).Take();
}

}  // namespace sparkfit::cluster
